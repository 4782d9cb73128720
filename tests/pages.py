"""Pages of couples, read as their viewer reads them."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np


def part(page: str, name: str) -> str:
    """What a page holds besides its program, by name."""
    found = re.search(rf'<script id="{name}"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return found.group(1)


def read_page(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The take of a page and its arrays."""
    page = path.read_text()
    take = json.loads(part(page, "take"))
    data = gzip.decompress(base64.b64decode(part(page, "arrays")))
    arrays = {}
    for entry in take["arrays"]:
        array = np.frombuffer(data, np.dtype(entry["kind"]).newbyteorder("<"), entry["length"], entry["start"]).copy()
        if entry["delta"]:
            array = np.cumsum(array.reshape(-1, entry["delta"]), axis=1, dtype=array.dtype).ravel()
        arrays[entry["name"]] = array
    return take, arrays


def curves(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Contact and penetration (T,) of every follower of whom a page shows them."""
    take, arrays = read_page(path)
    met = [dancer for dancer in take["dancers"] if "met_on" in dancer]
    return {dancer["name"]: (arrays[f"{dancer['key']}.contact"], arrays[f"{dancer['key']}.penetration"]) for dancer in met}


def bits(arrays: dict[str, np.ndarray], name: str, num_frames: int) -> np.ndarray:
    """Points that touch, or are inside, bool (frames, 655)."""
    rows = arrays[name].reshape(-1, -(-num_frames // 8))
    return np.unpackbits(rows, axis=1, count=num_frames, bitorder="little").T.astype(bool)
