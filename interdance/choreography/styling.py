"""How a body carries itself: pelvis and trunk over the feet, head and gaze, breath, free arms and fingers of each genre."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d

from interdance.body.ik import apply, fraction, turn, unit
from interdance.choreography.accents import ARM_ACCENTS, Cues
from interdance.choreography.arms import Arm, mix, palm_offset
from interdance.choreography.couple import Free
from interdance.choreography.curves import ramps
from interdance.choreography.dancer import Dancer
from interdance.choreography.gait import Path, stand
from interdance.choreography.holds import FACING, SIGN, Vector
from interdance.choreography.score import FOLLOWER, LEADER, LEFT, RIGHT, Arms, Genre, Hands, Hold


@dataclass(frozen=True)
class ArmPose:
    """A free arm: the palm from the shoulder in arm lengths, directions of fingers, palm and elbow, all as (outward, up,
    forward) of the chest. With ``on_hip`` the hand lies on the dancer's own hip instead.
    """

    palm: Vector
    fingers: Vector
    normal: Vector
    elbow: Vector
    on_hip: bool = False


_LOW = ArmPose((0.44, -0.82, 0.24), (0.40, -0.85, 0.35), (-0.70, -0.20, -0.55), (0.5, -0.2, -0.85))
_SOFT = ArmPose((0.32, -0.45, 0.47), (-0.25, 0.15, 0.95), (-0.50, -0.80, 0.10), (0.6, -0.7, -0.6))
_SIDE = ArmPose((0.78, -0.10, 0.30), (0.90, -0.05, 0.35), (-0.10, -0.95, 0.25), (0.1, -1.0, -0.5))
_HIGH = ArmPose((0.42, 0.72, 0.22), (0.10, 0.95, -0.10), (-0.60, 0.10, 0.60), (0.9, -0.2, 0.2))
_FIRST = ArmPose((0.02, -0.42, 0.58), (-0.85, -0.20, 0.30), (-0.20, 0.10, -0.95), (0.9, -0.3, 0.1))
_SECOND = ArmPose((0.84, -0.14, 0.34), (0.85, -0.10, 0.40), (-0.20, -0.45, 0.85), (0.2, -0.7, -0.7))
_FIFTH = ArmPose((0.14, 0.84, 0.24), (-0.55, 0.82, 0.10), (-0.62, -0.45, -0.55), (0.95, 0.0, 0.25))
_BAS = ArmPose((0.15, -0.84, 0.30), (-0.60, -0.75, 0.20), (-0.30, 0.30, -0.85), (0.9, 0.1, -0.2))
_AHEAD = ArmPose((0.35, 0.06, 0.84), (0.20, 0.15, 0.95), (-0.10, -0.95, 0.20), (0.6, -0.8, 0.0))
_HIP = ArmPose((0.40, -0.60, 0.10), (0.0, -0.30, 0.95), (-0.95, 0.0, 0.0), (1.0, 0.0, -0.25), on_hip=True)
_RAISED = ArmPose((0.35, 0.86, 0.08), (0.10, 0.95, 0.10), (-0.60, 0.0, 0.75), (0.95, -0.1, 0.1))
_OPEN = ArmPose((0.74, -0.22, 0.42), (0.80, 0.10, 0.50), (-0.30, 0.85, 0.25), (0.3, -0.9, -0.4))
_SKIRT = ArmPose((0.46, -0.80, 0.22), (0.55, -0.78, 0.30), (-0.60, -0.40, -0.55), (0.7, -0.1, -0.7))
_OFFER = ArmPose((0.38, -0.12, 0.80), (0.15, 0.12, 0.95), (-0.25, -0.90, 0.10), (0.6, -0.8, -0.1))
_GUARD = ArmPose((0.18, -0.22, 0.52), (-0.40, 0.50, 0.75), (-0.70, -0.50, -0.20), (0.8, -0.8, -0.2))
_LOOSE = ArmPose((0.34, -0.72, 0.34), (0.10, -0.72, 0.68), (-0.88, -0.10, -0.25), (0.6, -0.3, -0.8))
_CROSS = ArmPose((-0.16, -0.22, 0.52), (-0.80, 0.20, 0.50), (0.0, -0.60, -0.70), (0.8, -0.5, 0.1))
_LOCK = ArmPose((0.42, -0.42, 0.36), (-0.20, -0.70, 0.60), (-0.30, 0.20, -0.80), (1.0, 0.25, -0.1))
_POINT = ArmPose((0.45, 0.45, 0.70), (0.35, 0.50, 0.75), (-0.70, -0.50, 0.10), (0.7, -0.6, 0.0))
_TWIRL = ArmPose((0.48, 0.22, 0.55), (0.10, 0.85, 0.45), (-0.80, 0.0, 0.50), (0.9, -0.5, 0.0))


@dataclass(frozen=True)
class ArmStyle:
    """Free arms of a genre: poses with their chances, beats between changes and for a change, and how much arms sway with
    the weight and pulse with the beat (arm lengths).
    """

    poses: tuple[tuple[float, ArmPose], ...]
    every: float
    change: float
    sway: float
    pulse: float
    alike: float  # chance that both arms do the same


ARM_STYLES: dict[Arms, ArmStyle] = {
    "ballroom": ArmStyle(((1.5, _SOFT), (1.0, _SIDE), (1.0, _LOW)), 6.0, 2.0, 0.06, 0.02, 0.5),
    "latin": ArmStyle(((2.0, _SOFT), (1.2, _SIDE), (0.6, _HIGH), (0.8, _LOW)), 4.0, 1.7, 0.09, 0.03, 0.35),
    "ballet": ArmStyle(
        ((1.0, _FIRST), (1.4, _SECOND), (1.0, _FIFTH), (0.6, _BAS), (0.7, _AHEAD)), 8.0, 3.0, 0.05, 0.02, 0.55
    ),
    "folk": ArmStyle(((2.2, _HIP), (0.8, _RAISED), (0.7, _OPEN)), 8.0, 1.5, 0.04, 0.03, 0.75),
    "court": ArmStyle(((1.6, _SKIRT), (0.8, _OFFER), (0.8, _SECOND)), 6.0, 2.5, 0.04, 0.02, 0.6),
    "hiphop": ArmStyle(
        ((1.2, _GUARD), (1.4, _LOOSE), (0.7, _AHEAD), (0.7, _SIDE), (0.7, _CROSS)), 2.0, 0.8, 0.08, 0.09, 0.45
    ),
    "locking": ArmStyle(
        ((1.5, _LOCK), (0.9, _POINT), (0.9, _TWIRL), (0.8, _LOW), (0.6, _SIDE)), 2.0, 0.65, 0.05, 0.05, 0.5
    ),
}

# Curl of index, middle, little, ring finger and thumb, and spread.
FINGERS: dict[str, tuple[tuple[float, ...], float]] = {
    "relaxed": ((0.28, 0.36, 0.50, 0.44, 0.15), 0.2),
    "ballet": ((0.08, 0.42, 0.20, 0.28, 0.45), 0.35),
    "spread": ((0.05, 0.05, 0.08, 0.05, -0.35), 1.0),
    "fist": ((1.55, 1.65, 1.75, 1.70, 0.75), 0.0),
    "pointing": ((0.0, 1.6, 1.75, 1.70, 0.8), 0.0),
}
MIXED = ("relaxed", "fist", "spread", "relaxed")


@dataclass
class Choice:
    """Which pose and which fingers an arm takes from a beat on."""

    beat: float
    pose: tuple[int, int]
    fingers: tuple[int, int]


@dataclass
class Play:
    """What the free arms of one dancer do over a take: choices in order of their beats."""

    style: ArmStyle
    hands: Hands
    choices: list[Choice] = field(default_factory=list)

    @staticmethod
    def drawn(genre: Genre, beats: float, rng: np.random.Generator) -> Play:
        """Choices for ``beats`` beats."""
        style = ARM_STYLES[genre.arms]
        play = Play(style, genre.hands)
        chances = np.array([chance for chance, _ in style.poses])
        play.choices.append(Choice(-100.0, (0, 0), (0, 0)))  # the first pose of a style is how it begins
        beat = style.every * float(rng.uniform(0.5, 1.0))
        while beat < beats:
            left, right = (int(rng.choice(len(chances), p=chances / chances.sum())) for _ in (LEFT, RIGHT))
            right = left if rng.random() < style.alike else right
            fingers = int(rng.integers(len(MIXED))), int(rng.integers(len(MIXED)))
            play.choices.append(Choice(beat, (left, right), fingers))
            beat += style.every * float(rng.choice([1.0, 1.0, 2.0]))
        return play

    def around(self, beat_T: np.ndarray) -> list[Choice]:
        """The choices that matter between the first and the last of some beats."""
        first = max(0, sum(choice.beat < beat_T[0] - 2.0 * self.style.change for choice in self.choices) - 1)
        last = sum(choice.beat < beat_T[-1] + 2.0 * self.style.change for choice in self.choices)
        return self.choices[first : max(last, first + 1)]


def move_body(
    dancer: Dancer,
    who: int,
    path: Path,
    partner: Path,
    weights: dict[Hold, np.ndarray],
    genre: Genre,
    beat_T: np.ndarray,
    beats_per_bar: int,
    cues: Cues,
    t: np.ndarray,
    knees_2T: np.ndarray,
) -> None:
    """Pelvis, legs, trunk, collar bones and head: weight and bounce from below, partner and music above, breath within."""
    anatomy, style = dancer.anatomy, dancer.style
    zero = np.zeros(len(beat_T))
    closed = weights.get("closed", zero) + weights.get("embrace", zero) + weights.get("waist_shoulder", zero)
    opened = weights.get("promenade", zero)
    bar = 2 * np.pi * (beat_T - 0.35) / beats_per_bar
    rise = -np.cos(bar)
    height = anatomy.standing - genre.flex - style.bounce * genre.bounce * np.cos(2 * np.pi * beat_T) + genre.rise * rise
    toes = 9.0 * genre.rise * np.maximum(rise, 0.0) ** 2
    roll = genre.hips * style.hips * path.weight_T
    stand(dancer, path, height, toes, roll, cues, knees_2T)
    to_partner = np.arctan2(*(partner.place_T2 - path.place_T2).T)
    off = to_partner - path.yaw_T
    lively = 1.0 if genre.hips > 0.04 else 0.4
    weight = gaussian_filter1d(path.weight_T, 2.0, mode="nearest")
    facing = sum(FACING[hold] * share for hold, share in weights.items())
    chest_yaw = path.yaw_T + facing * np.sin(off) + 0.12 * style.flow * weight * lively
    sway = genre.sway * style.sway * gaussian_filter1d(path.weight_T, 4.0, mode="nearest")
    breath = style.breath * np.sin(2.0 * np.pi * 0.28 * t + style.phase)
    pulse = 1.2 * genre.bounce * style.bounce * np.cos(2.0 * np.pi * beat_T - 0.6)
    lean = genre.lean * (1.0 if who == FOLLOWER or genre.lean > 0 else 0.3) * (0.4 + 0.6 * (closed + opened)) + style.lean
    lean = lean + cues.pitch_T + pulse + 0.010 * breath
    chest = turn(1, chest_yaw) @ turn(2, -sway) @ turn(0, lean)
    pelvis = dancer.world_TJ33[:, 0]
    between = np.swapaxes(pelvis, 1, 2) @ chest
    for joint, share in ((3, 0.33), (6, 0.67), (9, 1.0)):
        dancer.world_TJ33[:, joint] = pelvis @ fraction(between, share)
    for side in (LEFT, RIGHT):  # shoulders breathe, and answer the hips
        lift = 0.025 * breath - SIGN[side] * 0.05 * style.flow * lively * weight
        forward = SIGN[side] * 0.06 * style.flow * lively * weight
        collar = turn(2, SIGN[side] * lift) @ turn(1, -SIGN[side] * forward)
        dancer.world_TJ33[:, 13 + side] = dancer.world_TJ33[:, 9] @ collar
    _look(dancer, who, to_partner, chest_yaw, chest, lean - cues.pitch_T, sway, closed, opened, genre, cues, t)


def _look(
    dancer: Dancer,
    who: int,
    to_partner: np.ndarray,
    chest_yaw: np.ndarray,
    chest: np.ndarray,
    lean: np.ndarray,
    sway: np.ndarray,
    closed: np.ndarray,
    opened: np.ndarray,
    genre: Genre,
    cues: Cues,
    t: np.ndarray,
) -> None:
    """Neck, head and eyes: towards the partner or past him as the genre has it, never quite still."""
    style = dancer.style
    look = to_partner - chest_yaw
    wander = 0.10 * np.sin(0.61 * t + style.phase) + 0.06 * np.sin(1.37 * t + 2.3 * style.phase)
    turned = 0.85 * style.gaze * np.sin(look) * (0.75 + 0.25 * np.cos(look)) + wander
    turned = turned + closed * genre.look_left * (1.0 if who == FOLLOWER else 0.7)
    turned = turned + opened * genre.look_left * (-0.5 if who == FOLLOWER else 0.4)
    down = (0.10 if who == LEADER else -0.06) + 0.04 * np.sin(0.83 * t + 1.7 * style.phase)
    nod = down + 0.3 * lean + 0.75 * cues.pitch_T + cues.head_T
    head = turn(1, chest_yaw + turned) @ turn(2, -0.35 * sway) @ turn(0, nod)
    neck = np.swapaxes(chest, 1, 2) @ head
    dancer.world_TJ33[:, 12] = chest @ fraction(neck, 0.45)
    dancer.world_TJ33[:, 15] = dancer.world_TJ33[:, 22] = head
    glance = turn(1, np.clip(0.35 * np.sin(look - turned), -0.3, 0.3)) @ turn(0, -0.3 * cues.pitch_T)
    for eye in (23, 24):
        dancer.world_TJ33[:, eye] = head @ glance


def free_arm(
    dancer: Dancer, side: int, play: Play, beat_T: np.ndarray, balance_T: np.ndarray, cues: Cues, t: np.ndarray
) -> Free:
    """An arm of one's own: from pose to pose with the phrases, swaying with the weight, pulsing with the beat."""
    style, choices = play.style, play.around(beat_T)
    flow, length = dancer.style.flow, arm_length(dancer, side)
    poses = [pose for _, pose in style.poses]
    shares = _shares([(c.beat, c.pose[side]) for c in choices], len(poses), style.change, beat_T)
    swing = gaussian_filter1d(balance_T, 3.0, mode="nearest") * SIGN[side]
    beat = 2.0 * np.pi * beat_T
    slow = 0.02 * np.sin(0.9 * t + dancer.style.phase + side)
    drift = np.stack(
        [flow * style.sway * swing + slow, style.pulse * np.cos(beat - 0.5) * flow + slow, -0.7 * flow * style.sway * swing],
        axis=1,
    )
    arm = _posed(dancer, side, list(zip(shares.T, poses, strict=True)), length * drift)
    for kind in ARM_ACCENTS:
        amount = cues.arms[kind][side]
        if amount.any():
            if kind == "clap":
                other = _clap(dancer, side, cues)
            else:
                pose = {"arms_up": _RAISED, "point": _POINT}[kind]
                other = _posed(dancer, side, [(np.ones(len(t)), pose)], 0.3 * length * drift)
            arm = mix([(1.0 - amount, arm), (amount, other)], dancer.world_TJ33[:, 9], side)
    return Free(arm, *_own_fingers(dancer, side, play, choices, beat_T, cues, t))


def _shares(events: list[tuple[float, int]], count: int, change: float, beat_T: np.ndarray) -> np.ndarray:
    """How much each of ``count`` alternatives is taken (T, count), eased from one to the next."""
    steps = np.zeros((len(events), count))
    for row, (_, which) in enumerate(events):
        steps[row, which] += 1.0
        if row:
            steps[row, events[row - 1][1]] -= 1.0
    start = steps[:1]
    beats = np.array([beat for beat, _ in events[1:]])
    return start + ramps(beat_T, beats, np.full(len(beats), change), steps[1:])


def _posed(dancer: Dancer, side: int, parts: list[tuple[np.ndarray, ArmPose]], drift_T3: np.ndarray) -> Arm:
    """Wishes for a free arm from poses with weights; ``drift_T3`` (outward, up, forward) in metres is added."""
    chest, flip = dancer.world_TJ33[:, 9], np.array([SIGN[side], 1.0, 1.0])
    length, shoulder = arm_length(dancer, side), dancer.joint(16 + side)
    arms, free = [], np.zeros(len(shoulder))
    for weight, pose in parts:
        if not weight.any():
            continue
        palm = shoulder + apply(chest, length * flip * pose.palm)
        normal = apply(chest, unit(flip * np.array(pose.normal)))
        if pose.on_hip:
            palm, outward = dancer.spot(dancer.anatomy.spots["hip", side][0])
            palm, normal = palm + 0.004 * outward, -outward
        else:
            free += weight
        fingers, elbow = (apply(chest, unit(flip * np.array(vector))) for vector in (pose.fingers, pose.elbow))
        arms.append((weight, Arm(palm, fingers, normal, elbow)))
    arm = mix(arms, chest, side)
    between = 1.0 - np.sum([weight**2 for weight, _ in parts], axis=0)
    arm.palm_T3 += free[:, None] * apply(chest, flip * drift_T3)
    arm.palm_T3 += (0.10 * length * between)[:, None] * apply(chest, flip * np.array([0.8, 0.0, 0.6]))  # round the body
    return arm


def arm_length(dancer: Dancer, side: int) -> float:
    """From the shoulder to the palm's middle of a straight arm, metres."""
    return sum(dancer.anatomy.arm_bones[side]) + float(np.linalg.norm(palm_offset(dancer, side)))


def _clap(dancer: Dancer, side: int, cues: Cues) -> Arm:
    """One of two clapping hands, before the chest."""
    chest, flip = dancer.world_TJ33[:, 9], np.array([SIGN[side], 1.0, 1.0])
    apart = 0.008 + 0.16 * (1.0 - cues.together_T)
    local = np.stack([SIGN[side] * apart, np.full_like(apart, 0.10), 0.36 - 0.3 * (apart - 0.008)], axis=1)
    directions = (flip * unit(np.array(v)) for v in ((-0.10, 0.65, 0.75), (-1.0, 0.0, 0.0), (0.8, -0.6, 0.0)))
    return Arm(dancer.joint(9) + apply(chest, local), *(apply(chest, direction) for direction in directions))


def _own_fingers(
    dancer: Dancer, side: int, play: Play, choices: list[Choice], beat_T: np.ndarray, cues: Cues, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Curl (T, 5), spread (T,) and life (T, 4) of fingers: the genre's way, with a slow life of each finger's own."""
    if play.hands == "mixed":
        names = MIXED
        shares = _shares([(c.beat, c.fingers[side]) for c in choices], len(names), 0.8 * play.style.change, beat_T)
    else:
        names, shares = (play.hands,), np.ones((len(t), 1))  # type: ignore[assignment]
    curl = shares @ np.array([FINGERS[name][0] for name in names])
    spread = shares @ np.array([FINGERS[name][1] for name in names])
    point = cues.arms["point"][side]
    curl = (1.0 - point)[:, None] * curl + point[:, None] * np.array(FINGERS["pointing"][0])
    flat = np.maximum(cues.arms["clap"][side], cues.arms["arms_up"][side] * 0.5)
    curl = (1.0 - flat)[:, None] * curl + 0.05 * flat[:, None]
    phases = dancer.style.phase + 1.7 * np.arange(5) + 0.9 * side
    life = 0.07 * np.sin(1.1 * t[:, None] + phases) + 0.04 * np.sin(np.pi * beat_T[:, None] / 2.0 + phases)
    own = np.sin(1.3 * t[:, None] + phases[:4])
    return curl * (0.55 + 0.45 * dancer.style.curl) + life * (curl < 1.2), spread, own
