"""What Blender makes of our files: how far the dancers that it imports are from ours.

``python benchmarks/blender.py [leader.npz follower.npz]``. Needs Blender's own Python module (``pip install bpy``), which has
half a gigabyte and is no dependency of ours. Without dancers of yours, those of ``benchmarks/video.py`` are taken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.video import FPS, swaying  # noqa: E402
from interdance.body.model import Body  # noqa: E402
from interdance.body.skeleton import INDEX  # noqa: E402
from interdance.export.bvh import write_bvh  # noqa: E402
from interdance.export.cast import Dancer, cast  # noqa: E402
from interdance.export.gltf import write_glb  # noqa: E402
from interdance.takes import read_motion  # noqa: E402

MOMENTS = 8


def y_up(places_N3: np.ndarray) -> np.ndarray:
    """Blender's places with +Z up as ours."""
    return np.stack([places_N3[:, 0], places_N3[:, 2], -places_N3[:, 1]], axis=1)


def empty_scene(bpy: Any, fps: float) -> None:
    """Nothing, at a frame rate."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = round(fps)


def glb_error(bpy: Any, path: Path, dancers: list[Dancer], body: Body, frames: np.ndarray) -> float:
    """Largest distance of a vertex, metres."""
    write_glb(path, dancers, body)
    empty_scene(bpy, dancers[0].motion.fps)
    bpy.ops.import_scene.gltf(filepath=str(path))
    worst = 0.0
    for frame in frames:
        bpy.context.scene.frame_set(int(frame))
        graph = bpy.context.evaluated_depsgraph_get()
        for dancer in dancers:
            shown = bpy.data.objects[f"{dancer.name} body"].evaluated_get(graph)
            mesh = shown.to_mesh()
            places = np.empty(3 * len(mesh.vertices), np.float32)
            mesh.vertices.foreach_get("co", places)
            world = np.array(shown.matrix_world)
            places_V3 = y_up(places.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
            truth_V3 = body.vertices(dancer.motion, [int(frame)])[0]
            worst = max(worst, float(np.linalg.norm(places_V3 - truth_V3, axis=1).max()))
    return worst


def bvh_error(bpy: Any, path: Path, dancer: Dancer, body: Body, frames: np.ndarray) -> float:
    """Largest distance of a joint, metres."""
    write_bvh(path, dancer.motion, body)
    empty_scene(bpy, dancer.motion.fps)
    bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01)
    bones, truth_TJ3, worst = bpy.context.object.pose.bones, body.joints(dancer.motion), 0.0
    for frame in frames:
        bpy.context.scene.frame_set(int(frame) + 1)  # Blender counts from 1
        places = y_up(np.array([bpy.context.object.matrix_world @ bone.head for bone in bones]))
        truth_J3 = truth_TJ3[frame, [INDEX[bone.name] for bone in bones]]
        worst = max(worst, float(np.linalg.norm(places - truth_J3, axis=1).max()))
    return worst


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dancers", type=Path, nargs="*", help="leader and follower as .npz, instead of two who sway")
    files = parser.parse_args().dancers
    import bpy

    body = Body.load()
    if len(files) == 2:
        leader, follower = map(read_motion, files)
    else:
        leader, follower = (swaying(body, side * np.pi, 0.8 * side, int(10 * FPS)) for side in (0, 1))
    dancers, frames = cast(leader, [follower]), np.linspace(0, leader.num_frames - 1, MOMENTS).astype(int)
    with tempfile.TemporaryDirectory() as folder:
        skins = glb_error(bpy, Path(folder, "dance.glb"), dancers, body, frames)
        joints = max(bvh_error(bpy, Path(folder, "dancer.bvh"), dancer, body, frames) for dancer in dancers)
    print(f"Blender {bpy.app.version_string}, {MOMENTS} moments of {len(dancers)} dancers")
    print(f"  .glb: vertices within {1e3 * skins:.3f} mm, of {2 * body.num_vertices}")
    print(f"  .bvh: joints within {1e3 * joints:.4f} mm")


if __name__ == "__main__":
    main()
