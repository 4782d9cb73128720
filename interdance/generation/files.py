"""Files in, files out: a leader and a song become a follower, a song alone a couple, in every form a user takes away."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from interdance.body.meeting import Meeting, meet
from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.body.skeleton import NUM_JOINTS
from interdance.config import Params
from interdance.errors import InputError
from interdance.export.cast import cast
from interdance.export.page import write_page
from interdance.export.sound import read_stereo
from interdance.export.video import write_video
from interdance.files import write_json
from interdance.generation.clean import changes, clean_motion, in_words
from interdance.generation.edit import Kept, Wish, understand
from interdance.generation.generate import Progress, advance, generate_couple, generate_follower, without_guidance
from interdance.generation.ranking import Figures, in_order
from interdance.mocap.retarget import load_mapping, read_leader
from interdance.music.audio import read_audio
from interdance.music.features import BEATS, music_features
from interdance.representation.base import Observed
from interdance.representation.contact import observe, partner_contact
from interdance.takes import Motion, write_motion
from interdance.trained import TrainedModel, load_model

logger = logging.getLogger(__name__)

LEAST_CLEANED = 4  # frames
WRITTEN = ("leader.npz", "follower.npz", "points.npy", "duet.html", "duet.mp4", "generated.json")
"""What a run leaves in its folder; the second and third also of every follower but the best, in ``sample_<seed>/``."""
Tell = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much."""


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
    title: str | None = None,
    film: bool = True,
    tell: Tell | None = None,
) -> None:
    """Generate the follower of a leader's file, or with a duet model both dancers, and write them in every form.

    ``out`` receives ``follower.npz`` and ``leader.npz`` (SMPL-X parameters), ``points.npy`` (T, 710, 3), ``duet.html``
    (both dancers in 3D, with the song), ``duet.mp4`` and ``generated.json`` (what was made from what, and what a follower is
    ranked by, :mod:`interdance.generation.ranking`). Of several followers those files are the best one's, the page shows all,
    and ``sample_<seed>/`` receives ``follower.npz`` and ``points.npy`` of each other one. Files of those names are replaced,
    all at the end, when everything has succeeded, and followers in ``sample_*/`` that an earlier run left are gone; others in
    ``out`` are left alone.

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
    title
        Of the page; the leader's file without suffix, or the song's, when not given.
    film
        Whether ``duet.mp4`` is written, which takes longer than all the rest.
    tell
        Hears how far it is; a bar on stderr when not given.

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
    _check_places(out, [out / f"sample_{number}" for number in seeds])
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
    observed = observe(motion, body.points(motion), encode) if motion is not None else None
    kept: Kept | None = None
    if observed is not None and wish is not None:
        given = read_leader(wish.follower, body, skeleton, fps=fps)[:num_frames]
        points_TP3 = body.points(given)
        touching_TP = partner_contact(points_TP3, observed.points_TP3[: given.num_frames], encode.partner_distance)
        kept = understand(wish, observe(given, points_TP3, encode, touching_TP), body)
    sampling = _Sampling(trained, body, params, features_TA, observed, kept, device, clean, tell)
    samples = sampling.ranked([sampling.sample(number, f"{number - seed + 1} of {num_samples}") for number in seeds])
    best, *others = samples
    if tell is not None:
        tell("writing", 0, 1)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generate.", dir=out) as name:
        folder = Path(name)
        write_motion(folder / "leader.npz", best.leader)
        best.write(folder)
        for item in others:
            item.write(folder / f"sample_{item.facts['seed']}")
        names = [f"InterDance {rank}" for rank in range(1, num_samples + 1)] if others else ["InterDance"]
        dancers = {label: item.follower for label, item in zip(names, samples, strict=True)}
        write_page(
            *(folder / "duet.html", best.leader, dancers, body, music),
            title=title or (leader or music).stem,
            meetings={label: item.meeting for label, item in zip(names, samples, strict=True)},
            beats=np.flatnonzero(features_TA[:, BEATS]) / fps,
        )
        if film:
            write_video(
                *(folder / "duet.mp4", cast(best.leader, [best.follower]), body),
                read_stereo(music, best.leader.num_frames / fps),
                width=params.report.video_width,
                height=params.report.video_height,
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
        _move(folder, out)


def _check_places(out: Path, samples: list[Path]) -> None:
    """Raise :class:`InputError` when a file stands where a folder is to be, or a folder where a file is to be written."""
    for place in (out, *samples):
        if place.exists() and not place.is_dir():
            raise InputError(f"{place}: is a file; name a folder to write to")
    for place in (folder / name for folder in (out, *samples) for name in WRITTEN):
        if place.is_dir():
            raise InputError(f"{place}: is a folder, and a file of that name is to be written; move it away")


def _move(folder: Path, out: Path) -> None:
    """Put all files of a folder below ``out``, and take away what an earlier run left in ``sample_<seed>/``."""
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
    """One follower with her leader, where their points meet, and what ``generated.json`` says of her.

    The points are those that ``points.npy`` holds, which is what is evaluated.
    """

    leader: Motion
    leader_TP3: np.ndarray
    follower: Motion
    points_TP3: np.ndarray
    meeting: Meeting
    facts: dict[str, Any]

    def write(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        write_motion(folder / "follower.npz", self.follower)
        np.save(folder / "points.npy", self.points_TP3)


@dataclass(frozen=True)
class _Sampling:
    """What every sample of a run is made with; ``observed`` is the leader, None where the model makes him."""

    trained: TrainedModel
    body: Body
    params: Params
    features_TA: np.ndarray
    observed: Observed | None
    kept: Kept | None
    device: str
    clean: bool
    tell: Tell | None

    def sample(self, seed: int, which: str) -> _Sample:
        """A follower, or a couple, as SMPL-X and as points, cleaned if asked for; ``which`` of how many, for who listens."""
        leader, leader_TP3, points_TP3, foot_contact_T4 = self._dance(seed, f"sampling {which}")
        betas = self.kept.follower.motion.betas if self.kept else None
        follower, residual_T = fit_motion(points_TP3, self.body, fps=leader.fps, betas=betas)
        if self.kept:
            follower = self.kept.restore(follower, self.body)
        residual = 1000 * float(residual_T.mean())
        logger.info("SMPL-X parameters are within %.1f mm of the generated points on average", residual)
        facts: dict[str, Any] = {"seed": seed, "mean_residual_mm": round(residual, 3)}
        if self.clean:
            cleaned = clean_motion(follower, foot_contact_T4, self.body, self.params.clean)
            before_TP3, follower, points_TP3 = self.body.points(follower), cleaned.motion, self.body.points(cleaned.motion)
            facts["cleaned"] = changes(
                before_TP3,
                points_TP3,
                leader_TP3,
                cleaned.held_T4,
                fps=leader.fps,
                faces=self.body.surface_faces,
                contact_distance=self.params.evaluate.contact_distance,
            )
            logger.info("cleaned: %s", in_words(facts["cleaned"]))
        surfaces = (leader_TP3[:, NUM_JOINTS:], points_TP3[:, NUM_JOINTS:])
        meeting = meet(*surfaces, self.body.surface_faces, self.params.evaluate.contact_distance)
        return _Sample(leader, leader_TP3, follower, points_TP3, meeting, facts)

    def _dance(self, seed: int, what: str) -> tuple[Motion, np.ndarray, np.ndarray, np.ndarray]:
        """The leader's motion and points, the follower's points (T, 710, 3) and the labels of her feet (T, 4)."""
        sampling, guidance, fps = self.params.sample, self.params.guidance, self.trained.params.data.fps
        with _reporting(self.tell, what) as report:
            if self.observed is None:
                couple = generate_couple(
                    self.trained, self.features_TA, sampling=sampling, seed=seed, device=self.device, report=report
                )
                leader, _ = fit_motion(couple.leader_TP3, self.body, fps=fps)
                return leader, couple.leader_TP3, couple.follower_TP3, couple.foot_contact_T4
            made = generate_follower(
                self.trained,
                self.body,
                self.trained.representation.encode(self.observed),
                self.features_TA,
                sampling=sampling,
                guidance=guidance if self.trained.representation.can_be_guided else without_guidance(guidance),
                seed=seed,
                kept=self.kept,
                device=self.device,
                report=report,
            )
            return self.observed.motion, self.observed.points_TP3, made.points_TP3, made.foot_contact_T4

    def ranked(self, samples: list[_Sample]) -> list[_Sample]:
        """The samples, the best first, with their figures, and where there are several their ranks, among their facts."""
        beats = np.flatnonzero(self.features_TA[:, BEATS])
        figures = [Figures.of(item.leader_TP3, item.points_TP3, beats, item.meeting) for item in samples]
        order = in_order(figures)
        for rank, index in enumerate(order, start=1):
            samples[index].facts.update({"rank": rank} if len(samples) > 1 else {}, **figures[index].rounded())
        return [samples[index] for index in order]


@contextmanager
def _reporting(tell: Tell | None, what: str) -> Iterator[Progress]:
    """What hears of every step of the sampler: ``tell``, or a bar."""
    if tell is not None:
        yield partial(tell, what)
        return
    with tqdm(desc=what, unit="step") as bar:
        yield partial(advance, bar)


def _frames_of(music: Path, fps: int) -> int:
    """Whole frames of a song."""
    samples, rate = read_audio(music)
    num_frames = len(samples) * fps // rate
    if num_frames < 2:
        raise InputError(f"{music}: the song lasts {len(samples) / rate:.2f} s; two frames at least are needed to dance")
    return num_frames
