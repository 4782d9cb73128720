"""The couples of a study: takes that every set has, clips cut from them, and a follower broken on purpose."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.evaluation.files import SYSTEM_NAME, as_motion
from interdance.evaluation.folders import Performance, find_performances, find_seeds, parameters_beside
from interdance.evaluation.reading import Dancer, read, read_together
from interdance.evaluation.run import dance_alike
from interdance.evaluation.settings import Reading
from interdance.study.plan import Clip
from interdance.takes import Motion

logger = logging.getLogger(__name__)

HELD_S = 1 / 3  # a broken follower stays in one pose for so long before she is somewhere else
THROWN = 0.9  # metres between where a broken follower stands and where the true one stood


@dataclass(frozen=True)
class Take:
    """One take of a study: the leader, the song, the true follower, and each set's follower, cut to one length.

    Followers are as their files hold them; :func:`interdance.evaluation.files.as_motion` gives a stretch of one a body.
    """

    name: str
    genre: str
    music: Path
    leader: Motion
    true: Dancer
    followers: Mapping[str, Dancer]

    @property
    def num_frames(self) -> int:
        return self.leader.num_frames


def read_takes(
    sets: Mapping[str, Path], reference: Path, music: Path | None, fps: float, reading: Reading, body: Body
) -> list[Take]:
    """The takes that all sets and the reference have, read; what one of them lacks is left out, and said.

    Parameters
    ----------
    sets : mapping of Path
        System -> folder of its followers, in any layout of :mod:`interdance.evaluation.folders`; of ``seed_<n>`` folders
        the first is taken.
    reference : Path
        Folder of the true couples: leaders, songs, true followers.
    music : Path, optional
        Folder of the songs, when they lie elsewhere.

    Raises
    ------
    InputError
        For fewer than two sets, a name that cannot be used, no common take, a take without song or leader, a set with
        another leader, and whatever cannot be read.
    """
    if len(sets) < 2:
        raise InputError("--set: a study compares two sets or more; give --set NAME=FOLDER for each")
    for name in sets:
        if not SYSTEM_NAME.fullmatch(name):
            raise InputError(f"--set {name}=...: a name of letters, digits, space, . + _ - is needed")
    true = {item.take: item for item in find_performances(reference, music) if item.leader and item.follower}
    if not true:
        raise InputError(f"{reference}: no take with both a leader and a follower; name the folder of the true couples")
    found = {name: _followers(folder, music) for name, folder in sets.items()}
    every = {take for followers in found.values() for take in followers} & set(true)
    common = sorted(take for take in every if all(take in followers for followers in found.values()))
    if not common:
        lacking = next(name for name, followers in found.items() if not set(followers) & set(true)) if not every else None
        where = f"{sets[lacking]} and {reference}" if lacking else f"{', '.join(map(str, sets.values()))} and {reference}"
        raise InputError(f"{where}: no take is in all of them; takes are matched by their names")
    if len(common) < len(every):
        left = sorted(every - set(common))
        logger.info("left out %d takes that not every set has, such as %s", len(left), left[0])
    return [_read_take(true[name], {key: found[key][name] for key in sets}, fps, reading, body) for name in common]


def _followers(folder: Path, music: Path | None) -> dict[str, Performance]:
    place = next(iter(find_seeds(folder).values()))
    return {item.take: item for item in find_performances(place, music) if item.follower is not None}


def _read_take(true: Performance, generated: Mapping[str, Performance], fps: float, reading: Reading, body: Body) -> Take:
    if true.leader is None or true.follower is None:
        raise ValueError(f"take {true.take} has no couple")
    song = true.music or next((item.music for item in generated.values() if item.music), None)
    if song is None or song.suffix == ".npy":
        raise InputError(
            f"{true.leader}: take {true.take} has no song, and one question is about it; lay {true.take}.ogg beside it, or "
            "name the folder of the songs with --music"
        )
    places = {name: parameters_beside(item.follower) for name, item in generated.items() if item.follower is not None}
    dancers = read_together(true.take, (true.leader, true.follower, *places.values()), fps, reading, body)
    leader = dancers[true.leader]
    for item in generated.values():
        place = item.leader or true.leader
        if place != true.leader and not dance_alike(leader, read(place, fps, reading, body), body):
            raise InputError(
                f"{place}: not the leader of take {item.take} in the reference; both sides of a film show the same "
                "leader, so compare followers that were generated for him"
            )
    genre = true.genre or next((item.genre for item in generated.values() if item.genre), "")
    followers = {name: dancers[place] for name, place in places.items()}
    return Take(true.take, genre, song, as_motion(leader, body), dancers[true.follower], followers)


def choose_clips(takes: Sequence[Take], clip_frames: int, num_clips: int, random: np.random.Generator) -> list[Clip]:
    """Clips that do not overlap, drawn by turns from every take, in the order in which they were drawn.

    Raises
    ------
    InputError
        When no take is as long as a clip.
    """
    stretches = []
    for index in random.permutation(len(takes)):
        take = takes[index]
        count = take.num_frames // clip_frames
        spare = take.num_frames - count * clip_frames
        starts = spare // 2 + clip_frames * random.permutation(count)
        stretches.append([Clip(take.name, take.genre, int(start) / take.leader.fps) for start in starts])
    most = max(map(len, stretches))
    if most == 0:
        seconds = clip_frames / takes[0].leader.fps
        raise InputError(f"no take is {seconds:g} s long; give a smaller study.clip_s in params.yaml")
    by_turns = [clips[turn] for turn in range(most) for clips in stretches if turn < len(clips)]
    if len(by_turns) < num_clips:
        logger.info("%d clips instead of %d: the takes hold no more", len(by_turns), num_clips)
    return by_turns[:num_clips]


def broken(motion: Motion, random: np.random.Generator) -> Motion:
    """A follower whom nobody who watches would prefer in anything: three times a second she is in another place beside her
    own, leaning, in a pose of another moment, and stays so until the next time.
    """
    num_held = max(1, round(HELD_S * motion.fps))
    count = -(-motion.num_frames // num_held)
    moments = np.repeat(random.integers(motion.num_frames, size=count), num_held)[: motion.num_frames]
    headings = random.uniform(0.0, 2.0 * np.pi, size=count)
    lean = random.uniform(0.5, 1.0, size=count)
    turned = Rotation.from_euler("yxz", np.stack([headings, lean, np.zeros(count)], axis=1))
    away = THROWN * np.stack([np.sin(headings), np.full(count, 0.25), np.cos(headings)], axis=1)
    rotations_TJ3 = motion.rotations_TJ3[moments].copy()
    turns = Rotation.from_quat(np.repeat(turned.as_quat(), num_held, axis=0)[: motion.num_frames])
    rotations_TJ3[:, 0] = (turns * Rotation.from_rotvec(rotations_TJ3[:, 0])).as_rotvec()
    translation_T3 = motion.translation_T3 + np.repeat(away, num_held, axis=0)[: motion.num_frames]
    return Motion(rotations_TJ3, translation_T3.astype(np.float32), motion.betas, motion.fps)
