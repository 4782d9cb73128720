"""From points of couples to rows of the table, and from the rows to the page."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from interdance import metrics
from interdance.errors import InputError
from interdance.metrics.duet import Leader, Settings, Surface, TakeMeasures, _bootstrap, measure_take, summarise
from interdance.metrics.frechet import standardise
from interdance.metrics.reference import clip_features, clip_starts, join, read_reference, write_reference
from interdance.report import PAPER_TABLE_3, TABLE_3, Column, Sample, csv_text, latex_text, page_html
from interdance.stages import evaluate

FRAMES = 200
SETTINGS = Settings(clip_frames=60, clip_stride=20, contact_distance=0.05, held_distance=0.2, fps=30.0)
BALL = trimesh.creation.icosphere(subdivisions=3, radius=0.3)
SURFACE = Surface(np.asarray(BALL.faces), left_hand=np.arange(60, 90), right_hand=np.arange(100, 130))
BEATS = np.arange(5, FRAMES, 15)


def dancer(seed: int, place: tuple[float, float, float], frames: int = FRAMES) -> np.ndarray:
    """Joints that swing with a common rhythm about a place, and a ball for a body, (T, 55 + 642, 3)."""
    generator = np.random.default_rng(seed)
    t = np.arange(frames)[:, None, None] / 30
    rest = generator.normal(size=(1, 55, 3)) * 0.3
    swing = 0.1 * np.sin(2 * np.pi * t + 0.3 * np.sin(t) + generator.normal(size=(1, 55, 3)) * 0.3)
    sway = 0.02 * np.sin(3 * t) * np.array([1.0, 0.0, 1.0])
    joints = rest + swing + generator.normal(size=(1, 55, 1)) * 0.01 * np.sin(7 * t + seed)
    surface = np.repeat(np.asarray(BALL.vertices)[None], frames, axis=0)
    return np.concatenate([joints, surface], axis=1) + sway + np.array(place) + [0.0, 1.0, 0.0]


def measured(take: str, follower: np.ndarray, seed: int = 1) -> TakeMeasures:
    leader, true = Leader(dancer(seed, (0, 0, 0)), SURFACE), dancer(seed + 100, (0.62, 0, 0))
    return measure_take(take, leader, follower, true, BEATS, SURFACE, SETTINGS)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference set of four couples."""
    path = tmp_path_factory.mktemp("data") / "reference.npz"
    couples = [(f"take{seed}", dancer(seed, (0, 0, 0)), dancer(seed + 100, (0.62, 0, 0))) for seed in range(1, 5)]
    features = [clip_features(name, lead[:, :55], follow[:, :55], 60, 20) for name, lead, follow in couples]
    about = {"takes": {"train": ["take2", "take3", "take4"], "test": ["take1"]}, "clip_frames": 60, "clip_stride": 20}
    write_reference(path, join(features), about)
    return path


@pytest.fixture(scope="module")
def evaluation(stored: Path) -> dict[str, Any]:
    """What the stage would store, of three systems on two takes."""
    reference = read_reference(stored)
    systems = {}
    for system, shift in (("ground_truth", 0.0), ("interdance", 0.05), ("unguided", -0.2), ("another", 0.5)):
        followers = [dancer(seed + 100, (0.62 + shift, 0, 0)) for seed in (1, 2)]
        systems[system] = [measured(f"take{i + 1}", follower, i + 1) for i, follower in enumerate(followers)]
    results = {system: summarise(takes, reference, 50, 3) for system, takes in systems.items()}

    class Params:
        evaluate = dataclasses.make_dataclass("Evaluate", ["clip_frames", "clip_stride", "bootstrap"])(60, 20, 50)

    return evaluate.report(systems, results, reference, Params())  # type: ignore[arg-type]


def test_clip_starts() -> None:
    assert clip_starts(100, 60, 20).tolist() == [0, 20, 40]
    assert clip_starts(60, 60, 20).tolist() == [0]
    assert not len(clip_starts(59, 60, 20))


def test_reference_is_kept_whole(stored: Path, tmp_path: Path) -> None:
    reference = read_reference(stored)
    assert len(reference.clips) == 4 * 8 and reference.about["takes"]["test"] == ["take1"]
    changed = dataclasses.replace(reference.clips, kinetic=reference.clips.kinetic + 1e-9)
    write_reference(tmp_path / "other.npz", changed, reference.about)
    assert read_reference(tmp_path / "other.npz").fingerprint != reference.fingerprint
    write_reference(tmp_path / "same.npz", reference.clips, reference.about)
    assert (tmp_path / "same.npz").read_bytes() == stored.read_bytes()
    np.savez(tmp_path / "none.npz", kinetic=np.ones((3, 72)))
    with pytest.raises(InputError, match="not a reference set"):
        read_reference(tmp_path / "none.npz")


def test_pooled_values_are_those_of_the_metrics(stored: Path) -> None:
    """One take, pooled, against the metric functions on the whole arrays."""
    reference = read_reference(stored)
    leader, follower = dancer(1, (0, 0, 0)), dancer(7, (0.58, 0, 0))
    result = summarise([measured("take1", follower)], reference, 20, 0)
    starts = clip_starts(FRAMES, 60, 20)
    clips, leads = (np.stack([x[s : s + 60, :55] for s in starts]) for x in (follower, leader))
    beats = [BEATS[(s <= BEATS) & (s + 60 > BEATS)] - s for s in starts]
    rates = metrics.contact_rates(leader[:, 55:], follower[:, 55:], 0.05)
    known = reference.clips
    expected = {
        "FID_k": metrics.frechet_distance(metrics.kinetic_features(clips), known.kinetic),
        "Div_g": metrics.diversity(metrics.geometric_features(clips), known.geometric),
        "FID_cd": metrics.frechet_distance(metrics.cross_distance_features(leads, clips), known.cross_distance),
        "CF": rates.cf,
        "CLR": rates.clr,
        "CVR": rates.cvr,
        "PR": metrics.penetration_rate(leader[:, 55:], follower[:, 55:], SURFACE.faces),
        "BED": metrics.beat_echo_degree(leads, clips),
        "BAS": metrics.beat_align_score(clips, beats),
        "PFC": metrics.physical_foot_contact(clips),
        "skating_duolando": metrics.foot_skating(clips),
        "skating_lodge": metrics.foot_skating(clips, "lodge"),
    }
    for name, value in expected.items():
        assert result.values[name] == pytest.approx(value, rel=1e-6, abs=1e-8), name
    assert result.values["PR"] > 0 and result.values["CF"] > 0


def test_what_moves_which_metric() -> None:
    """No error for the true follower, no contact from afar, penetration from within, no echo from a frozen one."""
    true = dancer(101, (0.62, 0, 0))
    truth = measured("take1", true).values()
    far = measured("take1", true + [3.0, 0, 0]).values()
    deep = measured("take1", true - [0.3, 0, 0]).values()
    frozen = measured("take1", np.repeat(true[:1], FRAMES, axis=0)).values()
    sunk = measured("take1", true - [0, 1.0, 0]).values()
    assert truth["joint_error_mm"] == 0 and far["joint_error_mm"] == pytest.approx(3000)
    assert far["CF"] == 0 and far["PR"] == 0 and deep["PR"] > 0.1 > truth["PR"]
    assert frozen["BED"] == 0 and truth["BED"] > 0.3 and frozen["jitter"] == 0
    assert far["held_hand_mm"] > truth["held_hand_mm"] + 2000
    assert sunk["floor_mm"] > 100 > truth["floor_mm"]


def test_bootstrap_of_every_clip_once_is_the_value(stored: Path) -> None:
    """Weights of one give FID and Div exactly; weights of two are the set repeated."""
    reference = read_reference(stored).clips.kinetic
    generated = np.random.default_rng(0).normal(size=(30, 72)) * reference.std(axis=0) + reference.mean(axis=0)
    z_generated, z_reference = standardise(generated, reference, "leave_out")
    chosen = np.zeros(30)
    chosen[:12] = 1
    fid, div = _bootstrap(z_generated, z_reference, np.stack([np.ones(30), chosen, np.zeros(30)]))
    for row, subset in enumerate((generated, generated[:12])):
        assert fid[row] == pytest.approx(metrics.frechet_distance(subset, reference), rel=1e-6)
        assert div[row] == pytest.approx(metrics.diversity(subset, reference), rel=1e-9)
    assert len(fid) == 2  # a draw of nothing is no draw


def test_intervals_hold_the_value_and_the_seed_decides(stored: Path) -> None:
    reference = read_reference(stored)
    takes = [measured("take1", dancer(101, (0.62, 0, 0))), measured("take2", dancer(102, (0.6, 0, 0)), 2)]
    one, same, other = (summarise(takes, reference, 60, seed) for seed in (1, 1, 2))
    assert one == same and one.intervals != other.intervals
    for name, (low, high) in one.intervals.items():
        assert low <= one.values[name] <= high, name
    assert any(line.startswith("FID_k: 16 clips for 72 dimensions") for line in one.warnings)
    assert set(one.degenerate) <= {"kinetic", "geometric", "cross_distance"}


def test_takes_that_cannot_be_measured_are_named() -> None:
    follower = dancer(101, (0.62, 0, 0))
    with pytest.raises(InputError, match=r"take take1: the follower has points \(150"):
        measured("take1", follower[:150])
    broken = follower.copy()
    broken[70, 3, 1] = np.nan
    with pytest.raises(InputError, match=r"take take1: the follower.*frame 70"):
        measured("take1", broken)
    with pytest.raises(InputError, match="fewer than a clip"):
        clip_features("take1", follower[:50, :55], follower[:50, :55], 60, 20)


def test_systems_are_found_or_refused(tmp_path: Path) -> None:
    for system in ("b", "a"):
        (tmp_path / system / "take1").mkdir(parents=True)
        np.save(tmp_path / system / "take1" / "points.npy", np.zeros((4, 710, 3), np.float32))
    assert evaluate.find_systems(tmp_path, ["take1"]) == ["a", "b"]
    with pytest.raises(InputError, match="take2.*points.npy"):
        evaluate.find_systems(tmp_path, ["take1", "take2"])
    points = tmp_path / "a" / "take1" / "points.npy"
    assert evaluate.read_points(points, 4).shape == (4, 710, 3)
    with pytest.raises(InputError, match="its leader has 5"):
        evaluate.read_points(points, 5)
    points.write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(InputError, match="without unpickling"):
        evaluate.read_points(points, 4)


def test_page_is_whole_and_self_contained(evaluation: dict[str, Any]) -> None:
    sample = Sample("take1", "samples/take1/page.html", "samples/take1/couple.mp4", "samples/take1/frames.png")
    page = page_html(evaluation, [sample], {"loss/total": [(1, 3.0), (2, 1.0), (3, 0.5)]})
    for name in (*PAPER_TABLE_3, "Ground truth", "InterDance, guidance off", "another", "Measured on other data"):
        assert name in page
    assert "http" not in page and "<script" not in page and "src='samples/take1/couple.mp4'" in page
    assert "Guidance off to on" in page and "loss/total" in page
    assert page.index("Ground truth") < page.index("guidance off") < page.index("another")
    value = evaluation["systems"]["interdance"]["CF"]
    assert f"{value * 100:.2f}" in page


def test_tables_agree_with_the_figures(evaluation: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(evaluation))))
    assert {row["system"] for row in rows} == set(evaluation["systems"])
    for row in rows:
        assert float(row["value"]) == evaluation["systems"][row["system"]][row["metric"]]
    lines = [
        line for line in latex_text(evaluation).splitlines() if line.startswith(("Ground", "InterDance", "another"))
    ]
    assert len(lines) == 4 and all(line.count("&") == len(TABLE_3) for line in lines)
    assert all(len(values) == len(TABLE_3) for values in PAPER_TABLE_3.values())


def test_cells() -> None:
    assert Column("PR", "PR", "down", percent=True).text(0.0036, 0.001) == "0.36 ± 0.10 %"
    assert Column("FID_k", "FID_k", "down").text(None) == "–"
