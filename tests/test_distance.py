"""Signed distance and nearest points: closed forms, an independent engine, finite differences."""

from __future__ import annotations

import igl
import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.distance import cdist

from interdance.body.distance import LeaderField, TrackedDepth, inside
from interdance.body.nearest import nearest_distance, nearest_distance_torch

MARGIN = 0.05


def ball(radius: float = 0.5, subdivisions: int = 3) -> tuple[np.ndarray, np.ndarray]:
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def overlapping() -> tuple[np.ndarray, np.ndarray]:
    """An arm through a torso: two closed parts that share space, as in a pose that overlaps itself."""
    torso = trimesh.creation.capsule(height=0.5, radius=0.15, count=[16, 16])
    arm = trimesh.creation.capsule(height=0.6, radius=0.05, count=[12, 12])
    arm.apply_transform(trimesh.transformations.rotation_matrix(1.2, [0, 1, 0]))
    arm.apply_translation([0.1, 0.05, 0.2])
    vertices = np.concatenate([torso.vertices, arm.vertices])
    return vertices, np.concatenate([torso.faces, arm.faces + len(torso.vertices)])


def field(vertices: np.ndarray, faces: np.ndarray, frames: int = 1, margin: float = MARGIN) -> LeaderField:
    return LeaderField(np.repeat(vertices[None], frames, axis=0), faces, margin=margin)


def test_depth_of_a_ball() -> None:
    """Depth is radius minus distance to the centre, up to the facets; far points are not measured."""
    vertices, faces = ball(subdivisions=5)
    directions = np.random.default_rng(0).normal(size=(300, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = np.random.default_rng(1).uniform(0.02, 0.9, size=300)
    points = torch.tensor(directions * radii[:, None], dtype=torch.float64, requires_grad=True)
    depth = field(vertices, faces).signed_depth(points[None])[0]
    assert depth.dtype == torch.float64
    depth.sum().backward()
    expected = np.where(0.5 - radii < -MARGIN, -MARGIN, 0.5 - radii)
    near_edge = np.abs(0.5 - radii + MARGIN) < 1e-3
    np.testing.assert_allclose(depth.detach().numpy()[~near_edge], expected[~near_edge], atol=5e-4)
    measured = (0.5 - radii > -MARGIN + 1e-3) & (radii > 0.1)
    np.testing.assert_allclose(points.grad.numpy()[measured], -directions[measured], atol=0.05)
    assert (points.grad.numpy()[radii > 0.5 + MARGIN + 1e-3] == 0).all()


def test_agrees_with_an_independent_engine() -> None:
    """Exact distance and winding number of libigl, on parts that overlap, points crowded about the surface."""
    vertices, faces = overlapping()
    rng = np.random.default_rng(2)
    picked = vertices[rng.integers(len(vertices), size=4000)] + rng.normal(size=(4000, 3)) * 0.03
    points = np.concatenate([picked, rng.uniform(-0.5, 0.5, size=(2000, 3))]).astype(np.float32)
    vertices = vertices.astype(np.float32)
    winding = igl.winding_number(vertices.astype(np.float64), faces, points.astype(np.float64))
    squared = igl.point_mesh_squared_distance(points.astype(np.float64), vertices.astype(np.float64), faces)[0]
    expected = np.where(winding > 0.5, 1.0, -1.0) * np.sqrt(squared)
    assert (winding > 1.5).any()  # the overlap is there
    depth = field(vertices, faces).signed_depth(torch.from_numpy(points)[None])[0].numpy()
    np.testing.assert_allclose(depth, np.maximum(expected, -MARGIN), atol=2e-6)
    clear = np.abs(expected) > 1e-6
    assert (inside(points, vertices, faces)[clear] == (winding > 0.5)[clear]).all()


def test_gradient_is_that_of_finite_differences() -> None:
    vertices, faces = overlapping()
    rng = np.random.default_rng(3)
    points = (vertices[rng.integers(len(vertices), size=500)] + rng.normal(size=(500, 3)) * 0.02).astype(np.float32)
    # Scaled by ten, so that steps of float32 resolve the slope.
    engine = LeaderField(vertices[None] * 10, faces, margin=MARGIN * 10)
    start = torch.from_numpy(points[None] * 10).requires_grad_()
    weights = torch.from_numpy(rng.normal(size=500).astype(np.float32))
    (engine.signed_depth(start)[0] * weights).sum().backward()
    slope = np.zeros((500, 3))
    for axis in range(3):
        step = torch.zeros(3)
        step[axis] = 2e-3
        with torch.no_grad():
            ahead, behind = engine.signed_depth(start + step), engine.signed_depth(start - step)
        slope[:, axis] = ((ahead - behind)[0] / 4e-3 * weights).numpy()
    wrong = np.linalg.norm(slope - start.grad[0].numpy(), axis=1) > 0.02 * np.abs(weights.numpy())
    assert wrong.mean() < 0.05  # where the nearest triangle changes within the step, there is no slope


def test_direction_on_the_surface_is_the_normal() -> None:
    vertices, faces = ball()
    centres = vertices[faces].mean(axis=1)[:50]
    points = torch.from_numpy(centres.astype(np.float32)).requires_grad_()
    field(vertices, faces).signed_depth(points[None]).sum().backward()
    outward = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    assert ((points.grad.numpy() * outward).sum(axis=1) < -0.99).all()


def test_descent_frees_points() -> None:
    """Stepping down the depth takes points out of the body and leaves free ones where they are."""
    vertices, faces = overlapping()
    engine = field(vertices, faces)
    start = torch.from_numpy(np.random.default_rng(4).uniform(-0.3, 0.3, size=(1, 400, 3)).astype(np.float32))
    points = start.clone().requires_grad_()
    for _ in range(25):
        depth = engine.signed_depth(points)
        (slope,) = torch.autograd.grad(depth.clamp_min(0).sum(), points)
        points = (points - 0.02 * slope).detach().requires_grad_()
    before, after = engine.signed_depth(start)[0], engine.signed_depth(points)[0]
    assert (before > 0).sum() > 50
    # Where parts overlap, a part of the surface lies inside the other and holds a few points back.
    assert (after > 0).sum() < 0.3 * (before > 0).sum()
    assert torch.equal(points[0][before <= 0], start[0][before <= 0])


def test_frames_are_prepared_once_and_shared() -> None:
    """Windows that overlap in time name frames of the take; the answer is that of each frame's own pose."""
    vertices, faces = ball(subdivisions=2)
    shifts = np.arange(6)[:, None, None] * np.array([0.1, 0.0, 0.0])
    engine = LeaderField(vertices[None] + shifts, faces, margin=MARGIN, max_prepared=3)
    points = torch.zeros(2, 4, 1, 3)
    frames = np.array([[0, 1, 2, 3], [2, 3, 4, 5]])
    depth = engine.signed_depth(points, frames)
    assert depth.shape == (2, 4, 1)
    alone = [LeaderField(vertices[None] + shifts[t], faces).signed_depth(torch.zeros(1, 1, 3)).item() for t in range(6)]
    np.testing.assert_allclose(depth[..., 0].numpy(), np.array(alone)[frames], atol=1e-6)
    assert len(engine._meshes) <= 3
    with pytest.raises(ValueError, match="leader of 6 frames"):
        engine.signed_depth(points[:1, :1], np.array([[6]]))
    with pytest.raises(ValueError, match="frames"):
        engine.signed_depth(points, frames[:1])


def test_the_box_bound_loses_nothing() -> None:
    """Culling by the bounding box against no culling: a margin wide enough to measure everything."""
    vertices, faces = overlapping()
    points = torch.from_numpy(np.random.default_rng(5).uniform(-0.6, 0.6, size=(1, 3000, 3)).astype(np.float32))
    narrow, wide = field(vertices, faces).signed_depth(points), field(vertices, faces, margin=10.0).signed_depth(points)
    np.testing.assert_allclose(narrow, wide.clamp_min(-MARGIN), atol=1e-6)


def test_tracked_points_have_the_depth_of_points_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a walk in small steps and a leap; what is searched at a later step is a small part of all."""
    vertices, faces = overlapping()
    engine = field(vertices, faces, frames=3, margin=0.2)
    searched: list[int] = []
    search = LeaderField._search
    monkeypatch.setattr(LeaderField, "_search", lambda *args: (searched.append(len(args[1])), search(*args))[1])
    rng = np.random.default_rng(6)
    points = torch.from_numpy(rng.uniform(-0.4, 0.4, size=(3, 1000, 3)).astype(np.float32))
    tracked = TrackedDepth(engine)
    for step in range(12):
        points = (points + torch.from_numpy(rng.normal(size=points.shape).astype(np.float32)) * 0.003).requires_grad_()
        if step == 8:
            points = (points.detach() + torch.tensor([0.0, 0.0, 0.25])).requires_grad_()
        before = len(searched)
        found = tracked(points)
        mine = sum(searched[before:])
        expected = engine.signed_depth(points)
        inside_TQ = expected > 0
        assert torch.equal(found > 0, inside_TQ)
        assert torch.equal(found[inside_TQ], expected[inside_TQ])
        slopes = [torch.autograd.grad(depth.clamp(min=0).sum(), points)[0] for depth in (found, expected)]
        assert torch.equal(*slopes)
        if step not in (0, 8):
            assert mine < 0.5 * searched[0]


def test_bad_meshes_are_refused() -> None:
    vertices, faces = ball(subdivisions=1)
    with pytest.raises(ValueError, match="names? vertex"):
        LeaderField(vertices[None], faces + 5)
    vertices[3, 1] = np.nan
    with pytest.raises(ValueError, match="frame 0"):
        LeaderField(vertices[None], faces)


@pytest.mark.parametrize("upper", [0.05, 0.3, np.inf])
def test_nearest_by_brute_force(upper: float) -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(5, 40, 3)), rng.normal(size=(5, 60, 3)) + [0.5, 0, 0]
    b[4] += 50.0
    dist, index = nearest_distance(a, b, upper)
    for t in range(5):
        full = cdist(a[t], b[t])
        expected = np.where(full.min(axis=1) < upper, full.min(axis=1), np.inf)
        np.testing.assert_allclose(dist[t], expected, rtol=1e-12)
        found = np.isfinite(expected)
        assert (index[t][found] == full.argmin(axis=1)[found]).all() and (index[t][~found] == -1).all()


def test_nearest_with_gradient() -> None:
    rng = np.random.default_rng(7)
    a = torch.from_numpy(rng.normal(size=(2, 10, 3))).requires_grad_()
    b = torch.from_numpy(rng.normal(size=(2, 12, 3))).requires_grad_()
    dist, found = nearest_distance_torch(a, b, 0.8)
    assert found.any() and not found.all() and (dist[~found] == 0.8).all()
    assert torch.autograd.gradcheck(lambda x, y: nearest_distance_torch(x, y, 0.8)[0], (a, b))
    coincident = nearest_distance_torch(a, a.detach().clone(), 0.8)[0]
    coincident.sum().backward()
    assert torch.isfinite(a.grad).all()
