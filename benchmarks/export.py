"""What the way through a file, and the clean-up, do to generated followers: `python benchmarks/export.py --root .`

For the followers that a run has generated with guidance (``generated/interdance/seed_<n>/<take>``: ``points.npy`` and the
``follower.npz`` fitted to it), printed are contact frequency and penetration rate with the leader, of the points and of
the SMPL-X motion read back and skinned, their means and the largest difference of a follower; and then what the clean-up
changes in that motion, feet labelled by height and speed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from interdance import config  # noqa: E402
from interdance.body.model import Body  # noqa: E402
from interdance.config import Params, Paths  # noqa: E402
from interdance.errors import InputError  # noqa: E402
from interdance.generation.clean import changes, clean_motion  # noqa: E402
from interdance.metrics.interaction import contact_frequency, penetration_rate  # noqa: E402
from interdance.representation.contact import foot_contact  # noqa: E402
from interdance.representation.layout import NUM_JOINTS  # noqa: E402
from interdance.takes import read_motion  # noqa: E402

CLEANED = ("slide", "skating", "deepest", "jitter", "contact_frequency", "penetration_rate")


def measure(folder: Path, takes: Path, body: Body, params: Params) -> dict[str, tuple[float, float]]:
    """Figures of one follower: of the points and of the file, then before and after the clean-up."""
    take = Path(*folder.parts[-2:])
    lead_TP3 = body.points(read_motion(takes / take / "leader.npz"))
    points_TP3, motion = np.load(folder / "points.npy", allow_pickle=False), read_motion(folder / "follower.npz")
    skinned_TP3 = body.points(motion)
    near, surfaces = params.evaluate.contact_distance, [each[:, NUM_JOINTS:] for each in (points_TP3, skinned_TP3)]
    lead_TV3 = lead_TP3[:, NUM_JOINTS:]
    contact = [contact_frequency(lead_TV3, surface_TV3, distance=near) for surface_TV3 in surfaces]
    depth = [penetration_rate(lead_TV3, surface_TV3, body.surface_faces) for surface_TV3 in surfaces]
    standing_T4 = foot_contact(skinned_TP3, motion.fps, params.encode.foot_height, params.encode.foot_speed)
    cleaned = clean_motion(motion, standing_T4.astype(np.float32), body, params.clean)
    after_TP3 = body.points(cleaned.motion)
    changed = changes(
        skinned_TP3,
        after_TP3,
        lead_TP3,
        cleaned.held_T4,
        fps=motion.fps,
        faces=body.surface_faces,
        contact_distance=near,
    )
    found = {"CF, points and file": (contact[0], contact[1]), "PR, points and file": (depth[0], depth[1])}
    found |= {f"clean-up, {name}": (changed[name][0], changed[name][1]) for name in CLEANED}
    return found | {"clean-up, moved (mean, most)": (changed["moved_mean"], changed["moved_max"])}


def main() -> None:
    """Measure, and print the means over the followers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("."), help="folder of a run: generated/, data/, params.yaml")
    arguments = parser.parse_args()
    params, paths = config.load(arguments.root / "params.yaml"), Paths(arguments.root)
    body = Body.load(params.body.model)
    folders = sorted(path.parent for path in (paths.generated / "interdance").rglob("follower.npz"))
    if not folders:
        raise InputError(f"{paths.generated / 'interdance'}: no followers; make them with `interdance run generate`")
    rows = [measure(folder, paths.takes, body, params) for folder in folders]
    sys.stdout.write(f"{len(rows)} followers{'first':>34s}{'second':>10s}{'largest difference':>20s}\n")
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        first, second = values.mean(axis=0)
        sys.stdout.write(f"{name:36s}{first:10.4f}{second:10.4f}{np.abs(np.diff(values)).max():20.4f}\n")


if __name__ == "__main__":
    main()
