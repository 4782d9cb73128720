"""Films, contact sheets and pages: drawn right, in time with the song, and true to the body."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from chromium import Chromium
from PIL import Image
from scipy.spatial.transform import Rotation

from interdance.body.meeting import Meeting, meet
from interdance.body.model import Body
from interdance.body.skeleton import JOINT_NAMES, LEFT_FINGERS, PARENTS, RIGHT_FINGERS
from interdance.errors import InputError
from interdance.export.cast import cast, check_together
from interdance.export.framing import frame_couple
from interdance.export.joined import join_pages
from interdance.export.page import write_page
from interdance.export.raster import Camera, Renderer, vertex_normals
from interdance.export.scene import VIEWS, Scene, View
from interdance.export.sheet import Sheet, choose_frames, write_sheet
from interdance.export.sound import SAMPLE_RATE, encode_mp3, read_stereo
from interdance.export.video import write_video
from interdance.metrics.interaction import contact_rates, penetration_rate
from interdance.takes import NUM_JOINTS, Joints, Motion
from tests.conftest import REPOSITORY
from tests.pages import bits, part, read_page

FPS = 30.0
NUM_FRAMES = 45
CLICK = 0.75  # seconds


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def _motion(seed: int, heading: float, forward: float, num_frames: int = NUM_FRAMES) -> Motion:
    """Smooth large motion of every joint, a dancer upright on the floor at a place."""
    random = np.random.default_rng(seed)
    time = np.arange(num_frames)[:, None, None] / FPS
    phase, size = random.uniform(0, 6, (1, NUM_JOINTS, 3)), random.uniform(0.05, 0.35, (1, NUM_JOINTS, 3))
    rotations = size * np.sin(3.0 * time + phase)
    rotations[:, 16, 2] -= 0.9
    rotations[:, 17, 2] += 0.9
    turn = Rotation.from_rotvec((heading + 2.5 * time[:, 0]) * [[0.0, 1.0, 0.0]])  # past half a turn: signs change
    rotations[:, 0] = (turn * Rotation.from_rotvec(0.3 * rotations[:, 0])).as_rotvec()
    translation = np.zeros((num_frames, 3))
    translation[:, 1], translation[:, 2] = 0.95, forward
    betas = random.normal(0, 1, 10)
    return Motion(rotations.astype(np.float32), translation.astype(np.float32), betas.astype(np.float32), FPS)


@pytest.fixture(scope="module")
def couple(body: Body) -> tuple[Motion, Motion]:
    motions = []
    for motion in (_motion(1, 0.0, 0.0), _motion(2, np.pi, 0.8)):
        lift = body.joints(motion)[:, :, 1].min() - 0.05
        motion.translation_T3[:, 1] -= lift
        motions.append(motion)
    return motions[0], motions[1]


@pytest.fixture(scope="module")
def figures(body: Body, couple) -> tuple[Joints, Joints]:
    """The couple as a system without body parameters would give them."""
    leader, follower = couple
    return Joints(body.joints(leader), FPS), Joints(body.joints(follower), FPS)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of near silence with one click."""
    path = tmp_path_factory.mktemp("song") / "click.wav"
    sound = 1e-3 * np.random.default_rng(0).normal(size=(2 * 44_100, 2))
    start = round(CLICK * 44_100)
    sound[start : start + 44] = 0.8
    soundfile.write(path, sound, 44_100)
    return path


# ------------------------------------------------------------------------------------------------------------- drawing


def _sphere(radius: float, place: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = 40, 80
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rows + 1), np.arange(columns) * 2 * np.pi / columns, indexing="ij"
    )
    unit = np.stack([np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], axis=2)
    a = (np.arange(rows)[:, None] * columns + np.arange(columns)).ravel()
    b = (np.arange(rows)[:, None] * columns + (np.arange(columns) + 1) % columns).ravel()
    faces = np.concatenate([np.stack([a, a + columns, b], 1), np.stack([b, a + columns, b + columns], 1)])
    return (radius * unit.reshape(-1, 3) + place).astype(np.float32), faces.astype(np.int32)


def _albedo(colour: tuple[float, float, float], count: int) -> np.ndarray:
    return np.tile(np.float32(colour), (count, 1))


def _draw(renderer: Renderer, vertices: np.ndarray, faces: np.ndarray, albedo: np.ndarray, camera: Camera) -> np.ndarray:
    return next(renderer.draw(vertices, faces, albedo, [camera], np.zeros(3)))


RED, BLUE = (0.8, 0.02, 0.02), (0.02, 0.02, 0.8)


def test_normals_of_a_sphere_point_outwards():
    vertices, faces = _sphere(0.5, (0.0, 0.0, 0.0))
    normals = vertex_normals(vertices, faces)
    inner = slice(80, -80)  # the poles are drawn of slivers without area
    assert np.abs(normals[inner] - vertices[inner] / 0.5).max() < 0.02


def test_a_sphere_covers_the_pixels_that_perspective_says():
    vertices, faces = _sphere(0.5, (0.0, 1.5, 0.0))
    camera = Camera(np.array([0.0, 1.5, 4.0]), np.array([0.0, 1.5, 0.0]), np.radians(40.0))
    image = _draw(Renderer(320, 240, 2), vertices, faces, _albedo(RED, len(vertices)), camera).astype(int)
    covered = (image[:, :, 0] - image[:, :, 2]) > 10
    focal = 120.0 / np.tan(np.radians(20.0))
    radius = focal * 0.5 / np.sqrt(4.0**2 - 0.5**2)  # of the cone that touches the sphere
    assert covered.sum() == pytest.approx(np.pi * radius**2, rel=0.02)
    rows, columns = np.nonzero(covered)
    assert rows.mean() == pytest.approx(119.5, abs=0.3) and columns.mean() == pytest.approx(159.5, abs=0.3)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_nearer_hides_what_is_farther(order: tuple[int, int]):
    meshes = [(*_sphere(0.3, (0.0, 1.5, 1.0)), RED), (*_sphere(0.6, (0.0, 1.5, -1.0)), BLUE)]
    vertices, faces, colours, start = [], [], [], 0
    for index in order:
        points, triangles, colour = meshes[index]
        vertices.append(points)
        faces.append(triangles + start)
        colours.append(_albedo(colour, len(points)))
        start += len(points)
    camera = Camera(np.array([0.0, 1.5, 4.0]), np.array([0.0, 1.5, 0.0]), np.radians(40.0))
    image = _draw(
        *(Renderer(160, 120), np.concatenate(vertices), np.concatenate(faces).astype(np.int32), np.concatenate(colours), camera)
    )
    middle, edge = image[60, 80].astype(int), image[60, 80 + 19].astype(int)
    assert middle[0] > middle[2] + 50, "the near red sphere is in the middle"
    assert edge[2] > edge[0] + 50, "the far blue one shows around it"


def test_a_body_above_the_floor_casts_a_shadow_and_frames_do_not_mix():
    vertices, faces = _sphere(0.4, (0.0, 0.5, 0.0))
    camera = Camera(np.array([0.0, 3.0, 4.0]), np.array([0.0, 0.2, 0.0]), np.radians(40.0))
    renderer = Renderer(160, 120)
    albedo = _albedo(RED, len(vertices))
    low = _draw(renderer, vertices, faces, albedo, camera)
    away = _draw(renderer, vertices + np.float32([50.0, 0.0, 0.0]), faces, albedo, camera)
    grey = (np.ptp(low.astype(int), axis=2) < 25) & (np.ptp(away.astype(int), axis=2) < 25)
    darker = away.astype(int).mean(axis=2) - low.astype(int).mean(axis=2)
    assert (darker[grey] > 30).sum() > 100
    assert not ((away[:, :, 0].astype(int) - away[:, :, 2]) > 30).any(), "nothing of the last picture is left"
    assert (_draw(renderer, vertices, faces, albedo, camera) == low).all()


@pytest.mark.parametrize("view", [*VIEWS.values(), View(75.0, 30.0)])
@pytest.mark.parametrize("size", [(1280, 720), (400, 800)])
def test_the_camera_keeps_every_joint_in_the_picture(body: Body, couple, view: View, size: tuple[int, int]):
    scene = Scene("film.mp4", cast(couple[0], [couple[1]]), body, *size, {"": view})
    joints = np.concatenate([body.joints(motion) for motion in couple], axis=1)
    for frame in range(0, NUM_FRAMES, 6):
        camera = scene.cameras[0][frame]
        seen = (joints[frame] - camera.position) @ camera.axes().T
        focal = 0.5 * size[1] / np.tan(camera.field_of_view / 2)
        assert (seen[:, 2] > 0.1).all()
        assert (np.abs(focal * seen[:, 0] / seen[:, 2]) < size[0] / 2).all()
        assert (np.abs(focal * seen[:, 1] / seen[:, 2]) < size[1] / 2).all()


def test_the_first_view_shows_a_facing_couple_side_by_side(body: Body):
    still = np.zeros((10, NUM_JOINTS, 3), np.float32)
    for heading in (0.3, 1.2, -2.0):
        turned = still.copy()
        turned[:, 0, 1] = heading
        motion = Motion(turned, np.zeros((10, 3), np.float32), np.zeros(10, np.float32), FPS)
        azimuth = frame_couple([body.joints(motion)], FPS).azimuth
        assert np.cos(azimuth - heading) == pytest.approx(0.0, abs=0.02)


# --------------------------------------------------------------------------------------------------------------- sound


def _click_time(sound_2N: np.ndarray, rate: int) -> float:
    return float(np.argmax(np.abs(sound_2N).max(axis=0) > 0.25) / rate)


def test_a_song_is_cut_or_followed_by_silence(song: Path):
    cut, padded = read_stereo(song, 1.0), read_stereo(song, 3.0)
    assert cut.shape == (2, SAMPLE_RATE) and padded.shape == (2, 3 * SAMPLE_RATE)
    assert _click_time(cut, SAMPLE_RATE) == pytest.approx(CLICK, abs=1e-3)
    assert not padded[:, 2 * SAMPLE_RATE + 10 :].any()


def test_mp3_keeps_the_time(song: Path, tmp_path: Path):
    path = tmp_path / "song.mp3"
    path.write_bytes(encode_mp3(read_stereo(song, 1.5)))
    again = read_stereo(path, 1.5)
    assert _click_time(again, SAMPLE_RATE) == pytest.approx(CLICK, abs=3e-3)


def test_songs_that_cannot_be_read_are_named(tmp_path: Path):
    broken = tmp_path / "song.ogg"
    broken.write_bytes(b"this is not a song, however long one looks at it" * 40)
    with pytest.raises(InputError, match=r"song\.ogg"):
        read_stereo(broken, 1.0)
    with pytest.raises(InputError, match="no such file"):
        read_stereo(tmp_path / "absent.wav", 1.0)


# ---------------------------------------------------------------------------------------------------------------- film


def test_a_film_has_every_frame_both_dancers_and_the_song_in_time(body: Body, couple, song: Path, tmp_path: Path):
    path, told = tmp_path / "film.mp4", []
    dancers, tell = cast(couple[0], [couple[1]]), lambda done, of: told.append((done, of))
    write_video(path, dancers, body, read_stereo(song, NUM_FRAMES / FPS), width=320, height=240, progress=tell)
    assert told == [(number + 1, NUM_FRAMES) for number in range(NUM_FRAMES)]
    with av.open(str(path)) as container:
        picture, voice = container.streams.video[0], container.streams.audio[0]
        assert (picture.codec_context.name, voice.codec_context.name) == ("h264", "aac")
        assert picture.average_rate == 30
        images = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(images) == NUM_FRAMES and images[0].shape == (240, 320, 3)
    for image in images[::20]:
        red, green, blue = image[:, :, 0], image[:, :, 1], image[:, :, 2]
        assert ((green > red + 40) & (green > blue + 40)).sum() > 300, "the leader is green"
        assert ((blue > red + 60) & (blue > green + 40)).sum() > 300, "the follower is blue"
    assert np.abs(images[0] - images[-1]).max() > 60, "they move"
    assert _click_time(read_stereo(path, 1.5), SAMPLE_RATE) == pytest.approx(CLICK, abs=5e-3)


def test_a_film_without_a_song_is_silent_and_has_the_rate_of_the_dance(body: Body, couple, tmp_path: Path):
    path = tmp_path / "film.mp4"
    leader = replace(couple[0], fps=29.97)
    write_video(path, cast(leader, []), body, None, width=64, height=48, views=["orbit"])
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == Fraction(2997, 100)
        assert sum(1 for _ in container.decode(video=0)) == NUM_FRAMES
        assert not container.streams.audio


def test_a_film_that_fails_leaves_nothing(body: Body, couple, song: Path, tmp_path: Path):
    def stop(done: int, of: int) -> None:
        raise RuntimeError("enough")

    path = tmp_path / "film.mp4"
    with pytest.raises(RuntimeError, match="enough"):
        write_video(path, cast(couple[0], [couple[1]]), body, read_stereo(song, 1.5), width=64, height=48, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_films_that_cannot_be_made_say_why(body: Body, couple, tmp_path: Path):
    path = tmp_path / "film.mp4"
    leader, follower = couple
    for change, words in (
        ({"width": 321, "height": 240}, "even numbers"),
        ({"views": ["sideways"]}, "follow, front"),
        ({"views": ["front", "front"]}, "each once"),
        ({"views": []}, "one or more"),
        ({"views": list(VIEWS), "width": 32}, "too few"),
        ({"follower": follower[:10]}, "45 frames"),
        ({"leader": leader[:0], "follower": None}, "no frames"),
        ({"leader": None, "follower": None}, "nobody"),
    ):
        keywords: dict[str, Any] = {"leader": leader, "follower": follower} | change
        dancers = cast(keywords.pop("leader"), [keywords.pop("follower")])
        with pytest.raises(InputError, match=words):
            write_video(path, dancers, body, None, **keywords)
    assert list(tmp_path.iterdir()) == []


def test_views_share_a_film_and_each_shows_the_couple(body: Body, couple, tmp_path: Path):
    """Four views in a grid, each with its name; those that stand still show the same floor in every frame."""
    dancers = cast(couple[0], [couple[1]])
    scene = Scene("film.mp4", dancers, body, 640, 360, {name: VIEWS[name] for name in ("follow", "front", "side", "top")})
    pictures = list(scene.draw(np.array([0, NUM_FRAMES - 1]), 2, 2))
    assert pictures[0].shape == (360, 640, 3)
    for top in (0, 181):
        for left in (0, 321):
            tile = pictures[0][top : top + 179, left : left + 319].astype(int)
            red, green, blue = tile[:, :, 0], tile[:, :, 1], tile[:, :, 2]
            assert ((green > red + 40) & (green > blue + 25)).sum() > 50, "the leader is in every view"
            assert ((blue > red + 60) & (blue > green + 40)).sum() > 50, "so is the follower"
            assert (tile[:28, :100].max(axis=2) < 110).sum() > 20, "the name is in the corner"
    for name, cameras in zip(("follow", "front", "side", "top"), scene.cameras, strict=True):
        moved = np.abs(cameras[0].position - cameras[-1].position).max()
        assert (moved > 0) == VIEWS[name].follows
    joints = np.concatenate([body.joints(motion) for motion in couple], axis=1)
    for cameras in scene.cameras[1:]:
        position, axes = cameras[0].position, cameras[0].axes()
        seen = (joints - position) @ axes.T
        reach = np.abs(seen[..., :2] / seen[..., 2:]) / np.tan(cameras[0].field_of_view / 2)
        assert reach[..., 1].max() < 1.0 and reach[..., 0].max() < 319 / 179, "everything that is danced is in the picture"
    front, side = (scene.cameras[index][0].axes()[2] for index in (1, 2))
    assert abs(front @ side) < 0.05, "front and side look across each other"


def test_the_nearest_frames_are_drawn_and_said(body: Body, couple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    frames = choose_frames("--at", 46, FPS, 0, [0.0, 0.49, 0.52, 45 / FPS, 45 / FPS + 0.5 / FPS])
    assert frames.tolist() == [0, 15, 16, 45, 45]
    assert choose_frames("--pictures", NUM_FRAMES, FPS, 3, None).tolist() == [0, 22, NUM_FRAMES - 1]
    assert choose_frames("--pictures", 2, FPS, 3, None).tolist() == [0, 1], "no frame comes twice"
    labels: list[str] = []
    monkeypatch.setattr(Scene, "draw", lambda scene, frames, *rest: frames)
    monkeypatch.setattr(Sheet, "put", lambda sheet, place, picture, label: labels.append(label))
    write_sheet(tmp_path / "sheet.png", cast(couple[0], [couple[1]]), body, moments=[0.4, 1.2])
    assert labels == ["0.4 s", "1.2 s"]


def test_a_sheet_is_a_grid_of_moments(body: Body, couple, tmp_path: Path):
    path, dancers = tmp_path / "sheet.png", cast(couple[0], [couple[1]])
    write_sheet(path, dancers, body, count=5)
    with Image.open(path) as sheet:
        assert sheet.size == (4 * 480, 2 * (360 + 34))
        many = np.asarray(sheet)
    write_sheet(path, dancers, body, moments=[0.0, (NUM_FRAMES - 1) / FPS])
    with Image.open(path) as sheet:
        assert sheet.size == (2 * 480, 360 + 34)
        two = np.asarray(sheet)
    for place, same, what in ((0, many[:360, :480], "begin with the first"), (480, many[394:754, :480], "end with the last")):
        # Frames skinned with others differ in the last bit, and so do a few pixels on edges.
        other = np.ptp([two[:360, place : place + 480], same], axis=0) > 0
        assert other.mean() < 1e-3, f"both {what} frame"
    assert (many[360:394] != 255).any(), "times stand below"
    refused: list[tuple[dict[str, Any], str]] = [
        ({"moments": [0.1, 1.6]}, "1.6 s is not"),
        ({"moments": []}, "no moment"),
        ({"count": 0}, "one at least"),
    ]
    for keywords, words in refused:
        with pytest.raises(InputError, match=words):
            write_sheet(path, dancers, body, **keywords)


# ---------------------------------------------------------------------------------------------------------------- page


def _skin(take: dict[str, Any], arrays: dict[str, np.ndarray], index: int, frame: int) -> np.ndarray:
    """Vertices of one dancer from nothing but what the page holds."""
    dancer = take["dancers"][index]
    key, rest = dancer["key"], np.array(dancer["rest_joints"])
    vertices = arrays[f"{key}.vertices"].reshape(-1, 3) * dancer["scale"] + dancer["offset"]
    quaternions = arrays[f"{key}.quaternions"].reshape(NUM_JOINTS, 4, -1)[:, :, frame]
    local = Rotation.from_quat(quaternions.astype(float)).as_matrix()
    turn, place = np.zeros((NUM_JOINTS, 3, 3)), np.zeros((NUM_JOINTS, 3))
    for joint, parent in enumerate(take["parents"]):
        if parent < 0:
            turn[joint], place[joint] = local[joint], arrays[f"{key}.pelvis"].reshape(-1, 3)[frame]
        else:
            turn[joint] = turn[parent] @ local[joint]
            place[joint] = place[parent] + turn[parent] @ (rest[joint] - rest[parent])
    result = np.zeros_like(vertices)
    for half in ("first", "more"):
        joints = arrays[f"joints_{half}"].reshape(-1, 4).astype(int)
        weights = arrays[f"weights_{half}"].reshape(-1, 4) / 255.0
        for k in range(4):
            moved = np.einsum("vab,vb->va", turn[joints[:, k]], vertices - rest[joints[:, k]]) + place[joints[:, k]]
            result += weights[:, k : k + 1] * moved
    return result


@pytest.fixture(scope="module")
def page(body: Body, couple, song: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "duet.html"
    followers = {"Generated": couple[1], "</script><b>Other": _near(couple[1])}
    beats = np.array([0.5, 1.0, 9.0])
    write_page(path, couple[0], followers, body, song, title="A & <b>", meetings=_meetings(body, couple), beats=beats)
    return path


def _near(follower: Motion) -> Motion:
    """The follower so near to the leader that they touch and are in each other at first, and no longer at the end."""
    return Motion(follower.rotations_TJ3, follower.translation_T3 - np.float32([0, 0, 0.45]), follower.betas, FPS)


def _meetings(body: Body, couple: tuple[Motion, Motion]) -> dict[str, Meeting]:
    leader, far, near = (body.points(motion)[:, NUM_JOINTS:] for motion in (*couple, _near(couple[1])))
    return {
        "Generated": meet(leader, far, body.surface_faces, 0.01),
        "</script><b>Other": meet(leader, near, body.surface_faces, 0.01),
    }


@pytest.fixture(scope="module")
def meeting(body: Body, couple) -> Meeting:
    """Of the second follower of the page."""
    return _meetings(body, couple)["</script><b>Other"]


def test_skinning_in_the_page_equals_the_body(body: Body, couple, page: Path):
    take, arrays = read_page(page)
    assert arrays["faces"].reshape(-1, 3).tolist() == body.faces.tolist()
    worst = 0.0
    for index, motion in enumerate(couple):
        frames = [0, 17, 29, NUM_FRAMES - 1]
        for frame, truth in zip(frames, body.vertices(motion, frames), strict=True):
            worst = max(worst, float(np.abs(_skin(take, arrays, index, frame) - truth).max()))
    assert worst < 2e-3
    q = arrays["dancer0.quaternions"].reshape(NUM_JOINTS, 4, -1).astype(float)
    assert ((q[:, :, 1:] * q[:, :, :-1]).sum(axis=1) > 0).all(), "frames can be blended"


def test_the_page_stands_alone(page: Path):
    text = page.read_text()
    assert "<title>A &amp; &lt;b&gt;</title>" in text
    assert "<b>Other" not in text
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", text)
    assert "Permission is hereby granted" in text, "three.js asks for its licence"
    take, arrays = read_page(page)
    assert take["beats"] == [0.5, 1.0]
    song = page.with_name("song.mp3")
    song.write_bytes(base64.b64decode(part(text, "music")))
    assert _click_time(read_stereo(song, 1.5), SAMPLE_RATE) == pytest.approx(CLICK, abs=3e-3)


def test_a_minute_fits_in_twelve_megabytes(body: Body, tmp_path: Path):
    noise = tmp_path / "noise.wav"
    soundfile.write(noise, np.random.default_rng(1).normal(0, 0.1, (60 * 44_100, 2)), 44_100)
    leader, follower = _motion(3, 0.0, 0.0, 1800), _motion(4, np.pi, 0.8, 1800)
    jitter = np.random.default_rng(2).normal(0, 0.01, (2, 1800, NUM_JOINTS, 3)).astype(np.float32)
    leader.rotations_TJ3[:] += jitter[0]
    follower.rotations_TJ3[:] += jitter[1]
    met = Meeting(*np.random.default_rng(3).random((4, 1800, len(body.surface_V))) < 0.05)  # many, and hard to compress
    path = tmp_path / "minute.html"
    write_page(path, leader, {"Follower": follower}, body, noise, title="A minute", meetings={"Follower": met})
    assert path.stat().st_size < 12e6


def test_where_they_meet_is_in_the_page_frame_by_frame(body: Body, couple, page: Path, meeting: Meeting, tmp_path: Path):
    take, arrays = read_page(page)
    assert [dancer.get("met_on") for dancer in take["dancers"]] == [None, 655, 655]
    assert arrays["surface"].tolist() == body.surface_V.tolist()
    for field in fields(Meeting):
        met_TV = getattr(meeting, field.name)
        assert 0 < met_TV.any(axis=1).mean() < 1, "a test of nothing"
        assert (bits(arrays, f"dancer2.{field.name.removesuffix('_TV')}", NUM_FRAMES) == met_TV).all()
    assert arrays["dancer2.contact"].tolist() == meeting.contact().tolist()
    # The same told on every vertex: the sampled ones are lit, and the curves are those of all.
    whole = {}
    for field in fields(Meeting):
        met_TV = np.zeros((NUM_FRAMES, body.num_vertices), bool)
        met_TV[:, body.surface_V] = getattr(meeting, field.name)
        whole[field.name] = met_TV
    path = tmp_path / "whole.html"
    write_page(path, couple[0], {"Her": couple[1]}, body, None, title="x", meetings={"Her": Meeting(**whole), "None": None})
    full_take, full = read_page(path)
    assert full_take["dancers"][1]["met_on"] == body.num_vertices
    for field in fields(Meeting):
        name = field.name.removesuffix("_TV")
        assert (full[f"dancer1.{name}"] == arrays[f"dancer2.{name}"]).all()
    ratio = len(body.surface_V) / body.num_vertices
    assert np.allclose(full["dancer1.penetration"], ratio * arrays["dancer2.penetration"])


def test_the_curves_are_what_the_metrics_count(body: Body, couple, page: Path):
    _, arrays = read_page(page)
    leader, follower = (body.points(motion)[:, NUM_JOINTS:] for motion in (couple[0], _near(couple[1])))
    rates = contact_rates(leader, follower)
    assert arrays["dancer2.contact"].mean() == rates.cf > 0
    rate = penetration_rate(leader, follower, body.surface_faces)
    assert arrays["dancer2.penetration"].mean() == pytest.approx(rate, rel=1e-6)
    assert bits(arrays, "dancer2.leader_near", NUM_FRAMES).mean() == pytest.approx(rates.clr)
    assert bits(arrays, "dancer2.follower_near", NUM_FRAMES).mean() == pytest.approx(rates.cfr)
    # Inside the other way round is penetration of the leader into the follower.
    other = penetration_rate(follower, leader, body.surface_faces)
    assert bits(arrays, "dancer2.leader_inside", NUM_FRAMES).mean() == pytest.approx(other)


def test_vertices_are_lit_by_the_sampled_points_around_them(body: Body, page: Path):
    _, arrays = read_page(page)
    lights, brightness = (arrays[name].reshape(-1, 4).astype(int) for name in ("lights", "brightness"))
    assert set(brightness.sum(axis=1)) <= {0, 255} and (brightness.sum(axis=1) > 0).mean() > 0.99
    alone = lights[body.surface_V][np.arange(len(body.surface_V)), brightness[body.surface_V].argmax(axis=1)]
    assert (alone == np.arange(len(body.surface_V))).all() and (brightness[body.surface_V].max(axis=1) == 255).all()
    template = body.model.v_template.numpy()
    away = np.linalg.norm(template[body.surface_V[lights]] - template[:, None], axis=2)
    assert (away[brightness > 0] < 0.3).all()
    # Along the skin, not through the air: a fingertip is lit by no other finger.
    owner = body.model.lbs_weights.numpy().argmax(axis=1)
    tips = {JOINT_NAMES.index(f"left_{name}3") for name in ("index", "middle", "ring", "pinky")}
    for tip in tips:
        vertices = np.flatnonzero(owner == tip)
        by = owner[body.surface_V[lights[vertices]]][brightness[vertices] > 0]
        assert not set(by) & (tips - {tip})


def test_the_bundle_is_built_from_these_sources():
    """The first line of the script says from what it was built; after a change to src/, `npm ci && npm run build`."""
    viewer = REPOSITORY / "interdance" / "export" / "viewer"
    fingerprint = hashlib.sha256()
    sources = [f"src/{path.name}" for path in sorted((viewer / "src").iterdir())]
    for name in (*sources, "build.mjs", "package.json", "package-lock.json"):
        fingerprint.update(f"{name}\n".encode() + (viewer / name).read_bytes())
    with (viewer / "dist" / "viewer.js").open() as script:
        assert script.readline() == f"/* built from {fingerprint.hexdigest()} */\n"


def test_equal_pages_have_equal_bytes(body: Body, couple, song: Path, tmp_path: Path):
    for name in ("a.html", "b.html"):
        write_page(tmp_path / name, couple[0], {"Follower": couple[1]}, body, song, title="Duet")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_pages_that_cannot_be_made_say_why(body: Body, couple, tmp_path: Path):
    leader, follower = couple
    path = tmp_path / "page.html"
    with pytest.raises(InputError, match="follower 'Late'"):
        write_page(path, leader, {"Late": follower[:9]}, body, None, title="x")
    with pytest.raises(InputError, match=r"leader has 45 frames at 30 per second and follower 'Slow' 45 at 29\.97;"):
        write_page(path, leader, {"Slow": replace(follower, fps=29.97)}, body, None, title="x")
    empty = np.zeros((NUM_FRAMES, len(body.surface_V)), bool)
    fitting = Meeting(empty, empty, empty, empty)
    for wrong, words in (
        (replace(fitting, leader_inside_TV=empty[1:]), r"leader_inside_TV .* shape \(44, 655\); \(45, 655 or"),
        (replace(fitting, follower_near_TV=empty[:, :54]), r"follower_near_TV .* shape \(45, 54\)"),
    ):
        with pytest.raises(InputError, match=words):
            write_page(path, leader, {"Her": follower}, body, None, title="x", meetings={"Her": wrong})
    with pytest.raises(InputError, match="meeting with 'Him', who is none of the followers Her"):
        write_page(path, leader, {"Her": follower}, body, None, title="x", meetings={"Him": fitting})
    with pytest.raises(InputError, match="no frames"):
        write_page(path, leader[:0], {}, body, None, title="x")
    assert list(tmp_path.iterdir()) == []


def _positions(take: dict[str, Any], arrays: dict[str, np.ndarray], index: int) -> np.ndarray:
    """Joints (T, 55, 3) of one dancer from nothing but what the page holds."""
    dancer = take["dancers"][index]
    stored = arrays[f"{dancer['key']}.joints"].reshape(NUM_JOINTS, 3, -1)
    return stored.transpose(2, 0, 1) * dancer["scale"] + dancer["offset"]


def test_pages_of_one_leader_are_joined(body: Body, couple, figures, song: Path, meeting: Meeting, tmp_path: Path):
    one, other, joined = (tmp_path / f"{name}.html" for name in ("one", "other", "joined"))
    near, met = _near(couple[1]), {"InterDance": meeting}
    write_page(one, couple[0], {"InterDance": couple[1], "True": near}, body, None, title="one", beats=np.array([0.5]))
    write_page(other, couple[0], {"InterDance": near, "True": near}, body, song, title="other", meetings=met)
    join_pages(joined, {"a": one, "<b>": other}, title="Both")
    take, arrays = read_page(joined)
    assert take["title"] == "Both" and take["beats"] == [0.5] and take["beside"] and take["music"]
    assert [dancer["name"] for dancer in take["dancers"]] == ["Leader", "a", "<b>", "True"]
    assert len({dancer["colour"] for dancer in take["dancers"]}) == 4
    for index, motion in enumerate((*couple, near, near)):
        assert np.abs(_skin(take, arrays, index, 17) - body.vertices(motion, [17])[0]).max() < 2e-3
    assert (bits(arrays, "dancer2.leader_near", NUM_FRAMES) == meeting.leader_near_TV).all()
    assert "met_on" not in take["dancers"][1] and take["dancers"][2]["met_on"] == 655
    music = tmp_path / "song.mp3"
    music.write_bytes(base64.b64decode(part(joined.read_text(), "music")))
    assert _click_time(read_stereo(music, 1.5), SAMPLE_RATE) == pytest.approx(CLICK, abs=3e-3)
    again = tmp_path / "again.html"
    join_pages(again, {"c": joined}, title="Alone")
    assert [dancer["name"] for dancer in read_page(again)[0]["dancers"]] == ["Leader", "c", "<b>", "True"]

    # A figure of joints beside a skin.
    write_page(one, figures[0], {"InterDance": figures[1]}, None, None, title="joints")
    write_page(other, figures[0], {"InterDance": couple[1]}, body, None, title="skin")
    join_pages(joined, {"joints": one, "skin": other}, title="Both")
    take, arrays = read_page(joined)
    assert np.abs(_skin(take, arrays, 2, 17) - body.vertices(couple[1], [17])[0]).max() < 2e-3


def test_pages_that_cannot_be_joined_say_why(body: Body, couple, tmp_path: Path):
    one, other, joined = (tmp_path / f"{name}.html" for name in ("one", "other", "joined"))
    leader, follower = couple
    write_page(one, leader, {"Her": follower}, body, None, title="one")
    taller = replace(leader, betas=leader.betas + np.float32([1] + 9 * [0]))
    moved = replace(leader, translation_T3=leader.translation_T3 + np.float32([0.01, 0, 0]))
    for who, words in (
        (taller, "leader dances otherwise"),
        (moved, "leader dances otherwise"),
        (leader[:30], "num_frames is 30, and 45"),
    ):
        write_page(other, who, {"Her": follower[: who.num_frames]}, body, None, title="other")
        with pytest.raises(InputError, match=words) as error:
            join_pages(joined, {"a": one, "b": other}, title="x")
        assert str(error.value).startswith(f"{other}: ")
    text = one.read_text()
    for broken in ("no page at all", text.replace('"format": 2', '"format": 1'), text.replace('"arrays": [', '"other": [', 1)):
        other.write_text(broken)
        with pytest.raises(InputError, match="write it again"):
            join_pages(joined, {"a": one, "b": other}, title="x")
    # Figures of other points are not to be compared with.
    write_page(one, leader, {"Her": follower}, body, None, title="one", meetings=_met_on(655))
    write_page(other, leader, {"Her": follower}, body, None, title="other", meetings=_met_on(body.num_vertices))
    with pytest.raises(InputError, match=r"contact is measured on \d+ points of each, and on 655 in") as error:
        join_pages(joined, {"none": one, "a": one, "b": other}, title="x")
    assert str(error.value).startswith(f"{other}: ")
    with pytest.raises(InputError, match=r"absent\.html: no page of couples"):
        join_pages(joined, {"a": one, "b": tmp_path / "absent.html"}, title="x")
    assert not joined.exists()


def _met_on(num_points: int) -> dict[str, Meeting]:
    nothing = np.zeros((NUM_FRAMES, num_points), bool)
    return {"Her": Meeting(nothing, nothing, nothing, nothing)}


def test_rates_of_one_recording_are_one_rate(body: Body, couple, tmp_path: Path):
    """30000/1001 frames per second, as films have it, and 29.97, as people write it."""
    leader, follower = replace(couple[0], fps=30_000 / 1001), replace(couple[1], fps=29.97)
    check_together("film.mp4", cast(leader, [follower]))
    write_page(tmp_path / "page.html", leader, {"Her": follower}, body, None, title="x")
    with pytest.raises(InputError, match=r"30 per second and the follower 45 at 29\.97;"):
        check_together("film.mp4", cast(couple[0], [follower]))


def test_joints_can_be_cut(figures):
    part = figures[0][3:9]
    assert (part.num_frames, part.fps) == (6, FPS)
    assert (part.joints_TJ3 == figures[0].joints_TJ3[3:9]).all()


def test_joints_in_the_page_equal_those_given(body: Body, couple, figures, tmp_path: Path):
    path = tmp_path / "page.html"
    write_page(path, *_as_arguments(couple), body, None, title="Motions")
    motions, paths = read_page(path)
    for dancers, model, kinds in (
        ((couple[0], figures[1]), body, ["motion", "joints"]),
        ((figures[0], couple[1]), body, ["joints", "motion"]),
        (figures, None, ["joints", "joints"]),
    ):
        write_page(path, *_as_arguments(dancers), model, None, title="Joints")
        take, arrays = read_page(path)
        assert [dancer["kind"] for dancer in take["dancers"]] == kinds
        assert [dancer["colour"] for dancer in take["dancers"]] == [dancer["colour"] for dancer in motions["dancers"]]
        assert take["parents"] == list(PARENTS)
        assert ("faces" in arrays) == ("motion" in kinds)
        for index, dancer in enumerate(dancers):
            if isinstance(dancer, Joints):
                error = np.abs(_positions(take, arrays, index) - dancer.joints_TJ3).max()
                assert error < 0.051e-3
            else:
                truth = body.vertices(dancer, [17])[0]
                assert np.abs(_skin(take, arrays, index, 17) - truth).max() < 2e-3
        for key in ("reach", "height", "azimuth"):
            assert take[key] == motions[key], "the couple is seen from the same place however it is known"
        assert (arrays["path"] == paths["path"]).all()


def _as_arguments(dancers: tuple[Any, Any]) -> tuple[Any, dict[str, Any]]:
    return dancers[0], {"Follower": dancers[1]}


@pytest.mark.parametrize(("across", "error_mm"), [(0.0, 0.051), (4.0, 0.051), (13.0, 0.1), (60.0, 0.46)])
def test_joints_keep_their_accuracy_far_apart(figures, tmp_path: Path, across: float, error_mm: float):
    path = tmp_path / "page.html"
    joints_TJ3 = figures[0].joints_TJ3 * np.float32(across > 0)  # without a way to go: every joint in one place
    joints_TJ3[NUM_FRAMES // 2 :, :, 0] += across - np.ptp(joints_TJ3[:, :, 0])  # in one leap, there and back
    joints_TJ3[-1] = joints_TJ3[0]
    write_page(path, Joints(joints_TJ3, FPS), {}, None, None, title="Far")
    assert np.abs(_positions(*read_page(path), 0) - joints_TJ3).max() < error_mm / 1000.0


def test_a_minute_of_joints_is_small(body: Body, tmp_path: Path):
    joints_TJ3 = body.joints(_motion(3, 0.0, 0.0, 1800))
    joints_TJ3 += np.random.default_rng(2).normal(0, 1e-3, joints_TJ3.shape).astype(np.float32)  # hard to compress
    path, alone = tmp_path / "minute.html", tmp_path / "alone.html"
    leader = Joints(joints_TJ3, FPS)
    write_page(alone, leader, {}, None, None, title="A minute")
    write_page(path, leader, {"Follower": leader}, None, None, title="A minute")
    assert path.stat().st_size - alone.stat().st_size < 0.6e6
    again = tmp_path / "again.html"
    write_page(again, leader, {}, None, None, title="A minute")
    assert again.read_bytes() == alone.read_bytes()


def test_joints_that_cannot_be_shown_say_why(body: Body, couple, figures, tmp_path: Path):
    leader, follower = figures
    path = tmp_path / "page.html"
    broken = {}
    for name, value in (("nan", np.nan), ("infinite", np.inf)):
        joints_TJ3 = follower.joints_TJ3.copy()
        joints_TJ3[7, 20, 1] = joints_TJ3[9, 3, 0] = value
        broken[name] = Joints(joints_TJ3, FPS)
    few = Joints(leader.joints_TJ3[:, :24], FPS)
    for first, others, model, words in (
        (leader, {"Good": follower, "Other": broken["nan"]}, None, r"follower 'Other' .* frame 7, joint 20 \(left_wrist\)"),
        (broken["infinite"], {"Good": follower}, None, "the leader has NaN or infinity at frame 7"),
        (leader, {"SMPL": few}, None, r"follower 'SMPL' have shape \(45, 24, 3\)"),
        (few, {}, None, "joints of the leader"),
        (Joints(leader.joints_TJ3[0], FPS), {}, None, "joints of the leader"),
        (leader, {"Late": follower[:9]}, None, "follower 'Late'"),
        (leader[:0], {}, None, "no frames"),
        (leader, {"Skin": couple[1]}, None, "follower 'Skin' is a motion"),
        (couple[0], {"Few": few}, body, "follower 'Few'"),
    ):
        with pytest.raises(InputError, match=words) as error:
            write_page(path, first, others, model, None, title="x")
        assert str(error.value).startswith(f"{path}: ")
    assert list(tmp_path.iterdir()) == []


def test_a_figure_is_drawn_and_moves_in_chromium(couple, figures, body: Body, tmp_path: Path):
    page = tmp_path / "page.html"
    picture = tmp_path / "page.png"

    def image() -> np.ndarray:
        browser.picture(picture)
        with Image.open(picture) as opened:
            return np.asarray(opened.convert("RGB")).astype(int)[100:740]  # between the names and the buttons

    def blue(pixels: np.ndarray) -> np.ndarray:
        return (pixels[..., 2] > pixels[..., 0] + 60) & (pixels[..., 2] > pixels[..., 1] + 40)

    def green(pixels: np.ndarray) -> np.ndarray:
        return (pixels[..., 1] > pixels[..., 0] + 40) & (pixels[..., 1] > pixels[..., 2] + 20)

    with Chromium(960, 900) as browser:
        write_page(page, couple[0], {"Joints": figures[1]}, body, None, title="Skin and joints")
        browser.open(page)
        assert browser.run("window.__interdance.ready"), browser.run("window.__interdance.error")
        browser.run("document.querySelector('#big').hidden = true")
        labels = "[...document.querySelectorAll('#dancers label')].map(label => Boolean(label.title))"
        assert browser.run(labels) == [False, True], "the page says why there is no skin"

        # Between two frames the figure stands between them; the leader's skeleton stands where the body says.
        browser.run(f"__interdance.look('skeleton'); __interdance.seek({20.25 / FPS})")
        for index, figure in enumerate(figures):
            truth = 0.75 * figure.joints_TJ3[20] + 0.25 * figure.joints_TJ3[21]
            seen = browser.run(f"Array.from({{ length: {NUM_JOINTS} }}, (_, joint) => __interdance.ball({index}, joint))")
            error = np.abs(np.array(seen) - truth)[: None if index else 1]  # below the pelvis a motion blends rotations
            assert error.max() < 0.1e-3

        # It is there in every look, beside the leader.
        for look in ("both", "skeleton", "skin"):
            browser.run(f"__interdance.look('{look}'); __interdance.seek(0)")
            seen = image()
            assert blue(seen).sum() > 500 and green(seen).sum() > 500, look

        # Alone: its colour where its joints are, nowhere where they are not, and in another place later on.
        browser.run("document.querySelectorAll('#dancers input')[0].click(); __interdance.stage.follow = false")
        shown = []
        for frame in (0, 30):
            browser.run(f"__interdance.seek({(frame + 1e-4) / FPS})")
            points = np.array(browser.run(PROJECT))
            covered = blue(image())
            columns, rows = np.round(points[:, 0]).astype(int), np.round(points[:, 1]).astype(int) - 100
            drawn = covered[rows, columns]
            assert drawn.all(), f"frame {frame}: nothing at joints {np.flatnonzero(~drawn)}"
            for finger in (*LEFT_FINGERS, *RIGHT_FINGERS):
                middle = (points[finger] + points[PARENTS[finger]]) / 2
                column, row = np.round(middle).astype(int) - (0, 100)
                assert covered[row - 1 : row + 2, column - 1 : column + 2].any(), f"frame {frame}: finger {finger} is cut"
            shown.append(covered)
        assert (shown[0] & ~shown[1]).sum() > 300 and (shown[1] & ~shown[0]).sum() > 300, "it moves"
        browser.run("document.querySelectorAll('#dancers input')[1].click()")
        browser.run("__interdance.seek(0)")
        assert not blue(image()).any()

        # Nobody has a skin: no body is needed, and both dance.
        write_page(page, figures[0], {"Joints": figures[1]}, None, None, title="Joints alone")
        browser.open(page, ready="window.__interdance && document.title === 'Joints alone'")
        assert browser.run("window.__interdance.ready"), browser.run("window.__interdance.error")
        browser.run("document.querySelector('#big').hidden = true; __interdance.seek(0)")
        first = image()
        assert blue(first).sum() > 500 and green(first).sum() > 500
        browser.press(" ", "Space")
        browser.wait("__interdance.time > 0.3")
        browser.press(" ", "Space")
        later = image()
        assert (blue(first) & ~blue(later)).sum() > 100 and (green(first) & ~green(later)).sum() > 100
        assert browser.errors == []


#: Where the joints of the second dancer are in the picture, in pixels.
PROJECT = """(() => {
  const { stage, ball } = __interdance, box = stage.renderer.domElement.getBoundingClientRect();
  return Array.from({ length: 55 }, (_, joint) => {
    const place = stage.centre.clone().set(...ball(1, joint)).project(stage.camera);
    return [box.left + (place.x + 1) / 2 * box.width - 0.5, box.top + (1 - place.y) / 2 * box.height - 0.5];
  });
})()"""


def test_a_page_in_a_frame_that_is_shown_later_has_a_lane_for_every_follower(body: Body, couple, tmp_path: Path):
    """As in a notebook or behind a tab: at first the frame has no size."""
    page, host = tmp_path / "page.html", tmp_path / "host.html"
    near = _near(couple[1])
    surfaces = [body.points(motion)[:, NUM_JOINTS:] for motion in (couple[0], near)]
    followers = {f"Follower {number}": near for number in range(1, 6)}
    meetings = dict.fromkeys(list(followers)[:4], meet(*surfaces, body.surface_faces, 0.01))
    write_page(page, couple[0], followers, body, None, title="x", meetings=meetings)
    inner = html.escape(page.read_text())
    host.write_text(f'<iframe width="900" height="800" style="display: none" srcdoc="{inner}"></iframe>')
    with Chromium(960, 900) as browser:
        browser.open(host, ready="frames[0]?.__interdance")
        assert browser.run("frames[0].__interdance.ready"), browser.run("frames[0].__interdance.error")
        browser.run("frames[0].__interdance.beside(1, 2)")  # as joined pages begin
        browser.run("document.querySelector('iframe').style.display = 'block'")
        browser.wait("frames[0].__interdance.stage.renderer.domElement.clientHeight > 100")
        browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        camera = browser.run("frames[0].__interdance.stage.camera.position.toArray()")
        assert None not in camera and 1.0 < np.linalg.norm(camera) < 20.0, "a camera that is nowhere"
        browser.run("frames[0].__interdance.beside(0)")
        for number in range(2, 6):
            browser.run(f"frames[0].document.querySelectorAll('#dancers input')[{number}].click()")
        browser.run("frames[0].__interdance.seek(0.2)")
        assert browser.run("frames[0].__interdance.timeline.lanes.map(lane => lane.name)") == list(followers)
        assert browser.run("frames[0].document.querySelector('#timeline').clientHeight") == 5 * 20
        browser.picture(tmp_path / "shown.png")
        with Image.open(tmp_path / "shown.png") as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)[100:500]
        green = (pixels[..., 1] > pixels[..., 0] + 40) & (pixels[..., 1] > pixels[..., 2] + 20)
        assert green.sum() > 500, "the leader is seen"
        assert browser.errors == []


def test_a_person_opens_the_page_in_chromium(body: Body, couple, page: Path, tmp_path: Path):
    with Chromium(640, 480) as browser:
        browser.open(page)
        assert browser.run("window.__interdance.ready"), browser.run("window.__interdance.error")
        assert browser.run("document.querySelector('#title').textContent") == "A & <b>"
        assert browser.run("[...document.querySelectorAll('#dancers label')].map(item => item.textContent)") == [
            "Leader", "Generated", "</script><b>Other",
        ]  # fmt: skip

        # The browser's own arithmetic puts vertices where the body says.
        frame = 20
        browser.run(f"__interdance.seek({(frame + 1e-4) / FPS})")
        for index, motion in enumerate(couple):
            truth = body.vertices(motion, [frame])[0]
            for vertex in (0, 5000, 12000):
                seen = browser.run(f"__interdance.vertex({index}, {vertex})")
                assert np.abs(np.array(seen) - truth[vertex]).max() < 2e-3

        picture = tmp_path / "page.png"
        browser.picture(picture)
        with Image.open(picture) as opened:
            image = np.asarray(opened.convert("RGB")).astype(int)
        red, green, blue = image[:, :, 0], image[:, :, 1], image[:, :, 2]
        assert ((green > red + 40) & (green > blue + 25)).sum() > 1000, "the leader is green"
        assert ((blue > red + 60) & (blue > green + 40)).sum() > 1000, "the follower is blue"

        # Scrub, step and play as a person does.
        browser.click("#timeline", across=0.5)
        assert browser.run("__interdance.time") == pytest.approx(0.5 * NUM_FRAMES / FPS, abs=0.02)
        before = browser.run("Math.round(__interdance.frame)")
        browser.press("ArrowRight", "ArrowRight")
        assert browser.run("Math.round(__interdance.frame)") == before + 1
        browser.press("Home", "Home")
        assert browser.run("__interdance.time") == 0
        browser.press(" ", "Space")
        browser.wait("__interdance.time > 0.2")
        browser.press(" ", "Space")
        assert not browser.run("__interdance.clock.playing")
        assert browser.run("__interdance.clock.audio !== null"), "the song can be decoded"
        browser.wait("Math.abs(__interdance.time - __interdance.clock.audio.currentTime) < 0.05")

        browser.run("document.querySelectorAll('#dancers input')[2].click()")
        for look in ("skeleton", "both", "skin"):
            browser.run(f"__interdance.look('{look}')")
        browser.size(390, 780, 2.0, mobile=True)
        browser.wait("document.querySelector('#stage canvas').clientWidth === 390")
        assert browser.run("document.documentElement.scrollWidth") <= 390

        # Without a song the wall's clock runs the dance, and a leader may dance alone.
        silent = tmp_path / "silent.html"
        write_page(silent, couple[0], {}, body, None, title="Silent")
        browser.open(silent, ready="window.__interdance && document.title === 'Silent'")
        assert browser.run("document.querySelector('#mute').hidden")
        browser.click("#big")
        browser.wait("__interdance.time > 0.1")
        browser.press(" ", "Space")
        assert browser.errors == []


#: What is drawn of the dancers, between the names above and the buttons below: pixels of the stage alone.
STAGE = "(() => { const b = document.querySelector('#stage').getBoundingClientRect(); return [b.top, b.bottom]; })()"


def _stage(browser: Chromium, picture: Path) -> np.ndarray:
    """The stage as int (height, width, 3), without the names above it."""
    top, bottom = browser.run(STAGE)
    browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    browser.picture(picture)
    with Image.open(picture) as opened:
        return np.asarray(opened.convert("RGB")).astype(int)[round(top) + 80 : round(bottom)]


def _gold(pixels: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    return (red > 190) & (green > 130) & (red > blue + 90)


def _red(pixels: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    return (red > 110) & (red > 2 * green) & (red > blue + 60)


def test_what_touches_is_lit_and_followers_stand_side_by_side(page: Path, meeting: Meeting, tmp_path: Path):
    picture = tmp_path / "page.png"
    touching = int(np.argmax(meeting.follower_near_TV.sum(axis=1) * meeting.follower_inside_TV.any(axis=1)))
    apart = NUM_FRAMES - 1
    assert meeting.contact()[touching] and not (meeting.contact()[apart] or meeting.follower_inside_TV[apart].any())

    def seek(frame: int) -> None:
        browser.run(f"__interdance.seek({(frame + 1e-4) / FPS})")

    with Chromium(900, 620) as browser:
        browser.open(page)
        browser.run("document.querySelector('#big').hidden = true")
        seek(touching)
        assert not _red(_stage(browser, picture)).any(), "she who is shown touches nobody"

        # The other follower: both are lit, by exactly what the meeting says, as long as that is asked for.
        browser.press("2", "Digit2")
        browser.press("3", "Digit3")
        for look in ("skin", "points", "skeleton", "both"):
            browser.run(f"__interdance.look('{look}')")
            seen = _stage(browser, picture)
            assert _red(seen).sum() > 15, look
        browser.run("__interdance.look('skin')")
        seen = _stage(browser, picture)
        assert _red(seen).sum() > 100 and _gold(seen).sum() > 5
        for dancer, role in ((0, "leader"), (2, "follower")):
            for kind in ("near", "inside"):
                light = browser.run(f"Array.from(__interdance.dancers[{dancer}].touch.{kind})")
                assert np.abs(np.array(light) - getattr(meeting, f"{role}_{kind}_TV")[touching]).max() < 1e-3
        browser.press("t", "KeyT")
        assert not _red(_stage(browser, picture)).any()
        browser.press("t", "KeyT")
        seek(apart)
        assert not _red(_stage(browser, picture)).any() and not _gold(_stage(browser, picture)).any()

        # Side by side: each pane has one follower, and the light of her own meeting.
        seek(touching)
        browser.press("b", "KeyB")
        panes = np.array_split(_stage(browser, picture), 2, axis=1)
        blue, violet, red = (
            [mask(pane).sum() for pane in panes]
            for mask in (
                lambda pixels: (pixels[..., 2] > pixels[..., 0] + 90) & (pixels[..., 1] > pixels[..., 0] + 30),
                lambda pixels: (pixels[..., 2] > pixels[..., 1] + 50) & (pixels[..., 0] > pixels[..., 1] + 15),
                _red,
            )
        )
        assert blue[0] > 500 and blue[1] < 50 and violet[1] > 500 and violet[0] < 50
        assert red[0] == 0 and red[1] > 50
        heads = "[...document.querySelectorAll('.head')].map(head => head.textContent)"
        assert browser.run(heads) == ["AGenerated", "B</script><b>Other"]
        browser.run("__interdance.beside(2, 1)")
        assert [_red(pane).any() for pane in np.array_split(_stage(browser, picture), 2, axis=1)] == [True, False]
        browser.click("#beside")
        assert not browser.run("document.body.classList.contains('beside')")

        # What was joined is seen side by side at once.
        joined = tmp_path / "joined.html"
        join_pages(joined, {"One": page, "Other": page}, title="Joined")
        browser.open(joined, ready="window.__interdance && document.title === 'Joined'")
        assert browser.run("[...document.querySelectorAll('.head select')].map(list => list.selectedOptions[0].text)") == [
            "One", "Other",
        ]  # fmt: skip
        assert browser.errors == []


#: The colour of every column of the timeline's upper edge, where bars are.
BARS = """(() => {
  const canvas = document.querySelector('#timeline canvas');
  return Array.from(canvas.getContext('2d').getImageData(0, 4, canvas.width, 1).data);
})()"""


def test_the_timeline_tells_what_the_metrics_count_and_moves_the_playhead(page: Path, meeting: Meeting):
    with Chromium(900, 620) as browser:
        browser.open(page)
        for key in ("2", "3"):
            browser.press(key, f"Digit{key}")
        words = browser.run("document.querySelector('#legend').textContent")
        cf, pr = 100 * meeting.contact().mean(), 100 * meeting.penetration().mean()
        assert "</script><b>Other" in words and f"contact {cf:.1f} %" in words and f"inside {pr:.2f} %" in words
        bars = np.array(browser.run(BARS)).reshape(-1, 4)
        middles = ((np.arange(NUM_FRAMES) + 0.5) / NUM_FRAMES * len(bars)).astype(int)
        drawn = (bars[middles, 0] > bars[middles, 2] + 60).tolist()
        assert drawn == meeting.contact().tolist()

        # What "now" says, and what the pointer tells.
        frame = int(meeting.follower_near_TV.sum(axis=1).argmax())
        browser.run(f"__interdance.seek({(frame + 1e-4) / FPS})")
        near, inside = (
            sum(int(getattr(meeting, f"{role}_{kind}_TV")[frame].sum()) for role in ("leader", "follower"))
            for kind in ("near", "inside")
        )
        assert f"now {near} points touch, {inside} inside" in browser.run("document.querySelector('#legend').textContent")

        # A click on a curve moves the playhead there, one beside a beat onto the beat.
        browser.click("#timeline", across=0.2)
        assert browser.run("__interdance.time") == pytest.approx(0.2 * NUM_FRAMES / FPS, abs=0.01)
        browser.click("#timeline", across=0.5 / (NUM_FRAMES / FPS) + 0.004)
        assert browser.run("__interdance.time") == 0.5
        for key, frames in (("ArrowRight", 1), ("ArrowLeft", -1)):
            before = browser.run("Math.round(__interdance.frame)")
            browser.press(key, key)
            assert browser.run("Math.round(__interdance.frame)") == before + frames

        # A stretch is repeated: dragged with Shift, marked by keys, marked by the button; and no longer.
        browser.drag("#timeline", 0.3, 0.6, shift=True)
        assert browser.run("__interdance.clock.range") == pytest.approx([0.45, 0.9], abs=0.01)
        browser.run("__interdance.seek(0.8); __interdance.play()")
        browser.wait("__interdance.time < 0.75")
        for _ in range(5):
            assert 0.4 < browser.run("__interdance.time") < 1.0
        browser.run("__interdance.pause(); __interdance.seek(0.6)")
        browser.press("[", "BracketLeft")
        assert browser.run("__interdance.clock.range") == pytest.approx([0.6, 0.9], abs=0.02)
        browser.press("\\", "Backslash")
        assert browser.run("__interdance.clock.range") is None
        browser.run("__interdance.seek(0.2)")
        browser.click("#range")
        browser.run("__interdance.seek(1.0)")
        browser.click("#range")
        assert browser.run("__interdance.clock.range") == pytest.approx([0.2, 1.0], abs=0.02)
        browser.click("#range")
        assert browser.run("__interdance.clock.range") is None

        # Every key that does something is in the list, which opens and closes.
        browser.press("?", "Slash")
        assert browser.run("document.querySelector('#help').open && document.querySelectorAll('#help dt').length > 15")
        browser.press("Escape", "Escape", windowsVirtualKeyCode=27)
        browser.wait("!document.querySelector('#help').open")
        browser.press("+", "Equal")
        assert browser.run("[__interdance.clock.speed, document.querySelector('#speed').value]") == [1.5, "1.5"]
        assert browser.errors == []


#: Every button and menu that is shown: its name, and left, top, right, bottom in pixels.
WIDGETS = """[...document.querySelectorAll('button, select')].filter(item => item.offsetParent && !item.closest('dialog'))
  .map(item => { const b = item.getBoundingClientRect(); return [item.id, b.left, b.top, b.right, b.bottom]; })"""


@pytest.mark.parametrize(("width", "height"), [(390, 844), (844, 390)])
def test_a_phone_shows_all_of_it(page: Path, width: int, height: int):
    with Chromium(width, height) as browser:
        browser.size(width, height, mobile=True)
        browser.open(page)
        browser.run("document.querySelector('#big').hidden = true")
        for beside in ("false", "true"):
            browser.run(f"{beside} ? __interdance.beside(1, 2) : __interdance.beside()")
            assert browser.run("document.documentElement.scrollWidth") <= width
            assert browser.run("document.documentElement.scrollHeight") <= height
            widgets = browser.run(WIDGETS)
            assert {"play", "speed", "range", "mute", "lit", "beside", "look", "keys"} <= {name for name, *_ in widgets}
            for name, left, top, right, bottom in widgets:
                assert left >= 0 and top >= 0 and right <= width and bottom <= height, name
                assert right - left >= 34 and bottom - top >= 30, f"{name} is too small for a finger"
            places = np.array([place for _, *place in widgets])
            for index, (left, top, right, bottom) in enumerate(places):
                others = np.delete(places, index, axis=0)
                apart = (others[:, 0] >= right) | (others[:, 2] <= left) | (others[:, 1] >= bottom) | (others[:, 3] <= top)
                assert apart.all(), f"{widgets[index][0]} lies on another"
            share = browser.run("document.querySelector('#stage').clientHeight") / height
            assert share > 0.6, "the dance has most of the screen"
            top = browser.run("__interdance.stage.covered * document.querySelector('#stage').clientHeight")
            assert top > 20, "the couple stands below the names"
        assert browser.errors == []


def test_the_page_works_in_a_frame_without_an_origin(page: Path):
    """As MLflow shows an artefact: a blob in a frame that may run scripts and nothing else."""
    with Chromium(640, 480) as browser:
        browser.run("document.body.style.margin = 0")
        browser.run(f"""(() => {{
          const frame = document.createElement('iframe');
          const blob = new Blob([{json.dumps(page.read_text())}], {{ type: 'text/html' }});
          frame.sandbox = 'allow-scripts';
          frame.style = 'width: 640px; height: 480px; border: 0; display: block';
          frame.src = URL.createObjectURL(blob);
          document.body.append(frame);
        }})()""")
        browser.enter_frame()
        browser.wait("window.__interdance")
        assert browser.run("origin") == "null"
        assert browser.run("__interdance.ready"), browser.run("__interdance.error")
        browser.click("#big")
        browser.wait("__interdance.time > 0.2 && __interdance.clock.audio && !__interdance.clock.audio.paused")
        browser.click("#play")  # keys go to a frame with a process of its own once it has the focus, which nobody can see
        browser.wait("!__interdance.clock.playing")
        browser.click("#timeline", across=0.8)
        browser.wait(f"Math.abs(__interdance.time - {0.8 * NUM_FRAMES / FPS}) < 0.02")
        assert browser.run("document.querySelector('#full').hidden"), "what the frame forbids is not offered"
        assert browser.errors == []
