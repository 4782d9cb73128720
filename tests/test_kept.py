"""Results of earlier runs by key: what makes a key another one, and what is kept, restored and dropped."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from interdance import kept as module
from interdance.kept import Kept, key_of


def test_a_key_is_of_settings_files_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    keys = [key_of({"fps": 30}, [file]), key_of({"fps": 25}, [file]), key_of({"fps": 30})]
    file.write_bytes(b"two")
    keys.append(key_of({"fps": 30}, [file]))
    monkeypatch.setattr(module, "code_digest", lambda: "other code")
    keys.append(key_of({"fps": 30}, [file]))
    assert len(set(keys)) == 5
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})


def test_the_code_is_that_of_the_package_and_of_the_stage_that_runs(tmp_path: Path) -> None:
    unread = shutil.ignore_patterns("__pycache__", "*.npz")
    shutil.copytree(Path(module.__file__).parent, tmp_path / "interdance", ignore=unread)
    stage = tmp_path / "interdance" / "stages" / "encode.py"
    ask = "    from interdance.kept import code_digest\n\n    print(code_digest())\n"
    text = stage.read_text().replace("    main()\n", ask)
    digests = []
    table = tmp_path / "interdance" / "representation" / "table.yaml"  # beside a module that the stage imports
    for ending, rows in (("", ""), ("", ""), ("# another word\n", ""), ("", "a: 1")):
        stage.write_text(text + ending)
        table.write_text(rows)
        command = [sys.executable, "-m", "interdance.stages.encode"]
        digests.append(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip())
    assert len(digests[0]) == 64
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@pytest.mark.parametrize("is_folder", [True, False])
def test_kept_restored_and_dropped(tmp_path: Path, is_folder: bool) -> None:
    def make(place: Path, text: str) -> Path:
        file = place / "inner" if is_folder else place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    store, made = Kept(tmp_path / "store"), tmp_path / "made"
    make(made, "first")
    assert not store.restore("key", tmp_path / "none") and not (tmp_path / "none").exists()
    store.keep("key", made)
    store.keep("other", made)
    store.prune()
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == ["key", "other"]
    later = Kept(tmp_path / "store")
    assert later.restore("key", tmp_path / "out" / "made")
    file = tmp_path / "out" / "made" / "inner" if is_folder else tmp_path / "out" / "made"
    assert file.read_text() == "first"
    later.prune()
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["key"], "the other was of no use to this run"
    make(tmp_path / "anew", "second")
    later.keep("key", tmp_path / "anew")
    assert later.restore("key", tmp_path / "again") and file.read_text() == "first"
    nothing = Kept(None)
    nothing.keep("key", made)
    nothing.prune()
    assert not nothing.restore("key", tmp_path / "never")
