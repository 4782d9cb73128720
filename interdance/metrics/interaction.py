"""Contact and penetration: what the surfaces of the two dancers do to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from interdance.body.distance import inside
from interdance.body.nearest import nearest_distance
from interdance.errors import InputError
from interdance.metrics.features import as_joints, is_batch


@dataclass(frozen=True)
class ContactRates:
    """Contact of two dancers, shares in 0..1.

    Attributes
    ----------
    cf : float
        Contact frequency: frames in which any two vertices are in contact.
    clr, cfr, cvr : float
        Share of the leader's, of the follower's vertices in contact over all frames, and the mean of the two.
    contact_T, leader_rate_T, follower_rate_T : arrays (T,)
        The same frame by frame (clips of a batch one after the other).
    """

    cf: float
    clr: float
    cfr: float
    cvr: float
    contact_T: np.ndarray
    leader_rate_T: np.ndarray
    follower_rate_T: np.ndarray


def contact_rates(leader_vertices: Any, follower_vertices: Any, distance: float = 0.01) -> ContactRates:
    """CF, CLR, CFR and CVR by unsigned vertex-to-vertex distance, frames pooled.

    Parameters
    ----------
    leader_vertices, follower_vertices : array (T, V, 3) or (B, T, V, 3)
        Surface vertices, metres; the 655 by default, any mesh allowed. Rates depend on the vertex set: name it.
    distance : float
        Vertices strictly nearer than this are in contact, metres.
    """
    lead, follow = _pair(leader_vertices, follower_vertices)
    leader_near = np.isfinite(nearest_distance(lead, follow, distance)[0])
    follower_near = np.zeros(follow.shape[:2], bool)
    touched = leader_near.any(axis=1)
    follower_near[touched] = np.isfinite(nearest_distance(follow[touched], lead[touched], distance)[0])
    clr, cfr = float(leader_near.mean()), float(follower_near.mean())
    return ContactRates(
        cf=float(touched.mean()),
        clr=clr,
        cfr=cfr,
        cvr=(clr + cfr) / 2,
        contact_T=touched,
        leader_rate_T=leader_near.mean(axis=1),
        follower_rate_T=follower_near.mean(axis=1),
    )


def penetration_rate(leader_vertices: Any, follower_vertices: Any, faces: np.ndarray) -> float:
    """PR: share of the follower's vertices inside the leader's closed mesh (winding number > 0.5), over all frames.

    Parameters
    ----------
    leader_vertices, follower_vertices : array (T, V, 3) or (B, T, V, 3)
        Surface vertices, metres; the leader's are those ``faces`` (F, 3) point to.
    """
    return float(penetrating(leader_vertices, follower_vertices, faces).mean())


def penetrating(leader_vertices: Any, follower_vertices: Any, faces: np.ndarray) -> np.ndarray:
    """Which follower vertices are inside the leader's mesh, bool (T, V), the clips of a batch one after the other."""
    lead, follow = _pair(leader_vertices, follower_vertices)
    return inside(follow, lead, faces)


def held_hand_distances(leader_vertices: Any, follower_hand: Any, true_hand: Any, held: float) -> np.ndarray:
    """How far a hand is from the leader in the frames in which the true follower's hand touches the leader.

    Parameters
    ----------
    leader_vertices : array (T, V, 3)
        The leader's surface, metres.
    follower_hand, true_hand : array (T, H, 3)
        The same points of one hand of the measured and of the true follower.
    held : float
        The true hand touches when its nearest point is nearer to a leader vertex than this, metres.

    Returns
    -------
    float64 (T,)
        Least distance of the measured hand to a leader vertex, metres; NaN in frames in which nothing is touched.
    """
    lead = as_joints(leader_vertices, "leader_vertices")[0]
    follow, true = as_joints(follower_hand, "follower_hand")[0], as_joints(true_hand, "true_hand")[0]
    touched = np.isfinite(nearest_distance(true, lead, held)[0]).any(axis=1)
    distance = np.full(len(lead), np.nan)
    distance[touched] = nearest_distance(follow[touched], lead[touched], np.inf)[0].min(axis=1)
    return distance


def _pair(leader_vertices: Any, follower_vertices: Any) -> tuple[np.ndarray, np.ndarray]:
    lead, follow = as_joints(leader_vertices, "leader_vertices"), as_joints(follower_vertices, "follower_vertices")
    if lead.shape[:2] != follow.shape[:2] or is_batch(leader_vertices) != is_batch(follower_vertices):
        raise InputError(
            f"leader {lead.shape[:2]} and follower {follow.shape[:2]}: the same clips and frames are needed"
        )
    return lead.reshape(-1, *lead.shape[2:]), follow.reshape(-1, *follow.shape[2:])
