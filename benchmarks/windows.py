"""How much the encoded, memory-mapped takes save the loader; every figure and its baseline are timed in one run.

``python benchmarks/windows.py`` makes one couple of 40 s in a temporary folder and prints, for one thread and per
second of the process's own time, so that a busy machine does not blur the ratios:

- windows per second from :class:`WindowDataset`, against posing the body and encoding each window anew;
- frames per second of the contact labels, against a k-d tree of all points in every frame.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from interdance.body.model import Body
from interdance.dataset.windows import WindowDataset
from interdance.files import write_json
from interdance.representation.canonical import Canonical, encode, leader_frame, on_yaw_branch, rebase
from interdance.representation.contact import foot_contact, partner_contacts
from interdance.takes import Motion

FRAMES, WINDOW, STRIDE, THRESHOLD = 1200, 60, 10, 0.03


def couple() -> list[Motion]:
    """Two dancers who sway face to face, hands forward."""
    rng = np.random.default_rng(0)
    motions = []
    for yaw, place in ((0.0, 0.0), (np.pi, 0.75)):
        time_T = np.arange(FRAMES)[:, None, None] / 30.0
        rotations = np.zeros((FRAMES, 55, 3), np.float32)
        rotations[:, 13:55] = 0.2 * np.sin(time_T * rng.uniform(1, 4, (42, 3)) + rng.uniform(0, 6, (42, 3)))
        rotations[:, 16, 1], rotations[:, 17, 1] = -1.2, 1.2
        rotations[:, 0, 1] = yaw + 0.3 * np.sin(time_T[:, 0, 0])
        translation = np.zeros((FRAMES, 3), np.float32) + np.float32([0.0, 1.0, place])
        motions.append(Motion(rotations, translation, np.zeros(10, np.float32), 30.0))
    return motions


def encode_couple(points: list[np.ndarray], body: Body) -> list[np.ndarray]:
    """Both dancers with all labels."""
    touching = partner_contacts(*points, THRESHOLD)
    labels = [foot_contact(one, 30.0, 0.05, 0.25) for one in points]
    return [
        encode(one, feet, touched, body.anchor_P) for one, feet, touched in zip(points, labels, touching, strict=True)
    ]


def per_second(function: Callable[[int], object], count: int) -> float:
    """Calls of ``function(0) .. function(count - 1)`` per second of the process's own time, best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        for index in range(count):
            function(index)
        times.append(time.process_time() - start)
    return count / min(times)


def every_point(points: list[np.ndarray]) -> None:
    """Contact labels without the boxes: both trees whole, in every frame."""
    for first, second in zip(*points, strict=True):
        for one, other in ((first, second), (second, first)):
            cKDTree(other).query(one, distance_upper_bound=THRESHOLD)


def main() -> None:
    """Time the loader and the labels."""
    torch.set_num_threads(1)
    body = Body.load()
    motions = couple()
    points = [body.points(motion) for motion in motions]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "encoded" / "take").mkdir(parents=True)
        (root / "music").mkdir()
        for role, x in zip(("leader", "follower"), encode_couple(points, body), strict=True):
            np.save(root / "encoded" / "take" / f"{role}.npy", x)
        write_json(root / "encoded" / "take" / "facts.json", {"genre": "waltz"})
        np.save(root / "music" / "take.npy", np.zeros((FRAMES, 35), np.float32))
        windows = WindowDataset(Canonical(body.anchor_P), root / "encoded", root / "music", ["take"], None, WINDOW, STRIDE)

        def anew(index: int) -> None:
            start = windows.starts[index][1]
            clips = [body.points(motion[start : start + WINDOW]) for motion in motions]
            leader, follower = (torch.from_numpy(x) for x in encode_couple(clips, body))
            frame = leader_frame(leader)
            rebase(leader, frame), on_yaw_branch(rebase(follower, frame))

        mapped, naive = per_second(windows.__getitem__, len(windows)), per_second(anew, 20)
        many = torch.utils.data.DataLoader(windows, batch_size=16)
        start = time.process_time()
        loaded = sum(len(batch["start"]) for batch in many) / (time.process_time() - start)
    culled = FRAMES * per_second(lambda _: partner_contacts(*points, THRESHOLD), 1)
    whole = FRAMES * per_second(lambda _: every_point(points), 1)
    lines = (
        f"windows of {WINDOW} frames, one thread, per second of its own time",
        f"windows: mapped {mapped:.0f}, encoded anew {naive:.1f}, ratio {mapped / naive:.0f}; in batches {loaded:.0f}",
        f"frames labelled: boxes first {culled:.0f}, whole trees {whole:.0f}, ratio {culled / whole:.1f}",
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
