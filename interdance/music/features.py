"""A song as 35 numbers per frame of the dance (§4 of the paper; the set of AIST++, EDGE and LODGE).

======  ==============  =========================================================================
column  name            meaning
======  ==============  =========================================================================
0       envelope        onset strength
1..20   mfcc            first 20 mel-frequency cepstral coefficients
21..32  chroma          12 pitch classes (CENS)
33      peaks           1 where an onset peaks
34      beats           1 on a beat; the search starts from the tempo of the song at 22 050 Hz
======  ==============  =========================================================================

The sample rate is ``fps * hop``, so that one analysis frame is one frame of motion.
"""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np

from interdance.errors import InputError
from interdance.music.audio import load_audio, read_audio, resample

__all__ = ["ENVELOPE", "MFCC", "CHROMA", "PEAKS", "BEATS", "NUM_FEATURES", "analyse", "load_audio", "music_features"]

ENVELOPE = 0
MFCC = slice(1, 21)
CHROMA = slice(21, 33)
PEAKS = 33
BEATS = 34
NUM_FEATURES = 35

TEMPO_RATE = 22050  # the rate at which the peers estimate the tempo that the beat search starts from
TIGHTNESS = 100


def music_features(path: Path, num_frames: int, fps: int, hop: int, tolerance_s: float) -> np.ndarray:
    """Features of a song for a motion of ``num_frames``; the song starts with the motion.

    The whole song is analysed and then cut to the motion. A song that ends up to ``tolerance_s`` early is drawn out by
    its last row, without peaks and beats.

    Parameters
    ----------
    path : Path
        WAV, FLAC, OGG or MP3.
    num_frames, fps : int
        Of the motion.
    hop : int
        Samples per frame of analysis.
    tolerance_s : float
        Seconds.

    Returns
    -------
    float32 (num_frames, 35)

    Raises
    ------
    InputError
        When the song cannot be read (:func:`interdance.music.audio.read_audio`) or ends too early.
    """
    samples, rate = read_audio(path)
    sounds, dances = len(samples) / rate, num_frames / fps
    if sounds < dances - tolerance_s:
        raise InputError(
            f"{path}: the song lasts {sounds:.1f} s and the motion {dances:.1f} s; give a song as long as the motion, "
            "or cut the motion"
        )
    rows = analyse(resample(samples, rate, fps * hop), resample(samples, rate, TEMPO_RATE), fps, hop)[:num_frames]
    missing = num_frames - len(rows)
    if missing > 0:
        rows = np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)])
        rows[-missing:, [PEAKS, BEATS]] = 0.0
    return rows


def analyse(samples: np.ndarray, tempo_samples: np.ndarray, fps: int, hop: int) -> np.ndarray:
    """All rows of a song: float32 (1 + samples // hop, 35).

    Parameters
    ----------
    samples : float32 (samples,)
        At ``fps * hop`` samples per second.
    tempo_samples : float32 (other samples,)
        The same song at :data:`TEMPO_RATE`.
    """
    rate = fps * hop
    envelope = librosa.onset.onset_strength(y=samples, sr=rate, hop_length=hop)
    rows = np.zeros((len(envelope), NUM_FEATURES), np.float32)
    rows[:, ENVELOPE] = envelope
    rows[:, MFCC] = librosa.feature.mfcc(y=samples, sr=rate, hop_length=hop, n_mfcc=20).T
    rows[:, CHROMA] = librosa.feature.chroma_cens(y=samples, sr=rate, hop_length=hop, n_chroma=12).T
    rows[librosa.onset.onset_detect(onset_envelope=envelope, sr=rate, hop_length=hop), PEAKS] = 1.0
    start = float(librosa.feature.tempo(y=tempo_samples, sr=TEMPO_RATE)[0])
    _, beats = librosa.beat.beat_track(
        onset_envelope=envelope, sr=rate, hop_length=hop, start_bpm=start, tightness=TIGHTNESS
    )
    rows[beats, BEATS] = 1.0
    return rows
