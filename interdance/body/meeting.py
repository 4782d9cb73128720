"""Where the surfaces of two dancers meet, frame by frame: which points touch the partner, and which are inside of the partner.

Contact is a distance between surface points, found here for what is counted (CF, CLR, CFR) and for what is shown. Penetration
(PR) is the winding number of the partner's closed mesh, as :mod:`interdance.body.distance` measures it; an evaluation asks
there by itself, to prepare a leader once for all his followers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from interdance.body.distance import inside
from interdance.body.nearest import nearest_distance

POINTS_AT_ONCE = 350_000
"""Points of a dancer, of all frames together, whose partner is searched at once: those of a take would fill the memory."""


@dataclass(frozen=True)
class Touch:
    """Which surface points of two dancers are in contact.

    Attributes
    ----------
    leader_near_TV, follower_near_TV : bool (T, V)
        Whose nearest point of the partner is nearer than the distance of contact; each dancer may have a V of its own.
    """

    leader_near_TV: np.ndarray
    follower_near_TV: np.ndarray

    def contact(self) -> np.ndarray:
        """Frames in which the dancers touch, bool (T,); the mean is CF."""
        return np.asarray(self.follower_near_TV.any(axis=1))


@dataclass(frozen=True)
class Contacts(Touch):
    """Contact of surface points in every frame, and what the follower's points are near to.

    Attributes
    ----------
    gap_TW : float64 (T, W)
        Metres from each of the follower's points to the leader's nearest one; ``inf`` beyond the reach.
    partner_TW : int64 (T, W)
        Which of the leader's points that is; -1 where there is none.
    """

    gap_TW: np.ndarray
    partner_TW: np.ndarray


def contacts(leader_TV3: np.ndarray, follower_TW3: np.ndarray, distance: float, reach: float | None = None) -> Contacts:
    """Points of the two dancers that are strictly nearer to each other than ``distance``.

    Parameters
    ----------
    leader_TV3, follower_TW3 : array (T, V, 3), (T, W, 3)
        Surface points, metres, the same frames.
    distance : float
        Metres.
    reach : float, optional
        How far gaps are measured, metres; as far as ``distance`` by default, and never less.
    """
    gap_TW, partner_TW = nearest_distance(follower_TW3, leader_TV3, max(distance, reach or 0.0))
    follower_TW = np.asarray(gap_TW < distance)
    touched_T = follower_TW.any(axis=1)
    # The way back is searched where there is contact.
    leader_TV = np.zeros(np.shape(leader_TV3)[:2], bool)
    leader_TV[touched_T] = np.isfinite(nearest_distance(leader_TV3[touched_T], follower_TW3[touched_T], distance)[0])
    return Contacts(leader_TV, follower_TW, gap_TW, partner_TW)


@dataclass(frozen=True)
class Meeting(Touch):
    """A leader and a follower at each other's surface, on the same V points of each.

    Attributes
    ----------
    leader_inside_TV, follower_inside_TV : bool (T, V)
        Inside of the partner's closed mesh.
    """

    leader_inside_TV: np.ndarray
    follower_inside_TV: np.ndarray

    def penetration(self) -> np.ndarray:
        """Share of the follower's points inside of the leader, float64 (T,); the mean is PR."""
        return np.asarray(self.follower_inside_TV.mean(axis=1))

    @staticmethod
    def joined(pieces: Sequence[Meeting]) -> Meeting:
        """The meeting of frames that were looked at in pieces, one after another."""
        return Meeting(*(np.concatenate([getattr(piece, item.name) for piece in pieces]) for item in fields(Meeting)))


def meet(leader_TV3: np.ndarray, follower_TV3: np.ndarray, faces: np.ndarray, distance: float) -> Meeting:
    """Where two dancers touch, and where they are inside of each other.

    Parameters
    ----------
    leader_TV3, follower_TV3 : array (T, V, 3)
        Vertices of the closed surfaces, metres.
    faces : int array (F, 3)
        Triangles of either surface, counter-clockwise from outside.
    distance : float
        Points strictly nearer than this are in contact, metres.
    """
    step = max(1, POINTS_AT_ONCE // leader_TV3.shape[1])
    pieces = []
    for start in range(0, len(leader_TV3), step):
        lead_TV3, follow_TV3 = (vertices[start : start + step] for vertices in (leader_TV3, follower_TV3))
        touching = contacts(lead_TV3, follow_TV3, distance)
        pieces.append(
            Meeting(
                leader_near_TV=touching.leader_near_TV,
                follower_near_TV=touching.follower_near_TV,
                leader_inside_TV=inside(lead_TV3, follow_TV3, faces),
                follower_inside_TV=inside(follow_TV3, lead_TV3, faces),
            )
        )
    return Meeting.joined(pieces)
