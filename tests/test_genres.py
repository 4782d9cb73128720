"""Fifteen genres as people dance them: feet, steps, turns, frames and metres of every figure, alone and in a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import atan2, cos, hypot, pi, radians, sin

import numpy as np
import pytest

from interdance.choreography.footing import clear, settled
from interdance.choreography.genres import GENRES
from interdance.choreography.pen import Pen, home
from interdance.choreography.score import BOTH, FOLLOWER, LEADER, LEFT, RIGHT, Accent, Figure, Genre, Hold, Room
from interdance.music.synth import METRES

#: genre -> category, beats per bar, slowest and fastest tempo
DANCES = {
    "waltz": ("ballroom", 3, 84, 96),
    "tango": ("ballroom", 4, 116, 130),
    "foxtrot": ("ballroom", 4, 112, 124),
    "rumba": ("ballroom", 4, 96, 108),
    "cha_cha": ("ballroom", 4, 112, 128),
    "salsa": ("ballroom", 4, 170, 210),
    "bachata": ("ballroom", 4, 118, 136),
    "swing": ("ballroom", 4, 130, 180),
    "polka": ("folk", 2, 104, 120),
    "csardas": ("folk", 4, 130, 170),
    "landler": ("folk", 3, 96, 120),
    "minuet": ("classical", 3, 100, 116),
    "pas_de_deux": ("classical", 4, 66, 80),
    "hiphop": ("street", 4, 88, 104),
    "locking": ("street", 4, 104, 116),
}
FIRST_FOOT = dict.fromkeys(DANCES, LEFT) | {"cha_cha": RIGHT}  # a cha-cha figure begins on "one", on his right
HALF_BARS = {"swing", "foxtrot"}  # six-count figures
STRIDE = 0.80  # metres between the two feet of one dancer
FOOT_SPEED = 3.2  # metres per second, mean over a swing
TURN_RATE = 1.55  # whole turns per second
FACING = {"closed", "embrace", "waist_shoulder", "two_hands"}


@dataclass(frozen=True)
class Landing:
    time: float
    foot: int
    place: tuple[float, float, float]  # x, z, yaw of the dancer
    ball: tuple[float, float]
    commit: float


def rooms(genre: Genre, count: int) -> list[Room]:
    """Distances and step sizes of couples of many shapes."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng([7, seed])
        fronts, legs = float(rng.uniform(0.33, 0.39)), float(rng.uniform(0.73, 0.83))
        size = float(rng.uniform(*genre.size)) * legs / 0.8
        beside, behind = float(rng.uniform(0.38, 0.44)), float(rng.uniform(0.31, 0.36))
        gaps = (fronts + genre.gap_close, fronts + genre.gap_open)
        found.append(Room(*gaps, genre.aside, size, fronts + genre.gap_apart, beside, behind))
    return found


@lru_cache(maxsize=64)
def figures_of(name: str) -> tuple[tuple[Room, Figure], ...]:
    """Every figure of a genre for several couples and seeds."""
    genre = GENRES[name]
    return tuple(
        (room, writer(room, np.random.default_rng([seed, 5])))
        for room in rooms(genre, 4)
        for _, writer in genre.figures
        for seed in range(3)
    )


def names_of(genre: str) -> list[str]:
    return sorted({figure.name for _, figure in figures_of(genre)})


CASES = [(genre, figure) for genre in GENRES for figure in names_of(genre)]


def chosen(genre: str, name: str) -> list[tuple[Room, Figure]]:
    return [(room, figure) for room, figure in figures_of(genre) if figure.name == name]


def compose(at: tuple[float, float, float], local: tuple[float, float, float]) -> tuple[float, float, float]:
    x, z, yaw = at
    return x + local[0] * cos(yaw) + local[1] * sin(yaw), z - local[0] * sin(yaw) + local[1] * cos(yaw), yaw + local[2]


def ball(place: tuple[float, float, float], foot: int) -> tuple[float, float]:
    side, ahead = (0.09 if foot == LEFT else -0.09), 0.11
    x, z, yaw = place
    return x + side * cos(yaw) + ahead * sin(yaw), z - side * sin(yaw) + ahead * cos(yaw)


def danced(figures: list[Figure], beat_s: float) -> tuple[list[list[Landing]], list[tuple[float, Hold]]]:
    """Landings of both, the places they start from first, and holds, of figures one after the other."""
    at, start, turned = (0.0, 0.0, 0.0), 0.0, [0.0, 0.0]
    half = 0.5 * figures[0].gap
    rows: list[list[Landing]] = []
    for place in ((0.0, -half, 0.0), (0.0, half, pi)):
        rows.append([Landing(-1.0, foot, place, ball(place, foot), 0.9) for foot in (LEFT, RIGHT)])
    holds: list[tuple[float, Hold]] = []
    for figure in figures:
        for who in BOTH:
            for step in figure.steps[who]:
                yaw = step.yaw + turned[who] + (pi if who == FOLLOWER else 0.0)
                place = compose(at, (step.x, step.z, yaw))
                time = (start + step.beat) * beat_s
                rows[who].append(Landing(time, step.foot, place, ball(place, step.foot), step.commit))
            last = figure.steps[who][-1].yaw - figure.end[2]
            turned[who] += 2 * pi * round(last / (2 * pi))
        holds += [((start + beat) * beat_s, hold) for beat, hold in figure.holds]
        at, start = compose(at, figure.end), start + figure.beats
    return rows, holds


@lru_cache(maxsize=16)
def rows_of(genre: str) -> list[tuple[str, list[list[Landing]], list[tuple[float, Hold]], Room]]:
    """Dances at the fastest tempo: all figures of a genre, shuffled, so that many follow each other."""
    beat_s = 60.0 / DANCES[genre][3]
    result = []
    for number, room in enumerate(rooms(GENRES[genre], 4)):
        rng = np.random.default_rng([11, number])
        drawn = [writer(room, rng) for _, writer in GENRES[genre].figures for _ in range(2)]
        order = rng.permutation(len(drawn))
        figures = [drawn[place] for place in order]
        rows, holds = danced(figures, beat_s)
        result.append((" ".join(figure.name for figure in figures), rows, holds, room))
    return result


def named(figures: str, genre: str, time: float) -> str:
    """For messages: which figure is danced at ``time``."""
    beat_s, start = 60.0 / DANCES[genre][3], 0.0
    lengths = {figure.name: figure.beats for _, figure in figures_of(genre)}
    for name in figures.split():
        if time < (start + lengths[name]) * beat_s - 1e-9:
            return f"{genre}.{name} at beat {time / beat_s - start:.2f}"
        start += lengths[name]
    return genre


# ---------------------------------------------------------------------------------------------------------- the spread


def test_fifteen_genres_of_four_kinds_as_the_music_has_them() -> None:
    assert {name: genre.category for name, genre in GENRES.items()} == {name: row[0] for name, row in DANCES.items()}
    assert len(GENRES) == 15 and len({genre.category for genre in GENRES.values()}) == 4
    for name in GENRES.keys() & METRES.keys():
        metre = METRES[name]
        assert (metre.beats_per_bar, metre.tempo_low, metre.tempo_high) == DANCES[name][1:], name


@pytest.mark.parametrize("name", list(GENRES))
def test_a_genre_has_the_figures_that_make_it(name: str) -> None:
    """Basic, travelling or turning, a turn of one's own, another frame; and what marks the family."""
    figures = [figure for _, figure in figures_of(name)]
    names = {figure.name for figure in figures}
    assert 6 <= len(names) <= 12 and len(names) == len(GENRES[name].figures)
    holds = {figure.name: {hold for _, hold in figure.holds} for figure in figures}
    all_holds = set().union(*holds.values())
    accents = {accent.kind for figure in figures for accent in figure.accents}
    assert max(abs(figure.end[2]) + hypot(*figure.end[:2]) for figure in figures) > 0.4, "nothing travels or turns"
    whole = [abs(own_turn(figure, who)) for figure in figures for who in BOTH]
    assert max(whole) > 1.9 * pi, "nobody turns round"
    assert all_holds & {"side_by_side", "promenade", "shadow", "apart"}, "one frame only"
    if GENRES[name].category == "street":
        apart = [figure for figure in figures if {hold for _, hold in figure.holds} == {"apart"}]
        assert len(apart) > 0.6 * len(figures) and {"clap", "crouch", "kick"} <= accents
    elif GENRES[name].category == "ballroom":
        assert "turn" in all_holds and {"closed", "embrace"} & all_holds
    if name in ("waltz", "tango", "foxtrot", "salsa", "bachata", "pas_de_deux"):
        assert "dip" in accents
        for figure in figures:
            for accent in figure.accents:
                if accent.kind == "dip":
                    hold = hold_at(figure, accent.beat + 0.5 * accent.beats)
                    assert hold in ("closed", "embrace"), (figure.name, hold)
    if name in ("polka", "csardas", "swing"):
        assert {"kick", "jump", "knee"} & accents
    if name in ("salsa", "landler", "locking"):
        assert any(is_back_to_back(figure) for figure in figures)
    if name == "locking":
        assert {"point", "clap", "kick", "arms_up", "knee"} <= accents


def own_turn(figure: Figure, who: int) -> float:
    """The farthest that a dancer turns from how he faced the partner, radians."""
    return max((step.yaw for step in figure.steps[who]), key=abs)


def hold_at(figure: Figure, beat: float) -> str:
    return [hold for time, hold in figure.holds if time <= beat][-1]


def is_back_to_back(figure: Figure) -> bool:
    """Somewhere each has the other behind."""
    for step in figure.steps[LEADER]:
        beside = [other for other in figure.steps[FOLLOWER] if other.beat == step.beat]
        if beside:
            to = atan2(beside[0].x - step.x, beside[0].z - step.z)
            if cos(step.yaw - to) < -0.3 and cos(beside[0].yaw - to) < -0.3:
                return True
    return False


@pytest.mark.parametrize("name", list(GENRES))
def test_figures_vary_and_come_from_the_seed(name: str) -> None:
    room = rooms(GENRES[name], 1)[0]
    varying = 0
    for _, writer in GENRES[name].figures:
        first, again = (writer(room, np.random.default_rng(3)) for _ in range(2))
        assert first == again
        varying += any(writer(room, np.random.default_rng(seed)) != first for seed in range(12))
    assert varying >= 3


# ------------------------------------------------------------------------------------------------------- every figure


@pytest.mark.parametrize(("genre", "name"), CASES)
def test_feet_alternate_in_time_and_end_as_they_began(genre: str, name: str) -> None:
    for _, figure in chosen(genre, name):
        assert figure.beats % DANCES[genre][1] == 0 or genre in HALF_BARS and figure.beats % 2 == 0
        for steps, first in zip(figure.steps, (FIRST_FOOT[genre], 1 - FIRST_FOOT[genre]), strict=True):
            beats = [step.beat for step in steps]
            assert beats == sorted(set(beats)) and beats[0] >= 0 and beats[-1] < figure.beats
            free = first
            for step in steps:
                assert step.foot == free, step
                free = 1 - free if step.commit > 0 else free
            assert free == first


@pytest.mark.parametrize(("genre", "name"), CASES)
def test_holds_and_accents_are_in_order_and_come_home(genre: str, name: str) -> None:
    for _, figure in chosen(genre, name):
        times = [beat for beat, _ in figure.holds]
        assert times[0] == 0.0 and times == sorted(times) and times[-1] < figure.beats
        assert all(a != b for (_, a), (_, b) in zip(figure.holds[:-1], figure.holds[1:], strict=True))
        for accent in figure.accents:
            assert accent.beat >= -0.8 and accent.beat + accent.beats <= figure.beats + 0.6 and accent.beats > 0.4
            assert 0.1 <= abs(accent.amount) <= 1.3 and (accent.amount > 0 or accent.kind == "kick")


@pytest.mark.parametrize(("genre", "name"), CASES)
def test_legs_lift_while_they_are_free(genre: str, name: str) -> None:
    """A kick or a raised knee is of the foot without weight, all the time but its swings up and down."""
    for _, figure in chosen(genre, name):
        for accent in figure.accents:
            if accent.kind not in ("kick", "knee"):
                continue
            middle = accent.beat + 0.5 * accent.beats
            steps = [step for step in figure.steps[accent.who] if step.commit > 0.0]
            earlier = [step for step in steps if step.beat <= middle]
            later = [step for step in steps if step.beat > middle]
            stands_on = earlier[-1].foot if earlier else (1 - FIRST_FOOT[genre]) ^ accent.who
            assert stands_on != accent.side, (accent, "stands on the leg that is lifted")
            assert not later or later[0].foot == accent.side and later[0].beat > middle + 0.2, accent


@pytest.mark.parametrize(("genre", "name"), CASES)
def test_a_frame_that_is_taken_is_also_danced(genre: str, name: str) -> None:
    """Each time they open side by side, into promenade or into shadow, a step is there in that formation."""
    wanted = {"side_by_side": (60, 100, -1), "promenade": (20, 60, -1), "shadow": (150, 181, 1)}  # degrees from facing
    for _, figure in chosen(genre, name):
        ends = [beat for beat, _ in figure.holds[1:]] + [float(figure.beats)]
        for (begin, hold), end in zip(figure.holds, ends, strict=True):
            if hold not in wanted:
                continue
            low, high, way = wanted[hold]
            turns = [opened(figure, beat) for beat in np.arange(begin, end, 0.25)]
            if hold == "shadow":  # he still looks at where she is, she has turned her back
                assert any(low < abs(hers) < high and abs(his) < 40 for his, hers in turns), (hold, begin, turns)
            else:  # both open to his left, alike
                assert any(low <= his <= high and low <= way * hers <= high for his, hers in turns), (hold, begin, turns)


def opened(figure: Figure, beat: float) -> tuple[float, float]:
    """How far he and she have turned away from facing each other after their steps up to ``beat``, degrees."""
    places = []
    for who, z in ((LEADER, -0.5 * figure.gap), (FOLLOWER, 0.5 * figure.gap)):
        steps = [step for step in figure.steps[who] if step.beat <= beat + 1e-9]
        places.append((steps[-1].x, steps[-1].z, steps[-1].yaw) if steps else (0.0, z, 0.0))
    to = atan2(places[1][0] - places[0][0], places[1][1] - places[0][1])
    his, hers = (np.degrees((place[2] - to + pi) % (2 * pi) - pi) for place in places)
    return float(his), float(hers)


@pytest.mark.parametrize(("genre", "name"), CASES)
def test_nobody_lands_in_the_air_or_walks_in_a_dip(genre: str, name: str) -> None:
    beat_s = 60.0 / DANCES[genre][2]
    for _, figure in chosen(genre, name):
        for accent in figure.accents:
            middle = accent.beat + 0.5 * accent.beats
            if accent.kind == "jump":  # up and down again under gravity
                flight = (8.0 * 0.20 * accent.amount / 9.81) ** 0.5 / beat_s
                inside, who = 0.5 * flight - 0.08, [accent.who]
            elif accent.kind == "dip":
                inside, who = 0.5 * accent.beats - 0.1, [LEADER, FOLLOWER]
            else:
                continue
            beats = [step.beat for dancer in who for step in figure.steps[dancer]]
            assert not [beat for beat in beats if abs(beat - middle) < inside], accent


# -------------------------------------------------------------------------------------------------- figures in a row


@pytest.mark.parametrize("genre", list(GENRES))
def test_legs_reach_and_have_the_time(genre: str) -> None:
    assert not sorted(set(overreaching(genre)))


def overreaching(genre: str) -> Iterator[str]:
    """Steps that are too long, too fast, or on the other foot."""
    for figures, rows, _, _ in rows_of(genre):
        for row in rows:
            standing = {LEFT: row[0].ball, RIGHT: row[1].ball}
            last = {LEFT: -1.0, RIGHT: -1.0}
            for before, landing in zip(row[1:-1], row[2:], strict=True):
                where = named(figures, genre, landing.time)
                stride = hypot(*np.subtract(landing.ball, standing[1 - landing.foot]))
                swing = hypot(*np.subtract(landing.ball, standing[landing.foot]))
                speed = swing / (landing.time - max(last[landing.foot], before.time))
                standing[landing.foot], last[landing.foot] = landing.ball, landing.time
                if not 0.09 < stride < STRIDE:
                    yield f"{where}: a stride of {stride:.2f} m"
                if speed > FOOT_SPEED:
                    yield f"{where}: a foot at {speed:.2f} m/s"


@pytest.mark.parametrize("genre", list(GENRES))
def test_nobody_turns_faster_than_people_do(genre: str) -> None:
    assert not sorted(set(whirling(genre)))


def whirling(genre: str) -> Iterator[str]:
    """Turns that are too far in one step or too fast."""
    for figures, rows, _, _ in rows_of(genre):
        for row in rows:
            for before, landing in zip(row[1:-1], row[2:], strict=True):
                turn = abs(landing.place[2] - before.place[2])
                rate = turn / (2 * pi) / min(landing.time - before.time, 1.0)
                if turn > radians(200) or rate > TURN_RATE:
                    yield f"{named(figures, genre, landing.time)}: {np.degrees(turn):.0f} degrees, {rate:.2f} turns/s"


@pytest.mark.parametrize("genre", list(GENRES))
def test_feet_do_not_pass_through_each_other(genre: str) -> None:
    assert not sorted(set(tangled(genre)))


def tangled(genre: str) -> Iterator[str]:
    """Feet that stand on their neighbour's place, legs crossed too far, toes on the partner's toes."""
    for figures, rows, _, _ in rows_of(genre):
        standing = [{LEFT: row[0].ball, RIGHT: row[1].ball} for row in rows]
        merged = sorted(((landing.time, who, landing) for who in BOTH for landing in rows[who][2:]), key=lambda row: row[:2])
        for place, (time, who, landing) in enumerate(merged):
            where = named(figures, genre, time)
            other = standing[who][1 - landing.foot]
            dx, dz = landing.ball[0] - other[0], landing.ball[1] - other[1]
            yaw = landing.place[2]
            outward = (dx * cos(yaw) - dz * sin(yaw)) * (1 if landing.foot == LEFT else -1)
            ahead = dx * sin(yaw) + dz * cos(yaw)
            standing[who][landing.foot] = landing.ball
            if outward < -0.40:
                yield f"{where}: legs crossed by {-outward:.2f} m"
            if outward < 0.06 and abs(ahead) < 0.10:
                yield f"{where}: a foot {outward:.2f} m aside, {ahead:.2f} m ahead of the other"
            if place + 1 < len(merged) and merged[place + 1][0] - time < 1e-6:
                continue
            near = min(hypot(*np.subtract(mine, hers)) for mine in standing[0].values() for hers in standing[1].values())
            if near < 0.08:
                yield f"{where}: toes {near:.2f} m from the partner's"


@pytest.mark.parametrize("genre", list(GENRES))
def test_the_two_stand_as_their_hold_wants(genre: str) -> None:
    assert not sorted(set(misplaced(genre)))


def misplaced(genre: str) -> Iterator[str]:
    """Distances and directions that do not fit the hold once it is taken; bodies in one place."""
    reach = {hold: 0.36 for hold in ("two_hands", "one_hand", "handshake", "turn")}
    for figures, rows, holds, room in rows_of(genre):
        times = sorted({landing.time for row in rows for landing in row[2:]})
        his, hers = (along(row, times) for row in rows)
        gaps = np.hypot(*(hers[:, :2] - his[:, :2]).T)
        to = np.arctan2(hers[:, 0] - his[:, 0], hers[:, 1] - his[:, 1])
        facing = np.stack([np.cos(his[:, 2] - to), np.cos(hers[:, 2] - to - pi)])
        alike = np.cos(hers[:, 2] - his[:, 2])
        for k, time in enumerate(times):
            where = named(figures, genre, time)
            hold, taken, left = hold_around(holds, time)
            if gaps[k] < 0.30:
                yield f"{where}: {gaps[k]:.2f} m between them"
            if time < taken + 0.7 or time > left - 0.5 or hold == "apart":
                continue
            limit = room.gap(hold) + reach.get(hold, 0.24)
            if gaps[k] > limit:
                yield f"{where}: {hold} at {gaps[k]:.2f} m"
            if hold in FACING and facing[:, k].min() < cos(radians(72)):
                yield f"{where}: {hold}, but not facing"
            if hold in ("side_by_side", "shadow") and alike[k] < cos(radians(50)):
                yield f"{where}: {hold}, but they look different ways"
            if hold == "side_by_side" and abs(facing[:, k]).max() > sin(radians(45)):
                yield f"{where}: not beside each other"
            if hold == "shadow" and (facing[LEADER, k] < 0.7 or facing[FOLLOWER, k] > -0.7):
                yield f"{where}: she is not before him"


def along(row: list[Landing], times: list[float]) -> np.ndarray:
    """Places (K, 3) of a dancer at times, straight from landing to landing; touches do not move the body."""
    kept = [row[1], *(landing for landing in row[2:])]
    return np.stack(
        [np.interp(times, [landing.time for landing in kept], [landing.place[k] for landing in kept]) for k in range(3)], 1
    )


def hold_around(holds: list[tuple[float, Hold]], time: float) -> tuple[Hold, float, float]:
    """Hold at ``time``, since when, until when."""
    merged: list[tuple[float, Hold]] = []
    for when, hold in holds:
        if not merged or merged[-1][1] != hold:
            merged.append((when, hold))
    place = max(k for k, (when, _) in enumerate(merged) if when <= time + 1e-9)
    return merged[place][1], merged[place][0], merged[place + 1][0] if place + 1 < len(merged) else 1e9


def test_the_spread_of_contact_is_that_of_its_dances() -> None:
    """Ballroom mostly in hold, street mostly apart."""
    share = {}
    for name, genre in GENRES.items():
        room, held, total = rooms(genre, 1)[0], 0.0, 0.0
        for chance, writer in genre.figures:
            figure = writer(room, np.random.default_rng(0))
            ends = [beat for beat, _ in figure.holds[1:]] + [float(figure.beats)]
            apart = sum(end - begin for (begin, hold), end in zip(figure.holds, ends, strict=True) if hold == "apart")
            held += chance * (figure.beats - apart)
            total += chance * figure.beats
        share[name] = held / total
    for name, genre in GENRES.items():
        if genre.category == "ballroom":
            assert share[name] > 0.75, (name, share)
        elif genre.category == "street":
            assert share[name] < 0.3, (name, share)
    assert share["minuet"] < 0.6


# ------------------------------------------------------------------------------------------------------------- the pen

ROOM = Room(0.5, 0.75, 0.1, 1.0)


def test_the_pen_moves_the_couple_as_told() -> None:
    pen = Pen("walk", 4, ROOM, "closed")
    pen.go((0, 1), forward=0.8, turned=90, along=0)
    assert np.allclose(pen.at, (0.0, 0.8, pi / 2))
    (x0, z0, yaw0), (x1, z1, yaw1) = pen.place(LEADER), pen.place(FOLLOWER)
    assert np.allclose((x1 - x0, yaw0, yaw1), (0.5, pi / 2, pi / 2)) and np.isclose(hypot(x0 - x1, z0 - z1), hypot(0.5, 0.1))
    figure = pen.done()
    assert [step.foot for step in figure.steps[LEADER]] == [LEFT, RIGHT] and figure.end == pen.at


def test_turning_about_one_leaves_him_in_place() -> None:
    pen = Pen("giro", 4, ROOM, "closed")
    before = pen.place(LEADER)
    pen.around(LEADER, (0, 1, 2, 3), 180)
    after = pen.place(LEADER)
    assert np.allclose(before[:2], after[:2]) and np.isclose(after[2], pi)
    assert np.isclose(hypot(*np.subtract(pen.place(FOLLOWER)[:2], after[:2])), hypot(0.5, 0.1))


def test_meeting_lays_the_frame_through_both() -> None:
    pen = Pen("meet", 2, ROOM, "two_hands")
    pen.path(LEADER, (0, 1), ((0.1, 0.0, 45), (0.2, 0.4, 90)))
    pen.path(FOLLOWER, (0, 1), ((0.6, 0.5, 60), (0.95, 0.4, 450)))
    his, hers = pen.place(LEADER), pen.place(FOLLOWER)
    pen.meet()
    assert np.allclose(pen.place(LEADER), his) and np.allclose(pen.place(FOLLOWER), hers)
    assert np.isclose(pen.gap, 0.75) and np.allclose(pen.turns, [0.0, 360.0])
    assert pen.done().end[2] == pytest.approx(pi / 2)


@pytest.mark.parametrize(
    ("outward", "ahead", "kept"),
    [(0.2, 0.0, True), (0.05, 0.0, False), (0.04, 0.6, True), (-0.1, 0.1, False), (-0.1, -0.3, True), (-0.1, -0.05, False)],
)
def test_feet_are_kept_off_each_other(outward: float, ahead: float, kept: bool) -> None:
    aside, along_ = clear(outward, ahead)
    assert ((aside, along_) == (outward, ahead)) is kept
    assert aside >= 0.1 or abs(along_) >= 0.2
    assert (along_ < 0) == (ahead < 0) and (aside < 0) == (outward < 0)


def test_feet_give_way_to_the_partner() -> None:
    x, z = settled(LEFT, (0.3, 0.0), 0.0, (0.0, 0.0), [(0.32, 0.02)])
    assert hypot(x - 0.32, z - 0.02) > 0.1 and x > 0.12
    assert settled(LEFT, (0.3, 0.0), 0.0, (0.0, 0.0), [(0.5, 0.02)]) == pytest.approx((0.3, 0.0))


def test_what_does_not_come_home_is_refused() -> None:
    figure = home("closed")

    @figure("stuck", 4)
    def stuck(pen: Pen, rng: np.random.Generator) -> None:
        pen.go(0, 0.3)

    @figure("lost", 4)
    def lost(pen: Pen, rng: np.random.Generator) -> None:
        pen.take(1.0, "apart")
        pen.go((0, 1), 0.3)

    @figure("turned_away", 4)
    def turned_away(pen: Pen, rng: np.random.Generator) -> None:
        pen.accent("bow", 0.0, 2.0)
        pen.go((0, 1), hers=180)

    for writer, words in ((stuck, "wrong foot"), (lost, "does not end"), (turned_away, "does not end")):
        with pytest.raises(RuntimeError, match=words):
            writer(ROOM, np.random.default_rng(0))
    with pytest.raises(ValueError, match="3 amounts for 2 steps"):
        Pen("walk", 4, ROOM, "closed").go((0, 1), (0.1, 0.2, 0.3))


def test_accents_go_to_the_free_foot() -> None:
    pen = Pen("kick", 4, ROOM, "apart")
    pen.go(0)
    pen.accent("kick", 1, 1, 0.5)
    pen.accent("point", 1, 1, 1.0, LEADER, LEFT)
    assert pen.accents == [
        Accent(1, 1, LEADER, "kick", 0.5, RIGHT),
        Accent(1, 1, FOLLOWER, "kick", 0.5, LEFT),
        Accent(1, 1, LEADER, "point", 1.0, LEFT),
    ]
