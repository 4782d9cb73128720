"""What a rotation skeleton means: which joint is which, its unit, its axes, its rate, and the pose it rests in.

The rest pose (all channels zero) and the world may differ: some programs write skeletons that lie on their back at rest and
are stood up by the root's channels, others turn every joint's own frame so that nothing of a pose is left at rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from interdance.errors import InputError
from interdance.mocap.bvh import BvhMotion, forward_kinematics, rest_positions
from interdance.mocap.mapping import Mapping, choose_mapping, is_finger, missing_joints
from interdance.mocap.world import find_up, to_y_up

UNITS = {"metres": 1.0, "centimetres": 0.01, "inches": 0.0254, "millimetres": 0.001}
LEG_METRES = 0.80  # hip to ankle of an adult; tells units apart, never scales anything
LEG_RANGE = (0.4, 1.3)
FARTHEST = 1000.0
"""Metres from the origin beyond which nobody dances: the file is damaged."""
STANDING = 0.6
"""Cosine of the legs at rest against straight down, from which on the rest pose counts as standing."""
SAMPLE = 200


@dataclass(frozen=True)
class Skeleton:
    """A BVH file's skeleton, understood.

    Attributes
    ----------
    mapping : Mapping
        Names of its joints.
    source : dict of str to int
        SMPL-X joint -> the file's joint.
    unit : float
        Metres per file unit.
    rest_33 : (3, 3)
        Rows left, up and forward of the rest pose, in the file's axes; of no meaning when it is not standing.
    world_33 : (3, 3)
        Rotation of the file's world into ours.
    is_standing : bool
        Whether the rest pose is upright with the legs down, as a T-pose or A-pose: then rotations say all.
    facts : dict
        Mapping, unit, axes, rate and how each was found. JSON-able.
    """

    mapping: Mapping
    source: dict[str, int]
    unit: float
    rest_33: np.ndarray
    world_33: np.ndarray
    is_standing: bool
    facts: dict[str, Any]

    def __str__(self) -> str:
        standing, other = "rest pose up {rest_up} and forward {rest_forward}", "no standing rest pose, by positions"
        rest = standing if self.is_standing else other
        text = "mapping {mapping}, unit {unit_m:.4g} m ({unit_from}), up {up} ({up_from}), " + rest
        return (text + ", {frames} frames at {fps:.5g} fps ({fps_from})").format(**self.facts)


def understand(bvh: BvhMotion, mapping: Mapping | None = None) -> Skeleton:
    """Find out what a file's skeleton means.

    Parameters
    ----------
    bvh : BvhMotion
        From :func:`interdance.mocap.bvh.read_bvh`, which also takes a rate that overrides the file's.
    mapping : Mapping, optional
        Chosen by joint names when not given; :meth:`Mapping.told` overrides axes and unit.

    Raises
    ------
    InputError
        When no mapping fits, the given one does not, or the unit cannot be told.
    """
    mapping = choose_mapping(bvh) if mapping is None else mapping
    missing = missing_joints(mapping, bvh)
    if missing:
        raise InputError(
            f"{bvh.path}: mapping '{mapping.name}' needs joints that the file lacks: {', '.join(missing[:8])};"
            " pass another with --mapping FILE"
        )
    source = mapping.find(bvh.names)
    sample = replace(bvh, values_TC=bvh.values_TC[:: max(bvh.num_frames // SAMPLE, 1)])
    with np.errstate(all="ignore"):
        rest_N3, positions_TN3 = rest_positions(bvh), forward_kinematics(sample)[1]
        unit, unit_from = _unit(bvh, mapping, source, rest_N3)
        joints_TK3 = positions_TN3[:, list(source.values())] * unit
        largest = float(np.abs(positions_TN3).max() * unit)
    if not largest <= FARTHEST:
        raise InputError(f"{bvh.path}: joints {largest:.3g} m from the origin; repair the channels or state the 'unit'")
    rest_33 = _rest_axes(mapping, source, rest_N3)
    rest_up, rest_forward = ("", "") if rest_33 is None else (axis_name(rest_33[1]), axis_name(rest_33[2]))
    up, up_from = mapping.up, "the mapping says so"
    if up == "auto":
        up, up_from = find_up(joints_TK3, list(source), rest_up)
        up_from = up_from.replace("the file says so", "the rest pose stands so")
    is_standing = False
    if rest_33 is not None:
        turned_N3 = rest_N3 @ rest_33.T
        legs = [turned_N3[source[f"{side}_ankle"]] - turned_N3[source[f"{side}_hip"]] for side in ("left", "right")]
        is_standing = all(-leg[1] > STANDING * np.linalg.norm(leg) for leg in legs)
    facts = {
        "mapping": mapping.name, "unit_m": unit, "unit_from": unit_from, "up": up, "up_from": up_from,
        "rest_up": rest_up, "rest_forward": rest_forward, "fps": bvh.fps, "fps_from": bvh.fps_from,
        "frames": bvh.num_frames, "joints": len(source), "method": "rotations" if is_standing else "positions",
        "absent": [name for joint, name in mapping.joints.items() if joint not in source and not is_finger(joint)],
        "unmapped": [name for index, name in enumerate(bvh.names) if index not in set(source.values())],
    }  # fmt: skip
    return Skeleton(mapping, source, unit, np.eye(3) if rest_33 is None else rest_33, to_y_up(up), is_standing, facts)


def axis_name(direction: np.ndarray) -> str:
    """``+z`` for the direction (3,) of a coordinate axis."""
    place = int(np.abs(direction).argmax())
    return ("+" if direction[place] > 0 else "-") + "xyz"[place]


def _rest_axes(mapping: Mapping, source: dict[str, int], rest_N3: np.ndarray) -> np.ndarray | None:
    """Rows left, up, forward of the rest pose, stated by the mapping or told by hips and shoulders; None of no pose."""
    hips = (rest_N3[source["left_hip"]] + rest_N3[source["right_hip"]]) / 2
    shoulders = (rest_N3[source["left_shoulder"]] + rest_N3[source["right_shoulder"]]) / 2
    left = sum(rest_N3[source[f"left_{part}"]] - rest_N3[source[f"right_{part}"]] for part in ("hip", "shoulder"))
    up = _axis(mapping.up) if mapping.up != "auto" else _nearest_axis(shoulders - hips)
    forward = _axis(mapping.forward) if mapping.forward != "auto" else _nearest_axis(np.cross(left, up))
    if abs(up @ forward) > 0.5 or np.cross(up, forward) @ left <= 0:
        return None
    return np.stack([np.cross(up, forward), up, forward])


def _unit(bvh: BvhMotion, mapping: Mapping, source: dict[str, int], rest_N3: np.ndarray) -> tuple[float, str]:
    bones = [(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in (("hip", "knee"), ("knee", "ankle"))]
    leg = sum(float(np.linalg.norm(rest_N3[source[a]] - rest_N3[source[b]])) for a, b in bones) / 2
    unit, why = mapping.unit, "the mapping says so"
    if unit is None:
        name = min(UNITS, key=lambda item: abs(np.log(max(leg, 1e-9) * UNITS[item] / LEG_METRES)))
        unit, why = UNITS[name], f"legs are those of people in {name}"
    if not LEG_RANGE[0] <= leg * unit <= LEG_RANGE[1]:
        raise InputError(
            f"{bvh.path}: legs of {leg:.4g} file units are {leg * unit:.3g} m at {unit:g} m per unit; state 'unit'"
            " (metres per file unit) in a mapping file and pass it with --mapping FILE"
        )
    return unit, why


def _axis(name: str) -> np.ndarray:
    result = np.zeros(3)
    result["xyz".index(name[-1])] = -1.0 if name[0] == "-" else 1.0
    return result


def _nearest_axis(direction: np.ndarray) -> np.ndarray:
    result = np.zeros(3)
    place = int(np.abs(direction).argmax())
    result[place] = np.sign(direction[place]) or 1.0
    return result
