"""Files in, files out: a leader and a song become a follower, a song alone a couple, in every form a user takes away."""

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
from interdance.generation.generate import generate_couple, generate_follower, without_guidance
from interdance.mocap.retarget import load_mapping, read_leader
from interdance.music.audio import read_audio
from interdance.music.features import music_features
from interdance.representation.base import Observed
from interdance.representation.contact import foot_contact
from interdance.takes import write_motion
from interdance.trained import load_model

logger = logging.getLogger(__name__)


def generate_files(
    leader: Path | None,
    music: Path,
    out: Path,
    model: Path,
    params: Params,
    seed: int,
    mapping: str | None = None,
    device: str = "cpu",
) -> None:
    """Generate the follower of a leader's file, or with a duet model both dancers, and write them in every form.

    ``out`` receives ``follower.npz`` and ``leader.npz`` (SMPL-X parameters), ``points.npy`` (T, 710, 3), ``duet.html``
    (both dancers in 3D, with the song), ``duet.mp4`` and ``generated.json`` (what was made from what). Files of those
    names are replaced, all at the end, when everything has succeeded; others in ``out`` are left alone.

    Parameters
    ----------
    leader
        BVH of a known skeleton, or SMPL-X ``.npz``; None with a duet model, which makes its own.
    music
        The song; at least as long as the motion, less ``music.tolerance_s``. A duet model dances all of it.
    model
        Folder of a trained model.
    seed
        Another seed gives another follower.
    mapping
        Name or YAML file of the skeleton's mapping; found by joint names when not given.

    Raises
    ------
    InputError
        When one of the inputs cannot be used, or the model needs a leader and none is given, or the other way round;
        nothing is written then.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder to write to")
    body = Body.load(params.body.model)
    trained = load_model(model, body)
    fps = trained.params.data.fps
    if (trained.params.model.task == "duet") != (leader is None):
        task = trained.params.model.task
        cure = "it makes its own leader: leave --leader out" if leader else "it follows a leader: name one with --leader"
        raise InputError(f"{model}: a model of model.task {task}; {cure}")
    motion = read_leader(leader, body, load_mapping(mapping) if mapping else None, fps=fps) if leader else None
    num_frames = motion.num_frames if motion else _frames_of(music, fps)
    features_TA = music_features(music, num_frames, fps, trained.params.music.hop, params.music.tolerance_s)
    encode = trained.params.encode
    with tqdm(desc="sampling", unit="step") as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        if motion is None:
            couple = generate_couple(
                trained, features_TA, sampling=params.sample, seed=seed, device=device, report=advance
            )
            motion, _ = fit_motion(couple.leader_TP3, body, fps=fps)
            points_TP3 = couple.follower_TP3
        else:
            leader_TP3 = body.points(motion)
            standing_T4 = foot_contact(leader_TP3, fps, encode.foot_height, encode.foot_speed)
            can_be_guided = trained.representation.can_be_guided
            points_TP3 = generate_follower(
                trained,
                body,
                trained.representation.encode(Observed(motion, leader_TP3, standing_T4)),
                features_TA,
                sampling=params.sample,
                guidance=params.guidance if can_be_guided else without_guidance(params.guidance),
                seed=seed,
                device=device,
                report=advance,
            ).points_TP3
    follower, residual_T = fit_motion(points_TP3, body, fps=fps)
    logger.info("SMPL-X parameters are within %.1f mm of the generated points on average", 1000 * residual_T.mean())
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generate.", dir=out) as name:
        folder = Path(name)
        write_motion(folder / "leader.npz", motion)
        write_motion(folder / "follower.npz", follower)
        np.save(folder / "points.npy", points_TP3)
        write_page(folder / "duet.html", motion, {"InterDance": follower}, body, music, title=(leader or music).stem)
        report = params.report
        write_video(
            folder / "duet.mp4", motion, follower, body, music, width=report.video_width, height=report.video_height
        )
        facts = {
            "leader": leader.name if leader else None,
            "music": music.name,
            "seed": seed,
            "frames": motion.num_frames,
            "fps": fps,
            "mean_residual_mm": round(1000 * float(residual_T.mean()), 3),
        }
        write_json(folder / "generated.json", facts)
        for made in sorted(folder.iterdir()):
            made.replace(out / made.name)


def _frames_of(music: Path, fps: int) -> int:
    """Whole frames of a song."""
    samples, rate = read_audio(music)
    num_frames = len(samples) * fps // rate
    if num_frames < 2:
        raise InputError(f"{music}: the song lasts {len(samples) / rate:.2f} s; two frames at least are needed to dance")
    return num_frames
