"""The command line in this process: what it prints and its exit code, without the seconds that a new process needs to load."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from layout import ROOT

from interdance.cli.commands import main


def interdance(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """``interdance ARGUMENTS`` run in a folder, as :func:`subprocess.run` would give it back."""
    words = ["interdance", *map(str, arguments)]
    out, error, code = io.StringIO(), io.StringIO(), 0
    streams = contextlib.redirect_stdout(out), contextlib.redirect_stderr(error)
    with _in(cwd), _own_logging(), patch("sys.argv", words), streams[0], streams[1]:
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(words, code, out.getvalue(), error.getvalue())


def refused(*arguments: object, cwd: Path = ROOT) -> str:
    """The sentence with which a command refused."""
    done = interdance(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _own_logging() -> Iterator[None]:
    """The command line says where its log goes only in a process where nothing has said so."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:], root.level = before, level
