"""Marker sets: which point of the body's skin each named marker stands over.

A set is a YAML file (``marker_sets/``, or one's own) that maps each marker to a landmark of ``landmarks.yaml``, or to a
ray of its own from the skeleton out to the skin, or to a vertex of one named body. Landmarks are found by anatomy on
whatever body is loaded: the embedded one has 12,164 vertices, the licensed one 10,475.
"""

from __future__ import annotations

import difflib
import os.path
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interdance.body.skeleton import INDEX, JOINT_NAMES
from interdance.errors import InputError
from interdance.mocap.mapping import brief, parse_yaml
from interdance.takes import NUM_BETAS, Motion

if TYPE_CHECKING:
    from interdance.body.model import Body

OFFSET_MM = 9.5
"""From the skin to the centre of a marker, where a set does not say: a 14 mm ball on its base."""
LEAST_SHARE = 0.5
"""Of the markers of a set, or of the file, that must be known for the set to fit."""

_LANDMARKS = "landmarks"


@dataclass(frozen=True)
class MarkerPoints:
    """Nominal places of M markers on the surface of one body's mesh.

    Attributes
    ----------
    names : tuple of str
        Of the M markers.
    vertices_M3 : int64 (M, 3)
        The vertices of the triangle under each marker, counter-clockwise from outside.
    weights_M3 : float64 (M, 3)
        Barycentric weights of those vertices; they sum to 1.
    offset_m_M : float64 (M,)
        Distance of the marker's centre from the skin along the outward normal, metres.
    """

    names: tuple[str, ...]
    vertices_M3: np.ndarray
    weights_M3: np.ndarray
    offset_m_M: np.ndarray

    def positions(self, vertices_TV3: np.ndarray) -> np.ndarray:
        """Where the markers are (T, M, 3), metres, on posed meshes (T, V, 3)."""
        corners = vertices_TV3[:, self.vertices_M3].astype(np.float64)
        normal = np.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
        normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-12)
        skin = np.einsum("tmkc,mk->tmc", corners, self.weights_M3)
        return skin + self.offset_m_M[:, None] * normal

    def only(self, names: Sequence[str]) -> MarkerPoints:
        """The markers of these names, in this order."""
        place = [self.names.index(name) for name in names]
        return MarkerPoints(tuple(names), self.vertices_M3[place], self.weights_M3[place], self.offset_m_M[place])


@dataclass(frozen=True)
class Place:
    """Where one marker goes.

    Attributes
    ----------
    start : dict of str to float
        Weights, of sum 1, of joints of the T-pose: where the ray starts.
    toward : tuple of float (3,)
        Where it goes: +X left, +Y up, +Z ahead.
    vertex : int or None
        Instead of a ray, a vertex of the body that the set names.
    offset_m : float
        From the skin to the marker's centre.
    """

    start: dict[str, float]
    toward: tuple[float, float, float]
    vertex: int | None
    offset_m: float


@dataclass(frozen=True)
class MarkerSet:
    """Named markers and their places.

    Attributes
    ----------
    name : str
        Of the set.
    places : dict of str to Place
        By marker.
    aliases : dict of str to str
        Other names of its markers.
    body : str or None
        Hash of the body that ``vertex`` entries count in.
    """

    name: str
    places: dict[str, Place]
    aliases: dict[str, str]
    body: str | None

    def match(self, names: Sequence[str]) -> dict[str, int]:
        """Marker of the set -> column of the first of ``names`` that means it.

        Capitals, spaces, dots, hyphens and underscores do not count; nor does a beginning that all names share.
        """
        known = {_bare(name): name for name in self.places}
        known = {_bare(alias): name for alias, name in self.aliases.items()} | known
        begin = len(os.path.commonprefix(list(names))) if len(names) > 1 else 0
        best: dict[str, int] = {}
        for cut in {0, begin}:
            found: dict[str, int] = {}
            for column, name in enumerate(names):
                marker = known.get(_bare(name[cut:]))
                if marker is not None:
                    found.setdefault(marker, column)
            best = max(best, found, key=len)
        return best

    def on(self, body: Body) -> MarkerPoints:
        """The places on a body's mesh.

        Raises
        ------
        InputError
            When a ray meets no skin, or a vertex is meant for another body.
        """
        zero = np.zeros(NUM_BETAS, np.float32)
        still = Motion(np.zeros((1, len(JOINT_NAMES), 3), np.float32), np.zeros((1, 3), np.float32), zero, 30.0)
        vertices = body.vertices(still)[0].astype(np.float64)
        joints = body.rest_joints(zero).astype(np.float64)
        skin = _Skin(vertices, body.faces)
        triangles, weights = [], []
        for name, place in self.places.items():
            if place.vertex is not None:
                if self.body != body.body_hash or place.vertex >= len(vertices):
                    raise InputError(
                        f"marker set {self.name}: {name}: vertex {place.vertex} is meant for the body {self.body}, and"
                        f" {body.body_hash} is loaded; give it as 'from' and 'toward'"
                    )
                triangle = body.faces[(body.faces == place.vertex).any(axis=1).argmax()]
                share = (triangle == place.vertex).astype(np.float64)
            else:
                start = sum((weight * joints[INDEX[joint]] for joint, weight in place.start.items()), np.zeros(3))
                hit = skin.leave(start, np.asarray(place.toward, np.float64))
                if hit is None:
                    raise InputError(f"marker set {self.name}: {name}: its ray meets no skin; mend 'from' or 'toward'")
                triangle, share = hit
            triangles.append(triangle)
            weights.append(share)
        offsets = np.array([place.offset_m for place in self.places.values()])
        return MarkerPoints(tuple(self.places), np.array(triangles, np.int64), np.array(weights), offsets)


def shipped_marker_sets() -> list[str]:
    """Names of the sets that come with the package."""
    folder = resources.files("interdance.mocap") / "marker_sets"
    return sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".yaml") and _LANDMARKS not in item.name)


def load_marker_set(name_or_path: str | Path) -> MarkerSet:
    """A shipped set by its name, or one from a YAML file.

    Raises
    ------
    InputError
        For an unknown name, a missing file, or a file that is no marker set.
    """
    shipped = shipped_marker_sets()
    if str(name_or_path) in shipped:
        item = resources.files("interdance.mocap") / "marker_sets" / f"{name_or_path}.yaml"
        return _parse(item.read_text(), str(name_or_path), item.name)
    path = Path(name_or_path)
    if not path.is_file():
        raise InputError(f"{path}: no such marker set file, nor a shipped set ({', '.join(shipped)})")
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a YAML file") from None
    return _parse(text, path.stem, str(path))


def find_marker_set(path: Path, names: Sequence[str], positions_TM3: np.ndarray, body: Body) -> MarkerSet:
    """The shipped set that knows most of the names; of those that know equally many, the one whose distances agree.

    Parameters
    ----------
    path : Path
        The file of the markers, for messages.
    names : sequence of str
        Labels, M of them.
    positions_TM3 : (T, M, 3)
        Metres, NaN where missing.
    body : Body
        On which the distances between neighbouring markers are compared.

    Raises
    ------
    InputError
        When no set knows half of the names, or has half of its markers among them.
    """
    sets = [load_marker_set(name) for name in shipped_marker_sets()]
    found = {item.name: item.match(names) for item in sets}
    most = max(map(len, found.values()))
    best = [item for item in sets if len(found[item.name]) == most]
    if most < LEAST_SHARE * min(len(names), min(len(item.places) for item in best)):
        raise InputError(
            f"{path}: no shipped marker set ({', '.join(found)}) knows these markers ({', '.join(names[:6])}, ...); write"
            " a YAML map of marker to landmark and pass it as marker set"
        )
    if len(best) > 1:
        best.sort(key=lambda item: _disagreement(item.on(body), found[item.name], positions_TM3, body))
    return best[0]


def render_markers(
    motion: Motion,
    points: MarkerPoints,
    body: Body,
    noise_m: float = 0.0,
    missing: float = 0.0,
    rng: np.random.Generator | None = None,
    gap_s: float = 0.25,
) -> np.ndarray:
    """What a marker system would see of a motion: float32 (T, M, 3), metres, NaN where a marker is hidden.

    Parameters
    ----------
    motion, points, body
        Who dances, where the markers are, and the body of both.
    noise_m : float
        Standard deviation of every coordinate.
    missing : float
        Share of the samples that are hidden, in gaps of ``gap_s`` seconds on average, as bodies hide markers.
    rng : numpy.random.Generator, optional
        Needed for noise and gaps.
    """
    used, inverse = np.unique(points.vertices_M3, return_inverse=True)
    local = MarkerPoints(points.names, inverse.reshape(-1, 3), points.weights_M3, points.offset_m_M)
    seen = np.concatenate([
        local.positions(body.vertices(motion, slice(first, first + 64))[:, used])
        for first in range(0, motion.num_frames, 64)
    ])  # fmt: skip
    if rng is not None and noise_m > 0:
        seen = seen + rng.normal(scale=noise_m, size=seen.shape)
    if rng is not None and missing > 0:
        num_frames, length = len(seen), max(gap_s * motion.fps, 1.0)
        for marker in range(seen.shape[1]):
            hidden = np.zeros(num_frames, bool)
            goal = min(missing * rng.uniform(0.5, 1.5), 1.0) * num_frames
            while hidden.sum() < goal:
                first = int(rng.integers(num_frames))
                hidden[first : first + int(rng.geometric(1.0 / length))] = True
            seen[hidden, marker] = np.nan
    return seen.astype(np.float32)


def _bare(name: str) -> str:
    return name.strip().casefold().translate(str.maketrans("", "", " ._-"))


def _disagreement(points: MarkerPoints, match: dict[str, int], positions_TM3: np.ndarray, body: Body) -> float:
    """How far the distances between neighbours are, on average, from those on the body, up to a common scale."""
    zero = Motion(np.zeros((1, len(JOINT_NAMES), 3)), np.zeros((1, 3)), np.zeros(NUM_BETAS), 30.0)
    nominal = points.only(list(match)).positions(body.vertices(zero))[0]
    seen = positions_TM3[:: max(len(positions_TM3) // 100, 1), list(match.values())]
    wanted = np.linalg.norm(nominal[:, None] - nominal[None], axis=2)
    first, second = np.nonzero(np.triu((wanted < 0.35) & (wanted > 0.02)))
    distance = np.linalg.norm(seen[:, first] - seen[:, second], axis=2)
    known = np.isfinite(distance).any(axis=0)
    if not known.any():
        return 0.0
    ratio = np.log(np.nanmedian(distance[:, known], axis=0) / wanted[first, second][known])
    return float(np.abs(ratio - np.median(ratio)).mean())


class _Skin:
    """A mesh that rays from inside leave."""

    def __init__(self, vertices_V3: np.ndarray, faces: np.ndarray) -> None:
        corners = vertices_V3[faces]
        self.faces, self.corners_F33 = faces, corners
        self.normals_F3 = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        self.height_F = (corners[:, 0] * self.normals_F3).sum(axis=1)
        self.centres_F3 = corners.mean(axis=1)
        self.radius2_F = ((corners - self.centres_F3[:, None]) ** 2).sum(axis=2).max(axis=1)

    def leave(self, start: np.ndarray, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Vertices and barycentric weights of where a ray first leaves; None where it does not."""
        with np.errstate(divide="ignore", invalid="ignore"):
            slope_F = self.normals_F3 @ toward
            distance_F = (self.height_F - self.normals_F3 @ start) / slope_F
            near_F = ((start + distance_F[:, None] * toward - self.centres_F3) ** 2).sum(axis=1) <= self.radius2_F * (1 + 1e-9)
        found = np.flatnonzero((slope_F > 0) & (distance_F > 0) & near_F)
        for face in found[distance_F[found].argsort()]:
            weights = np.linalg.lstsq(
                np.vstack([self.corners_F33[face].T, np.ones(3)]), np.append(start + distance_F[face] * toward, 1.0), rcond=None
            )[0]
            if (weights >= -1e-6).all():
                weights = np.clip(weights, 0.0, 1.0)
                return self.faces[face], weights / weights.sum()
        return None


# --------------------------------------------------------------------------------------------------------------- parsing


@cache
def landmarks() -> dict[str, dict[str, Any]]:
    """Every landmark by name, ``from`` and ``toward``; those of the sides as ``left ...`` and ``right ...``."""
    text = (resources.files("interdance.mocap") / "marker_sets" / f"{_LANDMARKS}.yaml").read_text()
    values = parse_yaml(text, _LANDMARKS)
    result = dict(values["middle"])
    for name, ray in values["sided"].items():
        result[f"left {name}"] = ray
        result[f"right {name}"] = {
            "from": {joint.replace("left_", "right_"): weight for joint, weight in ray["from"].items()},
            "toward": [-ray["toward"][0], *ray["toward"][1:]],
        }
    return result


_SET_KEYS = ("markers", "offset_mm", "aliases", "body")
_MARKER_KEYS = ("at", "from", "toward", "vertex", "offset_mm")


def _parse(text: str, name: str, source: str) -> MarkerSet:
    values = parse_yaml(text, source)
    if not isinstance(values, dict) or not isinstance(values.get("markers"), dict) or not values["markers"]:
        raise InputError(f"{source}: a marker set needs a mapping 'markers' of marker -> landmark")
    for key in values:
        if key not in _SET_KEYS:
            raise InputError(f"{source}: {brief(key)}: unknown key; known: {', '.join(_SET_KEYS)}")
    offset = values.get("offset_mm", OFFSET_MM)
    body = values.get("body")
    if body is not None and not isinstance(body, str):
        raise InputError(f"{source}: body: the hash of a body is needed, in quotes, found {brief(body)}")
    if not all(isinstance(key, str | int) and len(str(key)) <= 100 for key in values["markers"]):
        raise InputError(f"{source}: markers: names of up to 100 letters are needed")
    places = {str(key): _place(source, str(key), entry, offset, body) for key, entry in values["markers"].items()}
    aliases = values.get("aliases") or {}
    plain = isinstance(aliases, dict) and all(isinstance(item, str | int) for pair in aliases.items() for item in pair)
    if not plain or any(str(target) not in places for target in aliases.values()):
        raise InputError(f"{source}: aliases: a mapping of other name -> marker of the set is needed")
    return MarkerSet(name, places, {str(key): str(value) for key, value in aliases.items()}, body)


def _place(source: str, marker: str, entry: Any, offset_mm: Any, body: Any) -> Place:
    where = f"{source}: markers: {marker[:40]}"
    if isinstance(entry, str):
        entry = {"at": entry}
    if not isinstance(entry, dict) or set(entry) - set(_MARKER_KEYS):
        raise InputError(f"{where}: a landmark, or a mapping of {', '.join(_MARKER_KEYS)} is needed, found {brief(entry)}")
    offset = entry.get("offset_mm", offset_mm)
    if not _is_number(offset) or not 0 <= offset <= 200:
        raise InputError(f"{where}: offset_mm: millimetres between 0 and 200 are needed, found {brief(offset)}")
    if "vertex" in entry:
        vertex = entry["vertex"]
        if isinstance(vertex, bool) or not isinstance(vertex, int) or vertex < 0 or body is None:
            raise InputError(f"{where}: vertex: a number from 0 is needed, and the 'body' (its hash) that it counts in")
        return Place({}, (0.0, 0.0, 0.0), vertex, offset / 1000)
    if "at" in entry:
        name = entry["at"] if isinstance(entry["at"], str) else ""
        if name not in landmarks():
            near = difflib.get_close_matches(name[:40], landmarks(), n=5, cutoff=0.4)
            known = ", ".join(near) or "none is near"
            raise InputError(f"{where}: {brief(entry['at'])} is no landmark of landmarks.yaml ({known})")
        entry = landmarks()[entry["at"]]
    start, toward = entry.get("from"), entry.get("toward")
    if not isinstance(start, dict) or not all(key in INDEX and _is_number(value) for key, value in start.items()):
        raise InputError(f"{where}: from: weights of SMPL-X joints are needed, found {brief(start)}")
    if abs(sum(start.values()) - 1) > 1e-6:
        raise InputError(f"{where}: from: the weights add up to {sum(start.values()):g}; they must to 1")
    if not isinstance(toward, list) or len(toward) != 3 or not all(map(_is_number, toward)) or not any(toward):
        raise InputError(f"{where}: toward: three numbers, not all zero, are needed, found {brief(toward)}")
    return Place({str(key): float(value) for key, value in start.items()}, (*map(float, toward),), None, offset / 1000)  # type: ignore[arg-type]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6
