"""The project's own takes and generated followers as an evaluation sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from interdance.body.meeting import Meeting
from interdance.body.model import Body
from interdance.config import Params
from interdance.errors import InputError
from interdance.evaluation.folders import find_performances, find_seeds, parameters_beside, read_dancer
from interdance.evaluation.meeting import meetings_of
from interdance.evaluation.reading import Dancer, Source, TakeFiles
from interdance.evaluation.settings import Reading, Settings
from interdance.takes import read_facts

OWN_LEADERS = {"points.npy": "leader_points.npy", "follower.npz": "leader.npz"}
"""Form of a generated follower -> that of the leader who was generated with her (duet task)."""


def settings_of(params: Params) -> Settings:
    """How clips are cut and what counts as contact, from the parameters."""
    settings = params.evaluate
    return Settings(
        clip_frames=settings.clip_frames,
        clip_stride=settings.clip_stride,
        contact_distance=settings.contact_distance,
        held_distance=settings.held_distance,
        fps=float(params.data.fps),
        surface=settings.surface,
    )


def reading_of(params: Params) -> Reading:
    """How files are read, from the parameters."""
    return Reading(params.body.model, None, "auto", params.music.hop, params.music.tolerance_s)


def take_files(takes: Path, name: str, music: Path | None, sources: Sequence[Source]) -> TakeFiles:
    """A take of ``data/takes`` with the followers that were generated for it; a leader beside one is her own."""
    folder = takes / name
    facts = read_facts(folder, genre=str)
    true = folder / "follower.npz"
    if not true.is_file():
        raise InputError(f"{folder}: no follower.npz; a take that is measured needs the true follower")
    # In the form that the follower has: points beside points, parameters beside parameters.
    own = {source.path: source.path.with_name(OWN_LEADERS[source.path.name]) for source in sources}
    leaders = {path: leader for path, leader in own.items() if leader.is_file()}
    return TakeFiles(name, facts["genre"], folder / "leader.npz", true, music, tuple(sources), leaders)


def find_sources(generated: Path, takes: Sequence[str], prefers_parameters: bool) -> dict[str, list[Source]]:
    """The followers below ``generated/<system>`` by take; a system that lacks one is an error."""
    found: dict[str, list[Source]] = {take: [] for take in takes}
    for folder in sorted(path for path in generated.glob("*") if path.is_dir() and not path.name.startswith(".")):
        for seed, place in find_seeds(folder).items():
            there = {performance.take: performance.follower for performance in find_performances(place)}
            for take in takes:
                path = there.get(take)
                if path is None:
                    raise InputError(f"{place / take}: no follower; generate this test take, or remove {folder}")
                found[take].append(Source(folder.name, seed, parameters_beside(path) if prefers_parameters else path))
    return found


def find_meetings(params: Params, body: Body, leader: Path, followers: Mapping[str, Path]) -> dict[str, Meeting | None]:
    """Contact and penetration of couples as the evaluate stage measures them: from generated points where it reads those.

    Leader and followers are named by their parameters (.npz), beside which the points lie.
    """
    settings = settings_of(params)

    def read(parameters: Path, name: str) -> Dancer:
        points = parameters.with_name(name)
        place = points if points.is_file() and settings.surface == "sampled" else parameters
        return read_dancer(place, fps=settings.fps, body=body)

    lead = read(leader, OWN_LEADERS["points.npy"])
    return meetings_of(lead, {name: read(place, "points.npy") for name, place in followers.items()}, body, settings)
