"""A couple's dance from a seed: music, routine, and two bodies that dance it, of any length."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from interdance.body.model import Body
from interdance.choreography.accents import cues
from interdance.choreography.anatomy import measure
from interdance.choreography.couple import join
from interdance.choreography.dancer import Dancer, Style, couple_shapes, couple_styles
from interdance.choreography.gait import Path, walk
from interdance.choreography.genres import GENRES
from interdance.choreography.holds import hold_weights
from interdance.choreography.routine import Routine, plan, room_for
from interdance.choreography.score import FOLLOWER, LEADER, LEFT, RIGHT, Genre
from interdance.choreography.styling import Play, free_arm, move_body
from interdance.choreography.touch import ROUNDS, STRIDE, Grasps, Nudges, refine
from interdance.music.synth import Track, render
from interdance.takes import Motion

BLOCK = 600 * STRIDE  # frames posed at a time: memory does not grow with a take's length
HALO = 50 * STRIDE  # frames posed on either side of a block and thrown away: farther ones have no say


@dataclass(frozen=True)
class Dance:
    """A couple's dance: SMPL-X motions of leader and follower, the song, and the facts for ``take.json``."""

    genre: str
    leader: Motion
    follower: Motion
    track: Track
    facts: dict[str, Any]


def generate_duet(
    genre: str, seconds: float, seed: int | list[int], body: Body, fps: int = 30, rounds: int = ROUNDS
) -> Dance:
    """Make up a dance of ``seconds`` in ``genre`` for a couple of bodies of the model ``body``; all from ``seed``.

    ``rounds`` of correction by touch; 0 leaves hands where they were wished.
    """
    spec = GENRES[genre]
    streams = np.random.SeedSequence(seed).spawn(4)
    music_rng, people_rng, routine_rng, play_rng = (np.random.default_rng(stream) for stream in streams)
    track = render(genre, seconds, music_rng)
    shapes = couple_shapes(people_rng, body)
    styles = couple_styles(people_rng)
    anatomies = (measure(body, shapes[0]), measure(body, shapes[1]))
    routine = plan(spec, room_for(spec, anatomies, people_rng), track, seconds, routine_rng)
    t = np.arange(round(seconds * fps)) / fps
    beat = np.interp(t, track.beats_s, np.arange(len(track.beats_s)))
    beat = np.where(t < track.beats_s[0], (t - track.beats_s[0]) * track.tempo_bpm / 60.0, beat)
    paths = tuple(
        walk(routine.landings[who], routine.start[who], t, spec, styles[who], anatomies[who])
        for who in (LEADER, FOLLOWER)
    )
    plays = (Play.drawn(spec, len(track.beats_s), play_rng), Play.drawn(spec, len(track.beats_s), play_rng))
    motions = [
        (np.zeros((len(t), len(anatomy.rest_J3), 3), np.float32), np.zeros((len(t), 3), np.float32)) for anatomy in anatomies
    ]
    for start in range(0, len(t), BLOCK):
        low, high = max(0, start - HALO), min(len(t), start + BLOCK + HALO)
        block = slice(low, high)
        stretch = _Stretch(
            spec, routine, styles, (paths[0][block], paths[1][block]), plays, t[block], beat[block], track
        )
        couple = refine(lambda nudges, s=stretch: s.pose(anatomies, nudges), high - low, rounds)  # type: ignore[misc]
        kept = slice(start, min(start + BLOCK, len(t)))
        for dancer, (rotations, translation) in zip(couple, motions, strict=True):
            rotations[kept], translation[kept] = dancer.parameters(slice(kept.start - low, kept.stop - low))
    leader, follower = (
        Motion(*motion, anatomy.betas, fps) for motion, anatomy in zip(motions, anatomies, strict=True)
    )
    return Dance(genre, leader, follower, track, _facts(spec, seed, seconds, track, routine))


@dataclass(frozen=True)
class _Stretch:
    """All that decides how a couple dances between two moments."""

    genre: Genre
    routine: Routine
    styles: tuple[Style, Style]
    paths: tuple[Path, Path]
    plays: tuple[Play, Play]
    t: np.ndarray
    beat: np.ndarray
    track: Track

    def pose(self, anatomies: Any, nudges: Nudges) -> tuple[tuple[Dancer, Dancer], Grasps]:
        t, beat = self.t, self.beat
        weights = hold_weights(self.routine.holds, t, self.track.tempo_bpm)
        couple, frees = [], {}
        paths = [
            replace(path, place_T2=path.place_T2 + nudges.place_2T2[who]) for who, path in enumerate(self.paths)
        ]
        for who in (LEADER, FOLLOWER):
            dancer = Dancer(anatomies[who], self.styles[who], len(t))
            asked = cues(self.routine.accents, who, t)
            move_body(
                dancer, who, paths[who], paths[1 - who], weights, self.genre, beat, self.track.beats_per_bar, asked, t,
                nudges.knees_22T[who],
            )  # fmt: skip
            for side in (LEFT, RIGHT):
                frees[who, side] = free_arm(dancer, side, self.plays[who], beat, paths[who].weight_T, asked, t)
            couple.append(dancer)
        pair = (couple[LEADER], couple[FOLLOWER])
        return pair, join(pair, weights, frees, nudges)


def _facts(spec: Genre, seed: int | list[int], seconds: float, track: Track, routine: Routine) -> dict[str, Any]:
    return {
        "synthetic": True,
        "category": spec.category,
        "seed": seed,
        "tempo_bpm": round(track.tempo_bpm, 3),
        "beats_per_bar": track.beats_per_bar,
        "beats_s": [round(float(beat_s), 4) for beat_s in track.beats_s if beat_s < seconds],
        "figures": [figure for figure in routine.figures if figure["start_s"] < seconds],
        "holds": [[round(time, 3), hold] for time, hold in routine.holds if time < seconds],
        "accents": [
            [round(begin, 3), round(end, 3), accent.kind, ("leader", "follower")[accent.who]]
            for begin, end, accent in routine.accents
            if begin < seconds
        ],
        "landings": {
            role: [
                [round(step.time, 4), "left" if step.foot == 0 else "right"]
                for step in steps
                if step.time < seconds and step.commit
            ]
            for role, steps in zip(("leader", "follower"), routine.landings, strict=True)
        },
    }
