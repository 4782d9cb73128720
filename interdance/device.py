"""Where a stage computes: a matter of the machine, not of the parameters."""

from __future__ import annotations

import os

import torch


def best_device() -> str:
    """``INTERDANCE_DEVICE`` where it is set, else ``cuda`` where there is a GPU, else ``cpu``."""
    return os.environ.get("INTERDANCE_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
