"""Sets of generated couples in, a study out: its films and its plan."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from interdance.body.model import Body
from interdance.config import StudyParams
from interdance.errors import InputError
from interdance.evaluation.files import as_motion
from interdance.evaluation.settings import Reading
from interdance.export.scene import View
from interdance.export.sound import read_stereo
from interdance.export.video import write_pair
from interdance.files import atomic_folder
from interdance.study.material import Take, broken, choose_clips, read_takes
from interdance.study.plan import BROKEN, CHECK, DATABASE, FILMS, PLAN, SERVED, TRUE, Clip, Film, Plan, film_path, write_plan
from interdance.takes import Motion

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with the number of films done and of all films."""

VIEW = View(azimuth=0.0, elevation=12.0)
"""The dancers beside each other most of the time, so that one hides the other as little as may be."""
ONE_TIME = 1_000_000_000
"""The date of every film, in seconds since 1970: when one was made, and so with which others, is not served either."""


def build_study(
    sets: Mapping[str, Path],
    reference: Path,
    out: Path,
    params: StudyParams,
    fps: float,
    reading: Reading,
    music: Path | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Cut the takes that all sets have into clips, film every comparison of every clip, and write the plan.

    The first set stands against every other one, or, with ``params.against`` ``all``, each against each. Which half of a
    film shows whom is drawn for each film. Attention checks show the true follower beside herself, broken
    (:func:`interdance.study.material.broken`). The same sets, parameters and seed give the same clips, halves and orders;
    the films' names are drawn anew, from the operating system, so that nobody who has this program can guess them.

    Raises
    ------
    InputError
        For parameters or folders that cannot be used, and a folder ``out`` that holds answers or anything but a study, or
        was served.
    """
    _check(params)
    _check_out(out)
    body = Body.load(reading.body or None)
    takes = {take.name: take for take in read_takes(sets, reference, music, fps, reading, body)}
    random = np.random.default_rng([params.seed, 0])
    clips = choose_clips(list(takes.values()), round(params.clip_s * fps), params.num_clips, random)
    names = list(sets)
    comparisons = (
        list(itertools.combinations(names, 2)) if params.against == "all" else [(names[0], name) for name in names[1:]]
    )
    films = [
        _drawn(comparison, clip, pair, random) for clip in range(len(clips)) for comparison, pair in enumerate(comparisons)
    ]
    checked = np.resize(random.permutation(len(clips)), params.num_checks)
    films += [_drawn(CHECK, int(clip), (TRUE, BROKEN), random) for clip in checked]
    plan = Plan(
        seed=params.seed,
        seconds=round(params.clip_s * fps) / fps,
        num_pairs=min(params.num_pairs, len(clips) * len(comparisons)),
        num_checks=params.num_checks,
        comparisons=tuple(comparisons),
        clips=tuple(clips),
        films=tuple(films),
    )
    with atomic_folder(out) as folder:
        (folder / FILMS).mkdir()
        for number, film in enumerate(plan.films):
            if progress:
                progress(number, len(plan.films))
            clip = plan.clips[film.clip]
            _write_film(film_path(folder, film.token), takes[clip.take], clip, film, plan, params, body)
        write_plan(folder, plan)
        _check_out(out)  # films take their time, in which the one before may have been served
    return plan


def _drawn(comparison: int, clip: int, pair: tuple[str, str], random: np.random.Generator) -> Film:
    one, other = pair
    halves = (one, other) if random.integers(2) else (other, one)
    return Film(secrets.token_hex(16), comparison, clip, halves)


def _write_film(path: Path, take: Take, clip: Clip, film: Film, plan: Plan, params: StudyParams, body: Body) -> None:
    """The two couples of a film beside each other."""
    fps = take.leader.fps
    start = round(clip.start_s * fps)
    frames = slice(start, start + round(plan.seconds * fps))
    left, right = (_follower(take, system, frames, film, plan, body) for system in film.halves)
    write_pair(
        path,
        take.leader[frames],
        (left, right),
        body,
        read_stereo(take.music, plan.seconds, start=clip.start_s),
        width=params.width,
        height=params.height,
        view=VIEW,
        workers=params.workers,
    )
    os.utime(path, (ONE_TIME, ONE_TIME))


def _follower(take: Take, system: str, frames: slice, film: Film, plan: Plan, body: Body) -> Motion:
    if film.comparison != CHECK:
        return as_motion(take.followers[system][frames], body)
    true = as_motion(take.true[frames], body)
    return broken(true, np.random.default_rng([plan.seed, 1, film.clip])) if system == BROKEN else true


def _check(params: StudyParams) -> None:
    for name, least in (("num_clips", 1), ("num_pairs", 1), ("num_checks", 0), ("workers", 1)):
        if getattr(params, name) < least:
            raise InputError(f"study.{name}: {getattr(params, name)}; {least} or more is needed")
    if not 0.2 <= params.clip_s <= 120.0:
        raise InputError(f"study.clip_s: {params.clip_s:g}; seconds between 0.2 and 120 are needed")


def _check_out(out: Path) -> None:
    """What is in ``out`` is replaced: it may be a study that nobody has answered."""
    if not out.exists():
        return
    if not out.is_dir() or (any(out.iterdir()) and not (out / PLAN).is_file()):
        raise InputError(f"{out}: holds something else than a study; give --out another name")
    if (out / DATABASE).exists() or (out / SERVED).exists():
        raise InputError(f"{out}: holds answers already, or was served; give --out another name, or move that study away")
