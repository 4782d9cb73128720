"""The commands; ``interdance data`` and ``interdance study`` have their own in modules of those names."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from interdance import config
from interdance.cli.data import data
from interdance.cli.options import (
    Fps,
    Overlay,
    Root,
    RunName,
    Songs,
    TakesFolder,
    UpAxis,
    items,
    named_folders,
    one_of,
    port_of,
    processes,
)
from interdance.cli.progress import progress
from interdance.cli.study import study
from interdance.config import Paths
from interdance.errors import InputError
from interdance.files import atomic_path, read_json, write_json

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Given music and a leader's dance, generate the follower: body, fingers and surface.",
)

# Chapters of `interdance --help`, in the order in which one comes to them.
DATA, TRAIN, GENERATE = "Data", "Train and search", "Generate, watch, take home"
EVALUATE, RECORDS = "Evaluate", "Models and records"
app.add_typer(data, name="data", rich_help_panel=DATA)
app.add_typer(study, name="study", rich_help_panel=EVALUATE)


@app.command(rich_help_panel=DATA)
def inspect(
    folder: TakesFolder,
    json: Annotated[Path | None, typer.Option(help="Write what was found here (.json).")] = None,
    page: Annotated[Path | None, typer.Option(help="Write a page here (.html).")] = None,
    workers: Annotated[int | None, processes("datacard")] = None,
    root: Root = Path("."),
) -> None:
    """List the defects of every take, with frame ranges, and which takes are too defective to use."""
    params = config.load(root / "params.yaml")
    from interdance.body.model import Body
    from interdance.quality.folder import inspect_folder
    from interdance.report.inspection import inspection_html, inspection_summary, inspection_table

    with progress(folder.name) as tell:
        inspection = inspect_folder(
            folder,
            Body.load(params.body.model),
            params.quality,
            workers or params.datacard.workers,
            progress=tell,
        ).as_dict()
    Console().print(inspection_table(inspection))
    typer.echo(inspection_summary(inspection))
    if json is not None:
        write_json(json, inspection)
    if page is not None:
        with atomic_path(page) as temporary:
            temporary.write_text(inspection_html(inspection), encoding="utf-8")


@app.command(rich_help_panel=DATA)
def card(
    folder: TakesFolder,
    out: Annotated[Path, typer.Option(help="Folder for card.json, card.html and samples.png.")],
    name: Annotated[str, typer.Option(help="Of the data set. (default: the folder's)")] = "",
    workers: Annotated[int | None, processes("datacard")] = None,
    root: Root = Path("."),
) -> None:
    """Measure a data set: the paper's Table 1, genres, tempo, contact, penetration, skating, and a picture of samples."""
    params = config.load(root / "params.yaml")
    from interdance.body.model import Body
    from interdance.datacard.card import make_card, write_card
    from interdance.datacard.measure import Settings
    from interdance.report.datacard import card_figures, card_genres, card_table

    body = Body.load(params.body.model)
    with progress(folder.name) as tell:
        made = make_card(
            folder,
            body,
            Settings.of(params),
            name=name,
            workers=workers or params.datacard.workers,
            progress=tell,
        )
    for table in (card_table(made), card_figures(made), card_genres(made)):
        Console().print(table)
    for path in write_card(out, made, folder, body):
        typer.echo(str(path))


@app.command(rich_help_panel=TRAIN)
def run(
    stages: Annotated[list[str] | None, typer.Argument(help="Stages to bring up to date, with what they need.")] = None,
    overlay: Overlay = None,
    name: RunName = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that train together, here or on the Ray cluster of RAY_ADDRESS.")
    ] = 1,
) -> None:
    """Bring the pipeline up to date, stage by stage; with an overlay in a private folder below runs/."""
    from interdance import workspace
    from interdance.stages import STAGES

    unknown = [stage for stage in stages or [] if stage.partition("@")[0] not in STAGES]
    if unknown:
        raise InputError(f"{unknown[0]}: no such stage; known: {', '.join(STAGES)}")
    root = workspace.prepare(workspace.find_project(Path.cwd()), *(overlay or ()), name=name)
    workspace.reproduce(root, *(stages or []), say=typer.echo, environment={"INTERDANCE_WORKERS": str(workers)})
    figures, page = Paths(root).metrics / "evaluate.json", Paths(root).reports / "index.html"
    if figures.exists() and (not stages or {"evaluate", "report"} & set(stages)):
        from interdance.report.tables import console_table

        Console().print(console_table(read_json(figures)))
    if page.exists():
        typer.echo(f"report: {page}")


@app.command(rich_help_panel=TRAIN)
def sweep(
    plan: Annotated[Path, typer.Argument(help="What is searched for and how, such as configs/sweep/small.yaml.")],
    overlay: Overlay = None,
    name: RunName = None,
) -> None:
    """Search settings of the training: trials side by side on this machine, or on the Ray cluster of RAY_ADDRESS."""
    from interdance import workspace
    from interdance.report.tables import console_rows
    from interdance.sweep import read_plan, table
    from interdance.sweep import sweep as run_sweep

    found = read_plan(plan)
    root = workspace.prepare(workspace.find_project(Path.cwd()), *(overlay or ()), name=name)
    workspace.reproduce(root, "statistics", say=typer.echo)
    folder, outcomes = run_sweep(root, found, plan.stem)
    shown = len(found.space) + 3
    heads, *rows = (row[:shown] for row in table(outcomes, found))
    Console().print(console_rows([head.replace(".", ".\n").replace("/", "/\n") for head in heads], rows))
    typer.echo(f"trials: {folder / 'trials.csv'}")
    if (folder / "best.yaml").exists():
        typer.echo(f"train with the best settings: interdance run --overlay {os.path.relpath(folder / 'best.yaml')}")


@app.command(rich_help_panel=TRAIN)
def ablate(
    rows: Annotated[
        list[str], typer.Argument(help="Tables (representation, losses, guidance, signals, sampling), or rows: losses.dm.")
    ],
    overlay: Overlay = None,
    name: RunName = None,
    seeds: Annotated[str, typer.Option(help="Of training and sampling, by commas.")] = "1,2,3",
    workers: Annotated[int | None, typer.Option(help="Trainings side by side. (default: data.workers)")] = None,
) -> None:
    """Train the rows of an ablation table over seeds on the same takes, and measure them side by side."""
    from interdance import workspace
    from interdance.ablation import ablate as run_ablation
    from interdance.ablation import read_settings
    from interdance.report.tables import console_table

    project = workspace.find_project(Path.cwd())
    root = workspace.prepare(project, *(overlay or ()), name=name)
    settings = read_settings(root / "params.yaml", project / "configs" / "ablation", rows)
    if not all(part.strip().isdigit() for part in seeds.split(",")):
        raise InputError(f"--seeds {seeds}: whole numbers by commas are needed, such as 1,2,3")
    workspace.reproduce(root, "music", "split", "reference", say=typer.echo)
    numbers = sorted({int(part) for part in seeds.split(",")})
    with progress("ablation") as tell:
        evaluation = run_ablation(root, settings, numbers, workers or config.load(root / "params.yaml").data.workers, tell)
    Console().print(console_table(evaluation.summary))
    typer.echo(f"tables: {root / 'ablation' / 'index.html'}")


@app.command(rich_help_panel=GENERATE)
def generate(
    music: Annotated[Path, typer.Option(help="The song, from the leader's first frame on: .ogg, .wav, .mp3 or .flac.")],
    out: Annotated[Path, typer.Option(help="Folder for the follower (.npz), its points, a page and a video.")],
    leader: Annotated[
        Path | None,
        typer.Option(help="The leader's motion: .bvh, or SMPL-X parameters as .npz. Left out for a model of duets."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Folder of a trained model, or champion or challenger. (default: models/denoiser)")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Another seed, another follower. (default: the first of sample.seeds)")
    ] = None,
    mapping: Annotated[
        str | None, typer.Option(help="How a .bvh is read: name or YAML file. (default: by joint names)")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    edit: Annotated[
        Path | None, typer.Option(help="A follower, .npz or .bvh, of whom parts are kept: --keep or --fill says which.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="By commas: seconds START-END, either may be left out (0-2, 8-); joints or groups of them in every frame "
            "(left_hand, arms, upper_body, head); path, the root's place and facing. May be given again."
        ),
    ] = None,
    fill: Annotated[
        list[str] | None, typer.Option(help="By commas: joints or groups to make anew; all others are kept.")
    ] = None,
    num_samples: Annotated[
        int, typer.Option(help="Followers, with seeds from the one on; the best goes first, the others to sample_<seed>/.")
    ] = 1,
    clean: Annotated[
        bool, typer.Option("--clean", help="Free the follower of jitter, of sliding feet and of feet below the floor.")
    ] = False,
    root: Root = Path("."),
) -> None:
    """Generate the follower for a leader and a song, or a couple for a song alone."""
    params = config.load(root / "params.yaml")
    from interdance.generation.edit import Wish
    from interdance.generation.files import generate_files

    if edit is None and (keep or fill):
        raise InputError("--keep and --fill: of which follower? name her file with --edit")
    generate_files(
        leader,
        music,
        out,
        _model_of(model, root),
        params,
        params.sample.seeds[0] if seed is None else seed,
        mapping,
        device=device,
        wish=Wish(edit, items(keep), items(fill)) if edit else None,
        num_samples=num_samples,
        clean=clean,
    )
    typer.echo(f"{out}: the follower, its points, a page and a video")


@app.command(rich_help_panel=GENERATE)
def studio(
    port: Annotated[int | None, port_of("studio")] = None,
    host: Annotated[str, typer.Option(help="To serve from; any but the loopback lets other machines in.")] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        typer.Option(help="Another name that browsers call it by, such as a proxy's; give it again for more."),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    root: Root = Path("."),
) -> None:
    """Open the studio in the browser: upload a leader and a song, generate, watch, compare, take home. Ctrl-C ends it."""
    params = config.load(root / "params.yaml")
    from interdance.studio.app import open_studio

    def ready(address: str) -> None:
        typer.echo(f"studio: {address}")
        if not Paths(root).model.is_dir():
            typer.echo("no model is trained here yet: `make demo` or `interdance run` trains one, and the studio will find it")
        if open_:
            typer.launch(address)

    open_studio(root, params, host, params.studio.port if port is None else port, ready, name or [])


@app.command(rich_help_panel=GENERATE)
def view(
    leader: Annotated[Path, typer.Option(help="The leader as .npz.")],
    out: Annotated[Path, typer.Option(help="The page (.html).")],
    follower: Annotated[list[Path] | None, typer.Option(help="A follower as .npz; give it again for others to choose.")] = None,
    music: Annotated[Path | None, typer.Option(help="The song.")] = None,
    root: Root = Path("."),
) -> None:
    """Show dancers on a self-contained page in 3D."""
    if out.suffix != ".html":
        raise InputError(f"{out}: a name that ends in .html is needed; `interdance export` writes films and other files")
    params = config.load(root / "params.yaml")
    from interdance.evaluation.files import write_motions
    from interdance.evaluation.project import reading_of, settings_of

    write_motions(out, leader, follower or [], music, settings_of(params), reading_of(params))
    typer.echo(str(out))


@app.command(rich_help_panel=GENERATE)
def export(
    out: Annotated[
        list[Path],
        typer.Option(
            help="What to write, by its suffix; give it again for more. With all dancers: .glb, a skinned and animated scene; "
            ".mp4, a film with sound; .png, a sheet of stills. For each dancer, as NAME_leader and NAME_follower: .bvh; .npz, "
            "SMPL-X parameters."
        ),
    ],
    from_: Annotated[
        Path | None, typer.Option("--from", help="A folder that `interdance generate` wrote, or a take: dancers and song.")
    ] = None,
    leader: Annotated[Path | None, typer.Option(help="The leader as .npz.")] = None,
    follower: Annotated[list[Path] | None, typer.Option(help="A follower as .npz; give it again for more.")] = None,
    music: Annotated[Path | None, typer.Option(help="The song of a film.")] = None,
    views: Annotated[
        str,
        typer.Option(
            help="Of films and stills, by commas; several share the picture. follow goes with the couple; front, back, side "
            "and top stand still; orbit walks around them."
        ),
    ] = "follow",
    pictures: Annotated[int, typer.Option(help="Stills of a sheet, spread evenly over the dance.")] = 12,
    at: Annotated[str | None, typer.Option(help="Seconds of the stills, by commas, instead.")] = None,
    root: Root = Path("."),
) -> None:
    """Export dancers to Blender, Unity, three.js and others (docs/export.md), or draw them: .glb, .bvh, .npz, .mp4, .png."""
    params = config.load(root / "params.yaml")
    from interdance.body.model import Body
    from interdance.export.files import Look, Sources, export_files

    if music is not None and not music.is_file():  # a mistake also where nothing that is written has sound
        raise InputError(f"--music {music}: no such file")
    given = Sources.of_folder(from_) if from_ else Sources(None, (), None)
    sources = Sources(leader or given.leader, tuple(follower or given.followers), music or given.music)
    moments = tuple(_seconds(word) for word in items([at])) if at is not None else None
    look = Look(tuple(items([views])), params.report.video_width, params.report.video_height, pictures, moments)
    body = Body.load(params.body.model)
    with progress("export") as tell:
        written = export_files(out, sources, body, look, tolerance_s=params.music.tolerance_s, progress=tell)
    for path in written:
        typer.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


@app.command(rich_help_panel=EVALUATE)
def evaluate(
    generated: Annotated[
        list[str],
        typer.Option(
            help="Folder of generated followers, or NAME=FOLDER; give it again for every system. SMPL-X .npz, joints or "
            "points as .npy, or the layout of DD100; seed_<n> folders inside are several seeds."
        ),
    ],
    reference: Annotated[
        Path, typer.Option(help="Folder of true couples, or a reference set written by `interdance reference`.")
    ],
    truth: Annotated[
        Path | None,
        typer.Option(help="Folder of the takes' true couples: leaders, songs, true followers. (default: the reference)"),
    ] = None,
    music: Songs = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures here (.json, and an .npz to compare with).")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page here (.html, with its <name>_files/).")] = None,
    surface: Annotated[str | None, typer.Option(help="sampled (655 vertices) or full. (default: evaluate.surface)")] = None,
    up: UpAxis = "auto",
    fps: Fps = None,
    samples: Annotated[int | None, typer.Option(help="Takes shown in 3D. (default: report.num_samples)")] = None,
    workers: Annotated[int | None, processes("evaluate")] = None,
    root: Root = Path("."),
) -> None:
    """Measure the followers of any system against true couples: every metric of the paper, and more."""
    params = config.load(root / "params.yaml")
    from interdance.evaluation.files import Request, evaluate_files
    from interdance.evaluation.project import reading_of, settings_of
    from interdance.evaluation.settings import Statistics, SurfaceName, Up
    from interdance.report.tables import console_table

    request = Request(
        generated=named_folders("--generated", generated, may_be_bare=True),
        reference=reference,
        truth=truth,
        music=music,
        json=json,
        report=report,
        num_samples=params.report.num_samples if samples is None else samples,
    )
    settings = replace(settings_of(params), **({"surface": one_of(SurfaceName, "--surface", surface)} if surface else {}))
    reading = replace(reading_of(params), source_fps=fps, up=one_of(Up, "--up", up))
    statistics = Statistics(params.evaluate.bootstrap, params.evaluate.seed)
    evaluation = evaluate_files(request, settings, reading, statistics, workers or params.evaluate.workers)
    Console().print(console_table(evaluation.summary))
    for line in evaluation.summary["warnings"]:
        typer.echo(f"note: {line}", err=True)
    for path in (json, report):
        if path is not None:
            typer.echo(str(path))


@app.command(rich_help_panel=EVALUATE)
def reference(
    couples: Annotated[Path, typer.Option(help="Folder of true couples, in any layout that `evaluate` reads.")],
    out: Annotated[Path, typer.Option(help="The reference set (.npz).")],
    up: UpAxis = "auto",
    fps: Fps = None,
    workers: Annotated[int | None, processes("evaluate")] = None,
    root: Root = Path("."),
) -> None:
    """Store the reference set that FID and Div are measured against: features, mean, deviation, what it was made of."""
    params = config.load(root / "params.yaml")
    from interdance.evaluation.files import make_reference
    from interdance.evaluation.project import reading_of, settings_of
    from interdance.evaluation.settings import Up

    reading = replace(reading_of(params), source_fps=fps, up=one_of(Up, "--up", up))
    made = make_reference(couples, out, settings_of(params), reading, workers or params.evaluate.workers)
    typer.echo(f"{out}: reference set {made.fingerprint}, {len(made.clips)} clips of {len(made.about['takes']['all'])} takes")


@app.command(rich_help_panel=EVALUATE)
def compare(
    one: Annotated[Path, typer.Argument(help="Figures that `evaluate --json` wrote.")],
    other: Annotated[Path, typer.Argument(help="Figures to compare them with; may be the same file.")],
    system: Annotated[str | None, typer.Option(help="System of ONE. (default: the only one)")] = None,
    against: Annotated[str | None, typer.Option(help="System of OTHER. (default: the only one)")] = None,
) -> None:
    """Compare two systems draw by draw: difference, 95 % interval, and whether it is more than chance."""
    from interdance.evaluation.record import compare_records, only_system
    from interdance.report.tables import console_differences

    mine, theirs = system or only_system(one, "--system"), against or only_system(other, "--against")
    differences = compare_records(one, mine, other, theirs)
    Console().print(console_differences(f"{mine} minus {theirs}", {name: asdict(d) for name, d in differences.items()}))


@app.command(rich_help_panel=RECORDS)
def runs(
    names: Annotated[
        list[str] | None, typer.Argument(help="Two trainings or more: run ids or fingerprints, or how they begin.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the page of a comparison. (default: compared/)")] = None,
    figures: Annotated[str, typer.Option(help="Shown in the list, by commas.")] = "FID_k,FID_cd,PR,CF,BED",
    json: Annotated[Path | None, typer.Option(help="Write the table here as well (.json).")] = None,
    root: Root = Path("."),
) -> None:
    """List the trainings that were measured, or put some side by side: parameters, figures, couples."""
    from interdance.comparison import compare_trainings, measured_trainings
    from interdance.report.tables import console_rows

    params, paths = config.load(root / "params.yaml"), Paths(root)
    if not names:
        heads, *rows = measured_trainings(paths, params.tracking.experiment, items([figures]))
        Console().print(console_rows(heads, rows))
        if json is not None:
            write_json(json, [dict(zip(heads, row, strict=True)) for row in rows])
        return
    place = out or root / "compared"
    comparison = compare_trainings(paths, params.tracking.experiment, names, place)
    Console().print(console_rows(["parameter", *comparison.names], [[key, *row] for key, row in comparison.parameters.items()]))
    if json is not None:
        write_json(json, {key: dict(zip(comparison.names, row, strict=True)) for key, row in comparison.parameters.items()})
    typer.echo(str(place / "index.html"))


@app.command(rich_help_panel=RECORDS)
def promote(
    run: Annotated[str | None, typer.Option(help="A training: MLflow's run id or the fingerprint, or how one begins.")] = None,
    best: Annotated[str | None, typer.Option(help="The training that is best in a figure, such as FID_cd.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the two were not measured alike, such as after new takes; with --run.")
    ] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Make the champion before this one champion again.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write what the gate said here as well (.json).")] = None,
    root: Root = Path("."),
) -> None:
    """Make a trained model champion if it is better than the one that is; exit code 1 if it is not."""
    from interdance.promotion import promote as put_through
    from interdance.promotion import roll_back
    from interdance.report.tables import console_rows

    params, paths = config.load(root / "params.yaml"), Paths(root)
    if rollback:
        if run or best or json:
            raise InputError("--rollback: takes no training, and there is no gate; leave --run, --best and --json out")
        was, now = roll_back(paths)
        typer.echo(f"champion: version {now.number} again (run {now.run_id}), no longer version {was.number}")
        return
    decision = put_through(params, paths, run=run, best=best, replace=replace)
    if json is not None:
        write_json(json, asdict(decision))
    if decision.differences:
        Console().print(console_rows(["figure", f"minus version {decision.champion}", "95 %", "verdict"], decision.rows()))
    for reason in decision.reasons:
        typer.echo(reason)
    typer.echo(f"version {decision.version} (run {decision.run_id}) is {'champion' if decision.promoted else 'challenger'}")
    if not decision.promoted:
        raise typer.Exit(1)


@app.command(rich_help_panel=RECORDS)
def sync(root: Root = Path(".")) -> None:
    """Send records that wait in the journals to MLflow."""
    from interdance import tracking

    unsent = tracking.sync(Paths(root))
    for identity, count in unsent.items():
        typer.echo(f"{identity}: {count} points unsent")
    if any(unsent.values()):
        raise typer.Exit(1)


@app.command(rich_help_panel=RECORDS)
def verify(
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove what is damaged: `dvc pull` or `dvc repro` brings it back.")
    ] = False,
) -> None:
    """Hash every object of DVC's cache again; exit code 1 when one is damaged."""
    from interdance import workspace

    with progress("hashing") as tell:
        found = workspace.damaged(workspace.find_project(Path.cwd()), tell)
    for path in found:
        typer.echo(f"{path}: damaged" + (", removed" if remove else ""))
        if remove:
            path.chmod(0o644)
            path.unlink()
    if found and not remove:
        typer.echo("remove them with --remove, then `dvc pull`, or make them again with `dvc repro`")
    if found:
        raise typer.Exit(1)


def _model_of(name: str | None, root: Path) -> Path:
    """The folder of the model that the command line means."""
    if name is None:
        return Paths(root).model
    if Path(name).is_dir() or Path(name).name != name:
        return Path(name)
    from interdance.registry import model_folder

    return model_folder(Paths(root), name)


def _seconds(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise InputError(f"--at {word}: seconds by commas are needed, such as 0,2.5,10") from None


def main() -> None:
    """Run the command line. What a user can cure becomes one sentence on stderr and exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        app()
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None
