"""A song as Duolando's 54 numbers per frame: the features its models hear, and the beats its score is measured on.

======  ==============  =========================================================================
column  name            meaning
======  ==============  =========================================================================
0..19   mfcc            20 mel-frequency cepstral coefficients, decibels below the song's loudest
20..39  delta           their change from frame to frame, over three frames
40..51  chroma          12 pitch classes (constant Q, 7 octaves) of the harmonic part
52      envelope        onset strength of the percussive part, median over the mel bands
53      beats           1 on a beat; the search starts from 120 beats per minute
======  ==============  =========================================================================

Duolando's own beat alignment reads the beats of the music from column 53 (:data:`BEATS`), which are not the beats of
:mod:`interdance.music.features`: the envelope is another, and so is the tempo that the search starts from.

The set is defined at 30 frames per second and 15 360 samples per second; it is not offered at other rates.
"""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np

from interdance.errors import InputError
from interdance.music.audio import load_audio

__all__ = ["MFCC", "DELTA", "CHROMA", "ENVELOPE", "BEATS", "NUM_FEATURES", "RATE", "analyse", "duolando_features"]

MFCC = slice(0, 20)
DELTA = slice(20, 40)
CHROMA = slice(40, 52)
ENVELOPE = 52
BEATS = 53
NUM_FEATURES = 54

RATE = 15360  # samples per second
HOP = 512  # samples per frame: 30 frames per second
WINDOW = 2048  # samples under one window of analysis: fewer cannot be split into harmonic and percussive part
OCTAVES = 7
START_BPM = 120.0
TIGHTNESS = 100


def duolando_features(path: Path) -> np.ndarray:
    """Duolando's features of a whole song, 30 rows per second; the first row is the song's start.

    A song at another sample rate than :data:`RATE` is resampled with soxr; Duolando resamples with essentia, so that
    only songs at :data:`RATE` give its numbers to the last digit.

    Parameters
    ----------
    path : Path
        WAV, FLAC, OGG or MP3.

    Returns
    -------
    float32 (1 + samples // 512, 54)

    Raises
    ------
    InputError
        When the song cannot be read (:func:`interdance.music.audio.read_audio`) or is shorter than one window.
    """
    samples = load_audio(path, RATE)
    if len(samples) < WINDOW:
        raise InputError(
            f"{path}: the song lasts {len(samples) / RATE:.2f} s, less than one window of analysis "
            f"({WINDOW / RATE:.2f} s); give a longer song"
        )
    return analyse(samples)


def analyse(samples: np.ndarray) -> np.ndarray:
    """All rows of a song: float32 (1 + samples // 512, 54).

    Parameters
    ----------
    samples : float32 (samples,)
        At :data:`RATE` samples per second, :data:`WINDOW` or more.
    """
    mel = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=WINDOW, hop_length=HOP)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mel, ref=np.max), n_mfcc=20)
    harmonic, percussive = librosa.effects.hpss(samples, n_fft=WINDOW, hop_length=HOP)
    envelope = librosa.onset.onset_strength(y=percussive, sr=RATE, n_fft=WINDOW, hop_length=HOP, aggregate=np.median)
    _, beats = librosa.beat.beat_track(
        onset_envelope=envelope, sr=RATE, hop_length=HOP, start_bpm=START_BPM, tightness=TIGHTNESS
    )
    rows = np.zeros((len(envelope), NUM_FEATURES), np.float32)
    rows[:, MFCC] = mfcc.T
    rows[:, DELTA] = librosa.feature.delta(mfcc, width=3).T
    rows[:, CHROMA] = librosa.feature.chroma_cqt(y=harmonic, sr=RATE, hop_length=HOP, n_octaves=OCTAVES).T
    rows[:, ENVELOPE] = envelope
    rows[beats, BEATS] = 1.0
    return rows
