"""A data set becomes takes: read, brought to one rate, calibration poses and song cut, inspected, written.

One take at a time in each process, so that memory does not grow with the set. A take that cannot be read, or whose
defects are beyond the limits, is left out; ``import.json`` beside the takes says which and why.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from interdance.body.model import Body
from interdance.config import QualityParams
from interdance.errors import InputError
from interdance.files import atomic_folder, read_json, write_json
from interdance.importers.registry import find_importer
from interdance.importers.source import Recording, Source
from interdance.importers.trim import t_pose_frames, trim_range
from interdance.kept import Kept, key_of
from interdance.mocap.resample import resample
from interdance.music.cut import cut_song
from interdance.processes.pool import process_pool
from interdance.quality.duet import inspect_duet
from interdance.quality.verdict import verdict
from interdance.takes import Duet, write_take

logger = logging.getLogger(__name__)

REPORT = "import.json"
T_POSE_BRIDGE_S = 0.2
SHORTEST_S = 1.0

Progress = Callable[[int, int, str], None]
"""Called with takes done, takes in all, and the name of the take just finished."""


@dataclass(frozen=True)
class Reading:
    """How the takes of a set are made.

    Attributes
    ----------
    importer : str
        A name of :data:`interdance.importers.registry.IMPORTERS`.
    body : str
        Path of the body model; empty for the embedded one.
    fps : float
        Frames per second of the takes.
    genre : str
        Of takes whose files do not tell it.
    tolerance_s : float
        Seconds by which a song may end before the dance does, and by which the two dancers may differ in length.
    limits : QualityParams
        What is a defect, and how much of it excludes a take.
    trim : bool
        Cut calibration T-poses off both ends of both dancers and of the song alike.
    """

    importer: str
    body: str
    fps: float
    genre: str
    tolerance_s: float
    limits: QualityParams
    trim: bool = True


def import_takes(
    folder: Path,
    out: Path,
    reading: Reading,
    *,
    music: Path | None = None,
    takes: Sequence[str] = (),
    workers: int = 1,
    kept: Kept | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Import the takes of a folder; ``out`` is replaced whole when everything succeeded.

    Parameters
    ----------
    folder, music : Path
        What is read; ``music`` where the layout does not say where the songs are.
    out : Path
        One folder per take (:func:`interdance.takes.write_take`), and ``import.json``.
    takes : sequence of str
        These takes only, and let each that is missing, defective or excluded be an error.
    kept : Kept, optional
        Takes of earlier runs, used when their files and everything else are as they were.

    Returns
    -------
    Names of the takes, sorted.

    Raises
    ------
    InputError
        For a missing folder, one without a take that can be used, ``out`` that holds other things than takes, or a take
        of ``takes`` that is not to be had.
    """
    sources, left_out = find_importer(reading.importer).find(folder, music)
    check_out(out)
    if takes:
        sources, left_out = _chosen(folder, sources, left_out, takes)
    kept = kept or Kept(None)
    excluded: dict[str, str] = {}
    reports: list[dict[str, Any]] = []
    with atomic_folder(out) as temporary:
        results = _made(sources, temporary, reading, kept, workers)
        for number, (source, result) in enumerate(zip(sources, results, strict=True), start=1):
            if isinstance(result, str):
                if takes:
                    raise InputError(result)
                logger.warning("left out %s: %s", source.name, result)
                excluded[source.name] = result
            else:
                reports.append(result)
            if progress:
                progress(number, len(sources), source.name)
        if not reports:
            raise InputError(next(iter(excluded.values())))
        write_json(temporary / REPORT, {"takes": reports, "left_out": left_out, "excluded": excluded})
    kept.prune()
    for name, reason in sorted(left_out.items()):
        logger.info("left out %s: %s", name, reason)
    return sorted(report["name"] for report in reports)


def check_out(out: Path) -> None:
    """Refuse to replace a folder that holds anything but takes."""
    if not out.exists():
        return
    strange = [
        item.name
        for item in (out.iterdir() if out.is_dir() else [out])
        if item.name not in (REPORT, ".gitignore") and not (item / "take.json").is_file()
    ]
    if strange:
        raise InputError(f"{out}: '{strange[0]}' in it is no take and would be lost; name an empty folder for takes")


def make_take(source: Source, out: Path, reading: Reading) -> dict[str, Any] | str:
    """Make one take in the folder ``out``; the facts, or in one sentence why it cannot be used."""
    body = Body.load(reading.body)
    try:
        recording = find_importer(reading.importer).read(source, body)
        duet, facts = _cut(source, recording, out, body, reading)
        defects = inspect_duet(duet, body, reading.limits)
        reason = verdict(defects, duet.leader.num_frames, reading.limits)
        if reason is not None:
            raise InputError(f"{source.leader}: {reason}")
    except InputError as error:
        shutil.rmtree(out, ignore_errors=True)  # the song may be there already
        return str(error)
    facts |= {"defects": [defect.as_dict() for defect in defects]}
    write_take(out.parent, replace(duet, name=out.name, facts=facts))
    return {"name": source.name, "num_frames": duet.leader.num_frames, **facts}


def _made(
    sources: Sequence[Source], out: Path, reading: Reading, kept: Kept, workers: int
) -> list[dict[str, Any] | str]:
    """Every take made or taken from ``kept``, in order."""
    settings = asdict(reading) | {"body": Body.load(reading.body).body_hash}
    keys = [_key(source, settings) for source in sources]
    results: list[Future[dict[str, Any] | str] | dict[str, Any]] = []
    with process_pool(min(workers, len(sources))) as pool:
        for source, key in zip(sources, keys, strict=True):
            target = out / source.name
            if kept.restore(key, target):
                facts = _facts_of(target)
                results.append({"name": source.name, **facts})
            else:
                results.append(pool.submit(make_take, source, target, reading))
        done: list[dict[str, Any] | str] = []
        for source, key, result in zip(sources, keys, results, strict=True):
            value = result.result() if isinstance(result, Future) else result
            if isinstance(result, Future) and not isinstance(value, str):
                kept.keep(key, out / source.name)
            done.append(value)
    return done


def _facts_of(folder: Path) -> dict[str, Any]:
    facts = read_json(folder / "take.json")
    return {key: value for key, value in facts.items() if key not in ("name", "genre", "fps", "music")}


def _key(source: Source, settings: dict[str, Any]) -> str:
    files = [path for path in (source.leader, source.follower, source.music, *source.others) if path is not None]
    return key_of([source.name, source.genre, source.facts, settings], [path for path in files if path.is_file()])


def _chosen(
    folder: Path, sources: list[Source], left_out: dict[str, str], takes: Sequence[str]
) -> tuple[list[Source], dict[str, str]]:
    by_name = {source.name: source for source in sources}
    for take in takes:
        if take not in by_name:
            reason = left_out.get(take, f"not there; the takes are {', '.join(sorted(by_name))}")
            raise InputError(f"{folder}: take {take}: {reason}")
    others = {name: "not among the takes asked for" for name in by_name if name not in takes}
    return [by_name[take] for take in sorted(set(takes))], left_out | others


def _cut(
    source: Source, recording: Recording, out: Path, body: Body, reading: Reading
) -> tuple[Duet, dict[str, Any]]:
    """Both dancers at the take's rate and of one length, without calibration poses, and the song cut alike."""
    fps = reading.fps
    rates = [motion.fps for motion in (recording.leader, recording.follower) if motion is not None]
    leader = resample(recording.leader, fps)
    follower = resample(recording.follower, fps) if recording.follower is not None else None
    longest = shortest = leader.num_frames
    if follower is not None:
        longest, shortest = max(longest, follower.num_frames), min(shortest, follower.num_frames)
        if longest - shortest > reading.tolerance_s * fps:
            raise InputError(
                f"{source.follower or source.leader}: the follower is {follower.num_frames / fps:.2f} s long, the leader"
                f" {leader.num_frames / fps:.2f} s; both must be of the same recording"
            )
    first, end = 0, shortest
    if reading.trim:
        poses = t_pose_frames(body.joints(leader[:shortest]))
        if follower is not None:
            poses |= t_pose_frames(body.joints(follower[:shortest]))
        first, end = trim_range(poses, round(T_POSE_BRIDGE_S * fps))
    if (end - first) / fps < SHORTEST_S:
        rest = (end - first) / fps
        raise InputError(f"{source.leader}: {rest:.2f} s remain without the calibration pose; there is no dance in it")
    song = None
    if source.music is not None:
        out.mkdir(parents=True, exist_ok=True)
        song = out / "music.flac"
        cut_song(source.music, song, first / fps, (end - first) / fps, reading.tolerance_s)
    files = [path.name for path in (source.leader, source.follower, source.music) if path is not None]
    facts = source.facts | recording.facts | {"source": reading.importer, "files": files, "source_fps": rates}
    if (first, end) != (0, longest):
        facts |= {"trimmed": {"start": first, "end": longest - end, "reason": "calibration T-pose, or one dancer is longer"}}
    genre = source.genre if source.genre != "unknown" else reading.genre
    duet = Duet(source.name, genre, leader[first:end], None if follower is None else follower[first:end], song, facts)
    return duet, facts
