"""Damaged files against every reader: each must be refused with one sentence or give a valid take.

``python -m benchmarks.fuzz [--files 2400] [--seed 0] [--only c3d] [--keep DIR]`` makes small valid files of each format,
takes some of the real ones, and damages them: bytes flipped, ends cut off, parts doubled, swapped or dropped, headers edited,
numbers replaced by huge, negative and undefined ones, nesting without end. Every one is read in a process of its own memory
limit and time limit. It prints, per format: files, refused, accepted, the longest time, the largest memory that a file
needed. Whatever else happens (another exception, a crash, a hang, memory beyond bounds, a message of several lines) is
counted as wrong, its file is kept, and the program ends with 1.
"""

from __future__ import annotations

import argparse
import io
import logging
import multiprocessing
import os
import pickle
import re
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.seeds import DEC, MIPS, c3d_bytes, dance, write_bvh
from interdance.body.model import Body
from interdance.errors import InputError
from interdance.files import read_array, read_json
from interdance.mocap.bvh import read_bvh
from interdance.mocap.c3d import read_c3d
from interdance.mocap.capture import read_joints
from interdance.mocap.markers import load_marker_set
from interdance.mocap.retarget import bvh_to_motion, load_mapping
from interdance.music.audio import load_audio
from interdance.music.cut import cut_song
from interdance.pickles import read_object_array
from interdance.takes import Motion, read_motion, write_motion

SECONDS = 20.0
"""Time that a file may take before it counts as a hang."""
LIMIT = 3 << 30
"""Bytes of address space beyond those of the started process, after which allocating fails."""
SPARE = 96 << 20
"""Bytes that any file may need, however small ..."""
TIMES = 60
"""... and how many times its own size on top of that."""

FORMATS = ("bvh", "c3d", "npz", "npy", "pickle", "joints", "audio", "text")
SHARES = {"bvh": 0.25, "c3d": 0.25, "npz": 0.12, "npy": 0.08, "pickle": 0.06, "joints": 0.04, "audio": 0.16, "text": 0.04}
SUFFIX = {"npz": ".npz", "npy": ".npy", "pickle": ".npy", "joints": ".npy", "c3d": ".c3d", "bvh": ".bvh"}

Mutation = Callable[[bytearray, np.random.Generator], bytearray]


# ------------------------------------------------------------------------------------------------------------------ seeds


def make_seeds(folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    """Suffix and content of valid files, by format."""
    body, motion = Body.load(), dance(6)
    rng = np.random.default_rng(0)
    seeds: dict[str, list[tuple[str, bytes]]] = {name: [] for name in FORMATS}
    for unit, prefix, mapping in ((1.0, "", "salsa"), (0.01, "mixamorig:", "mixamo")):
        write_bvh(folder / "a.bvh", motion, body, unit, prefix, mapping)
        seeds["bvh"].append((".bvh", (folder / "a.bvh").read_bytes()))
    names = [f"S:{name}" for name in load_marker_set("cmu41").places]
    places = rng.uniform(0, 1700, (20, len(names), 3))
    places[4:9, 3] = np.nan
    seeds["c3d"] = [
        (".c3d", c3d_bytes(names, places)),
        (".c3d", c3d_bytes(names, places, real=False, num_analog=4, screen="+Z")),
        (".c3d", c3d_bytes(names, places, processor=DEC)),
        (".c3d", c3d_bytes(names, places, processor=MIPS, real=False)),
    ]
    write_motion(folder / "a.npz", motion)
    packed = io.BytesIO()
    with np.load(folder / "a.npz") as arrays:
        np.savez_compressed(packed, **arrays)
    seeds["npz"] = [(".npz", (folder / "a.npz").read_bytes()), (".npz", packed.getvalue())]
    for array in (places.astype(np.float32), np.asfortranarray(places), np.arange(50, dtype=">i2"), np.array(["a", "bc"])):
        seeds["npy"].append((".npy", _npy(array)))
    nested = {"pos": places, "who": ["a", {"b": 1.5}], "rot": motion.rotations_TJ3}
    seeds["pickle"] = [(".npy", _npy(np.array(nested, object)))]
    seeds["pickle"] += [(".pkl", pickle.dumps(nested, protocol)) for protocol in (2, 4)]
    seeds["joints"] = [(".npy", _npy(body.joints(motion)[:, :22])), (".npy", _npy(body.joints(motion).astype(np.float64)))]
    sound = 0.3 * np.sin(np.arange(6000) * np.linspace(0.02, 0.2, 6000))[:, None] * [1.0, 0.5]
    for suffix, kind, subtype in (
        (".wav", "WAV", "PCM_16"), (".wav", "WAV", "FLOAT"), (".flac", "FLAC", "PCM_16"), (".ogg", "OGG", "VORBIS"),
        (".ogg", "OGG", "OPUS"), (".mp3", "MP3", "MPEG_LAYER_III"),
    ):  # fmt: skip
        stream = io.BytesIO()
        soundfile.write(stream, sound, 8000 if subtype == "OPUS" else 22050, format=kind, subtype=subtype)
        seeds["audio"].append((suffix, stream.getvalue()))
    texts = {".mapping": "mappings/salsa.yaml", ".markers": "marker_sets/cmu41.yaml"}
    package = Path(sys.modules["interdance.mocap.markers"].__file__ or "").parent
    seeds["text"] = [(suffix, (package / name).read_bytes()) for suffix, name in texts.items()]
    seeds["text"].append((".json", b'{"fps": 120, "joints": ["pelvis", null, 3], "deep": [[[[1, 2], {"a": 1e3}]]]}'))
    return seeds


def real_seeds() -> dict[str, list[tuple[str, bytes]]]:
    """Real files from the folder of data beside the checkout, cut to a size; none where it is absent."""
    root = Path(os.environ.get("INTERDANCE_SHARED", Path(__file__).resolve().parent.parent.parent / "shared")) / "data"
    seeds: dict[str, list[tuple[str, bytes]]] = {}
    for path in [root / "salsa" / "easy_01_leader.bvh", root / "cmu_salsa" / "cmu_12_leader.bvh"]:
        if path.is_file():
            lines = path.read_text().splitlines()
            first = next(k for k, text in enumerate(lines) if text.startswith("Frames:"))
            lines = [*lines[:first], "Frames: 12", *lines[first + 1 : first + 14], ""]
            seeds.setdefault("bvh", []).append((".bvh", "\n".join(lines).encode()))
    for path in [root / "c3d" / "cmu_85_02.c3d", root / "c3d" / "numediart_rolling_gaps.c3d"]:
        if path.is_file():
            seeds.setdefault("c3d", []).append((".c3d", path.read_bytes()))
    return seeds


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


# -------------------------------------------------------------------------------------------------------------- mutations

NUMBERS = (
    b"nan", b"inf", b"-inf", b"1e308", b"-1e308", b"1e-320", b"0", b"-1", b"999999999999999999999", b"4294967295", b"65535",
    b"1e9", b"--3", b"0x10", b"1_000", b"", b"\xd9\xa3", b"9" * 400,
)  # fmt: skip
WORDS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7F800000, 0x7FC00000)


def flip(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Some bytes replaced."""
    for _ in range(int(rng.integers(1, 9))):
        data[int(rng.integers(len(data)))] = int(rng.integers(256))
    return data


def flip_head(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Some of the first bytes replaced, where headers are."""
    for _ in range(int(rng.integers(1, 5))):
        data[int(rng.integers(min(len(data), 1100)))] = int(rng.choice([0, 1, 127, 128, 255, int(rng.integers(256))]))
    return data


def cut(data: bytearray, rng: np.random.Generator) -> bytearray:
    """The end lost, sometimes everything."""
    return data[: int(rng.integers(len(data)))] if rng.random() > 0.05 else bytearray()


def drop(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A part lost."""
    place = int(rng.integers(len(data)))
    del data[place : place + int(rng.integers(1, 700))]
    return data


def double(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A part twice, or ten times."""
    place, length = int(rng.integers(len(data))), int(rng.integers(1, 700))
    data[place:place] = data[place : place + length] * int(rng.choice([1, 1, 10]))
    return data


def swap(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Two parts change places."""
    size = int(rng.choice([4, 64, 512]))
    first, second = sorted(int(k) * size for k in rng.integers(max(len(data) // size, 1), size=2))
    a, b = data[first : first + size], data[second : second + size]
    if second >= first + size:
        data[second : second + size], data[first : first + size] = a, b
    return data


def word(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A 16-bit or 32-bit number of the header set to an extreme."""
    form = rng.choice(["<H", ">H", "<I", ">I"])
    size = struct.calcsize(form)
    place = int(rng.integers(max(min(len(data), 2000) - size, 1)))
    value = struct.pack(form, int(rng.choice(WORDS)) & (0xFFFF if size == 2 else 0xFFFFFFFF))
    data[place : place + size] = value
    return data


def number(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A number in a text replaced."""
    found = list(re.finditer(rb"-?\d[\d.e+-]*", bytes(data)))
    if not found:
        return flip(data, rng)
    place = found[int(rng.integers(min(len(found), int(rng.choice([20, 200, 10**6])))))]
    data[place.start() : place.end()] = NUMBERS[int(rng.integers(len(NUMBERS)))]
    return data


def line(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A line of a text lost, twice, or somewhere else."""
    lines = bytes(data).splitlines(keepends=True) or [b""]
    taken = lines.pop(int(rng.integers(len(lines))))
    for _ in range(int(rng.integers(3))):
        lines.insert(int(rng.integers(len(lines) + 1)), taken)
    return bytearray(b"".join(lines))


def nest(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Something opened again and again."""
    times = int(rng.choice([50, 2000, 30000]))
    joint = b"JOINT a%d\n{\nOFFSET 0 0 0\nCHANNELS 0\n"
    opened = (joint, b"[", b'{"a":', b"(", b"- - ", b"\x8c\x01a]", b"&a [*a,")[int(rng.integers(7))]
    block = b"".join(opened.replace(b"%d", b"%d" % k) for k in range(times))
    place = int(rng.integers(len(data) + 1)) if rng.random() < 0.5 else max(bytes(data).find(b"\n", 20), 0)
    data[place:place] = block
    return data


def npy_header(data: bytearray, rng: np.random.Generator) -> bytearray:
    """The header of a ``.npy`` (or of one in a ``.npz``) tells another shape or type."""
    changes = [
        (rb"'shape': \([^)]*\)", b"'shape': (%s)"), (rb"'descr': '[^']*'", b"'descr': '%s'"),
        (rb"'fortran_order': \w+", b"'fortran_order': %s"),
    ]  # fmt: skip
    values: list[bytes] = [
        b"99999999999999,", b"1000000, 1000000", b"-5, 3", b"2**40,", b"0,", b"4294967296, 4294967296", b"'a',", b"",
        b"True, 165", b"<f8", b"|O", b"<U99999999", b"|S2147483647", b"|V16", b">c32", b"<m8[s]", b"zz", b"<f16", b"[" * 500,
        b"None",
    ]  # fmt: skip
    pattern, form = changes[int(rng.integers(len(changes)))]
    replacement = form.replace(b"%s", values[int(rng.integers(len(values)))])
    found = list(re.finditer(pattern, bytes(data)))
    if not found:
        return flip_head(data, rng)
    place = found[int(rng.integers(len(found)))]
    room = place.end() - place.start()
    rest = data[place.end() : place.end() + 60]
    spaces = len(rest) - len(rest.lstrip(b" "))
    data[place.start() : place.end()] = replacement
    if rng.random() < 0.7 and len(replacement) <= room + spaces:  # keep the length that the header tells
        change = len(replacement) - room
        end = place.start() + len(replacement)
        if change > 0:
            del data[end : end + change]
        else:
            data[end:end] = b" " * -change
    return data


def archive(data: bytearray, rng: np.random.Generator) -> bytearray:
    """An ``.npz`` packed anew with one of its members damaged, missing, renamed, or blown up."""
    try:
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as source:
            members = {item.filename: source.read(item) for item in source.infolist()}
    except Exception:  # damaged before, in whatever way
        return flip(data, rng)
    name = str(rng.choice(sorted(members)))
    kind = int(rng.integers(6))
    if kind == 0:
        del members[name]
    elif kind == 1:
        members["../../" + name] = members.pop(name)
    elif kind == 2:
        members[name] = bytes(npy_header(bytearray(members[name]), rng))
    elif kind == 3:
        members[name] = bytes(flip(bytearray(members[name]), rng))
    elif kind == 4:
        value = rng.choice([np.nan, np.inf, 1e38, 7.0])
        members[name] = _npy(np.full((int(rng.choice([1, 6, 10**6])), 165), value, np.float32))
    else:
        members[name] = _npy(np.zeros(int(rng.choice([3 * 10**7, 10**8])), np.uint8))  # a hundred million zeros pack small
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for key, content in members.items():
            packed.writestr(zipfile.ZipInfo(key), content, zipfile.ZIP_DEFLATED, 1)  # with a date that is always the same
    return bytearray(target.getvalue())


def chunks(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Chunks of a RIFF file, or pages of an Ogg file, in another order, doubled, or with another length."""
    mark = b"OggS" if data[:4] == b"OggS" else (b"data" if rng.random() < 0.5 else b"fmt ")
    places = [found.start() for found in re.finditer(re.escape(mark), bytes(data))]
    if not places:
        return word(data, rng)
    place = places[int(rng.integers(len(places)))]
    if mark == b"OggS":
        end = next((k for k in places if k > place), len(data))
        page = data[place:end]
        target = places[int(rng.integers(len(places)))]
        data[target:target] = page
    elif rng.random() < 0.5:
        data[place + 4 : place + 8] = struct.pack("<I", int(rng.choice(WORDS)))
    else:
        data[place:place] = data[place : place + 24]
    return data


BINARY: tuple[Mutation, ...] = (flip, flip_head, cut, drop, double, swap, word, word)
MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "bvh": (flip, cut, drop, double, number, number, number, number, line, line, nest),
    "c3d": (*BINARY, flip_head, word),
    "npz": (*BINARY, archive, archive, archive, archive, npy_header),
    "npy": (*BINARY, npy_header, npy_header, npy_header, npy_header),
    "pickle": (*BINARY, npy_header, nest, number),
    "joints": (*BINARY, npy_header, npy_header),
    "audio": (*BINARY, chunks, chunks),
    "text": (flip, cut, drop, double, number, line, nest),
}


def damaged(seeds: dict[str, list[tuple[str, bytes]]], kind: str, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """``count`` damaged files of a format: suffix and content. The same seed gives the same files."""
    rng = np.random.default_rng([seed, FORMATS.index(kind)])
    for _ in range(count):
        suffix, content = seeds[kind][int(rng.integers(len(seeds[kind])))]
        data = bytearray(content)
        for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
            if data:
                data = MUTATIONS[kind][int(rng.integers(len(MUTATIONS[kind])))](data, rng)
        yield suffix, bytes(data)


# ---------------------------------------------------------------------------------------------------------------- readers


def _check(what: str, *arrays: np.ndarray, missing: bool = False) -> None:
    for array in arrays:
        if array.size == 0 or (np.isinf(array) if missing else ~np.isfinite(array)).any():
            raise AssertionError(f"{what} that is accepted is empty or holds NaN or infinity")


def _motion(motion: Motion) -> None:
    _check("a motion", motion.rotations_TJ3, motion.translation_T3, motion.betas)
    if motion.rotations_TJ3.shape != (motion.num_frames, 55, 3) or motion.translation_T3.shape != (motion.num_frames, 3):
        raise AssertionError(f"a motion of shapes {motion.rotations_TJ3.shape} and {motion.translation_T3.shape}")
    if not 1 <= motion.fps <= 1000 or np.abs(motion.translation_T3).max() > 1e4:
        raise AssertionError("a motion at an impossible rate or place")


def read(kind: str, path: Path) -> None:
    """Read a file through what a user would call for it, and see that what comes out is sound."""
    if kind == "bvh":
        _motion(bvh_to_motion(read_bvh(path), Body.load()))
    elif kind == "c3d":
        take = read_c3d(path)
        _check("a take", take.positions_TM3, missing=True)
        if not 1 <= take.fps <= 2000 or take.positions_TM3.shape[1:] != (len(take.names), 3):
            raise AssertionError("a take at an impossible rate, or with other columns than names")
    elif kind == "npz":
        _motion(read_motion(path))
    elif kind == "npy":
        read_array(path)
    elif kind == "pickle":
        read_object_array(path)
    elif kind == "joints":
        _check("joints", read_joints(path, fps=30.0).positions_TK3, missing=True)
    elif kind == "audio":
        both: list[InputError] = []
        try:
            _check("a song", load_audio(path, 22050))
        except InputError as error:
            both.append(error)
        target = path.with_name("cut.flac")
        try:
            cut_song(path, target, 0.05, 0.1, 0.05)
            _check("a cut song", soundfile.read(target)[0])
        except InputError as error:
            both.append(error)
        if both:
            raise both[0]
    elif path.suffix == ".json":
        read_json(path)
    else:
        (load_mapping if path.suffix == ".mapping" else load_marker_set)(path)


@dataclass
class Outcome:
    """What became of a file: ``refused``, ``accepted``, or else what went wrong."""

    verdict: str
    text: str = ""
    seconds: float = 0.0
    memory: int = 0


def judge(kind: str, path: Path) -> Outcome:
    """Read a file in this process and judge what happens."""
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew from here
    begin = time.perf_counter()
    try:
        read(kind, path)
        outcome = Outcome("accepted")
    except InputError as error:
        outcome = Outcome("refused", str(error))
        if "\n" in outcome.text or len(outcome.text) > 1500:
            outcome.verdict = "a message that is no sentence"
    except MemoryError:
        outcome = Outcome("no memory left")
    except Exception as error:
        outcome = Outcome(type(error).__name__, str(error)[:300])
    outcome.seconds = time.perf_counter() - begin
    outcome.memory = max(_memory("VmHWM") - before, 0)
    if outcome.verdict in ("refused", "accepted") and outcome.memory > SPARE + TIMES * path.stat().st_size:
        outcome.verdict = f"{outcome.memory >> 20} MiB for {path.stat().st_size} bytes"
    return outcome


def _memory(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) * 1024  # type: ignore[index]


def serve(pipe: Connection, warm: list[tuple[str, Path]]) -> None:
    """Judge files one after another until the pipe closes; started as a process."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    logging.disable(logging.CRITICAL)
    Body.load().rest_joints(np.zeros(10))
    for kind, path in warm:  # what is imported and compiled at first use is nobody's fault
        read(kind, path)
    limit = _memory("VmSize") + LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe.send("ready")
    while True:
        try:
            kind, path = pipe.recv()
        except EOFError:
            return
        pipe.send(judge(kind, path))


class Reader:
    """A process that reads files, replaced when one of them brings it down; ``warm`` are valid ones to begin with."""

    def __init__(self, warm: list[tuple[str, Path]], method: str = "spawn") -> None:
        self.context: Any = multiprocessing.get_context(method)
        self.warm = warm
        self.start()

    def start(self) -> None:
        self.pipe, other = self.context.Pipe()
        self.process = self.context.Process(target=serve, args=(other, self.warm), daemon=True)
        self.process.start()
        other.close()
        if not self.pipe.poll(300) or self.pipe.recv() != "ready":
            raise RuntimeError("the process that reads files does not start")

    def judge(self, kind: str, path: Path) -> Outcome:
        self.pipe.send((kind, path))
        try:
            if self.pipe.poll(SECONDS):
                return self.pipe.recv()
            outcome = Outcome("hang", f"not read in {SECONDS:.0f} s", SECONDS)
        except (EOFError, ConnectionError):
            self.process.join()
            outcome = Outcome("crash", f"the process ended with {self.process.exitcode}")
        self.stop()
        self.start()
        return outcome

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


@dataclass
class Tally:
    """What became of the files of a format."""

    verdicts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0
    wrong: list[tuple[Path, Outcome]] = field(default_factory=list)

    def add(self, outcome: Outcome) -> bool:
        """Count a file; True when something went wrong."""
        is_right = outcome.verdict in ("refused", "accepted")
        self.verdicts[outcome.verdict if is_right else "wrong"] += 1
        self.seconds = max(self.seconds, outcome.seconds)
        self.memory = max(self.memory, outcome.memory)
        return not is_right


def run(counts: dict[str, int], seed: int, folder: Path, keep: Path) -> dict[str, Tally]:
    """Damage and read ``counts`` files of each format; files that went wrong are kept in ``keep``."""
    seeds = make_seeds(folder)
    for kind, files in real_seeds().items():
        seeds[kind] += files
    warm = []
    for kind in counts:
        suffix, content = seeds[kind][0]
        warm.append((kind, folder / f"warm-{kind}{suffix}"))
        warm[-1][1].write_bytes(content)
    reader = Reader(warm)
    tallies = {}
    for kind, count in counts.items():
        tally = tallies[kind] = Tally()
        for place, (suffix, content) in enumerate(damaged(seeds, kind, count, seed)):
            path = folder / f"{kind}-{seed}-{place}{suffix}"
            path.write_bytes(content)
            outcome = reader.judge(kind, path)
            if tally.add(outcome):
                keep.mkdir(parents=True, exist_ok=True)
                kept = keep / path.name
                kept.write_bytes(content)
                tally.wrong.append((kept, outcome))
            path.unlink()
    reader.stop()
    return tallies


def main() -> int:
    """Run from the command line; 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=FORMATS)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "interdance-fuzz")
    options = parser.parse_args()
    shares = {options.only: 1.0} if options.only else SHARES
    counts = {kind: round(share * options.files) for kind, share in shares.items()}
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        tallies = run(counts, options.seed, Path(folder), options.keep)
    print(f"{'format':8} {'files':>6} {'refused':>8} {'accepted':>9} {'wrong':>6} {'worst s':>8} {'peak MiB':>9}")
    for kind, tally in tallies.items():
        count = tally.verdicts
        print(
            f"{kind:8} {count.total():6} {count['refused']:8} {count['accepted']:9} {count['wrong']:6} {tally.seconds:8.2f}"
            f" {tally.memory / 2**20:9.1f}"
        )
    wrong = [item for tally in tallies.values() for item in tally.wrong]
    for path, outcome in wrong:
        print(f"wrong: {path}: {outcome.verdict}: {outcome.text}")
    print(f"{sum(counts.values())} files in {time.perf_counter() - begin:.0f} s, {len(wrong)} wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
