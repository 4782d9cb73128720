"""A part of a song as a file of its own, at the place where the dance was cut."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import soundfile
from av.audio.resampler import AudioResampler

from interdance.errors import InputError
from interdance.files import atomic_path
from interdance.music.audio import check_rate

SUFFIXES = (".ogg", ".wav", ".mp3", ".flac")
"""Of the sound files that songs may be."""
FILMS = (".mp4", ".m4a", ".mov")
"""Of files whose sound is taken where a data set has no other."""


def find_song(place: Path, name: str) -> Path | None:
    """``<place>/<name>`` with any of :data:`SUFFIXES`."""
    paths = (place / f"{name}{suffix}" for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def cut_song(source: Path, target: Path, start_s: float, duration_s: float, tolerance_s: float) -> None:
    """Copy a part of a song to FLAC, whatever its format.

    Raises
    ------
    InputError
        When the song cannot be decoded to its end, or ends more than ``tolerance_s`` before the part does.
    """
    samples, rate, promised = _read(source, start_s + duration_s)
    begin, wanted = round(start_s * rate), round(duration_s * rate)
    samples = samples[begin : begin + wanted]  # read from the start: seeking in an mp3 lands near, not there
    expected = min(wanted, max(promised - begin, 0))
    if len(samples) < expected:
        raise InputError(
            f"{source}: the song breaks off at {(begin + len(samples)) / rate:.2f} s of {promised / rate:.2f} s; it was"
            " cut, copy it again"
        )
    if len(samples) < wanted - tolerance_s * rate:
        raise InputError(
            f"{source}: the song ends at {promised / rate:.2f} s, but the dance lasts until"
            f" {start_s + duration_s:.2f} s; use the whole song"
        )
    if not np.isfinite(samples).all():
        raise InputError(f"{source}: the song holds samples that are no numbers; export it again")
    with atomic_path(target) as temporary:
        soundfile.write(temporary, np.clip(samples, -1.0, 1.0), rate, format="FLAC", subtype="PCM_16")


def _read(path: Path, until_s: float) -> tuple[np.ndarray, int, int]:
    """Samples (N, channels) up to a time, samples per second, and how many samples the file promises in all."""
    if path.suffix.lower() in FILMS:
        return _read_film(path, until_s)
    try:
        with soundfile.SoundFile(path) as stream:
            rate, promised = stream.samplerate, stream.frames
            check_rate(path, rate)
            return stream.read(min(round(until_s * rate), promised), dtype="float32", always_2d=True), rate, promised
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        what = str(error).splitlines()[0]
        raise InputError(f"{path}: the song cannot be decoded ({what}); export it again") from None


def _read_film(path: Path, until_s: float) -> tuple[np.ndarray, int, int]:
    """The sound of a film."""
    pieces: list[np.ndarray] = []
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise InputError(f"{path}: a film without sound; put the song beside it as .wav")
            stream = container.streams.audio[0]
            rate = int(stream.rate)
            check_rate(path, rate)
            resampler = AudioResampler(format="flt", layout="stereo")
            length = 0
            for decoded in container.decode(stream):
                for frame in resampler.resample(decoded):
                    pieces.append(frame.to_ndarray().reshape(-1, 2))
                    length += len(pieces[-1])
                if length >= until_s * rate:
                    break
    except av.FFmpegError as error:
        raise InputError(f"{path}: its sound cannot be decoded ({error.strerror}); put the song beside it as .wav") from None
    samples = np.concatenate(pieces) if pieces else np.zeros((0, 2), np.float32)
    return samples, rate, len(samples)
