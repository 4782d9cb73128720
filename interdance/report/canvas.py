"""Drawing surface of the figures: matplotlib without its global state, as inline SVG whose bytes depend on the data alone."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, MUTED, RULE = "#1d2330", "#5b6474", "#d5d9e1"
SMALL, NORMAL = 10.0, 11.0
WIDER_THAN_PHONES = 600.0  # pixels; such figures scroll on a narrow page rather than shrink
#: Text stays text (small files, searched and copied like any other); names are shown as they are, not read as formulas.
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "interdance",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": NORMAL,
    "figure.dpi": 72.0,
    "savefig.dpi": 72.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "axes.labelsize": SMALL,
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
}


def settings() -> AbstractContextManager[None]:
    """Our settings of matplotlib for the length of a ``with`` block, whatever the user's own say."""
    every: Any = {**matplotlib.rcParamsDefault, "backend": matplotlib.rcParams["backend"]}
    return matplotlib.rc_context(every | _SETTINGS)


def frame(
    width: float, height: float, title: str, *, left: float = 46, right: float = 14, top: float = 30, bottom: float = 34
) -> tuple[Figure, Axes]:
    """A figure with one field to draw in; sizes and margins in pixels of the page at its full width."""
    figure = Figure(figsize=(width / 72.0, height / 72.0))
    FigureCanvasSVG(figure)
    axes = figure.add_axes((left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height))
    axes.spines[["top", "right"]].set_visible(False)
    figure.text(2.0 / width, 1.0 - 13.0 / height, title, fontsize=NORMAL, fontweight="bold", va="center")
    axes.tick_params(length=3, pad=3)
    return figure, axes


def svg(figure: Figure, title: str) -> str:
    """The figure as an ``<svg>`` element to put into a page: as wide as drawn, narrower where the page is."""
    stream = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(stream, format="svg", metadata=nothing, transparent=True)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<svg[^>]*>", "", text, count=1)
    # Styles of an inline picture would reach the whole page; names of groups serve nobody; the page's font fits the page.
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*">', "<g>", text)
    text = re.sub(r"font(-family)?: ([^;\"]*)'DejaVu Sans'[^;\"]*", r"font\1: \2system-ui, sans-serif", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r' transform="rotate\(-?0 [^"]*"', "", text)
    text = re.sub(r"\s*\n\s*", "\n", text)
    width, height = (72.0 * size for size in figure.get_size_inches())
    kind = 'class="wide" ' if width > WIDER_THAN_PHONES else ""
    return (
        f'<svg {kind}viewBox="0 0 {width:g} {height:g}" style="width:{width:g}px" role="img" '
        f'aria-label="{html.escape(title)}">{text.strip()}'
    )


def shortened(text: str, most: int) -> str:
    """A name that fits into that many letters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def spaced(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, in the same order, at least ``gap`` apart and between the ends where they fit."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    places: list[float] = []
    for rank, index in enumerate(order):
        least = places[-1] + gap if places else low
        room = high - gap * (len(order) - 1 - rank)
        places.append(min(max(wanted[index], least), room))
    result = [0.0] * len(wanted)
    for index, place in zip(order, places, strict=True):
        result[index] = place
    return result
