"""Followers of one leader in order."""

from __future__ import annotations

import numpy as np
import pytest

from interdance.body.meeting import Meeting, meet
from interdance.body.model import Body
from interdance.generation.ranking import Figures, in_order
from interdance.metrics.interaction import contact_frequency, penetration_rate
from interdance.takes import Motion


def test_the_mean_of_three_ranks_decides() -> None:
    holds, clear, best = Figures(0.9, 0.05, 0.1), Figures(0.2, 0.0, 0.2), Figures(0.8, 0.01, 0.9)
    assert in_order([holds, clear, best]) == [2, 1, 0]  # ranks 1 3 3, 3 1 2 and 2 2 1
    assert in_order([holds, holds, best]) == [2, 0, 1]
    assert in_order([best]) == [0]


def test_figures_of_one_who_touches_on_the_beat_and_one_far_off_who_never_moves() -> None:
    body, num_frames = Body.load(), 120
    rotations = np.zeros((num_frames, 55, 3), np.float32)
    rotations[:, 16, 2] = np.sin(np.pi * np.arange(num_frames) / 15.0)  # slowest every 15 frames, from 7 on
    leader = body.points(Motion(rotations, np.zeros((num_frames, 3), np.float32), np.zeros(10, np.float32), 30.0))
    beats = np.arange(7, num_frames, 15)

    def met(one: np.ndarray, other: np.ndarray) -> Meeting:
        return meet(one[:, 55:], other[:, 55:], body.surface_faces, 0.01)

    close = leader + np.float32(0.002)
    near = Figures.of(leader, close, beats, met(leader, close))
    still = np.repeat(leader[:1], num_frames, axis=0) + np.float32(3.0)
    far = Figures.of(leader, still, beats, met(leader, still))
    assert near.contact_frequency == 1.0
    rate = penetration_rate(leader[:, 55:], close[:, 55:], body.surface_faces)
    assert near.penetration_rate == pytest.approx(rate, rel=1e-12) and rate > 0.0
    part = leader + np.float32(0.3) * (np.arange(num_frames) >= 40)[:, None, None].astype(np.float32)
    some = Figures.of(leader, part, beats, met(leader, part))
    assert some.contact_frequency == contact_frequency(leader[:, 55:], part[:, 55:]) < 1.0
    assert near.beat > 0.85
    assert far == Figures(0.0, 0.0, 0.0)
    nobody = Figures.of(still, leader, np.zeros(0, np.int64), met(still, leader))
    assert nobody.beat == 0.0, "neither leader nor music has a beat"
    assert near.rounded()["beat"] == pytest.approx(near.beat, abs=1e-5)
