"""Every metric of the paper, on arrays: usable without the rest of the package.

Joints are (T, J, 3) or (B, T, J, 3), numpy or torch, metres, +Y up, 30 frames per second. ``variant=`` names whose
reading a metric is; the default is the one the paper's table is read with.
"""

from interdance.metrics.features import cross_distance_features, geometric_features, kinetic_features
from interdance.metrics.frechet import degenerate_dimensions, diversity, frechet_distance
from interdance.metrics.interaction import ContactRates, contact_rates, held_hand_distances, penetration_rate
from interdance.metrics.plausibility import floor_penetration, foot_skating, jitter, physical_foot_contact
from interdance.metrics.rhythm import beat_align_score, beat_echo_degree, motion_beats

__all__ = [
    "ContactRates",
    "beat_align_score",
    "beat_echo_degree",
    "contact_rates",
    "cross_distance_features",
    "degenerate_dimensions",
    "diversity",
    "floor_penetration",
    "foot_skating",
    "frechet_distance",
    "geometric_features",
    "held_hand_distances",
    "jitter",
    "kinetic_features",
    "motion_beats",
    "penetration_rate",
    "physical_foot_contact",
]
