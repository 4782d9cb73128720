"""A trained model as MLflow serves it: a leader and the song's features in, the follower out, all SMPL-X parameters.

MLflow runs this file to make the served model (models from code), and imports no pickle with it. The package must be
installed where it is served: ``mlflow models serve -m models:/interdance@champion --env-manager local``.
"""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.pyfunc import PythonModel, PythonModelContext
from mlflow.types import DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from interdance import config
from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.body.skeleton import NUM_JOINTS
from interdance.errors import InputError
from interdance.generation.generate import generate_follower, without_guidance
from interdance.music.features import NUM_FEATURES
from interdance.representation.contact import observe
from interdance.takes import NUM_BETAS, Motion
from interdance.trained import load_model

DENOISER, PARAMS = "denoiser", "params"  # as interdance.tracking names what it logs

_MOTION = (
    TensorSpec(np.dtype("float32"), (-1, NUM_JOINTS, 3), "rotations"),
    TensorSpec(np.dtype("float32"), (-1, 3), "translation"),
    TensorSpec(np.dtype("float32"), (1, NUM_BETAS), "betas"),
)
SIGNATURE = ModelSignature(
    inputs=Schema([*_MOTION, TensorSpec(np.dtype("float32"), (-1, NUM_FEATURES), "music")]),
    outputs=Schema(list(_MOTION)),
    params=ParamSchema([ParamSpec("seed", DataType.long, 0)]),
)


class Follower(PythonModel):
    """The follower of a leader: axis-angles (T, 55, 3), translation (T, 3) metres, betas (1, 10), 30 frames per second."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the weights, and the numbers of sampling and guidance that were the project's when the model was made."""
        self.params = config.load(Path(context.artifacts[PARAMS]))
        self.body = Body.load(self.params.body.model)
        self.model = load_model(Path(context.artifacts[DENOISER]), self.body)

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # MLflow reads types as a schema
        """Generate; ``seed`` among ``params``. MLflow has refused other shapes than those of :data:`SIGNATURE`."""
        given = {name: np.asarray(value, np.float32) for name, value in model_input.items()}
        lengths = {name: len(given[name]) for name in ("rotations", "translation", "music")}
        if len(set(lengths.values())) > 1:
            raise InputError(f"as many frames of each are needed, there are {lengths}")
        fps, guidance = self.model.params.data.fps, self.params.guidance
        leader = Motion(given["rotations"], given["translation"], given["betas"][0], fps)
        kind = self.model.representation
        made = generate_follower(
            self.model,
            self.body,
            kind.encode(observe(leader, self.body.points(leader), self.model.params.encode)),
            given["music"],
            sampling=self.params.sample,
            guidance=guidance if kind.can_be_guided else without_guidance(guidance),
            seed=int((params or {}).get("seed", 0)),
        )
        follower, _ = fit_motion(made.points_TP3, self.body, fps=fps)
        return {
            "rotations": follower.rotations_TJ3,
            "translation": follower.translation_T3,
            "betas": follower.betas[None],
        }


mlflow.models.set_model(Follower())
