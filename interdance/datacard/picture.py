"""Samples of a data set in one picture, in the manner of the paper's Figure 2: couples by genre, and the genres' shares."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from interdance.body.model import Body
from interdance.body.skeleton import INDEX
from interdance.export.cast import cast
from interdance.export.raster import Renderer
from interdance.export.scene import Scene, View
from interdance.export.sheet import INK, LABEL_HEIGHT, PAPER, SAMPLES, Sheet
from interdance.takes import Duet, read_take

TILE_WIDTH, TILE_HEIGHT = 380, 400
RING_SAMPLES = 4  # the ring is drawn four times as large and reduced
RING_TILES = 2  # wide
MOST_TILES = 30
VIEW = View(25.0, 10.0, near=0.92)
MUTED = "#5b6474"
LIMBS = [INDEX[name] for name in ("left_wrist", "right_wrist", "left_ankle", "right_ankle", "head")]
LOOK_EVERY = 5  # frames between the moments among which the widest is chosen


def write_picture(path: Path, takes: Path, card: Mapping[str, Any], body: Body) -> None:
    """Write the picture of a card as PNG: one couple per genre, two where there are few genres.

    Parameters
    ----------
    path : Path
    takes : Path
        The folder the card was made of.
    card : dict
        As :func:`interdance.datacard.card.make_card` gives it.
    body : Body
    """
    chosen = samples(card)
    columns, rows = grid(len(chosen) + RING_TILES)
    sheet = Sheet(columns, rows, TILE_WIDTH, TILE_HEIGHT)
    renderer = Renderer(TILE_WIDTH, TILE_HEIGHT - LABEL_HEIGHT, SAMPLES)
    for place, (genre, take, moment) in enumerate(chosen):
        sheet.put(place, _couple(renderer, read_take(takes / take), moment, body), genre.replace("_", " "))
    left = len(chosen) % columns if len(chosen) > (rows - 1) * columns else 0  # what is left of the last row is the ring's
    _ring(sheet.image, card, (left * TILE_WIDTH, (rows - 1) * TILE_HEIGHT, (columns - left) * TILE_WIDTH))
    sheet.save(path)


def grid(tiles: int) -> tuple[int, int]:
    """Columns and rows of a picture of so many tiles: somewhat wider than high, with few places left empty."""
    columns = min(range(3, 8), key=lambda count: (-tiles % count) + abs(count - np.sqrt(1.6 * tiles)))
    return columns, -(-tiles // columns)


def samples(card: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Genre, take and moment (share of the take) of each couple shown; takes that are to be left out come last."""
    genres = [entry["genre"] for entry in card["genres"]][:MOST_TILES]
    each = 1 if len(genres) > 6 else 2 if len(genres) > 2 else 4
    chosen = []
    for genre in genres:
        own = sorted((take for take in card["takes"] if take["genre"] == genre), key=lambda take: take["verdict"] is not None)
        picked = [own[index % len(own)]["take"] for index in range(each)]
        chosen += [(genre, take, (index + 1.0) / (each + 1.0)) for index, take in enumerate(picked)]
    return chosen


def widest_moment(joints: Sequence[np.ndarray], about: float) -> int:
    """A frame near a share of the take in which arms and legs reach far: a picture of dancing rather than of standing."""
    num_frames = len(joints[0])
    middle, half = about * num_frames, 0.25 * num_frames
    frames = np.arange(int(max(middle - half, 0)), max(int(min(middle + half, num_frames)), 1), LOOK_EVERY)
    reach = np.zeros(len(frames))
    for joints_TJ3 in joints:
        seen = joints_TJ3[frames]
        reach += np.linalg.norm(seen[:, LIMBS] - seen[:, :1], axis=2).sum(axis=1)
        reach += np.abs(seen[:, 0, 1] - np.median(joints_TJ3[:, 0, 1]))  # lifts, dips and jumps
    return int(frames[reach.argmax()])


def _couple(renderer: Renderer, duet: Duet, moment: float, body: Body) -> np.ndarray:
    dancers = cast(duet.leader, [duet.follower])
    frame = widest_moment([body.joints(dancer.motion) for dancer in dancers], moment)
    still = [replace(dancer, motion=dancer.motion[frame : frame + 1]) for dancer in dancers]
    scene = Scene(duet.name, still, body, renderer.width, renderer.height, {"": VIEW})
    return scene.paint(renderer, scene.vertices([0])[0], 0)


def genre_colours(count: int) -> Iterator[str]:
    """Colours round the circle, neighbours of different lightness."""
    for index in range(count):
        red, green, blue = colorsys.hls_to_rgb(index / max(count, 1), 0.50 + 0.12 * (index % 2), 0.45)
        yield f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def _ring(sheet: Image.Image, card: Mapping[str, Any], box: tuple[int, int, int]) -> None:
    """Shares of the genres in time as a ring, with their names beside it, in the middle of a box (left, top, width)."""
    left, top, height = box[0] + (box[2] - RING_TILES * TILE_WIDTH) // 2, box[1], TILE_HEIGHT
    genres = sorted(card["genres"], key=lambda entry: -entry["seconds"])
    colours = list(genre_colours(len(genres)))
    size = height - 2 * LABEL_HEIGHT
    large = Image.new("RGB", (size * RING_SAMPLES, size * RING_SAMPLES), PAPER)
    draw, angle = ImageDraw.Draw(large), -90.0
    edge = size * RING_SAMPLES - 1
    for entry, colour in zip(genres, colours, strict=True):
        end = angle + 360.0 * entry["share"]
        draw.pieslice((0, 0, edge, edge), angle, end, fill=colour, outline=PAPER, width=2 * RING_SAMPLES)
        angle = end
    hole = round(0.29 * edge)
    draw.ellipse((hole, hole, edge - hole, edge - hole), fill=PAPER)
    sheet.paste(large.resize((size, size), Image.Resampling.LANCZOS), (left + 16, top + LABEL_HEIGHT))
    draw = ImageDraw.Draw(sheet)
    hours = card["overall"]["seconds"] / 3600.0
    total = f"{hours:.2f} h" if hours >= 0.5 else f"{60.0 * hours:.0f} min"
    middle = (left + 16 + size // 2, top + LABEL_HEIGHT + size // 2)
    draw.text((middle[0], middle[1] - 12), total, fill=INK, font_size=26, anchor="mm")
    draw.text((middle[0], middle[1] + 16), f"{card['overall']['takes']} takes", fill=MUTED, font_size=16, anchor="mm")
    line = min(24.0, size / max(len(genres), 1))
    y = top + height / 2 - line * len(genres) / 2
    x = left + 16 + size + 24
    for entry, colour in zip(genres, colours, strict=True):
        draw.rectangle((x, y + 0.2 * line, x + 0.6 * line, y + 0.8 * line), fill=colour)
        text = f"{entry['genre'].replace('_', ' ')}  {100.0 * entry['share']:.0f} %"
        draw.text((x + line, y + line / 2), text, fill=INK, font_size=min(17.0, 0.72 * line), anchor="lm")
        y += line
