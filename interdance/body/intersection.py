"""Whether two posed surfaces cut each other anywhere, frame by frame."""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
import warp as wp

from interdance.body.distance import start_engine
from interdance.body.nearest import bounds

NORMAL_OFFSET = 1e-5  # added to the lengths that normals are divided by (Duolando)
BOX_MARGIN = 1e-5  # metres: boxes are searched in float32, triangles are tested in float64


@wp.func
@no_type_check
def _pierces(p: wp.vec3d, q: wp.vec3d, a: wp.vec3d, b: wp.vec3d, c: wp.vec3d):
    """Whether the segment from p to q goes through the triangle a, b, c; not where it lies in the triangle's plane."""
    zero = wp.float64(0.0)
    normal = wp.cross(b - a, c - a)
    before = wp.dot(p - a, normal)
    after = wp.dot(q - a, normal)
    if before * after > zero or before == after:
        return False
    x = p + (q - p) * (before / (before - after))
    return (
        wp.dot(wp.cross(b - a, x - a), normal) >= zero
        and wp.dot(wp.cross(c - b, x - b), normal) >= zero
        and wp.dot(wp.cross(a - c, x - c), normal) >= zero
    )


@wp.kernel(enable_backward=False)
@no_type_check
def _meet_kernel(
    mesh: wp.uint64,
    one: wp.array(dtype=wp.vec3d),
    other: wp.array(dtype=wp.vec3d),
    margin: float,
    found: wp.array(dtype=wp.int32),
):
    row = wp.tid()
    if found[0] > 0:  # one pair of triangles is enough
        return
    a = other[row * 3 + 0]
    b = other[row * 3 + 1]
    c = other[row * 3 + 2]
    low = wp.vec3(wp.min(wp.min(a, b), c)) - wp.vec3(margin, margin, margin)
    high = wp.vec3(wp.max(wp.max(a, b), c)) + wp.vec3(margin, margin, margin)
    query = wp.mesh_query_aabb(mesh, low, high)
    face = int(0)  # noqa: UP018 (a variable that the query writes, not a constant)
    while wp.mesh_query_aabb_next(query, face):
        u = one[face * 3 + 0]
        v = one[face * 3 + 1]
        w = one[face * 3 + 2]
        # Two triangles meet where an edge of one pierces the other. (warp's own test, intersect_tri_tri, also finds
        # triangles that are millimetres apart, in either precision.)
        if (
            _pierces(a, b, u, v, w)
            or _pierces(b, c, u, v, w)
            or _pierces(c, a, u, v, w)
            or _pierces(u, v, a, b, c)
            or _pierces(v, w, a, b, c)
            or _pierces(w, u, a, b, c)
        ):
            wp.atomic_max(found, 0, 1)
            return


def surfaces_meet(
    one_TV3: np.ndarray,
    other_TW3: np.ndarray,
    one_faces: np.ndarray,
    other_faces: np.ndarray,
    inflation: float = 0.0,
    device: str = "cpu",
) -> np.ndarray:
    """Whether any triangle of one surface intersects any triangle of the other, in each frame.

    Triangles are tested in float64, edge by edge. Surfaces that only touch within a common plane do not meet.

    Parameters
    ----------
    one_TV3, other_TW3 : array (T, V, 3), (T, W, 3)
        Vertices, metres.
    one_faces, other_faces : int array (F, 3), (G, 3)
        Counter-clockwise from outside.
    inflation : float
        Both surfaces are first moved along their vertex normals by this, metres; see :func:`inflate`.

    Returns
    -------
    bool (T,)
    """
    if len(one_TV3) != len(other_TW3):
        raise ValueError(f"{len(one_TV3)} frames against {len(other_TW3)}: both surfaces need the same frames")
    start_engine()
    one_faces, other_faces = (np.ascontiguousarray(faces, np.int64) for faces in (one_faces, other_faces))
    one_low, one_high = bounds(one_TV3)
    other_low, other_high = bounds(other_TW3)
    reach = 2.0 * inflation + BOX_MARGIN
    meet = np.zeros(len(one_TV3), bool)
    for t in np.flatnonzero(((one_low <= other_high + reach) & (other_low <= one_high + reach)).all(axis=1)):
        one = _part(one_TV3[t], one_faces, other_low[t] - reach, other_high[t] + reach, inflation)
        other = _part(other_TW3[t], other_faces, one_low[t] - reach, one_high[t] + reach, inflation)
        meet[t] = len(one) > 0 and len(other) > 0 and _meet(one, other, device)
    return meet


def inflate(vertices_V3: np.ndarray, faces: np.ndarray, distance: float) -> np.ndarray:
    """Vertices (V, 3) moved along their normals by ``distance`` metres, float64, as Duolando does.

    A vertex normal is the unweighted sum of the unit normals of its faces, made unit; 1e-5 is added to both lengths, so
    that the step is a little short where faces are small.
    """
    x = np.asarray(vertices_V3, np.float64)
    a, b, c = (x[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + NORMAL_OFFSET
    corners, rows = np.asarray(faces).reshape(-1), np.repeat(np.arange(len(faces)), 3)
    sums = np.stack([np.bincount(corners, weights=normals[rows, k], minlength=len(x)) for k in range(3)], axis=-1)
    return x + distance * sums / (np.linalg.norm(sums, axis=1, keepdims=True) + NORMAL_OFFSET)


def _part(vertices_V3: np.ndarray, faces: np.ndarray, low: np.ndarray, high: np.ndarray, inflation: float) -> np.ndarray:
    """Corners (F', 3, 3) of the triangles that reach a box, inflated."""
    chosen = _reaching([vertices_V3[faces[:, k]] for k in range(3)], low, high)
    picked = faces[chosen]
    used_V = np.zeros(len(vertices_V3), bool)
    used_V[picked] = True
    if inflation:  # normals need every face around a vertex: those beside the chosen ones as well
        around = faces[used_V[faces[:, 0]] | used_V[faces[:, 1]] | used_V[faces[:, 2]]]
        used_V[around] = True
    number_V = np.cumsum(used_V) - 1
    x = np.asarray(vertices_V3, np.float64)[used_V]
    if inflation and len(x):
        x = inflate(x, number_V[around], inflation)
    return x[number_V[picked]]


def _reaching(corners: list[np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which triangles, told by their three corners (F, 3) each, have a box that meets the given one."""
    a, b, c = corners
    result = np.ones(len(a), bool)
    for axis in range(3):  # axis by axis: numpy is slow along an axis of three
        x, y, z = a[:, axis], b[:, axis], c[:, axis]
        result &= np.maximum(np.maximum(x, y), z) >= low[axis]
        result &= np.minimum(np.minimum(x, y), z) <= high[axis]
    return result


def _meet(one_F33: np.ndarray, other_G33: np.ndarray, device: str) -> bool:
    low, high = (found[0] for found in bounds(one_F33.reshape(1, -1, 3)))
    other_G33 = other_G33[_reaching([other_G33[:, k] for k in range(3)], low, high)]
    if not len(other_G33):
        return False
    one_F33 = one_F33[
        _reaching([one_F33[:, k] for k in range(3)], *(found[0] for found in bounds(other_G33.reshape(1, -1, 3))))
    ]
    if not len(one_F33):
        return False
    # Moved to the middle, so that rounding the boxes to float32 does not depend on where in the room they are.
    middle = 0.5 * (low + high)
    one, other = (np.ascontiguousarray(x.reshape(-1, 3) - middle) for x in (one_F33, other_G33))
    indices: Any = wp.array(np.arange(len(one), dtype=np.int32), dtype=wp.int32, device=device)
    mesh = wp.Mesh(points=wp.array(one.astype(np.float32), dtype=wp.vec3, device=device), indices=indices)
    found = wp.zeros(1, dtype=wp.int32, device=device)
    wp.launch(
        _meet_kernel,
        dim=len(other) // 3,
        inputs=[
            mesh.id,
            wp.array(one, dtype=wp.vec3d, device=device),
            wp.array(other, dtype=wp.vec3d, device=device),
            BOX_MARGIN,
        ],
        outputs=[found],
        device=device,
    )
    return bool(found.numpy()[0])
