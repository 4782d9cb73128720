"""One training on many workers by Ray Train: the same work in every process, as one team.

What Ray is asked for is processes that find each other, and new ones when one dies. What a training needs to go on lies in
its own checkpoint (:mod:`interdance.training.state`), on storage that all workers see, so there is no second kind of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from interdance.errors import InputError
from interdance.processes.session import connected, ray, require, speak
from interdance.training.team import Team

log = logging.getLogger(__name__)

Work = Callable[[Team], None]
RESTARTS = 3


@ray.remote(num_cpus=0)
class Refusal:
    """The sentence with which a worker refused its input: Ray itself hands on but the text of a traceback."""

    def __init__(self) -> None:
        self.sentence = ""

    def put(self, sentence: str) -> None:
        self.sentence = sentence

    def get(self) -> str:
        return self.sentence


def on_workers(work: Work, name: str, num_workers: int, folder: Path, storage: Path) -> None:
    """Run ``work(team)`` in ``num_workers`` processes that train together; when one dies, all start anew.

    Where there are GPUs each has one, and they speak NCCL; otherwise a CPU each, and gloo.

    Parameters
    ----------
    work
        Goes on from its own checkpoint when it is called again. It travels to other machines: what it holds must too.
    name
        Of the training: Ray keeps its own files under it.
    folder
        Working folder of the processes: where relative paths begin.
    storage
        Folder for Ray's files. Both are seen by every machine, at the same place.

    Raises
    ------
    InputError
        With the sentence of the worker that refused its input or whose loss is no number, or for want of GPUs or CPUs.
    """
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    with connected():
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)  # may not die with a worker
        refusal = Refusal.options(scheduling_strategy=here).remote()  # type: ignore[attr-defined]
        use_gpu = ray.cluster_resources().get("GPU", 0) > 0
        require(num_workers, *((0, 1) if use_gpu else (1, 0)), f"{num_workers} workers")

        def loop() -> None:
            os.chdir(folder)
            speak()
            if ray.get(refusal.get.remote()):  # started anew, as if it were a fault; it would be refused again
                raise RuntimeError("refused")
            context = ray.train.get_context()
            team = Team(context.get_world_rank(), context.get_world_size())
            try:
                work(team)
            except (InputError, FloatingPointError) as error:  # it would come to the same again
                ray.get(refusal.put.remote(str(error)))
                raise

        trainer = TorchTrainer(
            loop,
            torch_config=TorchConfig(backend="nccl" if use_gpu else "gloo"),
            scaling_config=ScalingConfig(num_workers=num_workers, use_gpu=use_gpu),
            run_config=RunConfig(
                name=name, storage_path=str(storage.resolve()), failure_config=FailureConfig(max_failures=RESTARTS)
            ),
        )
        try:
            trainer.fit()
        except Exception:
            sentence = ray.get(refusal.get.remote())
            if sentence:
                raise InputError(sentence) from None
            raise
