"""``interdance data``, ``inspect`` and ``card``, as people call them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from command import interdance, refused
from conftest import shared
from test_quality import body, couple  # noqa: F401 - body is a fixture

from interdance.body.model import Body
from interdance.takes import list_takes, read_motion, read_take, write_take


@pytest.fixture(scope="module")
def takes(body: Body, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """Two takes, one of them with a dancer who jumps through space."""
    root = tmp_path_factory.mktemp("data") / "takes"
    for name in ("good", "bad"):
        song = root / name / "music.flac"
        song.parent.mkdir(parents=True)
        soundfile.write(song, 0.1 * np.random.default_rng(0).normal(size=22050 * 8), 22050)
        duet = replace(couple(body), name=name, genre="waltz", music=song)
        if name == "bad":
            duet.leader.translation_T3[100:] += np.float32([2.0, 0.0, 0.0])
        write_take(root, duet)
    return root


def test_sources_are_listed_with_their_layouts() -> None:
    text = interdance("data", "sources").stdout
    for word in ("folder", "dd100", "interdance", "interhuman", "interx", "aistpp", "finedance", "amass", "compas3d", "_00"):
        assert word in text


@pytest.mark.slow
def test_out_in_and_inspected(takes: Path, tmp_path: Path) -> None:
    """Takes exported in another set's layout, imported again: the sound one is the same, the defective one left out."""
    done = interdance("data", "export", "dd100", str(takes), "--out", str(tmp_path / "dd100"))
    assert done.returncode == 0 and "2 takes" in done.stdout, done.stderr
    done = interdance("data", "import", "dd100", str(tmp_path / "dd100"), "--out", str(tmp_path / "in"), "--workers", "1")
    assert done.returncode == 0 and "1 takes" in done.stdout, done.stderr
    (name,) = list_takes(tmp_path / "in")
    before, after = read_take(takes / "good"), read_take(tmp_path / "in" / name)
    assert after.genre == "waltz" and after.music is not None
    np.testing.assert_allclose(after.leader.translation_T3, before.leader.translation_T3, atol=1e-4)
    report = json.loads((tmp_path / "in" / "import.json").read_text())
    assert [reason for reason in report["excluded"].values() if "teleport" in reason]


def test_inspect_tells_and_writes(takes: Path, tmp_path: Path) -> None:
    page, found = tmp_path / "page.html", tmp_path / "found.json"
    done = interdance("inspect", str(takes), "--json", str(found), "--page", str(page), "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "teleport" in done.stdout and "bad" in done.stdout
    entries = {take["name"]: take for take in json.loads(found.read_text())["takes"]}
    assert entries["good"]["verdict"] is None and "teleport" in entries["bad"]["verdict"]
    assert "teleport" in page.read_text()


@pytest.mark.slow
def test_card(takes: Path, tmp_path: Path) -> None:
    done = interdance("card", str(takes), "--out", str(tmp_path / "card"), "--workers", "1", "--name", "Ours")
    assert done.returncode == 0, done.stderr
    assert "Ours" in done.stdout and "InterDance" in done.stdout, "beside the paper's row"
    assert {path.name for path in (tmp_path / "card").iterdir()} == {"card.json", "card.html", "samples.png"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("data/c3d/cmu_85_02.c3d", "810 frames at 120"),
        ("data/salsa_raw120/easy_02_excerpt_leader.bvh", "frames at 119.88"),
    ],
)
def test_fit_of_a_dancer(place: str, says: str, tmp_path: Path) -> None:
    out, report = tmp_path / "dancer.npz", tmp_path / "report.json"
    done = interdance("data", "fit", str(shared(place)), "--out", str(out), "--report", str(report))
    assert done.returncode == 0 and says in done.stdout, done.stdout + done.stderr
    assert read_motion(out).num_frames > 100 and json.loads(report.read_text())


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "x.bvh").write_text("HIERARCHY")
    assert "x.bvh" in refused("data", "fit", str(tmp_path / "x.bvh"), "--out", str(tmp_path / "y.npz"))
    assert "ends in .npz" in refused("data", "fit", str(tmp_path / "x.bvh"), "--out", str(tmp_path / "y.fbx"))
    assert "known: choreography, folder" in refused("data", "import", "theirs", str(tmp_path), "--out", str(tmp_path / "o"))
    assert "no take" in refused("inspect", str(tmp_path))
    assert "no take" in refused("card", str(tmp_path), "--out", str(tmp_path / "card"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.bvh"]
    shutil.rmtree(tmp_path)
