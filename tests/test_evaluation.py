"""From dancers to rows of the table: measuring in pieces, pooling, intervals, paired comparison, the reference set."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from test_data_stages import motion

from interdance import metrics
from interdance.body.model import Body
from interdance.body.skeleton import PARTS
from interdance.errors import InputError
from interdance.evaluation import measure
from interdance.evaluation.measure import TakeMeasures, measure_take
from interdance.evaluation.meeting import PIECE, meeting_of
from interdance.evaluation.performer import Performer, Surface
from interdance.evaluation.pool import Pooled, bootstrap, compare, pool
from interdance.evaluation.reading import TakeFiles, read_together
from interdance.evaluation.record import compare_records, read_evaluation, write_evaluation
from interdance.evaluation.reference_set import check_cutting
from interdance.evaluation.series import read_series, write_series
from interdance.evaluation.settings import Reading, Settings, Statistics
from interdance.evaluation.summary import Evaluation, assemble
from interdance.metrics.frechet import standardise
from interdance.metrics.reference import (
    Reference,
    clip_features,
    clip_starts,
    fingerprint,
    join,
    read_reference,
    write_reference,
)
from interdance.report.columns import BETTER
from interdance.takes import Joints, Points, write_motion

FRAMES = 200
SETTINGS = Settings(clip_frames=60, clip_stride=20, contact_distance=0.05, held_distance=0.2, fps=30.0, surface="sampled")
BALL = trimesh.creation.icosphere(subdivisions=3, radius=0.3)
CHEST, LEFT_HAND = PARTS.index("chest"), PARTS.index("left hand")
#: The ball's left half (as seen from the leader) is a left hand.
PART_V = np.where(np.asarray(BALL.vertices)[:, 0] < 0, LEFT_HAND, CHEST)
SURFACE = Surface("sampled", np.asarray(BALL.faces), PART_V, np.flatnonzero(PART_V == LEFT_HAND), np.arange(100, 130))
BEATS = np.arange(5, FRAMES, 15)
ABOUT = {"takes": {"all": []}, "clip_frames": 60, "clip_stride": 20, "fps": 30.0}


def dancer(seed: int, place: tuple[float, float, float], frames: int = FRAMES) -> np.ndarray:
    """Joints that swing with a common rhythm about a place, and a ball for a body, (T, 55 + 642, 3)."""
    generator = np.random.default_rng(seed)
    t = np.arange(frames)[:, None, None] / 30
    rest = generator.normal(size=(1, 55, 3)) * 0.3
    swing = 0.1 * np.sin(2 * np.pi * t + 0.3 * np.sin(t) + generator.normal(size=(1, 55, 3)) * 0.3)
    sway = 0.02 * np.sin(3 * t) * np.array([1.0, 0.0, 1.0])
    joints = rest + swing + generator.normal(size=(1, 55, 1)) * 0.01 * np.sin(7 * t + seed)
    surface = np.repeat(np.asarray(BALL.vertices)[None], frames, axis=0)
    return (np.concatenate([joints, surface], axis=1) + sway + np.array(place) + [0.0, 1.0, 0.0]).astype(np.float32)


def performer(points: np.ndarray, has_surface: bool = True) -> Performer:
    return Performer(points[:, :55], (lambda frames: points[frames, 55:]) if has_surface else None)


def measured(
    take: str, follower: np.ndarray, seed: int = 1, genre: str = "waltz", settings: Settings = SETTINGS
) -> TakeMeasures:
    leader, true = performer(dancer(seed, (0, 0, 0))), performer(dancer(seed + 100, (0.62, 0, 0)))
    return measure_take(take, genre, leader, {"a": performer(follower)}, true, BEATS, SURFACE, settings)["a"]


@pytest.fixture(scope="module")
def reference() -> Reference:
    """The reference set of four couples of two genres."""
    parts = []
    for seed in range(1, 5):
        lead, follow = dancer(seed, (0, 0, 0)), dancer(seed + 100, (0.62, 0, 0))
        parts.append(clip_features(f"take{seed}", lead[:, :55], follow[:, :55], 60, 20, "waltz" if seed < 3 else "tango"))
    clips = join(parts)
    return Reference(clips, ABOUT, fingerprint(clips))


def pooled(reference: Reference, shift: float = 0.0, seeds: tuple[str, ...] = ("",), draws: int = 60) -> Pooled:
    """A system whose followers stand ``shift`` metres too far away, on two takes."""
    rows = {
        seed: [
            measured(f"take{i}", dancer(i + 100 + 40 * number, (0.62 + shift, 0, 0)), i, "waltz" if i < 2 else "tango")
            for i in (1, 2)
        ]
        for number, seed in enumerate(seeds)
    }
    return pool(rows, reference, draws, 3)


FEATURES = clip_features("a", dancer(1, (0, 0, 0))[:60, :55], dancer(2, (1, 0, 0))[:60, :55], 60, 20)
SOME_REFERENCE = Reference(
    dataclasses.replace(
        join([FEATURES, FEATURES]),
        **{name: getattr(FEATURES, name) + [[0.0], [1.0]] for name in ("kinetic", "geometric", "cross_distance")},
    ),
    ABOUT,
    "",
)


def takes_of(values: np.ndarray) -> list[TakeMeasures]:
    """Takes that differ in CF alone."""
    return [
        TakeMeasures(f"t{i}", "", 60, 60, FEATURES, {"CF": np.array([[value, 1.0]])}, np.zeros(1), np.zeros((16, 16), int))
        for i, value in enumerate(values)
    ]


class TestMeeting:
    """The curves of a page, and what is measured of that take."""

    def test_means_are_the_figures_in_every_form(self, monkeypatch: pytest.MonkeyPatch) -> None:
        body, frames = Body.load(), 40
        leader = motion(body, 0, 0.0, (0.0, 0.0), frames)
        follower = motion(body, 5, np.pi, (0.0, 0.66), frames)
        sampled = dataclasses.replace(SETTINGS, contact_distance=0.01, clip_frames=20)
        monkeypatch.setitem(PIECE, "sampled", 17)  # pieces are joined, the last one shorter
        monkeypatch.setitem(PIECE, "full", 9)
        for surface in ("sampled", "full"):
            settings = dataclasses.replace(sampled, surface=surface)
            vertices = Surface.of(body, surface)
            forms = [follower, Points(body.points(follower), 30.0)] if surface == "sampled" else [follower]
            for form in forms:
                lead, follow = (Performer.of(dancer, body, vertices) for dancer in (leader, form))
                values = measure_take("t", "", lead, {"a": follow}, None, None, vertices, settings)["a"].values()
                met = meeting_of(leader, form, body, surface=surface, contact_distance=0.01)
                assert met is not None and 0 < values["CF"] < 1 and values["PR"] > 0
                assert met.contact().mean() == values["CF"]
                assert met.penetration().mean() == pytest.approx(values["PR"], rel=1e-12)
                assert met.leader_near_TV.mean() == pytest.approx(values["CLR"])
                assert met.follower_near_TV.mean() == pytest.approx(values["CFR"])
                back = meeting_of(form, leader, body, surface=surface, contact_distance=0.01)
                assert back is not None and (back.follower_inside_TV == met.leader_inside_TV).all()

    def test_joints_have_no_surface(self) -> None:
        body = Body.load()
        leader = motion(body, 0, 0.0, (0.0, 0.0), 5)
        joints = Joints(body.joints(leader), 30.0)
        assert meeting_of(leader, joints, body, surface="sampled", contact_distance=0.01) is None
        assert meeting_of(joints, leader, body, surface="sampled", contact_distance=0.01) is None


class TestReferenceSet:
    """The stored artefact, and that nothing is measured against another one in silence."""

    def test_clip_starts(self) -> None:
        assert clip_starts(100, 60, 20).tolist() == [0, 20, 40]
        assert clip_starts(60, 60, 20).tolist() == [0]
        assert not len(clip_starts(59, 60, 20))

    def test_is_kept_whole(self, reference: Reference, tmp_path: Path) -> None:
        write_reference(tmp_path / "one.npz", reference.clips, ABOUT)
        again = read_reference(tmp_path / "one.npz")
        assert again.fingerprint == reference.fingerprint and len(again.clips) == 4 * 8
        assert again.clips.genre_N.tolist() == reference.clips.genre_N.tolist() and again.about == ABOUT
        write_reference(tmp_path / "same.npz", reference.clips, ABOUT)
        assert (tmp_path / "same.npz").read_bytes() == (tmp_path / "one.npz").read_bytes()
        changed = dataclasses.replace(reference.clips, kinetic=reference.clips.kinetic * (1 + 1e-12))
        assert fingerprint(changed) != reference.fingerprint

    def test_tampering_is_seen(self, reference: Reference, tmp_path: Path) -> None:
        path = tmp_path / "reference.npz"
        write_reference(path, reference.clips, ABOUT)
        arrays = dict(np.load(path))
        for change, sentence in (
            ({"kinetic": arrays["kinetic"] * 2}, "'kinetic_mean' is not the mean"),
            ({"geometric_std": arrays["geometric_std"][:3]}, "'geometric_std' is not the std"),
            ({"about": np.array("{}")}, "does not say its clip_frames"),
            ({"about": np.array("no json")}, "what it was made of cannot be read"),
        ):
            np.savez(path, **(arrays | change))
            with pytest.raises(InputError, match=sentence):
                read_reference(path)
        np.savez(path, kinetic=np.ones((3, 72)))
        with pytest.raises(InputError, match="not a reference set"):
            read_reference(path)

    def test_another_cutting_is_refused(self, reference: Reference) -> None:
        with pytest.raises(InputError, match="cut with clip_stride 20, asked for is 10"):
            check_cutting(reference, dataclasses.replace(SETTINGS, clip_stride=10))


class TestMeasuring:
    """One take."""

    def test_values_are_those_of_the_metric_functions(self, reference: Reference) -> None:
        """Pieces, stretches and shared searches give what the functions give on whole arrays."""
        leader, follower = dancer(1, (0, 0, 0)), dancer(7, (0.58, 0, 0))
        follower += np.linspace(0, 0.35, FRAMES, dtype=np.float32)[:, None, None] * np.float32([1, 0, 0])
        result = pool({"": [measured("take1", follower)]}, reference, 20, 0)
        starts = clip_starts(FRAMES, 60, 20)
        clips, leads = (np.stack([x[s : s + 60, :55] for s in starts]) for x in (follower, leader))
        beats = [BEATS[(s <= BEATS) & (s + 60 > BEATS)] - s for s in starts]
        true = dancer(101, (0.62, 0, 0))
        rates = metrics.contact_rates(leader[:, 55:], follower[:, 55:], 0.05)
        hands = (SURFACE.left_hand_V, SURFACE.right_hand_V)
        truly, touches = (
            np.stack([metrics.hand_contact(leader[:, 55:], x[:, 55 + hand], 0.2) for hand in hands]) for x in (true, follower)
        )
        error = metrics.distance_error(leader[:, :55], follower[:, :55], true[:, :55]) * 1000
        slope = [part.sum() for part in metrics.drift(error, 30.0)]
        precision, recall = metrics.hand_contact_rates(touches, truly)
        known = reference.clips
        expected = {
            "FID_k": metrics.frechet_distance(metrics.kinetic_features(clips), known.kinetic),
            "Div_g": metrics.diversity(metrics.geometric_features(clips), known.geometric),
            "FID_cd": metrics.frechet_distance(metrics.cross_distance_features(leads, clips), known.cross_distance),
            "CF": rates.cf,
            "CLR": rates.clr,
            "CFR": rates.cfr,
            "CVR": rates.cvr,
            "PR": metrics.penetration_rate(leader[:, 55:], follower[:, 55:], SURFACE.faces),
            "CF_duolando": metrics.contact_frequency(leader[:, 55:], follower[:, 55:], "duolando", faces=SURFACE.faces),
            "BED": metrics.beat_echo_degree(leads, clips),
            "BAS": metrics.beat_align_score(clips, beats),
            "BAS_aistpp": metrics.beat_align_score(clips, beats, "aistpp"),
            "PFC": metrics.physical_foot_contact(clips),
            "skating_duolando": metrics.foot_skating(clips),
            "skating_lodge": metrics.foot_skating(clips, "lodge"),
            "jitter": metrics.jitter(clips),
            "floor_mm": metrics.floor_penetration(follower[:, 55:]) * 1000,
            "floating_mm": metrics.floating(follower[:, 55:]) * 1000,
            "hand_precision": precision,
            "hand_recall": recall,
            "joint_error_mm": metrics.joint_error(follower[:, :55], true[:, :55]).mean() * 1000,
            "distance_error_mm": error.mean(),
            "drift_mm_per_s": slope[0] / slope[1],
        }
        for name, value in expected.items():
            assert result.values[name] == pytest.approx(value, rel=1e-6, abs=1e-8), name
        assert result.values["PR"] > 0 and 0 < result.values["CF"] < 1 and 0 < result.values["hand_recall"] < 1

    def test_pieces_do_not_show(self, monkeypatch: pytest.MonkeyPatch) -> None:
        follower = dancer(7, (0.58, 0, 0))
        whole = measured("take1", follower)
        monkeypatch.setitem(measure.PIECE, "sampled", 37)
        pieces = measured("take1", follower)
        assert whole.sums.keys() == pieces.sums.keys()
        for name, sums in whole.sums.items():
            np.testing.assert_allclose(pieces.sums[name], sums, rtol=1e-12, atol=1e-12, err_msg=name)
        assert (whole.contact_PQ == pieces.contact_PQ).all() and whole.contact_PQ.sum() > 0

    def test_what_moves_which_metric(self) -> None:
        true = dancer(101, (0.62, 0, 0))
        truth = measured("take1", true).values()
        far = measured("take1", true + np.float32([3.0, 0, 0])).values()
        deep = measured("take1", true - np.float32([0.3, 0, 0])).values()
        frozen = measured("take1", np.repeat(true[:1], FRAMES, axis=0)).values()
        sunk, raised = (measured("take1", true + np.float32([0, up, 0])).values() for up in (-1.0, 0.5))
        leaving = measured("take1", true + np.linspace(0, 1, FRAMES, dtype=np.float32)[:, None, None] * [1, 0, 0]).values()
        assert truth["joint_error_mm"] == 0 and far["joint_error_mm"] == pytest.approx(3000)
        assert far["CF"] == 0 and far["PR"] == 0 and deep["PR"] > 0.1 > truth["PR"]
        assert frozen["BED"] == 0 and truth["BED"] > 0.3 and frozen["jitter"] == 0
        assert far["held_hand_mm"] > truth["held_hand_mm"] + 2000
        assert far["hand_recall"] == 0 and far["hand_precision"] is None and truth["hand_recall"] == 1
        assert sunk["floor_mm"] > 100 > truth["floor_mm"] and sunk["floating_mm"] == 0
        assert raised["floating_mm"] == pytest.approx(truth["floating_mm"] + 500)
        assert leaving["drift_mm_per_s"] == pytest.approx(1000 / ((FRAMES - 1) / 30), rel=0.2)
        assert abs(far["drift_mm_per_s"]) < 20  # far, but not farther and farther

    def test_contact_map_tells_which_parts_meet(self) -> None:
        """The follower stands at +x: her left half meets the leader's right half, his chest."""
        shares = measured("take1", dancer(101, (0.60, 0, 0))).contact_PQ
        assert shares[CHEST, LEFT_HAND] > 0
        shares[CHEST, LEFT_HAND] = 0
        assert not shares.any()

    def test_joints_without_a_surface(self, reference: Reference) -> None:
        follower = dancer(7, (0.58, 0, 0))
        leader, true = performer(dancer(1, (0, 0, 0))), performer(dancer(101, (0.62, 0, 0)))
        alone = performer(follower, has_surface=False)
        both = measure_take("take1", "", leader, {"a": alone, "true": true}, true, None, SURFACE, SETTINGS)
        assert not {"PR", "CF", "CLR", "floor_mm", "hand_recall", "BAS"} & set(both["a"].sums)
        assert {"BED", "PFC", "joint_error_mm", "jitter"} <= set(both["a"].sums) and "PR" in both["true"].sums
        values = pool({"": [both["a"]]}, reference, 10, 0).values
        assert "PR" not in values and values["FID_cd"] > 0
        assert values["BED"] == pytest.approx(measured("take1", follower).values()["BED"])

    def test_takes_that_cannot_be_measured_are_named(self) -> None:
        follower = dancer(101, (0.62, 0, 0))
        with pytest.raises(InputError, match=r"take take1: the follower of a has joints \(150"):
            measured("take1", follower[:150])
        broken = follower.copy()
        broken[70, 3, 1] = np.nan
        with pytest.raises(InputError, match=r"take take1: the follower of a.*frame 70"):
            measured("take1", broken)
        short = dataclasses.replace(SETTINGS, clip_frames=FRAMES + 1)
        with pytest.raises(InputError, match=r"take1: 200 frames are fewer than a clip; lower evaluate.clip_frames \(201\)"):
            measured("take1", follower, settings=short)

    def test_silence_and_stillness(self, reference: Reference) -> None:
        """No beat of the music, no beat of the leader: the metric is absent and a sentence says so."""
        leader = performer(np.repeat(dancer(1, (0, 0, 0))[:1], FRAMES, axis=0))
        follower = performer(dancer(101, (0.62, 0, 0)))
        take = measure_take("a", "", leader, {"a": follower}, None, np.zeros(0, int), SURFACE, SETTINGS)["a"]
        assert take.values()["BED"] is None and take.values()["BAS"] is None
        result = pool({"": [take]}, reference, 10, 0)
        assert not {"BED", "BAS", "joint_error_mm", "hand_recall"} & set(result.values)
        assert "BED: nothing to measure in these takes" in result.warnings


class TestPooling:
    """Bootstrap, seeds, genres."""

    def test_every_clip_once_is_the_value(self, reference: Reference) -> None:
        """Weights of one give FID and Div exactly; a draw of nothing is no draw."""
        known = reference.clips.kinetic
        generated = np.random.default_rng(0).normal(size=(30, 72)) * known.std(axis=0) + known.mean(axis=0)
        chosen = np.zeros(30)
        chosen[:12] = 1
        fid, div = bootstrap(*standardise(generated, known, "leave_out"), np.stack([np.ones(30), chosen, np.zeros(30)]))
        for row, subset in enumerate((generated, generated[:12])):
            assert fid[row] == pytest.approx(metrics.frechet_distance(subset, known), rel=1e-6)
            assert div[row] == pytest.approx(metrics.diversity(subset, known), rel=1e-9)
        assert np.isnan(fid[2]) and np.isnan(div[2])

    def test_intervals_hold_the_value_and_the_seed_decides(self, reference: Reference) -> None:
        takes = {"": [measured("take1", dancer(101, (0.62, 0, 0))), measured("take2", dancer(102, (0.6, 0, 0)), 2)]}
        one, same, other = (pool(takes, reference, 60, seed) for seed in (1, 1, 2))
        assert one.values == same.values and one.intervals == same.intervals != other.intervals
        for name, (low, high) in one.intervals.items():
            assert low <= one.values[name] <= high, name
        assert any(line.startswith("FID_k: 16 clips for 72 dimensions") for line in one.warnings)
        assert any(line.startswith("2 take(s)") for line in one.warnings)

    def test_intervals_have_the_width_of_the_sampling_error(self) -> None:
        """Means of 40 takes drawn from a known distribution: the bootstrap's deviation is sigma over root 40."""
        result = pool({"": takes_of(np.random.default_rng(5).normal(0.5, 0.1, 40))}, SOME_REFERENCE, 2000, 0)
        assert result.spread["CF"] == pytest.approx(0.1 / 40**0.5, rel=0.25)

    def test_several_seeds(self, reference: Reference) -> None:
        one, two, three = (pooled(reference, seeds=seeds) for seeds in (("5",), ("6",), ("5", "6")))
        assert set(three.by_seed) == {"5", "6"} and "MM_k" in three.values and "MM_k" not in one.values
        assert three.values["CF"] == pytest.approx(np.mean([row["CF"] for row in three.by_seed.values()]))
        assert three.by_seed["5"] == one.by_seed["5"] and three.by_seed["6"] != two.by_seed["6"]
        assert three.values["MM_k"] > 0
        same = {seed: [measured("take1", dancer(101, (0.62, 0, 0)))] for seed in ("a", "b")}
        assert pool(same, reference, 10, 0).values["MM_k"] == 0
        with pytest.raises(InputError, match="seed b has other takes"):
            pool({"a": same["a"], "b": [measured("take9", dancer(101, (0.62, 0, 0)))]}, reference, 10, 0)

    def test_genres(self, reference: Reference) -> None:
        result = pooled(reference)
        assert set(result.by_genre) == {"waltz", "tango"}
        assert 0 <= result.values["genre_consistency"] <= 1
        takes = [measured(f"take{i}", dancer(i + 100, (0.62, 0, 0)), i).values() for i in (1, 2)]
        assert result.by_genre["waltz"]["CF"] == pytest.approx(takes[0]["CF"])

    def test_a_single_clip_is_refused(self, reference: Reference) -> None:
        take = measured("take1", dancer(101, (0.62, 0, 0)), settings=dataclasses.replace(SETTINGS, clip_frames=FRAMES))
        with pytest.raises(InputError, match=r"generated set has 1 clip\(s\); a distribution needs at least two"):
            pool({"": [take]}, reference, 10, 0)


class TestComparing:
    """Paired differences of two systems, in one run and across files."""

    def test_verdicts(self) -> None:
        generator = np.random.default_rng(0)
        shared_noise = generator.normal(0, 1.0, 500)  # between draws, the same for both systems
        own = generator.normal(0, 0.01, (2, 500))
        draws = [{"CF": 5 + shared_noise + own[0], "PR": shared_noise, "jitter": shared_noise},
                 {"CF": 4 + shared_noise + own[1], "PR": shared_noise + own[1], "jitter": shared_noise - 1}]  # fmt: skip
        found = compare(*draws, {"CF": (5.0, 4.0), "PR": (0.0, 0.0), "jitter": (1.0, 0.0)}, BETTER)
        assert found["CF"].verdict == "better" and found["CF"].low > 0.9 and found["CF"].high < 1.1
        assert found["PR"].verdict == "undecided" and found["jitter"].verdict == "differs"
        other = compare(*reversed(draws), {"CF": (4.0, 5.0)}, BETTER)
        assert other["CF"].verdict == "worse" and other["CF"].difference == -1.0
        worse = compare({"PR": shared_noise + 1}, {"PR": shared_noise}, {"PR": (1.0, 0.0)}, BETTER)
        assert worse["PR"].verdict == "worse"

    def test_pairing_is_what_makes_it_sharp(self) -> None:
        """Takes differ more than systems: paired draws see a small shift that the two intervals do not."""
        generator = np.random.default_rng(6)
        level = generator.normal(0.5, 0.1, 20)
        one, other = (
            pool({"": takes_of(level + shift + generator.normal(0, 0.005, 20))}, SOME_REFERENCE, 500, 0) for shift in (0.02, 0)
        )
        assert one.intervals["CF"][0] < other.values["CF"]
        values = {"CF": (one.values["CF"], other.values["CF"])}
        assert compare(one.replicates, other.replicates, values, BETTER)["CF"].verdict == "better"

    def test_across_files(self, reference: Reference, tmp_path: Path) -> None:
        paths = [tmp_path / "a.json", tmp_path / "b.json"]
        for path, shift in zip(paths, (0.0, 0.2), strict=True):
            write_evaluation(path, evaluation_of(reference, {"ours": pooled(reference, shift)}))
        found = compare_records(paths[0], "ours", paths[1], "ours")
        assert found["CF"].verdict == "better" and found["CF"].difference > 0.3
        inside = evaluation_of(reference, {"near": pooled(reference, 0.0), "far": pooled(reference, 0.2)})
        row = next(entry for entry in inside.summary["comparisons"] if entry["system"] == "far")
        mirrored = next(metric for metric in row["metrics"] if metric["metric"] == "CF")
        assert mirrored["difference"] == -found["CF"].difference and mirrored["verdict"] == "worse"
        with pytest.raises(InputError, match=r"a\.json: no system theirs; it holds ours"):
            compare_records(paths[0], "theirs", paths[1], "ours")
        summary = json.loads(paths[1].read_text())
        for change, sentence in (
            ({"reference": {"fingerprint": "0000"}}, "cannot be compared: reference set"),
            ({"frames": 7}, "cannot be compared: frames"),
            ({"settings": {}}, "cannot be compared: settings"),
        ):
            paths[1].write_text(json.dumps(summary | {"about": summary["about"] | change}))
            with pytest.raises(InputError, match=sentence):
                compare_records(paths[0], "ours", paths[1], "ours")
        paths[1].write_text("{}")
        with pytest.raises(InputError, match="not an evaluation"):
            read_evaluation(paths[1])
        with pytest.raises(InputError, match=r"ends in \.json"):
            write_evaluation(tmp_path / "c.txt", inside)

    def test_figures_come_back(self, reference: Reference, tmp_path: Path) -> None:
        evaluation = evaluation_of(reference, {"ours": pooled(reference, 0.0)})
        write_series(tmp_path / "plots", evaluation.series)
        again = read_series(tmp_path / "plots")
        assert again == evaluation.series and all(again[name] for name in ("beats", "distance", "contact_map", "genres"))
        touching = {(row["leader_part"], row["follower_part"]) for row in again["contact_map"] if row["share"] > 0}
        assert touching == {("chest", "left hand")}
        distances = [row["distance_m"] for row in again["distance"] if row["take"] == "take1"]
        gap = metrics.partner_distance(dancer(1, (0, 0, 0))[:, :55], dancer(101, (0.62, 0, 0))[:, :55])
        np.testing.assert_allclose(distances, gap[:198].reshape(33, 6).mean(axis=1), atol=1e-4)
        with pytest.raises(InputError, match="run the evaluate stage"):
            read_series(tmp_path)
        beats = tmp_path / "plots" / "beats.csv"
        beats.write_text("system,time_s,BAS\na,2.5,\n")
        with pytest.raises(InputError, match=r"beats\.csv, line 2: BAS is '', a number is needed"):
            read_series(tmp_path / "plots")
        beats.write_text("system,BAS\na,2.5\n")
        with pytest.raises(InputError, match=r"beats\.csv: columns .*system, time_s, BAS are needed"):
            read_series(tmp_path / "plots")


def evaluation_of(reference: Reference, systems: dict[str, Pooled]) -> Evaluation:
    takes = [measured(f"take{i}", dancer(i + 100, (0.62, 0, 0)), i, "waltz" if i < 2 else "tango") for i in (1, 2)]
    files = [TakeFiles(take.take, take.genre, Path(), Path(), Path(), ()) for take in takes]
    rows = {name: {"": takes} for name in systems}
    return assemble(systems, rows, files, reference, SETTINGS, Statistics(60, 3), 655)


def test_dancers_of_a_take_are_cut_to_one_length(tmp_path: Path) -> None:
    body = Body.load()
    places = [tmp_path / "leader.npz", tmp_path / "follower.npz"]
    for place, num_frames in zip(places, (62, 60), strict=True):
        write_motion(place, motion(body, 1, 0.0, (0.0, 0.0), num_frames))
    reading = Reading(body="", source_fps=None, up="auto", hop=512, tolerance_s=0.1)
    read = read_together("one", [*places, places[0]], 30.0, reading, body)
    assert {place: dancer.num_frames for place, dancer in read.items()} == dict.fromkeys(places, 60)
    with pytest.raises(InputError, match="has 60 frames there and 62 in"):
        read_together("one", places, 30.0, dataclasses.replace(reading, tolerance_s=0.02), body)
