"""Pictures in a grid, each with a line below it: moments of one dance, or couples of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from interdance.errors import InputError
from interdance.export.cast import Dancer
from interdance.export.scene import Scene, find_views
from interdance.files import atomic_path

INK, PAPER = "#1d2330", "#ffffff"
LABEL_HEIGHT = 34
LABEL_SIZE = 19
SAMPLES = 3  # anti-aliasing: a still may take its time
PICTURE = (480, 360)
"""Pixels of one picture: width and height."""
COLUMNS = 4
"""Moments of a dance beside each other, at most."""


class Sheet:
    """A grid of tiles of equal size, filled row by row.

    Attributes
    ----------
    image : PIL.Image.Image
        The whole sheet.
    columns, tile_width, tile_height : int
        Pixels of a tile, with the line below its picture.
    """

    def __init__(self, columns: int, rows: int, tile_width: int, tile_height: int) -> None:
        self.columns, self.tile_width, self.tile_height = columns, tile_width, tile_height
        self.image = Image.new("RGB", (columns * tile_width, rows * tile_height), PAPER)

    def put(self, place: int, picture: np.ndarray, label: str) -> None:
        """Put a picture, uint8 (tile_height - LABEL_HEIGHT, tile_width, 3), on a tile counted row by row."""
        left, top = place % self.columns * self.tile_width, place // self.columns * self.tile_height
        self.image.paste(Image.fromarray(picture), (left, top))
        middle = (left + self.tile_width // 2, top + self.tile_height - LABEL_HEIGHT // 2 - 2)
        ImageDraw.Draw(self.image).text(middle, label, fill=INK, font_size=LABEL_SIZE, anchor="mm")

    def save(self, path: Path) -> None:
        """Write the sheet as PNG."""
        with atomic_path(path) as temporary:
            self.image.save(temporary, format="PNG", optimize=True)


def write_sheet(
    path: Path,
    dancers: Sequence[Dancer],
    body: Any,
    *,
    count: int = 12,
    moments: Sequence[float] | None = None,
    views: Sequence[str] = ("follow",),
) -> None:
    """Write a PNG grid of moments of the dance, each with its time.

    Parameters
    ----------
    path : Path
        The picture; it appears only when it is complete.
    dancers : sequence of Dancer
        Of equal length and rate.
    body : interdance.body.model.Body
        Turns motions into vertices and joints.
    count : int
        So many moments are spread evenly over the dance, from its first frame to its last one.
    moments : sequence of float, optional
        Seconds from the beginning, instead: the nearest frames are drawn.
    views : sequence of str
        Names of :data:`interdance.export.scene.VIEWS`; several share a picture.

    Raises
    ------
    InputError
        No moment, or one outside the dance; an unknown view; dancers that differ in length or rate.
    """
    scene = Scene(path, dancers, body, *PICTURE, find_views(path, views))
    frames = choose_frames(path, scene.num_frames, scene.fps, count, moments)
    columns = min(COLUMNS, len(frames))
    sheet = Sheet(columns, -(-len(frames) // columns), scene.width, scene.height + LABEL_HEIGHT)
    for place, (frame, picture) in enumerate(zip(frames, scene.draw(frames, SAMPLES, 2), strict=True)):
        sheet.put(place, picture, f"{frame / scene.fps:.1f} s")
    sheet.save(path)


def choose_frames(
    where: object, num_frames: int, fps: float, count: int, moments: Sequence[float] | None
) -> np.ndarray:
    """The frames of a sheet, int64 (N,): at the given seconds, or ``count`` of them spread evenly.

    Raises
    ------
    InputError
        Beginning with ``where``: no moment, or one outside the dance.
    """
    if moments is None:
        if count < 1:
            raise InputError(f"{where}: {count} pictures; one at least is needed")
        return np.linspace(0, num_frames - 1, min(count, num_frames)).round().astype(np.int64)
    last = (num_frames - 1) / fps
    outside = [moment for moment in moments if not 0.0 <= moment <= last + 0.5 / fps]
    if outside or not moments:
        what = f"{outside[0]:g} s is not in the dance" if outside else "no moment is named"
        raise InputError(f"{where}: {what}; name seconds from 0 to {last:.2f}")
    return np.minimum(np.round(np.asarray(moments) * fps), num_frames - 1).astype(np.int64)
