"""Files in, files out: a leader and a song become a follower, a song alone a couple, in every form a user takes away."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.config import EncodeParams, Params
from interdance.errors import InputError
from interdance.export.page import write_page
from interdance.export.video import write_video
from interdance.files import write_json
from interdance.generation.clean import changes, clean_motion, in_words
from interdance.generation.edit import Kept, Wish, understand
from interdance.generation.generate import generate_couple, generate_follower, without_guidance
from interdance.generation.ranking import Figures, in_order
from interdance.mocap.retarget import load_mapping, read_leader
from interdance.music.audio import read_audio
from interdance.music.features import BEATS, music_features
from interdance.representation.base import Observed
from interdance.representation.contact import foot_contact, partner_contact
from interdance.takes import Motion, write_motion
from interdance.trained import load_model

logger = logging.getLogger(__name__)

LEAST_CLEANED = 4  # frames
WRITTEN = ("leader.npz", "follower.npz", "points.npy", "duet.html", "duet.mp4", "generated.json")
"""What a run leaves in its folder; the second and third also of every follower but the best, in ``sample_<seed>/``."""


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
    num_samples: int = 1,
    clean: bool = False,
) -> None:
    """Generate the follower of a leader's file, or with a duet model both dancers, and write them in every form.

    ``out`` receives ``follower.npz`` and ``leader.npz`` (SMPL-X parameters), ``points.npy`` (T, 710, 3), ``duet.html``
    (both dancers in 3D, with the song), ``duet.mp4`` and ``generated.json`` (what was made from what). Of several followers
    those files are the best one's (:mod:`interdance.generation.ranking`), the page shows all, and ``sample_<seed>/`` receives
    ``follower.npz`` and ``points.npy`` of each other one. Files of those names are replaced, all at the end, when everything
    has succeeded, and followers in ``sample_*/`` that an earlier run left are gone; others in ``out`` are left alone.

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
    num_samples
        How many followers, with seeds from ``seed`` on.
    clean
        Whether followers are cleaned (:mod:`interdance.generation.clean`): their points are then those of the cleaned motion.

    Raises
    ------
    InputError
        When one of the inputs cannot be used, or the model needs a leader and none is given, or the other way round, or
        several couples are asked for; nothing is written then.
    """
    if num_samples < 1:
        raise InputError(f"--num-samples {num_samples}: one follower at least is needed")
    if num_samples > 1 and leader is None:
        raise InputError(f"--num-samples {num_samples}: couples have no leader in common; make them one by one with --seed")
    if clean and wish is not None:
        raise InputError("--clean: would move what --edit keeps; leave one of them out")
    seeds = range(seed, seed + num_samples)
    samples_in = [out / f"sample_{number}" for number in seeds]
    for place in (out, *samples_in):
        if place.exists() and not place.is_dir():
            raise InputError(f"{place}: is a file; name a folder to write to")
    for place in (folder / name for folder in (out, *samples_in) for name in WRITTEN):
        if place.is_dir():
            raise InputError(f"{place}: is a folder, and a file of that name is to be written; move it away")
    body = Body.load(params.body.model)
    trained = load_model(model, body)
    fps = trained.params.data.fps
    if (trained.params.model.task == "duet") != (leader is None):
        task = trained.params.model.task
        cure = "it makes its own leader: leave --leader out" if leader else "it follows a leader: name one with --leader"
        raise InputError(f"{model}: a model of model.task {task}; {cure}")
    skeleton = load_mapping(mapping) if mapping else None
    motion = read_leader(leader, body, skeleton, fps=fps) if leader else None
    if motion is None and wish is not None:
        raise InputError(f"{model}: a model of model.task duet makes both dancers anew; --edit needs a reactive one")
    num_frames = motion.num_frames if motion else _frames_of(music, fps)
    features_TA = music_features(music, num_frames, fps, trained.params.music.hop, params.music.tolerance_s)
    if clean and num_frames < LEAST_CLEANED:
        raise InputError(f"--clean: {leader or music}: {num_frames} frames; jitter is seen in {LEAST_CLEANED} or more")
    encode = trained.params.encode
    observed = _observe(motion, body, encode) if motion is not None else None
    kept: Kept | None = None
    if observed is not None and wish is not None:
        given = read_leader(wish.follower, body, skeleton, fps=fps)[:num_frames]
        kept = understand(wish, _observe(given, body, encode, observed.points_TP3[: given.num_frames]), body)

    def sample(number: int) -> _Sample:
        with tqdm(desc="sampling", unit="step") as bar:

            def advance(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            if observed is None:
                couple = generate_couple(
                    trained, features_TA, sampling=params.sample, seed=number, device=device, report=advance
                )
                lead, _ = fit_motion(couple.leader_TP3, body, fps=fps)
                lead_TP3, points_TP3, foot_contact_T4 = couple.leader_TP3, couple.follower_TP3, couple.foot_contact_T4
            else:
                can_be_guided = trained.representation.can_be_guided
                made = generate_follower(
                    trained,
                    body,
                    trained.representation.encode(observed),
                    features_TA,
                    sampling=params.sample,
                    guidance=params.guidance if can_be_guided else without_guidance(params.guidance),
                    seed=number,
                    kept=kept,
                    device=device,
                    report=advance,
                )
                lead, lead_TP3 = observed.motion, observed.points_TP3
                points_TP3, foot_contact_T4 = made.points_TP3, made.foot_contact_T4
        follower, residual_T = fit_motion(points_TP3, body, fps=fps, betas=kept.follower.motion.betas if kept else None)
        follower = kept.restore(follower, body) if kept else follower
        residual = 1000 * float(residual_T.mean())
        logger.info("SMPL-X parameters are within %.1f mm of the generated points on average", residual)
        facts: dict[str, Any] = {"seed": number, "mean_residual_mm": round(residual, 3)}
        if clean:
            cleaned = clean_motion(follower, foot_contact_T4, body, params.clean)
            before_TP3, follower, points_TP3 = body.points(follower), cleaned.motion, body.points(cleaned.motion)
            facts["cleaned"] = changes(
                before_TP3,
                points_TP3,
                lead_TP3,
                cleaned.held_T4,
                fps=fps,
                faces=body.surface_faces,
                contact_distance=params.evaluate.contact_distance,
            )
            logger.info("cleaned: %s", in_words(facts["cleaned"]))
        return _Sample(lead, lead_TP3, follower, points_TP3, facts)

    samples = [sample(number) for number in seeds]
    if num_samples > 1:
        beats, distance = np.flatnonzero(features_TA[:, BEATS]), params.evaluate.contact_distance
        figures = [Figures.of(item.leader_TP3, item.points_TP3, beats, body.surface_faces, distance) for item in samples]
        order = in_order(figures)
        for rank, index in enumerate(order, start=1):
            samples[index].facts.update(rank=rank, **figures[index].rounded())
        samples = [samples[index] for index in order]
    best, *others = samples
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generate.", dir=out) as name:
        folder = Path(name)
        write_motion(folder / "leader.npz", best.leader)
        best.write(folder)
        for item in others:
            item.write(folder / f"sample_{item.facts['seed']}")
        names = [f"InterDance {rank}" for rank in range(1, num_samples + 1)] if others else ["InterDance"]
        dancers = {label: item.follower for label, item in zip(names, samples, strict=True)}
        write_page(folder / "duet.html", best.leader, dancers, body, music, title=(leader or music).stem)
        report = params.report
        write_video(
            *(folder / "duet.mp4", best.leader, best.follower, body, music),
            width=report.video_width,
            height=report.video_height,
        )
        facts: dict[str, object] = {
            "leader": leader.name if leader else None,
            "music": music.name,
            "frames": best.leader.num_frames,
            "fps": fps,
            **best.facts,
        }
        if wish is not None:
            facts |= {"edited": wish.follower.name, "keep": list(wish.keep), "fill": list(wish.fill)}
        write_json(folder / "generated.json", facts | ({"samples": [item.facts for item in samples]} if others else {}))
        files = {out / file.relative_to(folder): file for file in sorted(folder.rglob("*")) if file.is_file()}
        for place, file in files.items():
            place.parent.mkdir(exist_ok=True)
            file.replace(place)
    for left in sorted(out.glob("sample_[0-9]*/*")):
        if left.name in WRITTEN and left not in files:
            left.unlink()
            if not any(left.parent.iterdir()):
                left.parent.rmdir()


@dataclass(frozen=True)
class _Sample:
    """One follower with her leader, and what ``generated.json`` says of her."""

    leader: Motion
    leader_TP3: np.ndarray
    follower: Motion
    points_TP3: np.ndarray
    facts: dict[str, Any]

    def write(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        write_motion(folder / "follower.npz", self.follower)
        np.save(folder / "points.npy", self.points_TP3)


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
