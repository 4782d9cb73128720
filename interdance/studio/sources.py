"""Leaders and songs to choose from: the project's test takes, and what was uploaded. And what a file is, by its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from interdance.config import Paths
from interdance.dataset.split import read_split
from interdance.errors import InputError
from interdance.studio.store import Kind, Store
from interdance.takes import read_facts

TAKE, UPLOAD = "take:", "upload:"


@dataclass(frozen=True)
class Source:
    """Something to dance with.

    Attributes
    ----------
    id : str
        ``take:<set>/<name>`` or ``upload:<token>``.
    kind : str
        ``leader`` or ``song``.
    label, note : str
        For people.
    seconds : float
    path : Path
    """

    id: str
    kind: Kind
    label: str
    note: str
    seconds: float
    path: Path


def all_sources(paths: Paths, store: Store) -> list[Source]:
    """Everything that can be chosen, uploads first, the newest of them first."""
    uploads = sorted(store.uploads.values(), key=lambda upload: upload.created, reverse=True)
    own = [Source(UPLOAD + item.id, item.kind, item.label, item.note, item.seconds, store.file_of(item)) for item in uploads]
    return own + _of_takes(paths)


def find_source(name: str, kind: Kind, paths: Paths, store: Store) -> Source:
    """The source with an identity. Raises :class:`InputError` when there is none, or it is of the other kind."""
    for source in all_sources(paths, store):
        if (source.id, source.kind) == (name, kind):
            return source
    raise InputError(f"{kind}: there is no such one (any more); choose another")


def _of_takes(paths: Paths) -> list[Source]:
    """Leader and song of every test take; none where the project has no takes yet."""
    try:
        names = read_split(paths.split)["test"]
    except InputError:
        return []
    found = []
    for name in names:
        folder = paths.takes / name
        try:
            facts = read_facts(folder, genre=str, num_frames=int, music=str)
            seconds = facts["num_frames"] / float(facts["fps"])
        except (InputError, KeyError, TypeError, ValueError, ZeroDivisionError):  # without a song, or being made anew
            continue
        for kind, file in (("leader", "leader.npz"), ("song", facts["music"])):
            path, label = folder / file, name if kind == "leader" else f"song of {name}"
            if path.is_file():
                found.append(Source(TAKE + name, kind, label, f"{facts['genre']}, test take", seconds, path))  # type: ignore[arg-type]
    return found


def suffix_of(place: Path, kind: Kind, label: str) -> str:
    """What a file is by its first bytes, whatever its name: ``.bvh``, ``.npz``, ``.wav``, ``.ogg``, ``.flac`` or ``.mp3``.

    Raises
    ------
    InputError
        When it is nothing that can be used as ``kind``.
    """
    with place.open("rb") as stream:
        start = stream.read(512)
    suffix = _by_bytes(start)
    if suffix in (".bvh", ".npz"):
        if kind == "song":
            raise InputError(f"{label}: is a dance, and a song is needed here: WAV, OGG, FLAC or MP3")
        return suffix
    if kind == "leader":
        what = "is a song" if suffix else "is neither a BVH file nor an .npz archive"
        raise InputError(f"{label}: {what}, and a leader's dance is needed here: BVH, or SMPL-X as .npz")
    if not suffix:
        raise InputError(f"{label}: is no song; WAV, OGG, FLAC or MP3 are needed")
    return suffix


def _by_bytes(start: bytes) -> str:
    if start[:4] == b"PK\x03\x04":
        return ".npz"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:9].upper() == b"HIERARCHY":
        return ".bvh"
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return ".wav"
    if start[:4] in (b"OggS", b"fLaC"):
        return ".ogg" if start[:4] == b"OggS" else ".flac"
    if start[:3] == b"ID3" or (len(start) > 1 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0):
        return ".mp3"
    return ""
