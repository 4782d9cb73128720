"""The sampled surface: vertices of a body mesh that, joined by their own faces, still close around the body.

Half-edge quadric decimation (M. Garland, P. S. Heckbert, "Surface Simplification Using Quadric Error Metrics", 1997,
with the kept vertex never moved): an edge is collapsed onto one of its ends, so what is left are vertices of the mesh
itself, which skinning can move, and the surface keeps its topology at every step.
"""

from __future__ import annotations

import heapq

import numpy as np


def decimate(vertices_V3: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose ``count`` vertices of a closed surface and the faces between them.

    It goes in two passes, to a quarter of the mesh and then to ``count``, the second measuring its error from the
    result of the first.

    Parameters
    ----------
    vertices_V3 : (V, 3)
        Metres.
    faces : int (F, 3)
        Triangles of a closed orientable surface.
    count : int
        How many vertices to keep.

    Returns
    -------
    indices : int64 (count,)
        Kept vertices, ascending.
    faces : int64 (2 * count - 4, 3) for a surface without handles
        Triangles, numbered by position in ``indices``; oriented as the given ones.

    Raises
    ------
    ValueError
        When no further edge can be collapsed without tearing or folding the surface.
    """
    points = np.asarray(vertices_V3, np.float64)
    faces = np.asarray(faces, np.int64)
    kept = np.unique(faces)
    faces = np.searchsorted(kept, faces)
    for goal in (max(count, len(kept) // 4), count):
        if goal < len(kept):
            left, faces = _collapse(points[kept], faces, goal)
            kept = kept[left]
    return kept, faces


def fill_holes(vertices_V3: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces with every hole of the surface filled by triangles between its border vertices.

    Raises
    ------
    ValueError
        When three or more faces share an edge, or two holes touch in a vertex.
    """
    caps = [triangle for loop in _border_loops(faces) for triangle in _clip_ears(loop, vertices_V3)]
    return np.concatenate([faces, np.array(caps, np.int64).reshape(-1, 3)])


def _border_loops(faces: np.ndarray) -> list[list[int]]:
    """Loops of border vertices, each in the order that new faces must use (against the border's own direction)."""
    directed = [(int(a), int(b)) for a, b in np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)]
    known = set(directed)
    if len(known) < len(directed):
        raise ValueError("two faces run along an edge in the same direction")
    following: dict[int, int] = {}
    for a, b in directed:
        if (b, a) not in known:
            if b in following:
                raise ValueError(f"two holes touch in vertex {b}")
            following[b] = a
    loops = []
    while following:
        start = min(following)
        loop = [start]
        while (vertex := following.pop(loop[-1])) != start:
            loop.append(vertex)
        loops.append(loop)
    return loops


def _clip_ears(loop: list[int], points: np.ndarray) -> list[tuple[int, int, int]]:
    """Triangles that fill a loop, clipping the ear with the shortest new edge first: slits are sewn up lengthwise."""
    loop, triangles = list(loop), []
    while len(loop) > 3:
        here = points[loop]
        length = np.linalg.norm(np.roll(here, -1, axis=0) - np.roll(here, 1, axis=0), axis=1)
        at = int(length.argmin())
        triangles.append((loop[at - 1], loop[at], loop[(at + 1) % len(loop)]))
        del loop[at]
    return [*triangles, (loop[0], loop[1], loop[2])]


def _collapse(points: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    quadrics = [tuple(q) for q in _quadrics(points, faces).tolist()]
    place: list[tuple[float, float, float]] = [tuple(p) for p in points.tolist()]  # type: ignore[misc]
    triangles: list[tuple[int, int, int] | None] = [tuple(f) for f in faces.tolist()]  # type: ignore[misc]
    around: list[set[int]] = [set() for _ in place]  # faces at each vertex
    for index, triangle in enumerate(faces.tolist()):
        for vertex in triangle:
            around[vertex].add(index)
    alive = [True] * len(place)
    version = [0] * len(place)

    def neighbours(vertex: int) -> set[int]:
        found = {corner for index in around[vertex] for corner in triangles[index]}  # type: ignore[union-attr]
        found.discard(vertex)
        return found

    def cost(gone: int, stays: int) -> float:
        x, y, z = place[stays]
        a, b = quadrics[gone], quadrics[stays]
        xx, xy, xz, xw, yy, yz, yw, zz, zw, ww = (p + q for p, q in zip(a, b, strict=True))
        error = (
            xx * x * x
            + yy * y * y
            + zz * z * z
            + ww
            + 2.0 * (xy * x * y + xz * x * z + yz * y * z + xw * x + yw * y + zw * z)
        )
        ox, oy, oz = place[gone]
        length = (x - ox) ** 2 + (y - oy) ** 2 + (z - oz) ** 2
        return max(error, 0.0) + 1e-6 * length * length  # the second term spreads vertices where the surface is flat

    def folds(gone: int, stays: int) -> bool:
        for index in around[gone]:
            triangle = triangles[index]
            if stays in triangle:  # type: ignore[operator]
                continue
            before = _normal(*(place[v] for v in triangle))  # type: ignore[union-attr]
            after = _normal(*(place[stays if v == gone else v] for v in triangle))  # type: ignore[union-attr]
            dot = sum(p * q for p, q in zip(before, after, strict=True))
            size = sum(p * p for p in before) * sum(q * q for q in after)
            if dot <= 0.0 or dot * dot < 0.04 * size:  # turned by more than 78 degrees
                return True
        return False

    heap: list[tuple[float, int, int, int, int]] = []
    for vertex in range(len(place)):
        for other in neighbours(vertex):
            heap.append((cost(vertex, other), vertex, other, 0, 0))
    heapq.heapify(heap)
    remaining = len(place)
    while remaining > count:
        if not heap:
            raise ValueError(f"the surface cannot be brought to {count} vertices without tearing; {remaining} are left")
        _, gone, stays, gone_version, stays_version = heapq.heappop(heap)
        if not alive[gone] or not alive[stays] or version[gone] != gone_version or version[stays] != stays_version:
            continue
        ring_gone, ring_stays = neighbours(gone), neighbours(stays)
        if len(ring_gone & ring_stays) != 2 or len(ring_gone | ring_stays) <= 4 or folds(gone, stays):
            continue
        for index in around[gone]:
            triangle = triangles[index]
            if stays in triangle:  # type: ignore[operator]
                for vertex in triangle:  # type: ignore[union-attr]
                    if vertex != gone:
                        around[vertex].discard(index)
                triangles[index] = None
            else:
                triangles[index] = tuple(stays if v == gone else v for v in triangle)  # type: ignore[union-attr,assignment]
                around[stays].add(index)
        around[gone] = set()
        alive[gone] = False
        remaining -= 1
        quadrics[stays] = tuple(p + q for p, q in zip(quadrics[gone], quadrics[stays], strict=True))
        version[stays] += 1
        for other in neighbours(stays):
            # An edge that was refused may be allowed now that the ring has changed: all its edges are offered again.
            heapq.heappush(heap, (cost(stays, other), stays, other, version[stays], version[other]))
            heapq.heappush(heap, (cost(other, stays), other, stays, version[other], version[stays]))
    kept = np.flatnonzero(alive)
    left = np.array([triangle for triangle in triangles if triangle is not None], np.int64)
    return kept, np.searchsorted(kept, left)


def _normal(
    a: tuple[float, float, float], b: tuple[float, float, float], c: tuple[float, float, float]
) -> tuple[float, float, float]:
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx


def _quadrics(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Sum over each vertex's faces of the squared distance to the face's plane, as (V, 10) upper triangles.

    Faces count alike whatever their area: where the mesh was modelled finely, in hands, face and feet, more is kept
    (hands get 112 of 655 vertices of the embedded body, and 74 when faces count by area).
    """
    a, b, c = points[faces].transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-15)
    plane = np.concatenate([normal, -(normal * a).sum(axis=1, keepdims=True)], axis=1)
    rows, columns = np.triu_indices(4)
    per_face = plane[:, rows] * plane[:, columns]
    quadrics = np.zeros((len(points), 10))
    for corner in range(3):
        np.add.at(quadrics, faces[:, corner], per_face)
    return quadrics
