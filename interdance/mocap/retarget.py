"""Rotation skeletons (BVH) to SMPL-X parameters, for any named skeleton that a mapping file describes.

For each mapped joint the global rotation is ``G = C G_bvh C^T A``: ``C`` changes the file's world axes to ours, ``A``
swings the loaded body's own rest bone onto the file's rest bone. The shape is fitted so that the joints land where the
file has them, mid-hips stand on mid-hips, and one constant per dancer puts the feet on the floor.

Fingers that the file does not carry get one relaxed, constant curl: a flat open hand looks wrong in every hold.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from scipy.spatial.transform import Rotation

from interdance.body.skeleton import INDEX, JOINT_NAMES, PARENTS
from interdance.errors import InputError
from interdance.mocap.bvh import BvhMotion, forward_kinematics, read_bvh, rest_positions
from interdance.mocap.resample import resample
from interdance.takes import NUM_BETAS, Motion, read_motion

if TYPE_CHECKING:
    from interdance.body.model import Body

logger = logging.getLogger(__name__)

LIMBS = tuple(
    f"{side}_{part}" for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist") for side in ("left", "right")
)
REQUIRED = ("pelvis", *LIMBS)
SWUNG = tuple(f"{side}_{part}" for part in ("hip", "knee", "shoulder", "elbow") for side in ("left", "right"))
UNITS = {"metres": 1.0, "centimetres": 0.01, "inches": 0.0254, "millimetres": 0.001}
LEG_METRES = 0.80  # hip to ankle of an adult; tells units apart, never scales anything
LEG_RANGE = (0.4, 1.3)
FIT_FRAMES = 48
FLOOR_METRES = 0.1  # a file whose dancer stands farther than this from height 0 has its floor elsewhere
RIDGE = 3e-3  # metres per standard deviation of shape: what a beta must earn to leave zero
FIT_WEIGHTS = {name: 1.5 if "wrist" in name else 1.0 for name in LIMBS} | {"neck": 0.7, "head": 0.5}
RELAXED_DEGREES = {"index": (18, 25, 15), "middle": (22, 28, 18), "ring": (25, 30, 18), "pinky": (27, 30, 18)}
_CHILD = {
    **{f"{s}_{a}": f"{s}_{b}" for s in ("left", "right") for a, b in
       (("hip", "knee"), ("knee", "ankle"), ("ankle", "foot"), ("shoulder", "elbow"), ("elbow", "wrist"),
        ("wrist", "middle1"))},
    **{f"{s}_{f}{k}": f"{s}_{f}{k + 1}" for s in ("left", "right") for k in (1, 2)
       for f in ("thumb", "index", "middle", "ring", "pinky")},
}  # fmt: skip


@dataclass(frozen=True)
class Mapping:
    """How a skeleton is read.

    Attributes
    ----------
    name : str
        Of the mapping; shipped ones lie in ``interdance/mocap/mappings``.
    joints : dict of str to str
        SMPL-X joint name -> the file's joint name, without prefix.
    up, forward : str
        ``+x``, ``-y``, ... of the file's world in its rest pose, or ``auto``: from hips and shoulders.
    unit : float or None
        Metres per file unit; None to tell it by the length of the legs.
    swing : tuple of str
        SMPL-X joints whose rest bone is swung onto the file's.
    prefixes : tuple of str
        Taken off the file's joint names before they are compared.
    ends : dict of str to str
        SMPL-X joint -> a joint of the file that only tells where the bone to it points at rest (a knuckle, say).
    unless : tuple of str
        Joints of the file that mean another skeleton with some equal names.
    """

    name: str
    joints: dict[str, str]
    up: str
    forward: str
    unit: float | None
    swing: tuple[str, ...]
    prefixes: tuple[str, ...]
    ends: dict[str, str]
    unless: tuple[str, ...]

    def find(self, names: list[str]) -> dict[str, int]:
        """SMPL-X joint -> index of the file's joint, for those present."""
        return self._places(self.joints, names)

    def find_ends(self, names: list[str]) -> dict[str, int]:
        """SMPL-X joint -> index of the file's joint a rest bone points to, for those present."""
        return self._places(self.joints | self.ends, names)

    def _places(self, joints: dict[str, str], names: list[str]) -> dict[str, int]:
        places = {self._bare(name): index for index, name in enumerate(names)}
        return {joint: places[source] for joint, source in joints.items() if source in places}

    def _bare(self, name: str) -> str:
        for prefix in self.prefixes:
            if name.startswith(prefix):
                return name[len(prefix) :]
        return name


def shipped_mappings() -> dict[str, Mapping]:
    """The mappings that come with the package, by name."""
    folder = resources.files("interdance.mocap") / "mappings"
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".yaml")), key=lambda item: item.name)
    return {item.name[:-5]: _parse(item.read_text(), item.name[:-5], item.name) for item in files}


def load_mapping(name_or_path: str | Path) -> Mapping:
    """A shipped mapping by its name, or one from a YAML file.

    Raises
    ------
    InputError
        For an unknown name, a missing file, or a file that is no mapping.
    """
    shipped = shipped_mappings()
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    path = Path(name_or_path)
    if not path.is_file():
        raise InputError(f"{path}: no such mapping file, nor a shipped mapping ({', '.join(shipped)})")
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a YAML file") from None
    return _parse(text, path.stem, str(path))


def choose_mapping(bvh: BvhMotion) -> Mapping:
    """The shipped mapping whose every joint the file has; the one with most joints when several fit.

    Raises
    ------
    InputError
        When none fits; the sentence lists the shipped ones and says how to pass one.
    """
    shipped = shipped_mappings()
    fitting = [item for item in shipped.values() if set(REQUIRED) <= set(item.find(bvh.names))]
    whole = [item for item in fitting if not _missing(item, bvh) and not set(item.unless) & set(bvh.names)]
    if not whole:
        some = ", ".join(bvh.names[:6]) + (", ..." if len(bvh.names) > 6 else "")
        raise InputError(
            f"{bvh.path}: no shipped mapping ({', '.join(shipped)}) fits this skeleton (joints {some}); write a YAML"
            " file like those in interdance/mocap/mappings and pass it with --mapping FILE"
        )
    return max(whole, key=lambda item: len(item.find(bvh.names)))


def bvh_to_motion(
    bvh: BvhMotion,
    body: Body,
    mapping: Mapping | None = None,
    fps: float | None = None,
    betas: np.ndarray | None = None,
) -> Motion:
    """SMPL-X parameters of a BVH motion.

    Parameters
    ----------
    bvh : BvhMotion
        From :func:`read_bvh`.
    body : Body
        The loaded body; its rest pose is what rotations are relative to.
    mapping : Mapping, optional
        Chosen by joint names when not given.
    fps : float, optional
        Rate of the result (spherical interpolation); the file's when not given.
    betas : (10,) array, optional
        A known shape; fitted to the file's skeleton when not given.

    Raises
    ------
    InputError
        When no mapping fits, the given one does not, or the file's unit or axes cannot be told.
    """
    mapping = choose_mapping(bvh) if mapping is None else mapping
    source = mapping.find(bvh.names)
    missing = _missing(mapping, bvh)
    if missing:
        raise InputError(
            f"{bvh.path}: mapping '{mapping.name}' needs joints that the file lacks: {', '.join(missing[:8])};"
            " pass another with --mapping FILE"
        )
    rest = rest_positions(bvh)
    unit = _unit(bvh, mapping, source, rest)
    axes = world_axes(bvh, mapping, source, rest)
    logger.info(
        "%s: mapping %s, unit %.4g m, %s, %d frames at %.5g fps", bvh.path, mapping.name, unit, axes_name(axes),
        bvh.num_frames, bvh.fps,
    )  # fmt: skip
    file_rotations, file_positions = forward_kinematics(bvh)
    turned_TN33 = axes @ file_rotations @ axes.T
    rest_N3 = rest @ axes.T * unit
    targets = {joint: file_positions[:, index] @ axes.T * unit for joint, index in source.items()}

    shape = np.zeros(NUM_BETAS) if betas is None else np.asarray(betas, np.float64)
    sample = np.unique(np.linspace(0, bvh.num_frames - 1, FIT_FRAMES).astype(np.int64))
    on_floor = False
    for _ in range(3 if betas is None else 0):
        swings = _swings(mapping, bvh.names, rest_N3, body.rest_joints(shape))
        globals_TJ33 = _global_rotations(turned_TN33[sample], source, swings)
        wanted = {joint: places[sample] for joint, places in targets.items()}
        shape, lift = _fit_shape(body, globals_TJ33, wanted, shape, on_floor)
        on_floor = abs(lift) < FLOOR_METRES
    rest_joints = np.asarray(body.rest_joints(shape), np.float64)
    globals_TJ33 = _global_rotations(turned_TN33, source, _swings(mapping, bvh.names, rest_N3, rest_joints))

    positions = _positions(globals_TJ33, rest_joints)  # with the pelvis at its rest place
    hips = [INDEX["left_hip"], INDEX["right_hip"]]
    translation = (targets["left_hip"] + targets["right_hip"]) / 2 - positions[:, hips].mean(axis=1)
    motion = Motion(
        rotations_TJ3=_local_rotations(globals_TJ33).astype(np.float32),
        translation_T3=translation.astype(np.float32),
        betas=shape.astype(np.float32),
        fps=bvh.fps,
    )
    lifted = motion.translation_T3 + np.array([0.0, _lift(body, motion), 0.0], np.float32)
    motion = Motion(motion.rotations_TJ3, lifted, motion.betas, motion.fps)
    return motion if fps is None else resample(motion, fps)


def read_leader(path: Path, body: Body, mapping: Mapping | None = None, fps: float = 30.0) -> Motion:
    """Read one dancer from ``.bvh`` or SMPL-X ``.npz``, at ``fps``.

    Raises
    ------
    InputError
        For another suffix, a missing or defective file, or a skeleton without a mapping.
    """
    suffix = path.suffix.lower()
    if suffix not in (".bvh", ".npz"):
        raise InputError(f"{path}: a dancer is read from .bvh or SMPL-X .npz, not from '{suffix or 'no suffix'}'")
    if suffix == ".npz":
        return resample(read_motion(path), fps)
    return bvh_to_motion(read_bvh(path), body, mapping, fps)


def world_axes(bvh: BvhMotion, mapping: Mapping, source: dict[str, int], rest_N3: np.ndarray) -> np.ndarray:
    """The rotation ``C`` (3, 3) from the file's world to ours: its up becomes +Y, the rest pose's front +Z, left +X."""
    hips = (rest_N3[source["left_hip"]] + rest_N3[source["right_hip"]]) / 2
    shoulders = (rest_N3[source["left_shoulder"]] + rest_N3[source["right_shoulder"]]) / 2
    left = sum(rest_N3[source[f"left_{part}"]] - rest_N3[source[f"right_{part}"]] for part in ("hip", "shoulder"))
    up = _axis(mapping.up) if mapping.up != "auto" else _nearest_axis(shoulders - hips)
    forward = _axis(mapping.forward) if mapping.forward != "auto" else _nearest_axis(np.cross(left, up))
    if abs(up @ forward) > 0.5 or np.cross(up, forward) @ left <= 0:
        raise InputError(
            f"{bvh.path}: up and forward of the rest pose cannot be told (up {up}, forward {forward}); state 'up' and"
            " 'forward' in a mapping file and pass it with --mapping FILE"
        )
    return np.stack([np.cross(up, forward), up, forward])


def axes_name(axes: np.ndarray) -> str:
    """``up +z, forward -y`` for the axes matrix ``C``."""

    def name(row: np.ndarray) -> str:
        place = int(np.abs(row).argmax())
        return ("+" if row[place] > 0 else "-") + "xyz"[place]

    return f"up {name(axes[1])}, forward {name(axes[2])}"


def relaxed_hands() -> dict[int, np.ndarray]:
    """Axis-angle of the finger joints of a hand at rest: joint index -> (3,). Rest fingers lie along X, palms down."""
    result = {}
    for side, sign in (("left", -1.0), ("right", 1.0)):
        for finger, angles in RELAXED_DEGREES.items():
            for k, degrees in enumerate(angles, start=1):
                result[INDEX[f"{side}_{finger}{k}"]] = np.array([0.0, 0.0, sign * np.radians(degrees)])
    return result


def _missing(mapping: Mapping, bvh: BvhMotion) -> list[str]:
    found = mapping.find(bvh.names)
    return [source for joint, source in mapping.joints.items() if joint not in found and not _is_finger(joint)]


def _is_finger(joint: str) -> bool:
    return INDEX[joint] >= 25


def _unit(bvh: BvhMotion, mapping: Mapping, source: dict[str, int], rest_N3: np.ndarray) -> float:
    bones = [(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in (("hip", "knee"), ("knee", "ankle"))]
    leg = sum(float(np.linalg.norm(rest_N3[source[a]] - rest_N3[source[b]])) for a, b in bones) / 2
    if mapping.unit is not None:
        unit = mapping.unit
    else:
        unit = min(UNITS.values(), key=lambda item: abs(np.log(max(leg, 1e-9) * item / LEG_METRES)))
    if not LEG_RANGE[0] <= leg * unit <= LEG_RANGE[1]:
        raise InputError(
            f"{bvh.path}: legs of {leg:.4g} file units are {leg * unit:.3g} m at {unit:g} m per unit; state 'unit'"
            " (metres per file unit) in a mapping file and pass it with --mapping FILE"
        )
    return unit


def _swings(
    mapping: Mapping, names: list[str], rest_N3: np.ndarray, rest_joints_J3: np.ndarray
) -> dict[str, np.ndarray]:
    """``A`` per joint: the smallest rotation from the body's rest bone to the file's rest bone."""
    result: dict[str, np.ndarray] = {}
    source, ends = mapping.find(names), mapping.find_ends(names)
    for joint in source:
        child = _CHILD.get(joint, "")
        if joint in mapping.swing and child in ends:
            bone = np.asarray(rest_joints_J3[INDEX[child]] - rest_joints_J3[INDEX[joint]], np.float64)
            result[joint] = swing(bone, rest_N3[ends[child]] - rest_N3[source[joint]])
        elif _is_finger(joint):
            parent = JOINT_NAMES[PARENTS[INDEX[joint]]]
            result[joint] = result.get(parent, np.eye(3))
    return result


def swing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The smallest rotation (3, 3) from the direction of ``start`` to that of ``end``; identity for a zero vector."""
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    if lengths < 1e-12:
        return np.eye(3)
    axis, cosine = np.cross(start, end) / lengths, float(start @ end) / lengths
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        if cosine > 0:
            return np.eye(3)
        axis, sine = np.cross(start, np.eye(3)[np.abs(start).argmin()]), 0.0
    axis = axis / np.linalg.norm(axis)
    return Rotation.from_rotvec(axis * np.arctan2(sine, cosine)).as_matrix()


def _global_rotations(turned_TN33: np.ndarray, source: dict[str, int], swings: dict[str, np.ndarray]) -> np.ndarray:
    relaxed = relaxed_hands()
    result = np.empty((len(turned_TN33), len(JOINT_NAMES), 3, 3))
    for joint, (name, parent) in enumerate(zip(JOINT_NAMES, PARENTS, strict=True)):
        if name in source:
            result[:, joint] = turned_TN33[:, source[name]] @ swings.get(name, np.eye(3))
        else:
            local = Rotation.from_rotvec(relaxed.get(joint, np.zeros(3))).as_matrix()
            result[:, joint] = result[:, parent] @ local
    return result


def _local_rotations(globals_TJ33: np.ndarray) -> np.ndarray:
    parents = list(PARENTS[1:])
    local = globals_TJ33.copy()
    local[:, 1:] = globals_TJ33[:, parents].swapaxes(-1, -2) @ globals_TJ33[:, 1:]
    return Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(*globals_TJ33.shape[:2], 3)


def _positions(globals_TJ33: np.ndarray, rest_joints_J3: np.ndarray) -> np.ndarray:
    """Joints (T, J, 3) with the pelvis at its rest place."""
    result = np.empty((len(globals_TJ33), *rest_joints_J3.shape))
    result[:, 0] = rest_joints_J3[0]
    for joint in range(1, len(PARENTS)):
        bone = rest_joints_J3[joint] - rest_joints_J3[PARENTS[joint]]
        result[:, joint] = result[:, PARENTS[joint]] + globals_TJ33[:, PARENTS[joint]] @ bone
    return result


def _fit_shape(
    body: Body, globals_TJ33: np.ndarray, targets: dict[str, np.ndarray], start: np.ndarray, on_floor: bool
) -> tuple[np.ndarray, float]:
    """Betas that bring the posed limb joints of the standing dancer nearest to the file's: linear least squares.

    ``on_floor`` says that the file's floor is at height 0, so that the lift counts. Also returns the lift at ``start``.
    With the global rotations given, every joint is linear in the betas; so nearly is the lift that puts the feet on the
    floor. Limb lengths, shoulder width, torso and foot height are fitted at once and weigh as they move hands and feet.
    """
    units = np.concatenate([start[None], start + np.eye(NUM_BETAS)])
    rotations = _local_rotations(globals_TJ33).astype(np.float32)
    hips = [INDEX["left_hip"], INDEX["right_hip"]]
    names = [name for name in FIT_WEIGHTS if name in targets]
    fitted = [INDEX[name] for name in names]
    importance = np.array([FIT_WEIGHTS[name] for name in names])[:, None]
    goal = np.stack([targets[name] for name in names], axis=1)
    middle = (targets["left_hip"] + targets["right_hip"]) / 2
    places, lifts = [], []
    for betas in units:
        joints = _positions(globals_TJ33, np.asarray(body.rest_joints(betas), np.float64))
        translation = middle - joints[:, hips].mean(axis=1)
        motion = Motion(rotations, translation.astype(np.float32), betas.astype(np.float32), 30.0)
        lifts.append(_lift(body, motion))
        shift = translation[:, None] + [0.0, lifts[-1] if on_floor else 0.0, 0.0]
        places.append(((joints[:, fitted] + shift - goal) * importance).reshape(-1))
    matrix = (np.stack(places[1:]) - places[0]).T
    weight = RIDGE**2 * len(matrix)
    right = -matrix.T @ places[0] - weight * start
    return start + np.linalg.solve(matrix.T @ matrix + weight * np.eye(NUM_BETAS), right), lifts[0]


def _lift(body: Body, motion: Motion) -> float:
    """Metres that bring the median over frames of the lowest surface point to the floor."""
    lowest = np.asarray(body.points(motion))[:, len(JOINT_NAMES) :, 1].min(axis=1)
    return -float(np.median(lowest))


def _axis(name: str) -> np.ndarray:
    result = np.zeros(3)
    result["xyz".index(name[-1])] = -1.0 if name[0] == "-" else 1.0
    return result


def _nearest_axis(direction: np.ndarray) -> np.ndarray:
    result = np.zeros(3)
    place = int(np.abs(direction).argmax())
    result[place] = np.sign(direction[place]) or 1.0
    return result


_KEYS = ("joints", "up", "forward", "unit", "swing", "prefixes", "ends", "unless")
_AXES = ("auto", *(sign + letter for sign in "+-" for letter in "xyz"))


def _parse(text: str, name: str, source: str) -> Mapping:
    try:
        values: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{source}: not valid YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(values, dict) or not isinstance(values.get("joints"), dict):
        raise InputError(f"{source}: a mapping file needs a mapping 'joints' of SMPL-X joint -> the file's joint")
    for key in values:
        if key not in _KEYS:
            raise InputError(f"{source}: {key}: unknown key; known: {', '.join(_KEYS)}")
    joints = {str(joint): str(target) for joint, target in values["joints"].items()}
    swung = values.get("swing", list(SWUNG))
    ends = values.get("ends", {})
    if not isinstance(ends, dict):
        raise InputError(f"{source}: ends: a mapping is needed, found {ends!r}")
    for key, names in (("joints", list(joints)), ("swing", swung), ("ends", list(ends))):
        if not isinstance(names, list) or not all(item in INDEX for item in names):
            bad = [item for item in names if item not in INDEX] if isinstance(names, list) else names
            raise InputError(f"{source}: {key}: {bad} are no SMPL-X joints; known: {', '.join(JOINT_NAMES)}")
    lacking = [joint for joint in REQUIRED if joint not in joints]
    if lacking:
        raise InputError(f"{source}: joints: {', '.join(lacking)} missing; every limb must be mapped")
    up, forward = str(values.get("up", "auto")), str(values.get("forward", "auto"))
    for key, value in (("up", up), ("forward", forward)):
        if value not in _AXES:
            raise InputError(f"{source}: {key}: '{value}' is not one of {', '.join(_AXES)}")
    unit = values.get("unit", "auto")
    if unit != "auto" and (isinstance(unit, bool) or not isinstance(unit, int | float) or not unit > 0):
        raise InputError(f"{source}: unit: metres per file unit or 'auto' is needed, found {unit!r}")
    lists = {key: values.get(key, []) for key in ("prefixes", "unless")}
    for key, value in lists.items():
        if not isinstance(value, list):
            raise InputError(f"{source}: {key}: a list is needed, found {value!r}")
    return Mapping(
        name=name,
        joints=joints,
        up=up,
        forward=forward,
        unit=None if unit == "auto" else float(unit),
        swing=tuple(swung),
        prefixes=tuple(map(str, lists["prefixes"])),
        ends={str(joint): str(target) for joint, target in ends.items()},
        unless=tuple(map(str, lists["unless"])),
    )
