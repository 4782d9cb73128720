"""Dance music of our own: every take gets a song in its genre's metre, with harmony, bass, melody and percussion.

Everything is computed from a seed, so no recording and no licence is involved, and the beat times are known exactly instead
of being estimated. What a genre's music is stands in :mod:`interdance.music.scores`, how instruments sound in
:mod:`interdance.music.voices`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import oaconvolve

from interdance.errors import InputError
from interdance.files import atomic_path
from interdance.music.scores import SCORES
from interdance.music.scores.notation import Metre
from interdance.music.scores.player import Song
from interdance.music.voices import SAMPLE_RATE

__all__ = ["METRES", "SAMPLE_RATE", "Metre", "Track", "beat_times", "render", "write_track"]

METRES: dict[str, Metre] = {genre: score.metre for genre, score in SCORES.items()}
LOUDNESS = 0.13  # root mean square of every song, of a full scale of 1
_KNEE = 0.6  # louder samples are bent, so that none goes past 1
_BLOCK = 1 << 18


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
    if genre not in SCORES:
        raise InputError(f"choreography.genres: '{genre}' has no music; known: {', '.join(SCORES)}")
    score = SCORES[genre]
    tempo = float(rng.uniform(score.metre.tempo_low, score.metre.tempo_high))
    lead_in, phase = float(rng.uniform(0.1, 0.4)), float(rng.uniform(0, 2 * np.pi))
    beats_s = beat_times(tempo, seconds, lead_in, score.metre.drift, phase)
    samples_N = Song(score, beats_s, seconds, rng).play()
    _master(samples_N, *score.hall)
    return Track(samples_N, SAMPLE_RATE, beats_s, score.metre.beats_per_bar, tempo)


def write_track(path: Path, track: Track) -> None:
    """Write a track as 16-bit audio in the format of the suffix of ``path`` (``.flac``, ``.wav``)."""
    with atomic_path(path) as temporary:
        soundfile.write(temporary, track.samples_N, track.sample_rate, subtype="PCM_16")


def _master(samples_N: np.ndarray, ring_s: float, wet: float) -> None:
    """Put the song into a room and bring it to the loudness of all songs, in place, block by block."""
    _reverberate(samples_N, ring_s, wet)
    for _ in range(3):  # bending peaks takes a little power away
        power = sum(float(np.dot(block, block)) for block in _blocks(samples_N)) / max(1, len(samples_N))
        gain = np.float32(LOUDNESS / (np.sqrt(power) + 1e-9))
        for block in _blocks(samples_N):
            block *= gain
            over = np.abs(block) - _KNEE
            bent = _KNEE + (1.0 - _KNEE) * np.tanh(over / (1.0 - _KNEE))
            np.copyto(block, np.sign(block) * bent, where=over > 0)
    fade = samples_N[-round(0.05 * SAMPLE_RATE) :]
    fade *= np.linspace(1.0, 0.0, len(fade), dtype=np.float32)


def _blocks(samples_N: np.ndarray) -> list[np.ndarray]:
    return [samples_N[start : start + _BLOCK] for start in range(0, len(samples_N), _BLOCK)]


def _reverberate(samples_N: np.ndarray, ring_s: float, wet: float) -> None:
    """Add ``wet`` of the sound of a room that is silent ``ring_s`` after a hand is clapped; highs die first."""
    t = np.arange(round(ring_s * SAMPLE_RATE)) / SAMPLE_RATE
    walls = np.random.default_rng(20).standard_normal((2, len(t)))
    dull = np.convolve(walls[1], np.hanning(12), "same") / 2.0
    room = walls[0] * np.exp(-14.0 * t / ring_s) + dull * np.exp(-7.0 * t / ring_s)
    room[: round(0.012 * SAMPLE_RATE)] = 0.0  # the first wall is four metres away
    room = (wet * room / np.sqrt(np.sum(room**2))).astype(np.float32)
    tail = np.zeros(len(room) - 1, np.float32)
    for block in _blocks(samples_N):
        echo = oaconvolve(block, room)
        shared = min(len(tail), len(echo))
        echo[:shared] += tail[:shared]
        block += echo[: len(block)]
        tail = np.concatenate([echo[len(block) :], np.zeros(max(0, len(tail) - len(echo) + len(block)), np.float32)])
        tail = tail[: len(room) - 1]
