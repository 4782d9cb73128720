"""Takes divided into training, validation and test, genre by genre, in the paper's proportions (§3.2).

Whole takes are divided, never parts of one. The number of takes of a part is its share of all of them, rounded; each
genre gets its own share rounded down, and what is left goes to the genres with the largest remainders, ties by lot. A
share so small that rounding leaves a genre without a take of that part (validation, in small sets) is thus kept over
all genres instead of in each [choice]. A genre of three takes or more always has one in the test part. Which takes
serve is drawn by lot several times, and the draw whose frames come nearest to the wanted shares is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interdance.dataset.catalogue import TakeFacts, total_frames
from interdance.errors import InputError
from interdance.files import read_json, write_json

PARTS = ("train", "validation", "test")
LEAVE_OUT = "none"
NUM_DRAWS = 256
LEAST_TAKES_TO_TEST = 3

Split = dict[str, list[str]]


def split_takes(
    takes: Sequence[TakeFacts], test: float, validation: float, assign: Mapping[str, str], seed: int
) -> Split:
    """Divide takes.

    Parameters
    ----------
    takes : sequence of TakeFacts
        All of them, of every genre.
    test, validation : float
        Shares, 0 to 1, of the takes that ``assign`` does not pin.
    assign : mapping
        Name of a take -> ``train``, ``validation``, ``test``, or ``none`` to leave it out.
    seed : int
        Of the lots.

    Returns
    -------
    dict
        Part -> sorted names.

    Raises
    ------
    InputError
        When shares leave nothing to train on, ``assign`` names what does not exist, or no take is left for training or
        for the test.
    """
    if min(test, validation) < 0 or test + validation >= 1:
        raise InputError(f"split.test {test} and split.validation {validation} must be shares that leave some to train")
    known = {take.name for take in takes}
    for name, part in assign.items():
        if name not in known:
            raise InputError(f"split.assign: there is no take '{name}'; the takes are {', '.join(sorted(known))}")
        if part not in (*PARTS, LEAVE_OUT):
            raise InputError(f"split.assign.{name}: '{part}' is not one of {', '.join((*PARTS, LEAVE_OUT))}")
    free = sorted((take for take in takes if take.name not in assign), key=lambda take: take.name)
    rng = np.random.default_rng(seed)
    drawn = _draw(free, test, validation, rng)
    parts: Split = {part: [name for name, pinned in assign.items() if pinned == part] for part in PARTS}
    for part in PARTS:
        parts[part] = sorted(parts[part] + [take.name for take in drawn[part]])
    for part in ("train", "test"):
        if not parts[part]:
            raise InputError(f"the split leaves no take for '{part}'; add takes, or pin one with split.assign")
    return parts


def write_split(path: Path, parts: Split, takes: Sequence[TakeFacts]) -> None:
    """Write the parts as JSON, with the shares that came out, of all frames and genre by genre."""
    facts = {take.name: take for take in takes}
    used = [facts[name] for names in parts.values() for name in names]
    genres: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(PARTS, 0))
    for part, names in parts.items():
        for name in names:
            genres[facts[name].genre][part] += 1
    frames = {part: total_frames([facts[name] for name in names]) for part, names in parts.items()}
    shares = {part: round(count / total_frames(used), 6) for part, count in frames.items()}
    write_json(path, {"takes": parts, "frames": frames, "shares": shares, "takes_per_genre": genres})


def read_split(path: Path) -> Split:
    """Read the parts of a split: part -> names. Raises :class:`InputError` for anything else."""
    value: Any = read_json(path)
    parts = value.get("takes") if isinstance(value, dict) else None
    if not isinstance(parts, dict) or set(parts) != set(PARTS):
        raise InputError(f"{path}: no split with the parts {', '.join(PARTS)}; run the split stage again")
    return {part: list(parts[part]) for part in PARTS}


def _draw(
    takes: Sequence[TakeFacts], test: float, validation: float, rng: np.random.Generator
) -> dict[str, list[TakeFacts]]:
    genres: dict[str, list[TakeFacts]] = defaultdict(list)
    for take in takes:
        genres[take.genre].append(take)
    sizes = {genre: len(members) for genre, members in sorted(genres.items())}
    least = {genre: int(size >= LEAST_TAKES_TO_TEST and test > 0) for genre, size in sizes.items()}
    num_test = _apportion(sizes, test, least, rng)
    rest = {genre: size - num_test[genre] for genre, size in sizes.items()}
    num_validation = _apportion(sizes, validation, dict.fromkeys(sizes, 0), rng, at_most=rest)
    wanted = {"test": test * total_frames(list(takes)), "validation": validation * total_frames(list(takes))}

    best: dict[str, list[TakeFacts]] = {}
    smallest = np.inf
    for _ in range(NUM_DRAWS):
        drawn: dict[str, list[TakeFacts]] = {part: [] for part in PARTS}
        for genre in sizes:
            members = [genres[genre][index] for index in rng.permutation(sizes[genre])]
            first, second = num_test[genre], num_test[genre] + num_validation[genre]
            drawn["test"] += members[:first]
            drawn["validation"] += members[first:second]
            drawn["train"] += members[second:]
        miss = sum(abs(total_frames(drawn[part]) - frames) for part, frames in wanted.items())
        if miss < smallest:
            best, smallest = drawn, miss
    return best


def _apportion(
    sizes: Mapping[str, int],
    share: float,
    least: Mapping[str, int],
    rng: np.random.Generator,
    at_most: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Takes of each genre for a part: largest remainders, ties by lot; at least one if ``share`` asks for any."""
    quotas = {genre: size * share for genre, size in sizes.items()}
    room = at_most or sizes
    counts = {genre: min(max(int(quota), least[genre]), room[genre]) for genre, quota in quotas.items()}
    num_all = sum(sizes.values())
    enough = num_all >= LEAST_TAKES_TO_TEST and share > 0
    total = max(int(np.floor(num_all * share + 0.5)), int(enough))
    lots = dict(zip(sizes, rng.permutation(len(sizes)), strict=True))
    order = sorted(sizes, key=lambda genre: (counts[genre] - quotas[genre], lots[genre]))
    for genre in order:
        if sum(counts.values()) >= total:
            break
        if counts[genre] < room[genre]:
            counts[genre] += 1
    return counts
