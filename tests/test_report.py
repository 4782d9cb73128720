"""From the figures of an evaluation to what people read: tables, pictures, the page."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import math
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
import rich.table
from conftest import shared
from rich.console import Console

from interdance.evaluation import series as series_files
from interdance.report import plots
from interdance.report.canvas import shortened, spaced
from interdance.report.columns import BETTER, COLUMNS, TABLE_3, Column
from interdance.report.comparisons import comparison_tables, verdicts
from interdance.report.latex import escape, latex_table, latex_text
from interdance.report.page import Sample, page_html
from interdance.report.paper import paper_tables
from interdance.report.systems import colours, label, ordered
from interdance.report.tables import (
    Table,
    console_differences,
    console_table,
    csv_text,
    holds_ours,
    more_tables,
    paper_table,
    seed_table,
    take_table,
)

SCALES = {
    "FID_k": 18.0, "FID_g": 8.0, "Div_k": 9.5, "Div_g": 6.3, "FID_cd": 11.0, "Div_cd": 12.5, "PR": 0.009, "CF": 0.93,
    "BED": 0.68, "BAS": 0.19, "CLR": 0.0087, "CFR": 0.009, "CVR": 0.0089, "CF_duolando": 0.95, "held_hand_mm": 8.5,
    "hand_precision": 0.9, "hand_recall": 0.85, "joint_error_mm": 38.0, "distance_error_mm": 12.0, "drift_mm_per_s": 0.4,
    "BAS_aistpp": 0.45, "PFC": 0.2, "skating_lodge": 0.038, "skating_duolando": 0.0, "floor_mm": 1.6, "floating_mm": 3.0,
    "jitter": 58.0, "genre_consistency": 0.8, "MM_k": 1.4, "MM_cd": 0.9,
}  # fmt: skip
#: How far a system is from InterDance, by metric: what is worse is multiplied, shares are kept below 1.
FAULTS = {"ground_truth": 0.35, "nn_motion": 2.6, "untrained": 9.0, "unguided": 1.25, "interdance": 1.0}
TAKES = {"salsa_02": "salsa", "salsa_03": "salsa", "swing_00": "swing", "tango_01": "tango", "waltz_00": "waltz"}
PARTS = (
    "head", "chest", "waist", "hips", "left upper arm", "left forearm", "left hand", "left thigh", "left shank", "left foot",
    "right upper arm", "right forearm", "right hand", "right thigh", "right shank", "right foot",
)  # fmt: skip
HOSTILE = "<script>alert('x')</script> & 50%_$a_b$ \\end{tabular} #~^"


def value_of(system: str, metric: str, wobble: float) -> float:
    """A plausible figure: errors grow with the fault, agreements shrink."""
    fault, scale = FAULTS.get(system, 1.6), SCALES[metric]
    if BETTER[metric] == "down":
        return round(scale * fault * (1 + 0.05 * wobble), 8)
    if metric in ("jitter",) or BETTER[metric] == "none":
        return round(scale * (1 + 0.1 * math.log(fault) + 0.03 * wobble), 8)
    return round(min(scale / (1 + 0.25 * max(math.log(fault), -0.2)) * (1 + 0.02 * wobble), 1.0), 8)


def make_evaluation(systems: tuple[str, ...] = tuple(FAULTS), seeds: int = 3) -> dict[str, Any]:
    """An evaluation as the stage stores it, invented."""
    noise = np.random.default_rng(4)
    made: dict[str, Any] = {"systems": {}, "intervals": {}, "spread": {}, "seeds": {}, "genres": [], "takes": []}
    for system in systems:
        names = ["5", "6", "7"][:seeds] if system in ("interdance", "unguided") else [""]
        metrics = [name for name in SCALES if len(names) > 1 or not name.startswith("MM")]
        rows = [{name: value_of(system, name, noise.normal()) for name in metrics} for _ in names]
        mean = {name: float(np.mean([row[name] for row in rows])) for name in metrics}
        made["systems"][system] = mean
        made["spread"][system] = [[name, abs(value) * 0.06] for name, value in mean.items()]
        made["intervals"][system] = {name: [value * 0.89, value * 1.12] for name, value in mean.items()}
        made["seeds"][system] = [
            {"seed": seed, "values": [[m, v] for m, v in row.items()]} for seed, row in zip(names, rows, strict=True)
        ]
        means = [name for name in metrics if not name.startswith(("FID", "Div", "MM"))]
        for take, genre in TAKES.items():
            values: dict[str, float | None] = {name: value_of(system, name, noise.normal()) for name in means}
            values["hand_precision"] = None if take == "swing_00" else values["hand_precision"]
            made["takes"].append({"system": system, "take": take, "genre": genre, "values": values})
        for genre in sorted(set(TAKES.values())):
            values = {name: value_of(system, name, 2 * noise.normal()) for name in means}
            made["genres"].append({"system": system, "genre": genre, "values": values})
    generated = [name for name in systems if name != "ground_truth"]
    made["comparisons"] = [
        {"system": one, "against": other, "metrics": list(_differences(made["systems"], one, other))}
        for place, one in enumerate(generated)
        for other in generated[:place]
    ]
    made["warnings"] = ["FID_cd: 90 clips for 100 dimensions; covariances are singular, so compare rows with each other only"]
    made["about"] = {
        "clips": 180, "frames": 6000, "takes": list(TAKES), "surface": "sampled", "num_vertices": 655,
        "settings": {"clip_frames": 150, "clip_stride": 30, "contact_distance": 0.01, "held_distance": 0.03, "fps": 30.0,
                     "surface": "sampled", "bootstrap": 300, "bootstrap_seed": 13},
        "degenerate_dimensions": {"geometric": [4, 5, 16]},
        "reference": {"fingerprint": "b015df35c9339c58", "clips": 1080, "clip_frames": 150, "clip_stride": 30,
                      "takes": {"train": [f"salsa_{i:02}" for i in range(25)], "test": list(TAKES)}},
    }  # fmt: skip
    return made


def _differences(systems: dict[str, dict[str, float]], one: str, other: str) -> Any:
    for metric in systems[one].keys() & systems[other].keys():
        difference, width = systems[one][metric] - systems[other][metric], 0.12 * abs(systems[other][metric])
        verdict = "undecided"
        if abs(difference) > width:
            way = BETTER[metric]
            verdict = "differs" if way == "none" else "better" if (difference > 0) == (way == "up") else "worse"
        ends = {"low": difference - width, "high": difference + width}
        yield {"metric": metric, "difference": difference, **ends, "verdict": verdict}


def make_series(evaluation: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Data of the figures that go with an invented evaluation."""
    noise = np.random.default_rng(7)
    series: dict[str, list[dict[str, Any]]] = {"beats": [], "distance": [], "contact_map": [], "genres": []}
    for system, values in evaluation["systems"].items():
        fault = FAULTS.get(system, 1.6)
        for time in np.arange(2.5, 40, 5.0):
            series["beats"].append({"system": system, "time_s": time, "BAS": values["BAS"] + 0.02 * noise.normal()})
        for index, take in enumerate(TAKES):
            for time in np.arange(0.1, 40, 0.2):
                true = 0.5 + 0.18 * math.sin(0.5 * time + index) + 0.05 * math.sin(2.3 * time)
                error = 0.0 if system == "ground_truth" else 0.02 * fault * math.sin(0.9 * time + fault)
                row = {"system": system, "take": take, "time_s": round(float(time), 3), "distance_m": max(true + error, 0.05)}
                series["distance"].append(row)
        for leader in PARTS:
            for follower in PARTS:
                touches = leader.endswith(("hand", "forearm")) and follower.endswith(("hand", "waist", "forearm"))
                share = abs(noise.normal()) * (0.4 if touches else 0.004) / (0.7 + 0.3 * fault)
                row = {"system": system, "leader_part": leader, "follower_part": follower, "share": min(share, 1.0)}
                series["contact_map"].append(row | {"share": 0.0 if share < 0.002 else row["share"]})
    for entry in evaluation["genres"]:
        for metric, value in entry["values"].items():
            series["genres"].append({"system": entry["system"], "genre": entry["genre"], "metric": metric, "value": value})
    return series


def make_curves() -> dict[str, list[tuple[float, float]]]:
    steps = np.arange(10, 400, 10)
    curves = {f"loss/{name}": [(float(s), scale * math.exp(-s / 120) + 0.1 * scale) for s in steps]
              for name, scale in (("total", 3.0), ("recon", 1.0), ("contact", 0.2))}  # fmt: skip
    for n in (50, 300):
        curves[f"validation/error_m_n{n}"] = [(float(s), 0.1 + 0.0005 * n * math.exp(-s / 150)) for s in steps[4::5]]
    return curves


@pytest.fixture(scope="module")
def evaluation() -> dict[str, Any]:
    settings = ("guidance.contact", "guidance.penetration")
    return make_evaluation(("ground_truth", "nn_motion", "untrained", *settings, "unguided", "interdance", HOSTILE))


@pytest.fixture(scope="module")
def page(evaluation: dict[str, Any]) -> str:
    sample = Sample("take <1>", "samples/take 1/page.html", "samples/take 1/couple.mp4", "samples/take 1/frames.png")
    return page_html(evaluation, make_series(evaluation), [sample, Sample("bare", "", "", "")], make_curves())


def rows_of(page: str, name: str) -> dict[str, list[str]]:
    """The rows of a table of the page, by label: cells as text, ± after a bar."""
    table = re.search(rf'<table id="{re.escape(name)}">(.*?)</table>', page, re.DOTALL)
    assert table, f"no table {name}"
    found: dict[str, list[str]] = {}
    for row in re.findall(r'<tr class="(?:ours|truth|paper)">(.*?)</tr>', table[1], re.DOTALL):
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        texts = [html.unescape(re.sub(r"<[^>]*>", "", cell.replace("<small>", "|"))) for cell in cells]
        found[texts[0]] = texts[1:]
    return found


# What is shown is what was measured


def test_values_of_the_page_are_those_of_the_evaluation(evaluation: dict[str, Any], page: str) -> None:
    rows = rows_of(page, "table-3")
    for system, values in evaluation["systems"].items():
        spread = dict(evaluation["spread"][system])
        for column, cell in zip(TABLE_3, rows[label(system)], strict=True):
            number, _, around = cell.partition("|±")
            half = 0.51 * 10.0**-column.decimals
            assert float(number.rstrip("%")) == pytest.approx(values[column.key] * column.factor, abs=half), column.key
            assert number.endswith("%") == column.percent
            assert float(around) == pytest.approx(spread[column.key] * column.factor, abs=half)
    assert rows["EDGEpaper"][0] == "55751.37" and rows["Ourspaper"][7] == "6.99%"


def test_best_of_the_generated_is_bold(evaluation: dict[str, Any]) -> None:
    rows = {row.label: row for row in paper_table(evaluation, 3).rows if row.kind != "paper"}
    for place, column in enumerate(TABLE_3):
        values = {name: table[column.key] for name, table in evaluation["systems"].items() if name != "ground_truth"}
        best = (min if column.better == "down" else max)(values, key=lambda name: values[name])
        assert rows[label(best)].cells[place].is_best != column.key.startswith("Div"), column.key
        assert not rows["Ground truth"].cells[place].is_best
    alone = paper_table(make_evaluation(("ground_truth", "interdance")), 3)
    assert not any(cell.is_best for row in alone.rows if row.kind == "ours" for cell in row.cells)


def test_equal_figures_are_bold_together() -> None:
    made = make_evaluation(("nn_motion", "interdance", "unguided"))
    for name in ("interdance", "unguided"):
        made["systems"][name]["PR"] = 0.00401 if name == "interdance" else 0.00399
    made["systems"]["nn_motion"]["PR"] = 0.01
    marked = [row.cells[6].is_best for row in paper_table(made, 3).rows if row.kind == "ours"]
    assert marked == [False, True, True]
    made["systems"]["nn_motion"]["PR"] = 0.00401
    assert not any(row.cells[6].is_best for row in paper_table(made, 3).rows if row.kind == "ours")


def test_csv_is_every_figure_as_it_is(evaluation: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(evaluation))))
    assert {row["system"] for row in rows} == set(evaluation["systems"])
    assert len(rows) == sum(map(len, evaluation["systems"].values()))
    for row in rows:
        system, metric = row["system"], row["metric"]
        assert float(row["value"]) == evaluation["systems"][system][metric]
        assert [float(row["low"]), float(row["high"])] == evaluation["intervals"][system][metric]
        assert float(row["sd"]) == dict(evaluation["spread"][system])[metric]


def test_seeds_takes_and_what_is_absent(evaluation: dict[str, Any], page: str) -> None:
    table = seed_table(evaluation)
    assert table and [row.label for row in table.rows].count("mean") == 2 and len(table.rows) == 2 * 5
    seed = dict(evaluation["seeds"]["interdance"][1]["values"])
    assert any(row.label == "seed 6" and row.cells[0].text == f"{seed['FID_k']:.2f}" for row in table.rows)
    assert seed_table(make_evaluation(seeds=1)) is None and 'id="seeds"' in page
    takes = take_table(evaluation)
    assert takes and len([row for row in takes.rows if row.kind == "heading"]) == len(TAKES)
    place = [head.label for head in takes.heads].index("hand precision")
    start = [row.label for row in takes.rows].index("swing_00, swing")
    assert takes.rows[start + 1].cells[place].text == "–" and takes.rows[1].cells[place].text != "–"
    more = rows_of(page, "more-2")
    heads = [head.label for head in more_tables(evaluation)[1].heads]
    assert more["NN-motion"][heads.index("MM")] == "–" and more["InterDance"][heads.index("MM")] != "–"


def test_comparisons_are_turned_to_the_complete_method() -> None:
    """Stored as interdance minus nn_motion and (here) another minus interdance: both are shown from InterDance's side."""
    made = make_evaluation(("nn_motion", "interdance", "another"))
    stored = next(entry for entry in made["comparisons"] if (entry["system"], entry["against"]) == ("another", "interdance"))
    fid = next(row for row in stored["metrics"] if row["metric"] == "FID_k")
    assert fid["verdict"] == "worse" and fid["difference"] > 0
    first, *rest = comparison_tables(made)
    assert [head.label for head in first.heads] == ["InterDance", "minus NN-motion", "minus another"]
    cell = next(row for row in first.rows if row.label == "FID_k ↓").cells[2]
    assert cell.tone == "better" and cell.text == f"−{fid['difference']:.2f}"
    assert cell.small == f"[−{fid['high']:.2f}, −{fid['low']:.2f}] better"
    assert len(rest) == 1 and [head.label for head in rest[0].heads] == ["another", "minus NN-motion"]
    assert any(line.startswith("InterDance against another: better in FID_k") for line in verdicts(made))
    made["comparisons"] = []
    assert comparison_tables(made) == [] and verdicts(made) == []


def test_spread_is_never_called_better() -> None:
    assert BETTER["Div_k"] == BETTER["jitter"] == "none" and BETTER["CF"] == "up" and BETTER["PR"] == "down"
    assert set(BETTER) == set(COLUMNS)


# The paper's figures


def test_paper_tables_agree_with_each_other() -> None:
    tables = paper_tables()
    assert list(tables) == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [len(table.rows) for table in tables.values()] == [6, 3, 3, 4, 6, 7, 5, 6, 4]
    assert tables[8].rows[2:] == tables[7].rows[1:]
    for label_, key in (("Ours", "PR"), ("Ours", "CF"), ("Ours", "FID_k")):
        assert tables[9].value(label_, key) == tables[3].value("Ours", key)
    assert tables[9].value("Without motion", "PR") == pytest.approx(0.0017)
    assert tables[10].value("Ours", "CLR") == pytest.approx(0.000486)
    for row in tables[10].rows:
        _, clr, cfr, cvr = (figure.value for figure in row.figures)
        assert cvr == pytest.approx((clr + cfr) / 2, abs=0.6e-6)
    names = [name for table in tables.values() for row in table.rows for name in row.systems if "." in name]
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in names)


@pytest.mark.parametrize("number", [3, 4, 5, 6, 7, 8, 9, 10, 11])
def test_paper_figures_are_those_of_the_paper(number: int) -> None:
    """Against the text of the paper: every figure and every bold one, in order."""
    text = shared("paper", "interdance.md").read_text(encoding="utf-8")
    start = text.index(f"\nTable {number}: ") + 1
    printed = []
    for line in text[start:].splitlines()[1:]:
        cells = [cell.strip() for cell in line.split("\t")]
        figures = [cell for cell in cells if re.fullmatch(r"(<b>)?[0-9.]+%?(</b>)?", cell)]
        if figures:
            printed.append([(re.sub(r"</?b>", "", cell), cell.startswith("<b>")) for cell in figures])
        elif printed and "\t" not in line:
            break
    ours = [[(figure.text, figure.is_bold) for figure in row.figures] for row in paper_tables()[number].rows]
    assert ours == printed


def test_ours_stand_in_the_row_they_repeat(evaluation: dict[str, Any], page: str) -> None:
    rows = [(row.kind, row.label) for row in paper_table(evaluation, 6).rows]
    assert rows == [
        ("paper", "No guidance"), ("ours", "InterDance unguided"), ("paper", "Contact"), ("ours", "Guidance · Contact"),
        ("paper", "Penetration"), ("ours", "Guidance · Penetration"), ("paper", "Both"), ("ours", "InterDance"),
    ]  # fmt: skip
    assert holds_ours(evaluation, 6) and not holds_ours(evaluation, 4)
    found = re.findall(r'<details class="pairs"( open)?><summary[^>]*>(Table \d+)', page)
    opened = {name: bool(is_open) for is_open, name in found}
    assert opened == {f"Table {n}": n in (6, 8) for n in (4, 5, 6, 7, 8, 9, 11)}


# Names that users give


def test_hostile_names_are_only_text(evaluation: dict[str, Any], page: str) -> None:
    assert "<script" not in page and html.escape(HOSTILE, quote=False).split("'")[0] in page
    assert HOSTILE in rows_of(page, "table-3")
    assert "take &lt;1&gt;" in page and 'src="samples/take%201/page.html"' in page
    tex = latex_text(evaluation)
    assert "\\end{tabular} #" not in tex and escape(HOSTILE) in tex
    assert escape("a_b & 5% $x$ \\x {y} #1~^ <±−–") == (
        r"a\_b \& 5\% \$x\$ \textbackslash{}x \{y\} \#1\textasciitilde{}\textasciicircum{} \textless{}$\pm$$-$--"
    )
    assert escape("two\nlines\x00") == "two lines "
    assert HOSTILE[:10] in printed(console_table(evaluation))


# LaTeX and the terminal


def test_latex_has_the_columns_it_declares(evaluation: dict[str, Any]) -> None:
    tex = latex_text(evaluation)
    blocks = re.findall(r"\\begin\{tabular\}\{(l[r]+)\}(.*?)\\end\{tabular\}", tex, re.DOTALL)
    assert len(blocks) >= 7 and tex.count("\\begin{table*}") == tex.count("\\end{table*}") == len(blocks)
    for columns, body in blocks:
        rows = [line for line in body.splitlines() if line.endswith("\\\\")]
        assert len(rows) > 3
        for row in rows:
            bare = re.sub(r"\\[&%$#_{}]", "", row)
            spans = [int(number) for number in re.findall(r"\\multicolumn\{(\d+)\}", bare)]
            assert bare.count("&") + 1 + sum(span - 1 for span in spans) == len(columns), row
            assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0, row
    labels = re.findall(r"\\label\{([^}]*)\}", tex)
    assert len(set(labels)) == len(labels) and "tab:table-3" in labels and "tab:table-6" in labels
    assert "tab:table-5" not in labels and re.search(r"\\textbf\{[0-9.]+\} \{\\tiny \$\\pm\$[0-9.]+\}", tex)


def printed(table: rich.table.Table, width: int = 160) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(table)
    return stream.getvalue()


def test_console_tables(evaluation: dict[str, Any]) -> None:
    lines = printed(console_table(evaluation)).splitlines()
    assert all(column.label in lines[0] for column in TABLE_3)
    row = next(place for place, line in enumerate(lines) if line.startswith("InterDance  "))
    assert f"{evaluation['systems']['interdance']['FID_k']:.2f}" in lines[row] and "±" in lines[row + 1]
    differences = {
        "PR": {"difference": -0.0012, "low": -0.002, "high": 0.00000001, "verdict": "undecided"},
        "new_metric": {"difference": 0.5, "low": 0.25, "high": 0.75, "verdict": "differs"},
    }
    narrow = printed(console_table(evaluation), 80).splitlines()
    assert all(any(column.label in line for line in narrow) for column in TABLE_3)
    assert len([line for line in narrow if line.startswith("NN-motion ")]) == 2 and not any("…" in line for line in narrow)
    text = printed(console_differences("a minus [b]", differences))
    assert "a minus [b]" in text and "[−0.20, 0.00]" in text and "−0.12" in text and "+0.5000" in text


def test_numbers() -> None:
    share, plain = Column("PR", "PR", "down", percent=True), Column("FID_k", "FID_k", "down")
    assert share.text(0.0036, 0.001) == "0.36 ± 0.10 %" and plain.text(None) == "–"
    assert plain.text(0.0) == "0.00" and plain.text(0.0004) == "<0.01" and plain.text(-0.0004) == "0.00"
    assert share.signed(-0.0012) == "−0.12" and share.signed(0.3) == "+30.00" and share.signed(-1e-9) == "0.00"
    assert plain.text(-1.5) == "−1.50" and plain.text(55751.37) == "55751.37" and plain.text(3e17) == "3.00e+17"


# Figures


def test_pictures_are_the_same_bytes_every_time(evaluation: dict[str, Any]) -> None:
    series, painted = make_series(evaluation), colours(evaluation)

    def draw() -> list[str]:
        return [
            *(plots.metric_bars(evaluation, column, painted) for column in TABLE_3),
            plots.genre_bars(series["genres"], COLUMNS["CF"], painted),
            plots.beat_curves(series["beats"], painted),
            plots.contact_map(series["contact_map"], "interdance"),
            plots.distance_curves(series["distance"], "salsa_02", painted),
            plots.distance_summary(series["distance"], painted),
            plots.loss_curves("total loss", {"training": make_curves()["loss/total"]}),
        ]

    pictures = draw()
    assert pictures == draw()
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert root.tag == "svg" and "http" not in picture and "<style" not in picture
        assert len(list(root.iter("text"))) > 3 and "DejaVu" not in picture


def test_bars_are_as_long_as_the_values() -> None:
    made = make_evaluation(("ground_truth", "nn_motion", "interdance"))
    for name, value in (("ground_truth", 5.0), ("nn_motion", 20.0), ("interdance", 10.0)):
        made["systems"][name]["FID_k"] = value
    root = ElementTree.fromstring(plots.metric_bars(made, COLUMNS["FID_k"], colours(made)))
    widths = {}
    for path in root.iter("path"):
        style, points = path.get("style", ""), re.findall(r"[ML] ([\d.]+) [\d.]+", path.get("d", ""))
        for name, colour in colours(made).items():
            if f"fill: {colour}" in style and points:
                widths[name] = max(map(float, points)) - min(map(float, points))
    assert widths["nn_motion"] == pytest.approx(2 * widths["interdance"], rel=1e-3)
    assert widths["nn_motion"] == pytest.approx(4 * widths["ground_truth"], rel=1e-3)
    assert "20.00" in "".join(root.itertext()) and "log" not in "".join(root.itertext())


def test_every_figure_copes_with_nothing(evaluation: dict[str, Any]) -> None:
    painted = colours(evaluation)
    empty = [
        plots.metric_bars({"systems": {"a": {}}, "intervals": {}}, COLUMNS["PR"], painted),
        plots.genre_bars([], COLUMNS["CF"], painted),
        plots.beat_curves([], painted),
        plots.contact_map([], "interdance"),
        plots.distance_curves([], "salsa_02", painted),
        plots.distance_summary([], painted),
        plots.loss_curves("total loss", {"training": [(1.0, math.nan), (2.0, 1.0)]}),
    ]
    assert empty == [""] * len(empty)
    one = [row for row in make_series(evaluation)["genres"] if row["genre"] == "salsa"]
    assert plots.genre_bars(one, COLUMNS["CF"], painted) == ""
    zero = {"systems": {"a": {"PR": 0.0}}, "intervals": {"a": {"PR": [0.0, 0.0]}}}
    assert plots.metric_bars(zero, COLUMNS["PR"], colours(zero)).startswith("<svg")


def test_a_name_looks_the_same_in_every_figure(evaluation: dict[str, Any]) -> None:
    painted = colours(evaluation)
    assert set(evaluation["systems"]) <= set(painted)
    shown = [painted[name] for name in evaluation["systems"]]
    assert len(set(shown)) == len(shown)


def test_labels_keep_apart() -> None:
    places = spaced([0.5, 0.5, 0.51, 0.9], 0.1, 0.0, 1.0)
    assert sorted(places) == pytest.approx([0.5, 0.6, 0.7, 0.9]) and places[:3] == sorted(places[:3])
    crowded = spaced([1.0] * 5, 0.4, 0.0, 1.0)
    assert sorted(crowded) == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])
    assert shortened("InterDance", 5) == "Inte…" and shortened("short", 5) == "short"


# The page


def test_page_needs_no_network(page: str) -> None:
    assert "http" not in page and "<script" not in page and "@import" not in page and "<link" not in page
    assert not [link for link in re.findall(r'(?:src|poster)="([^"]*)"', page) if not link.startswith("samples/")]
    assert all(found.startswith("#") for found in re.findall(r'href="([^"]*)"', page) if not found.startswith("samples/"))
    anchors = set(re.findall(r'id="([^"]*)"', page))
    assert set(re.findall(r'<a href="#([^"]*)"', page)) <= anchors
    assert set(re.findall(r'<use href="#([^"]*)"', page)) <= anchors
    assert "<details><summary>Both dancers in 3D" in page and '<iframe loading="lazy"' in page


def test_page_says_what_was_measured_first(page: str) -> None:
    order = [
        "b015df35c9339c58", "Read with care", "singular", "In short", 'id="clips"', 'id="reactive"', 'id="contact"',
        'id="figures"', 'id="more"', 'id="pairs"', 'id="paper"', 'id="by-seed"', 'id="by-take"', 'id="meanings"',
    ]  # fmt: skip
    places = [page.index(word) for word in order]
    assert places == sorted(places)
    text = html.unescape(re.sub(r"<[^>]*>", "", page))
    for words in (
        "5 test takes, 3 min 20 s (6000 frames), cut into 180 clips of 150 frames, one every 30.",
        "1080 clips of the followers of 5 test takes and 25 train takes",
        "InterDance unguided, InterDance: 5, 6, 7.",
        "655 vertices",
        "measured on its own data",
        "bootstrap of 300 draws",
        "noise is diverse too",
    ):
        assert words in text, words
    assert page.count("<svg") > 40


def test_page_of_the_least_there_can_be() -> None:
    """One system, no intervals, no figures, no samples, nothing optional."""
    made = make_evaluation(("ours",))
    for key in ("seeds", "genres", "takes", "comparisons", "warnings"):
        del made[key]
    made["intervals"], made["spread"] = {}, {}
    made["about"]["settings"] = {"clip_frames": 150, "clip_stride": 30, "bootstrap": 300}
    del made["about"]["surface"], made["about"]["num_vertices"]
    page = page_html(made, {}, title="One & only")
    assert "<title>One &amp; only</title>" in page and "Read with care" not in page and "In short" not in page
    assert f"{made['systems']['ours']['FID_k']:.2f}" in rows_of(page, "table-3")["ours"]
    assert "<iframe" not in page and 'href="#by-seed"' not in page and "Training" not in page


def test_systems_keep_their_order(evaluation: dict[str, Any]) -> None:
    names = ["zebra", "interdance", "signals.without_music", "guidance.contact", "ground_truth", "nn_motion"]
    assert ordered(names) == ["ground_truth", "nn_motion", "interdance", "guidance.contact", "signals.without_music", "zebra"]
    assert label("losses.dm_ro") == "Losses · DM, RO" and label("my_model") == "my_model"
    rows = ["sampling.dpm_solver_5", "sampling.ddim_10", "mine_2", "mine_10", "sampling.ddim_5", "mine"]
    assert ordered(rows) == ["mine", "mine_2", "mine_10", "sampling.ddim_5", "sampling.ddim_10", "sampling.dpm_solver_5"]
    assert label("sampling.dpm_solver_20") == "Sampling · DPM-Solver++, 20 steps"


def test_latex_of_a_table_without_groups() -> None:
    table = Table("plain", "Plain", (("", ()),), ())
    assert "multicolumn" not in latex_table(table)


def test_series_of_the_fixture_have_the_columns_of_the_files(evaluation: dict[str, Any]) -> None:
    assert {name: set(rows[0]) for name, rows in make_series(evaluation).items()} == {
        name: set(columns) for name, columns in series_files.COLUMNS.items()
    }
    assert dataclasses.asdict(Sample("a", "b", "c", "d"))["video"] == "c"
