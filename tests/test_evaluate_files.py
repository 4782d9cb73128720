"""``interdance evaluate`` on folders of any system: SMPL-X parameters, joints, points, DD100; what it writes and refuses."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from command import interdance
from layout import ROOT
from test_data_stages import motion

from interdance import metrics
from interdance.body.model import Body
from interdance.takes import Motion, write_motion
from tests.pages import curves

FRAMES = 130
TAKES = ("Tango_1_1", "Waltz_2_1", "Waltz_3_1")


def couple(body: Body, seed: int) -> tuple[Motion, Motion]:
    """Two dancers who face each other, hands forward and nearly touching."""
    leader = motion(body, seed, 0.0, (0.0, 0.0), FRAMES)
    return leader, motion(body, seed + 5, np.pi, (0.0, 0.72), FRAMES)


def z_up(points: np.ndarray) -> np.ndarray:
    """(x, y, z) with +y up as DD100 has it, +z up."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """True couples, and five systems of them in five forms: ``true/ seeds/ joints/ points/ dd100/ duet/``."""
    root, body = tmp_path_factory.mktemp("world"), Body.load()
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["evaluate"] |= {"clip_frames": 60, "clip_stride": 10, "bootstrap": 20, "workers": 1}
    (root / "params.yaml").write_text(yaml.safe_dump(values))
    for folder in ("true", "joints", "points", "dd100", "duet", "seeds/seed_1", "seeds/seed_2"):
        (root / folder).mkdir(parents=True)
    clicks = np.zeros(22050 * 5, np.float32)
    for beat in range(0, len(clicks), 11025):
        clicks[beat : beat + 400] = np.random.default_rng(0).normal(size=400) * np.exp(-np.arange(400) / 80)
    for seed, take in enumerate(TAKES):
        leader, true = couple(body, seed)
        write_motion(root / "true" / f"{take}_leader.npz", leader)
        write_motion(root / "true" / f"{take}_follower.npz", true)
        soundfile.write(root / "true" / f"{take}.wav", clicks, 22050)
        for number in (1, 2):
            _, other = couple(body, seed + 20 * number)
            write_motion(root / "seeds" / f"seed_{number}" / f"{take}_follower.npz", other)
            write_motion(root / "seeds" / f"seed_{number}" / f"{take}_leader.npz", leader)
        np.save(root / "joints" / f"{take}_follower.npy", body.joints(true))
        (root / "points" / take).mkdir()
        near = replace(true, translation_T3=true.translation_T3 - np.float32([0, 0, 0.05]))
        np.save(root / "points" / take / "points.npy", body.points(near))
        np.save(root / "dd100" / f"{take}_00.npy", z_up(body.joints(true)).reshape(FRAMES, 165))
        np.save(root / "dd100" / f"{take}_01.npy", z_up(body.joints(leader)).reshape(FRAMES, 165))
        for who, dancer in (("leader", leader), ("follower", true)):
            far = replace(dancer, translation_T3=dancer.translation_T3 + np.float32([3, 0, 1]))
            write_motion(root / "duet" / f"{take}_{who}.npz", far)
    return root


SYSTEMS = ("seeds", "joints", "points", "dd100", "duet")


@pytest.fixture(scope="module")
def done(world: Path) -> subprocess.CompletedProcess[str]:
    """All systems at once, against the folder of true couples, in a process of its own that starts two more."""
    generated = [word for name in SYSTEMS for word in ("--generated", f"{name}={name}")]
    generated += ["--generated", "same=true"]  # the very files of the reference
    command = [*(sys.executable, "-m", "interdance.cli", "evaluate", *generated, "--reference", "true")]
    command += ["--json", "out/all.json", "--report", "out/all.html", "--workers", "2"]
    return subprocess.run(command, cwd=world, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def summary(world: Path, done: subprocess.CompletedProcess[str]) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads((world / "out" / "all.json").read_text())


@pytest.mark.slow
class TestWhatItWrites:
    def test_every_system_in_its_form(self, summary: dict) -> None:
        systems = summary["systems"]
        assert set(systems) == {"ground_truth", "same", *SYSTEMS}
        assert systems["same"] == systems["ground_truth"]
        truth = systems["ground_truth"]
        assert truth["joint_error_mm"] == 0 and truth["hand_recall"] == 1 and truth["FID_k"] < 1e-6
        # True followers as joints, in either layout and axis: what joints tell is the same, what surfaces tell is absent.
        for name in ("joints", "dd100"):
            assert not {"PR", "CF", "floor_mm", "hand_recall"} & set(systems[name])
            for metric in ("FID_cd", "BED", "BAS", "PFC", "jitter"):
                assert systems[name][metric] == pytest.approx(truth[metric], rel=1e-3, abs=1e-3), (name, metric)
            assert systems[name]["joint_error_mm"] < 0.01
        # 5 cm nearer to the leader, as points.
        assert systems["points"]["joint_error_mm"] == pytest.approx(50, abs=0.1)
        assert systems["points"]["distance_error_mm"] == pytest.approx(50, abs=1)
        assert systems["points"]["PR"] > 0 and systems["points"]["CF"] > 0

    def test_a_leader_of_its_own(self, summary: dict) -> None:
        """A couple that danced elsewhere is measured against its own leader, and not against the true follower."""
        duet, truth = summary["systems"]["duet"], summary["systems"]["ground_truth"]
        for metric in ("PR", "CF", "CVR", "BED", "FID_cd"):
            assert duet[metric] == pytest.approx(truth[metric], rel=2e-2, abs=2e-3), metric
        assert not {"joint_error_mm", "distance_error_mm", "hand_recall", "held_hand_mm"} & set(duet)
        assert any(line.startswith("duet: leaders of its own") for line in summary["warnings"])
        # The same leader, repeated in the system's folder, is no leader of its own.
        assert {"joint_error_mm", "hand_recall"} <= set(summary["systems"]["seeds"])

    def test_seeds_genres_and_song(self, summary: dict) -> None:
        assert [entry["seed"] for entry in summary["seeds"]["seeds"]] == ["1", "2"]
        assert summary["systems"]["seeds"]["MM_k"] > 0 and "MM_k" not in summary["systems"]["duet"]
        assert {"Tango", "Waltz"} == {row["genre"] for row in summary["genres"]}
        assert 0 <= summary["systems"]["ground_truth"]["BAS"] <= 1
        assert not any("no music" in line for line in summary["warnings"])

    def test_what_is_missing_is_said(self, summary: dict, done: subprocess.CompletedProcess[str]) -> None:
        lines = [line for line in summary["warnings"] if "joints without a surface" in line]
        assert {line.split(":")[0] for line in lines} == {"joints", "dd100"}
        assert all(f"note: {line}" in done.stderr for line in lines)
        assert "measuring" in done.stderr and "FID" in done.stdout

    def test_page(self, world: Path, summary: dict) -> None:
        page = (world / "out" / "all.html").read_text()
        files = sorted(path.name for path in (world / "out" / "all_files").iterdir())
        assert [name for name in files if name.endswith(".html")] and {"metrics.csv", "tables.tex"} <= set(files)
        for name in files:
            if name.endswith(".html"):
                assert f"all_files/{name}" in page
        assert f"{summary['systems']['points']['joint_error_mm']:.1f}" in page
        assert not [path for path in (world / "out").iterdir() if path.name.startswith(".")]

    def test_timelines_of_the_couples_are_the_figures(self, world: Path, summary: dict) -> None:
        shown = {take: world / "out" / "all_files" / f"{take}.html" for take in TAKES}
        pages = {take: curves(page) for take, page in shown.items() if page.is_file()}
        assert len(pages) == 2
        compared = 0
        for row in summary["takes"]:
            name = {"ground_truth": "true follower"}.get(row["system"], row["system"])
            if row["take"] not in pages or name not in ("same", "points", "true follower"):
                continue
            for curve, metric in zip(pages[row["take"]][name], ("CF", "PR"), strict=True):
                assert curve.mean(dtype=np.float64) == pytest.approx(row["values"][metric], abs=1e-6), (name, metric)
                compared += row["values"][metric] > 1e-4
        assert compared == 2 * 3 * 2
        # Joints have no surface, and she who danced elsewhere was not measured with this leader.
        assert all(set(page) == {"seeds", "points", "same", "true follower"} for page in pages.values())

    def test_again_gives_the_same_bytes(self, world: Path, summary: dict) -> None:
        command = ("evaluate", "--generated", "seeds", "--reference", "true", "--json", "a.json")
        again = interdance(*command, cwd=world)
        assert again.returncode == 0, again.stderr
        first = (world / "a.json").read_bytes(), (world / "a.npz").read_bytes()
        interdance(*command, "--workers", 2, cwd=world)
        assert ((world / "a.json").read_bytes(), (world / "a.npz").read_bytes()) == first
        assert json.loads(first[0])["systems"]["seeds"] == summary["systems"]["seeds"]

    def test_full_mesh(self, world: Path, summary: dict) -> None:
        (world / "one").mkdir()
        for who in ("leader", "follower"):
            (world / "one" / f"{TAKES[0]}_{who}.npz").write_bytes((world / "true" / f"{TAKES[0]}_{who}.npz").read_bytes())
        full = interdance(
            *("evaluate", "--generated", "one", "--reference", "true", "--json", "full.json", "--surface", "full"), cwd=world
        )
        assert full.returncode == 0, full.stderr
        found = json.loads((world / "full.json").read_text())
        assert found["about"]["surface"] == "full"
        body = Body.load()
        lead, follow = (body.vertices(dancer) for dancer in couple(body, 0))
        expected = {
            "PR": metrics.penetration_rate(lead, follow, body.faces),
            "CF": metrics.contact_rates(lead, follow).cf,
            "CVR": metrics.contact_rates(lead, follow).cvr,
        }
        for metric, value in expected.items():
            assert found["systems"]["one"][metric] == pytest.approx(value, rel=1e-3, abs=1e-6), metric
        one = next(row for row in summary["takes"] if row["system"] == "ground_truth" and row["take"] == TAKES[0])
        assert found["systems"]["one"]["CF"] >= one["values"]["CF"]  # the sampled vertices are among the mesh's
        assert found["systems"]["one"]["BED"] == pytest.approx(one["values"]["BED"])


@pytest.mark.slow
class TestReferenceAndComparison:
    def test_a_stored_set_is_the_same_reference(self, world: Path, summary: dict) -> None:
        made = interdance("reference", "--couples", "true", "--out", "reference.npz", cwd=world)
        assert made.returncode == 0, made.stderr
        fingerprint = summary["about"]["reference"]["fingerprint"]
        assert fingerprint in made.stdout
        # Cut as the stored set is, whatever the parameters say now.
        values = yaml.safe_load((world / "params.yaml").read_text())
        (world / "other").mkdir()
        values["evaluate"] |= {"clip_frames": 50, "clip_stride": 25}
        (world / "other" / "params.yaml").write_text(yaml.safe_dump(values))
        against = ("--reference", "reference.npz", "--truth", "true", "--root", "other")
        done = interdance("evaluate", "--generated", "points", *against, "--json", "b.json", cwd=world)
        assert done.returncode == 0, done.stderr
        found = json.loads((world / "b.json").read_text())
        assert found["about"]["reference"]["fingerprint"] == fingerprint
        assert found["systems"]["points"] == summary["systems"]["points"]
        without = interdance("evaluate", "--generated", "points", "--reference", "reference.npz", cwd=world)
        assert without.returncode == 2 and "name the folder of the true couples with --truth" in without.stderr

    def test_compare(self, world: Path, summary: dict) -> None:
        done = interdance(
            *("compare", "out/all.json", "out/all.json", "--system", "points", "--against", "ground_truth"), cwd=world
        )
        assert done.returncode == 0, done.stderr
        assert "points minus ground_truth" in done.stdout and "worse" in done.stdout
        ambiguous = interdance("compare", "out/all.json", "out/all.json", cwd=world)
        assert ambiguous.returncode == 2 and "choose one with --system" in ambiguous.stderr


class TestWhatItRefuses:
    """One sentence, exit code 2, nothing written."""

    def refused(self, world: Path, *arguments: object) -> str:
        before = sorted(world.rglob("*"))
        done = interdance("evaluate", *arguments, "--json", "no/x.json", "--report", "no/x.html", cwd=world)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, done.stderr
        assert sorted(world.rglob("*")) == before
        return lines[0]

    def test_folders(self, world: Path, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        assert "no such folder" in self.refused(world, "--generated", "nowhere", "--reference", "true")
        assert "neither a folder of couples nor a reference set" in self.refused(
            world, "--generated", "seeds", "--reference", "nowhere"
        )
        assert str(tmp_path) in self.refused(world, "--generated", tmp_path / "empty", "--reference", "true")
        for second in ("./seeds", "seeds=joints", "=joints", "joints="):
            line = self.refused(world, "--generated", "seeds", "--generated", second, "--reference", "true")
            assert f"--generated {second}: NAME=FOLDER is needed, each with a name of its own" in line
        assert "--up w" in self.refused(world, "--generated", "seeds", "--reference", "true", "--up", "w")

    @pytest.mark.slow
    def test_a_take_that_one_system_lacks(self, world: Path, tmp_path: Path) -> None:
        few = tmp_path / "few"
        few.mkdir()
        for path in (world / "seeds" / "seed_1").glob("Waltz*"):
            (few / path.name).write_bytes(path.read_bytes())
        line = self.refused(world, "--generated", f"few={few}", "--generated", "joints", "--reference", "true")
        assert "few: take Tango_1_1 is missing" in line

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("name", "change", "sentence"),
        [
            ("nan", lambda x: np.where(np.arange(FRAMES)[:, None, None] == 70, np.nan, x), "70"),
            ("short", lambda x: x[:90], "90 frames"),
        ],
    )
    def test_followers_that_cannot_be_used(self, world: Path, tmp_path: Path, name: str, change, sentence: str) -> None:
        for take in TAKES:
            joints = np.load(world / "joints" / f"{take}_follower.npy")
            np.save(tmp_path / f"{take}_follower.npy", change(joints) if take == TAKES[1] else joints)
        line = self.refused(world, "--generated", f"theirs={tmp_path}", "--reference", "true")
        assert f"{TAKES[1]}_follower.npy" in line and sentence in line, name

    @pytest.mark.slow
    def test_a_hostile_pickle(self, world: Path, tmp_path: Path) -> None:
        class Bomb:
            def __reduce__(self) -> tuple:
                return (Path(tmp_path / "bomb").touch, ())

        for take in TAKES:
            array = np.empty((), object)
            array[()] = {"poses": Bomb()} if take == TAKES[0] else {}
            np.save(tmp_path / f"{take}_00.npy", array, allow_pickle=True)
        assert pickle.loads  # what a careless reader would have called
        line = self.refused(world, "--generated", f"theirs={tmp_path}", "--reference", "true")
        assert "_00.npy" in line and not (tmp_path / "bomb").exists()
