"""Dancers, the cameras that look at them, and pictures of any frame, drawn without a display or a graphics card."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from interdance.errors import InputError
from interdance.export import palette
from interdance.export.cast import Dancer, check_together
from interdance.export.framing import Framing, frame_couple
from interdance.export.raster import Camera, Renderer

CHUNK = 24  # frames skinned at a time
GAP = 2  # pixels between the views of a picture
GAP_COLOUR = (255, 255, 255)
FIELD_OF_VIEW = 30.0  # degrees: the vertical opening of every camera
LABEL_INK = np.array([58.0, 68.0, 80.0], np.float32)


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
    follows : bool
        Whether the camera goes with the couple; otherwise it stands, and shows all the floor that is danced on.
    near : float
        Share of the distance that leaves room around every joint.
    """

    azimuth: float
    elevation: float
    turn: float = 0.0
    follows: bool = True
    near: float = 1.0


VIEWS: dict[str, View] = {
    "follow": View(30.0, 12.0),
    "front": View(0.0, 8.0, follows=False),
    "back": View(180.0, 8.0, follows=False),
    "side": View(90.0, 8.0, follows=False),
    "top": View(0.0, 87.0, follows=False),
    "orbit": View(30.0, 12.0, turn=12.0),
}


def find_views(where: object, names: Sequence[str]) -> dict[str, View]:
    """Views by their names. Raises :class:`InputError`, beginning with ``where``, for none, an unknown or a double one."""
    if not names or len(set(names)) < len(names):
        raise InputError(f"{where}: views {','.join(names) or '(none)'}: name one or more, each once, of {', '.join(VIEWS)}")
    for name in names:
        if name not in VIEWS:
            raise InputError(f"{where}: no view is named {name!r}; choose of {', '.join(VIEWS)}")
    return {name: VIEWS[name] for name in names}


class Scene:
    """The dancers, one camera or several beside each other, and the drawing of any frame.

    Attributes
    ----------
    num_frames : int
    fps : float
    cameras : list of list of Camera
        Per view and frame.
    """

    def __init__(
        self,
        where: object,
        dancers: Sequence[Dancer],
        body: Any,
        width: int,
        height: int,
        views: dict[str, View],
        framing: Framing | None = None,
    ) -> None:
        """Place the cameras. ``width`` and ``height`` are pixels of the whole picture; it shows the dancers, or ``framing``.

        Raises
        ------
        InputError
            Beginning with ``where``: no dancers, dancers of different length or rate, or too few pixels for the views.
        """
        check_together(where, dancers)
        columns = grid(len(views))[0]
        self.tile_width, self.tile_height = tile_size(where, width, height, len(views))
        self.width, self.height = width, height
        self._corners = [
            (index // columns * (self.tile_height + GAP), index % columns * (self.tile_width + GAP))
            for index in range(len(views))
        ]
        self.motions, self.body = [dancer.motion for dancer in dancers], body
        self.num_frames, self.fps = self.motions[0].num_frames, self.motions[0].fps
        faces, count = np.asarray(body.faces, np.int64), body.num_vertices
        self.faces = np.concatenate([faces + index * count for index in range(len(dancers))]).astype(np.int32)
        self.albedo = np.repeat(np.stack([palette.linear(dancer.colour) for dancer in dancers]), count, axis=0)
        framing = framing or frame_couple([body.joints(motion) for motion in self.motions], self.fps)
        self.centres_T3 = framing.centres_T3
        aspect = self.tile_width / self.tile_height
        self.cameras = [_cameras(framing, view, aspect) for view in views.values()]
        self._labels = [_label(name) for name in views] if len(views) > 1 else []

    def renderer(self, samples: int) -> Renderer:
        """What :meth:`paint` draws with; one per thread. ``samples`` squared sub-pixels per pixel."""
        return Renderer(self.tile_width, self.tile_height, samples)

    def vertices(self, frames: Sequence[int] | np.ndarray) -> np.ndarray:
        """Meshes of all dancers, one after the other, at those frames: float32 (N, V, 3)."""
        return np.concatenate([self.body.vertices(motion, np.asarray(frames)) for motion in self.motions], axis=1)

    def paint(self, renderer: Renderer, vertices_V3: np.ndarray, frame: int) -> np.ndarray:
        """The picture of a frame: uint8 (height, width, 3)."""
        seen = [cameras[frame] for cameras in self.cameras]
        tiles = renderer.draw(vertices_V3, self.faces, self.albedo, seen, self.centres_T3[frame])
        if (self.tile_width, self.tile_height) == (self.width, self.height):
            return next(tiles)
        picture = np.empty((self.height, self.width, 3), np.uint8)
        picture[:] = GAP_COLOUR
        for tile, (top, left), label in zip(tiles, self._corners, self._labels, strict=True):
            _write(tile, label)
            picture[top : top + self.tile_height, left : left + self.tile_width] = tile
        return picture

    def draw(self, frames: np.ndarray, samples: int, workers: int) -> Iterator[np.ndarray]:
        """Pictures of those frames, in order; ``workers`` of them are drawn at a time."""
        renderers: SimpleQueue[Renderer] = SimpleQueue()
        for _ in range(workers):
            renderers.put(self.renderer(samples))

        def picture(vertices_V3: np.ndarray, frame: int) -> np.ndarray:
            renderer = renderers.get()
            try:
                return self.paint(renderer, vertices_V3, frame)
            finally:
                renderers.put(renderer)

        pending: deque[Future[np.ndarray]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(frames), CHUNK):
                part = frames[start : start + CHUNK]
                for vertices_V3, frame in zip(self.vertices(part), part, strict=True):
                    pending.append(pool.submit(picture, vertices_V3, int(frame)))
                    if len(pending) > 2 * workers:
                        yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()


def tile_size(where: object, width: int, height: int, views: int) -> tuple[int, int]:
    """Pixels of each of so many views in a picture. Raises :class:`InputError`, beginning with ``where``, where few."""
    columns, rows = grid(views)
    tile = (width - GAP * (columns - 1)) // columns, (height - GAP * (rows - 1)) // rows
    if min(tile) < 16:
        raise InputError(f"{where}: {width}x{height} pixels are too few for {views} views; give 16x16 to each")
    return tile


def grid(views: int) -> tuple[int, int]:
    """Columns and rows of a picture of so many views: dancers stand upright, so up to three go beside each other."""
    columns = views if views < 4 else int(np.ceil(np.sqrt(views)))
    return columns, -(-views // columns)


def _cameras(framing: Framing, view: View, aspect: float) -> list[Camera]:
    """One camera per frame that keeps the couple whole in the picture and never jerks."""
    if not view.follows:
        low, high = framing.joints_TN3.min(axis=(0, 1)), framing.joints_TN3.max(axis=(0, 1))
        middle = np.array([0.5 * (low[0] + high[0]), 0.5 * framing.height, 0.5 * (low[2] + high[2])])
        framing = replace(framing, centres_T3=np.tile(middle, (len(framing.centres_T3), 1)))
    azimuth = framing.azimuth + np.radians(view.azimuth + view.turn * np.arange(len(framing.centres_T3)) / framing.fps)
    elevation, opening = np.radians(view.elevation), float(np.radians(FIELD_OF_VIEW))
    flat, rise = np.cos(elevation), np.full_like(azimuth, np.sin(elevation))
    away_T3 = np.stack([np.sin(azimuth) * flat, rise, np.cos(azimuth) * flat], axis=1)
    axes_T33 = np.stack(
        [Camera(centre + step, centre, opening).axes() for centre, step in zip(framing.centres_T3, away_T3, strict=True)]
    )
    distances = framing.distances(axes_T33, np.tan(opening / 2) * aspect, np.tan(opening / 2)) * view.near
    if not view.follows:
        distances[:] = distances.max()
    return [
        Camera(centre + far * step, centre, opening)
        for centre, far, step in zip(framing.centres_T3, distances, away_T3, strict=True)
    ]


def _label(text: str) -> np.ndarray:
    """How much ink each pixel of a short text has: float32 (H, W, 1) in 0..1."""
    image = Image.new("L", (240, 28))
    ImageDraw.Draw(image).text((10, 6), text, fill=255, font_size=16)
    return np.asarray(image, np.float32)[:, :, None] / 255.0


def _write(tile: np.ndarray, label: np.ndarray) -> None:
    """Lay a label over the upper left corner of a picture, in place."""
    corner = tile[: label.shape[0], : label.shape[1]]
    ink = label[: corner.shape[0], : corner.shape[1]]
    corner[:] = (corner * (1.0 - ink) + ink * LABEL_INK).astype(np.uint8)
