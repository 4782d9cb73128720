"""Reading C3D marker files: positions by name, in our units and axes, with what is missing marked as missing.

The package `c3d` reads header and parameters; it is plain Python, so that a damaged file cannot take the process down.
The samples are decoded here, all at once and only after their number was checked against the size of the file.
"""

from __future__ import annotations

import logging
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import c3d
import numpy as np

from interdance.errors import InputError
from interdance.mocap.world import find_unit, find_up, named_up, to_y_up

logger = logging.getLogger(__name__)

MAX_BYTES = 2**30
MAX_MARKERS = 10_000
FPS_RANGE = (1.0, 2000.0)
FARTHEST = 100.0
"""Metres from the origin beyond which a sample is no marker, but damage or a placeholder."""
_BLOCK = 512
_MAGIC = 80
_UNLABELLED = re.compile(
    r"|\*.*|u_?\d+|un(labell?ed|named|identified|known).*|uname.*|noname.*|new[ _]?\d*|marker_?\d+[:\d]*", re.IGNORECASE
)
_MODELLED = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS", "REACTIONS")
"""Parameters of POINT that list columns which are no positions."""


@dataclass(frozen=True)
class MarkerTake:
    """The markers of one person.

    Attributes
    ----------
    names : tuple of str
        Of the M labelled markers, without the name of the subject.
    positions_TM3 : float32 (T, M, 3)
        Metres, +Y up; NaN where a marker was not seen.
    fps : float
        Frames per second.
    first_frame : int
        Number of the first frame in the recording, counted from 0.
    path : Path
        Where it was read from, for messages.
    facts : dict
        What was found and how: rate, unit, up, missing share, subjects, columns left out. JSON-able.
    unlabelled_TU3 : float32 (T, U, 3)
        The U columns that nobody named.
    """

    names: tuple[str, ...]
    positions_TM3: np.ndarray
    fps: float
    first_frame: int
    path: Path
    facts: dict[str, Any] = field(default_factory=dict)
    unlabelled_TU3: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 3), np.float32))

    @property
    def num_frames(self) -> int:
        return len(self.positions_TM3)


class _Header(c3d.Reader):
    """Header and parameters. The checks that the package makes with ``assert`` are made in this module instead."""

    def _check_metadata(self) -> None:
        pass

    def text(self, key: str) -> list[str]:
        """The strings of a parameter, stripped; none when it is absent."""
        param = self.get(key)
        if param is None or not param.bytes or param.total_bytes != len(param.bytes):
            return []
        return [str(word).strip(" \0") for word in np.ravel(param.string_array)]

    def number(self, key: str) -> float | None:
        """The first number of a parameter; None when it is absent."""
        param = self.get(key)
        if param is None or not param.bytes:
            return None
        return float(param.float_value if abs(param.bytes_per_element) == 4 else param._as_integer_value)

    def words(self, key: str) -> int | None:
        """A frame number in two 16-bit words; None when it is absent."""
        param = self.get(key)
        if param is None or len(param.bytes) < 4:
            return None
        low, high = np.frombuffer(param.bytes[:4], self._dtypes.uint16)
        return int(low) + 65536 * int(high)


def read_c3d(
    path: Path, *, up: str = "auto", unit: str | None = None, fps: float | None = None, subject: str | None = None
) -> MarkerTake:
    """Read the markers of one person; analog channels and the results of body models are left out.

    Parameters
    ----------
    path : Path
        A C3D file of any processor (Intel, DEC, MIPS), with 16-bit or real samples.
    up : str
        ``+z``, ``-y``, ... of the file; ``auto`` finds it (:func:`interdance.mocap.world.find_up`).
    unit : str, optional
        ``mm``, ``cm``, ``m``, ``in``, ...; what ``POINT:UNITS`` says when not given, or else what makes a person a
        person's size.
    fps : float, optional
        Frames per second; what the file says when not given.
    subject : str, optional
        Whose markers, in a file with those of several (labels ``name:marker``).

    Raises
    ------
    InputError
        For a file that is missing, no C3D file, cut off, in contradiction with itself, or without a labelled marker that
        was ever seen; the sentence names the file, the defect and the cure.
    """
    up = named_up(path, up)
    data, header = _open(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            labels, modelled = _labels(header), {name for key in _MODELLED for name in header.text(f"POINT:{key}")}
            stated_unit = (header.text("POINT:UNITS") or [""])[0]
            screen = (header.text("POINT:Y_SCREEN") or [""])[0]
            layout = _Layout.of(path, header, len(data), fps)
        except InputError:
            raise
        except Exception as error:  # whatever a damaged parameter leads the package to
            raise InputError(f"{path}: its parameters are damaged ({_what(error)}); export it again") from None
    positions_TM3 = layout.samples(data)
    labels = (labels + [""] * layout.num_points)[: layout.num_points]
    is_model = np.array([label in modelled for label in labels])
    chosen, others, subjects = _choose(path, labels, is_model, subject)
    if not chosen:
        raise InputError(f"{path}: none of its {layout.num_points} markers is labelled; label them and export it again")
    names, columns = tuple(chosen), list(chosen.values())
    scale, unit_name, unit_why = find_unit(path, unit, stated_unit, positions_TM3[:, columns])
    positions_TM3 *= np.float32(scale)
    with np.errstate(invalid="ignore"):
        far = (np.abs(positions_TM3) > FARTHEST).any(axis=2)
    positions_TM3[far] = np.nan
    labelled_TM3 = positions_TM3[:, columns]
    missing = float(np.isnan(labelled_TM3[:, :, 0]).mean())
    if missing == 1.0:
        raise InputError(f"{path}: no marker of it was seen in any frame; export it again with the trajectories")
    found, why = find_up(labelled_TM3, names, screen) if up == "auto" else (up, "as told")
    turn = to_y_up(found).astype(np.float32)
    facts = {
        "fps": layout.fps, "fps_from": layout.fps_from, "unit": unit_name, "unit_from": unit_why, "up": found,
        "up_from": why, "up_stated": screen, "frames": layout.num_frames, "first_frame": layout.first_frame,
        "markers": len(names), "missing": missing, "unlabelled": [labels[k] for k in others], "subjects": subjects,
        "no_positions": sorted(label for label, flag in zip(labels, is_model, strict=True) if flag),
        "too_far": int(far[:, columns].sum()),
    }  # fmt: skip
    logger.info(
        "%s: %d markers, %d unlabelled, unit %s (%s), up %s (%s), %d frames at %.5g fps (%s), %.1f %% missing",
        path, len(names), len(others), unit_name, unit_why, found, why, layout.num_frames, layout.fps, layout.fps_from,
        100 * missing,
    )  # fmt: skip
    return MarkerTake(
        names, labelled_TM3 @ turn.T, layout.fps, layout.first_frame, path, facts, positions_TM3[:, others] @ turn.T
    )


def _open(path: Path) -> tuple[bytes, _Header]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"{path}: {size} bytes, more than the {MAX_BYTES} that are read; cut the file into takes")
    data = path.read_bytes()
    if size < 2 * _BLOCK or data[1] != _MAGIC:
        raise InputError(f"{path}: not a C3D file (no C3D header); export it as C3D")
    begin = (data[0] - 1) * _BLOCK
    if data[0] < 2 or begin + _BLOCK > size:
        raise InputError(f"{path}: its parameters should begin at byte {begin} of {size}; it was cut, export it again")
    if data[begin + 3] not in (c3d.c3d.PROCESSOR_INTEL, c3d.c3d.PROCESSOR_DEC, c3d.c3d.PROCESSOR_MIPS):
        raise InputError(f"{path}: its parameters name an unknown processor ({data[begin + 3]}); export it again")
    with warnings.catch_warnings(), path.open("rb") as stream:
        warnings.simplefilter("ignore")
        try:
            return data, _Header(stream)
        except Exception as error:  # whatever a damaged parameter leads the package to
            raise InputError(f"{path}: its parameters are damaged ({_what(error)}); export it again") from None


@dataclass(frozen=True)
class _Layout:
    """Where the samples lie and what they are."""

    num_points: int
    num_analog: int
    num_frames: int
    first_frame: int
    begin: int
    scale: float
    processor: int
    fps: float
    fps_from: str

    @staticmethod
    def of(path: Path, header: _Header, size: int, fps: float | None) -> _Layout:
        """The layout that header and parameters agree on and the file is long enough for."""
        base = header.header
        used, scale = header.number("POINT:USED"), header.number("POINT:SCALE")
        num_points = base.point_count if used is None else int(used)
        if num_points != base.point_count or not 0 < num_points <= MAX_MARKERS:
            raise InputError(
                f"{path}: {base.point_count} markers by the header and {num_points} by POINT:USED; between 1 and"
                f" {MAX_MARKERS} are needed, and the same: export it again"
            )
        scale = base.scale_factor if scale is None else scale
        if not np.isfinite(scale) or scale == 0 or (scale < 0) != (base.scale_factor < 0):
            raise InputError(f"{path}: POINT:SCALE is {scale:g}, the header says {base.scale_factor:g}; export it again")
        begin = (base.data_block - 1) * _BLOCK
        word = 4 if scale < 0 else 2
        frame_bytes = word * (4 * num_points + base.analog_count)
        room = size - begin
        if begin < _BLOCK or room < frame_bytes:
            raise InputError(f"{path}: its samples should begin at byte {begin} of {size}; it was cut, export it again")
        first, counts = _frames(header)
        fitting = [count for count in counts if 0 < count * frame_bytes <= room]
        if not fitting or (max(counts) > max(fitting) and max(fitting) * frame_bytes + max(_BLOCK, frame_bytes) <= room):
            raise InputError(
                f"{path}: {max(counts)} frames are promised, but there is data for {room // frame_bytes}; it was cut,"
                " export it again"
            )
        rate, rate_from = _rate(path, header, fps)
        layout = _Layout(
            num_points, base.analog_count, max(fitting), first, begin, scale, header._dtypes._proc_type, rate, rate_from
        )
        layout.check_rest(path, room, frame_bytes)
        return layout

    def check_rest(self, path: Path, room: int, frame_bytes: int) -> None:
        """Refuse a file with more frames in it than it owns up to."""
        if room - self.num_frames * frame_bytes < max(_BLOCK, frame_bytes):
            return
        with path.open("rb") as stream:
            stream.seek(self.begin + self.num_frames * frame_bytes)
            while chunk := stream.read(1 << 20):
                if any(chunk):
                    raise InputError(
                        f"{path}: {self.num_frames} frames are promised, but data for {room // frame_bytes} follow;"
                        " export it again"
                    )

    def samples(self, data: bytes) -> np.ndarray:
        """Positions (T, M, 3), float32, in the file's unit and axes; NaN where a marker was not seen."""
        is_real = self.scale < 0
        count = self.num_frames * (4 * self.num_points + self.num_analog)
        order = ">" if self.processor == c3d.c3d.PROCESSOR_MIPS else "<"
        if is_real and self.processor == c3d.c3d.PROCESSOR_DEC:
            raw = c3d.c3d.DEC_to_IEEE_BYTES(data[self.begin : self.begin + 4 * count])
        else:
            raw = np.frombuffer(data, order + ("f4" if is_real else "i2"), count, self.begin)
        raw = raw.reshape(self.num_frames, -1)[:, : 4 * self.num_points].reshape(self.num_frames, self.num_points, 4)
        positions = raw[:, :, :3].astype(np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            if not is_real:
                positions *= np.float32(self.scale)
            unseen = ~np.isfinite(positions).all(axis=2) | (positions == 0).all(axis=2) | ~(raw[:, :, 3] >= 0)
        positions[unseen] = np.nan
        return positions


def _frames(header: _Header) -> tuple[int, list[int]]:
    """The number of the first frame, from 0, and every number of frames that the file states."""
    base = header.header
    start, end = header.words("TRIAL:ACTUAL_START_FIELD"), header.words("TRIAL:ACTUAL_END_FIELD")
    counts = [base.last_frame - base.first_frame + 1]
    if start is not None and end is not None:
        counts.append(end - start + 1)
    for key in ("POINT:LONG_FRAMES", "POINT:FRAMES"):
        number = header.number(key)
        if number is not None and np.isfinite(number):
            counts.append(int(number))
    return max((base.first_frame if start is None else start) - 1, 0), counts


def _rate(path: Path, header: _Header, fps: float | None) -> tuple[float, str]:
    stated, base = header.number("POINT:RATE"), header.header.frame_rate
    rate = fps if fps is not None else (base if stated is None else stated)
    if fps is None and stated is not None and not abs(base - stated) <= 0.01 * abs(stated):
        raise InputError(f"{path}: {base:g} frames per second by the header and {stated:g} by POINT:RATE; tell which (fps)")
    if not FPS_RANGE[0] <= rate <= FPS_RANGE[1]:
        raise InputError(
            f"{path}: {rate:g} frames per second; between {FPS_RANGE[0]:g} and {FPS_RANGE[1]:g} are needed, tell the rate (fps)"
        )
    return float(rate), "as told" if fps is not None else ("the header says so" if stated is None else "POINT:RATE")


def _labels(header: _Header) -> list[str]:
    """LABELS, LABELS2, ...: a parameter holds 255 at most."""
    labels, number = header.text("POINT:LABELS"), 2
    while more := header.text(f"POINT:LABELS{number}"):
        labels, number = labels + more, number + 1
    return labels


def _choose(
    path: Path, labels: list[str], is_model: np.ndarray, subject: str | None
) -> tuple[dict[str, int], list[int], list[str]]:
    """The columns of one subject by name, the columns without a name (or with one a second time), the subjects."""
    parts = [label.rpartition(":") for label in labels]
    named = [not _UNLABELLED.fullmatch(part[2]) and not _UNLABELLED.fullmatch(label) and not model
             for part, label, model in zip(parts, labels, is_model, strict=True)]  # fmt: skip
    subjects = sorted({part[0] for part, flag in zip(parts, named, strict=True) if flag and part[0]})
    if subject is not None and subject not in subjects:
        raise InputError(f"{path}: no markers of '{subject}' in it; it has those of {', '.join(subjects) or 'no subject'}")
    if subject is None and len(subjects) > 1:
        raise InputError(f"{path}: markers of {len(subjects)} people ({', '.join(subjects[:6])}); tell whose (subject)")
    chosen: dict[str, int] = {}
    others: list[int] = []
    for column, (prefix, _, name) in enumerate(parts):
        if named[column] and name not in chosen and (subject is None or prefix == subject):
            chosen[name] = column
        elif not is_model[column] and not (named[column] and prefix not in ("", subject or prefix)):
            others.append(column)
    return chosen, others, subjects


def _what(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:80] or type(error).__name__
