"""Films and contact sheets of couples, drawn without a display or a graphics card."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw

from interdance.errors import InputError
from interdance.export import palette
from interdance.export.framing import frame_couple
from interdance.export.raster import Camera, Renderer
from interdance.export.sound import SAMPLE_RATE, audio_frames, read_stereo
from interdance.files import atomic_path
from interdance.takes import Motion

Progress = Callable[[int, int], None]
"""Called with the number of frames done and of all frames."""

CHUNK = 24  # frames skinned at a time
FARTHEST = 2.5  # metres: a follower who is farther from her leader leaves a film of two couples, rather than shrink both


@dataclass(frozen=True)
class View:
    """From where the camera looks at the couple, degrees.

    Attributes
    ----------
    azimuth : float
        0 sees the dancers next to each other most of the time; positive walks around them to the right.
    elevation : float
        Above the horizontal.
    turn : float
        Degrees per second the camera walks around the couple.
    field_of_view : float
        Vertical opening.
    """

    azimuth: float
    elevation: float
    turn: float = 0.0
    field_of_view: float = 30.0


VIEWS: dict[str, View] = {
    "three-quarter": View(30.0, 12.0),
    "broadside": View(0.0, 6.0),
    "opposite": View(180.0, 6.0),
    "lengthwise": View(90.0, 6.0),
    "top": View(0.0, 80.0),
    "orbit": View(30.0, 12.0, turn=12.0),
}


def write_video(
    path: Path,
    leader: Motion,
    follower: Motion | None,
    body: Any,
    music: Path | None,
    *,
    width: int = 1280,
    height: int = 720,
    fps: float | None = None,
    view: str | View = "three-quarter",
    samples: int = 2,
    workers: int = 2,
    progress: Progress | None = None,
) -> None:
    """Write an MP4 (H.264, AAC) of the couple dancing, with the song.

    Parameters
    ----------
    path : Path
        The film; it appears only when it is complete.
    leader, follower : Motion
        Of equal length and rate. Without a follower the leader dances alone.
    body : interdance.body.model.Body
        Turns motions into vertices and joints.
    music : Path, optional
        Any sound file FFmpeg reads; cut, or followed by silence, to the length of the motion.
    width, height : int
        Pixels, even numbers.
    fps : float, optional
        Frames per second of the film; the motion's own when absent.
    view : str or View
        A name of :data:`VIEWS`, or a view of one's own.
    samples : int
        Anti-aliasing, ``samples`` squared sub-pixels per pixel.
    workers : int
        Threads that draw.
    progress : callable, optional
        Called with (frames done, all frames).

    Raises
    ------
    InputError
        Motions of different length or rate, an odd picture size, an unknown view, a song that cannot be read.
    """
    _check_size(path, width, height)
    scene = _Scene(path, leader, follower, body, width, height, _view(path, view))
    rate = Fraction(fps or leader.fps).limit_denominator(1001)
    num_frames = max(1, int(scene.num_frames * float(rate) / leader.fps))
    frames = np.minimum((np.arange(num_frames) * leader.fps / float(rate)).astype(int), scene.num_frames - 1)
    sound = read_stereo(music, num_frames / float(rate)) if music else None
    _encode(path, scene.draw(frames, samples, workers), num_frames, (width, height), rate, sound, progress)


def write_pair(
    path: Path,
    leader: Motion,
    followers: tuple[Motion, Motion],
    body: Any,
    sound_2N: np.ndarray | None,
    *,
    width: int,
    height: int,
    view: str | View = "three-quarter",
    samples: int = 2,
    workers: int = 2,
    progress: Progress | None = None,
) -> None:
    """Write an MP4 of a leader twice: with the first follower in the left half, with the second in the right.

    One film cannot fall out of step with itself, as two players beside each other do. Both halves are seen from one camera,
    which keeps the leader and both followers in the picture; a follower farther than 2.5 m from her leader leaves it.

    Parameters
    ----------
    followers : two Motions
        Of the leader's length and rate.
    sound_2N : float32 (2, samples), optional
        At 48 kHz, as :func:`interdance.export.sound.read_stereo` gives it.
    width, height : int
        Pixels of a half, even numbers.

    Other parameters and errors are those of :func:`write_video`.
    """
    _check_size(path, width, height)
    one, other = followers
    halves = [
        _Scene(path, leader, shown, body, width, height, _view(path, view), beside=hidden)
        for shown, hidden in ((one, other), (other, one))
    ]
    frames = np.arange(leader.num_frames)
    pairs = zip(*(half.draw(frames, samples, workers) for half in halves), strict=True)
    images = (np.concatenate(pair, axis=1) for pair in pairs)
    rate = Fraction(leader.fps).limit_denominator(1001)
    _encode(path, images, leader.num_frames, (2 * width, height), rate, sound_2N, progress)


def _check_size(path: Path, width: int, height: int) -> None:
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
    progress: Progress | None,
) -> None:
    """Write pictures, uint8 (height, width, 3), and sound, float32 (2, samples) at 48 kHz, as a film."""
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container,
    ):
        picture = container.add_stream("libx264", rate=rate)
        picture.width, picture.height = size
        picture.pix_fmt = "yuv420p"
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


def contact_sheet(
    path: Path,
    leader: Motion,
    follower: Motion | None,
    body: Any,
    *,
    frames: Sequence[int] | None = None,
    count: int = 12,
    columns: int = 4,
    tile_width: int = 480,
    tile_height: int = 360,
    view: str | View = "three-quarter",
    samples: int = 3,
) -> None:
    """Write a PNG grid of moments of the dance, each with its time in seconds.

    ``frames`` names the moments; without it ``count`` of them are spread evenly. Other parameters and errors are those
    of :func:`write_video`.
    """
    scene = _Scene(path, leader, follower, body, tile_width, tile_height, _view(path, view))
    if frames is None:
        chosen = np.linspace(0, scene.num_frames - 1, count).round().astype(int)
    else:
        chosen = np.asarray(frames, int)
        if not len(chosen) or chosen.min() < 0 or chosen.max() >= scene.num_frames:
            raise InputError(f"{path}: frames {list(frames)} are not all within 0..{scene.num_frames - 1}")
    columns = min(columns, len(chosen))
    rows = -(-len(chosen) // columns)
    sheet = Image.new("RGB", (columns * tile_width, rows * tile_height), "#d9dee4")
    draw = ImageDraw.Draw(sheet)
    for place, (frame, image) in enumerate(zip(chosen, scene.draw(chosen, samples, 2), strict=True)):
        corner = (place % columns * tile_width, place // columns * tile_height)
        sheet.paste(Image.fromarray(image), corner)
        draw.text((corner[0] + 8, corner[1] + 6), f"{frame / leader.fps:.1f} s", fill="#5b6570", font_size=14)
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def _view(path: Path, view: str | View) -> View:
    if isinstance(view, View):
        return view
    if view not in VIEWS:
        raise InputError(f"{path}: no view is named {view!r}; choose one of {', '.join(VIEWS)}")
    return VIEWS[view]


class _Scene:
    """The couple, its camera and the drawing of any of its frames.

    A follower ``beside`` the couple is not drawn; the camera sees her too, and no follower beyond :data:`FARTHEST`.
    """

    def __init__(
        self,
        path: Path,
        leader: Motion,
        follower: Motion | None,
        body: Any,
        width: int,
        height: int,
        view: View,
        beside: Motion | None = None,
    ) -> None:
        dancers = [leader] if follower is None else [leader, follower]
        if leader.num_frames == 0:
            raise InputError(f"{path}: the leader has no frames; nothing can be drawn")
        for other in (follower, beside):
            if other is not None and (other.num_frames, other.fps) != (leader.num_frames, leader.fps):
                raise InputError(
                    f"{path}: the leader has {leader.num_frames} frames at {leader.fps:g} per second and the follower "
                    f"{other.num_frames} at {other.fps:g}; cut or resample one of them"
                )
        self.dancers, self.body, self.width, self.height = dancers, body, width, height
        self.num_frames = leader.num_frames
        faces = np.asarray(body.faces, np.int64)
        self.faces = np.concatenate([faces + index * body.num_vertices for index in range(len(dancers))]).astype(
            np.int32
        )
        colours = [palette.linear(palette.LEADER), palette.linear(palette.FOLLOWERS[0])][: len(dancers)]
        self.albedo = np.repeat(np.stack(colours), body.num_vertices, axis=0)
        self.cameras, self.centres = self._follow(view, beside)

    def _follow(self, view: View, beside: Motion | None) -> tuple[list[Camera], np.ndarray]:
        """One camera per frame that keeps the couple whole in the picture and never jerks."""
        fps = self.dancers[0].fps
        seen = [self.body.joints(motion) for motion in self.dancers]
        if beside is not None:
            seen = [seen[0], *(_near(joints_TJ3, seen[0]) for joints_TJ3 in (*seen[1:], self.body.joints(beside)))]
        framing = frame_couple(seen, fps)
        azimuth = framing.azimuth + np.radians(view.azimuth + view.turn * np.arange(self.num_frames) / fps)
        elevation, opening = np.radians(view.elevation), np.radians(view.field_of_view)
        flat, rise = np.cos(elevation), np.full_like(azimuth, np.sin(elevation))
        away = np.stack([np.sin(azimuth) * flat, rise, np.cos(azimuth) * flat], axis=1)
        centres, high = framing.centres_T3, np.tan(opening / 2)
        axes = np.stack(
            [Camera(centre + step, centre, opening).axes() for centre, step in zip(centres, away, strict=True)]
        )
        distances = framing.distances(axes, high * self.width / self.height, high)
        cameras = [
            Camera(centre + far * step, centre, opening)
            for centre, far, step in zip(centres, distances, away, strict=True)
        ]
        return cameras, centres

    def draw(self, frames: np.ndarray, samples: int, workers: int) -> Iterator[np.ndarray]:
        """Pictures of those frames, in order; ``workers`` of them are drawn at a time."""
        renderers: SimpleQueue[Renderer] = SimpleQueue()
        for _ in range(workers):
            renderers.put(Renderer(self.width, self.height, samples))

        def picture(vertices: np.ndarray, frame: int) -> np.ndarray:
            renderer = renderers.get()
            try:
                return renderer.draw(vertices, self.faces, self.albedo, self.cameras[frame], self.centres[frame])
            finally:
                renderers.put(renderer)

        pending: deque[Future[np.ndarray]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(frames), CHUNK):
                part = frames[start : start + CHUNK]
                meshes = np.concatenate([self.body.vertices(motion, part) for motion in self.dancers], axis=1)
                for vertices, frame in zip(meshes, part, strict=True):
                    pending.append(pool.submit(picture, vertices, int(frame)))
                    if len(pending) > 2 * workers:
                        yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()


def _near(joints_TJ3: np.ndarray, leader_TJ3: np.ndarray) -> np.ndarray:
    """A follower's joints, drawn along the line to the leader's pelvis until they are within :data:`FARTHEST`."""
    pelvis_T13 = leader_TJ3[:, :1]
    away = joints_TJ3 - pelvis_T13
    length = np.linalg.norm(away, axis=2, keepdims=True)
    return pelvis_T13 + away * FARTHEST / np.maximum(length, FARTHEST)
