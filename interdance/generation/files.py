"""Files in, files out: a leader and a song become a follower in every form a user takes away."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.config import Params
from interdance.errors import InputError
from interdance.export.page import write_page
from interdance.export.video import write_video
from interdance.files import write_json
from interdance.generation.generate import generate_follower
from interdance.mocap.retarget import load_mapping, read_leader
from interdance.music.features import music_features
from interdance.representation.contact import foot_contact
from interdance.takes import write_motion
from interdance.trained import load_model

logger = logging.getLogger(__name__)


def generate_files(
    leader: Path,
    music: Path,
    out: Path,
    model: Path,
    params: Params,
    seed: int,
    mapping: str | None = None,
    device: str = "cpu",
) -> None:
    """Generate the follower of a leader's file and write it in every form.

    ``out`` receives ``follower.npz`` and ``leader.npz`` (SMPL-X parameters), ``points.npy`` (T, 710, 3), ``duet.html``
    (both dancers in 3D, with the song), ``duet.mp4`` and ``generated.json`` (what was made from what). Files of those
    names are replaced, all at the end, when everything has succeeded; others in ``out`` are left alone.

    Parameters
    ----------
    leader
        BVH of a known skeleton, or SMPL-X ``.npz``.
    music
        The song; at least as long as the motion, less ``music.tolerance_s``.
    model
        Folder of a trained model.
    seed
        Another seed gives another follower.
    mapping
        Name or YAML file of the skeleton's mapping; found by joint names when not given.

    Raises
    ------
    InputError
        When one of the inputs cannot be used; nothing is written then.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder to write to")
    trained = load_model(model)
    fps = trained.params.data.fps
    body = Body.load(params.body.model)
    motion = read_leader(leader, body, load_mapping(mapping) if mapping else None, fps=fps)
    features_TA = music_features(music, motion.num_frames, fps, trained.params.music.hop, params.music.tolerance_s)
    points_TP3 = body.points(motion)
    encode = trained.params.encode
    with tqdm(desc="sampling", unit="step") as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        generated = generate_follower(
            trained,
            body,
            points_TP3,
            foot_contact(points_TP3, fps, encode.foot_height, encode.foot_speed),
            features_TA,
            sampling=params.sample,
            guidance=params.guidance,
            seed=seed,
            device=device,
            report=advance,
        )
    follower, residual_T = fit_motion(generated.points_TP3, body, fps=fps)
    logger.info("SMPL-X parameters are within %.1f mm of the generated points on average", 1000 * residual_T.mean())
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generate.", dir=out) as name:
        folder = Path(name)
        write_motion(folder / "leader.npz", motion)
        write_motion(folder / "follower.npz", follower)
        np.save(folder / "points.npy", generated.points_TP3)
        write_page(folder / "duet.html", motion, {"InterDance": follower}, body, music, title=leader.stem)
        report = params.report
        write_video(
            folder / "duet.mp4", motion, follower, body, music, width=report.video_width, height=report.video_height
        )
        facts = {
            "leader": leader.name,
            "music": music.name,
            "seed": seed,
            "frames": motion.num_frames,
            "fps": fps,
            "mean_residual_mm": round(1000 * float(residual_T.mean()), 3),
        }
        write_json(folder / "generated.json", facts)
        for made in sorted(folder.iterdir()):
            made.replace(out / made.name)
