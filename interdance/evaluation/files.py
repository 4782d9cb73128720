"""Folders of any system in, figures and a report page out."""

from __future__ import annotations

import dataclasses
import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.errors import InputError
from interdance.evaluation.folders import Performance, find_performances, find_seeds
from interdance.evaluation.meeting import meetings_of
from interdance.evaluation.reading import Dancer, Source, TakeFiles, read, read_beats, read_together
from interdance.evaluation.record import write_evaluation
from interdance.evaluation.reference_set import collect_reference
from interdance.evaluation.run import dance_alike, evaluate
from interdance.evaluation.settings import Reading, Settings, Statistics
from interdance.evaluation.summary import GROUND_TRUTH, Evaluation
from interdance.export.page import write_page
from interdance.files import atomic_folder, atomic_path
from interdance.metrics.reference import Reference, read_reference, write_reference
from interdance.report.latex import latex_text
from interdance.report.page import Sample, page_html
from interdance.report.tables import csv_text
from interdance.takes import NUM_JOINTS, Joints, Motion, Points, read_motion

logger = logging.getLogger(__name__)

SYSTEM_NAME = re.compile(r"[\w.+ -]+")


@dataclass(frozen=True)
class Request:
    """What is to be evaluated.

    Attributes
    ----------
    generated : dict of Path
        System -> folder of its followers, in any layout of :mod:`interdance.evaluation.folders`; ``seed_<n>`` folders in
        it are several seeds of one system.
    reference : Path
        A folder of true couples, or a reference set that ``interdance reference`` wrote.
    truth : Path or None
        Folder of the true couples of the generated takes: leaders, songs and true followers that the generated folders
        do not hold. By default the reference, when that is a folder.
    music : Path or None
        Folder of songs, when they lie elsewhere.
    json, report : Path or None
        Where the figures and the page go.
    num_samples : int
        Takes shown in 3D on the page.
    """

    generated: Mapping[str, Path]
    reference: Path
    truth: Path | None
    music: Path | None
    json: Path | None
    report: Path | None
    num_samples: int


def evaluate_files(request: Request, settings: Settings, reading: Reading, statistics: Statistics, workers: int) -> Evaluation:
    """Measure the systems of a request and write what it asks for; nothing is written when something cannot be used.

    Against a stored reference set, clips are cut as its own were, whatever ``settings`` say.

    Raises
    ------
    InputError
        For anything in the folders that cannot be used, naming file, place and cure.
    """
    for path, suffix in ((request.json, ".json"), (request.report, ".html")):
        if path is not None and path.suffix != suffix:
            raise InputError(f"{path}: a name that ends in {suffix} is needed")
    takes = find_takes(request)
    reference, settings = open_reference(request.reference, request.music, settings, reading, workers)
    evaluation = evaluate(takes, reference, settings, reading, statistics, workers)
    if request.json is not None:
        write_evaluation(request.json, evaluation)
    if request.report is not None:
        write_report(request.report, evaluation, takes, settings, reading, request.num_samples)
    return evaluation


def open_reference(
    place: Path, music: Path | None, settings: Settings, reading: Reading, workers: int
) -> tuple[Reference, Settings]:
    """A stored reference set, or the one made of a folder's couples; and the settings with its way of cutting."""
    if place.is_file():
        reference = read_reference(place)
        about = reference.about
        if (about["clip_frames"], about["clip_stride"]) != (settings.clip_frames, settings.clip_stride):
            logger.info("clips are cut as the reference set's: %d frames every %d", about["clip_frames"], about["clip_stride"])
        frames, stride = int(about["clip_frames"]), int(about["clip_stride"])
        return reference, dataclasses.replace(settings, clip_frames=frames, clip_stride=stride)
    if not place.is_dir():
        raise InputError(f"{place}: neither a folder of couples nor a reference set; make one with `interdance reference`")
    return collect_reference(couples(place, music), settings, reading, workers), settings


def couples(place: Path, music: Path | None) -> list[TakeFiles]:
    """The true couples of a folder.

    Raises
    ------
    InputError
        When there is none.
    """
    found = [
        TakeFiles(item.take, item.genre, item.leader, item.follower, item.music, ())
        for item in find_performances(place, music)
        if item.leader is not None and item.follower is not None
    ]
    if not found:
        raise InputError(f"{place}: no take with both a leader and a follower; a reference is made of true couples")
    return found


def make_reference(place: Path, out: Path, settings: Settings, reading: Reading, workers: int) -> Reference:
    """Store the reference set of a folder's couples."""
    if out.suffix != ".npz":
        raise InputError(f"{out}: a name that ends in .npz is needed")
    reference = collect_reference(couples(place, None), settings, reading, workers)
    write_reference(out, reference.clips, reference.about)
    return reference


def find_takes(request: Request) -> list[TakeFiles]:
    """The takes that were generated, with leaders, songs and true followers from wherever they are.

    Raises
    ------
    InputError
        For a system's name that cannot be used, a folder without followers, a take without a leader, or systems that do
        not have the same takes.
    """
    truth = request.truth or (request.reference if request.reference.is_dir() else None)
    true = {item.take: item for item in find_performances(truth, request.music)} if truth else {}
    sources: dict[str, list[tuple[Source, Performance]]] = {}
    for system, folder in request.generated.items():
        if not SYSTEM_NAME.fullmatch(system) or system == GROUND_TRUTH:
            raise InputError(
                f"--generated {system}=...: a name of letters, digits, space, . + _ - is needed, another than {GROUND_TRUTH}"
            )
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
        for seed, place in find_seeds(folder).items():
            for item in find_performances(place, request.music):
                if item.follower is not None:
                    sources.setdefault(item.take, []).append((Source(system, seed, item.follower), item))
    if not sources:
        raise InputError(f"{', '.join(map(str, request.generated.values()))}: no follower to measure")
    return [_take_files(take, sources[take], true.get(take), truth) for take in sorted(sources)]


def _take_files(
    take: str, found: Sequence[tuple[Source, Performance]], true: Performance | None, truth: Path | None
) -> TakeFiles:
    own = {source.path: item.leader for source, item in found if item.leader is not None}
    leader = true.leader if true is not None and true.leader is not None else next(iter(own.values()), None)
    if leader is None:
        where = f"and none in {truth}" if truth else "; name the folder of the true couples with --truth"
        raise InputError(f"{found[0][0].path}: take {take} has no leader beside it {where}")
    known = [item for item in (true, *(item for _, item in found)) if item is not None]
    return TakeFiles(
        take=take,
        genre=next((item.genre for item in known if item.genre), ""),
        leader=leader,
        true=true.follower if true is not None else None,
        music=next((item.music for item in known if item.music), None),
        followers=tuple(source for source, _ in found),
        leaders={path: place for path, place in own.items() if place != leader},
    )


# ---------------------------------------------------------------------------------------------------------------- report


def write_report(
    path: Path, evaluation: Evaluation, takes: Sequence[TakeFiles], settings: Settings, reading: Reading, num_samples: int
) -> None:
    """Write the page ``path``; the couples in 3D, a CSV and LaTeX go to the folder ``<name>_files`` beside it."""
    folder = path.with_name(f"{path.stem}_files")
    with atomic_folder(folder) as out:
        samples = []
        chosen = np.linspace(0, len(takes) - 1, min(num_samples, len(takes))).round().astype(int)
        for files in (takes[index] for index in chosen):
            name = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', files.take)}.html"
            write_couple(out / name, files, settings, reading)
            samples.append(Sample(files.take, f"{folder.name}/{name}", "", ""))
        (out / "metrics.csv").write_text(csv_text(evaluation.summary))
        (out / "tables.tex").write_text(latex_text(evaluation.summary))
        html = page_html(evaluation.summary, evaluation.series, samples)
    with atomic_path(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def write_couple(path: Path, files: TakeFiles, settings: Settings, reading: Reading) -> None:
    """A page with the leader of a take, the first seed's follower of every system, and the true one, in 3D.

    A follower who was measured with a leader of her own, who dances otherwise, is shown without contact.
    """
    body = Body.load(reading.body or None)
    first = {source.system: source.path for source in reversed(files.followers)}
    named = {name: first[name] for name in dict.fromkeys(source.system for source in files.followers)}
    if files.true is not None:
        named["true follower"] = files.true
    dancers = read_together(files.take, (files.leader, *named.values()), settings.fps, reading, body)
    leader = dancers[files.leader]
    shown = {place: dancer if isinstance(dancer, Joints) else as_motion(dancer, body) for place, dancer in dancers.items()}
    song = files.music if files.music is not None and files.music.suffix != ".npy" else None
    beats = None if files.music is None else read_beats(files.music, leader.num_frames, settings.fps, reading) / settings.fps
    followers = {name: shown[place] for name, place in named.items()}
    elsewhere = {
        place
        for place, own in files.leaders.items()
        if place in shown and not dance_alike(leader, read(own, settings.fps, reading, body), body)
    }
    met = {name: dancers[place] for name, place in named.items() if place not in elsewhere}
    meetings = meetings_of(leader, met, body, settings)
    write_page(path, shown[files.leader], followers, body, song, title=files.take, meetings=meetings, beats=beats)


def write_motions(
    path: Path, leader: Path, followers: Sequence[Path], music: Path | None, settings: Settings, reading: Reading
) -> None:
    """A page with dancers as their files hold them, SMPL-X parameters at any rate, in 3D.

    A follower has the name of her file, or of the folder that a ``follower.npz`` is in. From a song whose beats cannot be
    read, the page has sound alone, which a warning says.

    Raises
    ------
    InputError
        For files that cannot be used, two followers of one name, or dancers of different length or rate.
    """
    guide = read_motion(leader)
    named: dict[str, Path] = {}
    for place in followers:
        name = place.resolve().parent.name if place.stem == "follower" else place.stem
        if name in named:
            raise InputError(f"{place}: {named[name]} is shown as '{name}' too; give one of the files another name")
        named[name] = place
    dancers = {name: read_motion(place) for name, place in named.items()}
    body = Body.load(reading.body or None)
    # The page refuses a follower of another length, and says so better.
    met = {name: motion for name, motion in dancers.items() if motion.num_frames == guide.num_frames}
    meetings = meetings_of(guide, met, body, settings)
    beats = None
    if music is not None:
        # Beats are found at the rate that models hear, whatever the dancers' is. After a song's end there are none.
        rate, patient = settings.fps, dataclasses.replace(reading, tolerance_s=math.inf)
        try:
            beats = read_beats(music, math.ceil(guide.num_frames / guide.fps * rate), rate, patient) / rate
        except InputError as error:
            # FFmpeg, which reads the page's sound, knows more kinds of files, and refuses what is no song.
            logger.warning("the page shows no beats: %s", error)
    write_page(path, guide, dancers, body, music, title=leader.stem, meetings=meetings, beats=beats)


def as_motion(dancer: Dancer, body: Body) -> Motion:
    """A dancer with a body to be drawn: SMPL-X parameters, which are fitted to points (T, 710, 3) or joints (T, 55, 3)."""
    if isinstance(dancer, Points):
        return fit_motion(dancer.points_TP3, body, dancer.fps)[0]
    if isinstance(dancer, Joints):
        return fit_motion(dancer.joints_TJ3, body, dancer.fps, held=np.arange(NUM_JOINTS))[0]
    return dancer
