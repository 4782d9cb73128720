"""Damaged files of every format through every reader; ``benchmarks/fuzz.py`` is the same with thousands."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import fuzz
from interdance.errors import InputError

COUNTS = {"bvh": 24, "c3d": 60, "npz": 40, "npy": 40, "pickle": 30, "joints": 20, "audio": 36, "text": 24}


def test_damaged_files_end_in_a_refusal_or_a_valid_take(tmp_path):
    tallies = fuzz.run(COUNTS, 7, tmp_path, tmp_path / "wrong")
    assert not [item for tally in tallies.values() for item in tally.wrong]
    for kind, tally in tallies.items():
        assert tally.verdicts.total() == COUNTS[kind] and tally.verdicts["refused"] > 0.2 * COUNTS[kind], kind
    assert sum(tally.verdicts["accepted"] for tally in tallies.values()) > 20


def test_the_seeds_are_valid_and_the_damage_is_reproducible(tmp_path):
    seeds = fuzz.make_seeds(tmp_path)
    for kind, files in seeds.items():
        for place, (suffix, content) in enumerate(files):
            path = tmp_path / f"{kind}{place}{suffix}"
            path.write_bytes(content)
            if suffix != ".json":
                fuzz.read(kind, path)
        first, second = (list(fuzz.damaged(seeds, kind, 12, 3)) for _ in range(2))
        assert first == second != list(fuzz.damaged(seeds, kind, 12, 4))


@pytest.mark.parametrize(
    ("act", "verdict"),
    [
        (lambda: None, "accepted"),
        (lambda: _raise(InputError("a.npy: bad; mend it")), "refused"),
        (lambda: _raise(InputError("a.npy: bad\nmend it")), "a message that is no sentence"),
        (lambda: _raise(KeyError("x")), "KeyError"),
        (lambda: _raise(MemoryError()), "no memory left"),
        (lambda: fuzz._check("a take", np.array([1.0, np.nan])), "AssertionError"),
        (lambda: np.ones(40 << 20).sum(), " MiB for 3 bytes"),
    ],
)
def test_whatever_else_happens_counts_as_wrong(tmp_path, monkeypatch, act, verdict):
    path = tmp_path / "a.npy"
    path.write_bytes(b"abc")
    monkeypatch.setattr(fuzz, "read", lambda kind, path: act())
    outcome = fuzz.judge("npy", path)
    assert verdict in outcome.verdict
    assert fuzz.Tally().add(outcome) == (verdict not in ("accepted", "refused"))


def test_a_hang_and_a_crash_count_and_do_not_stop_the_rest(tmp_path, monkeypatch):
    """The process that reads is a stand-in here that hangs or ends when the name of the file says so."""
    monkeypatch.setattr(fuzz, "SECONDS", 1.0)
    monkeypatch.setattr(fuzz, "serve", _strange)
    reader = fuzz.Reader([], "fork")
    try:
        verdicts = [reader.judge("npy", Path(name)).verdict for name in ("fine", "hang", "fine", "crash", "fine")]
    finally:
        reader.stop()
    assert verdicts == ["accepted", "hang", "accepted", "crash", "accepted"]


def _raise(error: Exception) -> None:
    raise error


def _strange(pipe, warm):
    pipe.send("ready")
    while True:
        _, path = pipe.recv()
        if path.name == "hang":
            time.sleep(60)
        if path.name == "crash":
            os._exit(3)
        pipe.send(fuzz.Outcome("accepted"))
