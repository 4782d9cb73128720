"""Whether the model can learn one dance by heart: trained on ten seconds of one couple, it must give her back.

    python -m benchmarks.overfit
    python -m benchmarks.overfit --take couples/waltz_000
    python -m benchmarks.overfit --take ../somewhere/one_take --seconds 8

The leader of the one training take goes through the stages as they are: encoding, statistics, training, and generation from
noise over the whole take, in overlapping windows, without guidance. Printed are the training error of single windows at six
depths of noise along the training, and for three seeds the distance between generated and true follower, the mean over all
710 points and frames, beside that of a model before training. Exit code 1 when a seed misses ``--bar``.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from interdance import config
from interdance.body.model import Body
from interdance.config import Params, Paths
from interdance.errors import InputError
from interdance.files import read_json, write_json
from interdance.stages import encode, generate, music, statistics, takes, train
from interdance.takes import Duet, read_take, write_take

REPOSITORY = Path(__file__).resolve().parent.parent
SET = "couples"
SEEDS = (5, 6, 7)

#: Over ``params.yaml``: the small profile's network. Eight windows a step instead of sixteen, for there are only 25, and
#: fewer steps; guidance off, so that what is measured is the model.
OVERLAY: dict[str, Any] = {
    "choreography": {"takes_per_genre": 1, "workers": 1},
    "encode": {"workers": 1},
    "train": {"batch": 8, "steps": 400, "report_every": 50, "validate_every": 50, "checkpoint_every": 100, "num_workers": 0},
    "sample": {"seeds": list(SEEDS)},
    "guidance": {"contact_scale": 0.0, "penetration_scale": 0.0},
}


def settings(arguments: argparse.Namespace) -> Params:
    """The parameters of the check: ``params.yaml``, :data:`OVERLAY`, then ``--set``."""
    values = config.merge(config.read_yaml(REPOSITORY / "params.yaml"), OVERLAY)
    values = config.merge(values, {"choreography": {"genres": [arguments.genre], "take_seconds": arguments.seconds}})
    for path in arguments.overlay:
        values = config.merge(values, config.read_yaml(path))
    return config.from_dict(values, "benchmarks/overfit.py")


def place_take(params: Params, paths: Paths, folder: Path | None, seconds: float) -> Duet:
    """The one take below ``paths.takes``: choreographed, or the first ``seconds`` of the one in ``folder``."""
    if folder is None:
        takes.run(params, paths, SET)
        (made,) = (paths.takes / SET).glob("*/take.json")
        return read_take(made.parent)
    whole = read_take(folder)
    if whole.follower is None or whole.music is None:
        raise InputError(f"{folder}: a couple with a song is needed")
    frames = slice(0, round(seconds * whole.leader.fps))
    place = paths.takes / SET / whole.name
    place.mkdir(parents=True)
    song = Path(shutil.copy(whole.music, place))
    write_take(place.parent, Duet(whole.name, whole.genre, whole.leader[frames], whole.follower[frames], song, whole.facts))
    return read_take(place)


def learn(params: Params, paths: Paths, take: str) -> None:
    """Every stage from the take to generated followers; the take trains, validates and is danced to."""
    music.run(params, paths, SET)
    encode.run(params, paths, SET)
    write_json(paths.split, {"takes": dict.fromkeys(("train", "validation", "test"), [f"{SET}/{take}"])})
    statistics.run(params, paths)
    train.run(params, paths)
    generate.run(params, paths)


def errors(paths: Paths, system: str, take: str, true_TP3: np.ndarray) -> list[float]:
    """Mean distance (metres) to the true follower's points (T, 710, 3), for each of :data:`SEEDS`."""
    made = (np.load(paths.generated / system / f"seed_{seed}" / SET / take / "points.npy") for seed in SEEDS)
    return [float(np.linalg.norm(points_TP3 - true_TP3, axis=-1).mean()) for points_TP3 in made]


def print_curve(curves: dict[str, list[tuple[int, float]]]) -> None:
    """Error of single training windows (cm) by training step and diffusion step."""
    names = sorted((name for name in curves if name.startswith("validation/error_m_n")), key=lambda name: int(name[20:]))
    print("error of the training windows, cm, by diffusion step (the last is nothing but noise):")
    print(f"{'step':>6}" + "".join(f"{'n=' + name[20:]:>8}" for name in names) + f"{'loss':>10}")
    losses = {step: value for step, value in curves["loss/total"]}
    for row in zip(*(curves[name] for name in names), strict=True):
        step = row[0][0]
        print(f"{step:6}" + "".join(f"{100 * value:8.2f}" for _, value in row) + f"{losses[step]:10.4f}")


def main() -> None:
    """Run the check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--take", help="folder of a take, or <set>/<take> of the project; one is choreographed by default")
    parser.add_argument("--genre", default="waltz", help="of the choreographed take")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--bar", type=float, default=0.02, help="largest mean point error, metres")
    parser.add_argument("--overlay", type=Path, action="append", default=[], help="YAML laid over the settings")
    parser.add_argument("--out", type=Path, help="keep everything here instead of in a temporary folder")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    params = settings(arguments)
    folder = None
    if arguments.take:
        known = (Path(arguments.take), Paths(REPOSITORY).takes / arguments.take)
        folder = next((place for place in known if (place / "take.json").is_file()), known[0])
    root = arguments.out or Path(tempfile.mkdtemp(prefix="overfit-"))
    paths = Paths(root.resolve())
    os.environ["INTERDANCE_STATE"] = str(paths.root / ".state")  # records of the check are not those of the project
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    try:
        started, busy = time.perf_counter(), time.process_time()
        duet = place_take(params, paths, folder, arguments.seconds)
        learn(params, paths, duet.name)
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
        assert duet.follower is not None
        true_TP3 = Body.load(params.body.model).points(duet.follower)
        trained, untrained = (errors(paths, system, duet.name, true_TP3) for system in ("unguided", "untrained"))
        print_curve(read_json(paths.model / "curves.json"))
    except InputError as error:
        parser.error(str(error))
    finally:
        if arguments.out is None:
            shutil.rmtree(root)
    print(f"{duet.name}: {duet.leader.num_frames} frames, {seconds:.0f} s, {busy:.0f} s of processor")
    for section in ("statistics", "model", "train", "sample"):
        print(f"{section}: " + ", ".join(f"{key} {value}" for key, value in params.to_dict()[section].items()))
    for seed, error, before in zip(SEEDS, trained, untrained, strict=True):
        print(f"seed {seed}: {100 * error:.2f} cm from the true follower (before training {100 * before:.1f} cm)")
    is_met = max(trained) < arguments.bar
    print(f"the bar of {100 * arguments.bar:g} cm is {'met' if is_met else 'missed'}")
    sys.exit(0 if is_met else 1)


if __name__ == "__main__":
    main()
