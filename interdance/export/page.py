"""One HTML file with a couple in 3D and their song, which opens anywhere without a network.

The bodies are skinned in the browser: the file holds each dancer's T-pose once, the skinning weights once, and per
frame the joints' local rotations and the pelvis. A dancer of whom only joint positions are known is drawn as balls and
sticks from those positions. ``viewer/`` holds the page and its program.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from interdance.body.skeleton import JOINT_NAMES, PARENTS
from interdance.errors import InputError
from interdance.export import palette
from interdance.export.framing import frame_couple
from interdance.export.rig import influences, pelvis_places, quaternions, rest_vertices
from interdance.export.sound import encode_mp3, read_stereo
from interdance.files import atomic_path
from interdance.takes import NUM_JOINTS, Joints, Motion

JOINT_STEP = 1e-4  # metres from one stored joint position to the next, as long as 16 bits then hold the whole dance
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
    curves: dict[str, np.ndarray] | None = None,
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
    curves : dict of float (T,), optional
        Series drawn on the timeline, each on its own scale; ``contact`` and ``penetration`` have colours of their own.
    beats : float (N,), optional
        Times in seconds marked on the timeline.

    Raises
    ------
    InputError
        Motions of different length or rate, joints that are not 55 or not finite, no body for a ``Motion``, a curve of
        another length or with NaN, a song that cannot be read.
    """
    curves, num_frames = curves or {}, leader.num_frames
    dancers = [(leader_name, leader), *followers.items()]
    if num_frames == 0:
        raise InputError(f"{path}: the leader has no frames; nothing can be shown")
    for name, motion in followers.items():
        if (motion.num_frames, motion.fps) != (num_frames, leader.fps):
            raise InputError(
                f"{path}: the leader has {num_frames} frames at {leader.fps:g} per second and follower '{name}' "
                f"{motion.num_frames} at {motion.fps:g}; cut or resample one of them"
            )
    for index, (name, dancer) in enumerate(dancers):
        _check(path, f"follower '{name}'" if index else "the leader", dancer, body)
    for name, values in curves.items():
        if np.shape(values) != (num_frames,) or not np.isfinite(values).all():
            raise InputError(
                f"{path}: curve '{name}' needs {num_frames} finite values, one per frame; got {np.shape(values)}"
            )
    song = encode_mp3(read_stereo(music, num_frames / leader.fps)) if music else b""

    arrays = _Arrays()
    if any(isinstance(dancer, Motion) for _, dancer in dancers):
        _add_skin(arrays, body)
    described = []
    for index, (name, dancer) in enumerate(dancers):
        colour, key = palette.follower_colour(index - 1) if index else palette.LEADER, f"dancer{index}"
        facts = _add_joints(arrays, key, dancer) if isinstance(dancer, Joints) else _add_motion(arrays, key, dancer, body)
        described.append({"name": name, "colour": colour, "key": key, **facts})
    shown = [dancer.joints_TJ3 if isinstance(dancer, Joints) else body.joints(dancer) for _, dancer in dancers[:2]]
    framing = frame_couple(shown, leader.fps)
    arrays.add("path", framing.centres_T3.astype(np.float32))
    for name, values in curves.items():
        arrays.add(f"curve.{name}", np.asarray(values, np.float32))
    take = {
        "title": title,
        "fps": leader.fps,
        "num_frames": num_frames,
        "parents": PARENTS,
        "dancers": described,
        "reach": round(framing.reach, 3),
        "height": round(framing.height, 3),
        "azimuth": round(framing.azimuth, 4),
        "curves": list(curves),
        "beats": []
        if beats is None
        else [round(float(beat), 3) for beat in beats if 0.0 <= beat <= num_frames / leader.fps],
        "music": "audio/mpeg" if music else None,
        "arrays": arrays.index,
    }
    parts = {
        "title": html.escape(title),
        "take": json.dumps(take, allow_nan=False, ensure_ascii=False).replace("<", "\\u003c"),
        "arrays": _base64(gzip.compress(bytes(arrays.data), compresslevel=9, mtime=0)),
        "music": _base64(song),
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


class _Arrays:
    """Named arrays laid one after another, little-endian."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.index: list[dict[str, Any]] = []

    def add(self, name: str, array: np.ndarray, delta: bool = False) -> None:
        """Append an array; with ``delta``, its last axis as differences (modulo the type), which compress better."""
        self.data.extend(b"\0" * (-len(self.data) % _ALIGNMENT))
        stored = np.diff(array, axis=-1, prepend=np.zeros_like(array[..., :1])) if delta else array
        stored = np.ascontiguousarray(stored, array.dtype.newbyteorder("<"))
        entry = {"name": name, "kind": array.dtype.name, "start": len(self.data), "length": int(array.size)}
        self.index.append(entry | {"delta": array.shape[-1] if delta else 0})
        self.data.extend(stored.tobytes())


def _add_skin(arrays: _Arrays, body: Any) -> None:
    """Faces, and per vertex the joints it follows and how much: bytes that sum to exactly 255."""
    joints_VK, shares_VK = influences(body, 255)
    kind = np.uint16 if body.num_vertices < 1 << 16 else np.uint32
    arrays.add("faces", np.asarray(body.faces).astype(kind))
    for name, part in (("first", slice(0, 4)), ("more", slice(4, 8))):
        arrays.add(f"joints_{name}", joints_VK[:, part].astype(np.uint8))
        arrays.add(f"weights_{name}", shares_VK[:, part].astype(np.uint8))


def _add_motion(arrays: _Arrays, key: str, motion: Motion, body: Any) -> dict[str, Any]:
    """The T-pose and the motion of one dancer; returns what the page must know to read them."""
    vertices = rest_vertices(motion, body)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    offset = 0.5 * (low + high)
    scale = float((high - low).max()) / 65534.0
    arrays.add(f"{key}.vertices", np.round((vertices - offset) / scale).astype(np.int16))
    stored = np.round(quaternions(motion) * 32767.0).astype(np.int16).transpose(1, 2, 0)
    arrays.add(f"{key}.quaternions", stored, delta=True)
    arrays.add(f"{key}.pelvis", pelvis_places(motion, body).astype(np.float32))
    places = np.round(np.asarray(body.rest_joints(motion.betas), np.float64), 6).tolist()
    return {"kind": "motion", "scale": scale, "offset": offset.tolist(), "rest_joints": places}


def _add_joints(arrays: _Arrays, key: str, joints: Joints) -> dict[str, Any]:
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
