"""A band plays a score: form, dynamics and every note of one song, added to one buffer of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interdance.music.scores.notation import (
    BREAK_BARS,
    THEME_BARS,
    Chord,
    Chords,
    Drum,
    Lead,
    Line,
    Part,
    Score,
    Sign,
    read_harmony,
    read_tab,
)
from interdance.music.scores.tune import Note, chord_at, compose, ladder
from interdance.music.voices import LONGEST_S, SAMPLE_RATE, VOICES, stroke, tone

_STRENGTH = {"X": 1.0, "x": 0.7, "o": 0.35}
_LOUDNESS = {"I": 0.75, "A": 0.85, "B": 1.0, "C": 0.9, "D": 1.0, "X": 0.8, "E": 1.0}
_FINAL_S = 1.2  # the last chord rings this long or longer
_GRACE_S = 0.07  # a note of an ornament


@dataclass(frozen=True)
class Section:
    """A run of bars: its letter, first bar, number of bars, and how often the letter was heard before."""

    letter: str
    first: int
    bars: int
    turn: int


def plan_form(form: str, num_bars: int) -> list[Section]:
    """Sections that fill ``num_bars``: intro, the letters of ``form`` over and over, two bars of ending.

    A song too short for them has no intro, and at last no ending.
    """
    intro = 4 if num_bars >= 24 else 2 if num_bars >= 12 else 0
    ending = 2 if num_bars >= 4 else 0
    sections = [Section("I", 0, intro, 0)] if intro else []
    place, number, turns = intro, 0, dict.fromkeys(form, 0)
    while place < num_bars - ending:
        letter = form[number % len(form)]
        bars = min(BREAK_BARS if letter == "X" else THEME_BARS, num_bars - ending - place)
        sections.append(Section(letter, place, bars, turns[letter]))
        place, number, turns[letter] = place + bars, number + 1, turns[letter] + 1
    if ending:
        sections.append(Section("E", place, ending, 0))
    return sections


class Song:
    """One song of a score: what its draws decided, and the samples.

    Parameters
    ----------
    score : Score
    beats_s : float64 (K,)
        Times of the beats in seconds.
    seconds : float
        Length.
    rng : numpy.random.Generator
        All that differs from song to song comes from it.
    """

    def __init__(self, score: Score, beats_s: np.ndarray, seconds: float, rng: np.random.Generator) -> None:
        self.score, self.metre, self.rng = score, score.metre, rng
        self.samples_N = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
        self.width = score.metre.beats_per_bar
        self.beats = [float(beat) for beat in beats_s]
        self.period = (self.beats[-1] - self.beats[0]) / (len(self.beats) - 1)
        self.key = int(rng.integers(-5, 7))
        self.scale = _draw(tuple(score.harmony), rng)
        progressions = {letter: _draw(choices, rng) for letter, choices in score.harmony[self.scale].items()}
        self.themes = {letter: self._moved(read_harmony(text), letter) for letter, text in progressions.items()}
        self.swapped = int(score.paired and rng.random() < 0.5)
        self.voices = [int(rng.integers(len(part.voice.split("|")))) for part in score.parts]
        self.tabs = [{letter: _draw(part.tabs, rng) for letter in part.plays} for part in score.parts]
        self.tunes: dict[tuple[int, str], list[Note]] = {}
        downbeats = self.beats[:: self.width]
        final = max((bar for bar, time in enumerate(downbeats) if time <= seconds - _FINAL_S), default=0)
        self.sections = plan_form(_draw(score.forms, rng), final + 1)
        # under the last chord the pulse goes on
        heard = sum(time < seconds for time in downbeats)
        self.rest = Section("E", final + 1, max(0, heard - final - 1), 1)
        self.chart = [bar for section in (*self.sections, self.rest) for bar in self._changes(section)]

    def play(self) -> np.ndarray:
        """Every section in turn, then the samples: float32 (N,), not yet of a listener's loudness."""
        for section in self.sections:
            loud = _LOUDNESS[section.letter] * (1.0 + 0.08 * min(section.turn, 2)) * float(self.rng.uniform(0.95, 1.05))
            if section.turn:  # the band takes another pattern now and then
                for part, tabs in zip(self.score.parts, self.tabs, strict=True):
                    if section.letter in part.plays and self.rng.random() < 0.4:
                        tabs[section.letter] = _draw(part.tabs, self.rng)
            self._section(section, loud)
        self._section(self.rest, 0.7)
        self._final_chord()
        return self.samples_N

    # --------------------------------------------------------------------------------------------------------- harmony

    def _shift(self, letter: str) -> int:
        return (self.score.shift or {}).get(letter, 0)

    def _moved(self, theme: Sequence[Sequence[Chord]], letter: str) -> list[tuple[Chord, ...]]:
        """A theme in its own key, roots as pitch classes."""
        up = self.key + self._shift(letter)
        return [tuple(Chord((chord.root + up) % 12, chord.tones) for chord in bar) for bar in theme]

    def _scale(self, theme: Sequence[Sequence[Chord]]) -> str:
        """The scale of a song, or the parallel one for a theme whose tonic has the other third."""
        thirds = {chord.tones[1] for bar in theme for chord in bar if chord.root == self.key % 12}
        if thirds == {4} and self.scale in ("minor", "gypsy"):
            return "major"
        return "minor" if thirds == {3} and self.scale == "major" else self.scale

    def _changes(self, section: Section) -> Sequence[tuple[Chord, ...]]:
        """Chords of the bars of a section."""
        if section.letter == "E":  # the dominant, then home
            home = Chord(self.key % 12, self.themes["A"][0][0].tones)
            dominant = Chord((self.key + 7) % 12, (0, 4, 7, 10))
            dominants = section.bars - 1 if section.turn == 0 else 0
            return [(dominant,)] * dominants + [(home,)] * (section.bars - dominants)
        theme = self.themes.get(section.letter, self.themes["A"])
        if section.letter in "IX":  # the close of a theme, which leads on to the next
            return theme[-section.bars :]
        return theme[: section.bars]

    # ----------------------------------------------------------------------------------------------------------- parts

    def _section(self, section: Section, loud: float) -> None:
        fills = self.score.fills if section.bars >= BREAK_BARS else ()
        fill = fills[int(self.rng.integers(len(fills)))] if fills else ()
        closing = section.bars - 1
        for number, part in enumerate(self.score.parts):
            if section.letter not in part.plays:
                continue
            voices = part.voice.split("|")
            if isinstance(part, Lead):  # later in the song another player takes the tune
                voice = voices[(self.voices[number] + section.turn // 2) % len(voices)]
                self._lead(number, part, voice, section, loud)
                continue
            pattern = read_tab(self.tabs[number][section.letter], self.metre)
            turned = section.first % 2 + (self.swapped if len(pattern) == 2 else 0)
            for offset in range(section.bars):
                if offset == closing and fill and isinstance(part, Drum):
                    continue
                swell = loud * (0.94, 1.0)[offset % 2] * (1.1 if offset == closing and section.bars > 2 else 1.0)
                signs = pattern[(offset + turned) % len(pattern)]
                self._bar(part, voices[self.voices[number]], signs, section.first + offset, swell)
        for drum in fill:
            self._bar(drum, drum.voice, read_tab(drum.tabs[0], self.metre)[0], section.first + closing, 1.1 * loud)

    def _bar(self, part: Part, voice: str, signs: Sequence[Sign], bar: int, loud: float) -> None:
        """One bar of drum, line or chords."""
        here, coming = self.chart[bar], self.chart[min(bar + 1, len(self.chart) - 1)]
        for sign in signs:
            beat = bar * self.width + sign.place
            level = part.level * loud * _stress(sign.place, self.metre.eighth)
            chord = chord_at(here, sign.place, self.width)
            if isinstance(part, Drum):
                self._hit(voice, beat, level * _STRENGTH[sign.text])
            elif isinstance(part, Line):
                following = coming[0] if chord is here[-1] else here[-1]
                pitch = self._pitch(sign.text, chord, following, part.low)
                for interval in {0, part.double}:
                    self._note(voice, pitch + interval, beat, sign.beats * part.ring, level)
            elif isinstance(part, Chords):
                pitches = sorted({_near(chord.root + step, part.low) for step in chord.tones[-part.size :]})
                scale = level * _STRENGTH[sign.text] / np.sqrt(len(pitches))
                for pitch in pitches:
                    self._note(voice, pitch, beat, sign.beats * part.ring, scale)

    def _pitch(self, sign: str, chord: Chord, following: Chord, low: int) -> int:
        """What a sign of a line means over a chord, from ``low`` up."""
        tones = chord.tones
        base = _near(chord.root, low)
        if sign == "n":
            return _near(following.root, low)
        if sign == "a":
            return _near(following.root, low) + (1 if self.rng.random() < 0.5 else -1)
        if sign == "v":
            return base + tones[2] - 12
        sixth, seventh = (tones[3], tones[3]) if len(tones) > 3 else (9, 12)
        steps = {"1": 0, "2": 2, "3": tones[1], "4": 5, "5": tones[2], "6": sixth, "7": seventh, "8": 12, "9": 14}
        return base + (12 + tones[1] if sign == "0" else steps[sign])

    def _lead(self, number: int, part: Lead, voice: str, section: Section, loud: float) -> None:
        key = self.key + self._shift(section.letter)
        scale = self._scale(self.themes.get(section.letter, self.themes["A"]))
        tune = self.tunes.get((number, section.letter))
        if tune is None:
            theme = self.themes.get(section.letter, self.chart[section.first : section.first + section.bars])
            tune = compose(part, theme, scale, key, self.metre, self.rng)
            if section.letter in self.themes:
                self.tunes[number, section.letter] = tune
        for note in tune:
            if note.bar >= section.bars:
                break
            beat = (section.first + note.bar) * self.width + note.place
            beats = note.beats * part.ring
            late = 0.0 if note.on_beat else float(self.rng.normal(0.0, 0.004))
            level = part.level * loud * (1.08 if note.on_beat else 0.92)
            chord = chord_at(self.chart[section.first + note.bar], note.place, self.width)
            rungs = ladder(scale, key, chord, part.low - 14, part.high + 4)
            place = min(range(len(rungs)), key=lambda index: abs(rungs[index] - note.pitch))
            if part.second:
                self._note(voice, rungs[max(0, place + part.second)], beat, beats, 0.7 * level, late)
            if note.on_beat and beats >= 0.4 and self.rng.random() < part.ornament:
                short = min(_GRACE_S / self.period, 0.3 * beats)  # the note and its upper neighbour, then the note
                self._note(voice, note.pitch, beat, short, level)
                self._note(voice, rungs[min(place + 1, len(rungs) - 1)], beat + short, short, 0.85 * level)
                beat, beats = beat + 2.0 * short, beats - 2.0 * short
            self._note(voice, note.pitch, beat, beats, level, late)

    def _final_chord(self) -> None:
        """The tonic, held by every instrument that plays chords or tunes."""
        bar = self.rest.first - 1
        chord = self.chart[bar][0]
        for number, part in enumerate(self.score.parts):
            if isinstance(part, Chords | Lead) and "E" in part.plays:
                voice = part.voice.split("|")[self.voices[number]]
                for step in chord.tones[:3]:
                    self._note(voice, _near(chord.root + step, part.low), bar * self.width, self.width, 0.45 * part.level)

    # --------------------------------------------------------------------------------------------------------- samples

    def _time(self, beat: float) -> float:
        place = min(max(beat, 0.0), len(self.beats) - 1.001)
        whole = int(place)
        return self.beats[whole] + (place - whole) * (self.beats[whole + 1] - self.beats[whole])

    def _hit(self, name: str, beat: float, level: float) -> None:
        sound = stroke(name, int(self.rng.integers(3)))
        start = round(self._time(beat) * SAMPLE_RATE)
        piece = sound[: max(0, len(self.samples_N) - start)]
        self.samples_N[start : start + len(piece)] += np.float32(level * self.rng.uniform(0.88, 1.12)) * piece

    def _note(self, name: str, pitch: int, beat: float, beats: float, level: float, late: float = 0.0) -> None:
        release = VOICES[name].release
        seconds = min(max(0.05, beats * self.period) + release, LONGEST_S)
        rendered = 0.25  # lengths of whole classes, so that a note is computed once for many uses
        while rendered < seconds:
            rendered *= 2.0
        num, fade = round(seconds * SAMPLE_RATE), round(release * SAMPLE_RATE)
        start = max(0, round((self._time(beat) + late) * SAMPLE_RATE))
        piece = tone(name, pitch, rendered)[:num] * np.float32(level * self.rng.uniform(0.92, 1.08))
        piece[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        piece = piece[: max(0, len(self.samples_N) - start)]
        self.samples_N[start : start + len(piece)] += piece


def _near(pitch_class: int, low: int) -> int:
    """The pitch of a pitch class in the octave that starts at ``low``."""
    return low + (pitch_class - low) % 12


def _stress(place: float, eighth: float) -> float:
    """How strongly a place of the bar is played: the first beat, beats, off-beat eighths, the rest."""
    if place == 0.0:
        return 1.25
    part = place % 1.0
    return 1.0 if part == 0.0 else 0.86 if part == eighth else 0.72


def _draw(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
