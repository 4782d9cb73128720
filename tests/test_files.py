"""What killed writers leave beside a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from interdance.files import atomic_folder, atomic_path, remove_leftovers


def test_what_a_killed_writer_left_goes_and_what_others_are_writing_stays(tmp_path: Path) -> None:
    (tmp_path / ".duet.abcdefgh.png").touch()
    (tmp_path / ".takes.abcdefgh").mkdir()
    (tmp_path / ".takes.abcdefgh" / "half").touch()
    with atomic_path(tmp_path / "duet.mp4") as film, atomic_folder(tmp_path / "other") as folder:
        remove_leftovers(tmp_path / "duet.png")
        remove_leftovers(tmp_path / "takes")
        assert sorted(tmp_path.iterdir()) == sorted([film, folder])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["duet.mp4", "other"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "before")]
