"""One dancer's file becomes SMPL-X parameters: markers, joint positions, a rotation skeleton, or SMPL-X as it is.

``rate``, ``unit`` and ``up`` say what the file's are where it does not say so itself, or says it wrongly; what was used, and
why, is among the facts. The result keeps the file's rate: :func:`interdance.mocap.resample.resample` changes it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interdance.body.skeleton import INDEX, JOINT_NAMES
from interdance.errors import InputError, naming
from interdance.files import read_array, read_json
from interdance.mocap.bvh import read_bvh
from interdance.mocap.c3d import FPS_RANGE, MarkerTake, read_c3d
from interdance.mocap.fit import Fit, FitSettings, fit_joints, fit_markers
from interdance.mocap.markers import MarkerSet, find_marker_set, load_marker_set
from interdance.mocap.retarget import Mapping, bvh_to_motion, choose_mapping, limb_residuals, load_mapping
from interdance.mocap.skeleton import understand
from interdance.mocap.world import UNITS, find_unit, find_up, named_up, to_y_up
from interdance.pickles import read_npy_header
from interdance.takes import Motion, read_motion

if TYPE_CHECKING:
    from interdance.body.model import Body

logger = logging.getLogger(__name__)

NUM_POINTS = 76
"""Points that a joint file may name: the 55 joints of SMPL-X, then 21 of the face, the feet and the fingertips."""
MAX_COLUMNS = 1000

OPTIONS = {
    ".c3d": ("marker_set", "up", "unit", "subject"),
    ".npy": ("joint_map", "up", "unit"),
    ".bvh": ("mapping", "up", "unit"),
    ".npz": (),
}
"""What may be said of a file of each kind, besides its rate: SMPL-X parameters are +Y up, in metres."""


@dataclass(frozen=True)
class Fitted:
    """A dancer, and what is known about how the file was read.

    Attributes
    ----------
    motion : Motion
        At the file's own rate.
    facts : dict
        What was found in the file and how, which points were used and which were not, residuals in metres. JSON-able.
    sentence : str
        How well the body meets the file, for people.
    """

    motion: Motion
    facts: dict[str, Any]
    sentence: str


@dataclass(frozen=True)
class JointTake:
    """Joint positions of one person.

    Attributes
    ----------
    names : tuple of str
        Of the K columns.
    ids : tuple of int
        SMPL-X number of each column: 0 to 54 are its joints, 55 to 75 further points.
    positions_TK3 : float32 (T, K, 3)
        Metres, +Y up; NaN where missing.
    fps : float
        Frames per second.
    facts : dict
        What was found and how. JSON-able.
    """

    names: tuple[str, ...]
    ids: tuple[int, ...]
    positions_TK3: np.ndarray
    fps: float
    facts: dict[str, Any]


def fit_file(
    path: Path,
    body: Body,
    *,
    marker_set: MarkerSet | str | Path | None = None,
    mapping: Mapping | str | Path | None = None,
    joint_map: Path | None = None,
    up: str = "auto",
    unit: str | None = None,
    rate: float | None = None,
    subject: str | None = None,
    betas: np.ndarray | None = None,
    settings: FitSettings | None = None,
) -> Fitted:
    """Fit the body to one dancer's file.

    Parameters
    ----------
    path : Path
        ``.c3d`` (markers), ``.npy`` (joint positions), ``.bvh`` (a rotation skeleton) or ``.npz`` (SMPL-X).
    body : Body
    marker_set : MarkerSet, or its name or file, optional
        Where the markers stand; found by their names when not given.
    mapping : Mapping, or its name or file, optional
        Which joint of a ``.bvh`` is which; found by their names when not given.
    joint_map : Path, optional
        JSON file about a ``.npy``, see :func:`read_joints`.
    up : str
        ``+z``, ``z``, ``-y``, ... of the file, or ``auto``.
    unit : str, optional
        ``mm``, ``cm``, ``m``, ``in``, ... of the file.
    rate : float, optional
        Frames per second of the file.
    subject : str, optional
        Whose markers, in a ``.c3d`` with those of several people.
    betas : (10,) array, optional
        The shape of the dancer; estimated when not given.
    settings : FitSettings, optional
        Of fits to markers and joint positions.

    Raises
    ------
    InputError
        For a defective file, markers without a set, a skeleton without a mapping, or too few points to determine a body.
    """
    options = {"marker_set": marker_set, "mapping": mapping, "joint_map": joint_map, "unit": unit, "subject": subject}
    options["up"] = None if up == "auto" else up
    known = OPTIONS.get(path.suffix.lower(), tuple(options))
    useless = [name.replace("_", " ") for name, value in options.items() if value is not None and name not in known]
    if useless:
        raise InputError(f"{path}: a {path.suffix} file is read without {', '.join(useless)}; leave it out")
    up = named_up(path, up)
    if rate is not None and not FPS_RANGE[0] <= rate <= FPS_RANGE[1]:
        raise InputError(f"{path}: {rate:g} frames per second; {FPS_RANGE[0]:g} to {FPS_RANGE[1]:g} are possible")
    with naming(path):
        match path.suffix.lower():
            case ".c3d":
                markers = read_c3d(path, up=up, unit=unit, fps=rate, subject=subject)
                fitted = _fit_markers(markers, body, marker_set, betas, settings)
            case ".npy":
                joints = read_joints(path, joint_map, up=up, unit=unit, fps=rate)
                fit = fit_joints(joints.positions_TK3, joints.ids, body, joints.fps, betas, settings)
                fitted = _fitted(fit, joints.facts | {"kind": "joints"}, f"{len(joints.ids)} joints")
            case ".bvh":
                fitted = _fit_skeleton(path, body, mapping, up, unit, rate, betas)
            case ".npz":
                motion = read_motion(path)
                motion = motion if rate is None else replace(motion, fps=rate)
                fitted = Fitted(motion, {"kind": "SMPL-X", "fps": motion.fps, "frames": motion.num_frames}, "SMPL-X, as it is")
            case suffix:
                raise InputError(f"a dancer is read from .c3d, .npy, .bvh or .npz, not from '{suffix or 'no suffix'}'")
    logger.info("%s: %s", path, fitted.sentence)
    return replace(fitted, facts=fitted.facts | {"source": path.name, "summary": fitted.sentence})


def read_joints(
    path: Path, joint_map: Path | None = None, *, up: str = "auto", unit: str | None = None, fps: float | None = None
) -> JointTake:
    """Read joint positions ``(T, K, 3)`` from a ``.npy``.

    Without a map the K columns are the first 22 joints of SMPL-X, its 55, or its 55 and 21 further points. A map is a
    JSON file with ``joints`` (SMPL-X joint name, number or null, one per column) or, as in Inter-X, ``used_joints`` and
    ``smplx_joint_of_used`` (columns and their numbers), and, if it likes, ``joint_names``, ``fps``, ``units`` and ``up``.

    Raises
    ------
    InputError
        For a missing or defective file, another shape, a map that does not fit, or a rate that nobody tells.
    """
    up = named_up(path, up)
    header = read_npy_header(path)
    if header.dtype.kind not in "fiu" or len(header.shape) != 3 or header.shape[2:] != (3,) or 0 in header.shape:
        raise InputError(f"{path}: {header.dtype} of shape {header.shape}; numbers (frames, joints, 3) are needed")
    num_columns = header.shape[1]
    if num_columns > MAX_COLUMNS:
        raise InputError(f"{path}: {num_columns} joints, more than {MAX_COLUMNS}; write (frames, joints, 3)")
    values = {} if joint_map is None else read_json(joint_map)
    if not isinstance(values, dict):
        raise InputError(f"{joint_map}: a JSON object is needed, with 'joints' one per column")
    columns, ids, names = _columns(path, joint_map, values, num_columns)
    rate = fps if fps is not None else values.get("fps")
    if not isinstance(rate, int | float) or not FPS_RANGE[0] <= rate <= FPS_RANGE[1]:
        raise InputError(f"{path}: frames per second are {rate!r}; tell the rate (fps), or write it into the joint map")
    with np.errstate(over="ignore", invalid="ignore"):
        positions = read_array(path)[:, columns].astype(np.float32)
        positions[~(np.abs(positions) < 1e6).all(axis=2)] = np.nan
        scale, unit_name, unit_why = find_unit(path, unit, str(values.get("units") or ""), positions)
        positions *= np.float32(scale)
    missing = float(np.isnan(positions[:, :, 0]).mean())
    if missing == 1.0:
        raise InputError(f"{path}: all positions are missing or beyond bounds; export it again")
    stated = str(values.get("up") or "")
    if up != "auto":
        found, why = up, "as told"
    elif stated and stated != "auto":
        found, why = named_up(joint_map or path, stated), "the joint map says so"
    else:
        found, why = find_up(positions, names)
    facts = {
        "fps": float(rate), "fps_from": "as told" if fps is not None else "the joint map says so", "unit": unit_name,
        "unit_from": unit_why, "up": found, "up_from": why, "frames": len(positions), "missing": missing,
        "left_out": [k for k in range(num_columns) if k not in set(columns)],
    }  # fmt: skip
    logger.info(
        "%s: %d of %d joints, unit %s (%s), up %s (%s), %d frames at %.5g fps, %.1f %% missing",
        path, len(columns), num_columns, unit_name, unit_why, found, why, len(positions), rate, 100 * missing,
    )  # fmt: skip
    return JointTake(names, ids, positions @ to_y_up(found).astype(np.float32).T, float(rate), facts)


def _columns(
    path: Path, joint_map: Path | None, values: dict[str, Any], num_columns: int
) -> tuple[list[int], tuple[int, ...], tuple[str, ...]]:
    """Columns to read, their SMPL-X numbers, and names for messages."""
    if joint_map is None:
        if num_columns not in (22, len(JOINT_NAMES), NUM_POINTS):
            raise InputError(f"{path}: {num_columns} joints; 22, 55 or 76 of SMPL-X are known, others need a joint map")
        pairs: list[tuple[Any, Any]] = [(k, k) for k in range(num_columns)]
    elif isinstance(values.get("joints"), list):
        if len(values["joints"]) != num_columns:
            raise InputError(f"{joint_map}: {len(values['joints'])} joints, but {path.name} has {num_columns} columns")
        pairs = [(k, item) for k, item in enumerate(values["joints"]) if item is not None]
    else:
        used, numbers = values.get("used_joints"), values.get("smplx_joint_of_used")
        if not isinstance(used, list) or not isinstance(numbers, list) or len(used) != len(numbers):
            raise InputError(
                f"{joint_map}: needs 'joints', one per column, or 'used_joints' and 'smplx_joint_of_used' of equal length"
            )
        pairs = list(zip(used, numbers, strict=True))
    names = values.get("joint_names")
    chosen: dict[int, int] = {}
    for column, item in pairs:
        number = INDEX.get(item) if isinstance(item, str) else item
        if not _is_index(column, num_columns) or not _is_index(number, NUM_POINTS) or number in chosen:
            raise InputError(
                f"{joint_map or path}: column {column!r} is '{item}'; different SMPL-X joints are needed, by name or by"
                f" number below {NUM_POINTS}, for columns below {num_columns}"
            )
        chosen[int(number)] = column  # type: ignore[arg-type]  # checked above
    if not chosen:
        raise InputError(f"{joint_map}: it names no joint; write SMPL-X joints, by name or by number")
    named = isinstance(names, list) and len(names) == num_columns
    labels = [str(names[k]) if named and names else _name(number) for number, k in chosen.items()]
    return list(chosen.values()), tuple(chosen), tuple(labels)


def _is_index(value: Any, size: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < size


def _name(number: int) -> str:
    return JOINT_NAMES[number] if number < len(JOINT_NAMES) else f"point {number}"


def _fit_markers(
    take: MarkerTake,
    body: Body,
    marker_set: MarkerSet | str | Path | None,
    betas: np.ndarray | None,
    settings: FitSettings | None,
) -> Fitted:
    if marker_set is None:
        marker_set = find_marker_set(take.path, take.names, take.positions_TM3, body)
    elif not isinstance(marker_set, MarkerSet):
        marker_set = load_marker_set(marker_set)
    match = marker_set.match(take.names)
    if not match:
        some = ", ".join(take.names[:6])
        raise InputError(f"{take.path}: none of its markers ({some}, ...) is in the marker set {marker_set.name}")
    columns = list(match.values())
    points = marker_set.on(body).only(list(match))
    fit = fit_markers(take.positions_TM3[:, columns], list(match), points, body, take.fps, betas, settings)
    facts = {
        "kind": "markers",
        "marker_set": marker_set.name,
        "labels": {marker: take.names[column] for marker, column in match.items()},
        "unknown": [name for column, name in enumerate(take.names) if column not in set(columns)],
        "absent": [name for name in marker_set.places if name not in match],
    }
    what = f"{len(match)} of {len(take.names)} markers as those of {marker_set.name}"
    return _fitted(fit, take.facts | facts, what)


def _fitted(fit: Fit, facts: dict[str, Any], what: str) -> Fitted:
    residuals = fit.summary()
    far = f"{1000 * (residuals['mean'] or 0.0):.1f} mm from the body on average, 95 % within"
    sentence = f"{what}, {far} {1000 * (residuals['p95'] or 0.0):.0f} mm, {100 * residuals['missing']:.1f} % missing"
    return Fitted(fit.motion, facts | {"used": list(fit.names), "residuals": residuals}, sentence)


def _fit_skeleton(
    path: Path,
    body: Body,
    mapping: Mapping | str | Path | None,
    up: str,
    unit: str | None,
    rate: float | None,
    betas: np.ndarray | None,
) -> Fitted:
    bvh = read_bvh(path, rate)
    if mapping is None:
        mapping = choose_mapping(bvh)
    elif not isinstance(mapping, Mapping):
        mapping = load_mapping(mapping)
    if unit is not None and unit.strip().lower() not in UNITS:
        raise InputError(f"{path}: unit '{unit[:40]}' is unknown; known are {', '.join(UNITS)}")
    metres = None if unit is None else UNITS[unit.strip().lower()]
    mapping = mapping.told(up=None if up == "auto" else up, forward=None if up in ("auto", mapping.up) else "auto", unit=metres)
    skeleton = understand(bvh, mapping)
    motion = bvh_to_motion(bvh, body, mapping, betas=betas)
    residuals_m = limb_residuals(bvh, skeleton, motion, body)
    mean = float(np.mean(list(residuals_m.values())))
    method = skeleton.facts["method"]
    sentence = f"skeleton {mapping.name} by its {method}, limbs {1000 * mean:.0f} mm from the file's on average"
    return Fitted(motion, skeleton.facts | {"kind": "skeleton", "residuals": {"mean": mean, "points": residuals_m}}, sentence)
