"""Songs as pictures and pages need them: cut or padded with silence to the length of a motion, and compressed."""

from __future__ import annotations

import io
import math
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler

from interdance.errors import InputError

SAMPLE_RATE = 48_000


def read_stereo(path: Path, seconds: float, tolerance_s: float = math.inf, start: float = 0.0) -> np.ndarray:
    """``seconds`` of a song from ``start`` on as float32 (2, samples) at 48 kHz; silence follows when the song ends before.

    Raises
    ------
    InputError
        When the file is missing, holds no sound, cannot be decoded, or ends more than ``tolerance_s`` too early.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    first, wanted = round(start * SAMPLE_RATE), round(seconds * SAMPLE_RATE)
    pieces: list[np.ndarray] = []
    have = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise InputError(f"{path}: holds no sound; give a wav, flac, ogg, mp3 or m4a file")
            resampler = AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
            for decoded in container.decode(audio=0):
                for frame in resampler.resample(decoded):
                    pieces.append(frame.to_ndarray())
                    have += pieces[-1].shape[1]
                if have >= first + wanted:
                    break
            else:
                pieces.extend(frame.to_ndarray() for frame in resampler.resample(None))
    except av.FFmpegError as error:
        raise InputError(
            f"{path}: cannot be decoded as sound ({error.strerror}); write it again as wav or ogg"
        ) from None
    sound = np.concatenate(pieces, axis=1) if pieces else np.zeros((2, 0), np.float32)
    if not sound.shape[1]:
        raise InputError(f"{path}: holds no sound; give a wav, flac, ogg, mp3 or m4a file")
    lasts = sound.shape[1] / SAMPLE_RATE - start
    if lasts < seconds - tolerance_s:
        raise InputError(
            f"{path}: the song lasts {lasts:.1f} s and the motion {seconds:.1f} s; give a song as long as the motion, "
            "or cut the motion"
        )
    sound = sound[:, first : first + wanted]
    result = np.zeros((2, wanted), np.float32)
    length = sound.shape[1]
    result[:, :length] = sound
    fade = min(round(0.02 * SAMPLE_RATE), length)  # a cut without a click
    result[:, length - fade : length] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    if first:
        result[:, :fade] *= np.linspace(0.0, 1.0, fade, dtype=np.float32)
    return result


def audio_frames(sound_2N: np.ndarray, size: int = 1024) -> list[av.AudioFrame]:
    """Cut (2, samples) at 48 kHz into frames with their times, ready for an encoder."""
    frames = []
    for start in range(0, sound_2N.shape[1], size):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(sound_2N[:, start : start + size]), format="fltp", layout="stereo"
        )
        frame.sample_rate = SAMPLE_RATE
        frame.pts = start
        frames.append(frame)
    return frames


def encode_mp3(sound_2N: np.ndarray, bit_rate: int = 128_000) -> bytes:
    """Compress (2, samples) at 48 kHz to the bytes of an MP3 file, the one format every browser plays from a page."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp3", options={"id3v2_version": "0"}) as container:
        encoder = container.add_stream("libmp3lame", rate=SAMPLE_RATE)
        encoder.bit_rate = bit_rate
        encoder.layout = "stereo"
        for frame in audio_frames(sound_2N, 1152):
            container.mux(encoder.encode(frame))
        container.mux(encoder.encode(None))
    return stream.getvalue()
