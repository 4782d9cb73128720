"""What the studio's worker processes do: read files, look for models, make dances and the forms they are taken home in.

Every task takes ``tell``, what it is asked for, and the parameters, and returns what can be written as JSON; it raises
:class:`InputError` for what cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from interdance.body.model import Body
from interdance.config import Params, Paths
from interdance.device import best_device
from interdance.errors import InputError
from interdance.files import atomic_path, read_json, write_json
from interdance.generation.files import generate_files
from interdance.mocap.bvh import BvhMotion, read_bvh
from interdance.mocap.mapping import Mapping, shipped_mappings
from interdance.mocap.resample import resample
from interdance.mocap.retarget import bvh_to_motion
from interdance.mocap.skeleton import understand
from interdance.music.audio import read_audio
from interdance.registry import registered_model
from interdance.studio.forms import FACTS, PAGE, Result, find_form
from interdance.studio.requests import PROJECT, REGISTERED, check_seconds
from interdance.takes import read_motion, write_motion
from interdance.trained import load_model

Tell = Callable[[str, float], None]
"""Called with what is being done and the share, 0 to 1, of the whole task that is done."""
SHARES = {"reading": 0.0, "sampling": 0.1, "writing": 0.9}
"""Where the parts of a dance begin, of the whole; measured on takes of 44 s on two cores."""


def read_leader(tell: Tell, path: str, label: str, out: str, mapping: str, params: Params) -> dict[str, Any]:
    """A leader's file (``.bvh`` or ``.npz``), written to ``out`` as SMPL-X at our rate: what it is."""
    place, fps = Path(path), params.data.fps
    if place.suffix == ".npz":
        given = read_motion(place)
        check_seconds(label, "dance", given.num_frames / given.fps, params.studio.longest_s)
        motion, file_fps, skeleton = resample(given, fps), given.fps, "SMPL-X"
    else:
        bvh = read_bvh(place)
        check_seconds(label, "dance", bvh.num_frames / bvh.fps, params.studio.longest_s)
        chosen = _understood(bvh, mapping)
        motion, file_fps, skeleton = bvh_to_motion(bvh, _body(params), chosen, fps), bvh.fps, chosen.name
    write_motion(Path(out), motion)
    seconds = motion.num_frames / fps
    return {"seconds": seconds, "frames": motion.num_frames, "fps": file_fps, "skeleton": skeleton}


def read_song(tell: Tell, path: str, label: str, params: Params) -> dict[str, Any]:
    """A song's file: what it is."""
    samples, rate = read_audio(Path(path))
    seconds = len(samples) / rate
    check_seconds(label, "song", seconds, params.studio.longest_song_s)
    return {"seconds": seconds, "rate": rate}


def find_model(tell: Tell, root: str, params: Params) -> dict[str, Any]:
    """The project's own model: what it can do, or why it cannot be used."""
    paths = Paths(Path(root))
    own = "not trained yet; `make demo` or `interdance run` trains it"
    if paths.model.is_dir():
        own = f"{datetime.fromtimestamp(paths.model.stat().st_mtime):%d %b %H:%M}"
    return _describe("project", PROJECT, paths.model if paths.model.is_dir() else None, own, params)


def find_registered(tell: Tell, root: str, params: Params) -> list[dict[str, Any]]:
    """The registered models, likewise; those that are not here yet are brought here first."""
    paths, found = Paths(Path(root)), []
    for alias, label in REGISTERED.items():
        try:
            registered = registered_model(paths, alias)
        except InputError as error:
            why = str(error).replace(f"{paths.state.resolve()}/", "")  # where it lies is nobody's business
            found.append(_describe(alias, label, None, why, params))
            continue
        note = f"version {registered[0].number}" if registered else "none yet; `interdance promote` makes one"
        found.append(_describe(alias, label, registered[1] if registered else None, note, params))
    return found


def dance(
    tell: Tell,
    leader: str,
    song: str,
    out: str,
    model: str,
    seed: int,
    followers: int,
    clean: bool,
    title: str,
    facts: dict[str, Any],
    params: Params,
) -> dict[str, Any]:
    """A follower or several, in every form that is quickly made; ``facts`` go on top of what ``generated.json`` says."""

    def heard(what: str, done: int, of: int) -> None:
        part = what.split()[0]
        share = SHARES[part]
        if part == "sampling":
            number = int(what.split()[1])
            share += (SHARES["writing"] - share) * (number - 1 + done / of) / followers
        tell(what if followers > 1 or part != "sampling" else part, share)

    tell("reading", 0.0)
    folder, given = Path(out), Path(leader) if leader else None
    generate_files(
        given,
        Path(song),
        folder,
        Path(model),
        params,
        seed,
        device=best_device(),
        num_samples=followers,
        clean=clean,
        title=title,
        film=False,
        tell=heard,
    )
    made = {**read_json(folder / FACTS), **facts}
    write_json(folder / FACTS, made)
    if not (folder / PAGE).is_file():
        raise RuntimeError(f"{folder}: no page was written")
    return made


def make_form(tell: Tell, file: str, folder: str, song: str, params: Params) -> dict[str, Any]:
    """One of the forms that a result is taken home in."""
    form, place = find_form(file), Path(folder)
    if form is None or form.write is None:
        raise InputError(f"{file}: no form that is made on demand")
    couple = [read_motion(place / f"{role}.npz") for role in ("leader", "follower")]
    result = Result(couple[0], couple[1], _body(params), Path(song), params)
    with atomic_path(place / file) as temporary:
        form.write(result, temporary, lambda done, of: tell("making", done / max(of, 1)))
    return {}


TASKS: dict[str, Callable[..., Any]] = {
    "leader": read_leader,
    "song": read_song,
    "model": find_model,
    "registered": find_registered,
    "dance": dance,
    "form": make_form,
}


@cache
def _loaded_body(model: str) -> Body:
    return Body.load(model)


def _body(params: Params) -> Body:
    return _loaded_body(params.body.model)


def _understood(bvh: BvhMotion, mapping: str) -> Mapping:
    """The mapping that fits a skeleton. Raises :class:`InputError` with a cure that can be had on a page."""
    try:
        return understand(bvh, shipped_mappings()[mapping] if mapping else None).mapping
    except InputError as error:
        what, _, cure = str(error).rpartition(";")
        if "--mapping" not in cure:
            raise
        raise InputError(f"{what}; choose another skeleton, or write the file with one of the shipped ones") from None


def _describe(name: str, label: str, folder: Path | None, note: str, params: Params) -> dict[str, Any]:
    told: dict[str, Any] = {"id": name, "label": label, "note": note, "folder": None}
    if folder is None:
        return told
    try:
        model = load_model(folder, _body(params))
    except InputError as error:
        return told | {"note": str(error).replace(str(folder), folder.name)}  # where it lies is nobody's business
    return told | {
        "folder": str(folder.resolve()),
        "task": model.params.model.task,
        "most_steps": model.params.diffusion.num_steps,
        "can_be_guided": model.params.model.task == "reactive" and model.representation.can_be_guided,
    }
