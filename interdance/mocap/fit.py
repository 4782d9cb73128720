"""Markers or joint positions to SMPL-X, as in section 3.2 of the paper and in the spirit of SOMA and MoSh++.

1. One shape for the take, and where each marker stands on the skin, from frames spread over it (``fit_shape``).
2. Body and root of all frames from 22 joints or the markers, points that do not fit doubted after Geman and McClure,
   steady in time, with a weak lean to rest (``fit_prior``).
3. The fingers of each hand by themselves, from the points of the hand relative to its wrist.
4. Both merged: the body once more with the fingers riding on it, then the fingers on the body as it is now.

The world stays the caller's: nothing is lifted, turned or scaled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interdance.body.rotations import to_local, vectors
from interdance.errors import InputError
from interdance.mocap.fit_check import check_enough, check_unit, checked_betas, checked_points
from interdance.mocap.fit_prior import body_leans, body_limits
from interdance.mocap.fit_settings import FitSettings
from interdance.mocap.fit_shape import fit_shape, spread_frames
from interdance.mocap.fit_stages import BODY, Stages, hands
from interdance.mocap.fit_start import riding
from interdance.mocap.fit_target import Target
from interdance.mocap.solve import Pose, Seen
from interdance.takes import Motion

if TYPE_CHECKING:
    from interdance.body.model import Body
    from interdance.mocap.markers import MarkerPoints


AHEAD_S = 0.3  # seconds that a chunk looks ahead


@dataclass(frozen=True)
class Fit:
    """A motion fitted to observed points, and how well it meets them.

    Attributes
    ----------
    motion : Motion
        As many frames as observed.
    residuals_m_TK : float32 (T, K)
        Distance of each observed point to the model's, with its offset, in metres; NaN where it was missing.
    names : tuple of str
        Of the K points.
    offsets_K3 : float32 (K, 3) or None
        Estimated constant place of each point from that of the model at rest, metres. Markers: from the skin, in its
        local frame (two tangents, outward normal). Joints: None where they are the model's; where another maker's
        skeleton sits elsewhere (``FitSettings.alike_m``), from the model's joint, in the T-pose's axes of its parent.
    """

    motion: Motion
    residuals_m_TK: np.ndarray
    names: tuple[str, ...]
    offsets_K3: np.ndarray | None

    def summary(self) -> dict[str, Any]:
        """Residuals in metres of the take and of each point: mean, median, p95, max, share missing; and offsets."""

        def of(values: np.ndarray) -> dict[str, float | None]:
            seen = values[np.isfinite(values)]
            missing = round(1.0 - seen.size / max(values.size, 1), 4)
            if not seen.size:
                return {"mean": None, "median": None, "p95": None, "max": None, "missing": missing}
            marks = {"mean": seen.mean(), "median": np.median(seen), "p95": np.percentile(seen, 95), "max": seen.max()}
            return {name: round(float(value), 5) for name, value in marks.items()} | {"missing": missing}

        points: dict[str, dict[str, Any]] = {name: of(self.residuals_m_TK[:, k]) for k, name in enumerate(self.names)}
        if self.offsets_K3 is not None:
            for name, offset in zip(self.names, self.offsets_K3, strict=True):
                points[name]["offset"] = [round(float(value), 5) for value in offset]
        return {"frames": self.motion.num_frames, "fps": self.motion.fps, **of(self.residuals_m_TK), "points": points}


def fit_joints(
    joints_TK3: np.ndarray,
    joint_ids: Sequence[int],
    body: Body,
    fps: float,
    betas: np.ndarray | None = None,
    settings: FitSettings | None = None,
) -> Fit:
    """SMPL-X parameters from positions of joints.

    Parameters
    ----------
    joints_TK3 : (T, K, 3)
        World positions in metres, +Y up; NaN where missing.
    joint_ids : sequence of int
        SMPL-X number of each column: 0 to 54, or 55 to 75 for points of the face, the feet and the fingertips.
    body : Body
    fps : float
    betas : (10,), optional
        The shape of the dancer; estimated when not given.
    settings : FitSettings, optional

    Raises
    ------
    InputError
        When there is nothing to fit, shapes disagree, the unit is not the metre, or the joints do not determine a body.
    """
    points = checked_points(joints_TK3, len(joint_ids), fps, "joints")
    ids = np.asarray(joint_ids)
    if not np.issubdtype(ids.dtype, np.integer) or ids.min() < 0 or ids.max() > 75 or len(np.unique(ids)) < len(ids):
        raise InputError("joint numbers must be different SMPL-X numbers between 0 and 75")
    target = Target.of_joints(body, ids)
    return _fit(points, target, fps, betas, settings or FitSettings(), offsets=False)


def fit_markers(
    markers_TM3: np.ndarray,
    names: Sequence[str],
    points: MarkerPoints,
    body: Body,
    fps: float,
    betas: np.ndarray | None = None,
    settings: FitSettings | None = None,
) -> Fit:
    """SMPL-X parameters from markers on the skin. Columns that ``points`` does not name are left out.

    Parameters
    ----------
    markers_TM3 : (T, M, 3)
        World positions in metres, +Y up; NaN where missing.
    names : sequence of str
        Of the M columns.
    points : MarkerPoints
        Where the known markers stand on the body.
    body, fps, betas, settings
        As in :func:`fit_joints`.

    Raises
    ------
    InputError
        As :func:`fit_joints`; also when no column is known.
    """
    markers = checked_points(markers_TM3, len(names), fps, "markers")
    known = {name: k for k, name in enumerate(points.names)}
    columns = [k for k, name in enumerate(names) if name in known]
    if not columns:
        raise InputError(f"none of the {len(names)} markers is known to the marker set ({', '.join(points.names[:5])}, ...)")
    chosen = [known[names[k]] for k in columns]
    if len(set(chosen)) < len(chosen):
        raise InputError("two marker columns have the same name; name each marker once")
    picked = replace(
        points,
        names=tuple(points.names[k] for k in chosen),
        vertices_M3=points.vertices_M3[chosen],
        weights_M3=points.weights_M3[chosen],
        offset_m_M=points.offset_m_M[chosen],
    )
    target = Target.of_markers(body, picked)
    return _fit(markers[:, columns], target, fps, betas, settings or FitSettings(), offsets=True)


# ----------------------------------------------------------------------------------------------------------------- fit


def _fit(
    points_TK3: np.ndarray,
    target: Target,
    fps: float,
    betas: np.ndarray | None,
    settings: FitSettings,
    *,
    offsets: bool,
) -> Fit:
    what = "markers" if offsets else "joints"
    check_unit(points_TK3, what)
    check_enough(points_TK3, target, what)
    betas = checked_betas(betas)
    is_body = np.full(target.num_points, True)
    for _, _, own in hands(target):
        is_body &= ~own
    frames = spread_frames(np.isfinite(points_TK3[:, is_body, 0]), settings.shape_frames)
    prior = {"leans": body_leans(), "limits": body_limits()}
    seen = _seen(points_TK3[frames], settings.noise_m).only(is_body)
    shape = fit_shape(target, seen, riding(BODY), prior, betas, offsets=offsets)
    if not offsets and shape.miss_m > settings.alike_m:
        offsets = True
        shape = fit_shape(target, seen, riding(BODY), prior, betas, offsets=True)
    run = Stages(target, shape, settings, fps)
    rotations, roots, residuals = [], [], []
    before: Pose | None = None
    for start, stop, last in _pieces(len(points_TK3), settings.chunk, max(2, round(AHEAD_S * fps))):
        chunk = _seen(points_TK3[start:last], run.noise)
        pose = run.pose(chunk, before)[: stop - start]
        before = pose[-2:]
        rotations.append(vectors(to_local(pose.globals_TJ33)).astype(np.float32))
        roots.append(pose.root_T3)
        residuals.append(run.residuals(pose, chunk[: stop - start]).astype(np.float32))
    motion = Motion(
        rotations_TJ3=np.concatenate(rotations),
        translation_T3=(np.concatenate(roots) - target.skin.points(shape.betas)[0]).astype(np.float32),
        betas=shape.betas.astype(np.float32),
        fps=fps,
    )
    local = np.einsum("kij,ki->kj", target.surface_frames(), shape.offsets_K3).astype(np.float32) if offsets else None
    return Fit(motion, np.concatenate(residuals), target.names, local)


def _seen(points_TK3: np.ndarray, noise: float) -> Seen:
    is_seen = np.isfinite(points_TK3[:, :, 0])
    return Seen(np.where(is_seen[:, :, None], points_TK3, 0.0).transpose(0, 2, 1).copy(), is_seen / noise**2)


def _pieces(count: int, chunk: int, ahead: int) -> Iterator[tuple[int, int, int]]:
    """Start and stop of pieces to keep, and how far to look ahead of each."""
    for start in range(0, count, chunk):
        stop = min(start + chunk, count)
        yield start, stop, min(stop + ahead, count)
