"""Tunes: two bars of motif, taken up again over other chords, answered, and closed by a cadence."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from interdance.music.scores.notation import Chord, Lead, Metre, read_tab

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "gypsy": (0, 2, 3, 6, 7, 8, 11),
    "blues": (0, 3, 5, 6, 7, 10),
    "pentatonic": (0, 2, 4, 7, 9),
}
_LAYOUTS = ("aaba", "abac", "aabc", "abab", "abcb")  # of four motifs of two bars


@dataclass(frozen=True)
class Note:
    """A note of a tune: bar, place and length in beats, pitch (MIDI), and whether it begins on a beat."""

    bar: int
    place: float
    beats: float
    pitch: int
    on_beat: bool


@lru_cache(maxsize=4096)
def ladder(scale: str, key: int, chord: Chord, low: int, high: int) -> tuple[int, ...]:
    """Pitches from ``low`` to ``high`` that fit the chord: the scale, bent to the tones of the chord.

    ``key`` and the root of the chord are pitch classes.
    """
    steps = {(key + step) % 12 for step in SCALES[scale]}
    tones = {(chord.root + tone) % 12 for tone in chord.tones}
    # a major third or raised fifth from outside the scale stands for the step below it, any other tone for the one above
    raised = {(chord.root + tone) % 12 for tone in chord.tones if tone in (4, 8)} - steps
    replaced = {(tone - 1 if tone in raised else tone + 1) % 12 for tone in tones - steps}
    fitting = (steps - replaced) | tones
    return tuple(pitch for pitch in range(low, high + 1) if pitch % 12 in fitting)


def chord_at(bar: Sequence[Chord], place: float, beats_per_bar: int) -> Chord:
    """The chord of a bar that sounds at a place in beats."""
    return bar[min(len(bar) - 1, int(place * len(bar) / beats_per_bar))]


def compose(
    lead: Lead, harmony: Sequence[Sequence[Chord]], scale: str, key: int, metre: Metre, rng: np.random.Generator
) -> list[Note]:
    """A tune over the bars of ``harmony`` (roots are pitch classes), one note at a time."""
    layout = _LAYOUTS[int(rng.integers(len(_LAYOUTS)))]
    motifs = {letter: (rng.integers(len(lead.tabs), size=2), _contour(lead.leap, rng)) for letter in "abc"}
    arch = float(rng.uniform(0.15, 0.3)) * (lead.high - lead.low)
    notes: list[Note] = []
    pitch = round(0.5 * (lead.low + lead.high))
    for number, bar in enumerate(harmony):
        cells, contour = motifs[layout[number // 2 % 4]]
        closing = number == len(harmony) - 1
        tab = lead.cadence if closing and lead.cadence else lead.tabs[int(cells[number % 2])]
        if number % 2 == 0:  # every motif sets out from a place on an arch over the theme
            top = 0.5 * (lead.low + lead.high) + arch * np.sin(np.pi * (1.2 * number / len(harmony) - 0.1))
            pitch = round(0.6 * top + 0.4 * pitch)
        signs = read_tab(tab, metre)[0]
        for index, sign in enumerate(signs):
            chord = chord_at(bar, sign.place, metre.beats_per_bar)
            rungs = ladder(scale, key, chord, lead.low, lead.high)
            tones = [rung for rung in rungs if (rung - chord.root) % 12 in {tone % 12 for tone in chord.tones}]
            move = int(contour[(6 * (number % 2) + index) % len(contour)])
            if closing and index == len(signs) - 1:
                pitch = _step([rung for rung in tones if (rung - chord.root) % 12 == 0], pitch, 0)
            elif sign.place in (0.0, 0.5 * metre.beats_per_bar) or sign.beats >= 1.5 or abs(move) > 1:
                pitch = _step(tones, pitch, int(np.sign(move)))
            else:
                pitch = _step(rungs, pitch, move)
            notes.append(Note(number, sign.place, sign.beats, pitch, sign.place == round(sign.place)))
    return notes


def _contour(leap: float, rng: np.random.Generator) -> np.ndarray:
    """Steps up and down that keep their direction more often than not."""
    turns = np.where(rng.random(12) < 0.35, -1, 1)
    direction = np.cumprod(turns) * (1 if rng.random() < 0.5 else -1)
    sizes = np.where(rng.random(12) < leap, rng.integers(2, 4, 12), 1)
    return np.where(rng.random(12) < 0.1, 0, direction * sizes)


def _step(rungs: Sequence[int], pitch: int, move: int) -> int:
    """The rung ``move`` rungs from a pitch, turned back at the ends; the nearest one for 0."""
    if move == 0:
        return min(rungs, key=lambda rung: abs(rung - pitch))
    place = bisect_right(rungs, pitch) - 1 + move if move > 0 else bisect_left(rungs, pitch) + move
    if place >= len(rungs):
        place = 2 * (len(rungs) - 1) - place
    return rungs[min(max(abs(place), 0), len(rungs) - 1)]
