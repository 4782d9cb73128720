"""The command ``interdance``: parses, calls, prints."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from interdance import config
from interdance.config import Paths
from interdance.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Given music and a leader's dance, generate the follower: body, fingers and surface.",
)

Root = Annotated[
    Path, typer.Option("--root", help="The project, or a run below runs/: its params.yaml and its model are used.")
]


@app.command()
def generate(
    leader: Annotated[Path, typer.Option(help="The leader's motion: .bvh, or SMPL-X parameters as .npz.")],
    music: Annotated[Path, typer.Option(help="The song, from the leader's first frame on: .ogg, .wav, .mp3 or .flac.")],
    out: Annotated[Path, typer.Option(help="Folder for the follower (.npz), its points, a page and a video.")],
    model: Annotated[Path | None, typer.Option(help="Folder of a trained model. [default: models/denoiser]")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another follower. [default: sample.seed]")] = None,
    mapping: Annotated[
        str | None, typer.Option(help="How a .bvh is read: name or YAML file. [default: by joint names]")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    root: Root = Path("."),
) -> None:
    """Generate the follower for a leader and a song."""
    params = config.load(root / "params.yaml")
    from interdance.generation.files import generate_files

    generate_files(
        leader,
        music,
        out,
        model or Paths(root).model,
        params,
        params.sample.seed if seed is None else seed,
        mapping,
        device=device,
    )
    typer.echo(f"{out}: the follower, its points, a page and a video")


@app.command()
def run(
    stages: Annotated[list[str] | None, typer.Argument(help="Stages to bring up to date, with what they need.")] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="YAML laid over params.yaml, such as configs/salsa.yaml.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Folder below runs/. [default: the overlay's name]")] = None,
) -> None:
    """Bring the pipeline up to date, stage by stage; with an overlay in a private folder below runs/."""
    from interdance import workspace
    from interdance.stages import STAGES

    unknown = [stage for stage in stages or [] if stage not in STAGES]
    if unknown:
        raise InputError(f"{unknown[0]}: no such stage; known: {', '.join(STAGES)}")
    root = workspace.prepare(workspace.find_project(Path.cwd()), overlay, name)
    workspace.reproduce(root, *(stages or []), say=typer.echo)
    page = Paths(root).reports / "index.html"
    if page.exists():
        typer.echo(f"report: {page}")


@app.command()
def evaluate(
    overlay: Annotated[Path | None, typer.Option(help="YAML laid over params.yaml.")] = None,
    name: Annotated[str | None, typer.Option(help="Folder below runs/. [default: the overlay's name]")] = None,
) -> None:
    """Bring the measured figures up to date and print them."""
    from interdance import tracking, workspace

    root = workspace.prepare(workspace.find_project(Path.cwd()), overlay, name)
    workspace.reproduce(root, "evaluate", say=lambda line: typer.echo(line, err=True))
    for row in tracking.read_metrics(Paths(root)):
        typer.echo(f"{row.name:60s} {row.value:12.4f}")


@app.command()
def view(
    leader: Annotated[Path, typer.Option(help="The leader as .npz.")],
    out: Annotated[Path, typer.Option(help="A page (.html) or a video (.mp4).")],
    follower: Annotated[
        list[Path] | None, typer.Option(help="A follower as .npz; a page may have several, a video shows the first.")
    ] = None,
    music: Annotated[Path | None, typer.Option(help="The song.")] = None,
    root: Root = Path("."),
) -> None:
    """Show dancers: a self-contained page in 3D, or a video with sound."""
    if out.suffix not in (".html", ".mp4"):
        raise InputError(f"{out}: a name that ends in .html or .mp4 is needed")
    params = config.load(root / "params.yaml")
    from interdance.body.model import Body
    from interdance.export.page import write_page
    from interdance.export.video import write_video
    from interdance.takes import read_motion

    guide = read_motion(leader)
    named = {path.parent.name if path.stem == "follower" else path.stem: path for path in follower or []}
    followers = {name: read_motion(path) for name, path in named.items()}
    body = Body.load(params.body.model)
    if out.suffix == ".html":
        write_page(out, guide, followers, body, music, title=leader.stem)
    else:
        size = params.report
        first = next(iter(followers.values()), None)
        write_video(out, guide, first, body, music, width=size.video_width, height=size.video_height)
    typer.echo(str(out))


@app.command()
def sync(root: Root = Path(".")) -> None:
    """Send records that wait in the journals to MLflow."""
    from interdance import tracking

    unsent = tracking.sync(Paths(root))
    for identity, count in unsent.items():
        typer.echo(f"{identity}: {count} points unsent")
    if any(unsent.values()):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line. What a user can cure becomes one sentence on stderr and exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        app()
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
