"""What a training changes as it goes, and its checkpoint."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from interdance.files import atomic_path
from interdance.model.denoiser import Denoiser

logger = logging.getLogger(__name__)


@dataclass
class TrainingState:
    """What a training changes as it goes: all that a checkpoint holds."""

    denoiser: Denoiser
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    step: int = 0
    best_error: float = math.inf
    best: dict[str, Tensor] = field(default_factory=dict)
    sums: dict[str, Tensor] = field(default_factory=dict)
    """Of each metric since the last report, over ``counted`` steps."""
    counted: int = 0

    def consider(self, error: float) -> None:
        """Keep the moving average when it is the best so far; the first always is."""
        if not self.best or error < self.best_error:
            self.best_error = error
            self.best = {name: value.detach().clone() for name, value in self.average.module.state_dict().items()}

    def save(self, path: Path, fingerprint: str) -> None:
        """Write the state, whole or not at all."""
        tensors = {f"model.{name}": value for name, value in self.denoiser.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        tensors |= {f"sums.{name}": value for name, value in self.sums.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
        with atomic_path(path) as temporary:
            metadata = {
                "fingerprint": fingerprint,
                "step": str(self.step),
                "best_error": repr(self.best_error),
                "counted": str(self.counted),
            }
            # Not save_file: it writes to a temporary file of its own, under a name that nobody could tidy up after a kill.
            temporary.write_bytes(save({name: value.contiguous() for name, value in tensors.items()}, metadata=metadata))

    def resume(self, path: Path, fingerprint: str) -> None:
        """Take over the state of an earlier part of the same run, if there is one."""
        if not path.exists():
            return
        try:
            with safe_open(path, framework="pt") as stored:
                metadata = stored.metadata() or {}
                if metadata.get("fingerprint") != fingerprint:
                    logger.info("%s belongs to another run and is not continued", path.name)
                    return
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a mapping)
        except (SafetensorError, OSError) as error:
            logger.warning("%s cannot be read (%s): training starts from the beginning", path.name, error)
            return

        def part(prefix: str) -> dict[str, Tensor]:
            return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

        self.denoiser.load_state_dict(part("model."))
        self.average.load_state_dict(part("average."))
        device = next(self.denoiser.parameters()).device
        self.best = {name: value.to(device) for name, value in part("best.").items()}
        self.sums = {name: value.to(device) for name, value in part("sums.").items()}
        state = self.optimizer.state_dict()
        for name, value in part("optimizer.").items():
            index, _, key = name.partition(".")
            state["state"].setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict(state)
        self.step, self.best_error = int(metadata["step"]), float(metadata["best_error"])
        self.counted = int(metadata["counted"])
        logger.info("continuing after step %d", self.step)
