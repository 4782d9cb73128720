"""Exact signed distance into posed bodies (the f of Eq. 9): prepared once, queried at every denoising step.

The engine is warp: closest point by a bounding-volume hierarchy, sign by the generalised winding number, which stays
right where a dance pose makes the body overlap itself. Ray votes and pseudo-normals do not.
"""

from __future__ import annotations

import functools
import os
import sys
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from typing import Any, no_type_check

import numpy as np
import torch
import warp as wp

from interdance.body.nearest import bounds

# Our choice, measured on adversarial points: at this accuracy the fast winding number gives no wrong sign.
QUERY_ACCURACY = 1.0
EXACT_ACCURACY = 2.0
INSIDE_WINDING_NUMBER = 0.5
ON_SURFACE = 1e-6  # metres: nearer than this, the direction to the closest point is noise and the face normal is used


@wp.kernel(enable_backward=False)
@no_type_check
def _signed_depth_kernel(
    mesh_ids: wp.array(dtype=wp.uint64),
    lower: wp.array(dtype=wp.vec3),
    upper: wp.array(dtype=wp.vec3),
    points: wp.array(dtype=wp.vec3),
    frames: wp.array(dtype=wp.int32),
    margin: float,
    accuracy: float,
    depth: wp.array(dtype=float),
    gradient: wp.array(dtype=wp.vec3),
):
    index = wp.tid()
    point = points[index]
    frame = frames[index]
    depth[index] = -margin
    gradient[index] = wp.vec3(0.0, 0.0, 0.0)
    # The signed distance from the point to the wall of the bounding box, positive within. A point inside the body is no
    # deeper than that, since every way out to the wall crosses the surface: this bounds the search, and loses nothing.
    below = point - lower[frame]
    above = upper[frame] - point
    wall = wp.min(wp.min(wp.min(below[0], below[1]), below[2]), wp.min(wp.min(above[0], above[1]), above[2]))
    reach = wp.max(margin, wall * 1.0001 + 1.0e-6)
    query = wp.mesh_query_point_sign_winding_number(mesh_ids[frame], point, reach, accuracy, 0.5)
    if not query.result:
        return
    away = point - wp.mesh_eval_position(mesh_ids[frame], query.face, query.u, query.v)
    distance = wp.length(away)
    if query.sign > 0.0 and distance >= margin:
        return
    depth[index] = -query.sign * distance
    if distance < 1.0e-6:
        gradient[index] = -wp.mesh_eval_face_normal(mesh_ids[frame], query.face)
    else:
        gradient[index] = away * (-query.sign / distance)


class LeaderField:
    """Depth of points inside a dancer who does not change between denoising steps.

    Each frame's mesh is built at its first query and kept; a query then costs a search alone.

    Parameters
    ----------
    surface_points_TV3 : array (T, V, 3)
        Posed vertices of the closed surface, metres, for every frame of the take. Finite.
    faces : int array (F, 3)
        Triangles of the closed surface, seen counter-clockwise from outside.
    device : str
        Where the searches run: ``cpu`` or ``cuda``.
    margin : float
        Points farther outside than this, metres, are not measured: they have depth ``-margin`` and no gradient.
    max_prepared : int
        Frames kept prepared (about 0.2 MB each for 1306 faces); the least recently used go first.
    """

    def __init__(
        self,
        surface_points_TV3: np.ndarray,
        faces: np.ndarray,
        device: str = "cpu",
        *,
        margin: float = 0.05,
        max_prepared: int = 6000,
    ) -> None:
        self.points_TV3 = _finite_points(surface_points_TV3, "surface_points_TV3")
        self.margin = margin
        self.device = device
        self.max_prepared = max_prepared
        start_engine()
        self._faces: Any = wp.array(_triangles(faces, self.points_TV3.shape[1]).reshape(-1), dtype=wp.int32, device=device)
        self._meshes: OrderedDict[int, wp.Mesh] = OrderedDict()
        self._lower_T3, self._upper_T3 = (torch.from_numpy(corner).to(device) for corner in bounds(self.points_TV3))

    @property
    def num_frames(self) -> int:
        return len(self.points_TV3)

    def prepare(self, frames: np.ndarray | None = None) -> None:
        """Build the meshes of ``frames`` (all of them by default) now rather than at their first query."""
        for frame in range(self.num_frames) if frames is None else np.unique(frames):
            self._mesh(int(frame))

    def signed_depth(self, points_TQ3: torch.Tensor, frames: np.ndarray | torch.Tensor | None = None) -> torch.Tensor:
        """Depth of points inside the surface, differentiable in the points.

        Parameters
        ----------
        points_TQ3 : float tensor (T, Q, 3) or (B, T, Q, 3)
            Points in the world, metres.
        frames : int array (T,) or (B, T), optional
            Prepared frame that each row of points belongs to; 0, 1, ... by default. Frames may repeat, so windows that
            overlap in time share what was prepared.

        Returns
        -------
        tensor (T, Q) or (B, T, Q)
            Metres, positive inside; ``-margin`` where the point is farther outside than the margin. The gradient is the
            unit direction into the body, zero at the points left out.

        Raises
        ------
        ValueError
            When the frames do not fit the points or lie outside the take.
        """
        leading = points_TQ3.shape[:-2]
        num_rows = int(np.prod(leading))
        if frames is None:
            rows = np.arange(num_rows)
        else:
            rows = np.asarray(frames.cpu() if isinstance(frames, torch.Tensor) else frames).reshape(-1).astype(np.int64)
        if len(rows) != num_rows:
            raise ValueError(f"{num_rows} rows of points but {len(rows)} frames")
        if num_rows and (rows.min() < 0 or rows.max() >= self.num_frames):
            raise ValueError(f"frames {rows.min()}..{rows.max()} asked of a leader of {self.num_frames} frames")
        depth_RQ = _SignedDepth.apply(points_TQ3.reshape(num_rows, *points_TQ3.shape[-2:]), self, rows, None)
        return depth_RQ.reshape(*leading, points_TQ3.shape[-2])

    def measure(
        self,
        points_RQ3: torch.Tensor,
        rows: np.ndarray,
        accuracy: float = QUERY_ACCURACY,
        wanted_RQ: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Depth (R, Q) and its gradient (R, Q, 3) without autograd, float32 on the field's device.

        Points that are not ``wanted_RQ`` (boolean) count as farther outside than the margin.
        """
        points = points_RQ3.detach().to(self.device, torch.float32)
        depth = torch.full(points.shape[:2], -self.margin, device=self.device)
        gradient = torch.zeros_like(points)
        if points.numel() == 0:
            return depth, gradient
        # What lies beyond the margin of its frame's box is not searched, and a frame all of whose points do needs no mesh.
        picked = torch.from_numpy(rows).to(self.device)
        low_R3, high_R3 = self._lower_T3[picked] - self.margin, self._upper_T3[picked] + self.margin
        near = torch.ones_like(depth, dtype=torch.bool) if wanted_RQ is None else wanted_RQ.to(self.device)
        for axis in range(3):
            x = points[..., axis]
            near = near & (x >= low_R3[:, axis, None]) & (x <= high_R3[:, axis, None])
        row_N, column_N = near.nonzero(as_tuple=True)
        searched, index_N, count = torch.unique_consecutive(row_N, return_inverse=True, return_counts=True)
        ends = count.cumsum(0).tolist()
        for start in range(0, len(searched), self.max_prepared):
            stop = min(start + self.max_prepared, len(searched))
            part = slice(ends[start - 1] if start else 0, ends[stop - 1])
            place = row_N[part], column_N[part]
            depth[place], gradient[place] = self._search(
                points[place], rows[searched[start:stop].cpu().numpy()], index_N[part] - start, accuracy
            )
        return depth, gradient

    def _search(
        self, points_N3: torch.Tensor, frames: np.ndarray, index_N: torch.Tensor, accuracy: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Depth (N,) and gradient (N, 3) of points, each in the one of ``frames`` that ``index_N`` says."""
        points = points_N3.contiguous()
        depth, gradient = torch.empty(len(points), device=self.device), torch.empty_like(points)
        with _stream(points):
            ids: Any = wp.array([self._mesh(int(frame)).id for frame in frames], dtype=wp.uint64, device=self.device)
            lower, upper = (corner[torch.from_numpy(frames).to(self.device)] for corner in (self._lower_T3, self._upper_T3))
            wp.launch(
                _signed_depth_kernel,
                dim=len(points),
                inputs=[
                    ids,
                    wp.from_torch(lower, dtype=wp.vec3),
                    wp.from_torch(upper, dtype=wp.vec3),
                    wp.from_torch(points, dtype=wp.vec3),
                    wp.from_torch(index_N.int()),
                    self.margin,
                    accuracy,
                ],
                outputs=[wp.from_torch(depth), wp.from_torch(gradient, dtype=wp.vec3)],
                device=self.device,
            )
        return depth, gradient

    def _mesh(self, frame: int) -> wp.Mesh:
        mesh = self._meshes.get(frame)
        if mesh is None:
            mesh = wp.Mesh(
                points=wp.array(self.points_TV3[frame], dtype=wp.vec3, device=self.device),
                indices=self._faces,
                support_winding_number=True,  # without it the sign falls back, silently, to ray votes
            )
            self._meshes[frame] = mesh
            while len(self._meshes) > self.max_prepared:
                self._meshes.popitem(last=False)
        else:
            self._meshes.move_to_end(frame)
        return mesh


class TrackedDepth:
    """Depth of the same points again and again, as they move little: a search measures but those that may be inside.

    Depth changes by no more than a point moves. What was outside by more than it has moved since it was measured is outside
    still.

    Parameters
    ----------
    field : LeaderField
        Its margin is how far outside a point is known to be at most, so a wide one measures more points once, and fewer
        later.
    """

    def __init__(self, field: LeaderField) -> None:
        self.field = field
        self._measured: tuple[torch.Tensor, torch.Tensor] | None = None

    def __call__(self, points_TQ3: torch.Tensor) -> torch.Tensor:
        """Depth (T, Q) in metres, differentiable, where it is positive; elsewhere a number that is not.

        Parameters
        ----------
        points_TQ3 : float tensor (T, Q, 3)
            One row for every frame of the field, the same points as before.
        """
        at = points_TQ3.detach()
        wanted = None
        if self._measured is not None:
            then_TQ3, depth_TQ = self._measured
            wanted = depth_TQ + (at - then_TQ3).square().sum(dim=-1).sqrt() + ON_SURFACE > 0
        depth = _SignedDepth.apply(points_TQ3, self.field, np.arange(self.field.num_frames), wanted)
        if wanted is None:
            self._measured = at.clone(), depth.detach().clone()
        else:
            then_TQ3[wanted], depth_TQ[wanted] = at[wanted], depth.detach()[wanted]
        return depth


class _SignedDepth(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, points_RQ3: torch.Tensor, field: LeaderField, rows: np.ndarray, wanted_RQ: torch.Tensor | None
    ) -> torch.Tensor:
        depth, gradient = field.measure(points_RQ3, rows, wanted_RQ=wanted_RQ)
        ctx.save_for_backward(gradient.to(points_RQ3.device, points_RQ3.dtype))
        return depth.to(points_RQ3.device, points_RQ3.dtype)

    @staticmethod
    def backward(ctx: Any, grad_RQ: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return grad_RQ.unsqueeze(-1) * gradient, None, None, None


def inside(points_TQ3: np.ndarray, vertices_TV3: np.ndarray, faces: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Whether points lie inside a closed mesh, by generalised winding number > 0.5: right on self-overlapping meshes.

    Parameters
    ----------
    points_TQ3 : array (T, Q, 3) or (Q, 3)
        Points, metres.
    vertices_TV3 : array (T, V, 3) or (V, 3)
        Vertices of the mesh, one pose per row of points.
    faces : int array (F, 3)
        Triangles, counter-clockwise from outside.

    Returns
    -------
    bool array (T, Q) or (Q,)
    """
    points = np.asarray(points_TQ3)
    if points.ndim == 2:
        return inside(points[None], np.asarray(vertices_TV3)[None], faces, device)[0]
    vertices = np.asarray(vertices_TV3)
    if len(points) != len(vertices):
        raise ValueError(f"{len(points)} frames of points but {len(vertices)} frames of vertices")
    # Nothing is asked twice, so few frames are worth keeping: as many as one launch takes.
    field = LeaderField(vertices, faces, device, margin=0.0, max_prepared=16)
    depth, _ = field.measure(torch.from_numpy(points.astype(np.float32)), np.arange(len(points)), EXACT_ACCURACY)
    return depth.cpu().numpy() > 0.0


def _finite_points(points: np.ndarray, name: str) -> np.ndarray:
    array = np.ascontiguousarray(points, np.float32)
    if array.ndim != 3 or array.shape[2] != 3:
        raise ValueError(f"{name} has shape {array.shape}; (frames, vertices, 3) is needed")
    bad = ~np.isfinite(array).all(axis=(1, 2))
    if bad.any():
        raise ValueError(f"{name} holds NaN or infinity at frame {int(bad.argmax())}")
    return array


def _triangles(faces: np.ndarray, num_vertices: int) -> np.ndarray:
    array = np.ascontiguousarray(faces, np.int32)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"faces has shape {array.shape}; (faces, 3) is needed")
    if array.size and (array.min() < 0 or array.max() >= num_vertices):
        raise ValueError(f"faces name vertex {int(array.max())}; the surface has {num_vertices}")
    return array


@functools.cache
def start_engine() -> None:
    """Start warp without its greeting and compile notes, and without its complaint on machines that have no GPU."""
    wp.config.log_level = max(wp.config.log_level, wp.LOG_ERROR)
    if torch.cuda.is_available():
        wp.init()
        return
    # The complaint is written by native code, past sys.stderr.
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            wp.init()
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _stream(points: torch.Tensor) -> AbstractContextManager[Any]:
    """On a GPU, run warp on torch's stream, so that neither reads what the other has not written yet."""
    if points.device.type != "cuda":
        return nullcontext()
    return wp.ScopedStream(wp.stream_from_torch(torch.cuda.current_stream(points.device)))
