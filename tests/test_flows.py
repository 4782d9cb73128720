"""Flows: what they hand on, what they show, and that the deployments name flows and parameters that exist."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from layout import ROOT
from prefect.testing.utilities import prefect_test_harness

from interdance import promotion, workspace
from interdance.errors import InputError
from interdance.evaluation.pool import Difference
from interdance.files import write_json
from interdance.promotion import Decision

with patch.dict(os.environ):  # the flows name Prefect's home as they are imported: not for the tests of other files
    import flows.generate
    import flows.nightly
    import flows.promote
    import flows.sweep
    import flows.tasks
    from flows.command_line import run_from_the_command_line

DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


def flow_of(deployment: dict[str, Any]) -> Any:
    path, name = deployment["entrypoint"].split(":")
    return getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda item: item["name"])
def test_deployments_name_flows_and_their_parameters(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    known = set(flow.parameters.properties)
    assert set(deployment.get("parameters", {})) <= known
    needed = set(flow.parameters.required or []) - set(deployment.get("parameters", {}))
    assert needed == ({"music", "out"} if deployment["name"] == "take" else set())
    if not needed:
        flow.validate_parameters(deployment.get("parameters", {}))


def test_every_flow_is_deployed() -> None:
    modules = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__", "tasks", "command_line"}
    assert {item["entrypoint"] for item in DEPLOYMENTS} == {f"flows/{name}.py:{name}" for name in modules}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("pipeline", {"workers": 0}),
        ("ablation", {"tables": ["table_7"]}),
        ("generate", {"music": "a", "out": "b", "num_samples": 0}),
        ("sweep", {}),
    ],
)
def test_parameters_are_refused_before_anything_runs(name: str, parameters: dict[str, Any]) -> None:
    from prefect.exceptions import ParameterBindError, ParameterTypeError
    from prefect.utilities.callables import get_call_parameters

    flow = getattr(importlib.import_module(f"flows.{name}"), name)
    with pytest.raises((ParameterTypeError, ParameterBindError)):
        flow.validate_parameters(get_call_parameters(flow.fn, (), parameters))


def artifacts() -> dict[str, Any]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return {item.key: item for item in sorted(client.read_artifacts(), key=lambda item: item.created) if item.key}


@pytest.mark.parametrize("promoted", [True, False])
def test_the_gate_shows_its_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, promoted: bool) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    told: dict[str, Any] = {}

    def put_through(params: Any, paths: Any, **given: Any) -> Decision:
        told.update(given)
        found = {"FID_cd": Difference(-1.0, -2.0, -0.5, "better")}
        return Decision("7", "run", "6", promoted, ["because"], found)

    monkeypatch.setattr(promotion, "promote", put_through)
    assert flows.promote.promote(best="FID_cd", project=str(tmp_path)) is promoted
    assert told == {"run": None, "best": "FID_cd"}
    shown = artifacts()["promotion"]
    assert ("champion" if promoted else "challenger") in shown.description and "because" in shown.description
    assert "FID_cd" in shown.data and "-2 to -0.5" in shown.data


def test_the_nightly_flow_promotes_what_it_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_json(tmp_path / "models" / "denoiser" / "run.json", {"fingerprint": "abcd"})
    told: dict[str, Any] = {}
    monkeypatch.setattr(flows.nightly, "pipeline", lambda *given, **named: str(tmp_path))
    monkeypatch.setattr(flows.nightly, "promote", lambda **given: told.update(given) or False)
    assert flows.nightly.nightly() is False
    assert told == {"run": "abcd", "project": str(tmp_path)}


def test_sweeps_and_takes_are_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (tmp_path / "configs").mkdir()
    called: list[tuple[str, ...]] = []

    def call(root: Path, *arguments: str, say: Any, environment: dict[str, str]) -> None:
        called.append(arguments)
        assert environment["INTERDANCE_FLOW_RUN"] != "None" and root == tmp_path
        place = tmp_path / "runs" / "other" / "sweeps" / "small-1234" / "trials.csv"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("train.lr,step\n0.001,200\n")
        say(f"trials: {place}")

    monkeypatch.setattr(workspace, "call", call)
    flows.sweep.sweep("configs/sweep/small.yaml", project=str(tmp_path))
    wanted = {"leader": "l.bvh", "model": "champion", "num_samples": 2, "clean": True}
    flows.generate.generate("song.ogg", "out", project=str(tmp_path), **wanted)
    assert called[0] == ("sweep", "configs/sweep/small.yaml")
    assert " ".join(called[1]) == (
        "generate --music song.ogg --out out --num-samples 2 --leader l.bvh --model champion --clean"
    )
    shown = artifacts()
    assert "0.001" in shown["trials"].data and "duet.html" in shown["duet"].data


def test_a_refusal_is_not_tried_again_and_exits_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries: list[int] = []

    def call(*given: Any, **named: Any) -> None:
        tries.append(1)
        raise InputError("song.ogg: no such file")

    monkeypatch.setattr(workspace, "call", call)
    monkeypatch.setattr("sys.argv", ["generate", "--music", "song.ogg", "--out", "out", "--project", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        run_from_the_command_line(flows.generate.generate)
    assert left.value.code == 2 and "error: song.ogg: no such file" in capsys.readouterr().err
    assert len(tries) == 1


def test_what_fails_otherwise_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tries: list[int] = []

    def call(*given: Any, **named: Any) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise workspace.StageError("the disk was full")

    monkeypatch.setattr(workspace, "call", call)
    quick = flows.tasks.command.with_options(retry_delay_seconds=0)
    monkeypatch.setattr(flows.generate, "command", quick)
    flows.generate.generate("song.ogg", "out", project=str(tmp_path))
    assert len(tries) == 3


def test_a_parameter_that_cannot_be_is_refused_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["generate", "--music", "song.ogg", "--out", "out", "--num-samples", "0"])
    with pytest.raises(SystemExit) as left:
        run_from_the_command_line(flows.generate.generate)
    said = capsys.readouterr().err
    assert left.value.code == 2 and "num_samples" in said and "greater than or equal to 1" in said


def test_a_command_that_fails_is_no_answer(tmp_path: Path) -> None:
    """Exit code 1 of a gate means no; of a process that a flow started it means that it failed."""
    said: list[str] = []
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / ".state").write_text("a file where a folder is needed")
    with pytest.raises(workspace.StageError, match="interdance runs: exit code 1"):
        workspace.call(tmp_path, "runs", say=said.append)
    assert "Error" in said[-1]


@pytest.mark.parametrize("name", sorted(item["entrypoint"].split(":")[1] for item in DEPLOYMENTS))
def test_every_flow_explains_itself(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", [name, "--help"])
    flow = getattr(importlib.import_module(f"flows.{name}"), name)
    with pytest.raises(SystemExit) as left:
        run_from_the_command_line(flow)
    assert left.value.code == 0
    text = capsys.readouterr().out
    for parameter in flow.parameters.properties:
        assert f"--{parameter.replace('_', '-')}" in text and f"{parameter}" in flow.description
