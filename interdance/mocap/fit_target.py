"""The K points of a body that were observed, joints or markers, as a function of shape and of offsets from the skin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interdance.body.skeleton import JOINT_NAMES, NUM_JOINTS, PARENTS
from interdance.body.skin import Skin

if TYPE_CHECKING:
    from interdance.body.model import Body
    from interdance.mocap.markers import MarkerPoints

EXTRA_NAMES = (
    "nose", "right_eye_ball", "left_eye_ball", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel",
    "right_big_toe", "right_small_toe", "right_heel",
    *(f"{side}_{finger}_tip" for side in ("left", "right") for finger in ("thumb", "index", "middle", "ring", "pinky")),
)  # fmt: skip
"""Points 55 to 75 of SMPL-X's joint output: vertices of the face, the feet and the fingertips."""
ALONG_SKIN, OFF_SKIN = 0.02, 0.006  # metres: deviation of a marker from its nominal place
TRUNK_STD, LIMB_STD, FINGER_STD = 0.02, 0.006, 0.002  # metres: how much makers of skeletons differ about a joint's place
_LIMB_ENDS = ("knee", "ankle", "foot", "elbow", "wrist")
_JOINT_STD = {name: LIMB_STD if name.endswith(_LIMB_ENDS) else TRUNK_STD for name in (*JOINT_NAMES[:22], *EXTRA_NAMES[:11])}


class Target:
    """Observed points on a body.

    Attributes
    ----------
    names : tuple of str
        Of the K points.
    skin : Skin
        The joints, then the points on the surface.
    rows_K : int64 (K,)
        Which of the skin's points are observed.
    hang_KJ : float64 (K, 55)
        What each point tells about: a joint about its parent, a point on the surface about the joints it hangs on.
    normals_K3, offset_m_K : float64
        Outward normals of the mean shape at rest and nominal distances from the skin; zero for joints.
    offset_std_K3 : float64
        Deviations of the true place from the nominal one in the local frame, metres.
    """

    def __init__(self, body: Body, names: tuple[str, ...], skin: Skin, rows_K: np.ndarray) -> None:
        self.body, self.names, self.skin, self.rows_K = body, names, skin, rows_K
        hang = skin.weights_KJ.copy()
        hang[:NUM_JOINTS] = np.eye(NUM_JOINTS)[[max(parent, 0) for parent in PARENTS]]
        self.hang_KJ = hang[rows_K]
        self.normals_K3, self.offset_m_K = np.zeros((len(rows_K), 3)), np.zeros(len(rows_K))
        self.is_joint_K = np.full(len(rows_K), True)
        self.offset_std_K3 = np.array([_JOINT_STD.get(name, FINGER_STD) for name in names])[:, None] * np.ones(3)

    @staticmethod
    def of_joints(body: Body, joint_ids: np.ndarray) -> Target:
        """Joints by their SMPL-X numbers; 55 to 75 are points of the face, the feet and the fingertips."""
        extra = body.model.vertex_joint_selector.extra_joints_idxs.numpy()
        skin = Skin(body, np.repeat(extra[:, None], 3, axis=1), np.tile([1.0, 0.0, 0.0], (len(extra), 1)))
        every = JOINT_NAMES + EXTRA_NAMES
        return Target(body, tuple(every[index] for index in joint_ids), skin, np.asarray(joint_ids, np.int64))

    @staticmethod
    def of_markers(body: Body, points: MarkerPoints) -> Target:
        """Markers, each over its point of the skin."""
        skin = Skin(body, points.vertices_M3, points.weights_M3)
        target = Target(body, tuple(points.names), skin, NUM_JOINTS + np.arange(len(points.names)))
        normals = _vertex_normals(body.model.v_template.double().numpy(), body.faces)
        blended = np.einsum("mi,mic->mc", points.weights_M3, normals[points.vertices_M3])
        target.normals_K3 = blended / np.linalg.norm(blended, axis=1, keepdims=True)
        target.is_joint_K[:] = False
        target.offset_std_K3 = np.tile([ALONG_SKIN, ALONG_SKIN, OFF_SKIN], (target.num_points, 1))
        target.offset_m_K = np.asarray(points.offset_m_M, np.float64)
        return target

    @property
    def num_points(self) -> int:
        return len(self.rows_K)

    def nominal_offsets(self) -> np.ndarray:
        """Where the markers should stand from the skin at rest (K, 3), metres."""
        return self.normals_K3 * self.offset_m_K[:, None]

    def surface_frames(self) -> np.ndarray:
        """Local frames at rest (K, 3, 3), columns: two tangents, then the outward normal; the T-pose's axes for joints."""
        helper = np.where(np.abs(self.normals_K3[:, 1:2]) < 0.9, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
        first = np.cross(helper, self.normals_K3)
        first /= np.linalg.norm(first, axis=1, keepdims=True) + 1e-12
        frames = np.stack([first, np.cross(self.normals_K3, first), self.normals_K3], axis=2)
        return np.where(self.is_joint_K[:, None, None], np.eye(3), frames)

    def offset_precision(self) -> np.ndarray:
        """Precision (K, 3, 3) of the points' places about the nominal ones, in the T-pose's axes."""
        frames = self.surface_frames()
        return np.asarray((frames * self.offset_std_K3[:, None, :] ** -2) @ frames.transpose(0, 2, 1))

    def rest(self, betas: np.ndarray, offsets_K3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Observed points (K, 3) and joints (55, 3) at rest."""
        points = self.skin.points(betas)
        return points[self.rows_K] + offsets_K3, points[:NUM_JOINTS]

    def coefficients(self, betas: np.ndarray, offsets_K3: np.ndarray) -> np.ndarray:
        """``c`` (K, 55, 3): an offset rides with what the point hangs on, in the T-pose's axes."""
        plain = self.skin.coefficients(self.skin.points(betas))[self.rows_K]
        return np.asarray(plain + self.hang_KJ[:, :, None] * offsets_K3[:, None])

    def slopes(self) -> np.ndarray:
        """What a unit of each coefficient of shape adds to ``c``: (10, K, 55, 3)."""
        return np.stack([self.skin.coefficients(change)[self.rows_K] for change in self.skin.change_SK3])

    def carried(self, globals_TJ33: np.ndarray) -> np.ndarray:
        """How an offset at rest is turned into the world (T, K, 3, 3)."""
        result: np.ndarray = np.einsum("kj,tjab->tkab", self.hang_KJ, globals_TJ33, optimize=True)
        return result

    def pose_change(self, globals_TJ33: np.ndarray) -> np.ndarray | None:
        """Pose-dependent corrections of the model at the observed points (T, 3, K), if it has any."""
        change = self.skin.pose_change(globals_TJ33)
        return None if change is None else change[:, self.rows_K].transpose(0, 2, 1)


def _vertex_normals(vertices_V3: np.ndarray, faces: np.ndarray) -> np.ndarray:
    corners = vertices_V3[faces]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices_V3)
    for i in range(3):
        np.add.at(normals, faces[:, i], face)
    result: np.ndarray = normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)
    return result
