"""Programs of tests/npm: other people's readers of what we write. They need Node.js, and `npm ci --prefix tests/npm` once."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent / "npm"


def node(script: str, *arguments: str | Path) -> Any:
    """What a script prints, a JSON value; skips the test where Node.js or the packages are missing."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs Node.js on the PATH to read files with the Khronos validator and three.js")
    if not (FOLDER / "node_modules").is_dir():
        pytest.skip("needs the packages of tests/npm: npm ci --prefix tests/npm")
    command = [program, str(FOLDER / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
