"""Films of dancers with their song, drawn without a display or a graphics card."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from interdance.errors import InputError
from interdance.export.cast import Dancer, cast, check_together
from interdance.export.framing import Framing, frame_couple
from interdance.export.scene import Scene, View, find_views
from interdance.export.sound import SAMPLE_RATE, audio_frames
from interdance.files import atomic_path
from interdance.takes import Motion

Progress = Callable[[int, int], None]
"""Called with the number of frames done and of all frames."""

SAMPLES = 2  # anti-aliasing: so many squared sub-pixels per pixel
FARTHEST = 2.5  # metres: a follower who is farther from her leader leaves a film of two couples, rather than shrink both


def write_video(
    path: Path,
    dancers: Sequence[Dancer],
    body: Any,
    sound_2N: np.ndarray | None,
    *,
    width: int = 1280,
    height: int = 720,
    views: Sequence[str] = ("follow",),
    workers: int = 2,
    progress: Progress | None = None,
) -> None:
    """Write an MP4 (H.264, AAC) of the dance, with the song.

    Parameters
    ----------
    path : Path
        The film; it appears only when it is complete.
    dancers : sequence of Dancer
        Of equal length and rate.
    body : interdance.body.model.Body
        Turns motions into vertices and joints.
    sound_2N : float32 (2, samples), optional
        The song at 48 kHz, as long as the motion (:func:`interdance.export.sound.read_stereo`).
    width, height : int
        Pixels, even numbers.
    views : sequence of str
        Names of :data:`interdance.export.scene.VIEWS`; several are shown beside each other.
    workers : int
        Threads that draw.
    progress : callable, optional
        Called with (frames done, all frames).

    Raises
    ------
    InputError
        Dancers of different length or rate, an odd picture size, an unknown view.
    """
    check_size(path, width, height)
    scene = Scene(path, dancers, body, width, height, find_views(path, views))
    rate = Fraction(scene.fps).limit_denominator(1001)
    images = scene.draw(np.arange(scene.num_frames), SAMPLES, workers)
    _encode(path, images, scene.num_frames, (width, height), rate, sound_2N, progress)


def write_pair(
    path: Path,
    leader: Motion,
    followers: tuple[Motion, Motion],
    body: Any,
    sound_2N: np.ndarray | None,
    *,
    width: int,
    height: int,
    view: View,
    workers: int = 2,
) -> None:
    """Write an MP4 of a leader twice: with the first follower in the left half, with the second in the right.

    One film cannot fall out of step with itself, as two players beside each other do. Both halves are seen from one camera
    (:func:`frame_pair`).

    Parameters
    ----------
    followers : two Motions
        Of the leader's length and rate.
    width, height : int
        Pixels of a half, even numbers.
    view : View
        Of both halves.

    Other parameters and errors are those of :func:`write_video`.
    """
    check_size(path, width, height)
    couples = [cast(leader, [follower]) for follower in followers]
    framing = frame_pair(leader, followers, body)
    halves = [Scene(path, couple, body, width, height, {"": view}, framing) for couple in couples]
    pairs = zip(*(half.draw(np.arange(leader.num_frames), SAMPLES, workers) for half in halves), strict=True)
    images = (np.concatenate(pair, axis=1) for pair in pairs)
    rate = Fraction(leader.fps).limit_denominator(1001)
    _encode(path, images, leader.num_frames, (2 * width, height), rate, sound_2N)


def frame_pair(leader: Motion, followers: tuple[Motion, Motion], body: Any) -> Framing:
    """What one camera must keep in the picture for two couples of one leader: him, and both followers.

    A follower farther than :data:`FARTHEST` from her leader leaves the picture. Raises :class:`InputError` for followers of
    another length or rate than the leader's.
    """
    check_together("a film of two couples", cast(leader, followers))
    lead_TJ3 = body.joints(leader)
    pelvis_T13 = lead_TJ3[:, :1]
    seen = [lead_TJ3]
    for follower in followers:
        away = body.joints(follower) - pelvis_T13
        length = np.linalg.norm(away, axis=2, keepdims=True)
        seen.append(pelvis_T13 + away * FARTHEST / np.maximum(length, FARTHEST))
    return frame_couple(seen, leader.fps)


def check_size(path: Path, width: int, height: int) -> None:
    """Raise :class:`InputError` for a size of pixels that a film cannot have."""
    if width % 2 or height % 2 or width < 16 or height < 16:
        raise InputError(
            f"{path}: a film of {width}x{height} pixels cannot be encoded; give even numbers of at least 16"
        )


def _encode(
    path: Path,
    images: Iterable[np.ndarray],
    num_frames: int,
    size: tuple[int, int],
    rate: Fraction,
    sound: np.ndarray | None,
    progress: Progress | None = None,
) -> None:
    """Write pictures, uint8 (height, width, 3), and sound, float32 (2, samples) at 48 kHz, as a film."""
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container,
    ):
        picture = container.add_stream("libx264", rate=rate)
        picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
        picture.options = {"preset": "veryfast", "crf": "19"}
        picture.thread_count = 2
        waiting: deque[av.AudioFrame] = deque()
        if sound is not None:
            voice = container.add_stream("aac", rate=SAMPLE_RATE)
            voice.bit_rate, voice.layout = 160_000, "stereo"
            waiting.extend(audio_frames(sound))
        for number, image in enumerate(images):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            while waiting and (waiting[0].pts or 0) <= (number + 1) / float(rate) * SAMPLE_RATE:
                container.mux(voice.encode(waiting.popleft()))
            if progress:
                progress(number + 1, num_frames)
        container.mux(picture.encode(None))
        if sound is not None:
            for frame in waiting:
                container.mux(voice.encode(frame))
            container.mux(voice.encode(None))
