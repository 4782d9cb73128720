"""Axis-angle vectors and rotation matrices, for numpy arrays and torch tensors (through `roma`)."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from interdance.body.skeleton import PARENTS


def matrices(rotvec: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of axis-angle vectors (..., 3) in radians; same float type."""
    rotvec = np.asarray(rotvec)
    flat = Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_matrix()
    return flat.reshape(*rotvec.shape, 3).astype(_float_type(rotvec))


def vectors(matrix: np.ndarray) -> np.ndarray:
    """Axis-angle vectors (..., 3), at most pi long, of rotation matrices (..., 3, 3); same float type."""
    matrix = np.asarray(matrix)
    flat = Rotation.from_matrix(matrix.reshape(-1, 3, 3)).as_rotvec()
    return flat.reshape(matrix.shape[:-1]).astype(_float_type(matrix))


def _float_type(array: np.ndarray) -> np.dtype:
    return array.dtype if np.issubdtype(array.dtype, np.floating) else np.dtype(np.float64)


def matrices_torch(rotvec: torch.Tensor) -> torch.Tensor:
    """Rotation matrices (..., 3, 3) of axis-angle tensors (..., 3); differentiable, at zero too."""
    import roma  # here: it loads torch's compiler, which takes seconds and few processes need

    return roma.rotvec_to_rotmat(rotvec)


def vectors_torch(matrix: torch.Tensor) -> torch.Tensor:
    """Axis-angle tensors (..., 3) of rotation matrices (..., 3, 3)."""
    import roma  # as above

    return roma.rotmat_to_rotvec(matrix)


def to_global(local_TJ33: np.ndarray) -> np.ndarray:
    """Rotations (T, 55, 3, 3) of the joints in the world from those relative to the parent."""
    result = np.empty_like(local_TJ33)
    for joint, parent in enumerate(PARENTS):
        result[:, joint] = local_TJ33[:, joint] if parent < 0 else result[:, parent] @ local_TJ33[:, joint]
    return result


def to_local(global_TJ33: np.ndarray) -> np.ndarray:
    """Rotations (T, 55, 3, 3) relative to the parent from those in the world."""
    result = np.empty_like(global_TJ33)
    for joint, parent in enumerate(PARENTS):
        inverse = None if parent < 0 else global_TJ33[:, parent].transpose(0, 2, 1)
        result[:, joint] = global_TJ33[:, joint] if inverse is None else inverse @ global_TJ33[:, joint]
    return result
