"""The body: SMPL-X parameters in, joints, sampled surface or full mesh out.

Any file in the format of SMPL-X will do: the embedded ``default_body.npz`` (free of licence) or a licensed
``SMPLX_NEUTRAL.npz``. Skinning is that of the package `smplx`; nothing outside this room imports it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import smplx
import torch
from smplx.lbs import batch_rigid_transform, batch_rodrigues, lbs

from interdance.body.rotations import matrices, to_global
from interdance.body.sampling import decimate, fill_holes
from interdance.body.skeleton import (
    LEFT_FINGERS,
    LEFT_WRIST,
    NUM_JOINTS,
    PARENTS,
    PARENTS_J,
    RIGHT_FINGERS,
    RIGHT_WRIST,
)
from interdance.errors import InputError
from interdance.files import write_npz
from interdance.takes import NUM_BETAS, Motion

DEFAULT_BODY = Path(__file__).with_name("default_body.npz")
NUM_SURFACE_VERTICES = 655
NUM_POINTS = NUM_JOINTS + NUM_SURFACE_VERTICES

_NEEDED = (
    "v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "hands_componentsl",
    "hands_componentsr", "hands_meanl", "hands_meanr", "lmk_faces_idx", "lmk_bary_coords",
)  # fmt: skip


class Body:
    """A loaded body model. Make one with :meth:`load`; it is never changed afterwards and may be shared.

    Attributes
    ----------
    faces : int64 (F, 3)
        Triangles of the full mesh.
    num_vertices : int
        Vertices of the full mesh.
    surface_V : int64 (655,)
        Which vertices are sampled.
    surface_faces : int64 (1306, 3)
        Triangles between the sampled vertices, numbered within ``surface_V``; a closed surface facing outward.
    anchor_P : int64 (710,)
        Joint that each point is told relative to: 20 or 21, the wrists, for points of the hands; 0 for all others.
    parents_J : int64 (55,)
        Parent of each joint, -1 for the pelvis.
    body_hash : str
        Names the model's geometry: equal files give equal hashes however they are compressed.
    mean_hands : float32 (30, 3)
        Rotations of the finger joints that the model calls its mean hand. Ours are full rotations, without it.
    """

    def __init__(
        self,
        model: smplx.SMPLX,
        body_hash: str,
        surface_V: np.ndarray,
        surface_faces: np.ndarray,
        mean_hands: np.ndarray,
    ) -> None:
        self.model = model
        self.body_hash = body_hash
        self.mean_hands = mean_hands.astype(np.float32)
        self.faces = np.asarray(model.faces).astype(np.int64)
        self.num_vertices = int(model.v_template.shape[0])
        self.surface_V = surface_V.astype(np.int64)
        self.surface_faces = surface_faces.astype(np.int64)
        self.parents_J = PARENTS_J
        self.weights_VJ = model.lbs_weights.numpy()[self.surface_V]
        self.anchor_P = _anchors(self.weights_VJ)
        for array in (self.mean_hands, self.faces, self.surface_V, self.surface_faces, self.weights_VJ, self.anchor_P):
            array.setflags(write=False)
        self._slices: dict[tuple[torch.device, torch.dtype], dict[str, torch.Tensor]] = {}

    @staticmethod
    def load(path: Path | str | None = None) -> Body:
        """Load a model file; None or "" is the embedded body. The same file is loaded once per process.

        Raises
        ------
        InputError
            When the file is missing, is not an ``.npz`` of SMPL-X's arrays, or its surface cannot be sampled.
        """
        file = body_file(path)
        if not file.is_file():
            raise InputError(
                f"{file}: no such file; body.model must name a SMPLX_NEUTRAL.npz, or be empty for the embedded body"
            )
        return _load(file.resolve(), file.stat().st_mtime_ns)

    # ---------------------------------------------------------------------------------------------------------- numpy

    def rest_joints(self, betas: np.ndarray) -> np.ndarray:
        """Joints (55, 3) of the T-pose in metres for a shape (10,); float32."""
        parts = self._slice(torch.device("cpu"), torch.float32)
        shape = torch.from_numpy(np.array(betas, np.float32))
        return (parts["template"][:NUM_JOINTS] + parts["shapes"][:NUM_JOINTS] @ shape).numpy()

    def global_rotations(self, rotations_TJ3: np.ndarray) -> np.ndarray:
        """World rotations (T, 55, 3, 3) of the joints from axis-angle relative to the parents, (T, 55, 3)."""
        return to_global(matrices(rotations_TJ3))

    @torch.no_grad()
    def points(self, motion: Motion, batch: int = 256, device: torch.device | str = "cpu") -> np.ndarray:
        """Joints, then sampled vertices, of every frame: float32 (T, 710, 3) in metres. ``batch`` frames at a time."""
        chunks = [self.points_torch(*inputs).cpu().numpy() for inputs in _batches(motion, batch, device)]
        return np.concatenate(chunks) if chunks else np.zeros((0, NUM_POINTS, 3), np.float32)

    @torch.no_grad()
    def joints(self, motion: Motion, batch: int = 4096, device: torch.device | str = "cpu") -> np.ndarray:
        """Joints of every frame: float32 (T, 55, 3) in metres."""
        chunks = [self.joints_torch(*inputs).cpu().numpy() for inputs in _batches(motion, batch, device)]
        return np.concatenate(chunks) if chunks else np.zeros((0, NUM_JOINTS, 3), np.float32)

    @torch.no_grad()
    def vertices(
        self, motion: Motion, frames: slice | np.ndarray | list[int] | None = None, batch: int = 32
    ) -> np.ndarray:
        """The full mesh at the chosen frames (all by default): float32 (T, num_vertices, 3) in metres."""
        chosen = np.arange(motion.num_frames)[slice(None) if frames is None else frames]
        picked = Motion(motion.rotations_TJ3[chosen], motion.translation_T3[chosen], motion.betas, motion.fps)
        chunks = [self.forward(*inputs).vertices.numpy() for inputs in _batches(picked, batch, "cpu")]
        return np.concatenate(chunks) if chunks else np.zeros((0, self.num_vertices, 3), np.float32)

    # ---------------------------------------------------------------------------------------------------------- torch

    def points_torch(
        self, rotations_BJ3: torch.Tensor, translation_B3: torch.Tensor, betas_B10: torch.Tensor
    ) -> torch.Tensor:
        """Joints, then sampled vertices, (B, 710, 3); differentiable in all three, float32 or float64, any device.

        The model is cut down to the points: the joints ride along as vertices of one bone each, whose places in the
        T-pose depend on the shape as the regressor says, and `smplx.lbs` skins the 710 as it would the whole mesh.

        Parameters
        ----------
        rotations_BJ3 : (B, 55, 3) or (B, 55, 3, 3)
            Relative to the parent: axis-angle in radians, or matrices.
        translation_B3 : (B, 3)
            Metres.
        betas_B10 : (B, 10), (1, 10) or (10,)
            Shape coefficients.
        """
        parts = self._slice(rotations_BJ3.device, rotations_BJ3.dtype)
        count = len(rotations_BJ3)
        points, _ = lbs(
            betas_B10.reshape(-1, NUM_BETAS).expand(count, NUM_BETAS),
            rotations_BJ3.reshape(count, NUM_JOINTS * 3) if rotations_BJ3.ndim == 3 else rotations_BJ3,
            parts["template"],
            parts["shapes"],
            parts["pose_shapes"],
            parts["regressor"],
            parts["parents"],
            parts["weights"],
            pose2rot=rotations_BJ3.ndim == 3,
        )
        return points + translation_B3[:, None]

    def joints_torch(
        self, rotations_BJ3: torch.Tensor, translation_B3: torch.Tensor, betas_B10: torch.Tensor
    ) -> torch.Tensor:
        """Joints (B, 55, 3); as :meth:`points_torch`, without the surface."""
        parts = self._slice(rotations_BJ3.device, rotations_BJ3.dtype)
        count = len(rotations_BJ3)
        rest = self.rest_joints_torch(betas_B10).expand(count, NUM_JOINTS, 3)
        rotations = batch_rodrigues(rotations_BJ3.reshape(-1, 3)).view(count, NUM_JOINTS, 3, 3)
        joints, _ = batch_rigid_transform(rotations, rest, parts["parents"], dtype=rotations_BJ3.dtype)
        return joints + translation_B3[:, None]

    def rest_joints_torch(self, betas_B10: torch.Tensor) -> torch.Tensor:
        """Joints (B, 55, 3) of the T-pose for shapes (B, 10) or (10,); differentiable."""
        parts = self._slice(betas_B10.device, betas_B10.dtype)
        betas = betas_B10.reshape(-1, NUM_BETAS)
        return parts["template"][:NUM_JOINTS] + torch.einsum("bk,jck->bjc", betas, parts["shapes"][:NUM_JOINTS])

    def forward(
        self, rotations_BJ3: torch.Tensor, translation_B3: torch.Tensor, betas_B10: torch.Tensor
    ) -> smplx.utils.SMPLXOutput:
        """The whole model through ``smplx.SMPLX.forward`` (float32, CPU), which the fast path must equal."""
        count = len(rotations_BJ3)
        pose = rotations_BJ3.reshape(count, NUM_JOINTS * 3)
        return self.model(
            betas=betas_B10.reshape(-1, NUM_BETAS).expand(count, NUM_BETAS),
            global_orient=pose[:, :3],
            body_pose=pose[:, 3:66],
            jaw_pose=pose[:, 66:69],
            leye_pose=pose[:, 69:72],
            reye_pose=pose[:, 72:75],
            left_hand_pose=pose[:, 75:120],
            right_hand_pose=pose[:, 120:165],
            transl=translation_B3,
            expression=pose.new_zeros(count, self.model.num_expression_coeffs),
            return_shaped=False,
            return_full_pose=True,
        )

    def _slice(self, device: torch.device, dtype: torch.dtype) -> dict[str, torch.Tensor]:
        """The model cut down to 55 joints and 655 vertices, on a device and in a precision; kept."""
        if (device, dtype) not in self._slices:
            model, chosen = self.model, torch.from_numpy(self.surface_V.copy())
            regressor = model.J_regressor.double()
            template = torch.cat([regressor @ model.v_template.double(), model.v_template[chosen].double()])
            shapes = model.shapedirs.double()
            shapes = torch.cat([torch.einsum("jv,vck->jck", regressor, shapes), shapes[chosen]])
            pose_shapes = model.posedirs.view(len(model.posedirs), -1, 3)[:, chosen].double()
            if pose_shapes.any():
                pose_shapes = torch.cat([pose_shapes.new_zeros(len(pose_shapes), NUM_JOINTS, 3), pose_shapes], dim=1)
            else:  # one offset for all points instead of 710 that are all zero
                pose_shapes = pose_shapes[:, :1]
            parts = {
                "template": template,
                "shapes": shapes,
                "pose_shapes": pose_shapes.flatten(1),
                "regressor": torch.eye(NUM_JOINTS, NUM_POINTS, dtype=torch.float64),
                "weights": torch.cat([torch.eye(NUM_JOINTS, dtype=torch.float64), model.lbs_weights[chosen].double()]),
            }
            moved = {name: part.to(device=device, dtype=dtype).contiguous() for name, part in parts.items()}
            self._slices[device, dtype] = moved | {"parents": model.parents.to(device)}
        return self._slices[device, dtype]


def body_file(path: Path | str | None) -> Path:
    """The file of a body model: that of a folder of models, or the embedded one for None and ""."""
    file = Path(path) if path else DEFAULT_BODY
    return file / "SMPLX_NEUTRAL.npz" if file.is_dir() else file


def _batches(
    motion: Motion, batch: int, device: torch.device | str
) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    rotations = torch.from_numpy(np.array(motion.rotations_TJ3, np.float32)).to(device)
    translation = torch.from_numpy(np.array(motion.translation_T3, np.float32)).to(device)
    betas = torch.from_numpy(np.array(motion.betas, np.float32)).to(device)
    return [
        (rotations[start : start + batch], translation[start : start + batch], betas)
        for start in range(0, motion.num_frames, batch)
    ]


def _anchors(weights_VJ: np.ndarray) -> np.ndarray:
    """Joint that each of the 710 points is told relative to."""
    owner = np.concatenate([np.arange(NUM_JOINTS), weights_VJ.argmax(axis=1)])
    anchors = np.zeros(len(owner), np.int64)
    vertex = np.arange(len(owner)) >= NUM_JOINTS
    for wrist, fingers in ((LEFT_WRIST, LEFT_FINGERS), (RIGHT_WRIST, RIGHT_FINGERS)):
        anchors[np.isin(owner, fingers) | (vertex & (owner == wrist))] = wrist
    return anchors


# ---------------------------------------------------------------------------------------------------------------- load


@functools.lru_cache(maxsize=4)
def _load(path: Path, modified: int) -> Body:
    del modified  # part of the key: a file written anew is loaded anew
    arrays, extra_is_plain = _read_arrays(path)
    body_hash = _hash(arrays)
    if extra_is_plain:
        model = _smplx_model(path)
    else:  # the licensed file also holds tables of Python objects, which are neither needed nor unpickled
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "SMPLX_NEUTRAL.npz"
            write_npz(plain, **arrays)
            model = _smplx_model(plain)
    if "surface_vertices" in arrays and "surface_faces" in arrays:
        surface, surface_faces = arrays["surface_vertices"], arrays["surface_faces"]
    else:
        surface, surface_faces = _sampled_surface(path, body_hash, arrays)
    hands = np.concatenate([arrays["hands_meanl"], arrays["hands_meanr"]]).reshape(30, 3)
    return Body(model, body_hash, surface, surface_faces, hands)


def _smplx_model(path: Path) -> smplx.SMPLX:
    model = smplx.SMPLX(
        str(path),
        ext="npz",
        num_betas=NUM_BETAS,
        use_pca=False,
        flat_hand_mean=True,
        create_betas=False,
        create_global_orient=False,
        create_body_pose=False,
        create_transl=False,
        create_expression=False,
        create_jaw_pose=False,
        create_leye_pose=False,
        create_reye_pose=False,
        create_left_hand_pose=False,
        create_right_hand_pose=False,
    )
    return model.requires_grad_(False)


def _read_arrays(path: Path) -> tuple[dict[str, np.ndarray], bool]:
    """The arrays that `smplx` needs, never unpickling, and whether the file holds no Python objects besides."""
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{path}: not an .npz archive; download the SMPL-X model as SMPLX_NEUTRAL.npz (a .pkl will not do)"
        )
    arrays: dict[str, np.ndarray] = {}
    plain = True
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in _NEEDED if name not in archive.files]
            if missing:
                raise InputError(
                    f"{path}: no array named '{missing[0]}'; a SMPL-X model file (SMPLX_NEUTRAL.npz) is needed"
                )
            for name in archive.files:
                try:
                    arrays[name] = archive[name]
                except ValueError as error:
                    plain = False
                    if name in _NEEDED:
                        raise InputError(
                            f"{path}: '{name}' is a pickled object; use the .npz free of chumpy"
                        ) from error
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: damaged archive ({error}); download the model again") from None
    count = len(arrays["v_template"])
    shapes = {
        "v_template": (count, 3), "f": (len(arrays["f"]), 3), "J_regressor": (NUM_JOINTS, count),
        "weights": (count, NUM_JOINTS), "shapedirs": (count, 3), "posedirs": (count, 3, 9 * (NUM_JOINTS - 1)),
    }  # fmt: skip
    for name, shape in shapes.items():
        found = arrays[name].shape
        if found[: len(shape)] != shape:
            raise InputError(
                f"{path}: '{name}' has shape {found}, not {shape}; a SMPL-X model of {NUM_JOINTS} joints is needed"
            )
    if arrays["shapedirs"].ndim != 3 or arrays["shapedirs"].shape[2] < NUM_BETAS:
        raise InputError(f"{path}: 'shapedirs' has shape {arrays['shapedirs'].shape}; {NUM_BETAS} shapes are needed")
    parents = arrays["kintree_table"][0].astype(np.int64)
    if tuple(parents[1:]) != PARENTS[1:]:
        raise InputError(f"{path}: 'kintree_table' is not the skeleton of SMPL-X")
    return arrays, plain


def _hash(arrays: dict[str, np.ndarray]) -> str:
    """Hash of what shapes the body: template, faces, the first shape components, regressor and weights."""
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(arrays["f"], np.int64).tobytes())
    for name in ("v_template", "J_regressor", "weights"):
        digest.update(np.ascontiguousarray(arrays[name], np.float32).tobytes())
    digest.update(np.ascontiguousarray(arrays["shapedirs"][:, :, :NUM_BETAS], np.float32).tobytes())
    return digest.hexdigest()[:16]


def _sampled_surface(path: Path, body_hash: str, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sampled vertices and faces of a model that does not bring them: computed once, then kept in the user's cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = base / "interdance" / f"surface-{body_hash}-{NUM_SURFACE_VERTICES}.npz"
    try:
        with np.load(kept, allow_pickle=False) as archive:
            return archive["surface_vertices"], archive["surface_faces"]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        pass  # not there yet, or not whole: compute it
    try:
        skin = fill_holes(arrays["v_template"], _outer_skin(arrays["f"]))
        vertices, faces = decimate(arrays["v_template"], skin, NUM_SURFACE_VERTICES)
    except ValueError as error:
        raise InputError(f"{path}: its surface cannot be sampled ({error})") from error
    with contextlib.suppress(OSError):  # a home that cannot be written to costs seconds at each start, no more
        write_npz(kept, surface_vertices=vertices, surface_faces=faces)
    return vertices, faces


def _outer_skin(faces: np.ndarray) -> np.ndarray:
    """The largest connected piece of a mesh: the licensed body has loose eyeballs in its head."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    faces = faces.astype(np.int64)
    a, b = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    size = int(faces.max()) + 1
    _, piece = connected_components(coo_matrix((np.ones(len(a)), (a, b)), shape=(size, size)), directed=False)
    largest = np.bincount(piece[faces[:, 0]]).argmax()
    return faces[piece[faces[:, 0]] == largest]
