"""The command line: every command explains itself, and what a user can cure is one sentence and exit code 2."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from command import interdance, refused
from layout import ROOT

from interdance.body.model import Body
from interdance.metrics.interaction import contact_frequency, penetration_rate
from interdance.takes import write_motion
from tests.dancers import swaying
from tests.pages import curves, read_page

COMMANDS = (
    *("data", "inspect", "card", "run", "sweep", "ablate", "generate", "view", "export", "studio", "evaluate", "reference"),
    *("compare", "study", "runs", "promote", "sync", "verify"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str) -> None:
    done = interdance(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_help_lists_every_command() -> None:
    text = interdance("--help").stdout
    assert all(re.search(rf"^\W*{command}\b", text, re.MULTILINE) for command in COMMANDS)


def test_measuring_does_not_load_the_compiler() -> None:
    """torch's, which takes as long as all the rest and comes with whatever looks into it at its import."""
    code = "import sys, interdance.evaluation.files; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in loaded and not {"torch._dynamo", "diffusers", "mlflow", "ray"} & set(loaded)


def test_unknown_option_is_two() -> None:
    assert interdance("generate", "--nonsense").returncode == 2


def test_a_process_of_its_own_says_the_same(tmp_path: Path) -> None:
    """What the other tests see of the command line in their own process is what a shell sees."""
    command = [sys.executable, "-m", "interdance.cli", "run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2 and done.stderr == refused("run", cwd=tmp_path) + "\n"


def test_unknown_key_in_params(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text() + "trian: {}\n")
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    assert "trian: unknown key; known: data" in refused("run", cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dvc.yaml", "params.yaml"]


@pytest.mark.parametrize("stage", ["takes", "split", "train"])
def test_unknown_key_in_a_stage(tmp_path: Path, stage: str) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text() + "trian: {}\n")
    command = [sys.executable, "-m", f"interdance.stages.{stage}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert "trian: unknown key" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_run_outside_a_project(tmp_path: Path) -> None:
    assert "go to the project" in refused("run", cwd=tmp_path)


def test_run_of_an_unknown_stage() -> None:
    assert "known: takes, music" in refused("run", "trian")


def test_overlay_that_is_not_there() -> None:
    assert "nowhere.yaml: no such file" in refused("run", "--overlay", "nowhere.yaml")


def test_view_of_nothing(tmp_path: Path) -> None:
    assert "leader.npz: no such file" in refused(
        *("view", "--leader", str(tmp_path / "leader.npz"), "--out", str(tmp_path / "page.html"))
    )
    assert not list(tmp_path.iterdir())


def test_view_of_two_followers(tmp_path: Path) -> None:
    """Both are on the page with contact as the parameters tell it, and beats as far as the song goes."""
    places = {"leader": 0.0, "near": 0.2, "far": 2.0}
    dancers = {name: swaying(60) for name in places}
    for name, aside in places.items():
        dancers[name].translation_T3[:, 2] += aside
    for name, motion in dancers.items():
        write_motion(tmp_path / f"{name}.npz", motion)
    clicks = np.zeros(22050, np.float32)  # a second for a dance of two
    clicks[:: 22050 // 4] = 1.0
    soundfile.write(tmp_path / "song.wav", clicks, 22050)
    page = tmp_path / "page.html"
    followers = [word for name in ("near", "far") for word in ("--follower", str(tmp_path / f"{name}.npz"))]
    arguments = ("view", "--leader", str(tmp_path / "leader.npz"), *followers)
    done = interdance(*arguments, "--music", str(tmp_path / "song.wav"), "--out", str(page))
    assert done.returncode == 0, done.stderr
    body, (take, _), shown = Body.load(), read_page(page), curves(page)
    assert list(shown) == ["near", "far"] and all(beat <= 1.1 for beat in take["beats"])
    surfaces = {name: body.points(motion)[:, 55:] for name, motion in dancers.items()}
    for name, (contact, penetration) in shown.items():
        assert contact.mean() == contact_frequency(surfaces["leader"], surfaces[name])
        rate = penetration_rate(surfaces["leader"], surfaces[name], body.surface_faces)
        assert penetration.mean() == pytest.approx(rate, rel=1e-6)
        assert (rate > 0) == (name == "near")
    (tmp_path / "other").mkdir()
    write_motion(tmp_path / "other" / "near.npz", dancers["far"])
    again = ("--follower", str(tmp_path / "other" / "near.npz"), "--out", str(tmp_path / "again.html"))
    assert "is shown as 'near' too" in refused(*arguments, *again)


def test_generate_without_a_leader(tmp_path: Path) -> None:
    """In a clone that has not trained, the missing model is named first."""
    arguments = ("--leader", str(tmp_path / "leader.bvh"), "--music", str(tmp_path / "song.ogg"))
    assert "no such file" in refused("generate", *arguments, "--out", str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())
