"""Several followers of one leader put in order: who holds on, keeps out of the leader's body, and dances on the beat.

Our choice: each of the three is a rank among the followers, and the mean of the three ranks decides. Ranks need no weights
between a contact frequency, a rate of a per cent, and a nearness of beats, and one bad figure cannot outweigh the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import rankdata

from interdance.body.meeting import Meeting
from interdance.body.skeleton import NUM_JOINTS
from interdance.metrics.rhythm import alignment, echo, motion_beats


@dataclass(frozen=True)
class Figures:
    """What a follower is ranked by, shares in 0..1.

    Attributes
    ----------
    contact_frequency : float
        CF with the leader, on the 655 vertices; more is better.
    penetration_rate : float
        PR, likewise; less is better.
    beat : float
        Mean of BED (leader) and BAS (music), or the one of them that there are beats for; 0 without any. More is better.
    """

    contact_frequency: float
    penetration_rate: float
    beat: float

    @staticmethod
    def of(leader_TP3: np.ndarray, follower_TP3: np.ndarray, music_beats: np.ndarray, meeting: Meeting) -> Figures:
        """Measure a follower (T, 710, 3) with her leader (T, 710, 3), who meet so; ``music_beats`` are frames."""
        theirs, hers = (motion_beats(points_TP3[:, :NUM_JOINTS]) for points_TP3 in (leader_TP3, follower_TP3))
        scores = [score for score in (echo(theirs, hers), alignment(hers, music_beats, len(follower_TP3))) if score is not None]
        return Figures(
            contact_frequency=float(meeting.contact().mean()),
            penetration_rate=float(meeting.penetration().mean()),
            beat=float(np.mean(scores)) if scores else 0.0,
        )

    def rounded(self) -> dict[str, float]:
        """For a file."""
        return {name: round(value, 5) for name, value in asdict(self).items()}


def in_order(followers: Sequence[Figures]) -> list[int]:
    """Indices of the followers, the best first; of equal ones the first stays first."""
    columns = [[-item.contact_frequency for item in followers], [item.penetration_rate for item in followers]]
    ranks = rankdata([*columns, [-item.beat for item in followers]], axis=1).mean(axis=0)
    return [int(index) for index in np.argsort(ranks, kind="stable")]
