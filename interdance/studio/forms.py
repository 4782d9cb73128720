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
    from interdance.export.cast import Dancer

PAGE, FACTS = "duet.html", "generated.json"


@dataclass(frozen=True)
class Result:
    """What forms are written from: the couple, the best follower where there are several, and the song."""

    leader: Motion
    follower: Motion
    body: Body
    song: Path
    params: Params

    def dancers(self) -> list[Dancer]:
        """As pictures and scenes show them."""
        from interdance.export.cast import cast

        return cast(self.leader, [self.follower])


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


Report = Callable[[int, int], None]


def _film(result: Result, path: Path, report: Report) -> None:
    from interdance.export.sound import read_stereo
    from interdance.export.video import write_video

    size = result.params.report
    write_video(
        *(path, result.dancers(), result.body),
        read_stereo(result.song, result.leader.num_frames / result.leader.fps),
        width=size.video_width,
        height=size.video_height,
        progress=report,
    )


def _scene(result: Result, path: Path, report: Report) -> None:
    from interdance.export.gltf import write_glb

    write_glb(path, result.dancers(), result.body)


def _sheet(result: Result, path: Path, report: Report) -> None:
    from interdance.export.sheet import write_sheet

    write_sheet(path, result.dancers(), result.body)


def _follower_bvh(result: Result, path: Path, report: Report) -> None:
    from interdance.export.bvh import write_bvh

    write_bvh(path, result.follower, result.body)


def _leader_bvh(result: Result, path: Path, report: Report) -> None:
    from interdance.export.bvh import write_bvh

    write_bvh(path, result.leader, result.body)


FORMS = (
    Form(PAGE, "Page in 3D (.html)", "text/html"),
    Form("duet.mp4", "Film (.mp4)", "video/mp4", _film),
    Form("duet.png", "Sheet of stills (.png)", "image/png", _sheet),
    Form("duet.glb", "Both, skinned and animated (.glb)", "model/gltf-binary", _scene),
    Form("follower.bvh", "Follower (.bvh)", "application/octet-stream", _follower_bvh),
    Form("leader.bvh", "Leader (.bvh)", "application/octet-stream", _leader_bvh),
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
