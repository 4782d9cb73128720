"""Benchmarks are run by hand; that what each imports is still there is seen here."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from layout import ROOT

from benchmarks import plan
from benchmarks.sample import Seams, to_and_fro


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_can_be_imported(path: Path) -> None:
    importlib.import_module(f"benchmarks.{path.stem}")


def test_jerk_at_seams_is_told_from_jerk_elsewhere() -> None:
    frames, seams, turns = np.arange(200), np.array([40, 80, 100, 140]), np.array([81, 160])
    joints = np.zeros((200, 55, 3))
    joints[:, :, 0] = 0.1 * (frames[:, None] >= 100)  # a step at the third seam
    joints[:, :, 1] += 0.01 * (frames[:, None] >= 120)  # a smaller one between seams
    joints[:, :, 2] += frames[:, None] >= 160  # a large one where the dance turns
    found = Seams.of(joints, seams, turns, 30)
    assert len(found.at_S) == len(found.beside_S) == 3, "the seam at the turn is left out"
    assert np.allclose(found.at_S, [0, 0.1 * 30**3 * (1 + 2 + 1) / 3, 0]), "a third difference of a step is 1, -2, 1"
    assert found.elsewhere.max() == pytest.approx(2 * 0.01 * 30**3), "nothing of the seams, nor of the turns"
    assert found.beside_S[0] == 0 < found.beside_S[1]


def test_a_dance_to_and_fro_has_no_jumps() -> None:
    frames = to_and_fro(100, 12)
    assert frames[0] == 0 and set(frames) == set(range(12)) and set(np.abs(np.diff(frames))) == {1}


def test_a_plan_without_faults_takes_what_its_steps_take_and_with_them_more() -> None:
    search = plan.read_plan(ROOT / "configs" / "sweep" / "cluster.yaml")
    one = plan.Site("", 1, 1e15, False, 1e12)
    calm = plan.Simulation(one, search, 1).run()
    flop, _, _ = plan.work()
    windows = plan.HOURS * 3600 * 30 / plan.at_scale().train.stride
    epochs = plan.EPOCHS + plan.ROWS * plan.SEEDS * plan.ROW_EPOCHS
    expected = flop / plan.SPEED * (epochs * windows + 64 * calm.trial_steps)
    assert calm.useful == pytest.approx(expected, rel=1e-3) and calm.lost == calm.reading == 0
    assert calm.ended["ablations"] == pytest.approx(calm.useful, rel=1e-2), "one GPU is never idle"
    poor = plan.replace(one, storage=5e7)
    slow = plan.Simulation(poor, search, 1).run()
    expected = flop / plan.SPEED * (epochs * windows + 64 * slow.trial_steps)
    assert slow.useful == pytest.approx(expected, rel=1e-3) and slow.reading > 0.1 * slow.useful, "waiting is no work"
    assert slow.useful + slow.reading == pytest.approx(slow.ended["ablations"], rel=1e-2)
    stormy = plan.Simulation(plan.replace(poor, between_faults=10.0), search, 1).run()
    assert stormy.lost > 0 and stormy.ended["ablations"] > slow.ended["ablations"]
    assert stormy.useful + stormy.lost + stormy.reading <= stormy.ended["ablations"] * 1.001, "no second is counted twice"
    after = flop / plan.SPEED * (epochs * windows + 64 * stormy.trial_steps)
    assert stormy.useful == pytest.approx(after, rel=1e-3), "what is made again counts once"
    assert stormy.reading == pytest.approx(slow.reading, rel=1e-6), "so does waiting: none of the trials, on half GPUs"
