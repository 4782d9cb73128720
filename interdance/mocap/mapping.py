"""How the joints of other skeletons are called: mapping files, shipped for the common ones or written by the user."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from interdance.body.skeleton import INDEX, JOINT_NAMES
from interdance.errors import InputError

if TYPE_CHECKING:
    from interdance.mocap.bvh import BvhMotion

LIMBS = tuple(
    f"{side}_{part}" for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist") for side in ("left", "right")
)
REQUIRED = ("pelvis", *LIMBS)
MAX_YAML, MAX_LINE, MAX_DEPTH = 200_000, 1000, 20
SWUNG = tuple(f"{side}_{part}" for part in ("hip", "knee", "shoulder", "elbow") for side in ("left", "right"))


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

    def told(self, up: str | None = None, forward: str | None = None, unit: float | None = None) -> Mapping:
        """The mapping with axes or unit (metres per file unit) that somebody knows better; ``auto`` finds them."""
        values: dict[str, Any] = {"up": up or self.up, "forward": forward or self.forward}
        _check_axes(f"mapping {self.name}", values["up"], values["forward"])
        if unit is not None and not 0 < unit < 1e6:
            raise InputError(f"mapping {self.name}: unit: metres per file unit are needed, found {unit:g}")
        return replace(self, **values, unit=self.unit if unit is None else unit)

    def _places(self, joints: dict[str, str], names: list[str]) -> dict[str, int]:
        """The joints under the file's own names, or under what is left of them without a prefix that all have."""
        shared = len(os.path.commonprefix(names)) if len(names) > 1 else 0
        best: dict[str, int] = {}
        for cut in {0, shared}:
            places = {self._bare(name[cut:]): index for index, name in enumerate(names)}
            found = {joint: places[source] for joint, source in joints.items() if source in places}
            best = max(best, found, key=len)
        return best

    def _bare(self, name: str) -> str:
        for prefix in self.prefixes:
            if name.startswith(prefix):
                return name[len(prefix) :]
        return name.rpartition(":")[2]  # a namespace


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
    """The shipped mapping of which the file has the pelvis and every limb; the one with most joints when several fit.

    Raises
    ------
    InputError
        When none fits; the sentence lists the shipped ones and says how to pass one.
    """
    shipped = shipped_mappings()
    whole = [item for item in shipped.values() if not missing_joints(item, bvh) and not set(item.unless) & set(bvh.names)]
    if not whole:
        some = ", ".join(name[:40] for name in bvh.names[:6]) + (", ..." if len(bvh.names) > 6 else "")
        raise InputError(
            f"{bvh.path}: no shipped mapping ({', '.join(shipped)}) fits this skeleton (joints {some}); write a YAML"
            " file like those in interdance/mocap/mappings and pass it with --mapping FILE"
        )
    return max(whole, key=lambda item: len(item.find(bvh.names)))


def missing_joints(mapping: Mapping, bvh: BvhMotion) -> list[str]:
    """Joints of the file that the mapping needs and that are not there: trunk, feet and fingers are no need."""
    found = mapping.find(bvh.names)
    return [mapping.joints[joint] for joint in REQUIRED if joint not in found]


def is_finger(joint: str) -> bool:
    """Whether a SMPL-X joint is one of a finger."""
    return INDEX[joint] >= 25


_KEYS = ("joints", "up", "forward", "unit", "swing", "prefixes", "ends", "unless")
_AXES = ("auto", *(sign + letter for sign in "+-" for letter in "xyz"))


def _parse(text: str, name: str, source: str) -> Mapping:
    values = parse_yaml(text, source)
    if not isinstance(values, dict) or not isinstance(values.get("joints"), dict):
        raise InputError(f"{source}: a mapping file needs a mapping 'joints' of SMPL-X joint -> the file's joint")
    for key in values:
        if key not in _KEYS:
            raise InputError(f"{source}: {brief(key)}: unknown key; known: {', '.join(_KEYS)}")
    joints = _words(source, "joints", values["joints"])
    swung = values.get("swing", list(SWUNG))
    ends = _words(source, "ends", values.get("ends", {}))
    for key, names in (("joints", list(joints)), ("swing", swung), ("ends", list(ends))):
        items = names if isinstance(names, list) else [names]
        bad = [brief(item) for item in items if not isinstance(item, str) or item not in INDEX]
        if bad:
            raise InputError(f"{source}: {key}: {', '.join(bad[:8])} are no SMPL-X joints; known: {', '.join(JOINT_NAMES)}")
    lacking = [joint for joint in REQUIRED if joint not in joints]
    if lacking:
        raise InputError(f"{source}: joints: {', '.join(lacking)} missing; every limb must be mapped")
    up, forward = values.get("up", "auto"), values.get("forward", "auto")
    _check_axes(source, up, forward)
    unit = values.get("unit", "auto")
    if unit != "auto" and (isinstance(unit, bool) or not isinstance(unit, int | float) or not 0 < unit < 1e6):
        raise InputError(f"{source}: unit: metres per file unit or 'auto' is needed, found {brief(unit)}")
    lists = {key: values.get(key, []) for key in ("prefixes", "unless")}
    for key, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InputError(f"{source}: {key}: a list of names is needed, found {brief(value)}")
    return Mapping(
        name=name,
        joints=joints,
        up=up,
        forward=forward,
        unit=None if unit == "auto" else float(unit),
        swing=tuple(swung),
        prefixes=tuple(lists["prefixes"]),
        ends=ends,
        unless=tuple(lists["unless"]),
    )


def parse_yaml(text: str, source: str) -> Any:
    """The value of a small YAML file; ``source`` names it in the :class:`InputError` for one that is not valid.

    PyYAML takes time that grows with the square of the depth, so that depth is looked at first.
    """
    depth = deepest = 0
    for letter in re.findall(r"[][{}]", text):
        depth = max(depth + (1 if letter in "[{" else -1), 0)
        deepest = max(deepest, depth)
    longest = max(map(len, text.splitlines()), default=0)
    if len(text) > MAX_YAML or longest > MAX_LINE or deepest > MAX_DEPTH:
        raise InputError(
            f"{source}: not valid YAML of this kind (more than {MAX_YAML} letters, {MAX_LINE} in a line, or {MAX_DEPTH}"
            " brackets in each other)"
        )
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{source}: not valid YAML ({(str(error).splitlines() or ['nested too deep'])[0][:100]})") from None


def _words(source: str, key: str, value: Any) -> dict[str, str]:
    """A mapping of names to names; numbers count as names, YAML takes ``1`` for one."""
    plain = isinstance(value, dict) and all(isinstance(item, str | int | float) for pair in value.items() for item in pair)
    if not plain:
        raise InputError(f"{source}: {key}: a mapping of SMPL-X joint -> the file's joint is needed, found {brief(value)}")
    return {str(joint): str(target) for joint, target in value.items()}


def _check_axes(source: str, up: Any, forward: Any) -> None:
    for key, value in (("up", up), ("forward", forward)):
        if not isinstance(value, str) or value not in _AXES:
            raise InputError(f"{source}: {key}: {brief(value)} is not one of {', '.join(_AXES)}")


def brief(value: Any) -> str:
    """A value for a message: containers by their kind alone, for aliases make YAML's unfold without end."""
    return repr(value)[:60] if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
