"""The command line: every command explains itself, and what a user can cure is one sentence and exit code 2."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
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


@pytest.fixture(scope="module")
def ticking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A song of 20 s, two beats in each."""
    path, sound = tmp_path_factory.mktemp("song") / "song.wav", np.zeros(20 * 22050, np.float32)
    for start in range(0, len(sound), 11025):
        sound[start : start + 400] = np.sin(np.arange(400) * 0.3) * np.linspace(1.0, 0.0, 400)
    soundfile.write(path, sound, 22050)
    return path


def test_view_marks_beats_where_the_song_has_them(ticking: Path, tmp_path: Path) -> None:
    """At every rate of the dancers, also one that is not whole and one too low to hear a song by."""
    beats = {}
    for fps, num_frames in ((30.0, 600), (29.97, 599), (12.0, 240)):
        write_motion(tmp_path / "leader.npz", replace(swaying(num_frames), fps=fps))
        out = tmp_path / f"{fps:g}.html"
        done = interdance("view", "--leader", str(tmp_path / "leader.npz"), "--music", str(ticking), "--out", str(out))
        assert done.returncode == 0, done.stderr
        beats[fps] = read_page(out)[0]["beats"]
    assert len(beats[30.0]) > 30 and max(beats[30.0]) > 18.0
    assert beats[29.97] == beats[30.0] and beats[12.0] == beats[30.0]


def test_view_of_a_song_whose_beats_cannot_be_read(ticking: Path, tmp_path: Path) -> None:
    """FFmpeg reads more kinds of songs than the beats are read from; a follower in the folder one is in has its name."""
    with av.open(str(ticking)) as song, av.open(str(tmp_path / "song.m4a"), "w") as out:
        voice = out.add_stream("aac", rate=22050)
        for frame in song.decode(audio=0):
            frame.pts = None
            out.mux(voice.encode(frame))
        out.mux(voice.encode(None))
    for name in ("leader", "follower"):
        write_motion(tmp_path / f"{name}.npz", swaying(30))
    place = ("view", "--leader", "leader.npz", "--follower", "follower.npz", "--out", "page.html")
    done = interdance(*place, "--music", "song.m4a", "--root", str(ROOT), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no beats: song.m4a" in done.stderr
    take, _ = read_page(tmp_path / "page.html")
    assert take["music"] and take["beats"] == []
    assert [dancer["name"] for dancer in take["dancers"]] == ["Leader", tmp_path.name]
    (tmp_path / "page.html").unlink()
    (tmp_path / "noise.m4a").write_bytes(bytes(range(256)))
    assert "noise.m4a: " in refused(*place, "--music", "noise.m4a", "--root", str(ROOT), cwd=tmp_path)
    assert not (tmp_path / "page.html").exists()


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
