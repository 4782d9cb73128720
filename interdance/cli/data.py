"""``interdance data``: other people's data sets, and single files, as takes of ours; takes of ours as files of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from interdance import config
from interdance.cli.options import Project, processes
from interdance.cli.progress import progress
from interdance.errors import InputError
from interdance.files import write_json

data = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Import, fit and export motion data.")

Source = Annotated[str, typer.Argument(help="Whose layout it is; `interdance data sources` lists them.")]


@data.command()
def sources() -> None:
    """List the data sets that can be imported, each with the folder layout it expects."""
    from interdance.importers.registry import IMPORTERS, find_importer

    table = Table(show_lines=True)
    table.add_column("source")
    table.add_column("layout", overflow="fold")
    for name in IMPORTERS:
        table.add_row(name, find_importer(name).LAYOUT.strip())
    Console().print(table)


@data.command()
def representations() -> None:
    """List the ways a dancer can be written as numbers (encode.representation), and what each holds (Table 2)."""
    from interdance.body.model import Body
    from interdance.representation.registry import REPRESENTATIONS, make_representation

    table = Table(padding=(0, 0))
    for title in ("", "channels", "positions", "joints", "hands", "surface", "canonical", "labels"):
        table.add_column(title, no_wrap=True)
    for name in REPRESENTATIONS:
        kind = make_representation(name, Body.load())
        holds = (kind.position_space, kind.has_joints, kind.has_hands, kind.has_surface, kind.canonical, kind.num_labels > 0)
        table.add_row(name, str(kind.width), *("yes" if held else "" for held in holds))
    Console().print(table)


@data.command("import")
def import_(
    source: Source,
    folder: Annotated[Path, typer.Argument(help="The data set.")],
    out: Annotated[Path, typer.Option(help="Folder of takes to write, replaced whole.")],
    music: Annotated[Path | None, typer.Option(help="Folder of the songs, when the layout does not say.")] = None,
    genre: Annotated[str, typer.Option(help="Of takes whose files do not tell it.")] = "unknown",
    take: Annotated[list[str] | None, typer.Option(help="These takes only; give it again for each.")] = None,
    workers: Annotated[int | None, processes("data")] = None,
    root: Project = Path("."),
) -> None:
    """Import a data set: takes of one form, cut, inspected; what cannot be used is left out and said."""
    params = config.load(root / "params.yaml")
    from interdance.importers.run import Reading, import_takes

    reading = Reading(source, params.body.model, params.data.fps, genre, params.music.tolerance_s, params.quality)
    with progress(source) as tell:
        names = import_takes(
            folder,
            out,
            reading,
            music=music,
            takes=take or (),
            workers=workers or params.data.workers,
            progress=tell,
        )
    typer.echo(f"{out}: {len(names)} takes; {out / 'import.json'} says what was left out and why")


@data.command()
def export(
    source: Source,
    takes: Annotated[Path, typer.Argument(help="Folder of takes of ours.")],
    out: Annotated[Path, typer.Option(help="Folder to write in.")],
    root: Project = Path("."),
) -> None:
    """Write takes in the layout of another data set."""
    params = config.load(root / "params.yaml")
    from interdance.body.model import Body
    from interdance.importers.registry import find_importer
    from interdance.takes import TakesIn

    importer, duets = find_importer(source), TakesIn(takes)
    if not duets:
        raise InputError(f"{takes}: no take in it; name a folder with <take>/take.json")
    importer.write(out, duets, Body.load(params.body.model))
    typer.echo(f"{out}: {len(duets)} takes")


@data.command()
def fit(
    file: Annotated[Path, typer.Argument(help="Markers (.c3d), joint positions (.npy), a skeleton (.bvh) or SMPL-X (.npz).")],
    out: Annotated[Path, typer.Option(help="The dancer as SMPL-X parameters (.npz).")],
    markers: Annotated[str | None, typer.Option(help="Marker set: name or YAML file. (default: by marker names)")] = None,
    mapping: Annotated[str | None, typer.Option(help="How a .bvh is read: name or YAML. (default: by joint names)")] = None,
    joints: Annotated[Path | None, typer.Option(help="Which joints a .npy holds (.json). (default: by their number)")] = None,
    up: Annotated[str, typer.Option(help="Which axis of the file is up: auto, y, z, -y ...")] = "auto",
    unit: Annotated[str | None, typer.Option(help="Of the file: mm, cm, m, in. (default: as it says, or looks)")] = None,
    subject: Annotated[str | None, typer.Option(help="Whose markers, when a file holds several people.")] = None,
    rate: Annotated[float | None, typer.Option(help="Frames per second of the file, when it is silent or wrong.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write residuals and what was detected here (.json).")] = None,
    root: Project = Path("."),
) -> None:
    """Fit the body to one dancer's file, at the file's own rate, and say how well it fits."""
    if out.suffix != ".npz":
        raise InputError(f"{out}: a name that ends in .npz is needed")
    params = config.load(root / "params.yaml")
    from interdance.body.model import Body
    from interdance.mocap.capture import fit_file
    from interdance.takes import write_motion

    body = Body.load(params.body.model)
    fitted = fit_file(
        file, body, marker_set=markers, mapping=mapping, joint_map=joints, up=up, unit=unit, rate=rate, subject=subject
    )
    write_motion(out, fitted.motion)
    if report is not None:
        write_json(report, fitted.facts)
    typer.echo(f"{out}: {fitted.motion.num_frames} frames at {fitted.motion.fps:g} per second; {fitted.sentence}")
