"""Rows of the paper's ablation tables: found, trained once where they share a training, measured, and gone on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from interdance import config
from interdance.ablation import BASE, Setting, _comparable, ablate, read_settings
from interdance.body.model import Body
from interdance.config import Paths
from interdance.errors import InputError
from interdance.evaluation.record import compare_records
from interdance.files import link, write_json
from interdance.stages import reference
from interdance.takes import Duet, write_take
from interdance.trained import load_model
from tests.test_representations import dance

ROOT = Path(__file__).resolve().parent.parent
OVERLAYS = ROOT / "configs" / "ablation"
TINY = {
    "sets": {"couples": None, "s": {**config.read_yaml(ROOT / "params.yaml")["sets"]["couples"], "source": "folder"}},
    "encode": {"workers": 1},
    "statistics": {"num_windows": 8, "num_components": 16},
    "model": {"width": 32, "blocks": 1, "heads": 2, "feed_forward": 32},
    "train": {"window": 20, "stride": 10, "batch": 4, "steps": 2, "num_workers": 0},
    "sample": {"steps": 2, "window": 20, "overlap": 6},
    "guidance": {"contact_scale": 0.0, "penetration_scale": 0.0},
    "evaluate": {"clip_frames": 30, "clip_stride": 10, "bootstrap": 10, "workers": 1},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run")
    paths = Paths(root)
    values = config.merge(config.read_yaml(ROOT / "params.yaml"), TINY)
    (root / "params.yaml").write_text(yaml.safe_dump(values))
    (paths.music / "s").mkdir(parents=True)
    names = [f"t{index}" for index in range(4)]
    for index, name in enumerate(names):
        write_take(paths.takes / "s", Duet(name, "waltz", dance(index, 60), dance(index + 4, 60), None))
        np.save(paths.music / "s" / f"{name}.npy", np.random.default_rng(index).normal(size=(60, 35)).astype(np.float32))
    parts = {"train": ["s/t0", "s/t1"], "validation": ["s/t2"], "test": ["s/t3"]}
    write_json(paths.split, {"takes": parts})
    reference.run(config.load(root / "params.yaml"), paths)
    return root


def test_rows_are_found_by_table_and_by_name(root: Path) -> None:
    params = root / "params.yaml"
    assert [setting.name for setting in read_settings(params, OVERLAYS, ["losses"])] == ["losses.dm", "losses.dm_ro", BASE]
    both = read_settings(params, OVERLAYS, ["losses.dm", "signals"])
    assert {setting.name for setting in both} >= {"losses.dm", BASE, "signals.mask_music", "signals.without_motion"}
    assert next(setting for setting in both if setting.name == "losses.dm").params.losses.ro == 0
    with pytest.raises(InputError, match="losse: no such table or row; known: guidance, losses, representation, sampling, sig"):
        read_settings(params, OVERLAYS, ["losse"])


def test_every_row_of_the_papers_tables_is_an_overlay(root: Path) -> None:
    paper = yaml.safe_load((ROOT / "interdance" / "report" / "paper.yaml").read_text())
    for table in paper["tables"] if isinstance(paper, dict) else paper:
        if table["number"] not in (4, 5, 6, 9):
            continue
        for row in table["rows"]:
            assert (OVERLAYS / f"{row['systems'][0].replace('.', '_', 1)}.yaml").is_file(), row["label"]


def test_rows_share_trainings_and_a_second_run_adds_only_what_is_new(root: Path) -> None:
    wanted = ["losses.dm", "signals.both", "signals.mask_music", "representation.joints"]
    settings = read_settings(root / "params.yaml", OVERLAYS, wanted)
    told: list[tuple[int, int]] = []
    evaluation = ablate(root, settings, [1, 2], 2, lambda done, total: told.append((done, total)))
    systems = evaluation.summary["systems"]
    assert set(systems) == {"ground_truth", "losses.dm", BASE, "signals.mask_music", "representation.joints"}
    assert told[0] == (0, 8) and told[-1] == (8, 8)
    assert [row["seed"] for row in evaluation.summary["seeds"][BASE]] == ["1", "2"]
    home = root / "ablation"
    trained = {path: path.stat().st_mtime_ns for path in home.glob("trained/*/models/denoiser/run.json")}
    assert len(trained) == 6, "three trainings, two seeds: what is masked at test time is trained with both signals"
    assert len(list(home.glob("data/*"))) == 2, "two representations"
    names = {load_model(path.parent, Body.load()).representation.name for path in trained}
    assert names == {"canonical", "joints"}

    followers = {
        (path.parts[-5], path.parts[-4]): np.load(path) for path in home.glob("generated/*/seed_*/s/t3/points.npy")
    }
    assert len(followers) == 8 and len({value.tobytes() for value in followers.values()}) == 8, "each is another one"

    again = ablate(root, settings, [1, 2, 3], 2)
    assert {path: path.stat().st_mtime_ns for path in trained} == trained, "nothing is trained twice"
    assert len(list(home.glob("trained/*/models/denoiser/run.json"))) == 9
    for system in (BASE, "losses.dm"):
        rows = {row["seed"]: row["values"] for row in evaluation.summary["seeds"][system]}
        assert rows == {row["seed"]: row["values"] for row in again.summary["seeds"][system] if row["seed"] != "3"}
    assert "Joints" in (home / "index.html").read_text()


def test_samplers_and_steps_come_from_one_training_and_tell_what_they_took(root: Path) -> None:
    rows = ["sampling.ddim_5", "sampling.ddim_10", "sampling.dpm_solver_5", "sampling.ddpm_50"]
    *settings, stochastic = read_settings(root / "params.yaml", OVERLAYS, rows)
    # After two steps of training a network blows up over fifty of sampling.
    few = replace(stochastic.params, sample=replace(stochastic.params.sample, steps=5))
    settings.append(replace(stochastic, params=few))
    before = len(list(root.glob("ablation/trained/*/models/denoiser/run.json")))
    evaluation = ablate(root, settings, [7], 1)
    assert len(list(root.glob("ablation/trained/*/models/denoiser/run.json"))) == before + 1
    systems = evaluation.summary["systems"]
    assert set(systems) == {"ground_truth", *rows}
    made = {row: np.load(root / "ablation" / "generated" / row / "seed_7" / "s" / "t3" / "points.npy") for row in rows}
    assert len({value.tobytes() for value in made.values()}) == len(rows), "each is another one"
    cost = {row: systems[row]["seconds_per_minute"] for row in rows}
    assert all(value > 0 for value in cost.values()) and "seconds_per_minute" not in systems["ground_truth"]
    record = root / "ablation" / "metrics" / "evaluate.json"
    assert "FID_k" in compare_records(record, rows[0], record, rows[1])
    page = (root / "ablation" / "index.html").read_text()
    assert page.index("Sampling · DDIM, 5 steps") < page.index("Sampling · DDIM, 10 steps")
    assert "Sampling · DPM-Solver++, 5 steps" in page and "s/min" in page


def test_what_cannot_be_compared_is_refused_before_anything_is_trained(root: Path, tmp_path: Path) -> None:
    params = root / "params.yaml"
    (setting,) = read_settings(params, OVERLAYS, ["losses.dm"])
    its = setting.params
    duet = replace(its, model=replace(its.model, task="duet"))
    full = replace(its, evaluate=replace(its.evaluate, surface="full"))
    guided = replace(its, encode=replace(its.encode, representation="joints"))
    trained = {path.parent for path in (root / "ablation").rglob("done.json")}
    for wrong, name, sentence in (
        (duet, "x", "model.task: duet"),
        (full, "x", "evaluate.surface: full"),
        (guided, "guidance.both", "guidance.both: of the representations here"),
    ):
        with pytest.raises(InputError, match=sentence):
            ablate(root, [Setting(name, wrong)], [1], 1)
    assert {path.parent for path in (root / "ablation").rglob("done.json")} == trained, "nothing was trained"


def test_rows_are_guided_all_or_none_and_places_hold_from_any_folder(root: Path) -> None:
    (setting,) = read_settings(root / "params.yaml", OVERLAYS, ["losses.dm"])
    its = replace(setting.params, guidance=replace(setting.params.guidance, contact_scale=0.3, penetration_scale=0.4))
    its = replace(its, train=replace(its.train, start_from="../other/models/denoiser"))
    joints = replace(its, encode=replace(its.encode, representation="joints"))
    (alone,) = _comparable(root, [Setting("a", its)])
    assert alone.params.guidance.contact_scale == 0.3
    assert Path(alone.params.train.start_from) == root.parent / "other" / "models" / "denoiser"
    assert alone.params.body.model == "", "the embedded body is no place"
    both = _comparable(root, [Setting("a", its), Setting("b", joints)])
    scales = [(setting.params.guidance.contact_scale, setting.params.guidance.penetration_scale) for setting in both]
    assert scales == [(0.0, 0.0), (0.0, 0.0)]


def test_a_link_follows_its_target(tmp_path: Path) -> None:
    for target in (Path("one"), Path("one"), Path("two")):
        link(tmp_path / "deep" / "place", target)
        assert (tmp_path / "deep" / "place").readlink() == target
    (tmp_path / "real").mkdir()
    with pytest.raises(FileExistsError):
        link(tmp_path / "real", Path("one"))


def test_a_run_without_data_says_what_to_make(root: Path, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((root / "params.yaml").read_text())
    settings = read_settings(tmp_path / "params.yaml", OVERLAYS, ["losses.dm"])
    with pytest.raises(InputError, match="data/takes: no such file; first make it: interdance run takes music split reference"):
        ablate(tmp_path, settings, [1], 1)
