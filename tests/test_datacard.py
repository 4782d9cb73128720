"""The data card: measured like the evaluation measures, pooled, put beside the paper's Table 1, shown."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import REPOSITORY, shared
from PIL import Image
from rich.console import Console
from test_quality import FRAMES, body, couple, moved, step  # noqa: F401 - body is a fixture

from interdance import config
from interdance.body.model import Body
from interdance.body.skeleton import INDEX
from interdance.datacard.card import make_card, pool, table_row, write_card
from interdance.datacard.measure import FINGERS, Settings, finger_motion, hold_seconds, measure_take
from interdance.datacard.picture import grid, samples, widest_moment
from interdance.errors import InputError
from interdance.evaluation import measure as evaluation
from interdance.evaluation.performer import Performer, Surface
from interdance.evaluation.reading import read_beats
from interdance.evaluation.settings import Reading
from interdance.evaluation.settings import Settings as EvaluationSettings
from interdance.files import read_json
from interdance.metrics import contact_frequency, penetration_rate
from interdance.report.datacard import (
    DISTANCE_BIN,
    card_figures,
    card_genres,
    card_html,
    card_table,
    paper_data_sets,
    row_cells,
)
from interdance.report.inspection import inspection_html, inspection_summary, inspection_table, severity
from interdance.takes import Duet, Motion, read_take, write_take

SETTINGS = Settings.of(config.load(REPOSITORY / "params.yaml"))
HOSTILE = "<script>alert('x')</script>"


def dancing(body: Body, name: str = "one", genre: str = "waltz", apart: float = 0.45) -> Duet:  # noqa: F811
    """A couple who come into contact and apart, with fingers that move."""
    duet = couple(body, apart=apart)
    sway = 0.25 * np.sin(2.0 * np.arange(FRAMES) / 30.0)[:, None] * np.array([0.3, 0.0, 1.0])
    follower = moved(duet.follower, sway)
    rotations = follower.rotations_TJ3.copy()
    rotations[:, FINGERS, 2] = 0.3 * np.sin(4.0 * np.arange(FRAMES) / 30.0)[:, None]
    return replace(duet, name=name, genre=genre, follower=replace(follower, rotations_TJ3=rotations))


def click_track(path: Path, bpm: float, seconds: float) -> Path:
    rate = 22050
    samples = np.zeros(int(seconds * rate))
    click = np.exp(-np.arange(1200) / 150.0) * np.sin(np.arange(1200) * 0.5)
    for beat in np.arange(0.1, seconds - 0.2, 60.0 / bpm):
        samples[int(beat * rate) :][: len(click)] += 0.5 * click
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture(scope="module")
def takes(body: Body, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """Two genres, three takes, one with a song and told facts, one unreadable."""
    root = tmp_path_factory.mktemp("takes")
    (root / "waltz_00").mkdir()
    song = click_track(root / "waltz_00" / "music.wav", 120.0, FRAMES / 30.0)
    facts = {"synthetic": True, "holds": [[-1.0, "closed"], [2.0, "one_hand"], [6.0, "closed"]]}
    write_take(root, replace(dancing(body, "waltz_00"), music=song, facts=facts))
    write_take(root, replace(dancing(body, "waltz_01", apart=1.0), facts={"tempo_bpm": 90.0}))
    write_take(root, dancing(body, "tango_00", "tango"))
    write_take(root, dancing(body, "broken", "tango"))
    (root / "broken" / "follower.npz").write_bytes(b"no")
    return root


@pytest.fixture(scope="module")
def card(takes: Path, body: Body) -> dict:  # noqa: F811
    return make_card(takes, body, SETTINGS, name="three")


# --------------------------------------------------------------------------------------------------------------- measure


def test_contact_is_that_of_the_metrics(takes: Path, body: Body) -> None:  # noqa: F811
    record = measure_take(takes / "waltz_00", body, SETTINGS)
    duet = read_take(takes / "waltz_00")
    leader, follower = (body.points(motion)[:, 55:] for motion in (duet.leader, duet.follower))
    rates = {key: top / bottom for key, (top, bottom) in record["sums"].items()}
    assert 0.05 < rates["CF"] < 0.95 and 0.0005 < rates["PR"] < 0.2, "the take must say something"
    assert rates["CF"] == pytest.approx(contact_frequency(leader, follower), abs=1e-9)
    assert rates["PR"] == pytest.approx(penetration_rate(leader, follower, body.surface_faces), abs=1e-7)
    assert rates["near"] >= rates["CF"] * 0.5


def test_figures_are_those_of_the_evaluation(takes: Path, body: Body) -> None:  # noqa: F811
    settings = SETTINGS
    record = measure_take(takes / "waltz_00", body, settings)
    duet = read_take(takes / "waltz_00")
    surface = Surface.of(body, "sampled")
    leader, follower = (Performer.of(motion, body, surface) for motion in (duet.leader, duet.follower))
    options = EvaluationSettings(settings.clip_frames, settings.clip_stride, settings.contact_distance, 0.03, 30.0, "sampled")
    beats = read_beats(duet.music, FRAMES, 30.0, Reading("", None, "auto", settings.hop, settings.tolerance_s))
    assert len(beats) > 5
    theirs = evaluation.measure_take("one", "waltz", leader, {"f": follower}, None, beats, surface, options)["f"].values()
    ours = {key: top / bottom for key, (top, bottom) in record["sums"].items() if bottom}
    for key in ("CF", "CFR", "CLR", "PR", "BED", "BAS", "skating_duolando", "skating_lodge"):
        assert ours[key] == pytest.approx(theirs[key], abs=1e-9), key


def test_tempo_told_or_heard(takes: Path, body: Body) -> None:  # noqa: F811
    heard, told, silent = (measure_take(takes / name, body, SETTINGS) for name in ("waltz_00", "waltz_01", "tango_00"))
    assert heard["tempo_from"] == "the music" and heard["tempo_bpm"] == pytest.approx(120.0, rel=0.02)
    assert (told["tempo_bpm"], told["tempo_from"]) == (90.0, "the take")
    assert silent["tempo_bpm"] is None and "no music" in silent["defects"]


def test_fingers_are_measured(body: Body) -> None:  # noqa: F811
    duet = dancing(body)
    assert finger_motion(duet.leader) == pytest.approx(0.0, abs=1e-2)
    assert finger_motion(duet.follower) == pytest.approx(np.degrees(0.3 / np.sqrt(2)), rel=0.05)
    spread = duet.leader.rotations_TJ3.copy()
    spread[:, INDEX["left_index1"]] = [0.0, 0.0, 0.7]
    assert finger_motion(replace(duet.leader, rotations_TJ3=spread)) == pytest.approx(0.0, abs=1e-2), "a pose is no motion"


def test_holds() -> None:
    assert hold_seconds([[-1.0, "closed"], [2.0, "turn"], [5.0, "closed"]], 8.0) == {"closed": 5.0, "turn": 3.0}
    assert hold_seconds(None, 8.0) == {} and hold_seconds("closed", 8.0) == {} and hold_seconds([[1]], 8.0) == {}
    assert hold_seconds([], 8.0) == {}


# ------------------------------------------------------------------------------------------------------------------ card


def test_card_pools_takes(card: dict, takes: Path) -> None:
    assert [take["take"] for take in card["takes"]] == ["tango_00", "waltz_00", "waltz_01"]
    assert list(card["unreadable"]) == ["broken"] and "follower.npz" in card["unreadable"]["broken"]
    assert [(entry["genre"], entry["takes"]) for entry in card["genres"]] == [("tango", 1), ("waltz", 2)]
    assert [entry["share"] for entry in card["genres"]] == pytest.approx([1 / 3, 2 / 3], abs=1e-5)
    overall = card["overall"]
    assert overall["seconds"] == pytest.approx(3 * FRAMES / 30.0) and overall["frames"] == 3 * FRAMES
    assert overall["rates"]["CF"] == pytest.approx(np.mean([take["rates"]["CF"] for take in card["takes"]]), abs=1e-5)
    assert overall["holds"] == pytest.approx({"closed": 0.5, "one_hand": 0.5}) and overall["held_share"] == pytest.approx(1 / 3)
    assert sum(overall["distance_counts"]) == 3 * FRAMES
    assert overall["defects"]["no music"] == 2 and overall["left_out"] == 0, "a take without a song is told, and may be used"
    assert overall["tempo"]["low"] == 90.0 and overall["tempo"]["takes"] == 2
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_distances(body: Body, tmp_path: Path) -> None:  # noqa: F811
    write_take(tmp_path, replace(couple(body, apart=0.8), name="still"))
    found = make_card(tmp_path, body, SETTINGS)["overall"]["distance_m"]
    assert found["median"] == pytest.approx(0.8, abs=DISTANCE_BIN) and found["p05"] == found["p95"]


def test_row_is_measured(card: dict) -> None:
    row = card["row"]
    assert (row["hhi"], row["music"], row["hands"], row["genres"], row["mocap"]) == ("S", False, True, 2, True)
    assert row_cells(row) == ("S", "", "✓", "2", "8.0", "0.01h", "✓", "SMPL-X")
    base = {"seconds": 60.0, "frames": 1800, "genre": "unknown", "music": True, "mocap": False, "tempo_bpm": None, "holds": {},
            "defects": {}, "verdict": None, "distance": [], "dancers": 1, "finger_degrees": [0.2], "sums": {}}  # fmt: skip
    assert table_row([base], pool([base]))["hhi"] == "×"
    pair = base | {"dancers": 2, "finger_degrees": [0.2, 0.4], "sums": {"CF": [5.0, 1800.0]}}
    weak = table_row([pair], pool([pair]))
    assert (weak["hhi"], weak["hands"], weak["genres"], weak["mocap"]) == ("W", False, None, False)
    assert row_cells(weak)[3] == "n/a"


def test_files_and_picture(card: dict, takes: Path, body: Body, tmp_path: Path) -> None:  # noqa: F811
    written = write_card(tmp_path / "card", card, takes, body)
    assert {path.name for path in written} == {"card.json", "card.html", "samples.png"} and all(p.is_file() for p in written)
    assert read_json(tmp_path / "card" / "card.json") == card
    picture = np.asarray(Image.open(tmp_path / "card" / "samples.png").convert("RGB")).astype(int)
    columns, rows = grid(len(samples(card)) + 2)
    assert picture.shape[:2] == (rows * 400, columns * 380)
    tile = picture[:366, :380]
    red, green, blue = (tile[..., channel] for channel in range(3))
    assert ((green > red + 30) & (green > blue + 20)).mean() > 0.03, "the leader is green"
    assert ((blue > red + 30) & (blue > green + 20)).mean() > 0.03, "the follower is blue"
    assert "samples.png" in (tmp_path / "card" / "card.html").read_text(encoding="utf-8")
    assert [path.name for path in write_card(tmp_path / "bare", card)] == ["card.json", "card.html"]


def test_what_the_picture_shows(card: dict) -> None:
    shown = samples(card)
    assert {genre for genre, _, _ in shown} == {"tango", "waltz"} and all(0.0 < moment < 1.0 for _, _, moment in shown)
    many = card | {"genres": [{**card["genres"][0], "genre": f"g{index}"} for index in range(15)],
                   "takes": [{**card["takes"][0], "genre": f"g{index}"} for index in range(15)]}  # fmt: skip
    assert len(samples(many)) == 15
    for tiles in range(3, 34):
        columns, rows = grid(tiles)
        assert 3 <= columns <= 7 and 0 <= columns * rows - tiles < columns
    joints = np.zeros((300, 55, 3))
    joints[100:110, INDEX["left_wrist"], 0] = 1.0
    assert 100 <= widest_moment([joints], 0.4) < 110


def test_no_take(body: Body, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(InputError, match="no take"):
        make_card(tmp_path, body, SETTINGS)
    write_take(tmp_path, replace(couple(body), name="one"))
    (tmp_path / "one" / "leader.npz").write_bytes(b"no")
    with pytest.raises(InputError, match=re.escape("leader.npz")):
        make_card(tmp_path, body, SETTINGS)


def test_solo_takes(body: Body, tmp_path: Path) -> None:  # noqa: F811
    write_take(tmp_path, replace(couple(body), name="solo", follower=None))
    found = make_card(tmp_path, body, SETTINGS)
    assert found["row"]["hhi"] == "×" and "CF" not in found["overall"]["rates"] and found["overall"]["distance_m"] == {}
    assert "skating_lodge" in found["overall"]["rates"]
    assert "Table 1" in card_html(found)


# ---------------------------------------------------------------------------------------------------------------- report


def test_table_1_is_the_papers() -> None:
    """Every entry, against the paper's text."""
    lines = shared("paper", "interdance.md").read_text(encoding="utf-8").splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith("Datasets\tHHI\tMusic"))
    printed = [line.split("\t") for line in lines[begin + 1 : begin + 12]]
    ours = paper_data_sets()
    assert len(ours) == len(printed) == 11
    for row, cells in zip(ours, printed, strict=True):
        name = f"{row.name} ({row.cite})" if row.cite else row.name
        assert [name, *row.cells()] == [cell.strip() for cell in cells], name


def test_page_of_a_card(card: dict) -> None:
    hostile = card | {"name": HOSTILE, "unreadable": {HOSTILE: HOSTILE}}
    text = card_html(hostile, "samples.png")
    assert HOSTILE not in text and "&lt;script&gt;" in text
    assert "http" not in re.sub(r"http://www.w3.org/\S+", "", text), "nothing is fetched"
    for part in (
        "InterDance",
        "DD100",
        "0.55 %",
        "9.91 %",
        "Distance between the partners",
        "closed",
        "one hand",
        "142.7",
        "3.93h",
    ):
        assert part in text, part


def test_terminal_tables_of_a_card(card: dict) -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    for made in (card_table(card), card_figures(card), card_genres(card)):
        console.print(made)
    text = console.export_text()
    assert text.index("three") < text.index("Dancing2Music") < text.index("3.93h")
    assert re.search(r"PR\s+[\d.]+ %\s+0.55 %", text) and "tango" in text


def found_by_inspection() -> dict:
    def defect(kind: str, joint: str, first: int, last: int, worst: float, unit: str) -> dict:
        share = (last - first + 1) / 300
        return {
            "kind": kind,
            "who": "leader",
            "joint": joint,
            "first": first,
            "last": last,
            "worst": worst,
            "unit": unit,
            "share": share,
        }

    flip = defect("flip", "left_wrist", 10, 12, 2400.0, "degrees/s")
    skating = [defect("skating", "feet", 20 * n, 20 * n + 9, 0.8, "m/s") for n in range(1, 9)]
    return {
        "folder": HOSTILE,
        "takes": [
            {"name": "clean", "genre": "waltz", "num_frames": 300, "fps": 30.0, "defects": [], "verdict": None},
            {"name": "slides", "genre": "waltz", "num_frames": 300, "fps": 30.0, "defects": [*skating, flip], "verdict": None},
            {"name": "bad", "genre": HOSTILE, "num_frames": 300, "fps": 30.0, "defects": [flip], "verdict": "root flip"},
            {"name": "gone", "genre": "unknown", "num_frames": 0, "fps": 0.0, "defects": [], "verdict": "cannot be read"},
        ],
        "limits": {"flip_speed": 1500.0, "needs_music": True, "allowed": {"flip": 0.02, "skating": 0.25}},
        "counts": {"flip": 2, "skating": 8},
        "kinds": {"flip": "A joint flips.", "skating": "Feet slide."},
        "excluded": {"bad": "root flip", "gone": "cannot be read"},
        "num_frames": 900,
        "dance_s": 30.0,
        "defects_per_minute": 20.0,
    }


def test_inspection_page() -> None:
    text = inspection_html(found_by_inspection())
    assert HOSTILE not in text
    assert text.index('data-name="bad"') < text.index('data-name="gone"') < text.index('data-name="slides"')
    assert "<li>clean</li>" in text and 'data-name="clean"' not in text
    marks = re.findall(r'<a style="left: ([\d.]+)%; width: ([\d.]+)%', text)
    assert ("3.333", "1.0") in marks and len(marks) == 10, "frames 10 to 12 of 300"
    assert "10–12" in text and "0.33–0.43 s" in text
    assert 'src="http' not in text and 'href="http' not in text


def test_inspection_on_a_terminal() -> None:
    found = found_by_inspection()
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(inspection_table(found, most=3))
    text = console.export_text()
    assert text.index("bad") < text.index("slides") and "10–12" in text and "and 6 skating" in text
    assert "left out: root flip" in text and "clean" not in text
    assert inspection_summary(found) == "4 takes, 0 min 30 s: 8 skating, 2 flip in 2 takes; 2 takes to leave out"
    allowed = found["limits"]["allowed"]
    assert (
        severity(found["takes"][2], allowed) > severity(found["takes"][1], allowed) > severity(found["takes"][0], allowed) == 0
    )


def test_defects_show_in_a_card(body: Body, tmp_path: Path) -> None:  # noqa: F811
    duet = dancing(body)
    jumped: Motion = moved(duet.leader, step(120, FRAMES, (0.5, 0.0, 0.0)))
    write_take(tmp_path, replace(duet, leader=jumped))
    found = make_card(tmp_path, body, SETTINGS)
    assert found["overall"]["defects"]["teleport"] == 1
    assert found["overall"]["defects_per_minute"] == pytest.approx(
        60.0 * sum(found["overall"]["defects"].values()) / 8.0, abs=1e-3
    )
    assert "root teleport" in found["takes"][0]["verdict"] and "teleport" in card_html(found)
