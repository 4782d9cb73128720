"""Where a pipeline runs: the project itself, or a private folder below ``runs/`` for parameters with an overlay.

A private folder is a DVC project of its own beside the tracked one: merged ``params.yaml``, its own ``dvc.lock`` and
outputs, and links to the code and the stage list. Both share one cache, so that a stage with equal inputs runs once.
The tracked files of the project are never written by such a run.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from interdance import config
from interdance.errors import InputError
from interdance.files import atomic_path, link

#: What a private folder sees through a link instead of a copy.
LINKED = ("dvc.yaml", ".dvcignore", "interdance", ".state")
DVC_CONFIG = """\
[core]
    no_scm = true
    analytics = false
    check_update = false
[cache]
    dir = {cache}
    type = "reflink,hardlink,copy"
"""


class StageError(RuntimeError):
    """A stage failed for a reason that is not the user's input; its own words stand in the log above."""


def find_project(start: Path) -> Path:
    """The nearest folder at or above ``start`` that holds ``dvc.yaml`` and ``params.yaml``.

    Raises
    ------
    InputError
        When there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / "dvc.yaml").exists() and (folder / "params.yaml").exists():
            return folder
    raise InputError(f"{start}: neither this folder nor one above it holds params.yaml and dvc.yaml; go to the project")


def prepare(project: Path, *overlays: Path, name: str | None = None) -> Path:
    """The folder to run in: ``project`` without an overlay, else ``project/runs/<name>``, made or brought up to date.

    Parameters
    ----------
    overlays : Path
        YAML laid over ``params.yaml``, in order; the folders they name are relative to the project.
    name : str
        Of the private folder; the overlays' file names without suffix, joined by hyphens, by default.

    Raises
    ------
    InputError
        When the merged parameters are not valid, or ``name`` is not a plain folder name.
    """
    project = project.resolve()
    base = project / "params.yaml"
    if not overlays:
        if name is not None:
            raise InputError(f"--name {name}: a named run needs an overlay; without one the project itself is the run")
        config.load(base)
        return project
    name = "-".join(overlay.stem for overlay in overlays) if name is None else name
    if name in ("", ".", "..") or Path(name).name != name:
        raise InputError(f"--name {name}: a plain folder name is needed")
    values = config.read_yaml(base)
    for overlay in overlays:
        values = config.merge(values, config.read_yaml(overlay))
    config.from_dict(values, ", ".join(map(str, [base, *overlays])))
    root = project / "runs" / name
    (root / ".dvc").mkdir(parents=True, exist_ok=True)
    (project / ".state").mkdir(exist_ok=True)
    for linked in LINKED:
        link(root / linked, Path("..", "..", linked))
    link(root / ".dvc" / "plots", Path("..", "..", "..", ".dvc", "plots"))
    cache = os.path.relpath(project / ".dvc" / "cache", root / ".dvc")
    _write_if_new(root / ".dvc" / "config", DVC_CONFIG.format(cache=cache))
    _write_if_new(root / "params.yaml", yaml.safe_dump(_rebased(values, project, root), sort_keys=False))
    return root


def reproduce(
    root: Path,
    *stages: str,
    single: bool = False,
    say: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Bring stages (all by default) up to date: ``dvc repro`` in a process group of its own.

    Whatever ends this call early (an exception in ``say``, Ctrl-C, SIGTERM, a cancelled flow) ends the whole group: no
    stage goes on alone.

    Parameters
    ----------
    single : bool
        Only these stages, not what they depend on.
    say : callable
        Receives each line that DVC and the stages write.
    environment : mapping
        Added to the environment of the stages.

    Raises
    ------
    InputError
        When a stage refused its input; the sentence is the stage's own.
    StageError
        When a stage or DVC failed otherwise.
    """
    command = ("dvc", "repro", *(["--single-item"] if single else []), *stages)
    _run(root, command, say, environment or {}, what=f"{' '.join(stages) or 'dvc repro'} in {root}")


def call(root: Path, *command: str, say: Callable[[str], None], environment: Mapping[str, str] | None = None) -> None:
    """Run ``interdance <command>`` in a process group of its own, as :func:`reproduce` runs stages.

    Raises
    ------
    InputError, StageError
        As :func:`reproduce`.
    """
    _run(root, ("interdance.cli", *command), say, environment or {}, what=f"interdance {command[0]}")


def _run(
    root: Path,
    module: Sequence[str],
    say: Callable[[str], None],
    environment: Mapping[str, str],
    *,
    what: str,
) -> None:
    """``python -m <module ...>``, its lines to ``say``, its group ended whatever ends this call."""
    binaries = str(Path(sys.executable).parent)  # the stages' `python` is this one, environment activated or not
    variables = {
        **os.environ,
        **environment,
        "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "TQDM_DISABLE": "1",  # lines are streamed: bars would be a line per step
    }
    refusal = ""
    is_refused = False
    with _terminates_cleanly():
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            for line in process.stdout or ():
                line = line.rstrip()
                if line.startswith("error: "):
                    refusal = line.removeprefix("error: ")
                is_refused = is_refused or line.endswith("exited with 2")
                say(line)
            code = process.wait()
        except BaseException:
            kill_group(process)
            raise
    if code and (is_refused or code == 2) and refusal:
        raise InputError(refusal)
    if code:
        raise StageError(f"{what}: exit code {code}; its own words are above")


def damaged(project: Path, tell: Callable[[int, int], None] = lambda done, total: None) -> list[Path]:
    """Objects of DVC's cache whose bytes are not what their names say.

    DVC trusts an object that is read-only, and would hand a damaged one on for ever. Removed, it comes back from a remote
    (``dvc pull``) or is made again.
    """
    objects = sorted(path for path in _objects(project).glob("??/*") if path.is_file())
    found = []
    with ThreadPoolExecutor() as threads:  # hashing lets go of the interpreter's lock
        for done, (path, is_whole) in enumerate(zip(objects, threads.map(_is_whole, objects), strict=True), start=1):
            tell(done, len(objects))
            if not is_whole:
                found.append(path)
    return found


def _objects(project: Path) -> Path:
    """Where DVC keeps its objects: a private run shares those of the project, and a project may name another place."""
    from dvc.repo import Repo  # seconds to import

    with Repo(str(project)) as repo:
        return Path(repo.cache.local.path)


def _is_whole(path: Path) -> bool:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(1 << 22):
            digest.update(block)
    return digest.hexdigest() == path.parent.name + path.name.removesuffix(".dir")


def kill_group(process: subprocess.Popen[Any], patience_s: float = 3.0) -> None:
    """End a process that leads its own group, and everything it started: first asked, then made."""
    for wish in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, wish)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


@contextmanager
def _terminates_cleanly() -> Iterator[None]:
    """Let SIGTERM raise ``SystemExit`` inside the block, so that it unwinds; only the main thread can arrange that.

    Who has arranged it otherwise is left alone: Prefect tells a cancelled flow from a crashed one by what it raises itself.
    """
    is_ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not is_ours:
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _rebased(values: dict[str, Any], project: Path, root: Path) -> dict[str, Any]:
    """``values`` with their relative paths, which start at ``project``, made to work from ``root``.

    A place in the project is linked, so that the value stays and equal stages are found in the shared cache; a place
    outside gets another relative path.
    """
    linked: set[Path] = set()

    def rebased(value: str) -> str:
        if not value or Path(value).is_absolute():
            return value
        inside = Path(os.path.relpath(project / value, project))
        if not inside.parts:
            raise InputError(f"{value}: is the project itself; name a folder of data in it, or one outside")
        if inside.parts[0] == "..":
            return os.path.relpath(project / value, root)
        linked.add(inside)
        return value

    places = {key: {part: rebased(item[part]) for part in ("folder", "music")} for key, item in values["sets"].items()}
    sets = {key: item | places[key] for key, item in values["sets"].items()}
    body = values["body"] | {"model": rebased(values["body"]["model"])}
    train = values["train"] | {"start_from": rebased(values["train"]["start_from"])}
    _remove_links(root)
    for place in linked:
        if not linked & set(place.parents):  # what lies in a linked folder is seen through its link
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            link(root / place, Path(os.path.relpath(project / place, (root / place).parent)))
    return values | {"sets": sets, "body": body, "train": train}


def _remove_links(root: Path) -> None:
    """Take out the places that an earlier overlay linked, and folders that held nothing else."""
    for folder, folders, files in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in (".dvc", *LINKED)]
        for place in (Path(folder, name) for name in (*folders, *files) if name not in LINKED):
            if not place.is_symlink():
                continue
            place.unlink()
            for parent in place.parents:
                if parent == root or any(parent.iterdir()):
                    break
                parent.rmdir()


def _write_if_new(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        with atomic_path(path) as temporary:
            temporary.write_text(text)
