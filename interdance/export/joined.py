"""Pages of one leader joined into one: followers of several systems beside each other, in one file and with one clock."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interdance.errors import InputError
from interdance.export import palette
from interdance.export.page import FORMAT, Arrays, write_document

SAME_UNITS = 2  # stored units by which the same dance may differ when two machines computed it
SAME_PLACE = 1e-3  # metres


@dataclass(frozen=True)
class _Page:
    """What a page holds.

    Attributes
    ----------
    entries : dict
        Name of an array -> its entry of the index.
    """

    path: Path
    take: dict[str, Any]
    entries: dict[str, dict[str, Any]]
    data: bytes
    song: str

    def stored(self, name: str) -> bytes:
        entry = self.entries[name]
        return self.data[entry["start"] : entry["start"] + entry["length"] * np.dtype(entry["kind"]).itemsize]

    def array(self, name: str) -> np.ndarray:
        entry = self.entries[name]
        stored = np.frombuffer(self.stored(name), np.dtype(entry["kind"]).newbyteorder("<"))
        return np.cumsum(stored.reshape(-1, entry["delta"]), axis=1, dtype=stored.dtype) if entry["delta"] else stored

    def names(self, key: str) -> list[str]:
        """Arrays of one dancer, or with "" of none."""
        dancers = tuple(f"{dancer['key']}." for dancer in self.take["dancers"])
        return [name for name in self.entries if (name.startswith(f"{key}.") if key else not name.startswith(dancers))]


def join_pages(path: Path, pages: Mapping[str, Path], *, title: str) -> None:
    """Write one page with the followers of several, who all have the same leader.

    Parameters
    ----------
    path : Path
        The HTML file.
    pages : mapping of Path
        Two or more pages that :func:`interdance.export.page.write_page` wrote. The first follower of each is called by its
        key here; others, such as the true one, keep their names and are taken once.
    title : str
        Shown on the page.

    Raises
    ------
    InputError
        When a file is no page of this format, leaders do not dance alike, or contact was measured on different points.
    """
    read = {name: _read(page) for name, page in pages.items()}
    first = next(iter(read.values()))
    for other in read.values():
        _check_leader(first, other)
    _check_points(list(read.values()))
    arrays, described, taken = Arrays(), [first.take["dancers"][0]], set[str]()
    shared = {name: page for page in reversed(read.values()) for name in page.names("")}
    for name, page in shared.items():
        _copy(arrays, page, name, name)
    for name in first.names("dancer0"):
        _copy(arrays, first, name, name)
    firsts = [(name, page, page.take["dancers"][1]) for name, page in read.items() if len(page.take["dancers"]) > 1]
    others = [(dancer["name"], page, dancer) for page in read.values() for dancer in page.take["dancers"][2:]]
    for name, page, dancer in firsts + others:
        if name in taken:
            continue
        taken.add(name)
        key = f"dancer{len(described)}"
        for part in page.names(dancer["key"]):
            _copy(arrays, page, part, key + part.removeprefix(dancer["key"]))
        described.append(dancer | {"name": name, "key": key, "colour": palette.follower_colour(len(described) - 1)})
    song = next((page for page in read.values() if page.song), first)
    take = first.take | {"title": title, "dancers": described, "beside": len(described) > 2, "music": song.take["music"]}
    write_document(path, take, arrays, song.song)


def _copy(arrays: Arrays, page: _Page, name: str, into: str) -> None:
    entry = page.entries[name]
    arrays.add_stored(into, entry["kind"], entry["delta"], page.stored(name))


def _read(path: Path) -> _Page:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        parts = dict(re.findall(r'<script id="(take|arrays|music)"[^>]*>(.*?)</script>', text, re.DOTALL))
        take = json.loads(parts["take"])
        if take["format"] != FORMAT:
            raise InputError(f"{path}: a page of format {take['format']}, not {FORMAT}; write it again")
        data = gzip.decompress(base64.b64decode(parts["arrays"], validate=True))
        return _Page(path, take, {entry["name"]: entry for entry in take["arrays"]}, data, parts["music"].strip())
    except (KeyError, ValueError, TypeError, OSError, EOFError, binascii.Error):
        raise InputError(f"{path}: no page of couples of this version; write it again") from None


def _check_points(pages: Sequence[_Page]) -> None:
    """Refuse figures of contact that are of other points of the surface: they would stand beside each other as equals."""
    known = [(page, dancer["met_on"]) for page in pages for dancer in page.take["dancers"] if "met_on" in dancer]
    for page, met_on in known:
        first, points = known[0]
        if met_on != points:
            raise InputError(
                f"{page.path}: contact is measured on {met_on} points of each, and on {points} in {first.path}; "
                "evaluate both with one evaluate.surface"
            )


def _check_leader(one: _Page, other: _Page) -> None:
    """Refuse leaders that are not the same, in the same body."""
    for key in ("fps", "num_frames"):
        if one.take[key] != other.take[key]:
            raise InputError(f"{other.path}: {key} is {other.take[key]}, and {one.take[key]} in {one.path}; join equal takes")
    sentence = f"{other.path}: its leader dances otherwise than that of {one.path}, or in another body; join equal takes"
    leaders = [page.take["dancers"][0] for page in (one, other)]
    places = [np.asarray(leader.get("rest_joints", ()), np.float64) for leader in leaders]
    if places[0].shape != places[1].shape or np.abs(places[0] - places[1]).max(initial=0.0) > SAME_PLACE:
        raise InputError(sentence)
    shared = set(one.names("")) & set(other.names("")) - {"path"}  # where a camera looks depends on the follower too
    if any(one.stored(name) != other.stored(name) for name in shared):
        raise InputError(sentence)
    for name in one.names("dancer0"):
        a, b = one.array(name).astype(np.float64), other.array(name).astype(np.float64)
        limit = SAME_PLACE if one.entries[name]["kind"] == "float32" else SAME_UNITS
        if a.shape != b.shape or np.abs(a - b).max() > limit:
            raise InputError(sentence)
