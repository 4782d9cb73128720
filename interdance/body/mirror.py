"""A dancer seen in a mirror: left is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interdance.body.model import Body
from interdance.body.skeleton import MIRROR
from interdance.takes import Motion

ACROSS = np.array([-1.0, 1.0, 1.0], np.float32)  # of places; the mirror is the plane x = 0
AXES = np.array([1.0, -1.0, -1.0], np.float32)  # of rotation vectors


def mirror_motion(motion: Motion, body: Body) -> Motion:
    """The motion in the mirror x = 0, as pose parameters, so that joints, fingers and surface follow from skinning.

    Joints change sides and rotations their sense; the pelvis stands exactly where its image is. The shape stays: a body
    is as symmetrical as its model.
    """
    rest = body.rest_joints(motion.betas)[0]
    return replace(
        motion,
        rotations_TJ3=motion.rotations_TJ3[:, list(MIRROR)] * AXES,
        translation_T3=((motion.translation_T3 + rest) * ACROSS - rest).astype(np.float32),
    )
