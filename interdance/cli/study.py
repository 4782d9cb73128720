"""``interdance study``: a blind user study, built, served and reported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from interdance import config
from interdance.cli.options import Fps, Project, Songs, named_folders, port_of
from interdance.cli.progress import progress
from interdance.errors import InputError
from interdance.files import write_json

study = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Ask people which dances they prefer, blindly (§5.1).")

Folder = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder that `interdance study build` wrote.")]
Database = Annotated[
    str | None,
    typer.Option(
        envvar="INTERDANCE_STUDY_DATABASE",
        help="postgresql://USER:PASSWORD@HOST/NAME, better named by the variable. (default: STUDY/answers.sqlite)",
        show_envvar=True,
    ),
]


@study.command()
def build(
    sets: Annotated[
        list[str],
        typer.Option(
            "--set",
            help="NAME=FOLDER of followers, in any layout that `evaluate` reads; give it again for each. The first is compared "
            "with every other (study.against). The true couples may be one.",
        ),
    ],
    reference: Annotated[Path, typer.Option(help="Folder of the true couples: leaders, songs, true followers.")],
    out: Annotated[Path, typer.Option(help="Folder of the study.")],
    music: Songs = None,
    fps: Fps = None,
    root: Project = Path("."),
) -> None:
    """Film clips of takes side by side, and plan who sees what.

    The `study` section of params.yaml says how.
    """
    params = config.load(root / "params.yaml")
    named = named_folders("--set", sets)
    from dataclasses import replace

    from interdance.evaluation.project import reading_of
    from interdance.study.build import build_study

    reading = replace(reading_of(params), source_fps=fps)
    with progress("films") as tell:
        plan = build_study(named, reference, out, params.study, float(params.data.fps), reading, music, tell)
    each = plan.num_pairs + plan.num_checks
    typer.echo(f"{out}: {len(plan.films)} films of {len(plan.clips)} clips; every participant watches {each}")
    typer.echo(f"serve it with: interdance study serve {out}")


@study.command()
def serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for phones and other machines.")] = "127.0.0.1",
    port: Annotated[int | None, port_of("study")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Name or address by which participants reach this machine; give it again for more."),
    ] = None,
    database: Database = None,
    consent: Annotated[
        Path | None, typer.Option(help="A text of your own (.txt), shown before a participant agrees to take part.")
    ] = None,
    root: Project = Path("."),
) -> None:
    """Serve the study to participants; ends when it is told to."""
    if port is None:
        port = config.load(root / "params.yaml").study.port
    from interdance.study.server import serve_study

    serve_study(folder, host, port, database=database, hosts=name or [], consent=consent, say=typer.echo)


@study.command()
def report(
    folder: Folder,
    database: Database = None,
    out: Annotated[Path | None, typer.Option(help="Folder for page, figure and tables. (default: STUDY/report)")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures here (.json).")] = None,
    root: Project = Path("."),
) -> None:
    """Say which system is preferred, and how surely.

    Also while the study is served. The page says whose answers do not count, and by which rules.
    """
    if json is not None and json.suffix != ".json":
        raise InputError(f"{json}: a name that ends in .json is needed")
    params = config.load(root / "params.yaml")
    from interdance.report.study import console_preferences
    from interdance.study.plan import read_plan
    from interdance.study.report import write_report
    from interdance.study.store import Store

    plan = read_plan(folder)
    store = Store(plan, folder, database, for_reading=True)
    try:
        records = store.records()
    finally:
        store.close()
    place = out or folder / "report"
    summary = write_report(place, plan, records, params.study)
    if json is not None:
        write_json(json, summary)
    if summary["comparisons"]:
        Console().print(console_preferences(summary))
    typer.echo(", ".join(f"{name}: {count}" for name, count in summary["participants"].items()))
    typer.echo(str(place / "index.html"))
