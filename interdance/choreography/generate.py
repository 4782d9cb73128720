"""The folder of takes of the synthetic data set: many couples, made in parallel, kept when they were made before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path

from interdance import takes
from interdance.body import distance, ik, model, nearest, rotations, sampling, skeleton
from interdance.body.model import Body
from interdance.choreography.duet import Dance, generate_duet
from interdance.choreography.genres import GENRES
from interdance.config import ChoreographyParams
from interdance.errors import InputError
from interdance.files import atomic_folder
from interdance.kept import Kept
from interdance.music import scores, synth, voices
from interdance.music.synth import write_track
from interdance.processes.pool import process_pool
from interdance.takes import Duet, write_take

__all__ = ["Dance", "choreograph", "generate_duet", "recipe"]

Progress = Callable[[int, int, str], None]
"""Called with takes done, takes in all, and the name of the take just finished."""

SHORTEST = 4.0  # seconds


def choreograph(
    params: ChoreographyParams,
    body: Body,
    fps: int,
    out: Path,
    progress: Progress | None = None,
    kept: Kept | None = None,
) -> list[str]:
    """Make ``takes_per_genre`` takes of every genre and return their names; ``out`` is replaced whole.

    A take depends on the seed, its genre's name and its number alone, so any number of workers gives the same bytes, and
    other genres change nothing. What ``kept`` holds by the same :func:`recipe` is not made again.

    Raises
    ------
    InputError
        For an unknown genre, or takes too short to dance in.
    """
    for genre in params.genres:
        if genre not in GENRES:
            raise InputError(f"choreography.genres: '{genre}' is not a genre we dance; known: {', '.join(GENRES)}")
    if params.take_seconds < SHORTEST:
        raise InputError(
            f"choreography.take_seconds: {params.take_seconds} is too short to dance in; {SHORTEST:g} seconds or more"
        )
    kept = kept or Kept(None)
    jobs = [(genre, number) for number in range(params.takes_per_genre) for genre in dict.fromkeys(params.genres)]
    with atomic_folder(out) as folder:
        left = [job for job in jobs if not kept.restore(recipe(params, body, fps, *job), folder / _name(*job))]
        for done, job in enumerate(_made(params, body, fps, folder, left), start=len(jobs) - len(left) + 1):
            kept.keep(recipe(params, body, fps, *job), folder / _name(*job))
            if progress:
                progress(done, len(jobs), _name(*job))
    kept.prune()
    return sorted(_name(*job) for job in jobs)


def recipe(params: ChoreographyParams, body: Body, fps: int, genre: str, number: int) -> str:
    """Names all that a take is made of: seed, genre, number, length, rate, body, and the text of the code that makes it."""
    facts = (params.seed, genre, number, params.take_seconds, fps, body.body_hash, _sources(genre))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


@cache
def _sources(genre: str) -> str:
    """Hash of the modules that decide a genre's takes: of the genres', its own and those that several share."""
    digest = hashlib.sha256()
    for file in source_files(genre):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def source_files(genre: str) -> list[Path]:
    """The modules that decide a genre's takes."""
    here = Path(__file__).parent
    others = {f"{name}.py" for name in GENRES if name != genre} | {"__init__.py"}
    files = [*here.glob("*.py"), *(file for file in (here / "genres").glob("*.py") if file.name not in others)]
    files += Path(scores.__file__).parent.glob("*.py")
    modules = (synth, voices, takes, distance, ik, model, nearest, rotations, sampling, skeleton)
    return sorted([*files, *(Path(str(module.__file__)) for module in modules)])


def _made(
    params: ChoreographyParams, body: Body, fps: int, folder: Path, jobs: Sequence[tuple[str, int]]
) -> Iterator[tuple[str, int]]:
    """Make takes, and tell each when it is there, in order."""
    if params.workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            _make(params, body, fps, folder, *job)
            yield job
        return
    try:
        with process_pool(min(params.workers, len(jobs)), _hold, body) as pool:
            made = [pool.submit(_make_in_worker, params, fps, folder, *job) for job in jobs]
            for job, future in zip(jobs, made, strict=True):
                future.result()
                yield job
    except BrokenProcessPool:
        raise InputError(
            "a choreography worker was stopped from outside; run again with fewer choreography.workers"
        ) from None


_BODY: list[Body] = []


def _hold(body: Body) -> None:
    _BODY[:] = [body]


def _make_in_worker(params: ChoreographyParams, fps: int, out: Path, genre: str, number: int) -> None:
    _make(params, _BODY[0], fps, out, genre, number)


def _name(genre: str, number: int) -> str:
    return f"{genre}_{number:02d}"


def _make(params: ChoreographyParams, body: Body, fps: int, out: Path, genre: str, number: int) -> None:
    named = int.from_bytes(hashlib.sha256(genre.encode()).digest()[:4], "big")
    dance = generate_duet(genre, params.take_seconds, [params.seed, named, number], body, fps)
    song = out / _name(genre, number) / "music.flac"
    write_track(song, dance.track)
    write_take(out, Duet(_name(genre, number), genre, dance.leader, dance.follower, song, dance.facts))
