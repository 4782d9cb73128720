"""What guidance does to the same follower (Table 6), and the same moments before and after (Figure 7).

    python benchmarks/guidance.py --root . --picture docs/guidance.png

For the test takes of a run with a trained model, each follower is generated from the same noise without guidance, with
the contact term, with the penetration term, and with both. Two more rows take the same steps with both terms along the plain
gradient (Eq. 10), in metres and in normalised channels, instead of along the poses of the training set.

Printed are means over takes and seeds: CF and PR as the paper defines them, how deep the deepest point is on average over
frames, the distance to the true follower, and, so that a gain is not bought with torn or trembling bodies, the jerk of the
joints and how far the worst edge of the surface is off its true length on average over frames.

The picture shows two moments, one a row: where the unguided follower is deepest inside the leader, and where she misses
most what she should hold. The columns are none, contact, penetration, both.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image, ImageDraw

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from interdance import config  # noqa: E402
from interdance.body.distance import EXACT_ACCURACY, LeaderField  # noqa: E402
from interdance.body.model import Body  # noqa: E402
from interdance.body.nearest import nearest_distance  # noqa: E402
from interdance.body.pose import fit_motion  # noqa: E402
from interdance.config import GuidanceParams, Params, Paths  # noqa: E402
from interdance.dataset.split import read_split  # noqa: E402
from interdance.dataset.windows import open_encoded  # noqa: E402
from interdance.export import palette  # noqa: E402
from interdance.export.raster import Camera, Renderer  # noqa: E402
from interdance.files import atomic_path  # noqa: E402
from interdance.generation import generate  # noqa: E402
from interdance.generation.generate import generate_follower, without_guidance  # noqa: E402
from interdance.metrics.interaction import contact_frequency  # noqa: E402
from interdance.metrics.plausibility import jitter  # noqa: E402
from interdance.representation.layout import NUM_JOINTS  # noqa: E402
from interdance.takes import Motion, read_take  # noqa: E402
from interdance.trained import TrainedModel, load_model  # noqa: E402

TILE, SAMPLES = 480, 3
NEAR, OPENING, ELEVATION = 1.2, np.radians(40.0), np.radians(12.0)  # metres and angles of the camera
CONTACT = 0.01  # metres, as in the metrics
HELD = 0.15  # metres: a point that touches in truth and is farther off than this has let go, it does not miss


def settings(guidance: GuidanceParams) -> dict[str, GuidanceParams]:
    """The rows of Table 6."""
    return {
        "none": without_guidance(guidance),
        "contact": replace(guidance, penetration_scale=0.0),
        "penetration": replace(guidance, contact_scale=0.0),
        "both": guidance,
    }


def measure(
    points_TP3: np.ndarray, true_TP3: np.ndarray, field: LeaderField, lead_TV3: np.ndarray, faces: np.ndarray, fps: int
) -> dict[str, float]:
    """Figures of one follower."""
    surface = np.ascontiguousarray(points_TP3[:, NUM_JOINTS:])
    depth = depth_of(surface, field)
    return {
        "CF %": 100 * contact_frequency(lead_TV3, surface, distance=CONTACT),
        "PR %": 100 * (depth > 0).mean(),
        "deepest mm": 1000 * np.maximum(depth, 0).max(axis=1).mean(),
        "to the true mm": 1000 * np.linalg.norm(points_TP3 - true_TP3, axis=-1).mean(),
        "jerk m/s3": jitter(points_TP3[:, :NUM_JOINTS], fps),
        "torn mm": 1000 * np.abs(edges(surface, faces) - edges(true_TP3[:, NUM_JOINTS:], faces)).max(axis=1).mean(),
    }


def edges(surface_TV3: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Length of every edge of the surface, (T, E) metres."""
    sides = surface_TV3[:, faces] - surface_TV3[:, np.roll(faces, 1, axis=1)]
    return np.linalg.norm(sides, axis=-1).reshape(len(sides), -1)


def depth_of(surface_TV3: np.ndarray, field: LeaderField) -> np.ndarray:
    """Exact depth inside the leader, (T, V) metres."""
    return field.measure(torch.from_numpy(surface_TV3), np.arange(len(surface_TV3)), EXACT_ACCURACY)[0].numpy()


def followers(
    model: TrainedModel, body: Body, params: Params, paths: Paths, take: str, seed: int, frames: int
) -> Iterator[tuple[str, np.ndarray]]:
    """The follower of the first frames of a take with every setting."""
    leader_TC = np.array(open_encoded(paths.encoded / take / "leader.npy", model.representation)[:frames])
    music_TA = np.load(paths.music / f"{take}.npy", allow_pickle=False)[:frames]
    for name, guidance in settings(params.guidance).items():
        made = generate_follower(model, body, leader_TC, music_TA, sampling=params.sample, guidance=guidance, seed=seed)
        yield name, made.points_TP3
    std_C = model.statistics.follower.std_C
    for name, each_C in (("both, metres", torch.ones_like(std_C)), ("both, normal.", std_C)):
        with patch.object(generate, "ways_to_move", lambda *_, each_C=each_C: torch.diag(each_C)):
            made = generate_follower(
                model, body, leader_TC, music_TA, sampling=params.sample, guidance=params.guidance, seed=seed
            )
        yield name, made.points_TP3


def draw(path: Path, leader: Motion, made: dict[str, np.ndarray], moments: list[tuple[int, np.ndarray]], body: Body) -> None:
    """Each moment, a frame and the place that is looked at, as a row of pictures."""
    sheet = Image.new("RGB", (TILE * len(made), TILE * len(moments)), "#ffffff")
    renderer, pen = Renderer(TILE, TILE, SAMPLES), ImageDraw.Draw(sheet)
    faces = np.concatenate([body.faces, body.faces + body.num_vertices]).astype(np.int32)
    colours = np.stack([palette.linear(palette.LEADER), palette.linear(palette.FOLLOWERS[0])])
    albedo = np.repeat(colours, body.num_vertices, axis=0)
    for row, (frame, place) in enumerate(moments):
        his = body.vertices(leader, [frame])[0]
        around = slice(max(0, frame - 15), frame + 16)
        for column, (name, points_TP3) in enumerate(made.items()):
            motion, _ = fit_motion(points_TP3[around], body, fps=leader.fps)
            hers = body.vertices(motion, [frame - around.start])[0]
            if column == 0:  # across the line between the dancers, from the side that the place lies on
                line = (hers.mean(axis=0) - his.mean(axis=0)) * [1.0, 0.0, 1.0]
                side = np.cross(line / np.linalg.norm(line), [0.0, 1.0, 0.0])
                side *= 1.0 if (place - (hers.mean(axis=0) + his.mean(axis=0)) / 2) @ side > 0 else -1.0
                eye = place + NEAR * (np.cos(ELEVATION) * side + [0.0, np.sin(ELEVATION), 0.0])
            camera = Camera(eye, place, float(OPENING))
            picture = next(renderer.draw(np.concatenate([his, hers]), faces, albedo, [camera], place))
            corner = (column * TILE, row * TILE)
            sheet.paste(Image.fromarray(picture), corner)
            pen.text((corner[0] + 10, corner[1] + 8), name, fill="#1d2330", font_size=20)
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def choose_moments(
    made: dict[str, np.ndarray], true_TP3: np.ndarray, field: LeaderField, lead_TV3: np.ndarray
) -> list[tuple[int, np.ndarray]]:
    """Frames and places of the deepest penetration and of the widest missed contact of the unguided follower."""
    hers = np.ascontiguousarray(made["none"][:, NUM_JOINTS:])
    frame, point = np.unravel_index(depth_of(hers, field).argmax(), hers.shape[:2])
    moments = [(int(frame), hers[frame, point])]
    touching, _ = nearest_distance(true_TP3[:, NUM_JOINTS:], lead_TV3, CONTACT)
    gap, _ = nearest_distance(hers, lead_TV3, HELD)
    missed = np.where(np.isfinite(touching) & np.isfinite(gap), gap, 0.0)
    frame, point = np.unravel_index(missed.argmax(), missed.shape)
    return [*moments, (int(frame), hers[frame, point])]


def main() -> None:
    """Measure, and draw if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("."), help="folder of a run: data/, models/, params.yaml")
    parser.add_argument("--frames", type=int, default=400, help="of each take")
    parser.add_argument("--seeds", type=int, nargs="+", default=[5])
    parser.add_argument("--picture", type=Path, help="write the picture of the first take here (.png)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    params, paths = config.load(arguments.root / "params.yaml"), Paths(arguments.root)
    body = Body.load(params.body.model)
    model, fps = load_model(paths.model, body), params.data.fps
    rows: dict[str, list[dict[str, float]]] = {"true follower": []}
    for take in read_split(paths.split)["test"]:
        duet = read_take(paths.takes / take)
        if duet.follower is None:
            continue
        leader = duet.leader[: arguments.frames]
        lead_TV3 = np.ascontiguousarray(body.points(leader)[:, NUM_JOINTS:])
        true_TP3 = body.points(duet.follower[: arguments.frames])
        field = LeaderField(lead_TV3, body.surface_faces, margin=0.0)
        rows["true follower"].append(measure(true_TP3, true_TP3, field, lead_TV3, body.surface_faces, fps))
        for seed in arguments.seeds:
            made = dict(followers(model, body, params, paths, take, seed, arguments.frames))
            for name, points_TP3 in made.items():
                rows.setdefault(name, []).append(measure(points_TP3, true_TP3, field, lead_TV3, body.surface_faces, fps))
            if arguments.picture is not None:
                rows_of_table = {name: made[name] for name in settings(params.guidance)}
                draw(arguments.picture, leader, rows_of_table, choose_moments(made, true_TP3, field, lead_TV3), body)
                sys.stdout.write(f"{arguments.picture}: {take}, seed {seed}\n")
                arguments.picture = None
    columns = list(rows["true follower"][0])
    sys.stdout.write(f"{'':14s}" + "".join(f"{column:>16s}" for column in columns) + "\n")
    for name, found in rows.items():
        values = "".join(f"{np.mean([row[column] for row in found]):16.2f}" for column in columns)
        sys.stdout.write(f"{name:14s}{values}\n")


if __name__ == "__main__":
    main()
