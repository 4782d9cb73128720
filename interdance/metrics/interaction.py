"""Contact and penetration: what the surfaces of the two dancers do to each other.

Rates depend on how densely a surface is sampled: say which vertices they were measured on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from interdance.body.distance import inside
from interdance.body.intersection import surfaces_meet
from interdance.body.meeting import contacts
from interdance.errors import InputError
from interdance.metrics.features import as_joints, check_variant, is_batch

ContactVariant = Literal["interdance", "duolando"]

INFLATION = 0.01  # metres along the vertex normals before meshes are tested for intersection (Duolando)


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
    follower_partner_TV : int64 (T, V)
        The leader's vertex nearest to each follower vertex that is in contact; -1 for the others.
    """

    cf: float
    clr: float
    cfr: float
    cvr: float
    contact_T: np.ndarray
    leader_rate_T: np.ndarray
    follower_rate_T: np.ndarray
    follower_partner_TV: np.ndarray


def contact_rates(
    leader_vertices: Any,
    follower_vertices: Any,
    distance: float = 0.01,
    variant: Literal["interdance"] = "interdance",
) -> ContactRates:
    """CF, CLR, CFR and CVR by unsigned vertex-to-vertex distance, frames pooled (paper, §5 and Appendix E).

    Parameters
    ----------
    leader_vertices, follower_vertices : array (T, V, 3) or (B, T, V, 3)
        Surface vertices, metres; the 655 by default, any mesh allowed. Rates depend on the vertex set: name it.
    distance : float
        Vertices strictly nearer than this are in contact, metres.
    variant : str
        ``interdance``; CF as Duolando reads it is :func:`contact_frequency`.

    Raises
    ------
    InputError
        For other shapes, unequal clips or frames, no frame, NaN or infinity.
    """
    check_variant(variant, ("interdance",))
    lead, follow = _pair(leader_vertices, follower_vertices)
    touching = contacts(lead, follow, distance)
    touched = touching.contact()
    clr, cfr = float(touching.leader_near_TV.mean()), float(touching.follower_near_TV.mean())
    return ContactRates(
        cf=float(touched.mean()),
        clr=clr,
        cfr=cfr,
        cvr=(clr + cfr) / 2,
        contact_T=touched,
        leader_rate_T=touching.leader_near_TV.mean(axis=1),
        follower_rate_T=touching.follower_near_TV.mean(axis=1),
        follower_partner_TV=touching.partner_TW,
    )


def contact_frequency(
    leader_vertices: Any,
    follower_vertices: Any,
    variant: ContactVariant = "interdance",
    *,
    distance: float = 0.01,
    faces: np.ndarray | None = None,
    follower_faces: np.ndarray | None = None,
) -> float:
    """CF: share of frames in which the dancers touch.

    Parameters
    ----------
    leader_vertices, follower_vertices : array (T, V, 3) or (B, T, V, 3)
        Surface vertices, metres.
    variant : str
        ``interdance`` (default): two vertices are nearer than ``distance``. ``duolando``: each mesh is inflated by
        ``distance`` along its vertex normals, and a triangle of one then intersects a triangle of the other.
    distance : float
        Metres.
    faces, follower_faces : int array (F, 3)
        Triangles, counter-clockwise from outside; ``duolando`` needs them. The follower's are the leader's by default.

    Raises
    ------
    InputError
        As :func:`contact_rates`, or when ``duolando`` is asked for without faces.
    """
    check_variant(variant, ("interdance", "duolando"))
    if variant == "interdance":
        return contact_rates(leader_vertices, follower_vertices, distance).cf
    if faces is None:
        raise InputError("variant 'duolando' tests triangles: pass faces, the triangles (F, 3) of the leader's mesh")
    return float(meshes_touch(leader_vertices, follower_vertices, faces, follower_faces, distance).mean())


def meshes_touch(
    leader_vertices: Any,
    follower_vertices: Any,
    faces: np.ndarray,
    follower_faces: np.ndarray | None = None,
    distance: float = INFLATION,
) -> np.ndarray:
    """Frames in which the inflated meshes intersect, bool (T,): CF of Duolando, frame by frame; clips one after the other."""
    lead, follow = _pair(leader_vertices, follower_vertices)
    return surfaces_meet(lead, follow, faces, faces if follower_faces is None else follower_faces, inflation=distance)


def penetration_rate(
    leader_vertices: Any, follower_vertices: Any, faces: np.ndarray, variant: Literal["interdance"] = "interdance"
) -> float:
    """PR: share of the follower's vertices inside the leader's closed mesh (winding number > 0.5), over all frames.

    Parameters
    ----------
    leader_vertices, follower_vertices : array (T, V, 3) or (B, T, V, 3)
        Surface vertices, metres; the leader's are those ``faces`` (F, 3) point to.
    variant : str
        ``interdance``: the paper's words (§5), METRICS.md's reading.

    Raises
    ------
    InputError
        As :func:`contact_rates`.
    """
    check_variant(variant, ("interdance",))
    return float(penetrating(leader_vertices, follower_vertices, faces).mean())


def penetrating(leader_vertices: Any, follower_vertices: Any, faces: np.ndarray) -> np.ndarray:
    """Which follower vertices are inside the leader's mesh, bool (T, V), the clips of a batch one after the other."""
    lead, follow = _pair(leader_vertices, follower_vertices)
    return inside(follow, lead, faces)


def _pair(leader_vertices: Any, follower_vertices: Any) -> tuple[np.ndarray, np.ndarray]:
    lead, follow = as_joints(leader_vertices, "leader_vertices"), as_joints(follower_vertices, "follower_vertices")
    if lead.shape[:2] != follow.shape[:2] or is_batch(leader_vertices) != is_batch(follower_vertices):
        raise InputError(f"leader {lead.shape[:2]} and follower {follow.shape[:2]}: the same clips and frames are needed")
    return lead.reshape(-1, *lead.shape[2:]), follow.reshape(-1, *follow.shape[2:])
