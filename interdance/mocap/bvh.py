"""Reading BVH files strictly: a file is either understood whole or refused with one sentence that says what to mend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interdance.errors import InputError

MAX_BYTES = 2**30
MAX_JOINTS = 1000
MAX_NAME = 200
FPS_RANGE = (1.0, 1000.0)
COMMON_FPS = (24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0, 72.0, 75.0, 90.0, 100.0, 119.88, 120.0, 144.0, 150.0, 160.0,
              180.0, 200.0, 240.0, 250.0, 300.0)  # fmt: skip
"""Rates that a rounded frame time is taken for."""
_POSITIONS = {"xposition": 0, "yposition": 1, "zposition": 2}
_ROTATIONS = {"xrotation": 0, "yrotation": 1, "zrotation": 2}


@dataclass(frozen=True)
class BvhMotion:
    """A BVH file as it stands: its own names, units and axes.

    Attributes
    ----------
    names : list of str
        The N joints, parents before children. End sites are no joints; see ``end_sites``.
    parents : int64 (N,)
        Index of each joint's parent, -1 for the root.
    offsets_N3 : float64 (N, 3)
        Rest position relative to the parent, file units.
    channels : list of tuple of str
        Lower-case channel names per joint in the written order, such as ``("zrotation", "xrotation", "yrotation")``.
    values_TC : float64 (T, C)
        One row per frame: positions in file units, rotations in degrees.
    fps : float
        Frames per second: one over the file's frame time, or the common rate whose frame time it rounds.
    end_sites : dict of str to float64 (3,)
        Offset of the first end site of a joint.
    path : Path
        Where it was read from, for messages.
    fps_from : str
        How the rate was found.
    """

    names: list[str]
    parents: np.ndarray
    offsets_N3: np.ndarray
    channels: list[tuple[str, ...]]
    values_TC: np.ndarray
    fps: float
    end_sites: dict[str, np.ndarray]
    path: Path
    fps_from: str = "the frame time"

    @property
    def num_frames(self) -> int:
        return len(self.values_TC)


def read_bvh(path: Path, fps: float | None = None) -> BvhMotion:
    """Read a BVH file.

    The header's frame count must equal the number of rows, every row must hold a finite number per channel. Memory is
    proportional to the size of the file, whatever the header says.

    Parameters
    ----------
    path : Path
    fps : float, optional
        Frames per second, for a file whose frame time is wrong (``0.0333333`` of a capture at 29.97, say).

    Raises
    ------
    InputError
        For a file that is missing, empty, too large, no BVH, malformed, truncated, or holds NaN; the sentence names the
        file, the line or frame, and the cure.
    """
    text = _read_text(path)
    lines = text.splitlines()
    reader = _Hierarchy(path, lines)
    row = reader.parse()
    num_frames, rate, rate_from, row = _motion_header(path, lines, row)
    if fps is not None:
        if not FPS_RANGE[0] <= fps <= FPS_RANGE[1]:
            raise InputError(f"{path}: {fps:g} frames per second were asked for; between 1 and 1000 are needed")
        rate, rate_from = float(fps), "as told"
    num_channels = sum(len(item) for item in reader.channels)
    values = _rows(path, lines, row, num_frames, num_channels)
    return BvhMotion(
        names=reader.names,
        parents=np.asarray(reader.parents, np.int64),
        offsets_N3=np.asarray(reader.offsets, np.float64),
        channels=reader.channels,
        values_TC=values,
        fps=rate,
        end_sites=reader.end_sites,
        path=path,
        fps_from=rate_from,
    )


def forward_kinematics(bvh: BvhMotion) -> tuple[np.ndarray, np.ndarray]:
    """Global rotations ``(T, N, 3, 3)`` and positions ``(T, N, 3)`` of every joint, file units and axes.

    Rotations are applied in the written order (``R = R1 R2 R3``). Position channels replace the offset, as most
    writers mean them.
    """
    num_frames, num_joints = bvh.num_frames, len(bvh.names)
    rotations = np.empty((num_frames, num_joints, 3, 3))
    positions = np.empty((num_frames, num_joints, 3))
    column = 0
    for joint, (parent, channels) in enumerate(zip(bvh.parents, bvh.channels, strict=True)):
        local = np.broadcast_to(np.eye(3), (num_frames, 3, 3))
        offset = np.broadcast_to(bvh.offsets_N3[joint], (num_frames, 3)).copy()
        for name in channels:
            values = bvh.values_TC[:, column]
            column += 1
            if name in _POSITIONS:
                offset[:, _POSITIONS[name]] = values
            else:
                local = local @ axis_rotation(_ROTATIONS[name], np.radians(values))
        if parent < 0:
            rotations[:, joint], positions[:, joint] = local, offset
        else:
            rotations[:, joint] = rotations[:, parent] @ local
            positions[:, joint] = positions[:, parent] + (rotations[:, parent] @ offset[:, :, None])[:, :, 0]
    return rotations, positions


def rest_positions(bvh: BvhMotion) -> np.ndarray:
    """Positions ``(N, 3)`` of every joint with all channels zero and the root at the origin, file units and axes."""
    positions = np.zeros((len(bvh.names), 3))
    for joint, parent in enumerate(bvh.parents):
        if parent >= 0:
            positions[joint] = positions[parent] + bvh.offsets_N3[joint]
    return positions


def axis_rotation(axis: int, angles_T: np.ndarray) -> np.ndarray:
    """Rotation matrices ``(T, 3, 3)`` about coordinate axis 0, 1 or 2; radians."""
    cosine, sine = np.cos(angles_T), np.sin(angles_T)
    result = np.zeros((*angles_T.shape, 3, 3))
    after, before = (axis + 1) % 3, (axis + 2) % 3
    result[..., axis, axis] = 1.0
    result[..., after, after] = result[..., before, before] = cosine
    result[..., before, after] = sine
    result[..., after, before] = -sine
    return result


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path}: the file is empty; export it again")
    if size > MAX_BYTES:
        raise InputError(f"{path}: {size} bytes, more than the {MAX_BYTES} that are read; cut the file into takes")
    data = path.read_bytes()
    if b"\0" in data[:4096]:
        raise InputError(f"{path}: not a BVH file (binary data); export it as BVH text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


class _Hierarchy:
    """The part of the file before ``MOTION``."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self.path, self.lines = path, lines
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[np.ndarray] = []
        self.channels: list[tuple[str, ...]] = []
        self.end_sites: dict[str, np.ndarray] = {}

    def parse(self) -> int:
        """Read joints up to the line ``MOTION`` and return the number of the line after it, counted from 0."""
        stack: list[int] = []  # open joints; an end site stands as -2
        opening: int | None = None  # the joint whose '{' is awaited
        started = False
        for number, line in enumerate(self.lines):
            words = line.replace("{", " { ").replace("}", " } ").split()
            while words:
                word = words.pop(0)
                if not started:
                    if word.upper() != "HIERARCHY":
                        self._fail(number, f"'HIERARCHY' is expected, found '{word[:40]}'; this is not a BVH file")
                    started = True
                elif opening is not None:
                    if word != "{":
                        self._fail(number, f"'{{' is expected, found '{word[:40]}'")
                    stack.append(opening)
                    opening = None
                elif word in ("ROOT", "JOINT"):
                    name, words = " ".join(words).split("{")[0].strip(), _after_brace(words)
                    opening = self._add(number, word, name, stack)
                elif word == "End":
                    words = _after_brace(words)
                    if not stack or stack[-1] < 0:
                        self._fail(number, "an end site outside a joint")
                    opening = -2 - stack[-1]
                elif word == "}":
                    if not stack:
                        self._fail(number, "a '}' without its '{'")
                    self._close(number, stack.pop())
                elif word == "OFFSET":
                    if not stack:
                        self._fail(number, "an OFFSET outside a joint")
                    self._offset(number, stack[-1], words[:3])
                    words = words[3:]
                elif word == "CHANNELS":
                    if not stack or stack[-1] < 0:
                        self._fail(number, "CHANNELS outside a joint")
                    words = self._channels(number, stack[-1], words)
                elif word == "MOTION":
                    if stack:
                        self._fail(number, f"MOTION begins while '{self._name(stack[-1])}' is open; a '}}' is missing")
                    if not self.names:
                        self._fail(number, "no ROOT before MOTION; the file has no skeleton")
                    if sum(map(len, self.channels)) == 0:
                        self._fail(number, "the skeleton has no CHANNELS, so it cannot move")
                    return number + 1
                else:
                    self._fail(number, f"'{word[:40]}' is not understood here")
        if not started:
            raise InputError(f"{self.path}: no HIERARCHY; this is not a BVH file")
        last = len(self.lines)
        raise InputError(f"{self.path}: the file ends at line {last} before MOTION; it was cut, export it again")

    def _add(self, number: int, word: str, name: str, stack: list[int]) -> int:
        if not name or len(name) > MAX_NAME:
            self._fail(number, f"{word} {name[:40]!r}: a name of 1 to {MAX_NAME} letters is needed")
        if name in self.names:
            self._fail(number, f"a second joint named '{name}'; joint names must differ")
        if (word == "ROOT") == bool(stack) or (stack and stack[-1] < 0):
            self._fail(number, f"{word} '{name}' stands where it cannot")
        if word == "ROOT" and self.names:
            self._fail(number, f"a second ROOT '{name}'; write one skeleton per file")
        if len(self.names) >= MAX_JOINTS:
            self._fail(number, f"more than {MAX_JOINTS} joints")
        self.names.append(name)
        self.parents.append(stack[-1] if stack else -1)
        self.offsets.append(np.full(3, np.nan))
        self.channels.append(())
        return len(self.names) - 1

    def _offset(self, number: int, item: int, words: list[str]) -> None:
        offset = np.asarray([_number(word) for word in words])
        if len(offset) != 3 or not np.isfinite(offset).all():
            found = " ".join(words)[:60]
            self._fail(number, f"OFFSET of '{self._name(item)}' needs three finite numbers, found '{found}'")
        if item >= 0:
            self.offsets[item] = offset
        else:
            self.end_sites.setdefault(self.names[-2 - item], offset)

    def _channels(self, number: int, joint: int, words: list[str]) -> list[str]:
        count = int(words[0]) if words and words[0].isdecimal() and len(words[0]) < 3 else -1
        names = tuple(word.lower() for word in words[1 : 1 + max(count, 0)])
        known = set(_POSITIONS) | set(_ROTATIONS)
        bad = [word for word in names if word not in known]
        if count < 0 or len(names) != count or bad or len(set(names)) != count:
            found = " ".join(words)[:80]
            self._fail(number, f"CHANNELS of '{self.names[joint]}' need a count and as many of Xposition ... Zrotation,"
                               f" found '{found}'")  # fmt: skip
        if self.channels[joint]:
            self._fail(number, f"second CHANNELS of '{self.names[joint]}'")
        self.channels[joint] = names
        return words[1 + count :]

    def _close(self, number: int, item: int) -> None:
        if item >= 0 and np.isnan(self.offsets[item]).any():
            self._fail(number, f"joint '{self.names[item]}' has no OFFSET")

    def _name(self, item: int) -> str:
        return self.names[item] if item >= 0 else f"end site of {self.names[-2 - item]}"

    def _fail(self, number: int, what: str) -> None:
        raise InputError(f"{self.path}: line {number + 1}: {what}")


def _after_brace(words: list[str]) -> list[str]:
    return words[words.index("{") :] if "{" in words else []


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")


def _motion_header(path: Path, lines: list[str], row: int) -> tuple[int, float, str, int]:
    """Read ``Frames:`` and ``Frame Time:``; returns frames, rate, how it was found, and the first line of the rows."""
    found: dict[str, str] = {}
    for name in ("Frames:", "Frame Time:"):
        while row < len(lines) and not lines[row].strip():
            row += 1
        line = lines[row].strip() if row < len(lines) else ""
        if not line.lower().startswith(name.lower()):
            raise InputError(f"{path}: line {row + 1}: '{name}' is expected after MOTION, found '{line[:40]}'")
        found[name] = line[len(name) :].strip()
        row += 1
    frames, frame_time = found["Frames:"], _number(found["Frame Time:"])
    if not frames.isdecimal():
        raise InputError(f"{path}: line {row - 1}: 'Frames:' needs a whole number, found '{frames[:40]}'")
    if not (frame_time > 0 and FPS_RANGE[0] <= 1.0 / frame_time <= FPS_RANGE[1]):
        raise InputError(
            f"{path}: line {row}: 'Frame Time:' needs seconds per frame between {1 / FPS_RANGE[1]} and"
            f" {1 / FPS_RANGE[0]}, found '{found['Frame Time:'][:40]}'"
        )
    return int(frames[:18]), *_rate(found["Frame Time:"], frame_time), row


def _rate(text: str, frame_time: float) -> tuple[float, str]:
    """Frames per second; ``0.0083`` is meant to be 120, not 120.48."""
    digits = text.lower().partition("e")[0].partition(".")[2]
    half_a_digit = 0.5 * 10.0 ** -len(digits) if digits and "e" not in text.lower() else 0.0
    near = [rate for rate in COMMON_FPS if abs(1.0 / rate - frame_time) <= half_a_digit * (1 + 1e-6)]
    if not near:
        return 1.0 / frame_time, f"the frame time {text}"
    best = min(near, key=lambda rate: (rate != round(rate), abs(1.0 / rate - frame_time)))
    return best, f"the frame time {text}, rounded"


def _rows(path: Path, lines: list[str], first: int, num_frames: int, num_channels: int) -> np.ndarray:
    rows = [number for number in range(first, len(lines)) if lines[number].strip()]
    if len(rows) != num_frames:
        cure = (
            "the file was cut; export it again"
            if len(rows) < num_frames
            else f"set 'Frames: {len(rows)}' if all rows belong to the take"
        )
        raise InputError(f"{path}: the header says {num_frames} frames, but {len(rows)} rows follow; {cure}")
    if num_frames == 0:
        raise InputError(f"{path}: no frames; the motion is empty, export it again")
    words: list[str] = []
    for frame, number in enumerate(rows):
        row = lines[number].split()
        if len(row) != num_channels:
            last = ", the file was cut" if frame == num_frames - 1 else ""
            raise InputError(
                f"{path}: line {number + 1} (frame {frame}): {len(row)} numbers, but the skeleton has {num_channels}"
                f" channels{last}; export it again"
            )
        words += row
    try:
        values = np.array(words, dtype=np.float64).reshape(num_frames, num_channels)
    except ValueError:
        place = next(index for index, word in enumerate(words) if word != "nan" and np.isnan(_number(word)))
        frame = place // num_channels
        raise InputError(
            f"{path}: line {rows[frame] + 1} (frame {frame}): '{words[place][:40]}' is not a number; mend that line"
        ) from None
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        frame = int(bad.argmax())
        raise InputError(
            f"{path}: line {rows[frame] + 1} (frame {frame}): NaN or infinity; repair or cut that frame"
            f" ({int(bad.sum())} such frames)"
        )
    return values
