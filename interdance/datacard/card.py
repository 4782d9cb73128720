"""The data card of a folder of takes: measured in parallel, pooled over genres and all, written as JSON, page and picture."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from interdance.body.model import Body
from interdance.datacard.measure import Record, Settings, measure_take
from interdance.datacard.picture import write_picture
from interdance.errors import InputError
from interdance.files import atomic_path, write_json
from interdance.quality.folder import find_takes
from interdance.quality.workers import Progress, over_takes
from interdance.report.datacard import DISTANCE_BIN, card_html

Card = dict[str, Any]
"""JSON-ready: ``name``, ``row`` (Table 1), ``overall``, ``genres``, ``takes``, ``unreadable``, ``settings``."""

CLOSE = 0.01  # share of frames with contact from which on interaction is strong, in the words of Table 1
ANIMATED_DEGREES = 1.0  # fingers that turn less than this about their mean pose were not captured
DECIMALS = 6


def make_card(
    takes: Path,
    body: Body,
    settings: Settings,
    *,
    name: str = "",
    workers: int = 1,
    progress: Progress | None = None,
) -> Card:
    """Measure every take of a folder (``<take>/take.json`` or ``<set>/<take>/take.json``) and pool them.

    Parameters
    ----------
    takes : Path
    body : Body
    settings : Settings
    name : str
        Of the data set; that of the folder when absent.
    workers : int
        Processes. Memory grows with neither the number of takes nor their length, but for a record of each take.
    progress : callable, optional
        Called with (takes done, all takes).

    Raises
    ------
    InputError
        When the folder is missing, has no take, or none that can be read.
    """
    names = find_takes(takes)
    results = over_takes(partial(_record, folder=takes, settings=settings), names, body, workers, progress)
    records = {take: result for take, result in zip(names, results, strict=True) if isinstance(result, dict)}
    unreadable = {take: result for take, result in zip(names, results, strict=True) if isinstance(result, str)}
    if not records:
        raise InputError(next(iter(unreadable.values())))
    by_genre: dict[str, list[Record]] = defaultdict(list)
    for record in records.values():
        by_genre[record["genre"]].append(record)
    seconds = sum(record["seconds"] for record in records.values())
    genres = [{"genre": genre, **pool(found)} for genre, found in sorted(by_genre.items())]
    for entry in genres:
        entry["share"] = round(entry["seconds"] / seconds, DECIMALS)
    overall = pool(list(records.values()))
    shown = [{"take": take, **_of_take(record)} for take, record in records.items()]
    return {
        "name": name or takes.resolve().name,
        "row": table_row(list(records.values()), overall),
        "overall": overall,
        "genres": genres,
        "takes": shown,
        "unreadable": unreadable,
        "settings": {key: getattr(settings, key) for key in ("contact_distance", "near_distance", "clip_frames", "clip_stride")}
        | {"surface": "sampled", "num_vertices": len(body.surface_V)},
    }


def write_card(out: Path, card: Card, takes: Path | None = None, body: Body | None = None) -> list[Path]:
    """Write ``card.json``, ``card.html`` and, when takes and body are given, ``samples.png`` into a folder.

    Returns the files written.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = [out / "card.json", out / "card.html"]
    write_json(written[0], card)
    picture = ""
    if takes is not None and body is not None:
        picture = "samples.png"
        write_picture(out / picture, takes, card, body)
        written.append(out / picture)
    with atomic_path(written[1]) as temporary:
        temporary.write_text(card_html(card, picture), encoding="utf-8")
    return written


def pool(records: Sequence[Record]) -> dict[str, Any]:
    """Several takes as one: rates are sums over sums; what nobody has is absent."""
    seconds = sum(record["seconds"] for record in records)
    sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(2))
    for record in records:
        for key, pair in record["sums"].items():
            sums[key] += pair
    rates = {key: float(top / bottom) for key, (top, bottom) in sums.items() if bottom > 0}
    if "CLR" in rates:
        rates["CVR"] = (rates["CLR"] + rates["CFR"]) / 2
    defects: Counter[str] = Counter()
    holds: dict[str, float] = defaultdict(float)
    for record in records:
        defects.update(record["defects"])
        for hold, lasts in record["holds"].items():
            holds[hold] += lasts
    held = sum(holds.values())
    histogram = np.sum([record["distance"] for record in records if record["distance"]], axis=0)
    pooled: dict[str, Any] = {
        "takes": len(records),
        "frames": sum(record["frames"] for record in records),
        "seconds": seconds,
        "mean_s": seconds / len(records),
        "shortest_s": min(record["seconds"] for record in records),
        "longest_s": max(record["seconds"] for record in records),
        "rates": rates,
        "tempo": _tempo([record["tempo_bpm"] for record in records if record["tempo_bpm"]]),
        "distance_m": _quantiles(histogram) if np.size(histogram) and np.sum(histogram) else {},
        "distance_counts": np.asarray(histogram).astype(int).tolist() if np.size(histogram) > 1 else [],
        "finger_degrees": float(np.mean([value for record in records for value in record["finger_degrees"]])),
        "defects": dict(sorted(defects.items())),
        "defects_per_minute": 60.0 * sum(defects.values()) / seconds if seconds else 0.0,
        "left_out": sum(record["verdict"] is not None for record in records),
        "holds": {hold: value / held for hold, value in sorted(holds.items(), key=lambda item: -item[1])},
        "held_share": held / seconds if seconds else 0.0,
    }
    return dict(_rounded(pooled))


def table_row(records: Sequence[Record], overall: dict[str, Any]) -> dict[str, Any]:
    """The data set's row of Table 1, every entry measured.

    Interaction is strong (``S``) where the couple's surfaces touch in at least 1 % of the frames, weak (``W``) for other
    couples, and none (``×``) for solo dancers. Hands count where at least half of the dancers' fingers turn by more than
    a degree about their mean pose. Genres are those that are named.
    """
    couples = sum(record["dancers"] == 2 for record in records)
    touching = overall["rates"].get("CF", 0.0) >= CLOSE
    fingers = [value > ANIMATED_DEGREES for record in records for value in record["finger_degrees"]]
    named = {record["genre"] for record in records} - {"", "unknown"}
    return {
        "hhi": ("S" if touching else "W") if 2 * couples >= len(records) else "×",
        "music": 2 * sum(record["music"] for record in records) >= len(records),
        "hands": 2 * sum(fingers) >= len(fingers),
        "genres": len(named) or None,
        "mean_s": overall["mean_s"],
        "total_h": overall["seconds"] / 3600.0,
        "mocap": 2 * sum(record["mocap"] for record in records) >= len(records),
        "representation": "SMPL-X",
    }


def _record(name: str, body: Body, folder: Path, settings: Settings) -> Record | str:
    try:
        return measure_take(folder / name, body, settings)
    except InputError as error:
        return str(error)


def _of_take(record: Record) -> dict[str, Any]:
    """What the card keeps of a take."""
    kept = ("genre", "frames", "seconds", "tempo_bpm", "tempo_from", "music", "defects", "verdict")
    rates = {key: top / bottom for key, (top, bottom) in record["sums"].items() if bottom > 0}
    fingers = record["finger_degrees"]
    return dict(_rounded({**{key: record[key] for key in kept}, "rates": rates, "finger_degrees": fingers}))


def _tempo(tempi: Sequence[float]) -> dict[str, float]:
    if not tempi:
        return {}
    return {"mean": float(np.mean(tempi)), "low": float(min(tempi)), "high": float(max(tempi)), "takes": len(tempi)}


def _quantiles(histogram: np.ndarray) -> dict[str, float]:
    """Median and the middle 90 % of distances counted in bins."""
    total = np.cumsum(histogram) / np.sum(histogram)
    return {
        name: DISTANCE_BIN * (float(np.searchsorted(total, share)) + 0.5)
        for name, share in (("p05", 0.05), ("median", 0.5), ("p95", 0.95))
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
