"""Marker files and marker sets: C3D, units and axes, places on the skin, and from a file to a motion."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import c3d
import igl
import numpy as np
import pytest
import trimesh
from conftest import shared

from benchmarks.seeds import DEC, INTEL, MIPS, c3d_bytes, dance, write_bvh
from interdance.body.model import Body
from interdance.body.skeleton import INDEX, JOINT_NAMES, MIRROR
from interdance.errors import InputError
from interdance.mocap import markers
from interdance.mocap.c3d import read_c3d
from interdance.mocap.capture import fit_file, read_joints
from interdance.mocap.markers import (
    find_marker_set,
    landmarks,
    load_marker_set,
    render_markers,
    shipped_marker_sets,
)
from interdance.mocap.world import AXES, find_up, to_y_up
from interdance.takes import write_motion

RNG = np.random.default_rng(5)
NAMES = [f"M{k}x" for k in range(8)]
SOME = RNG.uniform(0, 1700, (12, 8, 3))
"""Millimetres, +z up, as marker systems have it."""


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


@pytest.fixture(scope="module")
def seen(body: Body) -> np.ndarray:
    """The 41 markers of two seconds of dancing, metres, +Y up."""
    return render_markers(dance(60), load_marker_set("cmu41").on(body), body)


def write(path: Path, labels: list[str], positions_TM3: np.ndarray, *args: float, **options: object) -> Path:
    path.write_bytes(c3d_bytes(labels, positions_TM3, *args, **options))
    return path


def library(path: Path) -> np.ndarray:
    """The samples as the package `c3d` decodes them, frame by frame: (T, M, 5)."""
    with path.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.stack([points for _, points, _ in c3d.Reader(stream).read_frames()])


# ----------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("processor", [INTEL, DEC, MIPS])
@pytest.mark.parametrize("real", [True, False])
def test_c3d_of_every_processor_and_form(tmp_path, processor, real):
    positions = SOME.copy()
    positions[3, 5] = np.nan
    path = write(
        tmp_path / "a.c3d", NAMES, positions, 100.0, processor=processor, real=real, num_analog=6, first_frame=21
    )  # fmt: skip
    take = read_c3d(path, up="+z")
    assert (take.names, take.fps, take.first_frame) == (tuple(NAMES), 100.0, 20)
    assert take.positions_TM3.dtype == np.float32
    wanted = np.stack([positions[..., 0], positions[..., 2], -positions[..., 1]], axis=-1) / 1000
    np.testing.assert_allclose(take.positions_TM3, wanted, atol=1e-6 if real else 6e-5)
    assert np.isnan(take.positions_TM3).sum() == 3 and take.facts["missing"] == pytest.approx(1 / 96)


@pytest.mark.parametrize("name", ["cmu_85_02", "cmu_85_12", "hdm05_mm_01-02_03", "numediart_rolling_gaps"])
def test_real_files_are_read_as_the_package_reads_them(name):
    path = shared("data", "c3d", f"{name}.c3d")
    take = read_c3d(path)
    theirs = library(path)[:, -len(take.names) :, :3]  # HDM05's three nameless ones come first
    there = np.isfinite(take.positions_TM3).all(axis=2)
    assert take.facts["up"] == "+z"
    np.testing.assert_allclose(take.positions_TM3[there], (theirs @ to_y_up("+z").T / 1000)[there], atol=1e-6)
    assert (theirs[~there] == 0).all()


def test_facts_of_the_real_files():
    gaps = read_c3d(shared("data", "c3d", "numediart_rolling_gaps.c3d"))
    assert (len(gaps.names), gaps.num_frames, gaps.fps, gaps.first_frame) == (68, 2305, 175.0, 1367)
    assert gaps.facts["missing"] == pytest.approx(0.23, abs=0.005)
    assert not np.isfinite(gaps.positions_TM3).all(axis=(1, 2)).any()  # no complete frame
    assert gaps.facts["up_stated"] == "-Z"  # wrong, as the floor tells
    hdm = read_c3d(shared("data", "c3d", "hdm05_mm_01-02_03.c3d"))
    assert hdm.facts["unlabelled"] == ["*0", "*1", "*2"] and hdm.unlabelled_TU3.shape == (3990, 3, 3)
    assert hdm.facts["subjects"] == ["meinard"] and "LFHD" in hdm.names and len(hdm.names) == 41


def test_more_than_255_labels(tmp_path):
    names = [f"S:P{k:03d}" for k in range(600)]
    take = read_c3d(write(tmp_path / "a.c3d", names, RNG.uniform(0, 1700, (4, 600, 3))))
    assert take.names == tuple(name[2:] for name in names)


def test_nameless_doubled_and_modelled_columns_are_kept_apart(tmp_path):
    labels = ["Ann:LFHD", "*3", "", "U_7", "Ann:LFHD", "Ann:RFHD", "unlabeled_2", "Ann:C7"]
    take = read_c3d(write(tmp_path / "a.c3d", labels, SOME))
    assert take.names == ("LFHD", "RFHD", "C7")
    assert take.facts["unlabelled"] == ["*3", "", "U_7", "Ann:LFHD", "unlabeled_2"]
    assert take.unlabelled_TU3.shape == (12, 5, 3)


def test_markers_of_two_people_need_a_name(tmp_path):
    labels = ["Ann:A", "Bob:A", "Ann:B", "Bob:B", "Ann:C", "Bob:C", "Ann:D", "*1"]
    path = write(tmp_path / "a.c3d", labels, SOME)
    with pytest.raises(InputError, match=r"2 people \(Ann, Bob\)"):
        read_c3d(path)
    with pytest.raises(InputError, match="no markers of 'Eve'"):
        read_c3d(path, subject="Eve")
    take = read_c3d(path, subject="Bob", up="+y")
    assert take.names == ("A", "B", "C") and take.facts["unlabelled"] == ["*1"]
    np.testing.assert_allclose(take.positions_TM3, SOME[:, [1, 3, 5]] / 1000, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: b"", "not a C3D file"),
        (lambda d: b"RIFF" + d[4:], "not a C3D file"),
        (lambda d: d[:700], "not a C3D file"),
        (lambda d: d[:-900], "it was cut"),
        (lambda d: bytes([40]) + d[1:], "it was cut"),
        (lambda d: d[:2] + b"\xff" + d[3:], "markers by the header and"),
        (lambda d: d[:515] + b"\x07" + d[516:], "unknown processor"),
        (lambda d: d + b"\1" * 5000, "frames are promised, but data for"),
        (lambda d: d[:20] + b"\0\0\x80\x7f" + d[24:], "inf frames per second by the header and 120 by POINT:RATE"),
        (lambda d: d[:12] + b"\0\0\0\0" + d[16:], "SCALE is -0.1, the header says 0"),
        (lambda d: d.replace(b"mm", b"ft", 1), "are no person"),
        (lambda d: d.replace(b"M0x", b"*00").replace(b"M", b"*"), "none of its 8 markers is labelled"),
    ],
)  # fmt: skip
def test_defective_files_are_refused_with_one_sentence(tmp_path, change, says):
    path = tmp_path / "bad.c3d"
    path.write_bytes(change(c3d_bytes(NAMES, SOME)))
    with pytest.raises(InputError, match=says) as refused:
        read_c3d(path)
    assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)


def test_a_file_without_any_marker_seen_is_refused_and_far_samples_are_missing(tmp_path):
    with pytest.raises(InputError, match="no marker of it was seen"):
        read_c3d(write(tmp_path / "a.c3d", NAMES, np.full((5, 8, 3), np.nan)))
    positions = SOME.copy()
    positions[2, 3, 1], positions[4, 4, 0] = 1e12, np.inf
    take = read_c3d(write(tmp_path / "b.c3d", NAMES, positions))
    assert np.isnan(take.positions_TM3[2, 3]).all() and np.isnan(take.positions_TM3[4, 4]).all()
    assert take.facts["too_far"] == 1 and np.isnan(take.positions_TM3).sum() == 6


# ----------------------------------------------------------------------------------------------------- units, axes, rate


@pytest.mark.parametrize("up", AXES)
def test_up_is_found_and_can_be_told(tmp_path, seen, up):
    names = list(load_marker_set("cmu41").places)
    floor = np.nanmin(seen[..., 1], axis=1).mean()
    turned = (seen - [0, floor, 0]) @ to_y_up(up) * 1000  # rows: ours -> theirs
    path = write(tmp_path / "a.c3d", names, turned, 30.0, screen="+Y")
    take = read_c3d(path)
    assert (take.facts["up"], take.facts["up_from"]) == (up, "the lowest markers keep to a floor at zero")
    np.testing.assert_allclose(take.positions_TM3, seen - np.float32([0, floor, 0]), atol=1e-5)
    raised = write(tmp_path / "b.c3d", names, turned + to_y_up(up).T @ [0, 2500.0, 0], 30.0)  # the floor is elsewhere
    assert (read_c3d(raised).facts["up"], read_c3d(raised).facts["up_from"]) == (up, "heads are over feet")
    assert read_c3d(path, up="-y").facts["up"] == "-y"
    with pytest.raises(InputError, match="'upwards' is not a direction"):
        read_c3d(path, up="upwards")


def test_up_is_what_the_file_says_when_nothing_tells():
    cloud = RNG.normal(size=(50, 9, 3))
    assert find_up(cloud, ["a"] * 9, "-X") == ("-x", "the file says so")
    assert find_up(cloud, ["a"] * 9) == ("+z", "nothing tells, and most systems have it so")


@pytest.mark.parametrize("axis", AXES)
def test_axes_turn_and_do_not_mirror(axis):
    matrix = to_y_up(axis)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3))
    assert np.linalg.det(matrix) == pytest.approx(1.0)
    direction = np.zeros(3)
    direction["xyz".index(axis[1])] = 1.0 if axis[0] == "+" else -1.0
    np.testing.assert_allclose(matrix @ direction, [0, 1, 0])


@pytest.mark.parametrize(("stated", "metres"), [("mm", 0.001), ("cm", 0.01), ("M", 1.0), ("Inches", 0.0254), ("", 0.01)])
def test_units(tmp_path, seen, stated, metres):
    names = list(load_marker_set("cmu41").places)
    path = write(tmp_path / "a.c3d", names, seen / metres, 30.0, units=stated)
    take = read_c3d(path, up="+y")
    np.testing.assert_allclose(take.positions_TM3, seen, atol=1e-4)
    assert take.facts["unit_from"] == ("the file says so" if stated else "a person's size")
    assert read_c3d(path, up="+y", unit="ft" if metres == 1.0 else "cm").facts["unit_from"] == "as told"
    with pytest.raises(InputError, match="unit 'furlong' is unknown"):
        read_c3d(path, unit="furlong")


def test_the_rate_can_be_told(tmp_path):
    path = write(tmp_path / "a.c3d", NAMES, SOME, 30.0)
    assert read_c3d(path).fps == 30.0
    take = read_c3d(path, fps=29.97)
    assert (take.fps, take.facts["fps_from"]) == (29.97, "as told")


# ------------------------------------------------------------------------------------------------------------------ sets


def test_a_ray_leaves_a_ball_where_it_must():
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.3)
    vertices, faces = np.asarray(ball.vertices) + [1.0, 2.0, 3.0], np.asarray(ball.faces)
    start, toward = np.array([1.05, 2.0, 2.9]), np.array([0.3, 0.2, 0.7])
    skin = markers._Skin(vertices, faces)
    hit = skin.leave(start, toward)
    point = hit[1] @ vertices[hit[0]]
    u, d = toward / np.linalg.norm(toward), start - [1.0, 2.0, 3.0]
    length = -(d @ u) + np.sqrt((d @ u) ** 2 - d @ d + 0.09)
    np.testing.assert_allclose(point, start + length * u, atol=1e-3)
    assert skin.leave(np.array([3.0, 2.0, 3.0]), np.array([1.0, 0, 0])) is None


@pytest.mark.parametrize(("name", "count"), [("cmu41", 41), ("hdm05", 41), ("production53", 53), ("qualisys68", 68)])
def test_sets_have_their_markers_just_over_the_skin(body, name, count):
    marker_set = load_marker_set(name)
    points = marker_set.on(body)
    assert len(points.names) == count == len(set(points.names))
    np.testing.assert_allclose(points.weights_M3.sum(axis=1), 1.0)
    vertices = body.model.v_template.numpy().astype(np.float64)
    distance = np.sqrt(igl.point_mesh_squared_distance(points.positions(vertices[None])[0], vertices, body.faces)[0])
    assert (distance <= points.offset_m_M + 1e-6).all()  # not below what was asked for ...
    assert (distance >= 0.7 * points.offset_m_M).all()  # ... and not near another part of the body


def test_landmarks_are_anatomy_not_vertices(body):
    """On a body whose vertices are numbered otherwise every landmark is at the same place."""
    order = np.random.default_rng(1).permutation(body.num_vertices)
    place = np.argsort(order)
    other = SimpleNamespace(
        faces=place[body.faces][::-1],
        body_hash="other",
        vertices=lambda motion: body.vertices(motion)[:, order],
        rest_joints=body.rest_joints,
    )
    vertices = body.model.v_template.numpy()[None]
    for name in ("ssm", "qualisys68"):
        ours, theirs = load_marker_set(name).on(body), load_marker_set(name).on(other)
        np.testing.assert_allclose(ours.positions(vertices), theirs.positions(vertices[:, order]), atol=1e-6)


def test_landmarks_are_where_anatomy_has_them(body):
    points = load_marker_set("production53").on(body)
    vertices = body.model.v_template.numpy()[None]
    place = dict(zip(points.names, points.positions(vertices)[0], strict=True))
    joint = dict(zip(JOINT_NAMES, body.rest_joints(np.zeros(10)), strict=True))
    assert place["ARIEL"][1] == max(item[1] for item in place.values())
    for side, sign in (("L", 1.0), ("R", -1.0)):
        for name in ("FHD", "FSH", "FWT", "TOE"):  # in front of ...
            behind = {"FHD": "BHD", "FSH": "BSH", "FWT": "BWT", "TOE": "HEL"}[name]
            assert place[side + name][2] > place[side + behind][2] + 0.05
        outer, inner = place[side + "KNE"], place[side + "KNI"]
        assert sign * (outer[0] - inner[0]) > 0.08 and abs(outer[1] - inner[1]) < 0.01
        assert place[side + "ELB"][1] > joint["left_elbow"][1] > place[side + "IEL"][1]
        assert place[side + "IWR"][2] > joint["left_wrist"][2] > place[side + "OWR"][2]
        assert sign * (place[side + "MT5"][0] - place[side + "MT1"][0]) > 0.05
        assert place[side + "FWT"][1] > joint["left_hip"][1]
    for left, right in ((name, "R" + name[1:]) for name in place if name[0] == "L"):
        np.testing.assert_allclose(place[left] * [-1, 1, 1], place[right], atol=0.01)
    assert [JOINT_NAMES[MIRROR[INDEX[key]]] for key in landmarks()["left acromion"]["from"]] == list(
        landmarks()["right acromion"]["from"]
    )


@pytest.mark.parametrize("name", shipped_marker_sets())
def test_sets_are_found_by_names_and_distances(body, name):
    marker_set = load_marker_set(name)
    seen = render_markers(dance(5), marker_set.on(body), body, 0.002, 0.1, np.random.default_rng(0))
    for style in ("{}", "Subject_{}", "{} "):
        labels = [style.format(marker.lower().replace("_", "-")) for marker in marker_set.places]
        assert marker_set.match(labels) == {marker: k for k, marker in enumerate(marker_set.places)}
    assert find_marker_set(Path("a.c3d"), labels[::-1], seen[:, ::-1], body).name == name


def test_strange_markers_have_no_set(body):
    with pytest.raises(InputError, match=r"^a\.c3d: no shipped marker set \(cmu41.*Foo"):
        find_marker_set(Path("a.c3d"), ["Foo", "Bar", "LFHD", "Baz"], np.zeros((3, 4, 3)), body)


def test_own_sets_by_landmark_ray_and_vertex(tmp_path, body):
    path = tmp_path / "own.yaml"
    path.write_text(
        f"offset_mm: 7\nbody: '{body.body_hash}'\naliases: {{X1: Hat}}\nmarkers:\n  Hat: head top\n"
        "  Pen: {at: right index knuckle, offset_mm: 20}\n  Nose: {from: {head: 1}, toward: [0, 0, 1]}\n"
        "  Dot: {vertex: 5000}\n"
    )
    marker_set = load_marker_set(path)
    points = marker_set.on(body)
    np.testing.assert_allclose(points.offset_m_M, [0.007, 0.020, 0.007, 0.007])
    vertices = body.model.v_template.numpy()
    np.testing.assert_allclose(points.weights_M3[3] @ vertices[points.vertices_M3[3]], vertices[5000], atol=1e-7)
    assert marker_set.match(["x1", "nose", "pen", "q"]) == {"Hat": 0, "Nose": 1, "Pen": 2}
    path.write_text(path.read_text().replace(body.body_hash, "0123456789abcdef"))
    with pytest.raises(InputError, match="Dot: vertex 5000 is meant for the body 0123456789abcdef"):
        load_marker_set(path).on(body)


LAUGHS = "a: &a [x, x]\n" + "\n".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
"""Two names that unfold to a billion."""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        ("x: 1", "a mapping 'markers'"),
        ("markers: {}", "a mapping 'markers'"),
        ("markers: {A: head top}\nsize: 3", "'size': unknown key"),
        ("markers: {A: hed top}", "no landmark of landmarks.yaml .*head top"),
        ("markers: {A: 3}", "a landmark, or a mapping"),
        ("markers: {A: {at: head top, of: 3}}", "a landmark, or a mapping"),
        ("markers: {A: {from: {head: 0.5}, toward: [0, 0, 1]}}", "add up to 0.5"),
        ("markers: {A: {from: {hed: 1}, toward: [0, 0, 1]}}", "weights of SMPL-X joints"),
        ("markers: {A: {from: {head: 1}, toward: [0, 0, 0]}}", "not all zero"),
        ("markers: {A: {from: {head: 1}, toward: [0, 0, .inf]}}", "three numbers"),
        ("markers: {A: {vertex: 3}}", "the 'body'"),
        ("markers: {A: head top}\noffset_mm: -1", "between 0 and 200"),
        ("markers: {A: head top}\naliases: {B: C}", "aliases"),
        (LAUGHS + "\nmarkers: {A: *j}", "unknown key"),
        ("markers: {A: &a {at: *a}}", "not valid YAML|no landmark"),
    ],
)
def test_set_files_are_checked(tmp_path, text, says):
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as refused:
        load_marker_set(path)
    assert len(str(refused.value)) < 600 and "\n" not in str(refused.value)
    with pytest.raises(InputError, match="nor a shipped set"):
        load_marker_set("nosuch")


def test_rendered_markers_ride_on_the_skin_and_hide_in_gaps(body):
    motion, points = dance(150), load_marker_set("cmu41").on(body)
    clean = render_markers(motion[:3], points, body)
    vertices = body.vertices(motion, slice(0, 3)).astype(np.float64)
    skin = np.einsum("tmkc,mk->tmc", vertices[:, points.vertices_M3], points.weights_M3)
    np.testing.assert_allclose(np.linalg.norm(clean - skin, axis=2), np.tile(points.offset_m_M, (3, 1)), atol=1e-5)
    some = points.only(["LFHD", "C7", "RTOE"])
    first, second = (render_markers(motion, some, body, 0.003, 0.25, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    hidden = np.isnan(first[..., 0])
    assert 0.15 < hidden.mean() < 0.4
    assert (hidden[1:] & ~hidden[:-1]).sum() < 0.3 * hidden.sum()  # in runs, not one by one
    noise = (first - render_markers(motion, some, body))[~hidden]
    assert noise.std() == pytest.approx(0.003, rel=0.1)


# --------------------------------------------------------------------------------------------------------------- captures


def test_a_marker_file_with_noise_and_gaps_gives_the_motion_back(tmp_path, body):
    """2 mm of noise, a quarter of the samples missing, through a C3D file in millimetres and +z up: joints within 12 mm."""
    motion, marker_set = dance(90), load_marker_set("cmu41")
    seen = render_markers(motion, marker_set.on(body), body, 0.002, 0.25, np.random.default_rng(2))
    floor = np.nanmin(seen[..., 1], axis=1).mean()
    seen = (seen - np.float32([0, floor, 0])) @ to_y_up("+z").astype(np.float32) * 1000
    labels = [f"Ann:{name}" for name in marker_set.places]
    path = write(tmp_path / "a.c3d", [*labels, "*0", "Ann:Bracelet"], np.pad(seen, ((0, 0), (0, 2), (0, 0)), "edge"), 30.0)
    capture = fit_file(path, body)
    assert capture.facts["marker_set"] == "cmu41" and capture.facts["unknown"] == ["Bracelet"]
    assert capture.facts["unlabelled"] == ["*0"] and capture.facts["absent"] == []
    assert 0.15 < capture.facts["residuals"]["missing"] < 0.35
    assert capture.facts["residuals"]["points"]["LFHD"]["mean"] < 0.01
    json.dumps(capture.facts, allow_nan=False)
    assert capture.motion.num_frames == 90 and capture.motion.fps == 30.0
    error = body.joints(capture.motion)[:, :22] + np.float32([0, floor, 0]) - body.joints(motion)[:, :22]
    assert np.linalg.norm(error, axis=2).mean() < 0.012


def test_joint_files(tmp_path, body):
    joints = body.joints(dance(20))
    np.save(tmp_path / "a.npy", joints[:, :22])
    take = read_joints(tmp_path / "a.npy", fps=30.0)
    assert take.ids == tuple(range(22)) and take.names[4] == "left_knee" and take.facts["up"] == "+y"
    np.testing.assert_allclose(take.positions_TK3, joints[:, :22], atol=1e-6)
    chosen = [0, 1, 2, 4, 5, 7, 8, 12, 15, 16, 17, 18, 19, 20, 21]
    theirs = joints[:, [*chosen, 40]] @ to_y_up("-z").astype(np.float32) * 1000
    theirs[3, 2] = np.nan
    np.save(tmp_path / "b.npy", theirs)
    names = [JOINT_NAMES[k] for k in chosen]
    (tmp_path / "b.json").write_text(json.dumps({"joints": [*names, None], "fps": 30, "units": "mm", "up": "-z"}))
    take = read_joints(tmp_path / "b.npy", tmp_path / "b.json")
    assert take.ids == tuple(chosen) and take.fps == 30.0 and take.facts["left_out"] == [15]
    np.testing.assert_allclose(np.delete(take.positions_TK3, 3, 0), np.delete(joints[:, chosen], 3, 0), atol=1e-5)
    assert np.isnan(take.positions_TK3[3, 2]).all()
    fitted = fit_file(tmp_path / "b.npy", body, joint_map=tmp_path / "b.json", betas=np.zeros(10)).motion
    assert np.linalg.norm(body.joints(fitted)[:, chosen] - joints[:, chosen], axis=2).mean() < 0.01


@pytest.mark.parametrize(
    ("array", "values", "says"),
    [
        (np.zeros((5, 23, 3)), None, "23 joints; 22, 55 or 76"),
        (np.zeros((5, 22)), None, r"\(frames, joints, 3\)"),
        (np.zeros((0, 22, 3)), None, r"\(frames, joints, 3\)"),
        (np.array(["a"]), None, r"\(frames, joints, 3\)"),
        (np.zeros((5, 22, 3)), {"joints": ["pelvis"] * 22}, "column 1 is 'pelvis'; different"),
        (np.zeros((5, 22, 3)), {"joints": ["pelvis"]}, "1 joints, but a.npy has 22"),
        (np.zeros((5, 22, 3)), {"joints": [*range(21), 99]}, "'99'"),
        (np.zeros((5, 22, 3)), {"used_joints": [30], "smplx_joint_of_used": [0]}, "column 30"),
        (np.zeros((5, 22, 3)), {"used_joints": 4}, "'used_joints' and 'smplx_joint_of_used'"),
        (np.zeros((5, 22, 3)), [], "a JSON object"),
        (np.full((5, 22, 3), np.nan), None, "all positions are missing"),
        (np.zeros((5, 22, 3)), {"joints": list(range(22)), "fps": "fast"}, "frames per second are 'fast'"),
    ],
)
def test_defective_joint_files_are_refused(tmp_path, array, values, says):
    np.save(tmp_path / "a.npy", array)
    joint_map = None
    if values is not None:
        joint_map = tmp_path / "map.json"
        joint_map.write_text(json.dumps(values))
    with pytest.raises(InputError, match=says):
        read_joints(tmp_path / "a.npy", joint_map, fps=None if values else 30.0)


def test_skeletons_and_smplx_files_are_dancers_too(tmp_path, body):
    motion = dance(12)
    write_bvh(tmp_path / "a.bvh", motion, body, 0.01, "Ann:", "mixamo")
    fitted = fit_file(tmp_path / "a.bvh", body, up="z", rate=29.97, betas=motion.betas)
    assert fitted.motion.fps == 29.97 and fitted.facts["up"] == "+z" and fitted.facts["kind"] == "skeleton"
    assert fitted.facts["residuals"]["mean"] < 1e-4 and "skeleton mixamo by its rotations" in fitted.sentence
    json.dumps(fitted.facts, allow_nan=False)
    with pytest.raises(InputError, match="unit 'furlong' is unknown"):
        fit_file(tmp_path / "a.bvh", body, unit="furlong")
    with pytest.raises(InputError, match="state 'unit'"):
        fit_file(tmp_path / "a.bvh", body, unit="m")
    write_motion(tmp_path / "a.npz", motion)
    same = fit_file(tmp_path / "a.npz", body, rate=60.0).motion
    assert same.fps == 60.0
    np.testing.assert_array_equal(same.rotations_TJ3, motion.rotations_TJ3)


def test_a_joint_map_without_joints_is_refused(tmp_path, body):
    np.save(tmp_path / "a.npy", np.zeros((4, 3, 3), np.float32))
    for text in ('{"fps": 30, "joints": [null, null, null]}', '{"fps": 30, "used_joints": [], "smplx_joint_of_used": []}'):
        (tmp_path / "map.json").write_text(text)
        with pytest.raises(InputError, match="names no joint"):
            fit_file(tmp_path / "a.npy", body, joint_map=tmp_path / "map.json")


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"rate": 0.0}, "0 frames per second"),
        ({"rate": float("nan")}, "nan frames per second"),
        ({"up": "z"}, "read without up"),
        ({"unit": "mm", "subject": "Ann"}, "read without unit, subject"),
    ],
)
def test_what_cannot_be_told_of_a_file_is_refused(tmp_path, body, told, sentence):
    write_motion(tmp_path / "a.npz", dance(12))
    with pytest.raises(InputError, match=rf"a\.npz: .*{sentence}"):
        fit_file(tmp_path / "a.npz", body, **told)


@pytest.mark.parametrize("option", ["marker_set", "mapping", "subject"])
def test_options_of_other_files_are_refused(tmp_path, body, option):
    np.save(tmp_path / "a.npy", np.zeros((4, 22, 3), np.float32))
    with pytest.raises(InputError, match=rf"a\.npy: .* read without {option.replace('_', ' ')}"):
        fit_file(tmp_path / "a.npy", body, **{option: "one"})


def test_captures_of_another_kind_are_refused(tmp_path, body):
    with pytest.raises(InputError, match="read from .c3d, .npy, .bvh or .npz, not from '.fbx'"):
        fit_file(tmp_path / "a.fbx", body)
    few = write(tmp_path / "a.c3d", ["LFHD", "RFHD", "C7"], SOME[:, :3])
    with pytest.raises(InputError, match=r"^.*a\.c3d: .*too few markers"):
        fit_file(few, body, marker_set="cmu41")
    with pytest.raises(InputError, match="none of its markers .* is in the marker set optitrack"):
        fit_file(few, body, marker_set="optitrack")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "marker_set", "most"),
    [
        ("cmu_85_12", "cmu41", 10),
        ("cmu_85_02", "cmu41", 8),
        ("hdm05_mm_01-02_03", "hdm05", 6),
        ("numediart_rolling_gaps", "qualisys68", 12),
    ],
)
def test_real_marker_files_are_fitted(body, name, marker_set, most):
    """Mean residual in millimetres; the issue asks for 15 of ``cmu_85_12``."""
    capture = fit_file(shared("data", "c3d", f"{name}.c3d"), body)
    assert capture.facts["marker_set"] == marker_set and capture.facts["unknown"] == [] == capture.facts["absent"]
    assert capture.facts["residuals"]["mean"] * 1000 < most
    assert np.isfinite(capture.motion.rotations_TJ3).all()


@pytest.mark.slow
@pytest.mark.parametrize("who", ["p1", "p2"])
def test_the_joint_sample_is_fitted_with_its_fingers(body, who):
    folder = shared("data", "smplx")
    capture = fit_file(folder / f"interx_sample_{who}_joints.npy", body, joint_map=folder / "interx_sample_meta.json")
    points = capture.facts["residuals"]["points"]
    assert len(points) == 61 and capture.facts["residuals"]["mean"] < 0.008
    assert np.mean([values["mean"] for name, values in points.items() if "index" in name or "thumb" in name]) < 0.008
