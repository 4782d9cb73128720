"""What a person may ask for, and the checks that it passes before anything is done."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from interdance import config
from interdance.config import Params
from interdance.errors import InputError
from interdance.registry import CHALLENGER, CHAMPION

MOST_SEED = 2**32 - 1
MOST_LABEL = 80  # characters
LEAST_S = 1.0  # of a dance or a song
PROJECT = "Project's model"
REGISTERED = {CHAMPION: "Champion", CHALLENGER: "Challenger"}
"""Models of record by their alias, as they are shown."""


@dataclass(frozen=True)
class DanceRequest:
    """A dance to be made.

    Attributes
    ----------
    leader, song : str
        Identities of sources (:mod:`interdance.studio.sources`); no leader for a model that makes its own.
    model : str
        ``project``, ``champion`` or ``challenger``.
    seed, followers : int
        Of the first follower, and how many, with seeds from there on.
    steps : int
        Of sampling.
    contact_scale, penetration_scale : float
        Of the guidance's two terms; 0 is off.
    clean : bool
        Whether followers are cleaned.
    """

    leader: str
    song: str
    model: str
    seed: int
    followers: int
    steps: int
    contact_scale: float
    penetration_scale: float
    clean: bool


@dataclass(frozen=True)
class Model:
    """A model to choose; ``folder`` is None where it cannot be used, and ``note`` says why."""

    id: str
    label: str
    note: str
    folder: str | None
    task: str = ""
    most_steps: int = 0
    can_be_guided: bool = False
    is_coming: bool = False  # that is found out just now, or it is being brought here


def default_request(params: Params) -> DanceRequest:
    """What is asked for when nothing is chosen."""
    sample, guidance = params.sample, params.guidance
    return DanceRequest(
        leader="",
        song="",
        model="project",
        seed=sample.seeds[0],
        followers=1,
        steps=sample.steps,
        contact_scale=guidance.contact_scale,
        penetration_scale=guidance.penetration_scale,
        clean=False,
    )


def limits(params: Params) -> dict[str, tuple[float, float]]:
    """Setting -> least and greatest value."""
    most = params.studio
    return {
        "seed": (0, MOST_SEED),
        "followers": (1, most.most_followers),
        "steps": (1, most.most_steps),
        "contact_scale": (0, most.most_guidance),
        "penetration_scale": (0, most.most_guidance),
    }


def read_request(values: Any, params: Params) -> DanceRequest:
    """What a web request asks for.

    Raises
    ------
    InputError
        For an unknown or missing setting, one of the wrong type, or a number out of its range.
    """
    request = config.built(DanceRequest, values, "the request")
    for name, (least, most) in limits(params).items():
        value = getattr(request, name)
        if not least <= value <= most:  # so that NaN is refused too
            raise InputError(f"{name}: {value} is out of range; {least:g} to {most:g} is possible")
    return request


def check_model(request: DanceRequest, model: Model) -> None:
    """Raise :class:`InputError` when the model cannot be used, or not for this."""
    if model.folder is None:
        raise InputError(f"model {model.label}: {model.note}")
    if request.steps > model.most_steps:
        raise InputError(f"steps: {request.steps} are too many for model {model.label}, which has {model.most_steps}")
    if model.task == "reactive" and not request.leader:
        raise InputError(f"model {model.label} follows a leader; choose one")
    if model.task == "duet" and request.leader:
        raise InputError(f"model {model.label} makes its own leader; leave the leader out")
    if model.task == "duet" and request.followers > 1:
        raise InputError("followers: couples have no leader in common; make them one by one, with other seeds")


def with_request(params: Params, request: DanceRequest) -> Params:
    """The parameters that a request is made with."""
    return replace(
        params,
        sample=replace(params.sample, steps=request.steps),
        guidance=replace(params.guidance, contact_scale=request.contact_scale, penetration_scale=request.penetration_scale),
    )


def check_seconds(label: str, what: str, seconds: float, most_s: float) -> None:
    """Raise :class:`InputError` for a dance or a song, ``what``, that is too short, or longer than ``most_s``."""
    if not LEAST_S <= seconds <= most_s:
        cure = "cut it" if seconds > most_s else "choose a longer one"
        lasts = f"{round(seconds, 2):g} s"
        raise InputError(f"{label}: the {what} lasts {lasts}, and {LEAST_S:g} to {most_s:g} s are taken; {cure}")


def label_of(text: str) -> str:
    """What a person called a file, fit to be shown: one line of visible characters. It never becomes a path."""
    shown = "".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in text)
    return " ".join(shown.split())[:MOST_LABEL] or "unnamed"
