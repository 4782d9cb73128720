"""The plan of a study: which couples stand against each other in which film, and what each participant sees in which order.

A film shows one clip of a leader twice, with one system's follower in each half. Films have random names; the
plan, which alone tells what is in them, is never served.

What a participant sees follows from the plan and from her number alone. Numbers come in twos: participants ``2k`` and
``2k + 1`` watch the same films in different orders, with sides exchanged. Within a participant each system of a comparison is
side A in half of the films (one more or less where their number is odd). Where there are more films than a participant
watches, each two goes on where the one before ended in a round of all films, so that every film is shown as often as any
other, and a participant sees a clip again only where there are fewer clips than films to watch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interdance.errors import InputError
from interdance.files import atomic_path, read_json, write_json

PLAN, FILMS, DATABASE, SERVED = "plan.json", "films", "answers.sqlite", "served.txt"
FORMAT = 1
FILMS_KEY = "items"
"""What films are called in ``plan.json``, and so in fingerprints: answers that were given belong to those."""
CHECK = -1
"""In the place of a comparison: the film is an attention check."""
TRUE, BROKEN = "true follower", "broken"
"""What the halves of an attention check hold."""


@dataclass(frozen=True)
class Clip:
    """A stretch of a take: from ``start_s`` on, as long as every clip of the study."""

    take: str
    genre: str
    start_s: float


@dataclass(frozen=True)
class Film:
    """A film.

    Attributes
    ----------
    token : str
        Names the film, and tells nothing.
    comparison : int
        Which of the plan's, or :data:`CHECK`.
    clip : int
        Which of the plan's.
    halves : two str
        The systems whose followers are in the left and the right half.
    """

    token: str
    comparison: int
    clip: int
    halves: tuple[str, str]


@dataclass(frozen=True)
class Trial:
    """A film as a participant sees it: which half, 0 or 1, is her side A."""

    film: int
    first: int


@dataclass(frozen=True)
class Plan:
    """A study.

    Attributes
    ----------
    seed : int
    seconds : float
        Length of a film.
    num_pairs, num_checks : int
        Films that a participant watches, no more than there are, and attention checks besides.
    comparisons : tuple of pairs of str
        Systems that stand against each other.
    clips, films : tuples
    """

    seed: int
    seconds: float
    num_pairs: int
    num_checks: int
    comparisons: tuple[tuple[str, str], ...]
    clips: tuple[Clip, ...]
    films: tuple[Film, ...]

    @property
    def fingerprint(self) -> str:
        """Names the study in a database, which may hold several."""
        text = json.dumps(_values(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def sequence(self, number: int) -> list[Trial]:
        """What the participant with that number watches, in her order."""
        two, is_mirror = divmod(number, 2)
        alike = np.random.default_rng([self.seed, two, 0])  # what both of them have in common
        chosen = self._chosen(two)
        shows_first = _halved([len(films) for films in chosen], alike)
        order = np.random.default_rng([self.seed, number, 1])
        trials = [
            self._trial(film, self.comparisons[comparison][0], bool(flag) != bool(is_mirror))
            for comparison, films in enumerate(chosen)
            for film, flag in zip(films, shows_first[comparison], strict=True)
        ]
        checks = [index for index, film in enumerate(self.films) if film.comparison == CHECK]
        (flags,) = _halved([len(checks)], alike)
        shown = [self._trial(film, TRUE, bool(flag) != bool(is_mirror)) for film, flag in zip(checks, flags, strict=True)]
        return _with_checks(self._apart(trials, order), shown, order)

    def _chosen(self, two: int) -> list[list[int]]:
        """Films by comparison: the next ``num_pairs`` of an endless round of all films.

        The round goes through the clips in a shuffled order and through the comparisons in turn, both at once, and shifts
        the turns where they would meet the same clips again, so that it passes every film once before any comes again.
        """
        where = {(film.comparison, film.clip): index for index, film in enumerate(self.films)}
        num_clips, num_comparisons = len(self.clips), len(self.comparisons)
        order = np.random.default_rng([self.seed, 2]).permutation(num_clips)
        meeting, common = math.lcm(num_clips, num_comparisons), math.gcd(num_clips, num_comparisons)
        chosen: list[list[int]] = [[] for _ in self.comparisons]
        for place in range(two * self.num_pairs, (two + 1) * self.num_pairs):
            comparison = (place + place // meeting % common) % num_comparisons
            chosen[comparison].append(where[comparison, int(order[place % num_clips])])
        return chosen

    def _trial(self, index: int, system: str, is_first: bool) -> Trial:
        """The trial in which ``system`` is side A, or B."""
        half = self.films[index].halves.index(system)
        return Trial(index, half if is_first else 1 - half)

    def _apart(self, trials: list[Trial], order: np.random.Generator) -> list[Trial]:
        """Shuffled in rounds that hold a clip once, so that the same dance comes back as late as it can."""
        shuffled = [trials[place] for place in order.permutation(len(trials))]
        rounds: dict[int, list[Trial]] = defaultdict(list)
        seen: dict[int, int] = defaultdict(int)
        for trial in shuffled:
            clip = self.films[trial.film].clip
            rounds[seen[clip]].append(trial)
            seen[clip] += 1
        return [trial for number in sorted(rounds) for trial in rounds[number]]


def _halved(counts: list[int], random: np.random.Generator) -> list[np.ndarray]:
    """For each count as many flags, half of them true; what is left over where it is odd is true and false in turn."""
    leftover = bool(random.integers(2))
    flags = []
    for count in counts:
        half = np.arange(count) < count // 2
        if count % 2:
            half[-1] = leftover
            leftover = not leftover
        flags.append(random.permutation(half))
    return flags


def _with_checks(trials: list[Trial], checks: list[Trial], order: np.random.Generator) -> list[Trial]:
    """One check at a random place of each of as many equal stretches; none comes first."""
    ends = np.linspace(0, len(trials), len(checks) + 1).round().astype(int)
    mixed: list[Trial] = []
    for check, start, stop in zip(order.permutation(len(checks)), ends[:-1], ends[1:], strict=True):
        place = int(order.integers(start + 1, stop + 1)) if stop > start else stop
        mixed += [*trials[start:place], checks[check], *trials[place:stop]]
    return mixed if checks else trials


def write_plan(folder: Path, plan: Plan) -> None:
    """Write ``plan.json``."""
    write_json(folder / PLAN, {"format": FORMAT} | _values(plan))


def read_plan(folder: Path) -> Plan:
    """Read the plan of a study and see that its films are there.

    Raises
    ------
    InputError
        When the folder holds no study, one of another version, or lacks a film.
    """
    if not (folder / PLAN).is_file():
        raise InputError(f"{folder}: no study in it; make one with `interdance study build --out {folder}`")
    values = read_json(folder / PLAN)
    try:
        if values.pop("format") != FORMAT:
            raise InputError(f"{folder / PLAN}: of another version of this program; build the study again")
        plan = _plan(values)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{folder / PLAN}: damaged ({error}); restore it, or build the study again") from None
    for film in plan.films:
        place = film_path(folder, film.token)
        if not place.is_file():
            raise InputError(f"{place}: missing; restore it, or build the study again")
    return plan


def _values(plan: Plan) -> dict[str, Any]:
    """What ``plan.json`` says."""
    values = dataclasses.asdict(plan)
    values[FILMS_KEY] = values.pop("films")
    return values


def _plan(values: dict[str, Any]) -> Plan:
    names = [(str(one), str(other)) for one, other in values.pop("comparisons")]
    clips = [Clip(**clip) for clip in values.pop("clips")]
    films = [Film(**film | {"halves": tuple(film["halves"])}) for film in values.pop(FILMS_KEY)]
    for film in films:
        expected = {TRUE, BROKEN} if film.comparison == CHECK else set(names[film.comparison])
        if set(film.halves) != expected or not film.token.isalnum() or not 0 <= film.clip < len(clips):
            raise ValueError(f"film {film.token}")
    return Plan(comparisons=tuple(names), clips=tuple(clips), films=tuple(films), **values)


def mark_served(folder: Path) -> None:
    """Write into the folder of a study that there may be answers to it, wherever they are.

    Raises
    ------
    InputError
        When it cannot be written: then the study could be built over, and its answers would be worth nothing.
    """
    try:
        with atomic_path(folder / SERVED) as temporary:
            temporary.write_text("This study was served: there may be answers, here or in a database of its own.\n")
    except OSError as error:
        raise InputError(f"{folder / SERVED}: cannot be written ({error.strerror}); let the server write there") from None


def film_path(folder: Path, token: str) -> Path:
    """Where a film lies."""
    return folder / FILMS / f"{token}.mp4"
