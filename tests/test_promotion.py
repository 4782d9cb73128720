"""The gate, the aliases it moves, and the model that others get by them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import yaml
from layout import ROOT
from mlflow.exceptions import MlflowException
from typer.testing import CliRunner

from interdance import config, serving, tracking
from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.cli.commands import app
from interdance.comparison import compare_trainings
from interdance.config import Params, Paths
from interdance.errors import InputError
from interdance.evaluation.pool import Difference
from interdance.evaluation.record import write_evaluation
from interdance.evaluation.summary import Evaluation
from interdance.export.page import write_page
from interdance.generation.generate import generate_follower
from interdance.promotion import gate, promote, roll_back
from interdance.registry import CHALLENGER, CHAMPION, NAME, model_folder, open_registry
from interdance.representation.contact import observe
from interdance.takes import Joints
from interdance.tracking import Served
from interdance.trained import load_model
from tests.dancers import swaying, write_untrained
from tests.pages import read_page

FRAMES = 30
GOOD = {"FID_cd": 6.0, "PR": 0.01, "CF": 0.8, "skating_lodge": 0.1}
SPREAD = {"FID_cd": 0.5, "PR": 0.001, "CF": 0.01, "skating_lodge": 0.01}
Train = Callable[..., str]


@pytest.fixture(scope="module")
def params() -> Params:
    loaded = config.load(ROOT / "params.yaml", ROOT / "tests" / "smoke.yaml")
    return replace(loaded, sample=replace(loaded.sample, steps=2, window=FRAMES))


@pytest.fixture
def paths(params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("INTERDANCE_STATE", raising=False)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params.to_dict()))
    return Paths(tmp_path)


@pytest.fixture(scope="module")
def denoiser(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "denoiser"
    write_untrained(folder, params, FRAMES)
    return folder


@pytest.fixture
def train(params: Params, paths: Paths, denoiser: Path) -> Train:
    """``train(name, FID_cd=5.0)`` records a training with a model and, unless told otherwise, these figures."""

    def trained(name: str, *, reference: str = "one", measured: bool = True, **figures: float) -> str:
        identity = f"{name:0<16}"
        with tracking.run(params, paths, "training", name, identity) as report:
            served = Served(serving.__name__, serving.SIGNATURE.to_dict())
            report.model(denoiser, served)
            if measured:
                values = GOOD | figures
                rng = np.random.default_rng(sum(name.encode()))
                about = {"reference": {"fingerprint": reference}, "takes": ["t"], "frames": 1, "clips": 1, "settings": {}}
                draws = {("interdance", key): value + SPREAD[key] * rng.normal(size=400) for key, value in values.items()}
                place = paths.root / name / "metrics"
                write_evaluation(
                    place / "evaluate.json", Evaluation({"systems": {"interdance": values}, "about": about}, {}, draws)
                )
                report.artifact(place, "metrics")
                report.summary({f"evaluate.systems.interdance.{key}": value for key, value in values.items()})
        return identity

    return trained


def aliases(paths: Paths) -> dict[str, str]:
    with open_registry(paths) as registry:
        found = {alias: registry.of_alias(alias) for alias in (CHAMPION, CHALLENGER)}
    return {alias: version.run_id for alias, version in found.items() if version is not None}


def test_a_better_model_becomes_champion_and_a_worse_one_does_not(params: Params, paths: Paths, train: Train) -> None:
    first = promote(params, paths, run=train("first"))
    assert first.promoted and first.champion == "" and aliases(paths) == {CHAMPION: first.run_id}
    worse = promote(params, paths, run=train("worse", FID_cd=9.0))
    assert not worse.promoted and worse.champion == first.version
    assert worse.differences["FID_cd"].verdict == "worse" and "FID_cd differs by +3" in worse.reasons[0]
    assert aliases(paths) == {CHAMPION: first.run_id, CHALLENGER: worse.run_id}
    better = promote(params, paths, run=train("better", FID_cd=3.0))
    assert better.promoted and aliases(paths) == {CHAMPION: better.run_id, CHALLENGER: worse.run_id}
    with open_registry(paths) as registry, registry.files(worse.run_id, "promotion.json") as place:
        record = json.loads(place.read_text())
    assert record["promoted"] is False and record["reasons"] == worse.reasons
    assert record["differences"]["FID_cd"]["difference"] == pytest.approx(3.0)

    was, now = roll_back(paths)
    assert (was.run_id, now.run_id) == (better.run_id, first.run_id)
    assert aliases(paths) == {CHAMPION: first.run_id, CHALLENGER: better.run_id}
    with pytest.raises(InputError, match="had no champion before it"):
        roll_back(paths)
    again = promote(params, paths, run="first")
    assert again.promoted and again.reasons == ["it is the champion already"]
    assert again.version == first.version, "a training is one version, however often it is put forward"


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"FID_cd": 5.9}, "FID_cd differs by"),
        ({"FID_cd": 3.0, "PR": 0.02}, "PR is worse by 0.01, more than 0.005"),
        ({"FID_cd": 3.0, "CF": 0.7}, "CF is worse by 0.1, more than 0.05"),
        ({"FID_cd": 3.0, "skating_lodge": 0.15}, "skating_lodge is worse by 0.05"),
    ],
)
def test_better_within_the_noise_or_at_a_price_is_not_better(
    params: Params, paths: Paths, train: Train, figures: dict[str, float], reason: str
) -> None:
    champion = promote(params, paths, run=train("first"))
    decision = promote(params, paths, run=train("other", **figures))
    assert not decision.promoted and len(decision.reasons) == 1 and reason in decision.reasons[0]
    assert aliases(paths)[CHAMPION] == champion.run_id


def test_a_guarded_figure_may_be_worse_by_what_is_allowed(params: Params, paths: Paths, train: Train) -> None:
    promote(params, paths, run=train("first"))
    assert promote(params, paths, run=train("other", FID_cd=3.0, PR=0.014, CF=0.76)).promoted


def test_the_best_of_all_is_found_by_its_figure(params: Params, paths: Paths, train: Train) -> None:
    for name, distance, contact in (("aaaa", 7.0, 0.9), ("bbbb", 4.0, 0.5), ("cccc", 5.0, 0.7)):
        train(name, FID_cd=distance, CF=contact)
    train("dddd", measured=False)
    with open_registry(paths) as registry:
        run_of = {name: registry.find("interdance", name).run_id for name in ("aaaa", "bbbb")}
    assert promote(params, paths, best="FID_cd").run_id == run_of["bbbb"]
    assert promote(params, paths, best="CF").run_id == run_of["aaaa"]


def test_what_cannot_be_compared_is_refused_in_a_sentence(params: Params, paths: Paths, train: Train) -> None:
    with pytest.raises(InputError, match="no trainings begin with this; there are: none"):
        promote(params, paths, run="beef")
    with pytest.raises(InputError, match="no training has this figure"):
        promote(params, paths, best="FID_cd")
    train("abcd1")
    train("abcd2", measured=False)
    train("cd", reference="other")
    for given, sentence in (
        ({"run": "abcd"}, "2 trainings begin with this; there are: abcd.000, abcd.000"),
        ({"run": "abc"}, "4 characters or more"),
        ({"run": "abcd2"}, "no 'metrics' is recorded with it"),
        ({"best": "loss"}, "--best loss: no figure"),
        ({"run": "abcd1", "best": "CF"}, "not both"),
        ({}, "not both"),
    ):
        with pytest.raises(InputError, match=sentence):
            promote(params, paths, **given)
    with pytest.raises(InputError, match="there is no champion"):
        roll_back(paths)
    promote(params, paths, run="abcd1")
    with pytest.raises(InputError, match="reference set"):
        promote(params, paths, run="cd00")
    assert CHALLENGER not in aliases(paths)
    with pytest.raises(InputError, match="neither a folder nor the alias"):
        model_folder(paths, CHALLENGER)


def test_another_reference_set_needs_a_word(params: Params, paths: Paths, train: Train) -> None:
    """After new takes no candidate can be compared with the champion: he is replaced by name, not by the best of a figure."""
    promote(params, paths, run=train("aaaa", FID_cd=5.0))
    train("bbbb", FID_cd=4.0)
    train("cccc", FID_cd=1.0, reference="other")
    decision = promote(params, paths, best="FID_cd")
    assert decision.version == "2" and not decision.promoted, "the best of those that were measured as the champion was"
    with pytest.raises(InputError, match="--run and --replace"):
        promote(params, paths, run="cccc")
    decision = promote(params, paths, run="cccc", replace=True)
    assert decision.promoted and "replaces version 1, with which it cannot be compared" in decision.reasons[0]
    decision = promote(params, paths, run=train("dddd", FID_cd=9.0, reference="other"), replace=True)
    assert not decision.promoted, "what can be compared goes through the gate all the same"


def test_a_store_that_does_not_answer_has_not_said_that_there_is_no_champion(
    params: Params, paths: Paths, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(params, paths, run=train("aaaa"))
    train("bbbb", FID_cd=9.0)

    def away(self: Any, name: str, alias: str) -> None:
        raise MlflowException("API request failed: connection reset")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "get_model_version_by_alias", away)
        with pytest.raises(InputError, match="connection reset"):
            promote(params, paths, run="bbbb")
    assert set(aliases(paths)) == {CHAMPION}


@pytest.mark.parametrize("name", ["Div_cd", "FID_x"])
def test_the_gate_knows_its_figures(params: Params, name: str) -> None:
    with pytest.raises(InputError, match=f"promote: {name}: no figure"):
        gate({}, replace(params.promote, metric=name))
    with pytest.raises(InputError, match="not measured for both"):
        gate({"PR": Difference(0.0, 0.0, 0.0, "undecided")}, params.promote)


def test_the_champion_is_generated_by_and_served(
    params: Params, paths: Paths, train: Train, denoiser: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(params, paths, run=train("first"))
    place = model_folder(paths, CHAMPION)
    assert (place / "weights.safetensors").read_bytes() == (denoiser / "weights.safetensors").read_bytes()
    assert model_folder(paths, CHAMPION) == place, "brought once"

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.store_address(paths))
    served = mlflow.pyfunc.load_model(f"models:/{NAME}@{CHAMPION}")
    body, motion = Body.load(), swaying(FRAMES)
    music = np.random.default_rng(1).normal(size=(FRAMES, 35)).astype(np.float32)
    given = {
        "rotations": motion.rotations_TJ3,
        "translation": motion.translation_T3,
        "betas": motion.betas[None].astype(np.float32),
        "music": music,
    }
    answer = served.predict(given, params={"seed": 3})
    model = load_model(denoiser, body)
    leader_TC = model.representation.encode(observe(motion, body.points(motion), model.params.encode))
    made = generate_follower(model, body, leader_TC, music, sampling=params.sample, guidance=params.guidance, seed=3)
    follower, _ = fit_motion(made.points_TP3, body, fps=30)
    for name, mine in (("rotations", follower.rotations_TJ3), ("translation", follower.translation_T3)):
        assert np.array_equal(answer[name], mine), "served as it is generated"
    assert not np.array_equal(served.predict(given, params={"seed": 4})["rotations"], answer["rotations"])
    for name, wrong in (("rotations", motion.rotations_TJ3[:, :22]), ("music", music[:, :3])):
        with pytest.raises(MlflowException, match="shape"):
            served.predict(given | {name: wrong})
    with pytest.raises(InputError, match="as many frames of each"):
        served.predict(given | {"music": music[:12]})


def test_the_command_says_what_it_did(
    params: Params, paths: Paths, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    train("first")
    train("worse", FID_cd=9.0)
    runner, root = CliRunner(), ["--root", str(paths.root)]
    done = runner.invoke(app, ["promote", "--best", "FID_cd", *root])
    assert done.exit_code == 0 and "version 1" in done.output and "is champion" in done.output
    done = runner.invoke(app, ["promote", "--run", "worse", "--json", str(tmp_path / "gate.json"), *root])
    assert done.exit_code == 1 and "is challenger" in done.output
    said = json.loads((tmp_path / "gate.json").read_text())
    assert said["promoted"] is False and said["champion"] == "1" and said["differences"]["FID_cd"]["difference"] > 0
    assert "FID_cd" in done.output and "minus version 1" in done.output
    refused = runner.invoke(app, ["promote", "--rollback", "--json", str(tmp_path / "back.json"), *root])
    assert isinstance(refused.exception, InputError) and "leave --run, --best and --json out" in str(refused.exception)
    assert list(elsewhere.iterdir()) == [], "MLflow makes a database in the working folder when it is not told of another"


def test_runs_are_listed_and_put_side_by_side(params: Params, paths: Paths, train: Train) -> None:
    train("aaaa", FID_cd=7.0)
    train("bbbb", FID_cd=4.0, PR=0.002)
    train("cccc", measured=False)
    train("dddd", reference="other")
    runner, root = CliRunner(), ["--root", str(paths.root)]
    listed = runner.invoke(app, ["runs", "--json", str(paths.root / "runs.json"), *root])
    assert {row["training"]: row["FID_cd"] for row in json.loads((paths.root / "runs.json").read_text())}["bbbb0000"] == "4"
    assert listed.exit_code == 0 and all(name in listed.output for name in ("aaaa0000", "bbbb0000", "dddd0000"))
    assert "cccc" not in listed.output, "not measured"
    done = runner.invoke(app, ["runs", "aaaa", "bbbb", *root])
    page = (paths.root / "compared" / "index.html").read_text()
    assert done.exit_code == 0 and "index.html" in done.output
    assert "None: they differ in code or data" in page and "cannot be compared" not in page
    assert "<b>4.00</b>" in page and "<b>7.00</b>" not in page, "the best one is marked"
    compare_trainings(paths, "interdance", ["aaaa", "dddd"], paths.root / "compared")
    assert "reference set" in (paths.root / "compared" / "index.html").read_text()
    mine = paths.root / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("all of it")
    with pytest.raises(InputError, match="'thesis.tex' in it is of no comparison"):
        compare_trainings(paths, "interdance", ["aaaa", "bbbb"], mine)
    assert (mine / "thesis.tex").exists()
    for given, sentence in (
        (["aaaa"], "two trainings or more"),
        (["aaaa", "aaaa0"], "each once"),
        (["aaaa", "cccc"], "no 'metrics' is recorded"),
    ):
        with pytest.raises(InputError, match=sentence):
            compare_trainings(paths, "interdance", given, paths.root / "compared")


def standing(aside: float) -> Joints:
    """A dancer who stands still, some metres aside."""
    joints_TJ3 = np.random.default_rng(0).random((5, 55, 3)).astype(np.float32) + np.float32([aside, 0, 0])
    return Joints(joints_TJ3, 30.0)


def test_a_comparison_shows_what_differs_and_the_same_takes(params: Params, paths: Paths, train: Train) -> None:
    for name, rate, takes in (("aaaa", 0.001, ("salsa", "waltz")), ("bbbb", 0.002, ("salsa",))):
        train(name)
        identity = f"{name:0<16}"
        (paths.state / "journal" / f"{identity}.jsonl").unlink()
        other = replace(params, train=replace(params.train, lr=rate))
        with tracking.run(other, paths, "training", name, f"{identity[:8]}11111111") as report:
            place = paths.root / name
            for take in takes:
                (place / "reports" / "samples" / take).mkdir(parents=True)
                (place / "reports" / "samples" / take / "page.html").write_text(f"{name} {take}")
            (place / "reports" / "samples" / "tango").mkdir()
            page = place / "reports" / "samples" / "tango" / "page.html"
            write_page(page, standing(0.0), {"InterDance": standing(rate * 1000)}, None, None, title="tango")
            report.artifact(place / "metrics", "metrics")
            report.artifact(place / "reports", "reports")
    found = compare_trainings(paths, "interdance", ["aaaa000011", "bbbb000011"], paths.root / "side")
    assert found.parameters == {"train.lr": ["0.001", "0.002"]}
    assert {take: sorted(pages) for take, pages in found.clips.items()} == {
        "salsa": ["aaaa0000", "bbbb0000"],
        "tango": ["aaaa0000", "bbbb0000"],
        "waltz": ["aaaa0000"],
    }
    for name, page in (found.clips["salsa"] | found.clips["waltz"]).items():
        assert (paths.root / "side" / page).read_text().startswith(name[:4])
    # Pages of one leader are one page, with all followers side by side; what is no page stays as it is.
    assert found.joined == {"tango": "joined/tango/page.html"}
    take, _ = read_page(paths.root / "side" / "joined" / "tango" / "page.html")
    assert [dancer["name"] for dancer in take["dancers"]] == ["Leader", "aaaa0000", "bbbb0000"] and take["beside"]
    assert sorted(path.name for path in (paths.root / "side" / "joined").iterdir()) == ["tango"]
    page = (paths.root / "side" / "index.html").read_text()
    assert page.count("<iframe") == 4 and page.count('class="joined"') == 1 and "train.lr" in page
    told = ["--json", str(paths.root / "side.json"), "--out", str(paths.root / "side"), "--root", str(paths.root)]
    assert CliRunner().invoke(app, ["runs", "aaaa000011", "bbbb000011", *told]).exit_code == 0
    assert json.loads((paths.root / "side.json").read_text()) == {"train.lr": {"aaaa0000": "0.001", "bbbb0000": "0.002"}}
    compare_trainings(paths, "interdance", ["aaaa000011", "bbbb000011"], paths.root / "side")  # its own folder is replaced
