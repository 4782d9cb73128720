"""Sound files as samples, refused when they are cut off: a song that ends early must not pass for a short song."""

from __future__ import annotations

import struct
from pathlib import Path

import librosa
import numpy as np
import soundfile

from interdance.errors import InputError

RATES = (4_000, 400_000)
"""Samples per second that a song may have."""
LOUDEST = 1000.0
"""Samples of real numbers may go beyond full scale, but not by 60 dB: those are damaged."""
_BLOCK = 1 << 20
_UNKNOWN_SIZE = (0, 0xFFFFFFFF)  # written by programs that stream a WAV and cannot go back to fill it in


def read_audio(path: Path) -> tuple[np.ndarray, int]:
    """Samples of a sound file, channels averaged, and their rate.

    Parameters
    ----------
    path : Path
        WAV, FLAC, OGG or MP3.

    Returns
    -------
    float32 (samples,) in [-1, 1], and samples per second.

    Raises
    ------
    InputError
        When the file is missing, is no sound file, is empty, is cut off, or holds NaN or infinity.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    ending = _cut_off(path)
    if ending:
        raise InputError(f"{path}: the file is cut off ({ending}); copy or export it again")
    try:
        with soundfile.SoundFile(path) as sound:
            # The length of an MP3 is only guessed; whether it is whole was seen above.
            declared, rate = 0 if sound.format == "MP3" else sound.frames, sound.samplerate
            check_rate(path, rate)
            samples = _read_all(sound)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise InputError(f"{path}: not a sound file that can be read ({error}); export it as WAV, OGG or MP3") from None
    if len(samples) == 0:
        raise InputError(f"{path}: holds no sound; export it again")
    if len(samples) < declared:
        raise InputError(
            f"{path}: the file is cut off (it promises {declared / rate:.1f} s and holds {len(samples) / rate:.1f} s); "
            "copy or export it again"
        )
    bad = ~np.isfinite(samples).all(axis=1)
    if bad.any():
        raise InputError(f"{path}: NaN or infinity at {bad.argmax() / rate:.2f} s; export it again")
    loudest = float(np.abs(samples).max())
    if loudest > LOUDEST:
        raise InputError(f"{path}: samples up to {loudest:.3g}, where 1 is full scale; export it again")
    return samples.mean(axis=1), rate


def load_audio(path: Path, sample_rate: int) -> np.ndarray:
    """:func:`read_audio`, resampled (soxr, high quality) to ``sample_rate`` samples per second: float32 (samples,)."""
    samples, rate = read_audio(path)
    return resample(samples, rate, sample_rate)


def resample(samples: np.ndarray, rate: int, sample_rate: int) -> np.ndarray:
    """Samples at another rate, float32; the same array when the rates agree."""
    return librosa.resample(samples, orig_sr=rate, target_sr=sample_rate, res_type="soxr_hq")


def check_rate(path: Path, rate: int) -> None:
    """Raise :class:`InputError` for samples per second that no song has."""
    if not RATES[0] <= rate <= RATES[1]:
        raise InputError(f"{path}: {rate} samples per second, which is no song; export it at 44100")


def _read_all(sound: soundfile.SoundFile) -> np.ndarray:
    """Every sample, block by block: a damaged header may promise any number of them."""
    blocks = []
    while len(block := sound.read(_BLOCK, dtype="float32", always_2d=True)):
        blocks.append(block)
    return np.concatenate(blocks) if blocks else np.zeros((0, sound.channels), np.float32)


def _cut_off(path: Path) -> str:
    """Why a container is seen to end early, or nothing. Containers that are not known here are left to the decoder."""
    data = path.read_bytes()
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _wav_cut_off(data)
    if data[:4] == b"OggS":
        return _ogg_cut_off(data)
    start = _after_id3(data)
    if data[start : start + 1] == b"\xff" and _mp3_frame(data, start):
        return _mp3_cut_off(data, start)
    return ""


def _wav_cut_off(data: bytes) -> str:
    place = 12
    while place + 8 <= len(data):
        name, size = data[place : place + 4], struct.unpack_from("<I", data, place + 4)[0]
        if name == b"data":
            held = len(data) - place - 8
            return f"{held} of {size} bytes of sound" if size not in _UNKNOWN_SIZE and held < size else ""
        place += 8 + size + size % 2
    return "no sound chunk"


def _ogg_cut_off(data: bytes) -> str:
    page = data.rfind(b"OggS")
    segments = data[page + 26] if page + 26 < len(data) else 0
    table = data[page + 27 : page + 27 + segments]
    if page + 27 > len(data) or len(table) < segments or page + 27 + segments + sum(table) > len(data):
        return "its last page is incomplete"
    end_of_stream = 0x04
    return "" if data[page + 5] & end_of_stream else "no page ends the stream"


# MPEG audio, layer III, by the two bits of the version in the frame header.
_MP3_KBPS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _after_id3(data: bytes) -> int:
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size


def _mp3_frame(data: bytes, place: int) -> int:
    """Bytes of the layer III frame at ``place``; 0 where there is no frame header."""
    if place + 4 > len(data) or data[place] != 0xFF or data[place + 1] & 0xE0 != 0xE0:
        return 0
    version, layer = data[place + 1] >> 3 & 3, data[place + 1] >> 1 & 3
    bitrate, rate, padding = data[place + 2] >> 4, data[place + 2] >> 2 & 3, data[place + 2] >> 1 & 1
    if version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return 0
    kbps = _MP3_KBPS[3 if version == 3 else 2][bitrate]
    return (144_000 if version == 3 else 72_000) * kbps // _MP3_RATES[version][rate] + padding


def _mp3_cut_off(data: bytes, start: int) -> str:
    first = data[start : start + _mp3_frame(data, start)]
    for tag in (b"Xing", b"Info"):
        place = first.find(tag)
        if place >= 0 and len(first) >= place + 16:
            flags = struct.unpack_from(">I", first, place + 4)[0]
            if flags & 2:  # the size of the stream is told, after the number of frames if that is told
                size = struct.unpack_from(">I", first, place + 8 + 4 * (flags & 1))[0]
                held = len(data) - start
                return f"{held} of {size} bytes" if held < size else ""
    place = start
    while length := _mp3_frame(data, place):
        if place + length > len(data):
            return "its last frame is incomplete"
        place += length
    return ""
