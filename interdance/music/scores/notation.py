"""How our music is written down: metre, chords as Roman numerals, and tablature of the players of a band.

A tab is a text with one sign a step; the steps share the bar evenly, ``|`` parts bars and spaces are for the eye. ``.`` is
a rest and ``-`` goes on with the note before. The other signs depend on the player:

========  =============================================================================================
player    signs
========  =============================================================================================
Drum      ``X`` accent, ``x`` stroke, ``o`` ghost stroke
Chords    the same, for the whole chord
Line      tones of the chord: ``1 2 3 4 5 6 7 8 9``, ``0`` a tenth, ``v`` the fifth below, ``n`` the
          root of the next bar, ``a`` a semitone beside it
Lead      ``x``: rhythm alone; the pitches are composed anew for every song
========  =============================================================================================

Sections are letters: ``I`` intro, ``A B C D`` themes of eight bars, ``X`` a break of four bars, ``E`` the ending.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

THEME_BARS = 8
BREAK_BARS = 4
ALL = "IABCDXE"
OPENING_4 = "x...|" + "....|" * 6 + "...."  # a stroke where a theme of bars of four beats opens


@dataclass(frozen=True)
class Metre:
    """What a genre's music is counted in.

    Attributes
    ----------
    beats_per_bar : int
    tempo_low, tempo_high : float
        Range of the tempo, beats per minute.
    eighth, sixteenth : float
        Place in the beat of the off-beat eighth (0.5: straight, 0.66: swing) and of the second sixteenth.
    drift : float
        Share by which the tempo breathes; none under a drum machine.
    """

    beats_per_bar: int
    tempo_low: float
    tempo_high: float
    eighth: float = 0.5
    sixteenth: float = 0.25
    drift: float = 0.012

    def swung(self, place: float) -> float:
        """A place in the bar (beats, written evenly) as it is played."""
        beat, part = divmod(place, 1.0)
        half, quarter = divmod(part, 0.5)
        first = 0.0 if half == 0.0 else self.eighth
        length = self.eighth if half == 0.0 else 1.0 - self.eighth
        share = 2.0 * self.sixteenth
        inner = 2.0 * quarter  # of the half beat, 0..1
        bent = share * inner / 0.5 if inner <= 0.5 else share + (1.0 - share) * (inner - 0.5) / 0.5
        return beat + first + length * bent


@dataclass(frozen=True)
class Sign:
    """A sign of a tab: where in its bar and for how long (beats), and what it says."""

    place: float
    beats: float
    text: str


@lru_cache(maxsize=4096)
def read_tab(tab: str, metre: Metre) -> tuple[tuple[Sign, ...], ...]:
    """The signs of every bar of a tab, swung as the metre says; triplets stay even."""
    bars = []
    for text in tab.replace(" ", "").split("|"):
        step = metre.beats_per_bar / len(text)
        even = 1.0 / step % 3 == 0  # triplets
        signs = []
        for number, sign in enumerate(text):
            if sign in ".-":
                continue
            held = len(text[number + 1 :]) - len(text[number + 1 :].lstrip("-")) + 1
            start, end = number * step, (number + held) * step
            if not even:
                start, end = metre.swung(start), metre.swung(end)
            signs.append(Sign(start, end - start, sign))
        bars.append(tuple(signs))
    return tuple(bars)


@dataclass(frozen=True)
class Chord:
    """Root in semitones above the key, and tones in semitones above the root."""

    root: int
    tones: tuple[int, ...]


_DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_MAJOR = {"": (0, 4, 7), "6": (0, 4, 7, 9), "7": (0, 4, 7, 10), "9": (0, 4, 7, 10, 14), "maj7": (0, 4, 7, 11), "+": (0, 4, 8)}
_MINOR = {"": (0, 3, 7), "6": (0, 3, 7, 9), "7": (0, 3, 7, 10), "9": (0, 3, 7, 10, 14), "o": (0, 3, 6, 9), "h": (0, 3, 6, 10)}


@lru_cache(maxsize=1024)
def read_harmony(text: str) -> tuple[tuple[Chord, ...], ...]:
    """Chords of every bar: ``"I ii7/V7"`` is a bar of the tonic and one of two chords. Small letters are minor."""
    return tuple(tuple(_chord(name) for name in bar.split("/")) for bar in text.split())


def _chord(name: str) -> Chord:
    found = re.fullmatch(r"([b#]?)([iv]+|[IV]+)(.*)", name)
    if found is None:
        raise ValueError(f"'{name}' is no chord")
    sign, numeral, kind = found.groups()
    root = _DEGREES[numeral.lower()] + {"b": -1, "#": 1, "": 0}[sign]
    return Chord(root % 12, (_MAJOR if numeral.isupper() else _MINOR)[kind])


@dataclass(frozen=True)
class Part:
    """What one player of the band does.

    Attributes
    ----------
    voice : str
        Instrument; of ``"piano|guitar"`` one is drawn for a song.
    tabs : tuple of str
        One is drawn for every theme of a song.
    level : float
    plays : str
        Letters of the sections the player plays in.
    """

    voice: str
    tabs: tuple[str, ...]
    level: float
    plays: str = ALL


@dataclass(frozen=True)
class Drum(Part):
    """A percussion instrument."""


@dataclass(frozen=True)
class Line(Part):
    """Bass, arpeggio or riff from ``low`` (MIDI number) up, doubled at ``double`` semitones."""

    low: int = 36
    ring: float = 0.92
    double: int = 0


@dataclass(frozen=True)
class Chords(Part):
    """The chord in close position from ``low`` up, ``size`` notes."""

    low: int = 53
    ring: float = 0.85
    size: int = 3


@dataclass(frozen=True)
class Lead(Part):
    """A tune; the tabs are its rhythmic motifs, and ``cadence`` that of its last bar.

    Attributes
    ----------
    low, high : int
        Range, MIDI numbers.
    ornament : float
        Chance of a turn on a note that begins on a beat.
    second : int
        Steps of the scale to a second voice; 0 for none, -2 a third below.
    leap : float
        0 moves by step, 1 through the chord.
    """

    low: int = 62
    high: int = 81
    ring: float = 0.92
    ornament: float = 0.0
    second: int = 0
    leap: float = 0.3
    cadence: str = ""


@dataclass(frozen=True)
class Score:
    """The music of one genre.

    Attributes
    ----------
    metre : Metre
    harmony : mapping of scale name -> letter -> progressions of eight bars
        A song draws one scale and one progression for each letter.
    forms : tuple of str
        Letters in order, gone through again until the song is over; one form is drawn for a song.
    parts : tuple of Part
    fills : tuple of tuple of Drum
        One is drawn for the last bar of a section, in place of all drums.
    shift : mapping of letter -> semitones
        Themes in another key.
    hall : (float, float)
        Seconds until the room is silent, and how much of it is heard.
    paired : bool
        Tabs of two bars may be played second bar first, all together: the two directions of the clave.
    """

    metre: Metre
    harmony: Mapping[str, Mapping[str, tuple[str, ...]]]
    forms: tuple[str, ...]
    parts: tuple[Part, ...]
    fills: tuple[tuple[Drum, ...], ...] = ()
    shift: Mapping[str, int] | None = None
    hall: tuple[float, float] = (0.6, 0.12)
    paired: bool = False
