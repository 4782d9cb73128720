"""Ratios behind the choice of distance engines: signed depth and nearest partner points, 150 frames of a real couple.

    python benchmarks/distance.py [data/takes/<take>]

Every line is a median over interleaved rounds, with its ratio to the engine in use. Read the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import igl
import numpy as np
import torch
from scipy.spatial import cKDTree

from interdance.body.distance import LeaderField
from interdance.body.model import Body
from interdance.body.nearest import nearest_distance
from interdance.config import Paths
from interdance.takes import list_takes, read_take

FRAMES = 150
JOINTS = 55
CONTACT = 0.01  # metres
ROUNDS = 5


def interleaved(engines: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each engine, the rounds of all taken in turn so that a noisy machine hits them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            started = time.perf_counter()
            engine()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def show(title: str, medians: dict[str, float]) -> None:
    """Write a small table; the first engine is the one in use."""
    base = next(iter(medians.values()))
    sys.stdout.write(f"{title}\n")
    for name, seconds in medians.items():
        sys.stdout.write(f"  {seconds * 1000:9.1f} ms  {seconds / base:7.2f}  {name}\n")


def signed_depth(leader: np.ndarray, follower: np.ndarray, faces: np.ndarray) -> None:
    """Depth of the follower's 710 points in the leader's 655-vertex mesh, prepared beforehand."""
    vertices = leader[:, JOINTS:]
    field, wide = LeaderField(vertices, faces), LeaderField(vertices, faces, margin=10.0)
    points = torch.from_numpy(follower)
    trees = []
    for frame in vertices.astype(np.float64):
        tree, winding = igl.AABB(), igl.FastWindingNumberBVH()
        tree.init(frame, faces)
        winding.init(frame, faces)
        trees.append((frame, tree, winding))

    def with_igl() -> np.ndarray:
        depth = []
        for (frame, tree, winding), queries in zip(trees, follower.astype(np.float64), strict=True):
            squared = tree.squared_distance(frame, faces, queries)[0]
            sign = np.where(winding.winding_number(queries) > 0.5, 1.0, -1.0)
            depth.append(sign * np.sqrt(squared))
        return np.stack(depth)

    started = time.perf_counter()
    field.prepare()
    wide.prepare()
    build = (time.perf_counter() - started) / 2 / len(vertices)
    engines: dict[str, Callable[[], object]] = {
        "warp, winding number, culled at 5 cm (in use)": lambda: field.signed_depth(points),
        "warp, winding number, every point measured": lambda: wide.signed_depth(points),
    }
    engines["libigl, trees and winding numbers kept"] = with_igl
    exact = exact_depth(vertices, faces, follower)
    show(f"signed depth, {points.shape[0]} x {points.shape[1]} points", interleaved(engines))
    depth = field.signed_depth(points).numpy()
    wrong = int(((depth > 0) != (exact > 0))[np.abs(exact) > 1e-6].sum())
    error = np.abs(depth - np.maximum(exact, -field.margin)).max()
    sys.stdout.write(
        f"  {build * 1000:.2f} ms to prepare a frame; {(depth > 0).mean():.2%} of the points inside; "
        f"{wrong} wrong signs, error at most {error * 1000:.4f} mm against libigl\n"
    )


def exact_depth(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Depth by libigl's exact winding number and distance."""
    depth = []
    for frame, queries in zip(vertices.astype(np.float64), points.astype(np.float64), strict=True):
        squared = igl.point_mesh_squared_distance(queries, frame, faces)[0]
        sign = np.where(igl.winding_number(frame, faces, queries) > 0.5, 1.0, -1.0)
        depth.append(sign * np.sqrt(squared))
    return np.stack(depth)


def nearest(leader: np.ndarray, follower: np.ndarray) -> None:
    """Contact by nearest partner points under 1 cm."""
    a, b = torch.from_numpy(follower), torch.from_numpy(leader)
    exact = "donot_use_mm_for_euclid_dist"

    def trees(upper: float) -> np.ndarray:
        found = [cKDTree(y).query(x, distance_upper_bound=upper)[0] for x, y in zip(follower, leader, strict=True)]
        return np.stack(found)

    show(
        f"nearest partner point, {a.shape[0]} x {a.shape[1]} x {b.shape[1]}",
        interleaved(
            {
                "k-d tree, culled by boxes, under 1 cm (in use)": lambda: nearest_distance(follower, leader, CONTACT),
                "k-d tree, culled by boxes, unbounded": lambda: nearest_distance(follower, leader, np.inf),
                "k-d tree of every frame, under 1 cm": lambda: trees(CONTACT),
                "k-d tree of every frame, unbounded": lambda: trees(np.inf),
                "torch.cdist, least": lambda: torch.cdist(a, b, compute_mode=exact).amin(dim=-1),
            }
        ),
    )


def main() -> None:
    """Measure the first frames of one couple."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("take", type=Path, nargs="?", help="folder of a take; the first of data/takes by default")
    folder = parser.parse_args().take
    if folder is None:
        takes = Paths(Path.cwd()).takes
        folder = takes / list_takes(takes)[0]
    torch.set_num_threads(1)
    body, duet = Body.load(), read_take(folder)
    middle = slice(duet.leader.num_frames // 2, duet.leader.num_frames // 2 + FRAMES)
    leader, follower = body.points(duet.leader[middle]), body.points(duet.follower[middle])
    signed_depth(leader, follower, np.asarray(body.surface_faces))
    nearest(leader, follower)


if __name__ == "__main__":
    main()
