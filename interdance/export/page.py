"""One HTML file with a leader, one or more followers in 3D and their song, which opens anywhere without a network.

The bodies are skinned in the browser: the file holds each dancer's T-pose once, the skinning weights once, and per
frame the joints' local rotations and the pelvis. A dancer of whom only joint positions are known is drawn as balls and
sticks from those positions. Where a couple meets, the sampled surface points of both that touch, and those inside of
the partner, are a bit per frame each; every vertex of the mesh is lit by the points around it. ``viewer/`` holds the
page and its program.
"""

from __future__ import annotations

import base64
import functools
import gzip
import html
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from interdance.body.meeting import Meeting
from interdance.body.skeleton import JOINT_NAMES, PARENTS
from interdance.errors import InputError
from interdance.export import palette
from interdance.export.cast import check_equal
from interdance.export.framing import frame_couple
from interdance.export.rig import FOURS, index_type, influences, pelvis_places, rest_vertices, short_quaternions, whole_shares
from interdance.export.sound import encode_mp3, read_stereo
from interdance.files import atomic_path
from interdance.takes import NUM_JOINTS, Joints, Motion

JOINT_STEP = 1e-4  # metres from one stored joint position to the next, as long as 16 bits then hold the whole dance
NUM_LIGHTS = 4  # sampled points that light a vertex at most
LIGHT_REACH = 0.3  # metres along the edges of the mesh, from a sampled point to the vertices that it may light
FORMAT = 2  # of what a page holds; pages of another one are not joined
_ALIGNMENT = 4


def write_page(
    path: Path,
    leader: Motion | Joints,
    followers: Mapping[str, Motion | Joints],
    body: Any,
    music: Path | None,
    *,
    title: str,
    leader_name: str = "Leader",
    meetings: Mapping[str, Meeting | None] | None = None,
    beats: np.ndarray | None = None,
) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        The HTML file; it appears only when it is complete.
    leader : Motion or Joints
        A ``Motion`` is shown with its skin, ``Joints`` as a figure of balls and sticks.
    followers : mapping of Motion or Joints
        By the name the page shows; the first is visible at once, the others at a click.
    body : interdance.body.model.Body, optional
        Gives rest pose, faces and weights. Pose-dependent shape changes, which only licensed models have, are left out.
        None will do when every dancer is ``Joints``.
    music : Path, optional
        The song, embedded as MP3; cut, or followed by silence, to the length of the motion.
    title, leader_name : str
        Shown on the page.
    meetings : mapping of Meeting, optional
        By follower, where she and the leader meet, on the sampled vertices or on all: both are lit there, and the
        timeline shows contact and penetration. Where there is none, or None, nothing is said of contact.
    beats : float (N,), optional
        Times in seconds marked on the timeline.

    Raises
    ------
    InputError
        Motions of different length or rate, joints that are not 55 or not finite, no body for a ``Motion``, a meeting of
        nobody, of other frames or of other vertices, a song that cannot be read.
    """
    num_frames = leader.num_frames
    met = {name: meeting for name, meeting in (meetings or {}).items() if meeting is not None}
    dancers = [(leader_name, leader), *followers.items()]
    check_equal(path, [("the leader", leader), *((f"follower '{name}'", motion) for name, motion in followers.items())])
    for index, (name, dancer) in enumerate(dancers):
        _check(path, f"follower '{name}'" if index else "the leader", dancer, body)
    for name, meeting in met.items():
        if name not in followers:
            raise InputError(f"{path}: a meeting with '{name}', who is none of the followers {', '.join(followers)}")
        _check_meeting(path, name, meeting, num_frames, body)
    song = encode_mp3(read_stereo(music, num_frames / leader.fps)) if music else b""

    arrays = Arrays()
    if any(isinstance(dancer, Motion) for _, dancer in dancers):
        _add_skin(arrays, body)
    described = []
    for index, (name, dancer) in enumerate(dancers):
        colour, key = palette.follower_colour(index - 1) if index else palette.LEADER, f"dancer{index}"
        facts = _add_joints(arrays, key, dancer) if isinstance(dancer, Joints) else _add_motion(arrays, key, dancer, body)
        if name in met and index:
            facts["met_on"] = _add_meeting(arrays, key, met[name], body)
        described.append({"name": name, "colour": colour, "key": key, **facts})
    shown = [dancer.joints_TJ3 if isinstance(dancer, Joints) else body.joints(dancer) for _, dancer in dancers[:2]]
    framing = frame_couple(shown, leader.fps)
    arrays.add("path", framing.centres_T3.astype(np.float32))
    take = {
        "format": FORMAT,
        "title": title,
        "fps": leader.fps,
        "num_frames": num_frames,
        "parents": PARENTS,
        "dancers": described,
        "reach": round(framing.reach, 3),
        "height": round(framing.height, 3),
        "azimuth": round(framing.azimuth, 4),
        "beats": []
        if beats is None
        else [round(float(beat), 3) for beat in beats if 0.0 <= beat <= num_frames / leader.fps],
        "beside": False,
        "music": "audio/mpeg" if music else None,
    }
    write_document(path, take, arrays, _base64(song))


def write_document(path: Path, take: Mapping[str, Any], arrays: Arrays, song: str) -> None:
    """Put a take, its arrays and its song (base64, "" for none) into the document with its program."""
    parts = {
        "title": html.escape(take["title"]),
        "take": json.dumps({**take, "arrays": arrays.index}, allow_nan=False, ensure_ascii=False).replace("<", "\\u003c"),
        "arrays": _base64(gzip.compress(bytes(arrays.data), compresslevel=9, mtime=0)),
        "music": song,
        "licence": _resource("dist/three.LICENSE.txt"),
        "viewer": _resource("dist/viewer.js"),
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found.group(1)], _resource("page.html"))
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _check(path: Path, who: str, dancer: Motion | Joints, body: Any) -> None:
    """Refuse a dancer who cannot be drawn."""
    if isinstance(dancer, Motion):
        if body is None:
            raise InputError(f"{path}: {who} is a motion, whose skin needs a body; give one, or the dancer's joints")
        return
    shape = np.shape(dancer.joints_TJ3)
    if shape[1:] != (NUM_JOINTS, 3):
        raise InputError(f"{path}: the joints of {who} have shape {shape}; (frames, {NUM_JOINTS}, 3) is needed")
    bad_TJ = ~np.isfinite(dancer.joints_TJ3).all(axis=2)
    if bad_TJ.any():
        frame, joint = (int(place) for place in np.argwhere(bad_TJ)[0])
        raise InputError(
            f"{path}: {who} has NaN or infinity at frame {frame}, joint {joint} ({JOINT_NAMES[joint]}); "
            "repair or cut that frame"
        )


def _check_meeting(path: Path, name: str, meeting: Meeting, num_frames: int, body: Any) -> None:
    """Refuse a meeting that does not fit the dancers."""
    if body is None:
        raise InputError(f"{path}: the meeting with '{name}' is on vertices of a body; give that body")
    known = (len(body.surface_V), body.num_vertices)
    for field in fields(meeting):
        shape = np.shape(getattr(meeting, field.name))
        if len(shape) != 2 or shape[0] != num_frames or shape[1] not in known:
            raise InputError(
                f"{path}: {field.name} of the meeting with '{name}' has shape {shape}; ({num_frames}, {known[0]} or "
                f"{known[1]}) is needed"
            )


class Arrays:
    """Named arrays laid one after another, little-endian."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.index: list[dict[str, Any]] = []

    def add(self, name: str, array: np.ndarray, delta: bool = False) -> None:
        """Append an array; with ``delta``, its last axis as differences (modulo the type), which compress better."""
        stored = np.diff(array, axis=-1, prepend=np.zeros_like(array[..., :1])) if delta else array
        stored = np.ascontiguousarray(stored, array.dtype.newbyteorder("<"))
        self.add_stored(name, array.dtype.name, array.shape[-1] if delta else 0, stored.tobytes())

    def add_stored(self, name: str, kind: str, delta: int, stored: bytes) -> None:
        """Append the bytes of an array; with ``delta``, differences within rows of that length."""
        self.data.extend(b"\0" * (-len(self.data) % _ALIGNMENT))
        length = len(stored) // np.dtype(kind).itemsize
        self.index.append({"name": name, "kind": kind, "start": len(self.data), "length": length, "delta": delta})
        self.data.extend(stored)


def _add_skin(arrays: Arrays, body: Any) -> None:
    """Faces, per vertex the joints it follows and how much, the sampled vertices, and which of those light a vertex."""
    joints_VK, shares_VK = influences(body, 255)
    kind = index_type(body)
    arrays.add("faces", np.asarray(body.faces).astype(kind))
    for name, part in zip(("first", "more"), FOURS, strict=True):
        arrays.add(f"joints_{name}", joints_VK[:, part].astype(np.uint8))
        arrays.add(f"weights_{name}", shares_VK[:, part].astype(np.uint8))
    arrays.add("surface", np.asarray(body.surface_V).astype(kind))
    lights, brightness = _lights(body)
    arrays.add("lights", lights)
    arrays.add("brightness", brightness)


@functools.lru_cache(maxsize=2)
def _lights(body: Any) -> tuple[np.ndarray, np.ndarray]:
    """By which sampled points a vertex of the mesh is lit, uint16 (V, 4), and how much by each, bytes (V, 4).

    A sampled vertex shows itself alone, one between several a mean of the nearest (R. Franke, G. Nielson, 1980: weights
    that fall to zero at the first one left out, so that light has no edges). Near is measured along the mesh: a finger
    does not light the next one. Vertices that no sampled one reaches, such as eyes, are never lit.
    """
    template_V3, faces = body.model.v_template.double().numpy(), np.asarray(body.faces)
    edges = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0)
    length = np.linalg.norm(template_V3[edges[:, 0]] - template_V3[edges[:, 1]], axis=1)
    graph = coo_array((length, (edges[:, 0], edges[:, 1])), shape=(len(template_V3), len(template_V3))).tocsr()
    distance_SV = dijkstra(graph, directed=False, indices=body.surface_V, limit=LIGHT_REACH)
    nearest = np.argpartition(distance_SV, NUM_LIGHTS, axis=0)[: NUM_LIGHTS + 1]
    distance = np.take_along_axis(distance_SV, nearest, axis=0)
    order = np.argsort(distance, axis=0, kind="stable")
    nearest, distance = (np.take_along_axis(table, order, axis=0).T for table in (nearest, distance))
    last = np.minimum(distance[:, NUM_LIGHTS:], LIGHT_REACH)
    near = np.maximum(distance[:, :NUM_LIGHTS], 1e-6)
    brightness = whole_shares(np.maximum(1.0 / near - 1.0 / last, 0.0) ** 2, 255)
    return nearest[:, :NUM_LIGHTS].astype(np.uint16), brightness.astype(np.uint8)


def _add_meeting(arrays: Arrays, key: str, meeting: Meeting, body: Any) -> int:
    """A bit for every sampled point and frame, and the curves; returns on how many vertices those were measured."""
    for field in fields(meeting):
        met_TV = np.asarray(getattr(meeting, field.name), bool)
        if met_TV.shape[1] != len(body.surface_V):
            met_TV = met_TV[:, body.surface_V]
        arrays.add(f"{key}.{field.name.removesuffix('_TV')}", np.packbits(met_TV.T, axis=1, bitorder="little"))
    arrays.add(f"{key}.contact", meeting.contact().astype(np.uint8))
    arrays.add(f"{key}.penetration", meeting.penetration().astype(np.float32))
    return int(meeting.follower_near_TV.shape[1])


def _add_motion(arrays: Arrays, key: str, motion: Motion, body: Any) -> dict[str, Any]:
    """The T-pose and the motion of one dancer; returns what the page must know to read them."""
    vertices = rest_vertices(motion, body)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    offset = 0.5 * (low + high)
    scale = float((high - low).max()) / 65534.0
    arrays.add(f"{key}.vertices", np.round((vertices - offset) / scale).astype(np.int16))
    stored = short_quaternions(motion).transpose(1, 2, 0)
    arrays.add(f"{key}.quaternions", stored, delta=True)
    arrays.add(f"{key}.pelvis", pelvis_places(motion, body).astype(np.float32))
    places = np.round(np.asarray(body.rest_joints(motion.betas), np.float64), 6).tolist()
    return {"kind": "motion", "scale": scale, "offset": offset.tolist(), "rest_joints": places}


def _add_joints(arrays: Arrays, key: str, joints: Joints) -> dict[str, Any]:
    """The joint positions of one dancer; returns what the page must know to read them.

    Positions are whole steps from the middle of the dance, 16 bits each, as differences in time: compressed, a recorded
    dance takes about 100 bytes a frame, a third of float32. A step is a tenth of a millimetre, so that nothing is more than
    0.05 mm off; a dance that ranges over more than 6.5 m takes longer ones (0.1 mm off at 13 m).
    """
    positions_TJ3 = np.asarray(joints.joints_TJ3, np.float64)
    low, high = positions_TJ3.min(axis=(0, 1)), positions_TJ3.max(axis=(0, 1))
    offset = 0.5 * (low + high)
    scale = max(JOINT_STEP, float((high - low).max()) / 65534.0)
    stored = np.round((positions_TJ3 - offset) / scale).astype(np.int16).transpose(1, 2, 0)
    arrays.add(f"{key}.joints", stored, delta=True)
    return {"kind": "joints", "scale": scale, "offset": offset.tolist()}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _resource(name: str) -> str:
    return resources.files("interdance.export").joinpath("viewer", name).read_text(encoding="utf-8")
