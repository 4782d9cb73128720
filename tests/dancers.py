"""Cheap stand-ins for dancers: 710 points that walk, turn and wave, for tests that need motion but no body."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from interdance.body.model import Body
from interdance.config import Params
from interdance.files import write_json
from interdance.representation.canonical import Canonical, encode
from interdance.representation.layout import LAYOUT, NUM_POINTS
from interdance.representation.normalize import Statistics, measure, measure_music
from interdance.takes import Motion
from interdance.trained import TrainedModel, save_model, start_denoiser

ANCHORS = np.zeros(NUM_POINTS, np.int64)
ANCHORS[25:40], ANCHORS[40:55] = 20, 21
CANONICAL = Canonical(ANCHORS)


def walker(num_frames: int, *, turn: float = 0.0, yaw: float = 0.0, ahead: float = 0.0, seed: int = 0) -> np.ndarray:
    """Points (T, 710, 3) of a dancer who drifts along x, turns at ``turn`` radians a second and sways."""
    rng = np.random.default_rng(seed)
    body = rng.normal(size=(NUM_POINTS, 3)) * [0.2, 0.4, 0.1] + [0, 1, 0]
    body[[1, 16], 0], body[[2, 17], 0] = 0.2, -0.2
    body[[1, 2, 16, 17], 2] = 0
    time = np.arange(num_frames) / 30
    sway = 0.05 * np.sin(3 * time)[:, None, None] * rng.normal(size=(NUM_POINTS, 3))
    sway[:, [1, 2, 16, 17]] = 0
    angle = (yaw + turn * time)[:, None]
    x, y, z = np.moveaxis(body + sway, -1, 0)
    points = np.stack([np.cos(angle) * x + np.sin(angle) * z, y, np.cos(angle) * z - np.sin(angle) * x], -1)
    points[..., 0] += 0.3 * time[:, None]
    points[..., 2] += ahead
    return points.astype(np.float32)


def write_couples(root: Path, num_takes: int, num_frames: int) -> list[str]:
    """Encoded couples and music features below ``root``; returns the names of the takes."""
    rng = np.random.default_rng(9)
    names = [f"take_{index}" for index in range(num_takes)]
    for index, name in enumerate(names):
        folder = root / "encoded" / name
        folder.mkdir(parents=True)
        turn = 0.4 + 0.2 * index
        for role, yaw, ahead in (("leader", 0.3, 0.0), ("follower", 0.3 + np.pi, 0.6)):
            points = walker(num_frames, turn=turn, yaw=yaw, ahead=ahead, seed=index)
            foot = np.ones((num_frames, 4), np.float32)
            touching = (rng.random((num_frames, NUM_POINTS)) < 0.01).astype(np.float32)
            np.save(folder / f"{role}.npy", encode(points, foot, touching, ANCHORS))
        write_json(folder / "facts.json", {"genre": "walk"})
        (root / "music").mkdir(exist_ok=True)
        np.save(root / "music" / f"{name}.npy", rng.normal(size=(num_frames, 35)).astype(np.float32))
    return names


def statistics_of(windows: list[dict[str, torch.Tensor]], num_components: int = 16) -> Statistics:
    """Statistics of un-normalised windows."""
    generator = torch.Generator().manual_seed(0)
    leader, follower = (
        measure([window[role] for window in windows], LAYOUT, 1e-3, 5.0, num_components, 400, generator)
        for role in ("leader", "follower")
    )
    return Statistics(leader, follower, measure_music([window["music"] for window in windows], 1e-3))


def open_gates(denoiser: torch.nn.Module, seed: int = 0) -> None:
    """Weights by lot for what begins at zero: a new network is blind to what it is told."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in denoiser.named_parameters():
        if "modulation" in name or "final" in name:
            value.data.normal_(std=0.1, generator=generator)


def swaying(num_frames: int, side: float = 0.0) -> Motion:
    """Somebody who stands and swings both arms."""
    rotations = np.zeros((num_frames, 55, 3), np.float32)
    swing = 0.4 * np.sin(np.arange(num_frames) / 5)
    rotations[:, 16, 2], rotations[:, 17, 2] = -1.0 + swing, 1.0 + swing
    rotations[:, 0, 1] = side
    place = np.tile(np.array([0, 0.9, side / 4], np.float32), (num_frames, 1))
    return Motion(rotations, place, np.zeros(10, np.float32), 30.0)


def write_untrained(folder: Path, params: Params, num_frames: int) -> None:
    """The folder of a model that has learned nothing, of two who sway."""
    body = Body.load()
    couple = (body.points(swaying(num_frames, side)) for side in (0.0, 3.0))
    leader, follower = (torch.from_numpy(encode(points, None, None, body.anchor_P)) for points in couple)
    statistics = statistics_of([{"leader": leader, "follower": follower, "music": torch.randn(num_frames, 35)}])
    kind = Canonical(body.anchor_P)
    save_model(folder, TrainedModel(start_denoiser(params, kind, statistics).eval(), kind, statistics, params))
