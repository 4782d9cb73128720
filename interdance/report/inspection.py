"""What an inspection found, for a terminal and as one HTML page that needs no network.

Both take the mapping that ``interdance.quality.folder.Inspection.as_dict`` gives, or one read back from its JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import rich.box
import rich.table
import rich.text

from interdance.report.render import render

Take = Mapping[str, Any]
Found = Mapping[str, Any]
Allowed = Mapping[str, float]

COLOURS = {
    "flip": "#d1495b", "teleport": "#8f2d56", "nan": "#1d2330", "frozen": "#3d7ea6", "repeated": "#5aa9c9",
    "floating": "#e09f3e", "sinking": "#a0671a", "floor": "#c9b458", "skating": "#2a9d8f", "bent back": "#7b5ea7",
    "twisted": "#b07bc9", "penetration": "#e0703f", "bone drift": "#6b8e23", "swap": "#c2255c", "side swap": "#a61e4d",
    "same dancer": "#495057", "apart": "#868e96", "rate": "#364fc7", "length": "#748ffc", "no music": "#adb5bd",
    "short music": "#94a3b8", "silent music": "#64748b",
}  # fmt: skip
OTHER = "#7a8292"
LANES = ("leader", "follower", "couple", "music")
LEAST_ALLOWED = 0.005  # kinds of which nothing is allowed weigh as if this were
MOST_ROWS = 6  # defects of a take that a terminal shows


def inspection_table(inspection: Mapping[str, Any], most: int = MOST_ROWS) -> rich.table.Table:
    """The defects of every take for ``rich`` to print, worst first; of a take the ``most`` gravest."""
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head in ("Take", "Defect", "Who", "Where"):
        table.add_column(head, overflow="fold")
    for head in ("Frames", "Worst"):
        table.add_column(head, justify="right", no_wrap=True)
    allowed = _allowed(inspection)
    for take in _worst_first(inspection["takes"], allowed):
        name = rich.text.Text(take["name"], style="bold red" if take["verdict"] else "bold")
        defects = take["defects"]
        if take["verdict"]:
            table.add_row(name, rich.text.Text(f"left out: {take['verdict']}", style="red"))
            name = rich.text.Text("")
        gravest = sorted(defects, key=lambda item: -weight(item, allowed))[:most]
        for item in sorted(gravest, key=lambda item: int(item["first"])):
            cells = (item["kind"], item["who"], item["joint"], _frames(item), _worst(item))
            table.add_row(name, *map(rich.text.Text, cells))
            name = rich.text.Text("")
        if len(defects) > len(gravest):
            rest = Counter(item["kind"] for item in defects if item not in gravest)
            table.add_row("", rich.text.Text("and " + _counted(rest), style="dim"))
    return table


def inspection_summary(inspection: Mapping[str, Any]) -> str:
    """One sentence: how much was inspected, what was found, what is to be left out."""
    takes, counts = inspection["takes"], Counter(inspection["counts"])
    bad = sum(bool(take["defects"]) for take in takes)
    found = f"{_counted(counts)} in {_count(bad, 'take')}" if counts else "no defect"
    left_out = len(inspection["excluded"])
    return f"{_count(len(takes), 'take')}, {_clock(inspection['dance_s'])}: {found}; {_count(left_out, 'take')} to leave out"


def inspection_html(inspection: Mapping[str, Any], title: str = "") -> str:
    """The page: what was found by kind, then take by take on bars of time, worst first.

    Parameters
    ----------
    inspection : dict
        As ``Inspection.as_dict`` gives it.
    title : str
        "Quality of" and the folder when absent.
    """
    takes, allowed = inspection["takes"], _allowed(inspection)
    limits = {name: value for name, value in inspection["limits"].items() if name != "allowed"}
    return render(
        "inspection.html.j2",
        title=title or f"Quality of {inspection['folder']}",
        tiles=[
            (len(takes), "takes"),
            (_clock(inspection["dance_s"]), "of dance"),
            (sum(inspection["counts"].values()), "defects"),
            (f"{inspection['defects_per_minute']:.2g}", "defects per minute"),
            (sum(not take["defects"] and not take["verdict"] for take in takes), "takes without a defect"),
            (len(inspection["excluded"]), "takes to leave out"),
        ],
        kinds=_kinds(inspection),
        takes=[_section(take, allowed) for take in _worst_first(takes, allowed)],
        clean=[take["name"] for take in takes if not take["defects"] and not take["verdict"]],
        limits=[(name, f"{value:g}" if isinstance(value, int | float) else value) for name, value in sorted(limits.items())],
    )


def weight(item: Found, allowed: Allowed) -> float:
    """How grave a defect is: its share of the frames over the share that is allowed of its kind."""
    return float(item["share"]) / max(float(allowed.get(item["kind"], 1.0)), LEAST_ALLOWED)


def severity(take: Take, allowed: Allowed) -> float:
    """What takes are ordered by: those to be left out first, then by the weight of their defects."""
    return round((1e6 if take["verdict"] else 0.0) + sum(weight(item, allowed) for item in take["defects"]), 4)


def _allowed(inspection: Mapping[str, Any]) -> Allowed:
    shares: Allowed = inspection["limits"].get("allowed", {})
    return shares


def _worst_first(takes: Sequence[Take], allowed: Allowed) -> list[Take]:
    bad = [take for take in takes if take["defects"] or take["verdict"]]
    return sorted(bad, key=lambda take: (-severity(take, allowed), take["name"]))


def _kinds(inspection: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    allowed = _allowed(inspection)
    for kind, count in sorted(inspection["counts"].items(), key=lambda item: (-item[1], item[0])):
        found = [(take, item) for take in inspection["takes"] for item in take["defects"] if item["kind"] == kind]
        frames = sum(float(item["share"]) * take["num_frames"] for take, item in found)
        share = frames / max(inspection["num_frames"], 1)
        rows.append({
            "kind": kind,
            "colour": COLOURS.get(kind, OTHER),
            "defects": count,
            "takes": len({take["name"] for take, _ in found}),
            "share": f"{100.0 * share:.2g} %",
            "allowed": f"{100.0 * allowed[kind]:g} %" if kind in allowed else "any",
            "worst": _worst(max((item for _, item in found), key=lambda item: abs(float(item["worst"])))),
            "meaning": inspection.get("kinds", {}).get(kind, ""),
        })  # fmt: skip
    return rows


def _section(take: Take, allowed: Allowed) -> dict[str, Any]:
    count, fps = max(int(take["num_frames"]), 1), float(take["fps"]) or 30.0
    defects = take["defects"]
    lanes = []
    for who in LANES:
        marks = [_mark(item, count) for item in defects if item["who"] == who]
        if marks:
            lanes.append((who, marks))
    seconds = count / fps
    about = f"{take['genre']}, {seconds:.1f} s, {count} frames" if take["num_frames"] else take["genre"]
    return {
        "name": take["name"],
        "verdict": take["verdict"],
        "severity": severity(take, allowed),
        "about": about,
        "lanes": lanes,
        "ticks": [f"{seconds * part / 4:.0f} s" for part in range(5)],
        "summary": _counted(Counter(item["kind"] for item in defects)),
        "rows": [_row(item, fps) for item in sorted(defects, key=lambda item: -weight(item, allowed))],
    }


def _mark(item: Found, num_frames: int) -> dict[str, Any]:
    first, last = int(item["first"]), int(item["last"])
    return {
        "left": round(100.0 * first / num_frames, 3),
        "width": round(100.0 * (last - first + 1) / num_frames, 3),
        "colour": COLOURS.get(item["kind"], OTHER),
        "text": f"{item['kind']} of {item['joint']}, {_frames(item)}: {_worst(item)}",
    }


def _row(item: Found, fps: float) -> dict[str, str]:
    first, last = int(item["first"]) / fps, (int(item["last"]) + 1) / fps
    return {
        "kind": item["kind"],
        "colour": COLOURS.get(item["kind"], OTHER),
        "who": item["who"],
        "joint": item["joint"].replace("_", " "),
        "frames": _frames(item),
        "time": f"{first:.2f}–{last:.2f} s",
        "worst": _worst(item),
        "share": f"{100.0 * float(item['share']):.2g} %",
    }


def _frames(item: Found) -> str:
    return str(item["first"]) if item["first"] == item["last"] else f"{item['first']}–{item['last']}"


def _worst(item: Found) -> str:
    if not item["unit"]:
        return ""
    value = float(item["worst"])
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {item['unit']}"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in counts.most_common())


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
