"""The signed distance that the paper guides by: COAP (Mihajlovic et al. 2022), a network that knows inside from outside.

Optional. Its package (https://github.com/markomih/COAP), pytorch3d and its weights are not ours to ship, and its weights
are of the licensed SMPL-X model. The exact engine, :mod:`interdance.body.distance`, needs none of them.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.takes import Motion

CHUNK = 8  # frames encoded and asked together: each point is asked of all 15 parts
LEAST_DOUBT = 1e-6  # an occupancy is kept this far from 0 and 1, where its logit has no end


class CoapDepth:
    """Logit of COAP's occupancy at points, frame by frame: positive inside, though in no unit of length.

    The leader is encoded once; every denoising step then asks the network alone. COAP draws the points that it encodes a
    body by, here from a fixed seed.

    Parameters
    ----------
    body : Body
        The licensed model that the weights were trained on.
    motion : Motion
        The leader.
    weights : Path
        COAP's checkpoint, such as ``coap_smplx_neutral.ckpt``. It is read without running anything in it.
    device : str

    Raises
    ------
    InputError
        When the package or the weights are missing, or the weights are of another body.
    """

    def __init__(self, body: Body, motion: Motion, weights: Path, device: str = "cpu") -> None:
        self.device = device
        self.model = _load(body, weights).to(device)
        self.num_frames = motion.num_frames
        self._codes = [self._encode(body, motion[start : start + CHUNK]) for start in range(0, motion.num_frames, CHUNK)]

    def __call__(self, points_TQ3: torch.Tensor) -> torch.Tensor:
        """Logits (T, Q) of points (T, Q, 3) in metres, differentiable; the least there is where no part is near."""
        parts = zip(self._codes, points_TQ3.split(CHUNK), strict=True)
        # What the network holds for a slope, about a gigabyte a chunk, is made again when the slope is asked for.
        return torch.cat([checkpoint(self._ask, code, part, use_reentrant=False) for code, part in parts])

    @torch.no_grad()
    def _encode(self, body: Body, motion: Motion) -> dict[str, torch.Tensor]:
        rotations, translation = torch.from_numpy(motion.rotations_TJ3), torch.from_numpy(motion.translation_T3)
        posed = body.forward(rotations, translation, torch.from_numpy(motion.betas))
        for name in ("vertices", "joints", "full_pose"):
            setattr(posed, name, getattr(posed, name).to(self.device))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model.encode_body(posed)
        return dict(self.model.impl_code)

    def _ask(self, code: dict[str, torch.Tensor], points: torch.Tensor) -> torch.Tensor:
        self.model.impl_code = code
        occupancy = self.model.query(points.to(self.device)).to(points.device)
        return torch.logit(occupancy, eps=LEAST_DOUBT)


def _load(body: Body, weights: Path) -> Any:
    try:
        from coap.coap import COAPBodyModel  # type: ignore[import-not-found]
    except ImportError as error:
        raise InputError(
            f"guidance.engine: coap: {error.name or error} is not installed; install https://github.com/markomih/COAP and "
            "pytorch3d, or set guidance.engine: exact"
        ) from None
    if not weights.is_file():
        raise InputError(
            f"guidance.coap_weights: {weights}: no such file; download coap_smplx_neutral.ckpt from the authors, or set "
            "guidance.engine: exact"
        )
    model = COAPBodyModel(body.model)
    try:
        model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True)["state_dict"])
    except (pickle.UnpicklingError, RuntimeError, KeyError, IndexError, TypeError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"guidance.coap_weights: {weights}: no checkpoint of COAP for the model of body.model ({reason})"
        ) from None
    return model.eval().requires_grad_(False)
