"""NN-motion (Appendix A): the follower of the training clip whose leader moved most like this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from interdance.representation.canonical import clip, leader_frame, rebase
from interdance.representation.layout import LAYOUT


class NearestMotion:
    """A library of training clips, searched by the mean squared error of the leader's motion.

    Parameters
    ----------
    takes
        Pairs (leader_TC, follower_TC) of training takes, un-normalised, in the world; memory maps will do, and are kept.
    clip_frames, stride
        Length of the clips and frames between their starts.
    """

    def __init__(self, takes: Iterable[tuple[np.ndarray, np.ndarray]], *, clip_frames: int, stride: int) -> None:
        self.clip_frames = clip_frames
        self.sources: list[tuple[np.ndarray, np.ndarray, int]] = []
        keys = []
        for leader_TC, follower_TC in takes:
            for start in range(0, len(leader_TC) - clip_frames + 1, stride):
                keys.append(_key(leader_TC, start, start + clip_frames))
                self.sources.append((leader_TC, follower_TC, start))
        if not keys:
            raise ValueError(f"no training take is {clip_frames} frames long; lower evaluate.clip_frames")
        self.keys = np.stack(keys)

    def follow(self, leader_TC: np.ndarray) -> np.ndarray:
        """Answer a leader (T, 4978), un-normalised, in the world, with a follower of the same length in the same world.

        The take is answered clip by clip, the last one cut short. Each answer stands to this leader as it stood to its own.
        """
        return np.concatenate(list(self._clips(leader_TC)))

    def _clips(self, leader_TC: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(leader_TC), self.clip_frames):
            stop = min(start + self.clip_frames, len(leader_TC))
            key = _key(leader_TC, start, stop)
            # A shorter last clip is compared with the beginnings of the library's.
            distance = ((self.keys[:, : len(key)] - key) ** 2).mean(axis=(1, 2))
            other_TC, follower_TC, place = self.sources[int(distance.argmin())]
            there = leader_frame(clip(other_TC, place, place + stop - start))
            here = leader_frame(clip(leader_TC, start, stop))
            yield rebase(clip(follower_TC, place, place + stop - start), here.inverse().compose(there))


def _key(leader_TC: np.ndarray, start: int, stop: int) -> np.ndarray:
    """What clips are compared by, (frames, 169): the leader's root and joints, in the clip's own frame, metres.

    Labels are left out, since the leader's contact labels would betray the follower, and so are the vertices, which say how
    stout the dancer is.
    """
    part = rebase(clip(leader_TC, start, stop), leader_frame(clip(leader_TC, start, stop)))
    root = part[:, LAYOUT["root_position"].start : LAYOUT["root_yaw"].stop]
    return np.concatenate([root, part[:, LAYOUT["joints"]]], axis=1).astype(np.float32)


