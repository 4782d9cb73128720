"""What can be taken home of a result: one list. A new form is a line of it, with a function that writes it if no run does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interdance.config import Params
from interdance.takes import Motion

if TYPE_CHECKING:
    from interdance.body.model import Body

PAGE, FACTS = "duet.html", "generated.json"


@dataclass(frozen=True)
class Result:
    """What forms are written from: the couple, the best follower where there are several, and the song."""

    leader: Motion
    follower: Motion
    body: Body
    song: Path
    params: Params


@dataclass(frozen=True)
class Form:
    """One form.

    Attributes
    ----------
    file : str
        Its name in the folder of the result.
    label : str
        What a person reads.
    media_type : str
    write : callable, optional
        ``write(result, path, report)`` makes it when somebody asks for it, in a process of its own that may be ended at any
        time; ``report(done, of)`` may be called meanwhile. None for what every run leaves.
    """

    file: str
    label: str
    media_type: str
    write: Callable[[Result, Path, Callable[[int, int], None]], None] | None = None


def _film(result: Result, path: Path, report: Callable[[int, int], None]) -> None:
    from interdance.export.video import write_video

    size = result.params.report
    write_video(
        path,
        result.leader,
        result.follower,
        result.body,
        result.song,
        width=size.video_width,
        height=size.video_height,
        progress=report,
    )


FORMS = (
    Form(PAGE, "Page in 3D (.html)", "text/html"),
    Form("duet.mp4", "Film (.mp4)", "video/mp4", _film),
    Form("follower.npz", "Follower, SMPL-X (.npz)", "application/octet-stream"),
    Form("leader.npz", "Leader, SMPL-X (.npz)", "application/octet-stream"),
    Form("points.npy", "710 points (.npy)", "application/octet-stream"),
    Form(FACTS, "Facts (.json)", "application/json"),
)
#: Of every follower but the best, in ``sample_<seed>/``.
FOLLOWER_FORMS = tuple(form for form in FORMS if form.file in ("follower.npz", "points.npy"))


def find_form(file: str) -> Form | None:
    """The form with that file name."""
    return next((form for form in FORMS if form.file == file), None)
