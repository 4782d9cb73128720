"""DVC, Prefect and MLflow around the stages: what is skipped, restored, resumed, recorded and cleaned up."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import psutil
import pytest
import yaml
from layout import ROOT
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from interdance import config, tracking, workspace
from interdance.cli.commands import app
from interdance.config import Paths
from interdance.errors import InputError
from interdance.stages import PER_SET, STAGES
from interdance.stages.train import fingerprint_of

SMOKE = ROOT / "tests" / "smoke.yaml"


def make_project(folder: Path, *overlays: Path) -> Path:
    """A project as a clone has it, with its code linked and its parameters already small."""
    for name in ("dvc.yaml", ".dvcignore", "interdance", "flows"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".dvc").mkdir()
    for name in (".gitignore", ".dvc/config"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "data" / "incoming", folder / "data" / "incoming")
    params = config.load(ROOT / "params.yaml", *overlays)
    (folder / "params.yaml").write_text(yaml.safe_dump(params.to_dict(), sort_keys=False))
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def dvc(project: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=os.environ | {"PATH": path})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def run_stage(project: Path, stage: str, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"interdance.stages.{stage}"]
    return subprocess.Popen(command, cwd=project, env=os.environ | environment, stderr=subprocess.DEVNULL)


def stages_run(lines: list[str]) -> list[str]:
    return [match[1] for line in lines if (match := re.match(r"Running stage '([\w@]+)'", line))]


def named(*stages: str) -> list[str]:
    """Stages as DVC calls them: with the data set where there is one stage for each."""
    return [f"{stage}@couples" if stage in PER_SET else stage for stage in stages]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose whole pipeline has run once."""
    folder = make_project(tmp_path_factory.mktemp("project"), SMOKE)
    lines: list[str] = []
    try:
        workspace.reproduce(folder, say=lines.append)
    except workspace.StageError:
        pytest.fail("\n".join(lines[-40:]))
    assert sorted(stages_run(lines)) == sorted(named(*STAGES))
    return folder


@pytest.mark.slow
def test_second_run_does_nothing(project: Path) -> None:
    lock = (project / "dvc.lock").read_bytes()
    lines: list[str] = []
    workspace.reproduce(project, say=lines.append)
    assert stages_run(lines) == []
    assert (project / "dvc.lock").read_bytes() == lock
    assert "up to date" in dvc(project, "status")


@pytest.mark.slow
def test_a_loss_weight_leaves_the_data_alone_and_going_back_is_free(project: Path) -> None:
    before = (project / "params.yaml").read_text()
    values = yaml.safe_load(before)
    values["losses"]["vel"] += 1.0
    (project / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    lines: list[str] = []
    workspace.reproduce(project, say=lines.append)
    (project / "params.yaml").write_text(before)
    assert stages_run(lines) == ["train", "generate", "evaluate", "report"]
    lines.clear()
    workspace.reproduce(project, say=lines.append)
    assert stages_run(lines) == []


@pytest.mark.slow
def test_a_deleted_output_comes_back_alone(project: Path) -> None:
    kept = (project / "data" / "statistics.npz").read_bytes()
    (project / "data" / "statistics.npz").unlink()
    times = {path: path.stat().st_mtime_ns for path in (project / "data").rglob("*") if path.is_file()}
    lines: list[str] = []
    workspace.reproduce(project, say=lines.append)
    assert stages_run(lines) == []
    assert (project / "data" / "statistics.npz").read_bytes() == kept
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.slow
def test_stages_by_hand_give_the_same_bytes(project: Path) -> None:
    """Outputs are links into the cache: writing them anew must not write into the cache."""
    for stage in ("split", "statistics"):
        assert run_stage(project, stage).wait() == 0
    assert "up to date" in dvc(project, "status")


@pytest.mark.slow
def test_dvc_is_clean_after_the_flow(project: Path) -> None:
    (project / "data" / "split.json").unlink()
    command = [sys.executable, "-m", "flows.pipeline"]
    environment = os.environ | {"INTERDANCE_STATE": str(project / ".state")}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "up to date" in dvc(project, "status")
    assert (project / ".state" / "prefect").is_dir()


@pytest.mark.slow
def test_the_training_is_recorded_with_its_results(project: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracking.store_address(Paths(project)))
    experiment = client.get_experiment_by_name("interdance")
    assert experiment is not None
    params = config.load(project / "params.yaml")
    identity = fingerprint_of(params, Paths(project))
    (run,) = client.search_runs([experiment.experiment_id], f"tags.fingerprint = '{identity}'")
    assert run.info.status == "FINISHED"
    assert run.data.params["train.lr"] == str(params.train.lr)
    assert {"git.revision", "dvc.lock", "fingerprint"} <= set(run.data.tags)
    assert any(name.startswith("loss/") for name in run.data.metrics)
    assert any("fid" in name.lower() for name in run.data.metrics)
    kept = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"metrics", "reports"} <= kept
    (output,) = run.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert (logged.name, logged.status) == ("denoiser", "READY")


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_weights(project: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    values = yaml.safe_load((project / "params.yaml").read_text())
    values["train"] |= {"steps": 24, "checkpoint_every": 3, "sample_every": 24, "validate_every": 12}
    folder = make_project(tmp_path)
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    shutil.rmtree(folder / "data")
    (folder / "data").symlink_to(project / "data")
    weights = folder / "models" / "denoiser" / "weights.safetensors"

    assert run_stage(folder, "train", INTERDANCE_STATE=str(tmp_path / "unbroken")).wait() == 0
    unbroken = weights.read_bytes()
    shutil.rmtree(folder / "models")

    state = tmp_path / "broken"
    broken = run_stage(folder, "train", INTERDANCE_STATE=str(state))
    while not list(state.glob("checkpoints/*.safetensors")):
        assert broken.poll() is None, "the training ended before it could be killed"
        time.sleep(0.01)
    broken.send_signal(signal.SIGKILL)
    assert broken.wait() == -signal.SIGKILL
    assert not weights.exists()

    assert run_stage(folder, "train", INTERDANCE_STATE=str(state)).wait() == 0
    assert weights.read_bytes() == unbroken

    client = MlflowClient(tracking_uri=f"sqlite:///{state / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("interdance").experiment_id])
    steps = [point.step for point in client.get_metric_history(run.info.run_id, "loss/total")]
    assert len(steps) == len(set(steps))
    assert run.info.status == "FINISHED"


@pytest.mark.slow
def test_an_overlay_runs_apart(project: Path) -> None:
    before = {path: path.read_bytes() for path in (project / "params.yaml", project / "dvc.lock")}
    overlay = project / "other.yaml"
    overlay.write_text("split: {seed: 99}\n")
    root = workspace.prepare(project, overlay)
    assert root == project / "runs" / "other"
    lines: list[str] = []
    workspace.reproduce(root, "split", say=lines.append)
    assert "takes@couples" not in stages_run(lines), "the shared cache has the takes"
    assert (root / "data" / "takes").is_dir()
    lines.clear()
    workspace.reproduce(workspace.prepare(project, overlay), "split", say=lines.append)
    assert stages_run(lines) == []
    assert {path: path.read_bytes() for path in before} == before
    assert "up to date" in dvc(project, "status")


def test_overlay_folders_are_relative_to_the_project(tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    root = workspace.prepare(folder, ROOT / "configs" / "salsa.yaml", name="mine")
    params = config.load(root / "params.yaml")
    assert list(params.sets) == ["salsa"]
    assert (root / params.sets["salsa"].folder).resolve() == (folder / "../shared/data/salsa").resolve()
    assert (root / params.sets["salsa"].music).resolve() == (folder / "../shared/data/music").resolve()
    (folder / "other.yaml").write_text("split: {seed: 2}")
    inside = workspace.prepare(folder, folder / "other.yaml")
    assert config.load(inside / "params.yaml").sets == config.load(folder / "params.yaml").sets
    assert (inside / "data" / "incoming" / "README.md").samefile(folder / "data" / "incoming" / "README.md")
    assert (root / "interdance" / "config.py").samefile(ROOT / "interdance" / "config.py")
    assert Paths(root).state.resolve() == Paths(folder).state.resolve()


def test_a_set_may_lie_in_the_folder_of_another(tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    (folder / "data" / "incoming" / "mine").mkdir()
    place = "{source: folder, folder: data/incoming/mine, music: data/incoming/mine, takes: [], genre: waltz}"
    (folder / "other.yaml").write_text(f"sets: {{mine: {place}}}")
    for _ in range(2):
        root = workspace.prepare(folder, folder / "other.yaml")
        assert (root / "data" / "incoming" / "mine").samefile(folder / "data" / "incoming" / "mine")


def test_an_overlay_may_change_where_its_sets_lie(tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    (folder / "data" / "incoming" / "mine").mkdir()
    for place in ("data/incoming", "data/incoming/mine", "data/incoming", "data/incoming/absent/deep", "data/incoming"):
        entry = f"{{source: folder, folder: {place}, music: {place}, takes: [], genre: waltz}}"
        (folder / "other.yaml").write_text(f"sets: {{couples: null, mine: {entry}}}\ntrain: {{start_from: runs/a/models}}")
        root = workspace.prepare(folder, folder / "other.yaml")
        assert (root / place).resolve() == (folder / place).resolve()
        assert (root / "interdance").is_symlink() and (root / ".dvc" / "plots").is_symlink(), "other links stay"
        assert (root / "runs/a/models").resolve() == (folder / "runs/a/models").resolve()
    (folder / "other.yaml").write_text("train: {start_from: ../elsewhere/model}")
    told = config.load(workspace.prepare(folder, folder / "other.yaml") / "params.yaml").train.start_from
    assert (root / told).resolve() == folder.parent / "elsewhere" / "model"
    assert not (folder / "data" / "incoming" / "absent").exists(), "nothing is written into the project's own data"
    (folder / "other.yaml").write_text("sets: {couples: {folder: .}}")
    with pytest.raises(InputError, match="is the project itself"):
        workspace.prepare(folder, folder / "other.yaml")


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_run_names_are_plain(tmp_path: Path, name: str) -> None:
    folder = make_project(tmp_path)
    with pytest.raises(InputError, match="plain folder name"):
        workspace.prepare(folder, ROOT / "configs" / "salsa.yaml", name=name)
    assert not (folder / "runs").exists()


def add_couple(incoming: Path, take: Path) -> None:
    """Put a take of ours where a folder of somebody's own takes is read."""
    for role in ("leader", "follower"):
        shutil.copy(take / f"{role}.npz", incoming / f"{take.name}_{role}.npz")
    shutil.copy(take / "music.flac", incoming / f"{take.name}.flac")


def test_overlays_are_laid_over_each_other_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        (folder / name).write_text((ROOT / name).read_text())
    for name, steps, batch in (("one", 7, 3), ("two", 9, None)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"train": {"steps": steps} | ({"batch": batch} if batch else {})}))
    root = workspace.prepare(folder, folder / "one.yaml", folder / "two.yaml")
    assert root.name == "one-two"
    told = config.load(root / "params.yaml").train
    assert (told.steps, told.batch) == (9, 3)


@pytest.mark.slow
def test_a_data_set_is_a_stage_and_one_more_take_is_one_more(project: Path, tmp_path: Path) -> None:
    takes = sorted((project / "data" / "takes" / "couples").glob("waltz_*"))
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    for take in takes[:2]:
        add_couple(incoming, take)
    place = yaml.safe_dump(str(incoming)).splitlines()[0]
    overlay = tmp_path / "two.yaml"
    overlay.write_text(f"sets: {{mine: {{source: folder, folder: {place}, music: {place}, takes: [], genre: waltz}}}}\n")
    root = workspace.prepare(project, overlay)
    lines: list[str] = []
    workspace.reproduce(root, "split", "encode", say=lines.append)
    assert sorted(stages_run(lines)) == ["encode@mine", "split", "takes@mine"], "the cache has the couples"
    kept = (root / "data" / "takes" / "mine" / takes[0].name / "leader.npz").read_bytes()
    add_couple(incoming, takes[2])
    lines.clear()
    workspace.reproduce(root, "split", "encode", say=lines.append)
    assert sorted(stages_run(lines)) == ["encode@mine", "split", "takes@mine"]
    assert any("encoded 3 takes, 1 of them anew" in line for line in lines)
    assert (root / "data" / "takes" / "mine" / takes[0].name / "leader.npz").read_bytes() == kept


@pytest.fixture(params=["directory", "s3"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Where data are pushed to: options of a DVC remote. The S3 one is a real server on loopback."""
    if request.param == "directory":
        yield {"url": str(tmp_path / "remote")}
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anyone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(port=0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket="duets")
    yield {"url": "s3://duets/store", "endpointurl": address}
    server.stop()


@pytest.mark.slow
def test_data_travel_through_a_remote(
    project: Path, remote: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushed from one clone and pulled into another that has nothing but what git holds."""
    clone = tmp_path / "clone"
    clone.mkdir()
    make_project(clone)
    for name in ("params.yaml", "dvc.lock"):
        shutil.copy(project / name, clone / name)
    for place in (project, clone):
        dvc(place, "remote", "add", "--local", "--force", "--default", "store", remote["url"])
        for option, value in remote.items():
            dvc(place, "remote", "modify", "--local", "store", option, value)
    wanted = ["takes@couples", "music@couples", "split"]
    dvc(project, "push", *wanted)
    dvc(clone, "pull", *wanted)
    names = sorted(path.relative_to(project) for path in (project / "data" / "takes").rglob("*") if path.is_file())
    names += [Path("data/split.json")]
    assert len(names) > 10
    for name in names:
        if name.name != ".gitignore":
            assert (clone / name).read_bytes() == (project / name).read_bytes()
    lines: list[str] = []
    workspace.reproduce(clone, "split", say=lines.append)
    assert stages_run(lines) == [], "what was pulled is not made again"

    assert workspace.damaged(clone) == []
    victim = max((clone / ".dvc" / "cache" / "files" / "md5").glob("??/*"), key=lambda path: path.stat().st_size)
    content = victim.read_bytes()
    victim.chmod(0o644)
    victim.unlink()  # a new file: the old one may be linked into the workspace
    victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    victim.chmod(0o444)
    assert workspace.damaged(clone) == [victim], "read-only, and not believed"
    found = CliRunner()
    monkeypatch.chdir(clone)
    said = found.invoke(app, ["verify"])
    assert said.exit_code == 1 and str(victim) in said.output and "--remove" in said.output and victim.exists()
    assert found.invoke(app, ["verify", "--remove"]).exit_code == 1 and not victim.exists()
    dvc(clone, "pull", *wanted)
    assert victim.read_bytes() == content and workspace.damaged(clone) == []


SLEEPER = """\
stages:
  sleep:
    cmd: python sleeper.py
"""


def make_sleeper(folder: Path) -> Path:
    """A project with one stage that says its id, starts a child and sleeps."""
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    (folder / "dvc.yaml").write_text(SLEEPER)
    child = "import time; time.sleep(600)"
    (folder / "sleeper.py").write_text(
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "print('ids', os.getpid(), child.pid, flush=True)\n"
        "child.wait()\n"
    )
    return folder


def assert_gone(ids: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(each) and psutil.Process(each).status() != "zombie" for each in ids):
        assert time.monotonic() < deadline, "a process outlived its stage"
        time.sleep(0.05)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_stage_leaves_no_process(tmp_path: Path, interruption: type[BaseException]) -> None:
    ids: list[int] = []

    def say(line: str) -> None:
        if line.startswith("ids"):
            ids.extend(int(word) for word in line.split()[1:])
            raise interruption

    with pytest.raises(interruption):
        workspace.reproduce(make_sleeper(tmp_path), say=say)
    assert len(ids) == 2
    assert_gone(ids)


def test_a_terminated_run_leaves_no_process(tmp_path: Path) -> None:
    make_sleeper(tmp_path)
    code = "import sys; from pathlib import Path; from interdance import workspace; "
    code += "workspace.reproduce(Path.cwd(), say=lambda line: print(line, flush=True))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    ids = next(([int(word) for word in line.split()[1:]] for line in process.stdout if line.startswith("ids")), [])
    process.terminate()
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    watchdog.cancel()
    assert len(ids) == 2
    assert_gone(ids)


def test_a_refusal_keeps_its_sentence(tmp_path: Path) -> None:
    make_sleeper(tmp_path)
    (tmp_path / "sleeper.py").write_text("import sys; sys.stderr.write('error: song.ogg: too short\\n'); sys.exit(2)")
    with pytest.raises(InputError, match="^song.ogg: too short$"):
        workspace.reproduce(tmp_path, say=lambda line: None)
    (tmp_path / "sleeper.py").write_text("raise ValueError('a fault of ours')")
    with pytest.raises(workspace.StageError, match="exit code"):
        workspace.reproduce(tmp_path, say=lambda line: None)


@pytest.mark.slow
def test_the_python_of_the_readme_runs(project: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    assert re.fullmatch(r"\(\d+, 55, 3\)", done.stdout.splitlines()[-1])
    written = {path.name for path in (project / "runs" / "hello").iterdir()}
    assert {"follower.npz", "points.npy", "duet.html", "duet.mp4"} <= written


def test_the_commands_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets
    commands = {each.name or each.callback.__name__ for each in app.registered_commands if each.callback}
    commands |= {group.name for group in app.registered_groups}
    assert set(re.findall(r"(?:^    |`)interdance ([a-z]+)", text, re.MULTILINE)) <= commands
    for path in re.findall(r"`((?:configs|tests|interdance)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path
