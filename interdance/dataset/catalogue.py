"""Which takes there are and what is known of each, without opening their motions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interdance.errors import InputError
from interdance.files import read_json
from interdance.takes import list_takes


@dataclass(frozen=True)
class TakeFacts:
    """One take: its name, genre, length in frames, and whether somebody follows in it."""

    name: str
    genre: str
    num_frames: int
    has_follower: bool


def read_catalogue(takes: Path) -> list[TakeFacts]:
    """Facts of every take under a folder, sorted by name.

    Raises
    ------
    InputError
        When there is no take, or the facts of one are incomplete.
    """
    names = list_takes(takes)
    if not names:
        raise InputError(f"{takes}: no take in it; run the takes stage, or check data.source and data.folder")
    return [_read(takes / name) for name in names]


def total_frames(takes: list[TakeFacts]) -> int:
    """Frames of all of them."""
    return sum(take.num_frames for take in takes)


def _read(folder: Path) -> TakeFacts:
    path = folder / "take.json"
    facts: Any = read_json(path)
    for key, kind in (("name", str), ("genre", str), ("num_frames", int)):
        if not isinstance(facts, dict) or not isinstance(facts.get(key), kind):
            raise InputError(f"{path}: '{key}' is missing or no {kind.__name__}; make the take again")
    return TakeFacts(facts["name"], facts["genre"], facts["num_frames"], (folder / "follower.npz").is_file())
