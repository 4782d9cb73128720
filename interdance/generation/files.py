"""Files in, files out: a leader and a song become a follower, a song alone a couple, in every form a user takes away."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.config import EncodeParams, Params
from interdance.errors import InputError
from interdance.export.page import write_page
from interdance.export.video import write_video
from interdance.files import write_json
from interdance.generation.edit import Wish, understand
from interdance.generation.generate import generate_couple, generate_follower, without_guidance
from interdance.mocap.retarget import load_mapping, read_leader
from interdance.music.audio import read_audio
from interdance.music.features import music_features
from interdance.representation.base import Observed
from interdance.representation.contact import foot_contact, partner_contact
from interdance.takes import Motion, write_motion
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
    wish: Wish | None = None,
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
    wish
        What to keep of a follower who is there already; she is read as the leader is. Frames that she has beyond the
        leader's end are left out.

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
    names = load_mapping(mapping) if mapping else None
    motion = read_leader(leader, body, names, fps=fps) if leader else None
    if motion is None and wish is not None:
        raise InputError(f"{model}: a model of model.task duet makes both dancers anew; --edit needs a reactive one")
    num_frames = motion.num_frames if motion else _frames_of(music, fps)
    features_TA = music_features(music, num_frames, fps, trained.params.music.hop, params.music.tolerance_s)
    encode = trained.params.encode
    kept = None
    if motion is not None and wish is not None:
        given = read_leader(wish.follower, body, names, fps=fps)[: motion.num_frames]
        kept = understand(wish, _observe(given, body, encode, partner_TP3=body.points(motion[: given.num_frames])), body)
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
            can_be_guided = trained.representation.can_be_guided
            points_TP3 = generate_follower(
                trained,
                body,
                trained.representation.encode(_observe(motion, body, encode)),
                features_TA,
                sampling=params.sample,
                guidance=params.guidance if can_be_guided else without_guidance(params.guidance),
                seed=seed,
                kept=kept,
                device=device,
                report=advance,
            ).points_TP3
    follower, residual_T = fit_motion(points_TP3, body, fps=fps, betas=kept.follower.motion.betas if kept else None)
    follower = kept.restore(follower, body) if kept else follower
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
        facts: dict[str, object] = {
            "leader": leader.name if leader else None,
            "music": music.name,
            "seed": seed,
            "frames": motion.num_frames,
            "fps": fps,
            "mean_residual_mm": round(1000 * float(residual_T.mean()), 3),
        }
        if wish is not None:
            facts |= {"edited": wish.follower.name, "keep": list(wish.keep), "fill": list(wish.fill)}
        write_json(folder / "generated.json", facts)
        for made in sorted(folder.iterdir()):
            made.replace(out / made.name)


def _observe(motion: Motion, body: Body, encode: EncodeParams, partner_TP3: np.ndarray | None = None) -> Observed:
    """A dancer with labels of her feet, and of her contact with a partner who is known."""
    points_TP3 = body.points(motion)
    standing_T4 = foot_contact(points_TP3, motion.fps, encode.foot_height, encode.foot_speed)
    touching_TP = None if partner_TP3 is None else partner_contact(points_TP3, partner_TP3, encode.partner_distance)
    return Observed(motion, points_TP3, standing_T4, touching_TP)


def _frames_of(music: Path, fps: int) -> int:
    """Whole frames of a song."""
    samples, rate = read_audio(music)
    num_frames = len(samples) * fps // rate
    if num_frames < 2:
        raise InputError(f"{music}: the song lasts {len(samples) / rate:.2f} s; two frames at least are needed to dance")
    return num_frames
