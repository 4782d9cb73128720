"""Figures of an evaluation as tables and pictures: one self-contained HTML page, a CSV and a LaTeX table.

Tables are laid out as the paper's. Its own figures stand beside ours, marked: they were measured on other dancers,
another body and another reference set, and only their order within a column can be compared with ours.
"""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Better = Literal["down", "up", "none"]
Series = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Column:
    """A metric as it is shown: ``key`` in the metrics file, label, unit factor, decimals, which way is better."""

    key: str
    label: str
    better: Better
    decimals: int = 2
    percent: bool = False
    meaning: str = ""

    def text(self, value: float | None, spread: float | None = None) -> str:
        """The value in the column's unit, with its ± where there is one."""
        if value is None:
            return "–"
        factor = 100.0 if self.percent else 1.0
        number = f"{value * factor:.{self.decimals}f}"
        around = "" if spread is None else f" ± {spread * factor:.{self.decimals}f}"
        return f"{number}{around}{' %' if self.percent else ''}"

    @property
    def head(self) -> str:
        return self.label + {"down": " ↓", "up": " ↑", "none": ""}[self.better]


QUALITY = [
    Column("FID_k", "FID_k", "down", meaning="distance to the reference set in speeds and places of joints"),
    Column("FID_g", "FID_g", "down", meaning="the same in geometric relations of limbs"),
    Column("Div_k", "Div_k", "up", meaning="spread among the followers; near the ground truth's is right"),
    Column("Div_g", "Div_g", "up", meaning="the same in geometric relations"),
]
INTERACTION = [
    Column(
        "FID_cd", "FID_cd", "down", meaning="distance to the reference set in distances between the dancers' joints"
    ),
    Column("Div_cd", "Div_cd", "up", meaning="spread of those distances"),
    Column("PR", "PR", "down", percent=True, meaning="share of the follower's 655 vertices inside the leader"),
    Column("CF", "CF", "up", percent=True, meaning="share of frames in which vertices are nearer than 1 cm"),
    Column("BED", "BED", "up", 4, meaning="the leader's motion beats answered by the follower"),
]
RHYTHM = [Column("BAS", "BAS", "up", 4, meaning="music beats met by motion beats; chance is about 0.20")]
GROUPS = (("Motion quality", QUALITY), ("Interaction quality", INTERACTION), ("Rhythm", RHYTHM))
TABLE_3 = [column for _, columns in GROUPS for column in columns]
BESIDE = [
    Column("CLR", "CLR", "up", 4, True, "share of the leader's vertices in contact"),
    Column("CFR", "CFR", "up", 4, True, "share of the follower's vertices in contact"),
    Column("CVR", "CVR", "up", 4, True, "mean of the two"),
    Column(
        "held_hand_mm",
        "held hand, mm",
        "down",
        1,
        meaning="where the true hand touches the leader: how far this one is",
    ),
    Column(
        "joint_error_mm",
        "to true follower, mm",
        "down",
        1,
        meaning="mean distance of the 55 joints to the true follower's",
    ),
    Column("BAS_aistpp", "BAS, AIST++", "up", 4, meaning="motion beats met by music beats"),
    Column("PFC", "PFC", "down", 4, meaning="pelvis acceleration while both feet move"),
    Column("skating_lodge", "skating, LODGE", "down", 2, True, "share of a foot's contact frames in which it slides"),
    Column("skating_duolando", "skating, Duolando", "down", 2, True, "frames that glide like a statue"),
    Column("floor_mm", "below floor, mm", "down", 1, meaning="mean depth of the lowest vertex under the floor"),
    Column("jitter", "jitter, m/s³", "none", 0, meaning="mean third derivative of the joints; the truth's is right"),
]

SYSTEMS = {
    "ground_truth": "Ground truth",
    "nn_motion": "NN-motion",
    "untrained": "Untrained model",
    "unguided": "InterDance, guidance off",
    "interdance": "InterDance",
}

# Table 3 of the paper, in the order of TABLE_3; PR and CF as shares.
PAPER_TABLE_3: dict[str, tuple[float, ...]] = {
    "Ground truth": (10.41, 2.17, 15.47, 7.38, 1.4, 10.94, 0.0055, 0.0991, 0.3404, 0.1882),
    "EDGE": (55751.37, 37.7, 13.74, 4.08, 5.62, 10.79, 0.0012, 0.0215, 0.2524, 0.2309),
    "GCD": (202.12, 19.34, 6.16, 4.70, 4.06, 11.34, 0.0028, 0.0223, 0.2432, 0.2025),
    "InterGen": (114.39, 12.05, 8.82, 5.74, 1.79, 11.29, 0.0041, 0.0555, 0.3506, 0.1987),
    "Duolando": (86.79, 8.14, 10.13, 6.07, 4.19, 9.78, 0.0019, 0.0349, 0.2608, 0.1995),
    "InterDance": (65.96, 8.02, 10.53, 6.07, 1.51, 10.89, 0.0036, 0.0699, 0.3644, 0.1992),
}


@dataclass(frozen=True)
class Sample:
    """A generated couple to look at; links are relative to the page, empty where there is none."""

    name: str
    page: str
    video: str
    picture: str


def ordered(evaluation: Mapping[str, Any]) -> list[str]:
    """The systems of an evaluation: the known ones in the order of the table, then the others by name."""
    names = evaluation["systems"]
    return [name for name in SYSTEMS if name in names] + sorted(name for name in names if name not in SYSTEMS)


def spreads(evaluation: Mapping[str, Any], system: str) -> dict[str, float]:
    """Standard deviations over the bootstrap of a system's metrics."""
    return {name: value for name, value in evaluation["spread"].get(system, [])}


def best(evaluation: Mapping[str, Any], column: Column) -> str | None:
    """The system best in a column among those that are not the ground truth; None where nothing is better."""
    rows = {
        system: values[column.key]
        for system, values in evaluation["systems"].items()
        if system != "ground_truth" and column.key in values
    }
    if not rows or column.better == "none":
        return None
    return (min if column.better == "down" else max)(rows, key=lambda system: rows[system])


def csv_text(evaluation: Mapping[str, Any]) -> str:
    """Every metric of every system: value, and the ends of its 95 % interval."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["system", "metric", "value", "low", "high"])
    for system in ordered(evaluation):
        for name, value in sorted(evaluation["systems"][system].items()):
            low, high = evaluation["intervals"][system].get(name, ("", ""))
            writer.writerow([system, name, value, low, high])
    return stream.getvalue()


def latex_text(evaluation: Mapping[str, Any]) -> str:
    """Table 3 with our rows, for ``booktabs``; the best of the generated is bold."""
    head = [f"{_tex(column)}$\\{column.better}arrow$" for column in TABLE_3]
    spans = " & ".join(f"\\multicolumn{{{len(columns)}}}{{c}}{{{name}}}" for name, columns in GROUPS)
    lines = [
        f"\\begin{{tabular}}{{l{'r' * len(TABLE_3)}}}",
        "\\toprule",
        f"Method & {spans} \\\\",
        f"& {' & '.join(head)} \\\\",
        "\\midrule",
    ]
    for system in ordered(evaluation):
        cells = [SYSTEMS.get(system, system.replace("_", "\\_"))]
        spread = spreads(evaluation, system)
        for column in TABLE_3:
            number, _, unit = column.text(evaluation["systems"][system].get(column.key)).partition(" ")
            text = number.replace("–", "--") + unit.replace("%", "\\%")
            shown = f"\\textbf{{{text}}}" if best(evaluation, column) == system else text
            around = column.text(spread[column.key]).partition(" ")[0] if column.key in spread else ""
            cells.append(f"{shown} {{\\tiny$\\pm${around}}}" if around else shown)
        lines.append(" & ".join(cells) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def page_html(
    evaluation: Mapping[str, Any], samples: Sequence[Sample] = (), curves: Mapping[str, Series] | None = None
) -> str:
    """The report page: samples, tables, figures, warnings and what was measured, in one file but for the samples.

    Parameters
    ----------
    evaluation : dict
        The content of ``metrics/evaluate.json``.
    samples : list of Sample
    curves : dict of (step, value) series, optional
        Losses along training.
    """
    about = evaluation["about"]
    settings, reference = about["settings"], about["reference"]
    facts = [
        f"{len(about['takes'])} test takes ({', '.join(about['takes'])}), {about['frames']} frames, "
        f"{about['clips']} clips of {settings['clip_frames']} frames every {settings['clip_stride']}.",
        f"Reference set {reference['fingerprint']}: {reference['clips']} clips of the followers of "
        f"{sum(len(takes) for takes in reference['takes'].values())} takes ({' and '.join(reference['takes'])}).",
        "± is the standard deviation over a bootstrap of "
        f"{settings['bootstrap']} draws (of takes where there are at least 8, of clip-long stretches otherwise).",
        *(
            f"Left out of the {name.replace('_', '-')} features, constant in the reference: "
            f"dimension{'s' if len(dimensions) > 1 else ''} {', '.join(map(str, dimensions))}."
            for name, dimensions in about["degenerate_dimensions"].items()
        ),
    ]
    parts = [
        "<h1>InterDance: followers, measured</h1>",
        _samples(samples),
        "<h2>Reactive dance generation</h2>",
        _table(evaluation, GROUPS),
        *(f"<p class='warning'>{html.escape(line)}</p>" for line in evaluation["warnings"]),
        _findings(evaluation),
        "<h2>The paper's own figures</h2>",
        "<p>Table 3 of the paper. <b>Measured on other data</b>: the InterDance dancers, their body model and their "
        "reference set. Do not compare a number here with one above; compare the order of rows.</p>",
        _paper_table(),
        "<h2>Beside the paper</h2>",
        _table(evaluation, (("Interaction", BESIDE[:6]),)),
        _table(evaluation, (("Feet, floor and smoothness", BESIDE[6:]),)),
        "<h2>Metric by metric</h2>",
        "<div class='figures'>" + "".join(_bars(evaluation, column) for column in [*TABLE_3, *BESIDE]) + "</div>",
        _curves(curves or {}),
        "<h2>Take by take</h2>",
        _takes(evaluation),
        "<h2>How it was measured</h2>",
        "<ul>" + "".join(f"<li>{html.escape(fact)}</li>" for fact in facts) + "</ul>",
        "<ul>"
        + "".join(f"<li><b>{html.escape(c.label)}</b>: {html.escape(c.meaning)}</li>" for c in [*TABLE_3, *BESIDE]),
        "</ul>",
    ]
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>InterDance report</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem;color:#1d2330;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.2rem}
.scroll{overflow-x:auto}.scroll{margin-bottom:1.2rem}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px;width:100%}
th,td{padding:.3rem .55rem;text-align:right;white-space:nowrap}th:first-child,td:first-child{text-align:left}
thead th{border-bottom:1px solid #1d2330;font-weight:600}
thead .group th{border-bottom:0;text-align:center;color:#5b6474}
table{border-top:2px solid #1d2330;border-bottom:2px solid #1d2330}tr.truth td{color:#5b6474}td small{color:#7a8292}
tr.truth td{border-bottom:1px solid #c9ced8}table.paper{color:#5b6474;background:#f6f4ee}
.warning{color:#8a4b00;margin:.3rem 0}
.figures{display:flex;flex-wrap:wrap;gap:14px}svg{background:#fff}svg text{font:11px system-ui}
.samples{display:flex;flex-wrap:wrap;gap:18px}.samples figure{margin:0;max-width:380px}
.samples video{width:100%}
"""
_COLOURS = ["#8d96a8", "#c9a227", "#b9bec9", "#6fa8a0", "#1f6f8b", "#7b5ea7", "#b5533c", "#4f7942"]


def _tex(column: Column) -> str:
    stem, _, suffix = column.label.partition("_")
    return f"{stem}$_{{{suffix}}}$" if suffix else stem


def _label(column: Column) -> str:
    stem, _, suffix = column.head.partition("_")
    name, _, arrow = suffix.partition(" ")
    return f"{html.escape(stem)}<sub>{name}</sub> {arrow}" if suffix else html.escape(stem)


def _header(groups: Sequence[tuple[str, Sequence[Column]]]) -> str:
    spans = "".join(f"<th colspan='{len(columns)}'>{name}</th>" for name, columns in groups)
    names = "".join(
        f"<th title='{html.escape(column.meaning)}'>{_label(column)}</th>"
        for _, columns in groups
        for column in columns
    )
    return f"<thead><tr class='group'><th></th>{spans}</tr><tr><th>Method</th>{names}</tr></thead>"


def _table(evaluation: Mapping[str, Any], groups: Sequence[tuple[str, Sequence[Column]]]) -> str:
    rows = []
    for system in ordered(evaluation):
        values, spread = evaluation["systems"][system], spreads(evaluation, system)
        cells = [f"<td>{html.escape(SYSTEMS.get(system, system))}</td>"]
        for column in (column for _, columns in groups for column in columns):
            number, around, unit = _split(column, values.get(column.key), spread.get(column.key))
            shown = f"<b>{number}</b>" if best(evaluation, column) == system else number
            cells.append(f"<td>{shown}{unit}<small>{around}</small></td>")
        rows.append(f"<tr class='{'truth' if system == 'ground_truth' else ''}'>{''.join(cells)}</tr>")
    return f"<div class='scroll'><table>{_header(groups)}<tbody>{''.join(rows)}</tbody></table></div>"


def _split(column: Column, value: float | None, spread: float | None) -> tuple[str, str, str]:
    """Number, ± and unit of a cell."""
    number, _, unit = column.text(value).partition(" ")
    around = "" if value is None or spread is None else f"<br>± {column.text(spread).partition(' ')[0]}"
    return number, around, f" {unit}" if unit else ""


def _paper_table() -> str:
    rows = []
    for method, values in PAPER_TABLE_3.items():
        cells = "".join(f"<td>{column.text(value)}</td>" for column, value in zip(TABLE_3, values, strict=True))
        rows.append(f"<tr class='{'truth' if method == 'Ground truth' else ''}'><td>{method}</td>{cells}</tr>")
    body = "".join(rows)
    return f"<div class='scroll'><table class='paper'>{_header(GROUPS)}<tbody>{body}</tbody></table></div>"


def _findings(evaluation: Mapping[str, Any]) -> str:
    """Two comparisons in words: trained against untrained, guidance on against off."""
    systems, lines = evaluation["systems"], []
    ours = systems.get("interdance")
    if ours and "untrained" in systems:
        ratios = ", ".join(
            f"{key} {systems['untrained'][key] / ours[key]:.1f}×"
            for key in ("FID_k", "FID_g", "FID_cd")
            if ours[key] > 0
        )
        lines.append(f"Untrained over trained: {ratios}.")
    if ours and "nn_motion" in systems:
        ratios = ", ".join(
            f"{key} {ours[key] / systems['nn_motion'][key]:.2f}×"
            for key in ("FID_k", "FID_g", "FID_cd")
            if systems["nn_motion"][key] > 0
        )
        lines.append(f"Trained over NN-motion: {ratios}.")
    if ours and "unguided" in systems:
        off = systems["unguided"]
        lines.append(
            f"Guidance off to on, same seeds: CF {off['CF']:.2%} to {ours['CF']:.2%}, "
            f"PR {off['PR']:.3%} to {ours['PR']:.3%}."
        )
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _samples(samples: Sequence[Sample]) -> str:
    if not samples:
        return ""
    figures = []
    for sample in samples:
        name = html.escape(sample.name)
        poster = f" poster='{sample.picture}'" if sample.picture else ""
        film = f"<video src='{sample.video}'{poster} controls preload='none'></video>" if sample.video else ""
        link = f"<a href='{sample.page}'>{name}: both dancers in 3D, with the song</a>" if sample.page else name
        figures.append(f"<figure>{film}<figcaption>{link}</figcaption></figure>")
    return f"<h2>Look</h2><div class='samples'>{''.join(figures)}</div>"


def _bars(evaluation: Mapping[str, Any], column: Column) -> str:
    """Horizontal bars of one metric with whiskers of the 95 % interval; logarithmic where values lie far apart."""
    names = [name for name in ordered(evaluation) if column.key in evaluation["systems"][name]]
    if not names:
        return ""
    factor = 100.0 if column.percent else 1.0
    values = [evaluation["systems"][name][column.key] * factor for name in names]
    ends = [
        [end * factor for end in evaluation["intervals"][name].get(column.key, [value / factor] * 2)]
        for name, value in zip(names, values, strict=True)
    ]
    positive = [value for value in values if value > 0]
    logarithmic = len(positive) == len(values) and max(values) > 30 * min(values)
    least = math.log10(min(values)) - 0.3 if logarithmic else 0.0
    most = max([*values, *(high for _, high in ends)])
    span = ((math.log10(most) if logarithmic else most) - least) or 1.0
    left, width, height = 150, 120, 20

    def x(value: float) -> float:
        if logarithmic:
            value = math.log10(value) if value > 0 else least
        return left + width * min(max((value - least) / span, 0.0), 1.0)

    rows = []
    for row, (name, value, (low, high)) in enumerate(zip(names, values, ends, strict=True)):
        y = 26 + row * height
        colour = _COLOURS[list(SYSTEMS).index(name)] if name in SYSTEMS else _COLOURS[5 + row % 3]
        label = html.escape(SYSTEMS.get(name, name))
        rows.append(
            f"<text x='{left - 6}' y='{y + 11}' text-anchor='end'>{label}</text>"
            f"<rect x='{left}' y='{y}' width='{max(x(value) - left, 0.5):.1f}' height='14' fill='{colour}'/>"
            f"<path d='M{x(low):.1f} {y + 7}H{x(high):.1f}' stroke='#1d2330'/>"
            f"<text x='{left + width + 6}' y='{y + 11}'>{column.text(value / factor)}</text>"
        )
    scale = " (log)" if logarithmic else ""
    size = f"width='350' height='{32 + len(names) * height}'"
    title = f"<text x='0' y='14' font-weight='600'>{html.escape(column.head)}{scale}</text>"
    return f"<svg {size} role='img' aria-label='{html.escape(column.label)}'>{title}{''.join(rows)}</svg>"


def _curves(curves: Mapping[str, Series]) -> str:
    if not curves:
        return ""
    return "<h2>Training</h2><div class='figures'>" + "".join(map(_curve, curves, curves.values())) + "</div>"


def _curve(name: str, series: Series) -> str:
    """One series over training steps, its value on a logarithmic scale where it can be."""
    points = [(step, value) for step, value in series if math.isfinite(value)]
    if len(points) < 2:
        return ""
    logarithmic = min(value for _, value in points) > 0
    ys = [math.log10(value) if logarithmic else value for _, value in points]
    steps = [step for step, _ in points]
    low, high = min(ys), max(ys)
    width, height, top = 250.0, 90.0, 24.0
    path = "M" + "L".join(
        f"{width * (step - steps[0]) / ((steps[-1] - steps[0]) or 1):.1f} "
        f"{top + height * (1 - (y - low) / ((high - low) or 1)):.1f}"
        for step, y in zip(steps, ys, strict=True)
    )
    first, last = points[0][1], points[-1][1]
    return (
        f"<svg width='270' height='140' role='img'><text x='0' y='14' font-weight='600'>{html.escape(name)}"
        f"{' (log)' if logarithmic else ''}</text><path d='{path}' fill='none' stroke='#1f6f8b' stroke-width='1.5'/>"
        f"<text x='0' y='132'>{first:.4g} → {last:.4g}, {steps[-1]:g} steps</text></svg>"
    )


def _takes(evaluation: Mapping[str, Any]) -> str:
    columns = [column for column in [*TABLE_3, *BESIDE] if not column.key.startswith(("FID", "Div"))]
    order = {system: place for place, system in enumerate(ordered(evaluation))}
    rows = []
    for entry in sorted(evaluation["takes"], key=lambda entry: (entry["take"], order[entry["system"]])):
        name = f"{entry['take']} · {SYSTEMS.get(entry['system'], entry['system'])}"
        cells = "".join(f"<td>{column.text(entry['values'].get(column.key))}</td>" for column in columns)
        rows.append(f"<tr><td>{html.escape(name)}</td>{cells}</tr>")
    head = "".join(f"<th>{_label(column)}</th>" for column in columns)
    return (
        f"<div class='scroll'><table><thead><tr><th>Take</th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
