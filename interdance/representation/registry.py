"""The representations by name, and what each holds (Table 2)."""

from __future__ import annotations

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.representation.base import Representation
from interdance.representation.canonical import Canonical
from interdance.representation.humanml3d import HumanMl3d
from interdance.representation.parameters import SmplxParameters
from interdance.representation.points import Coins, JointAndVertexPositions, JointPositions, Markers

_ON_A_BODY = (JointPositions, JointAndVertexPositions, SmplxParameters, HumanMl3d, Markers, Coins)

REPRESENTATIONS: tuple[str, ...] = (Canonical.name, *(kind.name for kind in _ON_A_BODY))


def make_representation(name: str, body: Body) -> Representation:
    """The representation of that name (one of :data:`REPRESENTATIONS`) for dancers of ``body``.

    Raises
    ------
    InputError
        For an unknown name.
    """
    if name == Canonical.name:
        return Canonical(body.anchor_P)
    for kind in _ON_A_BODY:
        if kind.name == name:
            return kind(body)
    raise InputError(f"encode.representation: {name} is not one of {', '.join(REPRESENTATIONS)}")
