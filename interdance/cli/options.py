"""Options that several commands take, each with its words; and what is read of the text of an option."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from interdance.errors import InputError

Root = Annotated[
    Path, typer.Option("--root", help="The project, or a run below runs/: its params.yaml and its model are used.")
]
Project = Annotated[Path, typer.Option("--root", help="The project whose params.yaml is used.")]

Overlay = Annotated[
    list[Path] | None, typer.Option(help="YAML laid over params.yaml, such as configs/salsa.yaml; give it again for more.")
]
RunName = Annotated[str | None, typer.Option("--name", help="Folder below runs/. (default: the overlays' names)")]

TakesFolder = Annotated[Path, typer.Argument(help="Folder of takes, as `interdance data import` and the pipeline write them.")]
Songs = Annotated[Path | None, typer.Option(help="Folder of the songs, when they lie elsewhere.")]
UpAxis = Annotated[str, typer.Option(help="Which axis of the files is up: auto, y or z.")]
Fps = Annotated[float | None, typer.Option(help="Frames per second of .npy files. (default: data.fps)")]


def processes(section: str) -> Any:
    """In how many processes a command works; how many otherwise, says that section of params.yaml."""
    return typer.Option(help=f"Processes. (default: {section}.workers)")


def port_of(section: str) -> Any:
    """At which port a command serves; at which otherwise, says that section of params.yaml."""
    return typer.Option(min=0, max=65535, help=f"0 for any that is free. (default: {section}.port)")


def items(texts: Sequence[str] | None) -> list[str]:
    """Everything named by commas, in one list."""
    return [word.strip() for text in texts or () for word in text.split(",") if word.strip()]


def one_of(words: Any, option: str, word: str) -> Any:
    """The word, if it is one of a Literal's; else :class:`InputError` names those."""
    if word not in get_args(words):
        raise InputError(f"{option} {word}: one of {', '.join(get_args(words))} is needed")
    return word


def named_folders(option: str, texts: Sequence[str], *, may_be_bare: bool = False) -> dict[str, Path]:
    """Folders by the name that NAME=FOLDER gives each; one that may be bare, and is, goes by its own.

    Raises
    ------
    InputError
        Where a name or a folder is missing, and for two of one name.
    """
    folders: dict[str, Path] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        if may_be_bare and not equals:
            name, folder = Path(text).resolve().name, text
        if not name or not folder or name in folders:
            raise InputError(f"{option} {text}: NAME=FOLDER is needed, each with a name of its own")
        folders[name] = Path(folder)
    return folders
