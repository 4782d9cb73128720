"""Records: one run per fingerprint, every point once, whatever happened in between."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from layout import ROOT
from mlflow import MlflowClient

from interdance import config, tracking
from interdance.config import Params, Paths


@pytest.fixture
def params() -> Params:
    return config.load(ROOT / "params.yaml")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("INTERDANCE_STATE", raising=False)
    paths = Paths(tmp_path)
    (tmp_path / "data").mkdir()
    paths.split.write_text("{}")
    return paths


def stored(paths: Paths, name: str) -> tuple[MlflowClient, list]:
    client = MlflowClient(tracking_uri=f"sqlite:///{paths.state / 'mlflow.db'}")
    runs = client.search_runs([item.experiment_id for item in client.search_experiments()])
    assert len(runs) == 1
    history = client.get_metric_history(runs[0].info.run_id, name)
    return runs[0], sorted((point.step, point.value) for point in history)


def recorded(params: Params, paths: Paths) -> AbstractContextManager[tracking.Report]:
    return tracking.run(params, paths, "training", "try", tracking.fingerprint(params, paths))


def test_a_run_that_breaks_is_resumed_without_doubles(params: Params, paths: Paths) -> None:
    with pytest.raises(ZeroDivisionError), recorded(params, paths) as report:
        for step in range(8):
            report(step, {"loss": 1.0 / (step + 1)})
        raise ZeroDivisionError
    run, _ = stored(paths, "loss")
    assert run.info.status == "FAILED"
    with recorded(params, paths) as report:
        for step in range(5, 12):  # from the checkpoint of step 5
            report(step, {"loss": 1.0 / (step + 1)})
        report.artifact(paths.split)
    run, points = stored(paths, "loss")
    assert run.info.status == "FINISHED"
    assert points == [(step, 1.0 / (step + 1)) for step in range(12)]
    assert run.data.params["losses.vel"] == str(params.losses.vel)
    assert run.data.tags["fingerprint"] == tracking.fingerprint(params, paths)
    assert (paths.state / "artifacts" / run.info.run_id / "artifacts" / "split.json").exists()


def test_results_join_the_training_and_are_replaced_by_newer_ones(params: Params, paths: Paths) -> None:
    with recorded(params, paths) as report:
        report(1, {"loss": 1.0})
    for value in (3.0, 3.0, 4.0):
        with tracking.attach(params, paths, report.fingerprint) as attached:
            attached.summary({"fid": value})
    run, points = stored(paths, "fid")
    assert points == [(0, 3.0), (1, 4.0)]
    assert run.info.status == "FINISHED"


def test_a_missing_server_stalls_nothing_and_loses_nothing(
    params: Params, paths: Paths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    started = time.monotonic()
    with recorded(params, paths) as report:
        for step in range(200):
            report(step, {"loss": float(step)})
        report.artifact(paths.split)
    assert time.monotonic() - started < 60
    assert len([record for record in caplog.records if "records wait" in record.message]) == 1
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking.sync(paths) == {report.fingerprint: 0}
    first = stored(paths, "loss")
    assert first[0].info.status == "FINISHED"
    assert first[1] == [(step, float(step)) for step in range(200)]
    assert tracking.sync(paths) == {report.fingerprint: 0}
    assert stored(paths, "loss")[1] == first[1]


def test_what_is_sent_late_is_what_was_recorded(params: Params, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place of an artefact is the next run's by the time that the server is back."""
    figures, sample = paths.root / "evaluate.json", paths.root / "samples" / "page.html"
    sample.parent.mkdir()
    figures.write_text("mine")
    sample.write_text("mine")
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        with recorded(params, paths) as report:
            report.artifact(figures)
            report.artifact(sample.parent, "reports/samples")
    figures.unlink()
    figures.write_text("another's")
    sample.unlink()
    assert tracking.sync(paths) == {report.fingerprint: 0}
    run, _ = stored(paths, "none")
    kept = paths.state / "artifacts" / run.info.run_id / "artifacts"
    assert (kept / "evaluate.json").read_text() == "mine"
    assert (kept / "reports" / "samples" / "page.html").read_text() == "mine"
    assert list((paths.state / "outbox").iterdir()) == []


def test_what_cannot_be_copied_ends_no_training(
    params: Params, paths: Paths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(tracking, "link_copy", full)
    with recorded(params, paths) as report:
        report.artifact(paths.split)
        report(1, {"loss": 1.0})
    assert "is not recorded: no space left" in caplog.text
    assert stored(paths, "loss")[1] == [(1, 1.0)]


def test_a_run_ended_when_it_did(params: Params, paths: Paths) -> None:
    """However often it is sent afterwards."""
    with recorded(params, paths) as report:
        report(1, {"loss": 1.0})
    ended = stored(paths, "loss")[0].info.end_time
    time.sleep(0.05)
    tracking.sync(paths)
    tracking.end(paths, report.fingerprint, "KILLED")
    assert stored(paths, "loss")[0].info.end_time == ended


def test_a_trial_that_is_stopped_ends_its_run(params: Params, paths: Paths) -> None:
    with pytest.raises(SystemExit), recorded(params, paths):
        raise SystemExit
    assert stored(paths, "none")[0].info.status == "KILLED"


def test_a_run_that_was_killed_before_it_could_send_its_end_is_ended(params: Params, paths: Paths) -> None:
    with recorded(params, paths) as report:
        report(1, {"loss": 1.0})
        (journal,) = (paths.state / "journal").glob("*.jsonl")
        with journal.open("a") as stream:
            stream.write('{"status": "KILLED"}\n')
        text = journal.read_text()
        tracking.end(paths, report.fingerprint, "FAILED")
        assert stored(paths, "loss")[0].info.status == "KILLED" and journal.read_text() == text
        tracking.end(paths, "0" * 16, "FAILED")


def test_a_fault_between_a_run_and_its_parameters_is_made_good(
    params: Params, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: MlflowClient, *given: object, **named: object) -> None:
        raise ConnectionError("reset by peer")

    with monkeypatch.context() as faulty:
        faulty.setattr(MlflowClient, "log_batch", fails)
        with recorded(params, paths) as report:
            report(1, {"loss": 1.0})
    assert stored(paths, "loss")[0].data.params == {}
    assert tracking.sync(paths) == {report.fingerprint: 0}
    run, points = stored(paths, "loss")
    assert points == [(1, 1.0)] and run.data.params["losses.vel"] == str(params.losses.vel)


def test_a_line_cut_by_a_kill_is_passed_over(params: Params, paths: Paths) -> None:
    with recorded(params, paths) as report:
        report(1, {"loss": 1.0})
    (journal,) = (paths.state / "journal").glob("*.jsonl")
    with journal.open("a") as stream:
        stream.write('{"step": 2, "metr')
    with recorded(params, paths) as report:
        report(2, {"loss": 2.0})
    assert stored(paths, "loss")[1] == [(1, 1.0), (2, 2.0)]


def test_the_fingerprint_is_what_decides_the_weights(params: Params, paths: Paths) -> None:
    before = tracking.fingerprint(params, paths)
    assert tracking.fingerprint(params, paths) == before

    def replaced(section: str, **values: object) -> Params:
        return dataclasses.replace(params, **{section: dataclasses.replace(getattr(params, section), **values)})

    assert tracking.fingerprint(replaced("train", lr=0.5), paths) != before
    assert tracking.fingerprint(replaced("losses", vel=0.5), paths) != before
    assert tracking.fingerprint(replaced("report", num_samples=9), paths) == before
    paths.encoded.mkdir()
    (paths.encoded / "leader.npy").write_bytes(b"other data")
    assert tracking.fingerprint(params, paths) != before


def test_one_process_at_a_time_makes_the_database(
    params: Params, paths: Paths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[bool] = []

    def made(tracking_uri: str) -> MlflowClient:
        with (paths.state / "mlflow.lock").open("w") as stream, pytest.raises(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        seen.append((paths.state / "mlflow.db").exists())
        return MlflowClient(tracking_uri=tracking_uri)

    monkeypatch.setattr("mlflow.MlflowClient", made)
    with recorded(params, paths) as report:
        report(1, {"loss": 1.0})
    assert seen == [False], "locked before the database is there"
    assert "does not answer" not in caplog.text


def test_metrics_are_read_flat(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    text = json.dumps({"systems": {"a": {"fid": 1.5, "name": "x", "ok": True}}, "n": 2})
    (tmp_path / "metrics" / "evaluate.json").write_text(text)
    rows = tracking.read_metrics(Paths(tmp_path))
    assert [(row.name, row.value) for row in rows] == [("evaluate.n", 2.0), ("evaluate.systems.a.fid", 1.5)]
