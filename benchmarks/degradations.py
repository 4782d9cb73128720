"""Which metric sees what: true followers spoiled in known ways, measured.

    python benchmarks/degradations.py --couples ../shared/data/salsa --music ../shared/data/music --out docs/degradations.md

Writes a table of degradations and metrics, each cell with the paired 95 % interval of its difference to the true
followers. ``tests/test_degradations.py`` holds the signs of :data:`EXPECTED` on a part of the same takes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from interdance import config
from interdance.body.model import Body
from interdance.body.skeleton import MIRROR
from interdance.evaluation.pool import compare
from interdance.evaluation.project import reading_of, settings_of
from interdance.evaluation.reading import Source, TakeFiles
from interdance.evaluation.reference_set import collect_reference
from interdance.evaluation.run import evaluate
from interdance.evaluation.settings import Statistics
from interdance.evaluation.summary import GROUND_TRUTH, Evaluation
from interdance.importers.run import Reading, import_takes
from interdance.metrics.fidelity import PELVIS
from interdance.music.features import BEATS, music_features
from interdance.report.columns import COLUMNS
from interdance.takes import Motion, list_takes, read_take, write_motion

SHIFT = 15  # frames, half a second
BEAT_SHIFT = 9  # frames: half of what lies between two beats of the tracks
NOISE_RADIANS, NOISE_METRES = 0.03, 0.005
UP, PUSH = 0.05, 0.03  # metres

MUSIC = "music off the beat"

#: degradation -> metric -> the way it must go against the true followers. What is not named may go either way: the docs
#: say what moves and what does not see it.
EXPECTED: dict[str, dict[str, str]] = {
    "noise": {"jitter": "up", "FID_k": "up", "joint_error_mm": "up", "BED": "down", "skating_lodge": "up"},
    "time shift": {"BED": "down", "FID_cd": "up", "joint_error_mm": "up", "held_hand_mm": "up", "hand_recall": "down"},
    "mirrored": {"FID_cd": "up", "joint_error_mm": "up", "held_hand_mm": "up", "hand_recall": "down"},
    "frozen": {"FID_k": "up", "FID_cd": "up", "BED": "down", "BAS": "down", "jitter": "down", "distance_error_mm": "up"},
    "floating": {"floating_mm": "up", "joint_error_mm": "up"},
    "pushed": {"PR": "up", "joint_error_mm": "up", "distance_error_mm": "up"},
    "another take": {"FID_cd": "up", "BED": "down", "CF": "down", "hand_recall": "down", "joint_error_mm": "up"},
    MUSIC: {"BAS": "down"},
}
#: What a degradation must leave as it is, to rounding: a metric that moved here would measure something else.
UNTOUCHED: dict[str, tuple[str, ...]] = {
    "floating": ("FID_k", "FID_g", "Div_k", "BED", "BAS", "jitter", "PFC", "distance_error_mm"),
    MUSIC: ("FID_k", "FID_g", "FID_cd", "PR", "CF", "BED", "PFC"),
}


def noise(follower: Motion, rng: np.random.Generator) -> Motion:
    """Every joint and the root tremble by themselves in every frame."""
    rotations = follower.rotations_TJ3 + rng.normal(0, NOISE_RADIANS, follower.rotations_TJ3.shape)
    places = follower.translation_T3 + rng.normal(0, NOISE_METRES, follower.translation_T3.shape)
    return replace(follower, rotations_TJ3=rotations.astype(np.float32), translation_T3=places.astype(np.float32))


def shifted(follower: Motion) -> Motion:
    """Half a second late; she waits in her first pose."""
    frames = np.maximum(np.arange(follower.num_frames) - SHIFT, 0)
    return replace(follower, rotations_TJ3=follower.rotations_TJ3[frames], translation_T3=follower.translation_T3[frames])


def mirrored(follower: Motion) -> Motion:
    """Left and right exchanged, where she stands and facing as she faces."""
    rotations = follower.rotations_TJ3[:, list(MIRROR)] * np.float32([1, -1, -1])
    root = Rotation.from_rotvec(follower.rotations_TJ3[:, 0])
    ahead = root.apply([0.0, 0.0, 1.0])
    facing = Rotation.from_rotvec(np.arctan2(ahead[:, 0], ahead[:, 2])[:, None] * [0.0, 1.0, 0.0])
    lean = (facing.inv() * root).as_rotvec() * [1, -1, -1]
    rotations[:, 0] = (facing * Rotation.from_rotvec(lean)).as_rotvec()
    return replace(follower, rotations_TJ3=rotations)


def frozen(follower: Motion) -> Motion:
    """Her first pose, all the time."""
    frames = np.zeros(follower.num_frames, np.int64)
    return replace(follower, rotations_TJ3=follower.rotations_TJ3[frames], translation_T3=follower.translation_T3[frames])


def moved(follower: Motion, step_T3: np.ndarray) -> Motion:
    """Moved in each frame, metres."""
    return replace(follower, translation_T3=(follower.translation_T3 + step_T3).astype(np.float32))


def towards(follower: Motion, leader: Motion, body: Body, distance: float) -> np.ndarray:
    """Steps (T, 3) over the floor from the follower's pelvis to the leader's, ``distance`` metres long."""
    way = (body.joints(leader) - body.joints(follower))[:, PELVIS] * [1, 0, 1]
    return distance * way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)


def as_long_as(follower: Motion, num_frames: int) -> Motion:
    """Cut, or danced again from the start, to a length."""
    frames = np.arange(num_frames) % follower.num_frames
    return replace(follower, rotations_TJ3=follower.rotations_TJ3[frames], translation_T3=follower.translation_T3[frames])


def degradations(
    leader: Motion, follower: Motion, other: Motion, body: Body, rng: np.random.Generator
) -> dict[str, Callable[[], Motion]]:
    """By name, what makes the spoiled follower of a take; ``other`` is the follower of another one."""
    return {
        "noise": lambda: noise(follower, rng),
        "time shift": lambda: shifted(follower),
        "mirrored": lambda: mirrored(follower),
        "frozen": lambda: frozen(follower),
        "floating": lambda: moved(follower, np.array([[0, UP, 0]])),
        "pushed": lambda: moved(follower, towards(follower, leader, body, PUSH)),
        "another take": lambda: as_long_as(other, follower.num_frames),
    }


def measure(takes: Path, folder: Path, names: Sequence[str], frames: int | None, workers: int) -> dict[str, Evaluation]:
    """Evaluate the spoiled followers of takes (``data/takes`` layout), and the true ones with the music shifted.

    Returns
    -------
    dict
        ``followers``: every degradation as a system; ``music``: the true followers to music off the beat.
    """
    params = config.load(Path(__file__).parent.parent / "params.yaml")
    settings, reading = settings_of(params), reading_of(params)
    body, rng = Body.load(), np.random.default_rng(0)
    duets = [read_take(takes / name) for name in names]
    files: list[TakeFiles] = []
    off: list[TakeFiles] = []
    for index, duet in enumerate(duets):
        true = duet.follower
        other = duets[(index + 1) % len(duets)].follower
        if true is None or other is None or duet.music is None:
            raise ValueError(f"{duet.name}: leader, follower and music are needed")
        part = slice(0, frames)
        leader, true = duet.leader[part], true[part]
        place = folder / duet.name
        write_motion(place / "leader.npz", leader)
        write_motion(place / "true.npz", true)
        sources = []
        for name, make in degradations(leader, true, other, body, rng).items():
            write_motion(place / f"{name}.npz", make())
            sources.append(Source(name, "", place / f"{name}.npz"))
        music = music_features(duet.music, leader.num_frames, params.data.fps, params.music.hop, params.music.tolerance_s)
        np.save(place / "music.npy", music)
        late = music.copy()
        late[:, BEATS] = np.roll(music[:, BEATS], BEAT_SHIFT)
        np.save(place / "late.npy", late)
        files.append(
            TakeFiles(duet.name, "salsa", place / "leader.npz", place / "true.npz", place / "music.npy", tuple(sources))
        )
        again = (Source(MUSIC, "", place / "true.npz"),)
        off.append(replace(files[-1], music=place / "late.npy", followers=again))
    statistics = Statistics(params.evaluate.bootstrap, params.evaluate.seed)
    reference = collect_reference(files, settings, reading, workers)
    return {
        "followers": evaluate(files, reference, settings, reading, statistics, workers),
        "music": evaluate(off, reference, settings, reading, statistics, workers),
    }


def differences(evaluations: Mapping[str, Evaluation]) -> dict[str, dict[str, Any]]:
    """Degradation -> metric -> paired difference to the true followers (value, interval)."""
    base = evaluations["followers"]
    result = {}
    for evaluation in evaluations.values():
        for system, values in evaluation.summary["systems"].items():
            if system == GROUND_TRUTH:
                continue
            true = base.summary["systems"][GROUND_TRUTH]
            both = {name: (value, true[name]) for name, value in values.items() if name in true}
            mine = {name: evaluation.replicates[system, name] for name in both}
            theirs = {name: base.replicates[GROUND_TRUTH, name] for name in both}
            result[system] = compare(mine, theirs, both, {})
    return result


def table(evaluations: Mapping[str, Evaluation]) -> str:
    """Markdown: metrics down, degradations across; bold where the paired interval of the difference excludes 0."""
    found = differences(evaluations)
    values = {name: row for item in evaluations.values() for name, row in item.summary["systems"].items()}
    true = evaluations["followers"].summary["systems"][GROUND_TRUTH]
    lines = ["| metric | true | " + " | ".join(found) + " |", "|---|--:|" + "--:|" * len(found)]
    for key, column in COLUMNS.items():
        if key not in true and not any(key in values[name] for name in found):
            continue
        cells = [column.text(true.get(key))]
        for name, row in found.items():
            text = column.text(values[name].get(key))
            is_seen = key in row and (row[key].low > 0 or row[key].high < 0)
            cells.append(f"**{text}**" if is_seen else text)
        lines.append(f"| {key} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--couples", type=Path, required=True, help="folder of <take>_leader.bvh and <take>_follower.bvh")
    parser.add_argument("--music", type=Path, required=True, help="folder of <take>.ogg")
    parser.add_argument("--takes", nargs="*", help="names of takes; all by default")
    parser.add_argument("--out", type=Path, help="Markdown file; printed when not given")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        params = config.load(Path(__file__).parent.parent / "params.yaml")
        reading = Reading("folder", "", 30.0, "salsa", 0.5, params.quality)
        import_takes(arguments.couples, work / "takes", reading, music=arguments.music, takes=arguments.takes or ())
        takes = list_takes(work / "takes")
        evaluations = measure(work / "takes", work / "spoiled", takes, None, arguments.workers)
    frames, clips = (evaluations["followers"].summary["about"][key] for key in ("frames", "clips"))
    text = (
        f"{len(takes)} takes ({', '.join(takes)}), {frames} frames, {clips} clips. Bold: the paired 95 % interval of the "
        f"difference to the true followers excludes 0.\n\n{table(evaluations)}"
    )
    if arguments.out is None:
        print(text)
    else:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
