"""Frames per second of films at 1280 x 720, against matplotlib's Poly3DCollection drawing the same two meshes.

``python benchmarks/video.py [seconds]``. Wall time depends on what else the machine does; the processor time per frame
tells what two free cores would give.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import matplotlib
import numpy as np

from interdance.body.model import Body
from interdance.export.page import write_page
from interdance.export.video import write_video
from interdance.takes import NUM_JOINTS, Motion

matplotlib.use("agg")
from matplotlib import pyplot as plt  # noqa: E402
from mpl_toolkits.mplot3d.art3d import Poly3DCollection  # noqa: E402

WIDTH, HEIGHT, FPS = 1280, 720, 30.0


def swaying(body: Body, heading: float, forward: float, num_frames: int) -> Motion:
    """A dancer who shifts weight and waves."""
    moment = np.arange(num_frames) / FPS
    rotations = np.zeros((num_frames, NUM_JOINTS, 3), np.float32)
    rotations[:, 0, 1] = heading + 0.5 * np.sin(moment)
    rotations[:, 16, 2], rotations[:, 17, 2] = -0.9 + 0.4 * np.sin(2 * moment), 0.9 - 0.4 * np.sin(2 * moment)
    rotations[:, 1, 0], rotations[:, 2, 0] = -0.3 * np.sin(4 * moment), 0.3 * np.sin(4 * moment)
    motion = Motion(rotations, np.zeros((num_frames, 3), np.float32), np.zeros(10, np.float32), FPS)
    motion.translation_T3[:] = [0.0, -body.vertices(motion, [0])[0, :, 1].min(), forward]
    return motion


def matplotlib_seconds(body: Body, couple: tuple[Motion, Motion], frames: list[int]) -> float:
    """Seconds per frame of the usual way: two shaded Poly3DCollections on an Agg canvas."""
    start = time.perf_counter()
    for frame in frames:
        figure = plt.figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
        axes = figure.add_subplot(projection="3d")
        for motion, colour in zip(couple, ("#3fae6a", "#4a86e8"), strict=True):
            corners = body.vertices(motion, [frame])[0][:, [2, 0, 1]][body.faces]
            axes.add_collection3d(Poly3DCollection(corners, facecolors=colour, shade=True))
        axes.set(xlim=(-0.6, 1.4), ylim=(-1, 1), zlim=(0, 2))
        figure.canvas.draw()
        plt.close(figure)
    return (time.perf_counter() - start) / len(frames)


def main() -> None:
    """Measure and print."""
    num_frames = int(float(sys.argv[1]) * FPS) if len(sys.argv) > 1 else 300
    body = Body.load()
    couple = swaying(body, 0.0, 0.0, num_frames), swaying(body, np.pi, 0.8, num_frames)
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder, "warm.mp4")  # compiles, and fills caches
        write_video(warm, couple[0][:10], couple[1][:10], body, None, width=WIDTH, height=HEIGHT)
        start, busy = time.perf_counter(), time.process_time()
        write_video(Path(folder, "film.mp4"), *couple, body, None, width=WIDTH, height=HEIGHT)
        ours = (time.perf_counter() - start) / num_frames
        busy = (time.process_time() - busy) / num_frames
        start = time.perf_counter()
        write_page(Path(folder, "page.html"), couple[0], {"Follower": couple[1]}, body, None, title="Benchmark")
        page = time.perf_counter() - start
        size = Path(folder, "page.html").stat().st_size
    theirs = matplotlib_seconds(body, couple, [0, num_frames // 2])
    report = (
        f"film, {2 * len(body.faces)} triangles at {WIDTH}x{HEIGHT}, 2x2 samples, shadows, encoded",
        f"  ours:       {1 / ours:7.1f} frames/s",
        f"              {1e3 * busy:7.1f} ms of processor per frame: {2 / busy:.0f} frames/s on two free cores",
        f"  matplotlib: {1 / theirs:7.2f} frames/s (not encoded)",
        f"  ratio:      {theirs / ours:7.0f}x",
        f"page of {num_frames / FPS:.0f} s: {page:.2f} s, {size / 1e6:.2f} MB",
    )
    sys.stdout.write("\n".join(report) + "\n")


if __name__ == "__main__":
    main()
