"""Where two dancers meet as the evaluation measures it: the curves of a page, whose means are CF and PR of that take."""

from __future__ import annotations

from interdance.body.meeting import PIECE, Meeting, meet_in_pieces
from interdance.body.model import Body
from interdance.evaluation.performer import Performer, Surface
from interdance.evaluation.settings import SurfaceName
from interdance.takes import Joints, Motion, Points


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
    return meet_in_pieces(lead, follow, leader.num_frames, PIECE[surface], vertices.faces, contact_distance)
