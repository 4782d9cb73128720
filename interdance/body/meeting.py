"""Where the surfaces of two dancers meet, frame by frame: which points touch the partner, and which are inside of the partner.

One definition for what is counted (CF, CLR, CFR and PR) and for what is shown: contact is a distance between surface points,
penetration the winding number of the partner's closed mesh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from interdance.body.distance import inside
from interdance.body.nearest import nearest_distance

PIECE = {"sampled": 512, "full": 48}
"""Frames whose surfaces are in memory at once, by whether those are sampled: 4 and 7 MB per dancer."""


@dataclass(frozen=True)
class Contacts:
    """Contact of surface points in every frame.

    Attributes
    ----------
    leader_TV, follower_TW : bool (T, V), (T, W)
        Whose nearest point of the partner is nearer than the distance of contact.
    gap_TW : float64 (T, W)
        Metres from each of the follower's points to the leader's nearest one; ``inf`` beyond the reach.
    partner_TW : int64 (T, W)
        Which of the leader's points that is; -1 where there is none.
    """

    leader_TV: np.ndarray
    follower_TW: np.ndarray
    gap_TW: np.ndarray
    partner_TW: np.ndarray

    def frames(self) -> np.ndarray:
        """Frames in which the dancers touch, bool (T,); the mean is CF."""
        return np.asarray(self.follower_TW.any(axis=1))


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
class Meeting:
    """A leader and a follower at each other's surface, on the same V points of each.

    Attributes
    ----------
    leader_near_TV, follower_near_TV : bool (T, V)
        In contact with the partner.
    leader_inside_TV, follower_inside_TV : bool (T, V)
        Inside of the partner's closed mesh.
    """

    leader_near_TV: np.ndarray
    follower_near_TV: np.ndarray
    leader_inside_TV: np.ndarray
    follower_inside_TV: np.ndarray

    def contact(self) -> np.ndarray:
        """Frames in which the dancers touch, bool (T,); the mean is CF."""
        return np.asarray(self.follower_near_TV.any(axis=1))

    def penetration(self) -> np.ndarray:
        """Share of the follower's points inside of the leader, float64 (T,); the mean is PR."""
        return np.asarray(self.follower_inside_TV.mean(axis=1))


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
    touching = contacts(leader_TV3, follower_TV3, distance)
    return Meeting(
        leader_near_TV=touching.leader_TV,
        follower_near_TV=touching.follower_TW,
        leader_inside_TV=inside(leader_TV3, follower_TV3, faces),
        follower_inside_TV=inside(follower_TV3, leader_TV3, faces),
    )


def meet_in_pieces(
    leader: Callable[[slice], np.ndarray],
    follower: Callable[[slice], np.ndarray],
    num_frames: int,
    piece: int,
    faces: np.ndarray,
    distance: float,
) -> Meeting:
    """:func:`meet` of surfaces that are given, or made, by pieces of so many frames: no more of them is in memory at once.

    Parameters
    ----------
    leader, follower : callable
        Vertices float (N, V, 3) of a slice of frames, metres.
    num_frames, piece : int
        In all, and at once.
    faces, distance
        As of :func:`meet`.
    """
    slices = [slice(start, start + piece) for start in range(0, num_frames, piece)]
    pieces = [meet(leader(frames), follower(frames), faces, distance) for frames in slices]
    return Meeting(*(np.concatenate([getattr(piece, item.name) for piece in pieces]) for item in fields(Meeting)))
