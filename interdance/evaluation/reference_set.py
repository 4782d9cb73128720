"""The reference set of a folder of true couples."""

from __future__ import annotations

from collections.abc import Sequence

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.evaluation.performer import Performer, Surface
from interdance.evaluation.reading import TakeFiles, common_length, read
from interdance.evaluation.settings import Reading, Settings
from interdance.evaluation.workers import unordered
from interdance.metrics.reference import ClipFeatures, Reference, clip_features, fingerprint, join
from interdance.processes.pool import process_pool


def collect_reference(takes: Sequence[TakeFiles], settings: Settings, reading: Reading, workers: int) -> Reference:
    """A reference set of the true followers of takes; ``about`` says how it was cut.

    Raises
    ------
    InputError
        For a take without a true follower, or fewer than two clips in all.
    """
    for files in takes:
        if files.true is None:
            raise InputError(f"take {files.take}: no true follower; a take without one cannot be a reference")
    features = {}
    with process_pool(min(workers, len(takes))) as executor:
        jobs = [(files, settings, reading) for files in takes]
        for take, clips in unordered(executor, _reference_clips, jobs, "reference", "take"):
            features[take] = clips
    clips = join(features[files.take] for files in takes)
    if len(clips) < 2:
        raise InputError(f"{len(clips)} clip in all takes; a reference set needs at least two")
    about = {
        "clip_frames": settings.clip_frames,
        "clip_stride": settings.clip_stride,
        "fps": settings.fps,
        "kinetic": "duolando",
        "geometric": "duolando",
        "body": Body.load(reading.body or None).body_hash,
        "takes": {"all": [files.take for files in takes]},
    }
    return Reference(clips, about, fingerprint(clips))


def check_cutting(reference: Reference, settings: Settings) -> None:
    """Refuse a reference set that was cut otherwise than the clips to be measured will be."""
    for key in ("clip_frames", "clip_stride", "fps"):
        found, wanted = reference.about[key], getattr(settings, key)
        if found != wanted:
            raise InputError(f"the reference set was cut with {key} {found:g}, asked for is {wanted:g}; make it anew")


def _reference_clips(files: TakeFiles, settings: Settings, reading: Reading) -> tuple[str, ClipFeatures]:
    body = Body.load(reading.body or None)
    if files.true is None:
        raise InputError(f"take {files.take}: no true follower; a take without one cannot be a reference")
    dancers = {path: read(path, settings.fps, reading, body) for path in (files.leader, files.true)}
    num_frames = common_length(
        files.take, {place: dancer.num_frames for place, dancer in dancers.items()}, reading.tolerance_s * settings.fps
    )
    surface = Surface.of(body, "sampled")
    leader, follower = (Performer.of(dancer[:num_frames], body, surface).joints_TJ3 for dancer in dancers.values())
    return files.take, clip_features(files.take, leader, follower, settings.clip_frames, settings.clip_stride, files.genre)
