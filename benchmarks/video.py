"""Frames per second of films at 1280 x 720, of one view and of four, against matplotlib's Poly3DCollection; other exports.

``python benchmarks/video.py [seconds]``. Wall time depends on what else the machine does; the processor time per frame
tells what two free cores would give.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np

from interdance.body.model import Body
from interdance.export.bvh import write_bvh
from interdance.export.cast import Dancer, cast
from interdance.export.gltf import write_glb
from interdance.export.page import write_page
from interdance.export.video import write_video
from interdance.takes import NUM_JOINTS, Motion

matplotlib.use("agg")
from matplotlib import pyplot as plt  # noqa: E402
from mpl_toolkits.mplot3d.art3d import Poly3DCollection  # noqa: E402

WIDTH, HEIGHT, FPS = 1280, 720, 30.0


def swaying(body: Body, heading: float, forward: float, num_frames: int) -> Motion:
    """A dancer who shifts weight, waves and trembles."""
    moment = np.arange(num_frames) / FPS
    rotations = np.zeros((num_frames, NUM_JOINTS, 3), np.float32)
    rotations[:, 0, 1] = heading + 0.5 * np.sin(moment)
    rotations[:, 16, 2], rotations[:, 17, 2] = -0.9 + 0.4 * np.sin(2 * moment), 0.9 - 0.4 * np.sin(2 * moment)
    rotations[:, 1, 0], rotations[:, 2, 0] = -0.3 * np.sin(4 * moment), 0.3 * np.sin(4 * moment)
    rotations[:, 3:, 1] += 0.05 * np.sin(moment)[:, None]  # nothing is still: what is written is as large as it gets
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


def film_seconds(path: Path, dancers: list[Dancer], body: Body, views: tuple[str, ...]) -> tuple[float, float]:
    """Seconds per frame of a film: of the wall clock, and of processor time."""
    beginning = [replace(dancer, motion=dancer.motion[:10]) for dancer in dancers]
    write_video(path, beginning, body, None, width=WIDTH, height=HEIGHT, views=views)  # compiles, and fills caches
    start, busy = time.perf_counter(), time.process_time()
    write_video(path, dancers, body, None, width=WIDTH, height=HEIGHT, views=views)
    num_frames = dancers[0].motion.num_frames
    return (time.perf_counter() - start) / num_frames, (time.process_time() - busy) / num_frames


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=float, nargs="?", default=10.0, help="of dance")
    num_frames = int(parser.parse_args().seconds * FPS)
    body = Body.load()
    couple = swaying(body, 0.0, 0.0, num_frames), swaying(body, np.pi, 0.8, num_frames)
    dancers, report, ours = cast(couple[0], [couple[1]]), [], 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for views in (("follow",), ("follow", "front", "side", "top")):
            wall, busy = film_seconds(folder / "film.mp4", dancers, body, views)
            ours = ours or wall
            report.append(
                f"film of {len(views)} view(s): {1 / wall:.1f} frames/s; "
                f"{1e3 * busy:.1f} ms of processor per frame, {2 / busy:.0f} frames/s on two free cores"
            )
        theirs = matplotlib_seconds(body, couple, [0, num_frames // 2])
        report.append(f"matplotlib: {1 / theirs:.2f} frames/s (not encoded), 1/{theirs / ours:.0f} of the film of one view")
        for write, file in (
            (lambda path: write_page(path, couple[0], {"Follower": couple[1]}, body, None, title="Benchmark"), "page.html"),
            (lambda path: write_glb(path, dancers, body), "dance.glb"),
            (lambda path: write_bvh(path, couple[0], body), "dance_leader.bvh"),
        ):
            start = time.perf_counter()
            write(folder / file)
            took, size = time.perf_counter() - start, (folder / file).stat().st_size
            report.append(f"{file} of {num_frames / FPS:.0f} s: {took:.2f} s, {size / 1e6:.2f} MB")
    sys.stdout.write(f"{WIDTH}x{HEIGHT}, {2 * len(body.faces)} triangles, 2x2 samples, shadows, encoded\n")
    sys.stdout.write("\n".join(report) + "\n")


if __name__ == "__main__":
    main()
