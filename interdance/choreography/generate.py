"""A couple from a seed: music, routine, two bodies that dance it, and the folder of takes of the synthetic data set."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from math import cos, sin
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from interdance.body.model import Body
from interdance.choreography.couple import hold_weights, join
from interdance.choreography.dancer import Anatomy, Dancer, Style, couple_shapes, couple_styles, measure
from interdance.choreography.figures import FOLLOWER, GENRES, LEADER, Figure, Genre, Hold, Room
from interdance.choreography.gait import Landing, stand, walk
from interdance.choreography.gait import Path as FloorPath
from interdance.choreography.ik import fraction, turn
from interdance.config import ChoreographyParams
from interdance.errors import InputError
from interdance.files import atomic_folder, read_json, write_json
from interdance.music.synth import Track, render, write_track
from interdance.takes import Duet, Motion, write_take

Progress = Callable[[int, int, str], None]
"""Called with takes done, takes in all, and the name of the take just finished."""


@dataclass(frozen=True)
class Dance:
    """A couple's dance: SMPL-X motions of leader and follower, the song, and the facts for ``take.json``."""

    genre: str
    leader: Motion
    follower: Motion
    track: Track
    facts: dict[str, Any]


@dataclass(frozen=True)
class Routine:
    """Figures in sequence as landings of both dancers and changes of hold, in seconds and world metres."""

    start: tuple[tuple[float, float, float], tuple[float, float, float]]
    landings: tuple[list[Landing], list[Landing]]
    holds: list[tuple[float, Hold]]
    figures: list[dict[str, Any]]


def choreograph(
    params: ChoreographyParams, body: Body, fps: int, out: Path, progress: Progress | None = None
) -> list[str]:
    """Make ``takes_per_genre`` takes of every genre under ``out`` and return their names.

    Each take depends on the seed, its genre and its number alone, so any number of workers gives the same bytes.

    Raises
    ------
    InputError
        For an unknown genre, or takes too short to dance in.
    """
    for genre in params.genres:
        if genre not in GENRES:
            raise InputError(f"choreography.genres: '{genre}' is not a genre we dance; known: {', '.join(GENRES)}")
    if params.take_seconds < 4.0:
        raise InputError(
            f"choreography.take_seconds: {params.take_seconds} is too short to dance in; 4 seconds or more"
        )
    jobs = [(genre, number) for number in range(params.takes_per_genre) for genre in params.genres]
    names = []
    if params.workers <= 1 or len(jobs) == 1:
        for genre, number in jobs:
            names.append(_make(params, body, fps, out, genre, number))
            if progress:
                progress(len(names), len(jobs), names[-1])
        return sorted(names)
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of a parent that runs threads
    workers = min(params.workers, len(jobs))
    try:
        with ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(body,)) as pool:
            futures = [pool.submit(_make_in_worker, params, fps, out, genre, number) for genre, number in jobs]
            for future in futures:
                names.append(future.result())
                if progress:
                    progress(len(names), len(jobs), names[-1])
    except BrokenProcessPool:
        raise InputError(
            "a choreography worker was stopped from outside; run again with fewer choreography.workers"
        ) from None
    return sorted(names)


_BODY: list[Body] = []


def _start_worker(body: Body) -> None:
    import torch

    torch.set_num_threads(1)
    _BODY[:] = [body]


def _make_in_worker(params: ChoreographyParams, fps: int, out: Path, genre: str, number: int) -> str:
    return _make(params, _BODY[0], fps, out, genre, number)


def _make(params: ChoreographyParams, body: Body, fps: int, out: Path, genre: str, number: int) -> str:
    name = f"{genre}_{number:02d}"
    dance = generate_duet(genre, params.take_seconds, [params.seed, list(GENRES).index(genre), number], body, fps)
    with atomic_folder(out / name) as folder:
        song = folder / "music.flac"
        write_track(song, dance.track)
        write_take(folder.parent, Duet(folder.name, genre, dance.leader, dance.follower, song, dance.facts))
        write_json(folder / "take.json", read_json(folder / "take.json") | {"name": name})
    return name


def generate_duet(genre: str, seconds: float, seed: int | list[int], body: Body, fps: int = 30) -> Dance:
    """Make up a dance of ``seconds`` in ``genre`` for a couple of bodies of the model ``body``; all from ``seed``."""
    spec = GENRES[genre]
    streams = np.random.SeedSequence(seed).spawn(3)
    music_rng, people_rng, routine_rng = (np.random.default_rng(stream) for stream in streams)
    track = render(genre, seconds, music_rng)
    shapes = couple_shapes(people_rng, body)
    styles = couple_styles(people_rng)
    anatomies = (measure(body, shapes[0]), measure(body, shapes[1]))
    fronts = anatomies[0].front + anatomies[1].front
    size = float(people_rng.uniform(*spec.size)) * anatomies[1].legs[0] / 0.8
    room = Room(fronts + spec.gap_close, fronts + spec.gap_open, spec.aside, size)
    routine = _plan(spec, room, track, seconds, routine_rng)
    t = np.arange(round(seconds * fps)) / fps
    beat = np.interp(t, track.beats_s, np.arange(len(track.beats_s)))
    beat = np.where(t < track.beats_s[0], (t - track.beats_s[0]) * track.tempo_bpm / 60.0, beat)
    couple = tuple(Dancer(anatomy, style, len(t)) for anatomy, style in zip(anatomies, styles, strict=True))
    paths = tuple(
        walk(routine.landings[who], routine.start[who], t, spec, styles[who], anatomies[who])
        for who in (LEADER, FOLLOWER)
    )
    weights = hold_weights(routine.holds, t, max(0.6, 60.0 / track.tempo_bpm * 1.3))
    for who in (LEADER, FOLLOWER):
        _dance_body(couple[who], who, paths[who], paths[1 - who], weights, spec, beat, track.beats_per_bar)
    join(couple, weights, beat, (paths[0].weight_T, paths[1].weight_T))  # type: ignore[arg-type]
    facts = {
        "synthetic": True,
        "seed": seed,
        "tempo_bpm": round(track.tempo_bpm, 3),
        "beats_per_bar": track.beats_per_bar,
        "beats_s": [round(float(beat_s), 4) for beat_s in track.beats_s if beat_s < seconds],
        "figures": [figure for figure in routine.figures if figure["start_s"] < seconds],
        "holds": [[round(time, 3), hold] for time, hold in routine.holds if time < seconds],
        "landings": {
            role: [
                [round(step.time, 4), "left" if step.foot == 0 else "right"]
                for step in steps
                if step.time < seconds and step.commit
            ]
            for role, steps in zip(("leader", "follower"), routine.landings, strict=True)
        },
    }
    return Dance(genre, couple[0].motion(fps), couple[1].motion(fps), track, facts)


def _plan(spec: Genre, room: Room, track: Track, seconds: float, rng: np.random.Generator) -> Routine:
    """Choose figures one after the other, keeping the couple in the room, until the music is over."""
    beats = np.arange(len(track.beats_s))

    def time(beat: float) -> float:
        return float(np.interp(beat, beats, track.beats_s))

    heading = float(rng.uniform(-np.pi, np.pi))
    at = (float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1)), heading)
    chances = np.array([chance for chance, _ in spec.figures])
    landings: tuple[list[Landing], list[Landing]] = ([], [])
    holds: list[tuple[float, Hold]] = []
    figures: list[dict[str, Any]] = []
    beat = float(2 * track.beats_per_bar if track.tempo_bpm > 150 else track.beats_per_bar)
    start = None
    turned = [0.0, 0.0]
    last = ""
    while time(beat) < seconds + 1.0 and beat < beats[-1] - 1:
        figure = _next_figure(spec, room, at, chances, last, rng)
        if start is None:
            half = 0.5 * figure.gap
            start = (_compose(at, (0.0, -half, 0.0)), _compose(at, (0.0, half, np.pi)))
            holds.append((-1.0, figure.holds[0][1]))
        for who in (LEADER, FOLLOWER):
            for step in figure.steps[who]:
                if beat + step.beat >= beats[-1]:
                    continue
                local = (step.x, step.z, step.yaw + turned[who] + (np.pi if who == FOLLOWER else 0.0))
                landings[who].append(Landing(time(beat + step.beat), step.foot, *_compose(at, local), step.commit))
        for offset, hold in figure.holds:
            if holds[-1][1] != hold:
                holds.append((time(beat + offset), hold))
        figures.append({"name": figure.name, "start_s": round(time(beat), 4), "beats": figure.beats})
        # whole turns of the follower stay in her yaw, so that it never jumps
        last_yaw = figure.steps[FOLLOWER][-1].yaw - figure.end[2]
        turned[FOLLOWER] += 2 * np.pi * round(last_yaw / (2 * np.pi))
        at = _compose(at, figure.end)
        beat += figure.beats
        last = figure.name
    if start is None:
        raise InputError("choreography.take_seconds: the music ends before the dance begins; make takes longer")
    return Routine(start, landings, holds, figures)


def _next_figure(
    spec: Genre, room: Room, at: tuple[float, float, float], chances: np.ndarray, last: str, rng: np.random.Generator
) -> Figure:
    candidates = []
    for _ in range(6):
        writer = spec.figures[int(rng.choice(len(chances), p=chances / chances.sum()))][1]
        figure = writer(room, rng)
        x, z, _ = _compose(at, figure.end)
        away = max(0.0, float(np.hypot(x, z)) - 2.0)
        candidates.append((away + (0.6 if figure.name == last else 0.0) + 0.3 * float(rng.random()), figure))
    return min(candidates, key=lambda candidate: candidate[0])[1]


def _compose(at: tuple[float, float, float], local: tuple[float, float, float]) -> tuple[float, float, float]:
    x, z, yaw = at
    return x + local[0] * cos(yaw) + local[1] * sin(yaw), z - local[0] * sin(yaw) + local[1] * cos(yaw), yaw + local[2]


def _dance_body(
    dancer: Dancer,
    who: int,
    path: FloorPath,
    partner: FloorPath,
    weights: dict[Hold, np.ndarray],
    spec: Genre,
    beat_T: np.ndarray,
    beats_per_bar: int,
) -> None:
    """Pelvis, legs, trunk and head: weight and bounce from below, partner and music above."""
    anatomy: Anatomy = dancer.anatomy
    style: Style = dancer.style
    closed = weights["closed"]
    bar = 2 * np.pi * (beat_T - 0.35) / beats_per_bar
    rise = -np.cos(bar)
    height = anatomy.standing - spec.flex - style.bounce * spec.bounce * np.cos(2 * np.pi * beat_T) + spec.rise * rise
    toes = 9.0 * spec.rise * np.maximum(rise, 0.0) ** 2
    roll = spec.hips * style.hips * path.weight_T
    stand(dancer, path, height, toes, roll, np.full(len(beat_T), 0.02))
    to_partner = np.arctan2(*(partner.place_T2 - path.place_T2).T)
    off = to_partner - path.yaw_T
    twist = (
        0.12 * style.flow * gaussian_filter1d(path.weight_T, 2.0, mode="nearest") * (1.0 if spec.hips > 0.04 else 0.4)
    )
    chest_yaw = path.yaw_T + (0.55 + 0.15 * closed - 0.4 * weights["turn"]) * np.sin(off) + twist
    sway = spec.sway * style.sway * gaussian_filter1d(path.weight_T, 4.0, mode="nearest")
    lean = spec.lean * (1.0 if who == FOLLOWER or spec.lean > 0 else 0.3) * (0.4 + 0.6 * closed) + style.lean
    chest = turn(1, chest_yaw) @ turn(2, -sway) @ turn(0, lean)
    pelvis = dancer.world_TJ33[:, 0]
    between = np.swapaxes(pelvis, 1, 2) @ chest
    for joint, share in ((3, 0.33), (6, 0.67), (9, 1.0)):
        dancer.world_TJ33[:, joint] = pelvis @ fraction(between, share)
    look = to_partner - chest_yaw
    turned = 0.85 * style.gaze * np.sin(look) * (0.75 + 0.25 * np.cos(look))
    turned = turned + closed * spec.look_left * (1.0 if who == FOLLOWER else 0.7)
    down = 0.10 if who == LEADER else -0.06
    head = turn(1, chest_yaw + turned) @ turn(2, -0.35 * sway) @ turn(0, down + 0.3 * lean)
    neck_part = np.swapaxes(chest, 1, 2) @ head
    dancer.world_TJ33[:, 12] = chest @ fraction(neck_part, 0.45)
    for joint in (15, 22, 23, 24):
        dancer.world_TJ33[:, joint] = head
