"""Where two dancers meet as the evaluation measures it: the curves of a page, whose means are CF and PR of that take."""

from __future__ import annotations

from collections.abc import Mapping

from interdance.body.meeting import Meeting, meet
from interdance.body.model import Body
from interdance.evaluation.performer import Performer, Surface
from interdance.evaluation.settings import Settings, SurfaceName
from interdance.takes import Joints, Motion, Points

PIECE = {"sampled": 512, "full": 48}
"""Frames whose surfaces are in memory at once, by whether those are sampled: 4 and 7 MB per dancer."""


def meeting_of(
    leader: Motion | Points | Joints,
    follower: Motion | Points | Joints,
    body: Body,
    *,
    surface: SurfaceName,
    contact_distance: float,
) -> Meeting | None:
    """Contact and penetration of a couple, in whatever form the dancers are known; None when one has no surface.

    Parameters
    ----------
    leader, follower : Motion, Points or Joints
        Of equal length.
    surface, contact_distance
        As in :class:`interdance.evaluation.settings.Settings`.
    """
    vertices = Surface.of(body, surface)
    lead, follow = (Performer.of(dancer, body, vertices).vertices for dancer in (leader, follower))
    if lead is None or follow is None:
        return None
    slices = [slice(start, start + PIECE[surface]) for start in range(0, leader.num_frames, PIECE[surface])]
    return Meeting.joined([meet(lead(frames), follow(frames), vertices.faces, contact_distance) for frames in slices])


def meetings_of(
    leader: Motion | Points | Joints, followers: Mapping[str, Motion | Points | Joints], body: Body, settings: Settings
) -> dict[str, Meeting | None]:
    """:func:`meeting_of` a leader and each of several followers, as an evaluation with those settings measures it."""
    return {
        name: meeting_of(leader, follower, body, surface=settings.surface, contact_distance=settings.contact_distance)
        for name, follower in followers.items()
    }
