"""Small valid files of every kind that the package reads, made from nothing: what tests read back and `fuzz.py` mutates."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.body.skeleton import JOINT_NAMES, PARENTS
from interdance.mocap.retarget import shipped_mappings
from interdance.takes import Motion

Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # our axes from a z-up world that faces -y
INTEL, DEC, MIPS = 84, 85, 86


def dance(num_frames: int, seed: int = 0, t_pose: int = 0) -> Motion:
    """Limbs and trunk swinging smoothly, turning on the spot; with T-poses at both ends if asked."""
    rng = np.random.default_rng(seed)
    time = np.arange(num_frames)[:, None] / 30.0
    rotations = np.zeros((num_frames, 55, 3))
    for joint in range(1, 22):
        rotations[:, joint] = 0.25 * np.sin(time * rng.uniform(1, 4, 3) + rng.uniform(0, 6, 3))
    for joint, sign in ((16, -1.0), (17, 1.0)):
        rotations[:, joint, 2] += sign * 1.0
    rotations[:, 0, 1] = 0.6 * time[:, 0]
    translation = np.stack([np.sin(time[:, 0]), 0.9 + 0 * time[:, 0], np.cos(time[:, 0])], axis=1)
    for frames in (slice(0, t_pose), slice(num_frames - t_pose, num_frames)):
        rotations[frames, 1:] = 0.0
    return Motion(rotations.astype(np.float32), translation.astype(np.float32), np.zeros(10, np.float32), 30.0)


def write_bvh(
    path: Path,
    motion: Motion,
    body: Body,
    unit: float = 1.0,
    prefix: str = "",
    mapping: str = "salsa",
    frames_J33: np.ndarray | None = None,
) -> None:
    """The motion on the body's own skeleton as a z-up BVH file with the joint names of a mapping.

    ``frames_J33`` turns the joints' own frames, as animation tools do: the movement stays, but the pose of all-zero
    channels is no T-pose any more.
    """
    names = {joint: prefix + name for joint, name in shipped_mappings()[mapping].joints.items()}
    rest = np.asarray(body.rest_joints(motion.betas), np.float64) @ Z_UP / unit  # rows: our axes -> the file's
    frames = np.broadcast_to(np.eye(3), (55, 3, 3)) if frames_J33 is None else frames_J33
    written = [k for k in range(55) if JOINT_NAMES[k] in names]
    above = {k: next((j for j in _chain(k) if j in written), -1) for k in written}
    order: list[int] = []
    lines = ["HIERARCHY"]

    def add(joint: int, depth: int) -> None:
        pad = "  " * depth
        order.append(joint)
        parent = above[joint]
        offset = frames[parent].T @ (rest[joint] - rest[parent]) if joint else np.zeros(3)
        positions = "Xposition Yposition Zposition " if joint == 0 else ""
        lines.extend([
            f"{pad}{'JOINT' if joint else 'ROOT'} {names[JOINT_NAMES[joint]]}",
            f"{pad}{{",
            f"{pad}  OFFSET " + " ".join(f"{value:.8f}" for value in offset),
            f"{pad}  CHANNELS {6 if joint == 0 else 3} {positions}Xrotation Yrotation Zrotation",
        ])  # fmt: skip
        children = [k for k in written if above[k] == joint]
        for child in children:
            add(child, depth + 1)
        if not children:
            lines.append(f"{pad}  End Site {{ OFFSET 0 0 0 }}")
        lines.append(f"{pad}}}")

    add(0, 0)
    lines += ["MOTION", f"Frames: {motion.num_frames}", f"Frame Time: {1 / motion.fps:.8f}"]
    pelvis = np.asarray(body.joints(motion))[:, 0] @ Z_UP / unit
    turns = Z_UP.T @ body.global_rotations(np.asarray(motion.rotations_TJ3, np.float64)) @ Z_UP
    turns = turns @ frames
    angles = []
    for joint in order:
        local = turns[:, joint] if joint == 0 else turns[:, above[joint]].swapaxes(-1, -2) @ turns[:, joint]
        angles.append(Rotation.from_matrix(local).as_euler("XYZ", degrees=True))
    for root, row in zip(pelvis, np.stack(angles, axis=1).reshape(len(pelvis), -1), strict=True):
        lines.append(" ".join(f"{value:.6f}" for value in (*root, *row)))
    path.write_text("\n".join(lines) + "\n")


def _chain(joint: int) -> list[int]:
    chain = []
    while (joint := PARENTS[joint]) >= 0:
        chain.append(joint)
    return chain


def c3d_bytes(
    labels: Sequence[str],
    positions_TM3: np.ndarray,
    fps: float = 120.0,
    *,
    processor: int = INTEL,
    real: bool = True,
    scale: float = 0.1,
    units: str = "mm",
    screen: str = "",
    num_analog: int = 0,
    first_frame: int = 1,
) -> bytes:
    """A C3D file of markers in the file's own unit and axes; NaN becomes residual -1.

    Parameters
    ----------
    labels : sequence of str
        M names; beyond 255 they go on in LABELS2.
    positions_TM3 : (T, M, 3)
    fps : float
    processor : int
        ``INTEL``, ``DEC`` or ``MIPS``: the order of bytes and the form of real numbers.
    real : bool
        Real samples, else 16-bit whole numbers of ``scale`` units.
    units, screen : str
        ``POINT:UNITS`` and ``POINT:Y_SCREEN``; left out when empty.
    num_analog : int
        Analog values per frame.
    first_frame : int
        From 1.
    """
    num_frames, num_points = positions_TM3.shape[:2]
    order = ">" if processor == MIPS else "<"
    scale = -scale if real else scale

    def numbers(values: np.ndarray) -> bytes:
        if processor != DEC:
            return np.asarray(values, np.float32).astype(order + "f4").tobytes()
        words = (np.asarray(values, np.float32) * 4).astype("<f4").view("<u2").reshape(-1, 2)
        return words[:, ::-1].tobytes()

    def words(value: int) -> bytes:
        return struct.pack(order + "H", value)

    def group(number: int, name: str) -> bytes:
        return struct.pack("bb", len(name), -number) + name.encode() + struct.pack(order + "h", 3) + b"\0"

    def param(number: int, name: str, kind: int, dims: Sequence[int], data: bytes) -> bytes:
        tail = struct.pack("bB", kind, len(dims)) + bytes(dims) + data + b"\0"
        return struct.pack("bb", len(name), number) + name.encode() + struct.pack(order + "h", 2 + len(tail)) + tail

    def texts(number: int, name: str, items: Sequence[str]) -> bytes:
        width = max([len(item) for item in items] + [1])
        return param(number, name, -1, (width, len(items)), "".join(item.ljust(width) for item in items).encode())

    section = group(1, "POINT") + param(1, "USED", 2, (), words(num_points))
    section += param(1, "SCALE", 4, (), numbers(np.array([scale])))
    section += param(1, "RATE", 4, (), numbers(np.array([fps]))) + param(1, "FRAMES", 2, (), words(min(num_frames, 65535)))
    section += texts(1, "LABELS", labels[:255])
    for place in range(255, len(labels), 255):
        section += texts(1, f"LABELS{1 + place // 255}", labels[place : place + 255])
    if units:
        section += texts(1, "UNITS", [units])
    if screen:
        section += texts(1, "Y_SCREEN", [screen])
    blocks = -(-(len(section) + 6) // 512)
    section = (bytes([1, 80, blocks, processor]) + section).ljust(512 * blocks, b"\0")
    header = bytes([2, 80]) + words(num_points) + words(num_analog) + words(first_frame)
    header += words(min(first_frame + num_frames - 1, 65535)) + words(0) + numbers(np.array([scale])) + words(2 + blocks)
    header += words(1 if num_analog else 0) + numbers(np.array([fps]))

    seen = np.isfinite(positions_TM3).all(axis=2)
    rows = np.zeros((num_frames, num_points, 4), np.float32)
    rows[:, :, :3] = np.where(seen[:, :, None], positions_TM3, 0.0) / (1.0 if real else scale)
    rows[:, :, 3] = np.where(seen, 0.0, -1.0)
    table = np.concatenate([rows.reshape(num_frames, -1), np.ones((num_frames, num_analog), np.float32)], axis=1)
    samples = numbers(table) if real else np.rint(table).astype(order + "i2").tobytes()
    return header.ljust(512, b"\0") + section + samples.ljust(-(-len(samples) // 512) * 512, b"\0")
