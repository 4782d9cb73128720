"""The user study: what is filmed, what nobody may see, that no answer is lost, and that its figures are right."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import soundfile
import sqlalchemy as sql
import uvicorn
import yaml
from chromium import Chromium
from fastapi.testclient import TestClient
from layout import ROOT
from test_data_stages import motion

from interdance import config
from interdance.body.model import Body
from interdance.config import StudyParams
from interdance.errors import InputError
from interdance.export.cast import cast
from interdance.export.scene import VIEWS, Scene
from interdance.export.sound import SAMPLE_RATE, read_stereo
from interdance.export.video import FARTHEST, frame_pair
from interdance.files import write_json
from interdance.study import build as building
from interdance.study.build import build_study
from interdance.study.material import Take, broken
from interdance.study.plan import BROKEN, CHECK, FILMS, TRUE, Clip, Film, Plan, film_path, mark_served, read_plan
from interdance.study.questions import QUESTION_KEYS
from interdance.study.server import create_app
from interdance.study.store import RefusedError, Store
from interdance.takes import Motion, write_motion

FRAMES = 50
TAKES = ("Polka_7_1", "Polka_7_2", "Csardas_9_1")
SYSTEMS = ("zanzibar", "quagga", "axolotl")
SECRETS = (*SYSTEMS, *TAKES, "polka", "csardas", TRUE, BROKEN, "plan.json", "answers.sqlite")
CODE = re.compile(r"[0-9A-F]{10}")


def quick_params(**changed: Any) -> StudyParams:
    """Half a second of small film."""
    params = config.load(ROOT / "params.yaml").study
    small = {"clip_s": 0.5, "num_clips": 4, "num_pairs": 6, "num_checks": 2, "width": 64, "height": 48, "workers": 1}
    return dataclasses.replace(params, **{**small, **changed})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """True couples and three systems in three forms, the last with a take too few: ``true/ a/ b/ c/``."""
    root, body = tmp_path_factory.mktemp("world"), Body.load()
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["study"] = dataclasses.asdict(quick_params())
    (root / "params.yaml").write_text(yaml.safe_dump(values))
    for folder in ("true", "a", "b", "c/seed_1", "c/seed_2"):
        (root / folder).mkdir(parents=True)
    for seed, take in enumerate(TAKES):
        leader, true = motion(body, seed, 0.0, (0.0, 0.0), FRAMES), motion(body, seed + 5, np.pi, (0.0, 0.7), FRAMES)
        write_motion(root / "true" / f"{take}_leader.npz", leader)
        write_motion(root / "true" / f"{take}_follower.npz", true)
        tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * 22050) / 22050)
        soundfile.write(root / "true" / f"{take}.wav", tone, 22050)
        write_motion(root / "a" / f"{take}_follower.npz", motion(body, seed + 20, np.pi, (0.0, 0.9), FRAMES))
        write_motion(root / "a" / f"{take}_leader.npz", leader)
        np.save(root / "b" / f"{take}_follower.npy", body.joints(motion(body, seed + 30, 0.0, (0.3, 0.7), FRAMES)))
        if seed < 2:
            for number in (1, 2):
                other = motion(body, seed + 40 * number, np.pi, (0.3, 0.7), FRAMES)
                write_motion(root / "c" / f"seed_{number}" / f"{take}_follower.npz", other)
    return root


def sets_of(world: Path, *names: str) -> dict[str, Path]:
    return {system: world / name for system, name in zip(SYSTEMS, names, strict=False)}


def interdance(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "interdance.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def study(world: Path) -> Path:
    """A study as the command line builds one."""
    sets = [word for name, folder in zip(SYSTEMS, "abc", strict=True) for word in ("--set", f"{name}={folder}")]
    done = interdance("study", "build", *sets, "--reference", "true", "--out", "study", cwd=world)
    assert done.returncode == 0, done.stderr
    assert "10 films of 4 clips; every participant watches 8" in done.stdout
    assert "left out 1 takes that not every set has, such as Csardas_9_1" in done.stderr
    return world / "study"


@pytest.fixture
def plan(study: Path) -> Plan:
    return read_plan(study)


# ------------------------------------------------------------------------------------------------------------------- films


def test_a_film_shows_the_halves_that_the_plan_says_and_the_song_of_its_clip(study: Path, plan: Plan, world: Path) -> None:
    film = next(film for film in plan.films if film.comparison == CHECK)
    sharp = {}
    with av.open(str(film_path(study, film.token))) as stream:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in stream.decode(video=0)]
        assert (stream.streams.video[0].width, stream.streams.video[0].height) == (128, 48)
        assert float(stream.streams.video[0].average_rate) == 30.0
    assert len(frames) == 15 == round(plan.seconds * 30)
    for half, who in enumerate(film.halves):
        sides = np.stack([frame[:, 64 * half : 64 * half + 64] for frame in frames])
        sharp[who] = np.abs(np.diff(sides, axis=0)).mean(axis=(1, 2, 3)).max()
        blue = (sides[..., 2] > sides[..., 0] + 40) & (sides[..., 2] > sides[..., 1] + 20)
        green = (sides[..., 1] > sides[..., 0] + 30) & (sides[..., 1] > sides[..., 2] + 20)
        assert blue.any() and green.any(), who
    assert sharp[BROKEN] > 4 * sharp[TRUE], "the broken dancer jumps"
    sound = read_stereo(film_path(study, film.token), plan.seconds)
    assert np.abs(np.fft.rfft(sound[0])).argmax() / plan.seconds == pytest.approx(440, abs=4)


def test_a_film_is_of_its_clip_and_named_by_chance_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = Body.load()
    who = {name: motion(body, seed, 0.0, (0.0, 0.0), FRAMES) for seed, name in enumerate(("leader", "true", "one", "other"))}
    sound = np.zeros(2 * SAMPLE_RATE)
    sound[round(1.25 * SAMPLE_RATE) :] = 0.5
    soundfile.write(tmp_path / "song.wav", sound, SAMPLE_RATE)
    take = Take("t", "", tmp_path / "song.wav", who["leader"], who["true"], {name: who[name] for name in ("one", "other")})
    filmed: list[Any] = []

    def write(path: Path, leader: Motion, followers: tuple[Motion, Motion], *rest: Any, **named: Any) -> None:
        path.touch()
        filmed.append((leader, *followers, rest[1]))

    monkeypatch.setattr(building, "write_pair", write)
    monkeypatch.setattr(building.secrets, "token_hex", lambda count: "ab" * count)
    film = building._drawn(0, 0, ("one", "other"), np.random.default_rng(0))
    assert film.token == "ab" * 16
    clip = Clip("t", "", 1.0)
    plan = Plan(0, 0.5, 1, 0, (("one", "other"),), (clip,), (film,))
    building._write_film(tmp_path / "film.mp4", take, clip, film, plan, quick_params(), body)
    ((*shown, song),) = filmed
    for found, name in zip(shown, ("leader", *film.halves), strict=True):
        assert (found.rotations_TJ3 == who[name].rotations_TJ3[30:45]).all()
        assert (found.translation_T3 == who[name].translation_T3[30:45]).all()
    assert song.shape == (2, SAMPLE_RATE // 2)
    assert np.abs(song[0, : SAMPLE_RATE // 4 - 50]).max() < 0.01 < 0.3 < song[0, 3 * SAMPLE_RATE // 8]


def test_both_halves_have_one_camera(study: Path, plan: Plan) -> None:
    """The tiles of the floor lie in the same places, whoever dances on them."""
    for film in plan.films:
        with av.open(str(film_path(study, film.token))) as stream:
            image = next(stream.decode(video=0)).to_ndarray(format="rgb24").astype(int)
        left, right = (image[-14:, start : start + 16] for start in (0, 64))
        assert left.std() > 4, "tiles are there"
        assert np.abs(left - right).mean() < 2


def test_a_song_is_cut_from_where_the_clip_begins(tmp_path: Path) -> None:
    sound = np.zeros(3 * SAMPLE_RATE)
    sound[2 * SAMPLE_RATE :] = 0.5
    soundfile.write(tmp_path / "late.wav", sound, SAMPLE_RATE)
    cut = read_stereo(tmp_path / "late.wav", 1.0, start=1.5)
    assert np.abs(cut[0, : SAMPLE_RATE // 2 - 50]).max() < 0.01
    assert cut[0, 3 * SAMPLE_RATE // 4] > 0.3


def test_a_far_follower_does_not_shrink_the_couples() -> None:
    """One camera serves both; who leaves her leader leaves the picture."""
    body = Body.load()
    leader, near = motion(body, 0, 0.0, (0.0, 0.0), 30), motion(body, 1, np.pi, (0.0, 0.7), 30)
    away = lambda by: Motion(near.rotations_TJ3, near.translation_T3 + np.float32([by, 0, 0]), near.betas, 30.0)  # noqa: E731

    def reach(shown: Motion, hidden: Motion) -> float:
        framing = frame_pair(leader, (shown, hidden), body)
        scene = Scene("film.mp4", cast(leader, [shown]), body, 64, 48, {"": VIEWS["follow"]}, framing)
        return float(np.linalg.norm(scene.cameras[0][0].position - scene.centres_T3[0]))

    assert reach(near, away(0.2)) == pytest.approx(reach(away(0.2), near)), "the same camera for both halves"
    assert reach(near, away(50.0)) <= reach(near, away(FARTHEST)) * 1.1
    assert reach(near, away(1.5)) > reach(near, away(0.2)) * 1.1


def test_the_broken_follower_stands_still_and_jumps() -> None:
    whole = motion(Body.load(), 3, 0.0, (0.0, 0.0), 60)
    spoilt = broken(whole, np.random.default_rng(0))
    steps = np.linalg.norm(np.diff(spoilt.translation_T3 - whole.translation_T3, axis=0), axis=1)
    jumps = np.flatnonzero(steps > 1e-6) + 1
    assert set(jumps) == {10, 20, 30, 40, 50}
    assert np.all(np.diff(spoilt.rotations_TJ3, axis=0)[np.setdiff1d(np.arange(59), jumps - 1)] == 0)


# ------------------------------------------------------------------------------------------------------------------ design


def made_plan(num_clips: int, num_comparisons: int, num_pairs: int, num_checks: int, seed: int = 1) -> Plan:
    names = [f"system {number}" for number in range(num_comparisons + 1)]
    comparisons = tuple((names[0], name) for name in names[1:])
    random = np.random.default_rng(seed)
    films = []
    for clip in range(num_clips):
        for number, pair in enumerate(comparisons):
            halves = pair if random.integers(2) else pair[::-1]
            films.append(Film(f"{len(films):032x}", number, clip, halves))
    for number in range(num_checks):
        films.append(Film(f"{len(films):032x}", CHECK, number % num_clips, (TRUE, BROKEN)))
    clips = tuple(Clip(f"take {clip}", "", 0.0) for clip in range(num_clips))
    return Plan(seed, 10.0, num_pairs, num_checks, comparisons, clips, tuple(films))


DESIGNS = [(20, 2, 40, 4), (20, 3, 40, 4), (7, 4, 17, 3), (5, 1, 5, 0), (12, 3, 7, 2), (9, 2, 9, 1)]


@pytest.mark.parametrize("design", DESIGNS)
def test_sides_films_and_orders_are_balanced(design: tuple[int, int, int, int]) -> None:
    plan = made_plan(*design)
    num_clips, num_comparisons, num_pairs, num_checks = design
    shown: Counter[int] = Counter()
    first: Counter[int] = Counter()
    for number in range(24):
        trials = plan.sequence(number)
        pairs = [trial for trial in trials if plan.films[trial.film].comparison != CHECK]
        checks = [trial for trial in trials if plan.films[trial.film].comparison == CHECK]
        assert (len(pairs), len(checks)) == (num_pairs, num_checks)
        assert len({trial.film for trial in trials}) == len(trials)
        is_first = [plan.films[t.film].halves[t.first] == "system 0" for t in pairs]
        assert abs(2 * sum(is_first) - num_pairs) <= 1, "over a participant's films"
        for comparison in range(num_comparisons):
            mine = [f for f, t in zip(is_first, pairs, strict=True) if plan.films[t.film].comparison == comparison]
            assert abs(2 * sum(mine) - len(mine)) <= 1, "of each comparison"
            assert abs(len(mine) - num_pairs / num_comparisons) < 2
        assert abs(2 * sum(plan.films[t.film].halves[t.first] == TRUE for t in checks) - num_checks) <= 1
        if num_pairs <= num_clips:
            assert len({plan.films[trial.film].clip for trial in pairs}) == num_pairs, "no clip comes twice"
        assert plan.films[trials[0].film].comparison != CHECK
        shown.update(trial.film for trial in trials)
        first.update(trial.film for trial in trials if trial.first)
        assert trials == plan.sequence(number), "again the same"
        if number % 2:
            mirrored = {(trial.film, 1 - trial.first) for trial in plan.sequence(number - 1)}
            assert mirrored == {(trial.film, trial.first) for trial in trials}
            assert [t.film for t in plan.sequence(number - 1)] != [t.film for t in trials]
            seen = [shown[index] for index, film in enumerate(plan.films) if film.comparison != CHECK]
            assert max(seen) - min(seen) <= 2, "every film as often, one two of participants more or less"
    assert all(2 * first[film] == shown[film] for film in shown)


def test_a_clip_comes_back_late_and_checks_are_spread() -> None:
    plan = made_plan(20, 2, 40, 4)
    for number in range(10):
        trials = plan.sequence(number)
        pairs = [plan.films[t.film] for t in trials if plan.films[t.film].comparison != CHECK]
        assert len({film.clip for film in pairs[:20]}) == 20
        places = [place for place, t in enumerate(trials) if plan.films[t.film].comparison == CHECK]
        assert [place // 11 for place in places] == [0, 1, 2, 3]
    orders = {tuple(t.film for t in plan.sequence(number)) for number in range(10)}
    assert len(orders) == 10


def test_halves_do_not_follow_the_systems(plan: Plan) -> None:
    many = made_plan(40, 2, 10, 0)
    left = sum(film.halves[0] == "system 0" for film in many.films)
    assert 20 < left < 60
    assert {film.halves[0] for film in plan.films if film.comparison != CHECK} > {"zanzibar"}


def test_a_build_is_repeatable_but_for_its_tokens(study: Path, plan: Plan, world: Path, tmp_path: Path) -> None:
    reading = reading_of(world)
    again = build_study(sets_of(world, "a", "b", "c"), world / "true", tmp_path / "again", quick_params(), 30.0, reading)
    bare = [[dataclasses.replace(film, token="") for film in p.films] for p in (plan, again)]
    assert bare[0] == bare[1] and plan.clips == again.clips
    assert not {film.token for film in plan.films} & {film.token for film in again.films}
    for one, other in zip(plan.films, again.films, strict=True):
        assert film_path(study, one.token).read_bytes() == film_path(tmp_path / "again", other.token).read_bytes()


def reading_of(world: Path) -> Any:
    from interdance.evaluation.project import reading_of as of

    return of(config.load(world / "params.yaml"))


# ------------------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"clip_s": 5.0}, "no take is 5 s long; give a smaller study.clip_s"),
        ({"clip_s": 0.0}, "study.clip_s: 0; seconds between"),
        ({"num_pairs": 0}, "study.num_pairs: 0; 1 or more"),
        ({"width": 63}, "63x48 pixels cannot be encoded"),
    ],
)
def test_parameters_that_cannot_be_used(world: Path, tmp_path: Path, changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        build(world, tmp_path / "study", sets_of(world, "a", "b"), **changed)
    assert not list(tmp_path.iterdir())


def build(world: Path, out: Path, sets: dict[str, Path], **changed: Any) -> Plan:
    return build_study(sets, world / "true", out, quick_params(**changed), 30.0, reading_of(world))


def test_sets_that_cannot_be_compared(world: Path, tmp_path: Path) -> None:
    def refused(sets: dict[str, Path]) -> str:
        with pytest.raises(InputError) as caught:
            build(world, tmp_path / "study", sets)
        assert not (tmp_path / "study").exists()
        return str(caught.value)

    assert "two sets or more" in refused(sets_of(world, "a"))
    assert "a name of letters" in refused({"a/b": world / "a", "c": world / "b"})
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(world / "a" / "Polka_7_1_follower.npz", other / "Unknown_follower.npz")
    assert "no take is in all of them" in refused({"a": world / "a", "other": other})
    (other / "Unknown_follower.npz").rename(other / "Polka_7_1_follower.npz")
    shutil.copy(world / "true" / "Polka_7_2_leader.npz", other / "Polka_7_1_leader.npz")
    assert "not the leader of take Polka_7_1" in refused({"a": world / "a", "other": other})
    silent = tmp_path / "silent"
    silent.mkdir()
    for path in (world / "true").glob("*.npz"):
        shutil.copy(path, silent)
    with pytest.raises(InputError, match="has no song, and one question is about it"):
        build_study(sets_of(world, "a", "b"), silent, tmp_path / "study", quick_params(), 30.0, reading_of(world))


def test_nothing_that_was_answered_is_built_over(world: Path, study: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(study, kept)
    Store(read_plan(kept), kept).close()
    elsewhere = tmp_path / "elsewhere"  # served, with answers in a database of another place
    shutil.copytree(study, elsewhere)
    server = Served(elsewhere, "--database", f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert server.end().splitlines()[-1] == f"http://127.0.0.1:{server.port}/"
    assert not (elsewhere / "answers.sqlite").exists()
    refused = ((kept, "holds answers already"), (elsewhere, "or was served"), (world, "holds something else than a study"))
    for folder, sentence in refused:
        before = sorted(folder.rglob("*"))
        with pytest.raises(InputError, match=sentence):
            build(world, folder, sets_of(world, "a", "b"))
        assert sorted(folder.rglob("*")) == before


def test_a_study_that_is_served_while_another_is_filmed_stays(world: Path, study: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(study, kept)
    before = read_plan(kept)
    with pytest.raises(InputError, match="was served"):
        build_study(
            *(sets_of(world, "a", "b"), world / "true", kept, quick_params(num_clips=1, num_checks=0), 30.0),
            *(reading_of(world), None, lambda done, of: mark_served(kept)),
        )
    assert read_plan(kept) == before


def test_a_damaged_study_is_named(study: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no study in it"):
        read_plan(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(study, copy)
    next((copy / FILMS).iterdir()).unlink()
    with pytest.raises(InputError, match=r"films/\w+\.mp4: missing"):
        read_plan(copy)
    values = json.loads((copy / "plan.json").read_text())
    values["items"][0]["token"] = "../../etc"
    write_json(copy / "plan.json", values)
    with pytest.raises(InputError, match=r"plan\.json: damaged"):
        read_plan(copy)
    write_json(copy / "plan.json", [])
    with pytest.raises(InputError, match=r"plan\.json: damaged"):
        read_plan(copy)


# ---------------------------------------------------------------------------------------------------------------- databases


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL server of the test's own."""
    pytest.importorskip("psycopg", reason="needs psycopg, the driver of PostgreSQL")
    places = [*map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))), os.environ.get("PATH", "")]
    programs = [shutil.which(name, path=os.pathsep.join(places)) for name in ("initdb", "postgres")]
    if None in programs:
        pytest.skip("needs the programs of PostgreSQL: initdb, postgres")
    initdb, server = map(str, programs)
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # it refuses to run as root
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("needs a user called postgres, for the server does not run as root")
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    home = Path(tempfile.mkdtemp(prefix="postgres-"))
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **user}
    if user:
        shutil.chown(home, "postgres", "postgres")
    try:
        subprocess.run([initdb, "-D", home / "data", "-U", "postgres", "-A", "trust", "--no-sync"], check=True, **quiet)
        port = free_port()
        options = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={home}"]
        process = subprocess.Popen([server, "-D", home / "data", *options, "-c", "fsync=off"], **quiet)
        try:
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            wait_for(lambda: is_open(url))
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def is_open(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


STUDY_SEEDS = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, plan: Plan, tmp_path: Path) -> Iterator[Store]:
    """An empty database of either kind."""
    url = request.getfixturevalue("postgres") if request.param == "postgres" else None
    if url:  # each test is a study of its own in the one database
        plan = dataclasses.replace(plan, seed=next(STUDY_SEEDS))
    store = Store(plan, tmp_path, url)
    yield store
    store.close()


def take_part(store: Store, sides: Callable[[int, str], str] = lambda _, __: "A", now: float = 1000.0) -> str:
    """Somebody who answers everything, three seconds after each film's end."""
    secret = store.start("some", now)
    for position in range(store.plan.num_pairs + store.plan.num_checks):
        store.open(secret, position, now)
        now += store.plan.seconds + 3.0
        for question in QUESTION_KEYS:
            store.answer(secret, position, question, sides(position, question), now)  # type: ignore[arg-type]
    return secret


def test_answers_come_back_as_they_were_given(store: Store) -> None:
    secret = take_part(store, lambda position, question: "AB"[(position + QUESTION_KEYS.index(question)) % 2])  # type: ignore[arg-type]
    state = store.state(secret)
    assert (state.num_answered, state.num_trials, state.code) == (8, 8, "")
    state = store.finish(secret, 2000.0)
    assert CODE.fullmatch(state.code) and store.finish(secret, 3000.0) == state == store.state(secret)
    with store._engine.connect() as connection:
        ended = sql.text("SELECT finished_at FROM participants WHERE code = :code")
        assert connection.execute(ended, {"code": state.code}).scalar_one() == 2000.0, "once"
    (record,) = store.records()
    assert (record.code, record.experience, record.is_finished) == (state.code, "some", True)
    sequence = store.plan.sequence(0)
    assert [trial.film for trial in record.trials] == [store.plan.films[trial.film].token for trial in sequence]
    assert [trial.first for trial in record.trials] == [trial.first for trial in sequence]
    for position, trial in enumerate(record.trials):
        assert trial.sides == {q: "AB"[(position + n) % 2] for n, q in enumerate(QUESTION_KEYS)}
        assert trial.seconds == pytest.approx(store.plan.seconds + 3.0)


def test_a_new_answer_replaces_the_old_one(store: Store) -> None:
    secret = take_part(store)
    store.answer(secret, 2, "music", "B", 5000.0)
    (record,) = store.records()
    assert record.trials[2].sides == {"quality": "A", "interaction": "A", "music": "B"}
    assert record.trials[2].seconds == pytest.approx(store.plan.seconds + 3.0), "the time is that of the first answers"
    assert store.open(secret, 2, 5001.0).answers["music"] == "B"
    with store._engine.connect() as connection:
        count = connection.execute(sql.text("SELECT COUNT(*) FROM answers")).scalar_one()
    assert count % len(QUESTION_KEYS) == 0
    store.finish(secret, 6000.0)
    with pytest.raises(RefusedError, match="stay as they are"):
        store.answer(secret, 2, "music", "A", 7000.0)


def test_nothing_is_answered_out_of_turn(store: Store) -> None:
    secret = store.start("none", 0.0)
    for action, sentence in (
        (lambda: store.open(secret, 1, 0.0), "before this one"),
        (lambda: store.open(secret, 8, 0.0), "no pair 9"),
        (lambda: store.open(secret, -1, 0.0), "no pair"),
        (lambda: store.answer(secret, 0, "music", "A", 99.0), "watch both"),
        (lambda: store.answer(secret, 99, "music", "A", 99.0), "no pair 100"),
        (lambda: store.finish(secret, 99.0), "pair 1 is not answered"),
        (lambda: store.state("x" * 32), "nobody of this study"),
    ):
        with pytest.raises(RefusedError, match=sentence):
            action()
    store.open(secret, 0, 10.0)
    with pytest.raises(RefusedError, match="watch both"):
        store.answer(secret, 0, "music", "A", 10.3)
    store.open(secret, 0, 10.3)  # again does not start the time again
    store.answer(secret, 0, "music", "A", 10.5)
    with pytest.raises(RefusedError, match="before this one"):
        store.open(secret, 1, 11.0)


def test_many_at_once_lose_nothing(store: Store) -> None:
    """Fifty participants who each click everything twice, all at the same time."""

    def participant(number: int) -> str:
        secret = store.start("unsaid", 0.0)
        for position in range(8):
            store.open(secret, position, 0.0)
            for question, _ in itertools.product(QUESTION_KEYS, range(2)):
                store.answer(secret, position, question, "AB"[(number + position) % 2], 9.0)  # type: ignore[arg-type]
        return store.finish(secret, 10.0).code

    with ThreadPoolExecutor(50) as pool:
        codes = list(pool.map(participant, range(50)))
    records = {record.code: record for record in store.records()}
    assert set(codes) == set(records) and len(records) == 50
    given = Counter(tuple((trial.film, trial.first) for trial in record.trials) for record in records.values())
    plan = store.plan
    due = Counter(tuple((plan.films[trial.film].token, trial.first) for trial in plan.sequence(number)) for number in range(50))
    assert given == due, "everybody got a place of her own"
    for number, code in enumerate(codes):
        trials = records[code].trials
        assert all(set(trial.sides) == set(QUESTION_KEYS) for trial in trials)
        assert [trial.sides["music"] for trial in trials] == ["AB"[(number + position) % 2] for position in range(8)]


def test_one_answer_clicked_by_many_hands_is_one_row(store: Store) -> None:
    secret = store.start("some", 0.0)
    store.open(secret, 0, 0.0)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: store.answer(secret, 0, "quality", "AB"[n % 2], 5.0 + n), range(200)))  # type: ignore[arg-type]
    mine = [record for record in store.records() if record.trials[0].sides]
    assert len(mine) == 1 and set(mine[0].trials[0].sides) == {"quality"}


def test_two_studies_share_a_database_and_do_not_meet(plan: Plan, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'both.sqlite'}"
    one, other = Store(plan, tmp_path, url), Store(dataclasses.replace(plan, seed=99), tmp_path, url)
    secret = take_part(one)
    assert (len(one.records()), len(other.records())) == (1, 0)
    with pytest.raises(RefusedError, match="nobody"):
        other.state(secret)
    assert [trial.film for trial in other.plan.sequence(0)] != [trial.film for trial in one.plan.sequence(0)]


def test_nothing_stored_tells_who_somebody_is(store: Store, tmp_path: Path) -> None:
    secret = take_part(store)
    known = sql.MetaData()
    known.reflect(store._engine)
    columns = {column.name for table in known.tables.values() for column in table.columns}
    assert columns == {
        *("key", "next_number", "id", "study", "number", "secret_hash", "code", "experience", "started_at", "finished_at"),
        *("participant", "position", "film", "first", "opened_at", "question", "side", "first_at", "changed_at"),
    }
    with store._engine.connect() as connection:
        rows = [str(row) for table in known.tables.values() for row in connection.execute(sql.select(table))]
    assert not any(secret in row for row in rows)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "not a URL"),
        ("mysql://u:hidden@h/n", "PostgreSQL and SQLite are supported"),
        ("sqlite://", "kept nowhere"),
        ("sqlite:////nowhere/at/all.sqlite", "unable to open database file"),
        ("postgresql://u:hidden@127.0.0.1:1/n", "onnection"),
    ],
)
def test_databases_that_cannot_be_used(plan: Plan, tmp_path: Path, url: str, sentence: str) -> None:
    if url.startswith("postgresql"):
        pytest.importorskip("psycopg", reason="needs psycopg, the driver of PostgreSQL")
    with pytest.raises(InputError, match=sentence) as caught:
        Store(plan, tmp_path, url)
    assert "hidden" not in str(caught.value)


# ---------------------------------------------------------------------------------------------------------------- the server


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(study: Path, plan: Plan, tmp_path: Path, clock: Clock) -> Iterator[TestClient]:
    store = Store(plan, tmp_path)
    with TestClient(create_app(plan, study, store, clock=clock), base_url="http://localhost:8090") as client:
        yield client
    store.close()


def judge(client: TestClient, clock: Clock, number: int, sides: str = "ABA") -> dict[str, Any]:
    """Watch a pair and answer it; returns what the server said of it."""
    opened = client.post(f"/api/pairs/{number}/open").json()
    clock.now += 4.0
    for question, side in zip(QUESTION_KEYS, sides, strict=True):
        answer = client.put(f"/api/pairs/{number}/answers/{question}", json={"side": side})
        assert (answer.status_code, answer.json()) == (200, {"stored": True})
    return dict(opened)


def test_a_participant_comes_to_the_end(client: TestClient, clock: Clock) -> None:
    assert client.get("/api/me").json() == {}
    assert client.get("/api/study").json()["num_trials"] == 8
    me = client.post("/api/start", json={"experience": "trained"}).json()
    assert (me["answered"], me["code"]) == (0, "")
    assert client.post("/api/start", json={"experience": "none"}).json() == me, "who has begun goes on"
    for number in range(1, 9):
        judge(client, clock, number)
        assert client.get("/api/me").json()["answered"] == number
    code = client.post("/api/finish").json()["code"]
    assert CODE.fullmatch(code) and client.get("/api/me").json()["code"] == code


def test_another_browser_goes_on_with_the_link(client: TestClient, clock: Clock, study: Path) -> None:
    secret = client.post("/api/start", json={"experience": "some"}).json()["secret"]
    judge(client, clock, 1)
    client.cookies.clear()
    assert client.get("/api/me").json() == {}
    assert client.post("/api/resume", json={"secret": "A" * 32}).status_code == 401
    assert client.post("/api/resume", json={"secret": secret}).json()["answered"] == 1
    assert client.post("/api/pairs/1/open").json()["answers"] == {"quality": "A", "interaction": "B", "music": "A"}
    assert client.post("/api/pairs/2/open").status_code == 200
    cookie = client.post("/api/resume", json={"secret": secret}).headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie


def test_nothing_served_tells_which_system_is_which(client: TestClient, clock: Clock, study: Path, plan: Plan) -> None:
    served: list[tuple[str, httpx.Response]] = []

    def keep(method: str, path: str, **more: Any) -> httpx.Response:
        served.append((path, client.request(method, path, **more)))
        return served[-1][1]

    for path in ("/", "/assets/study.js", "/assets/study.css", "/api/study"):
        keep("GET", path)
    keep("POST", "/api/start", json={"experience": "some"})
    for number in range(1, 9):
        film = keep("POST", f"/api/pairs/{number}/open").json()["film"]
        assert re.fullmatch(r"/films/[0-9a-f]{32}\.mp4", film)
        answer = keep("GET", film)
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.headers["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
        clock.now += 4.0
        for question in QUESTION_KEYS:
            keep("PUT", f"/api/pairs/{number}/answers/{question}", json={"side": "A"})
        keep("GET", "/api/me")
    keep("POST", "/api/finish")
    assert all(response.status_code == 200 for _, response in served)
    for path, response in served:
        text = (path + str(response.headers)).encode() + response.content
        for secret in SECRETS:
            assert secret.lower().encode() not in text.lower(), f"{secret} is in what {path} answers"
    opened = [set(r.json()) for p, r in served if p.endswith("/open")]
    assert all(keys == {"film", "first", "answers"} for keys in opened), "checks look like any other pair"
    films = [film_path(study, film.token) for film in plan.films]
    assert len({film.stat().st_mtime_ns for film in films}) == 1


def test_films_are_sent_in_parts(client: TestClient, plan: Plan) -> None:
    """As telephones ask for them."""
    part = client.get(f"/films/{plan.films[0].token}.mp4", headers={"range": "bytes=10-19"})
    assert (part.status_code, len(part.content)) == (206, 10)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/films/../plan.json", None, 404),
        ("GET", "/films/%2e%2e%2fplan.json", None, 404),
        ("GET", "/films/..%2fplan.mp4", None, 404),
        ("GET", "/films/" + "0" * 32 + ".mp4", None, 404),
        ("GET", "/plan.json", None, 404),
        ("GET", "/answers.sqlite", None, 404),
        ("GET", "/assets/..%2f..%2fstore.py", None, 404),
        ("GET", "/assets/server.py", None, 404),
        ("GET", "/docs", None, 404),
        ("GET", "/openapi.json", None, 404),
        ("POST", "/api/start", {"experience": "Robert'); DROP TABLE answers;--"}, 422),
        ("POST", "/api/start", {}, 422),
        ("POST", "/api/resume", {"secret": "\ud800" * 32}, 422),
        ("POST", "/api/resume", {"secret": "' OR 1=1 --"}, 422),
        ("POST", "/api/pairs/0/open", None, 422),
        ("POST", "/api/pairs/9/open", None, 404),
        ("POST", "/api/pairs/3/open", None, 409),
        ("POST", "/api/pairs/99999999999999999999999999/open", None, 422),
        ("POST", "/api/pairs/1.5/open", None, 422),
        ("PUT", "/api/pairs/1/answers/music", {"side": "C"}, 422),
        ("PUT", "/api/pairs/1/answers/music", {"side": ["A"]}, 422),
        ("PUT", "/api/pairs/1/answers/music", {"side": "A"}, 409),
        ("PUT", "/api/pairs/1/answers/beauty", {"side": "A"}, 422),
        ("PUT", "/api/pairs/9/answers/music", {"side": "A"}, 404),
        ("POST", "/api/finish", None, 409),
        ("DELETE", "/api/me", None, 405),
    ],
)
def test_hostile_requests(client: TestClient, method: str, path: str, body: Any, status: int) -> None:
    client.post("/api/start", json={"experience": "some"})
    content = None if body is None else json.dumps(body).encode()
    answer = client.request(method, path, content=content, headers={"content-type": "application/json"} if content else {})
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"} and "Traceback" not in answer.text
    assert client.get("/api/me").json()["answered"] == 0


def test_strangers_are_refused(client: TestClient, plan: Plan) -> None:
    assert client.post("/api/pairs/1/open").status_code == 401
    for cookie in ("", "A" * 32, "A" * 5000, "\x00", "' OR 1=1"):
        assert client.post("/api/pairs/1/open", headers={"cookie": f"study_{plan.fingerprint}={cookie}"}).status_code == 401
    foreign = {"origin": "http://evil.example"}
    assert client.post("/api/start", json={"experience": "some"}, headers=foreign).status_code == 403
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert client.post("/api/start", content=b"x" * 20_000).status_code == 413


def test_a_database_that_is_away_is_said(client: TestClient, plan: Plan, tmp_path: Path) -> None:
    client.post("/api/start", json={"experience": "some"})
    with sql.create_engine(f"sqlite:///{tmp_path / 'answers.sqlite'}").begin() as connection:
        connection.execute(sql.text("ALTER TABLE trials RENAME TO elsewhere"))
    answer = client.post("/api/pairs/1/open")
    assert (answer.status_code, "try again" in answer.json()["error"]) == (503, True)


class Served:
    """The command line's server in a process of its own."""

    def __init__(self, study: Path, *arguments: object) -> None:
        self.port = free_port()
        self.address = f"http://localhost:{self.port}"
        command = [sys.executable, "-m", "interdance.cli", "study", "serve", study, "--port", self.port, *arguments]
        self.process = subprocess.Popen(
            list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        wait_for(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[0]
        try:
            return httpx.get(self.address).status_code == 200
        except httpx.TransportError:
            return False

    def end(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[0]


def test_two_hundred_requests_at_once_and_a_server_that_is_killed(study: Path, tmp_path: Path) -> None:
    """What was answered with 200 is there afterwards, whatever happens to the server."""
    folder = tmp_path / "study"
    shutil.copytree(study, folder)
    server = Served(folder)
    people = []
    with ThreadPoolExecutor(40) as pool:
        start = lambda _: httpx.post(f"{server.address}/api/start", json={"experience": "none"}, timeout=60)  # noqa: E731
        people = [answer.json()["secret"] for answer in pool.map(start, range(40))]
    name = f"study_{read_plan(folder).fingerprint}"
    for secret in people:
        httpx.post(f"{server.address}/api/pairs/1/open", headers={"cookie": f"{name}={secret}"})
    time.sleep(0.6)
    stored: list[tuple[str, str, str]] = []

    def answer(number: int) -> int:
        secret, question, side = people[number % 40], QUESTION_KEYS[number // 40 % 3], "AB"[number % 2]
        address, headers = f"{server.address}/api/pairs/1/answers/{question}", {"cookie": f"{name}={secret}"}
        try:
            status = httpx.put(address, json={"side": side}, headers=headers, timeout=60).status_code
        except httpx.TransportError:
            return 0
        if status == 200:
            stored.append((secret, question, side))
        if len(stored) >= 150:
            server.process.kill()
        return status

    with ThreadPoolExecutor(100) as pool:
        statuses = Counter(pool.map(answer, range(200)))
    assert set(statuses) <= {0, 200} and statuses[200] >= 150
    server.process.communicate()
    server = Served(folder)
    given: dict[str, dict[str, str]] = {}
    for secret, question, side in stored:
        given.setdefault(secret, {})[question] = side
    for secret, answers in given.items():
        opened = httpx.post(f"{server.address}/api/pairs/1/open", headers={"cookie": f"{name}={secret}"}).json()
        assert answers.items() <= opened["answers"].items()
    assert "Traceback" not in server.end()


# ---------------------------------------------------------------------------------------------------------------- the browser


@pytest.fixture
def served(study: Path, plan: Plan, tmp_path: Path) -> Iterator[tuple[str, Store]]:
    """A server within the test."""
    store = Store(plan, tmp_path)
    port = free_port()
    app = create_app(plan, study, store, consent=["Asked by <b>us</b>."])
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started)
    yield f"http://127.0.0.1:{port}", store
    server.should_exit = True
    thread.join()
    store.close()


def click(browser: Chromium, selector: str) -> None:
    """Click what may have to be scrolled to first."""
    browser.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
    browser.click(selector)


def shows(view: str) -> str:
    return f"document.body && document.body.dataset.view === {json.dumps(view)}"


def at(number: int) -> str:
    return f"{shows('pair')} && document.querySelector('#place').textContent === 'Pair {number} of 8'"


CAN_ANSWER = "!document.querySelector('fieldset').disabled"
CAN_GO_ON = "!document.querySelector('#next').disabled"
#: Mean colours of canvases A and B, and of the left and right halves of the film at the same moment.
COLOURS = """(() => {
  const film = document.querySelector("#film"), width = film.videoWidth / 2, height = film.videoHeight;
  const pixels = (source, left) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height }), pen = canvas.getContext("2d");
    pen.drawImage(source, left, 0, width, height, 0, 0, width, height);
    return [...pen.getImageData(0, 0, width, height).data];
  };
  const sides = ["a", "b"].map((name) => pixels(document.querySelector("#side-" + name), 0));
  const halves = [0, width].map((left) => pixels(film, left));
  const apart = (one, other) => one.reduce((sum, value, i) => sum + Math.abs(value - other[i]), 0) / one.length;
  return [apart(sides[0], halves[0]), apart(sides[0], halves[1]), apart(sides[1], halves[0]), apart(sides[1], halves[1])];
})()"""


def test_a_person_does_the_study_in_chromium(served: tuple[str, Store], tmp_path: Path) -> None:
    address, store = served
    with Chromium(1280, 720) as browser:
        browser.open(address, ready=shows("intro"))
        assert browser.run("document.querySelector('#consent').textContent") == "Asked by <b>us</b>."
        assert browser.run("document.querySelector('#begin').disabled"), "not before agreeing"
        click(browser, "#agree")
        click(browser, "#begin")
        browser.wait(at(1))
        assert browser.run("document.querySelector('fieldset').disabled"), "not before watching"
        browser.press("a", "KeyA")
        browser.wait(CAN_ANSWER)
        assert browser.run("document.querySelectorAll('input:checked').length") == 1  # the box that agreed
        (record,) = store.records()
        first = [trial.first for trial in record.trials]

        # By keys, then by mouse; going back, changing an answer, and reloading.
        for key in "aba":
            browser.press(key, f"Key{key.upper()}")
        browser.wait(CAN_GO_ON)
        browser.press("Enter", "Enter")
        browser.wait(at(2))
        browser.wait(CAN_ANSWER)
        for place in (1, 2, 3):
            click(browser, f"fieldset:nth-of-type({place}) .sides label:nth-child(2)")
        browser.wait(CAN_GO_ON)
        click(browser, "#back")
        browser.wait(at(1))
        browser.wait(CAN_ANSWER)
        click(browser, "fieldset:nth-of-type(3) .sides label:nth-child(2)")
        browser.wait("document.querySelector('#stored').textContent === 'stored ✓'")
        browser.open(address, ready=at(3))
        one, two = store.records()[0].trials[:2]
        assert one.sides == {"quality": "A", "interaction": "B", "music": "B"}
        assert two.sides == {"quality": "B", "interaction": "B", "music": "B"}

        # Somewhere else the link brings it there, pasted into an open page as well; the rest on a telephone.
        link = browser.run("document.querySelector('#resume').href")
        browser.call("Network.clearBrowserCookies")
        browser.open(address, ready=shows("intro"))
        browser.run(f"location.href = {json.dumps(link)}")
        browser.wait(at(3))
        browser.call("Network.clearBrowserCookies")
        browser.size(390, 844, 2.0, mobile=True)
        browser.call("Page.navigate", url="about:blank")
        browser.open(link, ready=at(3))
        assert set(first[2:]) == {0, 1}
        for number in range(3, 9):
            browser.wait(at(number))
            browser.wait(CAN_ANSWER)
            assert browser.run("document.documentElement.scrollWidth") <= 390
            stacked = browser.run(
                "document.querySelector('#side-b').getBoundingClientRect().top >"
                " document.querySelector('#side-a').getBoundingClientRect().bottom"
            )
            assert stacked, "one above the other, as wide as the telephone"
            a_left, a_right, b_left, b_right = browser.run(COLOURS)
            straight, crossed = (a_left, b_right), (a_right, b_left)
            near, far = (crossed, straight) if first[number - 1] else (straight, crossed)
            assert max(near) < 1.0 < min(far), "sides are as the plan has them"
            for place in (1, 2, 3):
                click(browser, f"fieldset:nth-of-type({place}) .sides label:nth-child(1)")
            browser.wait(CAN_GO_ON)
            click(browser, "#next")
        browser.wait(shows("last"))
        click(browser, "#finish")
        browser.wait(shows("done"))
        code = browser.run("document.querySelector('#code').textContent")
        browser.open(address, ready=shows("done"))
        assert browser.errors == []
    (record,) = store.records()
    assert (record.code, record.is_finished) == (code, True)
    assert all(trial.sides == dict.fromkeys(QUESTION_KEYS, "A") for trial in record.trials[2:])
    assert all(trial.seconds is not None and trial.seconds > store.plan.seconds * 0.9 for trial in record.trials)


def test_answers_wait_for_a_server_that_is_away(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(study, folder)
    server = Served(folder)
    with Chromium(800, 600) as browser:
        browser.open(server.address, ready=shows("intro"))
        click(browser, "#agree")
        click(browser, "#begin")
        browser.wait(CAN_ANSWER)
        server.process.kill()
        server.process.communicate()
        browser.press("b", "KeyB")
        browser.wait("!document.querySelector('#banner').hidden")
        command = [sys.executable, "-m", "interdance.cli", "study", "serve", folder, "--port", server.port]
        again = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            browser.wait("document.querySelector('#banner').hidden", 60)
            browser.wait("document.querySelector('#stored').textContent === 'stored ✓'")
        finally:
            again.terminate()
            again.wait(30)
    store = Store(read_plan(folder), folder)
    assert store.records()[0].trials[0].sides == {"quality": "B"}
    store.close()


# ----------------------------------------------------------------------------------------------------------- the command line


def test_the_command_line_reports(study: Path, world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(study, folder)
    done = interdance("study", "report", folder, cwd=world)
    assert (done.returncode, "nobody has taken part yet" in done.stderr) == (2, True)
    assert not (folder / "answers.sqlite").exists(), "to look makes nothing"
    plan = read_plan(folder)
    store = Store(dataclasses.replace(plan, seed=99), folder)  # of another study
    store.close()
    before = {path.name: path.read_bytes() for path in folder.glob("answers.sqlite")}
    done = interdance("study", "report", folder, cwd=world)
    assert (done.returncode, "nobody has taken part yet" in done.stderr) == (2, True)
    assert {path.name: path.read_bytes() for path in folder.glob("answers.sqlite")} == before
    store = Store(plan, folder)
    for number in range(4):
        trials = plan.sequence(number)

        def side(position: int, _: str, trials: Any = trials) -> str:
            film = plan.films[trials[position].film]
            wanted = TRUE if film.comparison == CHECK else "zanzibar"
            return "A" if film.halves[trials[position].first] == wanted else "B"

        store.finish(take_part(store, side), 9999.0)
    store.close()
    done = interdance("study", "report", folder, "--json", "found.json", "--out", "reported", cwd=world)
    assert done.returncode == 0, done.stderr
    assert "zanzibar : quagga" in done.stdout and "kept: 4" in done.stdout
    found = json.loads((world / "found.json").read_text())
    assert all(row["share"] == 1.0 for row in found["comparisons"]) and len(found["comparisons"]) == 6
    assert (world / "reported" / "index.html").is_file()
    assert not (folder / "report").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("serve", "nowhere"), "nowhere: no study in it; make one with"),
        (("serve", "nowhere", "--host", "0.0.0.0"), "say by which address participants come"),
        (("serve", "nowhere", "--name", "http://x:1"), "--name http://x:1: a name or an address alone is needed"),
        (("report", "nowhere", "--json", "found.txt"), "a name that ends in .json"),
        (("build", "--set", "a", "--reference", "b", "--out", "c"), "--set a: NAME=FOLDER is needed"),
    ],
)
def test_the_command_line_refuses(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = interdance("study", *arguments, "--root", ROOT, cwd=tmp_path)
    assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
    assert not list(tmp_path.iterdir())
