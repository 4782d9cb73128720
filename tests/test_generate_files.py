"""A leader's file and a song in, a follower in every form out; and what cannot be used is refused and leaves nothing."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from interdance import config
from interdance.body import meeting
from interdance.body.model import Body
from interdance.config import Params, Paths
from interdance.errors import InputError
from interdance.generation import files
from interdance.generation.edit import Wish
from interdance.generation.files import generate_files
from interdance.generation.preview import write_preview
from interdance.metrics.interaction import contact_frequency, penetration_rate
from interdance.music.features import BEATS
from interdance.representation.canonical import encode
from interdance.takes import read_motion, write_motion
from interdance.trained import load_model, save_model, start_denoiser
from tests.conftest import REPOSITORY, shared
from tests.dancers import swaying, write_untrained
from tests.pages import curves, read_page

FRAMES = 45


@pytest.fixture(scope="module")
def params() -> Params:
    loaded = config.load(REPOSITORY / "params.yaml", REPOSITORY / "tests" / "smoke.yaml")
    return replace(loaded, sample=replace(loaded.sample, steps=2))


@pytest.fixture(scope="module")
def model(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "denoiser"
    write_untrained(folder, params, FRAMES)
    return folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_motion(folder / "leader.npz", swaying(FRAMES))
    broken = swaying(FRAMES)
    broken.translation_T3[17] = np.nan
    write_motion(folder / "nan.npz", broken)
    (folder / "pickle.npz").write_bytes(pickle.dumps({"poses": 1}))
    rng = np.random.default_rng(0)
    soundfile.write(folder / "song.wav", 0.1 * rng.normal(size=2 * 22050), 22050)
    soundfile.write(folder / "short.wav", 0.1 * rng.normal(size=4000), 22050)
    soundfile.write(folder / "whole.ogg", 0.1 * rng.normal(size=30 * 22050), 22050)
    (folder / "cut.ogg").write_bytes((folder / "whole.ogg").read_bytes()[:20_000])
    (folder / "words.bvh").write_text("this is no motion\n")
    return folder


def test_every_form_is_written_and_agrees(params: Params, model: Path, inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    generate_files(inputs / "leader.npz", inputs / "song.wav", tmp_path, model, params, seed=3)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"leader.npz", "follower.npz", "points.npy", "duet.html", "duet.mp4", "generated.json", "mine.txt"}
    points = np.load(tmp_path / "points.npy", allow_pickle=False)
    follower = read_motion(tmp_path / "follower.npz")
    assert points.shape == (FRAMES, 710, 3)
    assert follower.num_frames == FRAMES
    assert np.isfinite(points).all()
    # The weights are random, so the points are of nobody; the pose found for them is still near them.
    assert np.linalg.norm(Body.load().points(follower) - points, axis=-1).mean() < 0.2


def test_the_timeline_is_what_is_evaluated_of_these_files(
    params: Params, model: Path, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the points, which `interdance evaluate` reads, and not of the body that was fitted to them."""
    body = Body.load()
    noise = np.random.default_rng(0).normal(0, 0.008, (FRAMES, 710, 3)).astype(np.float32)
    near = body.points(swaying(FRAMES)) + np.float32([0.2, 0, 0.1]) + noise
    made = SimpleNamespace(points_TP3=near, foot_contact_T4=np.zeros((FRAMES, 4)))
    monkeypatch.setattr(files, "generate_follower", lambda *rest, **named: made)
    monkeypatch.setattr(files, "write_video", lambda *rest, **named: None)
    monkeypatch.setattr(meeting, "POINTS_AT_ONCE", 17 * 655)  # pieces are joined, the last one shorter
    features_TA = np.zeros((FRAMES, 35), np.float32)
    features_TA[15, BEATS] = 1.0
    monkeypatch.setattr(files, "music_features", lambda *rest: features_TA)
    generate_files(inputs / "leader.npz", inputs / "song.wav", tmp_path, model, params, seed=3)
    ((name, (contact, penetration)),) = curves(tmp_path / "duet.html").items()
    leader = body.points(read_motion(tmp_path / "leader.npz"))[:, 55:]
    points, fitted = np.load(tmp_path / "points.npy")[:, 55:], body.points(read_motion(tmp_path / "follower.npz"))[:, 55:]
    distance = params.evaluate.contact_distance
    assert name == "InterDance" and read_page(tmp_path / "duet.html")[0]["beats"] == [0.5]
    assert contact.mean() == contact_frequency(leader, points, distance=distance) > 0
    rate = penetration_rate(leader, points, body.surface_faces)
    assert penetration.mean() == pytest.approx(rate, rel=1e-6)
    assert rate != pytest.approx(penetration_rate(leader, fitted, body.surface_faces), rel=1e-3), "a test of nothing"


def test_a_preview_shows_where_the_followers_touch_their_leader(params: Params, model: Path, tmp_path: Path) -> None:
    body, paths = Body.load(), Paths(tmp_path)
    trained = load_model(model, body)
    (paths.encoded / "s" / "one").mkdir(parents=True)
    (paths.music / "s").mkdir(parents=True)
    couple = {"leader": body.points(swaying(FRAMES)), "follower": body.points(swaying(FRAMES)) + np.float32([0.2, 0, 0.1])}
    for role, points_TP3 in couple.items():
        np.save(paths.encoded / "s" / "one" / f"{role}.npy", encode(points_TP3, None, None, body.anchor_P))
    features_TA = np.zeros((FRAMES, 35), np.float32)
    features_TA[15, BEATS] = 1.0
    np.save(paths.music / "s" / "one.npy", features_TA)
    write_preview(tmp_path / "step_6.html", trained, body, params, paths, "s/one")
    shown = curves(tmp_path / "step_6.html")
    assert list(shown) == ["Follower", "True follower"] and read_page(tmp_path / "step_6.html")[0]["beats"] == [0.5]
    surfaces = [points_TP3[:, 55:] for points_TP3 in couple.values()]
    contact, penetration = shown["True follower"]
    assert contact.mean() == contact_frequency(*surfaces, distance=params.evaluate.contact_distance) > 0
    assert penetration.mean() == pytest.approx(penetration_rate(*surfaces, body.surface_faces), rel=0.02)


def test_several_followers_are_ranked_and_each_is_the_one_of_her_seed(
    params: Params, model: Path, inputs: Path, tmp_path: Path
) -> None:
    (tmp_path / "several" / "sample_4").mkdir(parents=True)
    (tmp_path / "several" / "sample_4" / "points.npy").write_text("of an earlier run")
    for name in ("sample_77", "sample_of_mine"):
        (tmp_path / "several" / name).mkdir()
        (tmp_path / "several" / name / "points.npy").write_text("of an earlier run")
    for name, seed, count in (("several", 3, 3), ("alone", 4, 1)):
        generate_files(
            inputs / "leader.npz", inputs / "song.wav", tmp_path / name, model, params, seed=seed, num_samples=count
        )
    told = json.loads((tmp_path / "several" / "generated.json").read_text())
    assert sorted(item["seed"] for item in told["samples"]) == [3, 4, 5]
    assert [item["rank"] for item in told["samples"]] == [1, 2, 3]
    assert told["seed"] == told["samples"][0]["seed"]
    folders = {item["seed"]: tmp_path / "several" / f"sample_{item['seed']}" for item in told["samples"]}
    folders[told["seed"]] = tmp_path / "several"
    made = {path.parent for path in (tmp_path / "several").rglob("follower.npz")}
    assert made == set(folders.values()), "the best one lies above the others and not among them"
    assert not (tmp_path / "several" / "sample_77").exists(), "an earlier run's follower is gone"
    assert (tmp_path / "several" / "sample_of_mine" / "points.npy").exists()
    for name in ("follower.npz", "points.npy"):
        arrays = [np.load(folder / name) for folder in (folders[4], tmp_path / "alone")]
        both = zip(*([x[key] for key in x.files] if isinstance(x, np.lib.npyio.NpzFile) else [x] for x in arrays), strict=True)
        assert all((one == other).all() for one, other in both)
    assert "samples" not in json.loads((tmp_path / "alone" / "generated.json").read_text())
    page = (tmp_path / "several" / "duet.html").read_text()
    assert all(f"InterDance {rank}" in page for rank in (1, 2, 3))


def test_cleaning_changes_the_follower_alone_and_tells_what(params: Params, model: Path, inputs: Path, tmp_path: Path) -> None:
    for name, clean in (("raw", False), ("clean", True)):
        generate_files(inputs / "leader.npz", inputs / "song.wav", tmp_path / name, model, params, seed=3, clean=clean)
    roles = ("leader", "follower")
    read = [{role: read_motion(tmp_path / name / f"{role}.npz") for role in roles} for name in ("raw", "clean")]
    assert (read[0]["leader"].rotations_TJ3 == read[1]["leader"].rotations_TJ3).all()
    assert (read[0]["leader"].translation_T3 == read[1]["leader"].translation_T3).all()
    points = Body.load().points(read[1]["follower"])
    np.testing.assert_allclose(np.load(tmp_path / "clean" / "points.npy"), points, atol=1e-5)
    told = json.loads((tmp_path / "clean" / "generated.json").read_text())["cleaned"]
    away = np.linalg.norm(points - Body.load().points(read[0]["follower"]), axis=-1)
    assert told["moved_max"] == pytest.approx(away.max(), abs=1e-4)
    assert told["jitter"][1] < told["jitter"][0]
    assert "cleaned" not in json.loads((tmp_path / "raw" / "generated.json").read_text())


def test_a_name_that_is_taken_and_numbers_of_followers_that_make_no_sense_are_refused(
    params: Params, model: Path, inputs: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "sample_4").write_text("mine")
    for leader, out, count, sentence in (
        ("leader.npz", "taken", 2, "sample_4: is a file"),
        ("leader.npz", "none", 0, "--num-samples 0: one follower at least"),
        (None, "none", 2, "--num-samples 2: couples have no leader in common"),
    ):
        with pytest.raises(InputError, match=sentence):
            place = inputs / leader if leader else None
            generate_files(place, inputs / "song.wav", tmp_path / out, model, params, seed=3, num_samples=count)
    assert [path.name for path in tmp_path.rglob("*")] == ["taken", "sample_4"]


def test_what_clean_up_cannot_do_and_a_folder_in_the_way_are_refused_before_anything_is_made(
    params: Params, model: Path, inputs: Path, tmp_path: Path
) -> None:
    short = read_motion(inputs / "leader.npz")[:3]
    write_motion(tmp_path / "short.npz", short)
    (tmp_path / "barred" / "duet.html").mkdir(parents=True)
    wish = Wish(inputs / "leader.npz", ["0-1"], [])
    for leader, out, wishes, sentence in (
        (tmp_path / "short.npz", "none", {"clean": True}, "--clean: .*short.npz: 3 frames; jitter is seen in 4 or more"),
        (inputs / "leader.npz", "none", {"clean": True, "wish": wish}, "--clean: would move what --edit keeps"),
        (inputs / "leader.npz", "barred", {}, "duet.html: is a folder"),
    ):
        with pytest.raises(InputError, match=sentence):
            generate_files(leader, inputs / "song.wav", tmp_path / out, model, params, seed=3, **wishes)
    assert not (tmp_path / "none").exists()
    assert [path.name for path in (tmp_path / "barred").rglob("*")] == ["duet.html"]


def test_a_duet_model_makes_a_couple_of_a_song_and_takes_no_leader(
    params: Params, model: Path, inputs: Path, tmp_path: Path
) -> None:
    reactive = load_model(model, Body.load())
    duets = replace(params, model=replace(params.model, task="duet"))
    denoiser = start_denoiser(duets, reactive.representation, reactive.statistics).eval()
    save_model(tmp_path / "duets", replace(reactive, denoiser=denoiser, params=duets))
    generate_files(None, inputs / "song.wav", tmp_path / "out", tmp_path / "duets", duets, seed=3)
    couple = [read_motion(tmp_path / "out" / f"{role}.npz") for role in ("leader", "follower")]
    assert [motion.num_frames for motion in couple] == [60, 60], "the whole song of 2 s"
    generate_files(None, inputs / "song.wav", tmp_path / "other", tmp_path / "duets", duets, seed=4)
    points = [np.load(tmp_path / name / "points.npy") for name in ("out", "other")]
    assert not np.allclose(*points), "another seed, another couple"
    apart = [np.linalg.norm(Body.load().points(motion) - points[0], axis=-1).mean() for motion in couple]
    assert apart[1] < apart[0], "the points are the follower's"
    assert not np.allclose(couple[0].rotations_TJ3, couple[1].rotations_TJ3)
    generate_files(None, inputs / "song.wav", tmp_path / "clean", tmp_path / "duets", duets, seed=3, clean=True)
    lead = read_motion(tmp_path / "clean" / "leader.npz")
    assert (lead.rotations_TJ3 == couple[0].rotations_TJ3).all(), "clean-up leaves the leader alone"
    assert json.loads((tmp_path / "clean" / "generated.json").read_text())["cleaned"]["moved_max"] > 0
    for folder, leader, sentence in (
        (tmp_path / "duets", inputs / "leader.npz", "leave --leader out"), (model, None, "name one with --leader"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=sentence):
            generate_files(leader, inputs / "song.wav", tmp_path / "none", folder, duets, seed=3)
        assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("leader", "song", "sentence"),
    [
        ("nobody.bvh", "song.wav", "nobody.bvh: no such file"),
        ("nan.npz", "song.wav", "'trans' holds NaN or infinity at frame 17"),
        ("pickle.npz", "song.wav", "not an .npz archive"),
        ("words.bvh", "song.wav", "words.bvh"),
        ("leader.npz", "nothing.ogg", "nothing.ogg"),
        ("leader.npz", "cut.ogg", "cut.ogg: the file is cut off"),
        ("leader.npz", "short.wav", "the song lasts 0.2 s and the motion 1.5 s"),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    params: Params, model: Path, inputs: Path, tmp_path: Path, leader: str, song: str, sentence: str
) -> None:
    with pytest.raises(InputError) as refusal:
        generate_files(inputs / leader, inputs / song, tmp_path / "out", model, params, seed=3)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_captured_leaders_are_read_and_defective_or_unknown_ones_refused(
    params: Params, model: Path, inputs: Path, tmp_path: Path
) -> None:
    salsa, song = shared("data", "salsa"), shared("data", "music", "medium_02.ogg")
    with pytest.raises(InputError, match="header says 699 frames, but 799 rows follow"):
        generate_files(salsa / "defect_frame_count_leader.bvh", song, tmp_path / "out", model, params, seed=3)
    text = (salsa / "easy_02_leader.bvh").read_text()
    for name in ("Hips", "Spine", "Arm", "Leg", "Foot", "Hand", "Head", "Neck", "Toe"):
        text = text.replace(name, f"Bone{name[::-1]}")
    (tmp_path / "other.bvh").write_text(text)
    with pytest.raises(InputError, match="no shipped mapping .* fits this skeleton"):
        generate_files(tmp_path / "other.bvh", song, tmp_path / "out", model, params, seed=3)
    with pytest.raises(InputError, match="the song lasts 2.0 s and the motion 38.0 s"):
        generate_files(salsa / "easy_02_leader.bvh", inputs / "song.wav", tmp_path / "out", model, params, seed=3)
    assert not (tmp_path / "out").exists()
