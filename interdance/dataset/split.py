"""Takes divided into training, validation and test, genre by genre, in the paper's proportions (§3.2).

Whole takes are divided, never parts of one, and takes that show the same dance are kept together
(:mod:`interdance.dataset.duplicates`). A take's part follows from its own name: the names of a genre are spread evenly
over [0, 1), and those below the test share are tested on, the next ones validate. So a take stays where it is when
others are added, and any run of consecutively numbered takes comes within one take of the wanted shares.

Names are spread by the additive recurrence of the golden ratio over the number that a name ends in, from a start that
is drawn from the seed, the set, the genre and the rest of the name; a name without a number is drawn alone.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interdance.dataset.catalogue import TakeFacts, total_frames
from interdance.errors import InputError
from interdance.files import read_json, write_json

PARTS = ("train", "validation", "test")
LEAVE_OUT = "none"
LEAST_TAKES_TO_TEST = 3
GOLDEN = 0.6180339887498949
_NUMBER = re.compile(r"(.*?)(\d+)")


@dataclass(frozen=True)
class Shares:
    """How takes are divided.

    Attributes
    ----------
    test, validation : float
        Shares, 0 to 1, of the takes of each genre.
    published : bool
        Whether a part that the data set itself gives a take goes before the lot.
    assign : mapping
        Name of a take -> ``train``, ``validation``, ``test``, or ``none`` to leave it out; goes before everything.
    seed : int
        Of the lots.
    """

    test: float
    validation: float
    published: bool
    assign: Mapping[str, str]
    seed: int


@dataclass(frozen=True)
class Split:
    """Part -> names, sorted; name -> why it is in none; and the groups of takes that were kept together."""

    parts: dict[str, list[str]]
    left_out: dict[str, str]
    together: list[list[str]]


def split_takes(takes: Sequence[TakeFacts], shares: Shares, together: Sequence[Sequence[str]] = ()) -> Split:
    """Divide takes.

    Parameters
    ----------
    takes : sequence of TakeFacts
        All of them, of every set and genre. Those that cannot be trained on are left out, and the split says why.
    together : sequence of groups of names
        Takes that belong in one part: that of the one that is assigned, else of the first that was published in a part,
        else of the first by name.

    Raises
    ------
    InputError
        When shares leave nothing to train on, ``assign`` names what does not exist or parts takes that belong together,
        or no take is left for training or for the test.
    """
    _check(takes, shares)
    left_out = {take.name: take.lacks for take in takes if take.lacks}
    left_out |= {name: "split.assign" for name, part in shares.assign.items() if part == LEAVE_OUT}
    usable = {take.name: take for take in sorted(takes, key=lambda take: take.name) if take.name not in left_out}
    pinned = {name: part for name, part in shares.assign.items() if name in usable}
    if shares.published:
        pinned = {name: take.published for name, take in usable.items() if take.published in PARTS} | pinned
    leaders = _leaders(usable, together, shares.assign, pinned)
    free = [take for name, take in usable.items() if name not in pinned and leaders[name] == name]
    own = pinned | _drawn(free, shares, has_test="test" in pinned.values())
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for name in usable:
        parts[own[leaders[name]]].append(name)
    for part in ("train", "test"):
        if not parts[part]:
            raise InputError(f"the split leaves no take for '{part}'; add takes, or pin one with split.assign")
    groups = defaultdict(list)
    for name, leader in leaders.items():
        groups[leader].append(name)
    return Split(parts, left_out, [members for members in groups.values() if len(members) > 1])


def write_split(path: Path, split: Split, takes: Sequence[TakeFacts]) -> None:
    """Write the parts as JSON, with the shares that came out, of all frames and genre by genre."""
    facts = {take.name: take for take in takes}
    genres: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(PARTS, 0))
    for part, names in split.parts.items():
        for name in names:
            genres[facts[name].genre][part] += 1
    frames = {part: total_frames(facts[name] for name in names) for part, names in split.parts.items()}
    whole = sum(frames.values())
    write_json(
        path,
        {
            "takes": split.parts,
            "left_out": split.left_out,
            "kept_together": split.together,
            "frames": frames,
            "shares": {part: round(count / whole, 6) for part, count in frames.items()},
            "takes_per_genre": genres,
        },
    )


def read_split(path: Path) -> dict[str, list[str]]:
    """Read the parts of a split: part -> names. Raises :class:`InputError` for anything else."""
    value: Any = read_json(path)
    parts = value.get("takes") if isinstance(value, dict) else None
    if not isinstance(parts, dict) or set(parts) != set(PARTS):
        raise InputError(f"{path}: no split with the parts {', '.join(PARTS)}; run the split stage again")
    return {part: list(parts[part]) for part in PARTS}


def place_of(take: TakeFacts, seed: int) -> float:
    """Where a take lies in [0, 1), from its name, its genre and the seed alone."""
    match = _NUMBER.fullmatch(take.name)
    stem, number = (match[1], int(match[2])) if match else (take.name, 0)
    digest = hashlib.sha256(f"{seed}|{take.genre}|{stem}".encode()).digest()
    start = int.from_bytes(digest[:8], "big") / 2**64
    return (start + number * GOLDEN) % 1.0


def _drawn(free: Sequence[TakeFacts], shares: Shares, has_test: bool) -> dict[str, str]:
    places = {take.name: place_of(take, shares.seed) for take in free}
    drawn = {name: _part(place, shares) for name, place in places.items()}
    if "test" not in drawn.values() and not has_test and shares.test > 0 and len(free) >= LEAST_TAKES_TO_TEST:
        drawn[min(places, key=lambda name: places[name])] = "test"  # too few takes for their share to hold one
    return drawn


def _part(place: float, shares: Shares) -> str:
    if place < shares.test:
        return "test"
    return "validation" if place < shares.test + shares.validation else "train"


def _leaders(
    usable: Mapping[str, TakeFacts],
    together: Sequence[Sequence[str]],
    assign: Mapping[str, str],
    pinned: Mapping[str, str],
) -> dict[str, str]:
    """For every take the one whose part it shares; itself when it stands alone."""
    leaders = {name: name for name in usable}
    for group in together:
        members = sorted(name for name in group if name in usable)
        assigned = [name for name in members if name in assign]
        if len({assign[name] for name in assigned}) > 1:
            raise InputError(
                f"split.assign parts {', '.join(assigned)}, which show the same dance; pin them to one part, or raise"
                " split.duplicate_share if they differ enough"
            )
        first = next(iter([*assigned, *(name for name in members if name in pinned), *members]), "")
        leaders.update(dict.fromkeys(members, first))
    return leaders


def _check(takes: Sequence[TakeFacts], shares: Shares) -> None:
    if min(shares.test, shares.validation) < 0 or shares.test + shares.validation >= 1:
        raise InputError(
            f"split.test {shares.test} and split.validation {shares.validation} must be shares that leave some to train"
        )
    known = {take.name for take in takes}
    for name, part in shares.assign.items():
        if name not in known:
            raise InputError(f"split.assign: there is no take '{name}'; the takes are {', '.join(sorted(known))}")
        if part not in (*PARTS, LEAVE_OUT):
            raise InputError(f"split.assign.{name}: '{part}' is not one of {', '.join((*PARTS, LEAVE_OUT))}")
