"""What every importer gives: the takes it found, and what the files of one of them hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from interdance.body.model import Body
from interdance.takes import Duet, Motion


@dataclass(frozen=True)
class Source:
    """One take of a data set, before it is read.

    Attributes
    ----------
    name : str
        Unique in the set: letters, digits, ``_`` and ``-`` (:func:`safe_name`).
    genre : str
        ``unknown`` where the set does not say.
    leader, follower : Path
        The files of the dancers. ``follower`` is None in a set of solo dances, and where one file holds both.
    music : Path or None
        The song.
    others : tuple of Path
        What else is read for the take: a change of any of them makes it anew.
    facts : dict
        What was published about the take and is worth keeping (its part of a published split, say); fit for JSON.
    """

    name: str
    genre: str
    leader: Path
    follower: Path | None = None
    music: Path | None = None
    others: tuple[Path, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """What the files of a take hold: SMPL-X motions at the files' own rate, +Y up, metres, and facts fit for JSON."""

    leader: Motion
    follower: Motion | None
    facts: dict[str, Any] = field(default_factory=dict)


class Importer(Protocol):
    """The functions that each module of this room has.

    Attributes
    ----------
    LAYOUT : str
        The folder layout that the module expects, as it is shown to people.
    """

    LAYOUT: str

    def find(self, folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
        """The takes of a folder, sorted by name, and for what was left out the reason.

        Raises :class:`~interdance.errors.InputError` for a missing folder, or one that holds nothing of the set.
        """

    def read(self, source: Source, body: Body) -> Recording:
        """Read one take. Raises :class:`~interdance.errors.InputError` for a defective file."""

    def write(self, folder: Path, duets: Sequence[Duet], body: Body) -> None:
        """Write duets in the published format."""


def safe_name(text: str) -> str:
    """A name of letters, digits, ``_`` and ``-`` for whatever a data set calls a take."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "take"
