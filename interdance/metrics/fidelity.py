"""A follower beside the true follower of the same leader: how near, and whether hands touch where they should.

A follower may be good and still differ from the true one, who is one of many: these figures tell a copy from a stranger,
not a good dance from a bad one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from interdance.body.nearest import nearest_distance
from interdance.errors import InputError
from interdance.metrics.features import as_joints

PELVIS = 0


def joint_error(follower: Any, true: Any) -> np.ndarray:
    """Mean distance of the joints to the true follower's, metres, (T,) (clips of a batch one after the other).

    Parameters
    ----------
    follower, true : array (T, J, 3) or (B, T, J, 3)
        World coordinates, metres.
    """
    a, b = _alike(follower, true)
    return np.linalg.norm(a - b, axis=-1).mean(axis=-1).reshape(-1)


def partner_distance(leader: Any, follower: Any) -> np.ndarray:
    """Distance between the two pelvises over the floor (x and z), metres, (T,) or (B, T) flattened."""
    a, b = _alike(leader, follower)
    return np.linalg.norm((a - b)[:, :, PELVIS][..., [0, 2]], axis=-1).reshape(-1)


def distance_error(leader: Any, follower: Any, true: Any) -> np.ndarray:
    """How far the distance to the leader is from the true couple's, metres, (T,); see :func:`partner_distance`."""
    return np.abs(partner_distance(leader, follower) - partner_distance(leader, true))


def drift(error_T: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares slope of an error over a take's time, as per-frame parts of a ratio.

    The slope, in the error's unit per second, is ``top.sum() / bottom.sum()``; sums over several takes give the pooled
    slope within takes. A constant error has slope 0, one that grows from the start to the end a positive one.

    Parameters
    ----------
    error_T : array (T,)
        One take from its first frame on.
    fps : float
        Frames per second.

    Returns
    -------
    top_T, bottom_T : float64 (T,)
        A single frame has no slope: both are 0.
    """
    error = np.asarray(error_T, np.float64)
    time = np.arange(len(error)) / fps
    centred = time - time.mean()
    return centred * (error - error.mean()), centred**2


def hand_contact(leader_vertices: Any, hand: Any, distance: float) -> np.ndarray:
    """Frames in which a hand touches the leader: its nearest point is nearer to a leader vertex than ``distance``.

    Parameters
    ----------
    leader_vertices : array (T, V, 3)
        The leader's surface, metres.
    hand : array (T, H, 3)
        Surface points of one hand of the follower.
    distance : float
        Metres.

    Returns
    -------
    bool (T,)
    """
    lead, points = as_joints(leader_vertices, "leader_vertices")[0], as_joints(hand, "hand")[0]
    _, nearest_TH = nearest_distance(points, lead, distance)
    return np.asarray(nearest_TH.max(axis=1) >= 0)


def hand_contact_rates(touches: np.ndarray, truly: np.ndarray) -> tuple[float | None, float | None]:
    """Precision and recall of hand contact against the true follower's.

    Parameters
    ----------
    touches, truly : bool array, equal shapes
        :func:`hand_contact` of the measured and of the true follower, both hands in any order.

    Returns
    -------
    precision : float or None
        Of the touches there are, the share the true follower has too; None when there is no touch.
    recall : float or None
        Of the true follower's touches, the share that is there; None when the true follower never touches.
    """
    a, b = np.asarray(touches, bool), np.asarray(truly, bool)
    if a.shape != b.shape:
        raise InputError(f"hand contact of shape {a.shape} against {b.shape}: the same frames are needed")
    both = int((a & b).sum())
    return (both / int(a.sum()) if a.any() else None), (both / int(b.sum()) if b.any() else None)


def held_hand_distances(leader_vertices: Any, hand: Any, truly_T: np.ndarray) -> np.ndarray:
    """How far a hand is from the leader in the frames in which the true follower's hand touches.

    Parameters
    ----------
    leader_vertices : array (T, V, 3)
        The leader's surface, metres.
    hand : array (T, H, 3)
        Surface points of the measured follower's hand.
    truly_T : bool array (T,)
        :func:`hand_contact` of the true follower's same hand.

    Returns
    -------
    float64 (T,)
        Least distance of the hand to a leader vertex, metres; NaN in the other frames.
    """
    lead, points = as_joints(leader_vertices, "leader_vertices")[0], as_joints(hand, "hand")[0]
    distance = np.full(len(lead), np.nan)
    distance[truly_T] = nearest_distance(points[truly_T], lead[truly_T], np.inf)[0].min(axis=1)
    return distance


def _alike(one: Any, other: Any) -> tuple[np.ndarray, np.ndarray]:
    a, b = as_joints(one, "the first dancer"), as_joints(other, "the second dancer")
    if a.shape != b.shape:
        raise InputError(f"{a.shape} against {b.shape}: the same clips, frames and joints are needed")
    return a, b
