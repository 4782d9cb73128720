"""Takes by name, and what every import does: lengths, calibration poses, songs, defects, what is left out and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import REPOSITORY, shared
from test_mocap import dance, write_bvh, write_song

from interdance import config
from interdance.body.model import Body
from interdance.errors import InputError
from interdance.importers import folder as by_name
from interdance.importers import run
from interdance.importers.registry import IMPORTERS, find_importer
from interdance.importers.run import Reading, import_takes
from interdance.importers.source import Source
from interdance.importers.trim import trim_range
from interdance.kept import Kept
from interdance.takes import list_takes, read_take, write_motion

#: The dancers of these tests stand in each other: only what a test is about excludes a take.
LIMITS = replace(config.load(REPOSITORY / "params.yaml").quality, allowed={"frozen": 0.05})


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def reading(**changes: object) -> Reading:
    values = {"importer": "folder", "body": "", "fps": 30.0, "genre": "salsa", "tolerance_s": 0.5, "limits": LIMITS}
    return Reading(**(values | changes))  # type: ignore[arg-type]


def couple(folder: Path, body: Body, name: str, t_pose: int = 0, num_frames: int = 90) -> None:
    folder.mkdir(exist_ok=True)
    for seed, role in enumerate(("leader", "follower")):
        write_bvh(folder / f"{name}_{role}.bvh", dance(num_frames, seed, t_pose), body)


def test_a_folder_becomes_takes_with_the_song_cut_alike(tmp_path: Path, body: Body) -> None:
    couple(tmp_path / "in", body, "one", t_pose=15)
    couple(tmp_path / "in", body, "two")
    (tmp_path / "in" / "two_follower.bvh").unlink()
    (tmp_path / "music").mkdir()
    samples = write_song(tmp_path / "music" / "one.wav", 3.5)
    assert import_takes(tmp_path / "in", tmp_path / "out", reading()) == ["one"]
    take = read_take(tmp_path / "out" / "one")
    assert take.name == "one" and take.genre == "salsa" and take.follower is not None and take.music is not None
    assert take.facts["trimmed"]["start"] == 15 and take.facts["trimmed"]["end"] == 15
    assert take.leader.num_frames == take.follower.num_frames == 60
    cut, rate = soundfile.read(take.music, dtype="float32")
    np.testing.assert_allclose(cut, samples[round(15 / 30 * rate) : round(75 / 30 * rate)], atol=1e-4)
    report = json.loads((tmp_path / "out" / "import.json").read_text())
    assert report["left_out"] == {"two": "no follower"}
    import_takes(tmp_path / "in", tmp_path / "out", reading(trim=False), takes=["one"])
    assert read_take(tmp_path / "out" / "one").leader.num_frames == 90  # replaced whole


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda d: (d / "one_leader.bvh").write_text((d / "one_leader.bvh").read_text()[:-500]), "the file was cut"),
        (lambda d: write_song(d / "one.wav", 1.0), "the song ends at 1.00 s"),
        (lambda d: (d / "one.wav").write_bytes(b"RIFF nothing"), "cannot be decoded"),
        (lambda d: write_motion(d / "one_leader.npz", dance(9)), "keep one"),
    ],
)
def test_a_set_without_a_sound_take_is_refused_and_nothing_is_written(tmp_path, body, spoil, says) -> None:
    couple(tmp_path / "in", body, "one")
    write_song(tmp_path / "in" / "one.wav", 3.0)
    spoil(tmp_path / "in")
    with pytest.raises(InputError, match=says):
        import_takes(tmp_path / "in", tmp_path / "out", reading())
    assert [item.name for item in tmp_path.iterdir()] == ["in"]


def test_a_defective_take_is_left_out_with_its_reason_and_refused_when_it_was_asked_for(tmp_path: Path, body: Body) -> None:
    for name in ("good", "cut", "frozen"):
        couple(tmp_path / "in", body, name)
        write_song(tmp_path / "in" / f"{name}.wav", 3.0)
    path = tmp_path / "in" / "cut_leader.bvh"
    path.write_text(path.read_text()[:-500])
    rows = (tmp_path / "in" / "frozen_leader.bvh").read_text().splitlines()
    still = rows[:-60] + [rows[-60]] * 60
    (tmp_path / "in" / "frozen_leader.bvh").write_text("\n".join(still) + "\n")
    assert import_takes(tmp_path / "in", tmp_path / "out", reading()) == ["good"]
    excluded = json.loads((tmp_path / "out" / "import.json").read_text())["excluded"]
    assert "the file was cut" in excluded["cut"] and "frozen" in excluded["frozen"]
    assert list_takes(tmp_path / "out") == ["good"]
    with pytest.raises(InputError, match="the file was cut"):
        import_takes(tmp_path / "in", tmp_path / "out", reading(), takes=["cut", "good"])
    assert list_takes(tmp_path / "out") == ["good"], "as it was before"


def test_one_more_take_makes_one_more(tmp_path: Path, body: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = run.make_take

    class Here:
        """A pool that works in this process, so that it can be watched."""

        def __init__(self, *arguments: object, **more: object) -> None: ...
        def __enter__(self) -> Here:
            return self

        def __exit__(self, *arguments: object) -> None: ...

        def submit(self, function, source, out, reading):
            made.append(source.name)
            result = run.Future()
            result.set_result(make(source, out, reading))
            return result

    monkeypatch.setattr(run, "process_pool", Here)
    for name in ("a", "b"):
        couple(tmp_path / "in", body, name)
        write_song(tmp_path / "in" / f"{name}.wav", 3.0)
    kept = tmp_path / "kept"
    import_takes(tmp_path / "in", tmp_path / "out", reading(), kept=Kept(kept))
    before = {path.name: path.read_bytes() for path in (tmp_path / "out" / "a").iterdir()}
    couple(tmp_path / "in", body, "c")
    made.clear()
    import_takes(tmp_path / "in", tmp_path / "out", reading(), kept=Kept(kept))
    assert made == ["c"] and list_takes(tmp_path / "out") == ["a", "b", "c"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "a").iterdir()} == before
    write_song(tmp_path / "in" / "b.wav", 3.2)
    made.clear()
    import_takes(tmp_path / "in", tmp_path / "out", reading(), kept=Kept(kept))
    assert made == ["b"], "another song makes the take anew"
    made.clear()
    import_takes(tmp_path / "in", tmp_path / "out", reading(genre="rumba"), kept=Kept(kept))
    assert made == ["a", "b", "c"], "and so does another setting"
    assert len(list(kept.iterdir())) == 3, "what is of no use is dropped"


def test_everything_that_is_read_counts(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("leader", "follower", "music", "other")]
    for file in files:
        file.write_bytes(b"before")
    source = Source("a", "salsa", files[0], files[1], files[2], others=(files[3],), facts={"split": "train"})
    keys = {run._key(source, {}), run._key(source, {"fps": 30}), run._key(replace(source, facts={}), {})}
    for file in files:
        file.write_bytes(b"after")
        keys.add(run._key(source, {}))
    assert len(keys) == 3 + len(files)


def test_another_mapping_makes_other_takes(tmp_path: Path, body: Body) -> None:
    couple(tmp_path, body, "one")
    keys = set()
    for text in (None, "joints: {}", "joints: {pelvis: Hips}"):
        if text is not None:
            (tmp_path / "mapping.yaml").write_text(text)
        (source,), _ = by_name.find(tmp_path)
        keys.add(run._key(source, {}))
    assert len(keys) == 3


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path, body: Body) -> None:
    couple(tmp_path / "in", body, "one")
    write_song(tmp_path / "in" / "one.wav", 3.0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("dear diary")
    with pytest.raises(InputError, match=r"diary\.txt"):
        import_takes(tmp_path / "in", tmp_path / "out", reading())
    assert (tmp_path / "out" / "diary.txt").read_text() == "dear diary"
    with pytest.raises(InputError, match="no such folder"):
        import_takes(tmp_path / "nosuch", tmp_path / "out", reading())
    with pytest.raises(InputError, match="take three"):
        import_takes(tmp_path / "in", tmp_path / "elsewhere", reading(), takes=["three"])
    with pytest.raises(InputError, match="source 'theirs' is not known; known: choreography, folder"):
        import_takes(tmp_path / "in", tmp_path / "elsewhere", reading(importer="theirs"))


def test_trimming_bridges_short_gaps_only() -> None:
    pose = np.zeros(100, bool)
    pose[:10], pose[12:20], pose[50:60], pose[90:] = True, True, True, True
    assert trim_range(pose, bridge=3) == (20, 90)
    assert trim_range(pose, bridge=1) == (10, 90)
    assert trim_range(np.zeros(5, bool), bridge=3) == (0, 5)
    assert trim_range(np.ones(5, bool), bridge=3) == (5, 5)


def test_the_shared_folder_is_understood() -> None:
    found, left_out = by_name.find(shared("data", "salsa"))
    assert [item.name for item in found] == [
        "easy_01", "easy_02", "easy_03", "hard_04", "medium_01", "medium_02", "medium_03", "move_03_03", "rom",
    ]  # fmt: skip
    assert [item.name for item in found if item.music is None] == ["rom"]
    assert set(left_out) == {"defect_frame_count"}


@pytest.mark.parametrize("name", IMPORTERS)
def test_every_importer_has_the_same_functions(name: str) -> None:
    importer = find_importer(name)
    assert importer.LAYOUT.strip()
    assert all(callable(getattr(importer, function)) for function in ("find", "read", "write"))
