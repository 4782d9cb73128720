"""Every metric of the paper, and more, on arrays: usable without the rest of the package.

Joints are (T, J, 3) or (B, T, J, 3), numpy or torch, metres, +Y up, 30 frames per second; J = 55, or 24 or 22 where the
formula allows. ``variant=`` names whose reading a metric is; the default is the one the paper's table is read with.
``docs/metrics.md`` says what each can and cannot tell.
"""

from interdance.metrics.features import cross_distance_features, geometric_features, kinetic_features
from interdance.metrics.fidelity import (
    distance_error,
    drift,
    hand_contact,
    hand_contact_rates,
    held_hand_distances,
    joint_error,
    partner_distance,
)
from interdance.metrics.frechet import degenerate_dimensions, diversity, frechet_distance
from interdance.metrics.interaction import ContactRates, contact_frequency, contact_rates, penetration_rate
from interdance.metrics.plausibility import floating, floor_penetration, foot_skating, jitter, physical_foot_contact
from interdance.metrics.rhythm import beat_align_score, beat_echo_degree, motion_beats
from interdance.metrics.variety import genre_consistency, multimodality

__all__ = [
    "ContactRates",
    "beat_align_score",
    "beat_echo_degree",
    "contact_frequency",
    "contact_rates",
    "cross_distance_features",
    "degenerate_dimensions",
    "distance_error",
    "diversity",
    "drift",
    "floating",
    "floor_penetration",
    "foot_skating",
    "frechet_distance",
    "genre_consistency",
    "geometric_features",
    "hand_contact",
    "hand_contact_rates",
    "held_hand_distances",
    "jitter",
    "joint_error",
    "kinetic_features",
    "motion_beats",
    "multimodality",
    "partner_distance",
    "penetration_rate",
    "physical_foot_contact",
]
