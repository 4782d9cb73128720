"""Whether a take is good enough, and why not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interdance.config import QualityParams
from interdance.quality.defects import ROOT, Defect


def verdict(defects: Sequence[Defect], num_frames: int, limits: QualityParams) -> str | None:
    """Why a take is to be excluded, or None.

    A kind counts by the share of the take's frames that have it, however many joints or dancers have it at once.
    """
    bad: dict[str, np.ndarray] = {}
    for item in defects:
        root = f"root {item.kind}"
        for name in (item.kind, root) if item.joint == ROOT and root in limits.allowed else (item.kind,):
            mask = bad.setdefault(name, np.zeros(max(num_frames, 1), bool))
            mask[item.first : item.last + 1] = True
    reasons = []
    for name, mask in bad.items():
        allowed = limits.allowed.get(name, 1.0)
        share = min(float(mask.mean()), sum(item.share for item in _of(defects, name)))
        if share > allowed:
            extent = "" if allowed == 0.0 else f" in {share:.1%} of the frames, {allowed:.0%} allowed"
            worst = max(_of(defects, name), key=lambda item: item.worst)
            number = f"{worst.worst:.0f}" if abs(worst.worst) >= 100.0 else f"{worst.worst:.3g}"
            size = f" ({number} {worst.unit})" if worst.unit else ""
            reasons.append(f"{name}{extent}{size}")
    return "; ".join(reasons) or None


def _of(defects: Sequence[Defect], name: str) -> list[Defect]:
    if name.startswith("root "):
        return [item for item in defects if item.joint == ROOT and item.kind == name.removeprefix("root ")]
    return [item for item in defects if item.kind == name]
