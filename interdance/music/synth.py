"""Dance music of our own: every take gets a track in its genre's metre, with harmony, bass, melody and percussion.

Everything is computed from a seed with numpy (additive voices, shaped noise, a short room), so no recording and no
licence is involved, and the beat times are known exactly instead of being estimated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import fftconvolve, lfilter

from interdance.errors import InputError
from interdance.files import atomic_path

SAMPLE_RATE = 22050


@dataclass(frozen=True)
class Metre:
    """What a genre's music is counted in: beats per bar, tempo range (beats per minute), place of the off-beat
    eighth.
    """

    beats_per_bar: int
    tempo_low: float
    tempo_high: float
    eighth: float
    minor: bool


METRES: dict[str, Metre] = {
    "waltz": Metre(3, 84.0, 96.0, 0.5, False),
    "salsa": Metre(4, 170.0, 210.0, 0.5, True),
    "tango": Metre(4, 116.0, 130.0, 0.5, True),
    "swing": Metre(4, 130.0, 180.0, 0.66, False),
}


@dataclass(frozen=True)
class Track:
    """A rendered song.

    Attributes
    ----------
    samples_N : float32 (N,)
        Mono, between -1 and 1.
    beats_s : float64 (K,)
        Time of every beat in seconds, from the first one after the lead-in to past the end of the song.
    beats_per_bar : int
        ``beats_s[::beats_per_bar]`` are the downbeats.
    tempo_bpm : float
        Mean tempo.
    """

    samples_N: np.ndarray
    sample_rate: int
    beats_s: np.ndarray
    beats_per_bar: int
    tempo_bpm: float


def beat_times(tempo_bpm: float, seconds: float, lead_in: float, drift: float, phase: float) -> np.ndarray:
    """Times of beats from ``lead_in`` until four beats past ``seconds``; the tempo breathes by ``drift`` (a share)
    slowly.
    """
    period = 60.0 / tempo_bpm
    num_beats = int(np.ceil((seconds - lead_in) / (period * (1.0 - drift)))) + 6
    position = np.arange(num_beats)
    lengths = period * (1.0 + drift * np.sin(2.0 * np.pi * position / 48.0 + phase))
    return lead_in + np.concatenate([[0.0], np.cumsum(lengths[:-1])])


def render(genre: str, seconds: float, rng: np.random.Generator) -> Track:
    """Compose and render ``seconds`` of music in ``genre``; the same generator state gives the same samples.

    Raises
    ------
    InputError
        When the genre has no music; the known ones are listed.
    """
    if genre not in METRES:
        raise InputError(f"choreography.genres: '{genre}' has no music; known: {', '.join(METRES)}")
    metre = METRES[genre]
    tempo = float(rng.uniform(metre.tempo_low, metre.tempo_high))
    beats_s = beat_times(tempo, seconds, float(rng.uniform(0.1, 0.4)), 0.012, float(rng.uniform(0, 2 * np.pi)))
    mixer = _Mixer(seconds, beats_s, metre, rng)
    _SCORES[genre](mixer)
    return Track(mixer.master(), SAMPLE_RATE, beats_s, metre.beats_per_bar, tempo)


def write_track(path: Path, track: Track) -> None:
    """Write a track as 16-bit audio in the format of the suffix of ``path`` (``.flac``, ``.wav``)."""
    with atomic_path(path) as temporary:
        soundfile.write(temporary, track.samples_N, track.sample_rate, subtype="PCM_16")


# --------------------------------------------------------------------------------------------------------------- voices


def _clock(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _frequency(pitch: int) -> float:
    return 440.0 * 2.0 ** ((pitch - 69) / 12.0)


def _harmonics(pitch: int, t: np.ndarray, levels: tuple[float, ...], decays: tuple[float, ...]) -> np.ndarray:
    frequency = _frequency(pitch)
    tone = np.zeros_like(t)
    for order, (level, decay) in enumerate(zip(levels, decays, strict=True), start=1):
        if frequency * order < 0.45 * SAMPLE_RATE:
            tone += level * np.sin(2 * np.pi * frequency * order * t) * np.exp(-decay * t)
    return tone


def _fade(t: np.ndarray, seconds: float, attack: float, release: float) -> np.ndarray:
    return np.clip(t / attack, 0, 1) * np.clip((seconds - t) / release, 0, 1)


@lru_cache(maxsize=1024)
def _piano(pitch: int, seconds: float) -> np.ndarray:
    t = _clock(seconds)
    return _harmonics(pitch, t, (1.0, 0.5, 0.3, 0.16, 0.1, 0.05), (3, 4, 6, 8, 11, 14)) * _fade(t, seconds, 0.004, 0.05)


@lru_cache(maxsize=1024)
def _guitar(pitch: int, seconds: float) -> np.ndarray:
    t = _clock(seconds)
    return _harmonics(pitch, t, (0.8, 0.7, 0.5, 0.4, 0.3, 0.2), (8, 9, 10, 12, 14, 16)) * _fade(t, seconds, 0.002, 0.03)


@lru_cache(maxsize=1024)
def _bass(pitch: int, seconds: float) -> np.ndarray:
    t = _clock(seconds)
    return _harmonics(pitch, t, (1.0, 0.55, 0.25, 0.1), (2.2, 3, 5, 9)) * _fade(t, seconds, 0.006, 0.05)


@lru_cache(maxsize=1024)
def _strings(pitch: int, seconds: float) -> np.ndarray:
    t = _clock(seconds)
    frequency = _frequency(pitch)
    wobble = 0.004 * np.sin(2 * np.pi * 5.2 * t) / (2 * np.pi * 5.2)
    tone = np.zeros_like(t)
    for detune in (0.998, 1.0, 1.0025):
        for order in range(1, 7):
            tone += np.sin(2 * np.pi * frequency * detune * order * (t + wobble)) / order**1.6
    return tone / 3.0 * _fade(t, seconds, 0.09, 0.12)


@lru_cache(maxsize=1024)
def _bandoneon(pitch: int, seconds: float) -> np.ndarray:
    t = _clock(seconds)
    frequency = _frequency(pitch)
    tone = np.zeros_like(t)
    for order, level in enumerate((1.0, 0.7, 0.75, 0.4, 0.45, 0.2, 0.2), start=1):
        tone += level * np.sin(2 * np.pi * frequency * order * t + 0.3 * order)
    return tone * (1.0 + 0.08 * np.sin(2 * np.pi * 6.0 * t)) * _fade(t, seconds, 0.012, 0.04) * np.exp(-0.8 * t)


@lru_cache(maxsize=1024)
def _brass(pitch: int, seconds: float) -> np.ndarray:
    t = _clock(seconds)
    frequency = _frequency(pitch)
    tone = np.zeros_like(t)
    bright = 1.0 - np.exp(-30.0 * t)
    for order in range(1, 9):
        tone += np.sin(2 * np.pi * frequency * order * t) * bright ** (0.5 * order) / order**0.9
    return tone * _fade(t, seconds, 0.02, 0.05) * np.exp(-1.5 * t)


def _drum(low: float, sweep: float, decay: float, seconds: float) -> np.ndarray:
    t = _clock(seconds)
    phase = 2 * np.pi * (low * t + sweep / 25.0 * (1 - np.exp(-25.0 * t)))
    return np.sin(phase) * np.exp(-decay * t) * np.clip(t / 0.001, 0, 1)


def _noise(decay: float, seconds: float, high_pass: float, seed: int) -> np.ndarray:
    t = _clock(seconds)
    hiss = np.random.default_rng(seed).standard_normal(len(t))
    for _ in range(2):
        hiss = lfilter([high_pass, -high_pass], [1.0, -(2 * high_pass - 1)], hiss)
    return hiss * np.exp(-decay * t) * np.clip(t / 0.001, 0, 1)


@lru_cache(maxsize=64)
def _hit(name: str) -> np.ndarray:
    if name == "kick":
        return _drum(52, 110, 11, 0.3)
    if name == "conga_open":
        return 0.8 * _drum(190, 40, 13, 0.25) + 0.1 * _noise(60, 0.25, 0.7, 1)
    if name == "conga_low":
        return 0.9 * _drum(130, 30, 11, 0.3) + 0.1 * _noise(60, 0.3, 0.7, 2)
    if name == "slap":
        return 0.3 * _drum(330, 60, 40, 0.12) + 0.35 * _noise(45, 0.12, 0.85, 3)
    if name == "clave":
        return _drum(2480, 30, 45, 0.12)
    if name == "cowbell":
        return 0.6 * _drum(560, 0, 18, 0.2) + 0.5 * _drum(845, 0, 22, 0.2)
    if name == "maraca":
        return 0.5 * _noise(70, 0.07, 0.95, 4)
    if name == "snare":
        return 0.35 * _drum(180, 60, 22, 0.2) + 0.4 * _noise(20, 0.2, 0.85, 5)
    if name == "brush":
        return 0.4 * _noise(14, 0.25, 0.9, 6) * np.clip(_clock(0.25) / 0.02, 0, 1)
    if name == "ride":
        return 0.3 * _noise(9, 0.35, 0.97, 7) + 0.08 * _drum(5200, 0, 12, 0.35)
    if name == "hat":
        return 0.4 * _noise(55, 0.08, 0.97, 8)
    if name == "stamp":
        return 0.5 * _drum(90, 60, 16, 0.2) + 0.12 * _noise(90, 0.2, 0.8, 9)
    raise KeyError(name)


_VOICES: dict[str, Callable[[int, float], np.ndarray]] = {
    "piano": _piano,
    "guitar": _guitar,
    "bass": _bass,
    "strings": _strings,
    "bandoneon": _bandoneon,
    "brass": _brass,
}


# ---------------------------------------------------------------------------------------------------------------- score

# Chord progressions as (semitones above the key, quality), one chord a bar, eight bars.
_QUALITIES = {"M": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "6": (0, 4, 7, 9)}
_PROGRESSIONS = {
    "waltz": ["0M 9m 2m 7:7 0M 5M 7:7 0M", "0M 7:7 7:7 0M 5M 0M 7:7 0M", "0M 4m 5M 7:7 9m 2m 7:7 0M"],
    "salsa": ["0m 5m 7:7 0m 0m 5m 7:7 0m", "0m 10M 8M 7:7 0m 10M 8M 7:7", "0m7 5:7 10M 3M 8M 5m 7:7 0m"],
    "tango": ["0m 0m 7:7 7:7 7:7 7:7 0m 0m", "0m 5m 7:7 0m 8M 3M 7:7 0m", "0m 7:7 0m 0:7 5m 0m 7:7 0m"],
    "swing": ["0:6 9:7 2m7 7:7 0:6 9:7 2m7 7:7", "0:7 5:7 0:7 0:7 5:7 5:7 0:7 9:7", "0:6 0:7 5:6 5m7 0:6 9:7 2:7 7:7"],
}


def _progression(text: str) -> list[tuple[int, tuple[int, ...]]]:
    chords = []
    for word in text.split():
        digits = len(word) - len(word.lstrip("0123456789"))
        chords.append((int(word[:digits]), _QUALITIES[word[digits:].lstrip(":")]))
    return chords


class _Mixer:
    """Places notes and hits on the beat grid of one song."""

    def __init__(self, seconds: float, beats_s: np.ndarray, metre: Metre, rng: np.random.Generator) -> None:
        self.samples = np.zeros(round(seconds * SAMPLE_RATE))
        self.beats_s, self.metre, self.rng = beats_s, metre, rng
        self.num_bars = len(beats_s) // metre.beats_per_bar
        self.period = float(np.diff(beats_s).mean())
        self.key = int(rng.integers(-5, 6))

    def time(self, beat: float) -> float:
        return float(np.interp(beat, np.arange(len(self.beats_s)), self.beats_s))

    def put(self, sound: np.ndarray, beat: float, level: float) -> None:
        if beat > len(self.beats_s) - 1:
            return
        start = round(self.time(beat) * SAMPLE_RATE)
        piece = sound[: max(0, len(self.samples) - start)]
        self.samples[start : start + len(piece)] += level * piece

    def hit(self, name: str, beat: float, level: float) -> None:
        self.put(_hit(name), beat, level * float(self.rng.uniform(0.85, 1.15)))

    def note(self, voice: str, pitch: int, beat: float, beats: float, level: float) -> None:
        length = round(max(0.06, beats * self.period), 2)
        self.put(_VOICES[voice](pitch, length), beat, level * float(self.rng.uniform(0.9, 1.1)))

    def bars(self, genre: str) -> list[tuple[float, int, tuple[int, ...]]]:
        """First beat, root pitch class (semitones, with the key) and chord of every bar."""
        choices = [_progression(text) for text in _PROGRESSIONS[genre]]
        chords = choices[int(self.rng.integers(len(choices)))]
        width = self.metre.beats_per_bar
        return [(float(bar * width), self.key + chords[bar % 8][0], chords[bar % 8][1]) for bar in range(self.num_bars)]

    def melody(
        self, voice: str, bars: list[tuple[float, int, tuple[int, ...]]], rhythms: list[list[float]], level: float
    ) -> None:
        """A tune of two alternating motifs on chord notes, stepping about the middle of the voice's range."""
        motifs = [rhythms[int(index)] for index in self.rng.permutation(len(rhythms))[:2]]
        contours = [self.rng.integers(-2, 3, size=12) for _ in motifs]
        place = 3
        for number, (beat, root, chord) in enumerate(bars):
            if number < 1 or (number // 8) % 4 == 3 and number % 8 < 4:
                continue  # the tune rests for four bars now and then
            motif, contour = motifs[(number // 2) % 2], contours[(number // 2) % 2]
            scale = sorted({60 + (root + tone) % 12 + octave for tone in chord for octave in (0, 12)})
            for index, offset in enumerate(motif):
                place = int(np.clip(place + contour[index], 0, len(scale) - 1))
                end = motif[index + 1] if index + 1 < len(motif) else float(self.metre.beats_per_bar)
                self.note(voice, scale[place], beat + offset, 0.9 * (end - offset), level)

    def master(self) -> np.ndarray:
        room = np.random.default_rng(20).standard_normal(int(0.5 * SAMPLE_RATE)) * np.exp(-9.0 * _clock(0.5))
        wet = fftconvolve(self.samples, room / np.sqrt((room**2).sum()))[: len(self.samples)]
        mix = self.samples + 0.12 * wet
        loud = np.sqrt(np.mean(mix**2)) + 1e-9
        mix = np.tanh(mix * (0.16 / loud))
        fade = np.clip((len(mix) - np.arange(len(mix))) / (0.05 * SAMPLE_RATE), 0, 1)
        return (mix * fade).astype(np.float32)


def _near(root: int, low: int) -> int:
    """The pitch of pitch class ``root`` in the octave that starts at ``low``."""
    return low + (root - low) % 12


def _waltz(mixer: _Mixer) -> None:
    bars = mixer.bars("waltz")
    for number, (beat, root, chord) in enumerate(bars):
        mixer.note("bass", _near(root if number % 2 == 0 else root + 7, 36), beat, 1.2, 0.9)
        mixer.hit("kick", beat, 0.35)
        for count in (1.0, 2.0):
            for tone in chord[:3]:
                mixer.note("piano", _near(root + tone, 55), beat + count, 0.6, 0.22)
            mixer.hit("brush", beat + count, 0.28)
        for tone in chord[:3]:
            mixer.note("strings", _near(root + tone, 52), beat, 3.0, 0.07)
    mixer.melody("strings", bars, [[0.0, 2.0], [0.0, 1.0, 2.0], [0.0, 1.5, 2.0, 2.5], [0.0]], 0.28)


def _salsa(mixer: _Mixer) -> None:
    bars = mixer.bars("salsa")
    clave = [[0.0, 1.5, 3.0], [1.0, 2.0]]  # three-two, over two bars
    montuno = [[0.0, 1.0, 1.5, 2.5, 3.5], [0.5, 1.5, 2.5, 3.5]]
    for number, (beat, root, chord) in enumerate(bars):
        half = number % 2
        for offset in clave[half]:
            mixer.hit("clave", beat + offset, 0.22)
        for offset in (1.5, 3.0):  # the tumbao: before the beat, and on four for the coming chord
            coming = bars[min(number + 1, len(bars) - 1)][1] if offset == 3.0 else root + 7
            mixer.note("bass", _near(coming, 36), beat + offset, 1.1, 0.75)
        for step, offset in enumerate(np.arange(0, 4, 0.5)):
            stroke = ("kick", "", "slap", "", "", "", "conga_open", "conga_open")[step]
            if stroke:
                mixer.hit(stroke if half or stroke != "conga_open" else "conga_low", beat + float(offset), 0.5)
            mixer.hit("maraca", beat + float(offset), 0.22 if step % 2 == 0 else 0.1)
        for offset in (0.0, 2.0):
            mixer.hit("cowbell", beat + offset, 0.2 if offset == 0 else 0.12)
        for index, offset in enumerate(montuno[half]):
            tone = chord[(index + half) % len(chord)]
            for octave in (55, 67):
                mixer.note("piano", _near(root + tone, octave), beat + offset, 0.5, 0.24)
    mixer.melody("brass", bars, [[0.0, 0.5, 1.5], [0.5, 1.5, 2.5, 3.0], [1.0, 1.5, 2.0, 3.5], [0.0, 2.5]], 0.1)


def _tango(mixer: _Mixer) -> None:
    bars = mixer.bars("tango")
    for number, (beat, root, chord) in enumerate(bars):
        syncopated = number % 4 == 3
        places = [0.0, 1.5, 2.0, 3.0] if syncopated else [0.0, 1.0, 2.0, 3.0]
        for offset in places:
            accent = 1.0 if offset in (0.0, 2.0) else 0.6
            for tone in chord[:3]:
                mixer.note("bandoneon", _near(root + tone, 53), beat + offset, 0.35, 0.09 * accent)
            mixer.note("bass", _near(root + (7 if offset == 2.0 else 0), 36), beat + offset, 0.6, 0.8 * accent)
            mixer.hit("stamp", beat + offset, 0.4 * accent)
        if number % 2:
            for index, offset in enumerate((3.0, 3.25, 3.5, 3.75)):  # the run that leads into the next bar
                mixer.note("piano", _near(root + 7, 48) + (0, 2, 4, 5)[index], beat + offset, 0.25, 0.25)
    mixer.melody(
        "bandoneon", bars, [[0.0, 1.0, 1.5, 2.0], [0.0, 0.5, 1.0, 2.0, 3.0], [0.0, 3.0, 3.5], [0.0, 1.5, 2.0]], 0.14
    )
    mixer.melody("strings", bars, [[0.0], [0.0, 2.0]], 0.14)


def _swing(mixer: _Mixer) -> None:
    late = mixer.metre.eighth
    bars = mixer.bars("swing")
    for number, (beat, root, chord) in enumerate(bars):
        coming = bars[min(number + 1, len(bars) - 1)][1]
        walk = [root, root + chord[1], root + 7, coming + (1 if mixer.rng.random() < 0.5 else -1)]
        for count, pitch in enumerate(walk):
            mixer.note("bass", _near(pitch, 36), beat + count, 0.95, 0.75)
            mixer.hit("ride", beat + count, 0.5)
            mixer.hit("kick", beat + count, 0.25)
            if count % 2:
                mixer.hit("ride", beat + count + late, 0.35)
                mixer.hit("hat", beat + count, 0.6)
                mixer.hit("snare", beat + count, 0.35)
        for offset in (1.0, 2.0 + late) if number % 2 else (late, 3.0):
            for tone in chord:
                mixer.note("guitar", _near(root + tone, 55), beat + offset, 0.4, 0.16)
    rhythms = [
        [0.0, late, 1.0, 1 + late, 2.0],
        [late, 1.0, 2 + late, 3.0],
        [0.0, 1.0, 1 + late, 3.0],
        [0.0, 2.0, 2 + late],
    ]
    mixer.melody("brass", bars, rhythms, 0.12)
    mixer.melody("piano", bars, rhythms, 0.25)


_SCORES: dict[str, Callable[[_Mixer], None]] = {"waltz": _waltz, "salsa": _salsa, "tango": _tango, "swing": _swing}
