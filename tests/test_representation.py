"""The canonical representation: exact both ways, by both roads, and indifferent to where on the floor the dance is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from interdance.errors import InputError
from interdance.representation import canonical, contact, floor
from interdance.representation.floor import FloorTransform
from interdance.representation.layout import INTEGRATED, LAYOUT, NUM_CHANNELS, NUM_POINTS

ANCHOR_P = np.zeros(NUM_POINTS, np.int64)
ANCHOR_P[25:40] = 20
ANCHOR_P[40:55] = 21
ANCHOR_P[60:114] = 20
ANCHOR_P[300:354] = 21


def dancer(num_frames: int = 40, seed: int = 0, turns: float = 1.5, dtype: type = np.float64) -> np.ndarray:
    """Random points that turn and travel as one: (T, 710, 3), facing yaw 0.4 in frame 0."""
    rng = np.random.default_rng(seed)
    shape = rng.normal(scale=0.4, size=(NUM_POINTS, 3)) + [0.0, 1.0, 0.0]
    for left, right, height in ((1, 2, 0.9), (16, 17, 1.4)):
        shape[left], shape[right] = (0.15, height, 0.0), (-0.15, height, 0.0)
    wobble = np.cumsum(rng.normal(scale=0.004, size=(num_frames, NUM_POINTS, 3)), axis=0)
    wobble[:, [1, 2, 16, 17]] = 0.0
    place = np.cumsum(rng.normal(scale=0.02, size=(num_frames, 3)), axis=0) * [1.0, 0.1, 1.0] + [3.0, 0.0, -2.0]
    yaw = torch.from_numpy(0.4 + np.linspace(0.0, 2 * math.pi * turns, num_frames))
    turned = floor.turn_points(torch.from_numpy(shape + wobble), yaw).numpy()
    return (turned + place[:, None]).astype(dtype)


def labels(num_frames: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((num_frames, 4)) < 0.5, rng.random((num_frames, NUM_POINTS)) < 0.1


def encoded(points: np.ndarray) -> np.ndarray:
    return canonical.encode(points, *labels(len(points)), ANCHOR_P)


def test_layout_covers_every_channel_once() -> None:
    stops = [0]
    for piece in LAYOUT.slices.values():
        assert piece.start == stops[-1]
        stops.append(piece.stop)
    assert stops == [0, 3, 4, 5, 7, 169, 2134, 4264, 4268, 4978]
    assert NUM_CHANNELS == 4978


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("integrate", [False, True])
def test_decode_undoes_encode(dtype: type, integrate: bool) -> None:
    points = dancer(600, turns=7.3, dtype=dtype)
    x = encoded(points)
    assert x.dtype == dtype
    assert np.abs(canonical.decode(x, ANCHOR_P, integrate=integrate) - points).max() < 1e-5


def test_channels_say_what_the_layout_says() -> None:
    points = dancer(30)
    x = encoded(points)
    psi = 0.4 + np.linspace(0.0, 3 * math.pi, 30)
    np.testing.assert_allclose(x[:, 3], -psi / 2, atol=1e-9)
    np.testing.assert_allclose(x[:, 4].cumsum(), x[:, 3], atol=1e-9)
    np.testing.assert_allclose(x[0, 5:7], points[0, 0, [0, 2]])
    np.testing.assert_allclose(x[1:, 5:7], np.diff(points[:, 0, [0, 2]], axis=0))
    frame, joint, finger = 11, 15, 30
    cos, sin = math.cos(2 * x[frame, 3]), math.sin(2 * x[frame, 3])

    def turned(vector: np.ndarray) -> list[float]:
        return [cos * vector[0] + sin * vector[2], vector[1], -sin * vector[0] + cos * vector[2]]

    joints = x[:, LAYOUT["joints"]].reshape(30, 54, 3)
    floor = points[frame, 0] * [1.0, 0.0, 1.0]
    np.testing.assert_allclose(joints[frame, joint - 1], turned(points[frame, joint] - floor), atol=1e-12)
    np.testing.assert_allclose(joints[frame, finger - 1], turned(points[frame, finger] - points[frame, 20]), atol=1e-12)
    velocities = x[:, LAYOUT["point_velocities"]].reshape(30, NUM_POINTS, 3)
    np.testing.assert_allclose(velocities[frame, 500], turned(points[frame, 500] - points[frame - 1, 500]), atol=1e-12)
    np.testing.assert_array_equal(velocities[0], velocities[1])
    hips = joints[:, 0] - joints[:, 1]
    np.testing.assert_allclose(hips[:, 2], 0.0, atol=1e-9)  # forward is +Z: left hip is at +X of the right
    assert (hips[:, 0] > 0).all()
    np.testing.assert_array_equal(x[:, LAYOUT.labels], np.concatenate(labels(30), axis=1))


def test_yaw_is_continuous_and_held_where_there_is_none() -> None:
    points = dancer(50, turns=4.0)
    psi = floor.facing(points)
    assert np.abs(np.diff(psi)).max() < 0.6
    assert psi[-1] - psi[0] == pytest.approx(8 * math.pi)
    broken = points.copy()
    upright = np.array([0.0, 1.0, 0.0])
    for frame in (0, 1, 20, 21):
        for left, right in ((1, 2), (16, 17)):
            broken[frame, left], broken[frame, right] = broken[frame, 0] + upright, broken[frame, 0] - upright
    held = floor.facing(broken)
    np.testing.assert_allclose(held[[20, 21]], held[19])
    np.testing.assert_allclose(held[[0, 1]], held[2])
    assert np.abs(canonical.decode(encoded(broken), ANCHOR_P) - broken).max() < 1e-9
    broken[:, [1, 2, 16, 17]] = 0.0
    np.testing.assert_array_equal(floor.facing(broken), 0.0)


def test_rebase_is_encoding_the_moved_dancer() -> None:
    points = torch.from_numpy(np.stack([dancer(20, seed=seed) for seed in range(3)]))
    transform = FloorTransform(torch.tensor([0.3, -2.0, 1.1]).double(), torch.randn(3, 2, dtype=torch.float64))
    x = canonical.encode(points, None, None, ANCHOR_P)
    moved = canonical.encode(transform.points(points), None, None, ANCHOR_P)
    rebased = canonical.rebase(x, transform)
    turns = (rebased[:, 0, 3] - moved[:, 0, 3]) / math.pi  # the yaw may start on another branch
    torch.testing.assert_close(turns, turns.round(), atol=1e-9, rtol=0)
    moved[..., 3] += math.pi * turns.round()[:, None]
    moved[:, 0, 4] += math.pi * turns.round()
    torch.testing.assert_close(rebased, moved, atol=1e-9, rtol=0)
    changed = (rebased != x).any(dim=0).any(dim=0)
    assert not changed[INTEGRATED.stop :].any()
    for integrate in (False, True):
        points_again = canonical.decode(rebased, ANCHOR_P, integrate=integrate)
        torch.testing.assert_close(points_again, transform.points(points), atol=1e-9, rtol=0)


def test_transforms_compose_and_invert() -> None:
    points = torch.from_numpy(np.stack([dancer(2, seed=seed) for seed in range(4)]))
    first, second = (FloorTransform(torch.randn(4).double(), torch.randn(4, 2).double()) for _ in range(2))
    torch.testing.assert_close(second.compose(first).points(points), second.points(first.points(points)))
    torch.testing.assert_close(first.inverse().points(first.points(points)), points)
    torch.testing.assert_close(FloorTransform.identity().points(points), points)
    again = FloorTransform.from_tensor(first.to_tensor())
    assert torch.equal(again.angle, first.angle) and torch.equal(again.offset, first.offset)


def test_leader_frame_is_the_origin_facing_forward() -> None:
    x = encoded(dancer(20, dtype=np.float32))
    frame = canonical.leader_frame(x)
    rebased = canonical.rebase(x, frame)
    np.testing.assert_array_equal(rebased[0, [0, 2, 3, 4, 5, 6]], 0.0)
    points = canonical.decode(rebased, ANCHOR_P)
    assert floor.facing(points)[0] == pytest.approx(0.0, abs=1e-6)
    back = frame.inverse().points(points)
    assert np.abs(back - dancer(20)).max() < 1e-5


def test_clip_is_encoding_the_part() -> None:
    points = dancer(40)
    whole = canonical.encode(points, None, None, ANCHOR_P)
    part = canonical.clip(whole, 13, 30)
    alone = canonical.encode(points[13:30], None, None, ANCHOR_P)
    shift = np.round((part[0, 3] - alone[0, 3]) / math.pi) * math.pi
    alone[:, 3] += shift
    alone[0, 4] += shift
    np.testing.assert_allclose(part, alone, atol=1e-12)
    assert whole[13, 4] != part[0, 4]  # a copy


@pytest.mark.parametrize("psi", [-9.0, -1.6, -1.5, 0.0, 3.1, 3.2, 4.7, 4.8, 40.0])
def test_yaw_branch(psi: float) -> None:
    points = FloorTransform(torch.tensor(psi).double(), torch.zeros(2).double()).points(dancer(15))
    x = encoded(points)
    x[:, 3] += 5 * math.pi
    x[0, 4] += 5 * math.pi
    branch = canonical.on_yaw_branch(x)
    assert -math.pi / 2 <= -2 * branch[0, 3] < 3 * math.pi / 2
    assert np.abs(canonical.decode(branch, ANCHOR_P) - points).max() < 1e-9
    assert np.abs(canonical.decode(branch, ANCHOR_P, integrate=True) - points).max() < 1e-9


def test_wrists_are_told_from_the_root_whatever_their_own_anchor() -> None:
    points, anchors = dancer(8), ANCHOR_P.copy()
    anchors[20], anchors[21] = 20, 21
    x = canonical.encode(points, None, None, anchors)
    assert np.abs(canonical.decode(x, anchors) - points).max() < 1e-9


def test_decode_and_rebase_pass_gradients() -> None:
    x = torch.from_numpy(encoded(dancer(3))).requires_grad_()
    weights = torch.randn(3, NUM_POINTS, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    angle = torch.tensor(0.7).double().requires_grad_()
    for integrate in (False, True):

        def loss(x: torch.Tensor, angle: torch.Tensor, integrate: bool = integrate) -> torch.Tensor:
            moved = canonical.rebase(x, FloorTransform(angle, torch.tensor([1.0, 2.0]).double()))
            return (canonical.decode(moved, ANCHOR_P, integrate=integrate) * weights).sum()

        gradient, turned = torch.autograd.grad(loss(x, angle), (x, angle))
        assert gradient[..., LAYOUT.labels].abs().max() == 0
        step = 1e-6
        for row, channel in ((0, 0), (1, 3), (2, 4), (1, 6), (1, 7 + 3 * 19), (2, 7 + 3 * 30 + 1), (0, 2000)):
            nudge = torch.zeros_like(x)
            nudge[row, channel] = step
            numeric = (loss(x + nudge, angle) - loss(x - nudge, angle)) / (2 * step)
            assert float(numeric.detach()) == pytest.approx(float(gradient[row, channel]), rel=1e-5, abs=1e-6)
        numeric = (loss(x, angle + step) - loss(x, angle - step)) / (2 * step)
        assert float(numeric.detach()) == pytest.approx(float(turned), rel=1e-5)


def test_bad_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="710"):
        canonical.encode(np.zeros((5, 55, 3)), None, None, ANCHOR_P)
    with pytest.raises(InputError, match="710"):
        canonical.decode(np.zeros((5, NUM_CHANNELS)), ANCHOR_P[:55])
    single = canonical.encode(dancer(1), None, None, ANCHOR_P)
    np.testing.assert_allclose(canonical.decode(single, ANCHOR_P), dancer(1), atol=1e-12)


def test_feet_stand_when_low_and_slow() -> None:
    joints = np.zeros((100, 55, 3))
    joints[:, [7, 8], 1], joints[:, [10, 11], 1] = 0.09, 0.02
    found = contact.foot_contact(joints, 30.0, height=0.05, speed=0.25)
    assert found.all()
    joints[40:60, 7, 1] += 0.06  # lifted
    joints[40:60, 11, 0] += 0.01 * np.arange(20)  # dragged along the floor at 0.3 m/s
    joints[60:, 11, 0] = joints[59, 11, 0]
    found = contact.foot_contact(joints, 30.0, height=0.05, speed=0.25)
    assert not found[40:61, 0].any() and found[61:, 0].all() and found[:40, 0].all()
    assert not found[41:60, 3].any() and found[60:, 3].all()
    assert found[:, 1:3].all()


def test_partner_contact_is_the_distance_to_the_nearest_point() -> None:
    rng = np.random.default_rng(5)
    a = rng.normal(scale=0.3, size=(12, 80, 3))
    b = rng.normal(scale=0.3, size=(12, 70, 3)) + [0.5, 0.0, 0.0]
    b[3] += 50.0  # nowhere near
    distance = np.linalg.norm(a[:, :, None] - b[:, None], axis=-1)
    contact_a, contact_b = contact.partner_contacts(a, b, 0.08)
    np.testing.assert_array_equal(contact_a, distance.min(axis=2) < 0.08)
    np.testing.assert_array_equal(contact_b, distance.min(axis=1) < 0.08)
    assert contact_a.any() and not contact_a[3].any()
    np.testing.assert_array_equal(contact.partner_contact(b, a, 0.08), contact_b)
    with pytest.raises(InputError, match="frames"):
        contact.partner_contacts(a, b[:5], 0.08)
