"""Metrics against values produced by the published programs, and against closed forms that need no data."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from conftest import shared

from interdance import metrics
from interdance.errors import InputError
from interdance.metrics.features import joints24
from interdance.metrics.interaction import penetrating
from interdance.metrics.plausibility import lodge_skating, skating_counts

REL = 1e-6


class Reference:
    """The clips of the reference set, cut, and the expected values."""

    def __init__(self) -> None:
        root = shared("reference")
        joints = np.load(root / "joints55.npz")
        clips = json.loads((root / "clips.json").read_text())
        if isinstance(clips, dict):
            clips = clips["clips"]
        self.takes = {name: joints[name] for name in joints.files}
        self.clips = clips
        self.whole = np.array([bool(clip["nonoverlap"]) for clip in clips])
        self.leader = self._cut("leader", "start")
        self.follower = self._cut("follower", "start")
        self.shifted = self._cut("follower", "follower_shifted_start")
        self.features = np.load(root / "expected" / "features_duolando.npz")
        self.variants = np.load(root / "expected" / "features_variants.npz")
        self.scores = json.loads((root / "expected" / "metrics.json").read_text())
        self.beats = json.loads((root / "expected" / "beats.json").read_text())
        self.contact = json.loads((root / "contact" / "expected.json").read_text())
        self.bodies = np.load(root / "contact" / "toy_bodies.npz")

    def _cut(self, who: str, start: str) -> np.ndarray:
        return np.stack([self.takes[f"{c['take']}__{who}"][c[start] : c[start] + 300] for c in self.clips])


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


def close(actual: object, expected: object, rel: float = REL, abs_: float = 0.0) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rel, atol=abs_)


class TestPublishedValues:
    """Values printed by the peers' own programs on motion capture."""

    def test_kinetic(self, reference: Reference) -> None:
        for who, joints in (("leader", reference.leader), ("follower", reference.follower)):
            close(metrics.kinetic_features(joints), reference.features[f"duolando_kinetic_{who}"])

    def test_geometric(self, reference: Reference) -> None:
        for who, joints in (("leader", reference.leader), ("follower", reference.follower)):
            close(metrics.geometric_features(joints), reference.features[f"duolando_manual_{who}"], 0, 1e-6)

    def test_cross_distance(self, reference: Reference) -> None:
        close(
            metrics.cross_distance_features(reference.leader, reference.follower),
            reference.features["duolando_cd_true"],
        )
        close(
            metrics.cross_distance_features(reference.leader, reference.shifted),
            reference.features["duolando_cd_shifted"],
        )

    @pytest.mark.parametrize(
        ("variant", "name"),
        [
            ("lodge", "lodge_kinetic_features"),
            ("gcd", "gcd_kinetic_aist_bugged"),
            ("gcd_kinetic", "gcd_kinetic_fixed"),
            ("aistpp", "aistpp_kinetic_world"),
        ],
    )
    def test_kinetic_variants(self, reference: Reference, variant: str, name: str) -> None:
        for who, joints in (("leader", reference.leader), ("follower", reference.follower)):
            expected = reference.variants[f"{name}_{who}"]
            size = np.abs(expected).max(axis=0)
            close(metrics.kinetic_features(joints[reference.whole], variant=variant) / size, expected / size, REL, REL)

    @pytest.mark.parametrize(
        ("variant", "name"), [("lodge", "lodge_manual_features_new"), ("aistpp", "aistpp_manual_world")]
    )
    def test_geometric_variants(self, reference: Reference, variant: str, name: str) -> None:
        for who, joints in (("leader", reference.leader), ("follower", reference.follower)):
            actual = metrics.geometric_features(joints[reference.whole], variant=variant)
            close(actual, reference.variants[f"{name}_{who}"], 0, 1e-6)

    def test_group_kinetic(self, reference: Reference) -> None:
        pairs = zip(reference.leader[reference.whole], reference.follower[reference.whole], strict=True)
        actual = [metrics.kinetic_features(np.stack(pair), variant="gcd_group") for pair in pairs]
        close(np.stack(actual), reference.variants["gcd_group_kinetic"])

    @pytest.mark.parametrize("subset", ["full_clips", "nonoverlap_clips"])
    def test_fid_and_div(self, reference: Reference, subset: str) -> None:
        expected = reference.scores[f"duolando/{subset}"]
        rows = reference.whole if subset == "nonoverlap_clips" else slice(None)
        sets = {
            "k": [metrics.kinetic_features(x[rows]) for x in (reference.follower, reference.leader)],
            "g": [metrics.geometric_features(x[rows]) for x in (reference.follower, reference.leader)],
            "cd": [
                metrics.cross_distance_features(reference.leader[rows], x[rows])
                for x in (reference.shifted, reference.follower)
            ],
        }
        for name, (generated, true) in sets.items():
            for key, value in (
                (f"FID_{name}", metrics.frechet_distance(generated, true)),
                (f"Div_{name}", metrics.diversity(generated, true)),
                (f"Div_{name}_gt", metrics.diversity(true, true)),
            ):
                close(value, expected[key]["float64"])
                close(value, expected[key]["peer"], 1e-5)
        assert not len(metrics.degenerate_dimensions(sets["k"][1]))

    def test_lodge_keeps_the_degenerate_dimension(self, reference: Reference) -> None:
        expected = reference.scores["lodge/nonoverlap_clips"]
        for name, function in (("k", metrics.kinetic_features), ("g", metrics.geometric_features)):
            generated, true = (
                function(x[reference.whole], variant="lodge") for x in (reference.follower, reference.leader)
            )
            close(metrics.frechet_distance(generated, true, degenerate="keep"), expected[f"FID_{name}"], 1e-4)
            close(metrics.diversity(generated, true, degenerate="keep"), expected[f"Div_{name}"], 1e-4)
            assert metrics.frechet_distance(generated, true) < 1e4 * (10 if name == "k" else 1)

    def test_motion_beats(self, reference: Reference) -> None:
        for who in ("leader", "follower", "shifted"):
            key = "follower_shifted_beats" if who == "shifted" else f"{who}_beats"
            found = metrics.motion_beats(getattr(reference, who))
            assert [beats.tolist() for beats in found] == [row[key] for row in reference.beats]
        for variant, key in (("gcd", "gcd_beats_order5"), ("aistpp", "mint_beats_order10")):
            found = metrics.motion_beats(reference.follower, variant=variant)
            assert [beats.tolist() for beats in found] == [row[key] for row in reference.beats]

    def test_beat_echo_degree(self, reference: Reference) -> None:
        for index in range(0, len(reference.clips), 40):
            pair = reference.leader[index], reference.follower[index]
            close(metrics.beat_echo_degree(*pair), reference.beats[index]["BED_true"], 1e-9)
        expected = reference.scores["duolando/full_clips"]
        close(metrics.beat_echo_degree(reference.leader, reference.follower), expected["BED_true_mean"]["peer"], 1e-9)
        close(metrics.beat_echo_degree(reference.leader, reference.shifted), expected["BED_shifted_mean"]["peer"], 1e-9)
        for take, value in reference.scores["duolando/BED_full_takes"].items():
            lead, follow = reference.takes[f"{take}__leader"], reference.takes[f"{take}__follower"]
            close(metrics.beat_echo_degree(lead, follow), value["bed"], 1e-9)
            close(metrics.beat_echo_degree(follow, lead), value["reverse"], 1e-9)

    def test_beat_align_score(self, reference: Reference) -> None:
        music = [row["music_beats_full_window"] for row in reference.beats]
        names = {
            "duolando": ("BAS_duolando", "duolando/BAS_mean_all_clips", 1e-9),
            "gcd": ("BAS_gcd", "gcd/BAS_mean (order 5, sigma 2.12)", 1e-6),
            "aistpp": ("BAS_mint", "aistpp/BAS_mean (order 10, sigma 3)", 1e-6),
        }
        for variant, (per_clip, mean, rel) in names.items():
            close(
                metrics.beat_align_score(reference.follower, music, variant=variant),
                reference.scores[mean]["peer"],
                rel,
            )
            value = metrics.beat_align_score(reference.follower[7], music[7], variant=variant)
            close(value, reference.beats[7][per_clip], rel)

    def test_physical_foot_contact(self, reference: Reference) -> None:
        for who in ("leader", "follower"):
            expected = reference.scores["edge/PFC"][who]
            joints = getattr(reference, who)[reference.whole].astype(np.float64)
            close(metrics.physical_foot_contact(joints), expected["peer_float64_input_mean"], 1e-9)
            for clip, value in zip(joints, expected["per_clip_float64"].values(), strict=True):
                close(metrics.physical_foot_contact(clip), value, 1e-9)

    def test_foot_skating(self, reference: Reference) -> None:
        for take, joints in reference.takes.items():
            expected = reference.scores["duolando/footskating (up axis zeroed)"][take]
            counts = expected["default_thresholds"]
            assert skating_counts(joints) == (counts["dur"], counts["n"])
            assert skating_counts(joints, pelvis_step=0.01, ankle_step=0.02)[0] == expected["loose"]["dur"]
            sides = reference.scores["lodge/footskating"][take]
            close(lodge_skating(joints), [sides["left"], sides["right"]], 1e-6)

    def test_contact_and_penetration(self, reference: Reference) -> None:
        lead, follow = reference.bodies["leader_vertices"], reference.bodies["follower_vertices"]
        for distance in (0.01, 0.02, 0.05):
            expected = reference.contact[f"thr_{distance}"]
            rates = metrics.contact_rates(lead, follow, distance)
            close(
                [rates.cf, rates.clr, rates.cfr, rates.cvr], [expected[k] for k in ("CF", "CLR", "CFR", "CVR")], 1e-12
            )
            assert rates.contact_T.astype(int).tolist() == expected["contact_frames"]
            close(rates.leader_rate_T, expected["CLR_per_frame"], 1e-12)
        faces, expected = reference.bodies["faces"], reference.contact["PR"]
        assert penetrating(lead, follow, faces).sum(axis=1).tolist() == expected["follower_inside_count"]
        close(metrics.penetration_rate(lead, follow, faces), expected["follower_in_leader"], 1e-12)
        close(metrics.penetration_rate(follow, lead, faces), expected["leader_in_follower"], 1e-12)


def dance(seed: int, clips: int = 3, frames: int = 90, joints: int = 55) -> np.ndarray:
    """Joints that swing about places of their own, at speeds that swell and fade together."""
    generator = np.random.default_rng(seed)
    phase = np.arange(frames) / 30 + 0.2 * np.sin(np.arange(frames) / 30 * 2 * np.pi / generator.uniform(0.5, 0.7))
    offset, rate = generator.uniform(0, 6, (clips, 1, joints, 3)), generator.uniform(1, 3, (clips, 1, joints, 3))
    swing = 0.2 * np.sin(rate * phase[None, :, None, None] * 2 + offset)
    return swing + generator.normal(size=(clips, 1, joints, 3)) * 0.3 + [0, 1.0, 0]


class TestClosedForms:
    """What can be known without data."""

    def test_kinetic_of_steady_motion(self) -> None:
        """All joints at 1 m/s over the floor and 0.5 m/s up: h and v are (2·rate/60)² of that; at rest a is 0."""
        x = np.zeros((60, 24, 3)) + np.arange(60)[:, None, None] / 30 * np.array([0.6, 0.5, 0.8])
        features = metrics.kinetic_features(x, variant="gcd_kinetic").reshape(24, 3)
        close(features, np.tile([1.0, 0.25, 0.0], (24, 1)), 1e-9, 1e-9)
        published = metrics.kinetic_features(x).reshape(24, 3)
        close(published[:, :2], np.tile([4.0, 1.0], (24, 1)), 1e-9)

    def test_published_acceleration_is_a_distance(self) -> None:
        """A dancer who stands still, one joint a metre from the pelvis: 60·(60-1) = 3540 times the metre."""
        x = np.zeros((30, 24, 3))
        x[:, 5, 0] = 1.0
        close(metrics.kinetic_features(x).reshape(24, 3)[5], [0, 0, 3540.0], 1e-12, 1e-9)

    def test_geometric_by_loop(self) -> None:
        """Five of the relations written out frame by frame."""
        x = dance(1, clips=1)[0]
        features = metrics.geometric_features(x)
        s, hl = joints24(x), 0.2568381092115207
        slow = np.zeros(5)
        for t in range(1, len(s)):
            p, before = s[t], s[t - 1]
            slow[0] += np.linalg.norm(p[21] - before[21]) * 120 > 2.5 * hl
            slow[1] += p[8, 1] - p[:, 1].min() > 1.2 * hl
            arm, fore = p[17] - p[19], p[21] - p[19]
            angle = np.degrees(np.arccos(arm @ fore / np.linalg.norm(arm) / np.linalg.norm(fore)))
            slow[2] += 0 < angle < 110
            normal = np.cross(p[10] - p[0], p[1] - p[0])
            slow[3] += (p[8] - p[0]) @ normal / np.linalg.norm(normal) > 0.38 * hl
            up = p[12] - p[9]
            slow[4] += (p[21] - p[12]) @ up / np.linalg.norm(up) > 0.2 * hl
        close(features[[12, 16, 6, 14, 2]], slow / (len(s) - 1), 1e-12)

    def test_cross_distance_argument_order(self) -> None:
        leader, follower = np.zeros((4, 55, 3)), np.zeros((6, 55, 3))
        leader[:, 21, 0], follower[:, 7, 0] = 3.0, -1.0
        features = metrics.cross_distance_features(leader, follower).reshape(10, 10)
        assert features[1, 9] == 4.0 and features[9, 1] == 0.0 and features[0, 9] == 3.0

    def test_frechet_of_gaussians(self) -> None:
        """Two sets of the same deviations, moved apart: the squared shift, in units of the reference."""
        generator = np.random.default_rng(0)
        reference = generator.normal(size=(500, 6)) * [1, 2, 3, 4, 5, 6]
        std = reference.std(axis=0)
        close(metrics.frechet_distance(reference + 2 * std, reference), 4 * 6, 1e-9)
        assert metrics.frechet_distance(reference, reference) < 1e-9
        # Scaled by c about the mean: (c-1)² tr S, and tr S is D n/(n-1) in z-scores.
        scaled = (reference - reference.mean(axis=0)) * 3 + reference.mean(axis=0)
        close(metrics.frechet_distance(scaled, reference), 4 * 6 * 500 / 499, 1e-9)
        close(metrics.diversity(scaled, reference), 3 * metrics.diversity(reference, reference), 1e-9)

    def test_frechet_with_fewer_clips_than_dimensions(self) -> None:
        """Singular covariances: against eigenvalues of the product in extended form."""
        generator = np.random.default_rng(1)
        a, b = generator.normal(size=(7, 20)), generator.normal(size=(9, 20)) + 0.3
        mean, std = b.mean(axis=0), b.std(axis=0)
        za, zb = (a - mean) / std, (b - mean) / std
        ca, cb = np.cov(za.T), np.cov(zb.T)
        values, vectors = np.linalg.eigh(ca)
        root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
        overlap = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cb @ root), 0, None)).sum()
        expected = ((za.mean(0) - zb.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2 * overlap
        close(metrics.frechet_distance(a, b), expected, 1e-6)

    def test_degenerate_dimension_is_left_out_and_named(self) -> None:
        generator = np.random.default_rng(2)
        generated, reference = generator.normal(size=(2, 50, 4))
        reference[:, 2] = 0.1 + 0.2  # constant but for rounding
        assert metrics.degenerate_dimensions(reference).tolist() == [2]
        kept = [0, 1, 3]
        expected = metrics.frechet_distance(generated[:, kept], reference[:, kept])
        close(metrics.frechet_distance(generated, reference), expected, 1e-12)
        assert metrics.frechet_distance(generated, reference, degenerate="keep") > 1e15

    def test_beats_of_a_sine(self) -> None:
        """Speed |cos|: least at each turning point, every half period."""
        t = np.arange(240)
        x = np.zeros((240, 55, 3))
        x[..., 1] = 0.2 * np.sin(2 * np.pi * (t + 0.5) / 60)[:, None]
        beats = metrics.motion_beats(x)
        close(beats, 14 + 30 * np.arange(8), 0, 1.0)
        close(metrics.beat_echo_degree(x, x), 1.0, 1e-12)
        shifted = np.roll(x, 3, axis=0)[60:180]
        assert abs(metrics.beat_echo_degree(x[60:180], shifted) - np.exp(-9 / 18)) < 0.1
        assert metrics.beat_align_score(x, beats) == 1.0
        close(metrics.beat_align_score(x, beats[1:-1] + 3), np.exp(-0.5), 1e-12)

    def test_foot_contact_and_skating(self) -> None:
        """A dancer pushed over the floor like a statue: every step but the first skates; PFC of steady travel is 0."""
        x = np.tile(dance(3, 1, 1)[:, :1], (1, 31, 1, 1))[0]
        x = x + np.arange(31)[:, None, None] * np.array([0.05, 0, 0])
        assert skating_counts(x) == (29, 30)
        close(metrics.foot_skating(x), 29 / 30)
        assert metrics.physical_foot_contact(np.tile(x[:1], (31, 1, 1))) == 0.0

    def test_contact_counts(self) -> None:
        """One vertex of each in contact in one frame of two."""
        leader, follower = np.zeros((2, 4, 3)), np.zeros((2, 5, 3))
        leader[:, :, 0] = np.arange(4)
        follower[:, :, 0] = 10 + np.arange(5)
        follower[1, 0, 0] = 3.009
        rates = metrics.contact_rates(leader, follower, 0.01)
        assert (rates.cf, rates.clr, rates.cfr) == (0.5, 1 / 8, 1 / 10)
        assert metrics.contact_rates(leader, follower, 0.0085).cf == 0.0


class TestInputs:
    """One clip, a batch, torch, and what cannot be measured."""

    def test_batch_equals_single(self) -> None:
        leader, follower = dance(4), dance(5)
        for function in (metrics.kinetic_features, metrics.geometric_features):
            close(function(leader)[1], function(leader[1]), 1e-12)
            close(function(torch.from_numpy(leader)), function(leader), 0)
        close(
            metrics.cross_distance_features(leader, follower)[2],
            metrics.cross_distance_features(leader[2], follower[2]),
        )
        echoes = [metrics.beat_echo_degree(a, b) for a, b in zip(leader, follower, strict=True)]
        close(metrics.beat_echo_degree(leader, follower), np.mean(echoes), 1e-12)

    def test_24_joints_do(self) -> None:
        x = dance(6)
        close(metrics.kinetic_features(joints24(x)), metrics.kinetic_features(x), 1e-12)
        assert metrics.kinetic_features(x[..., :22, :], variant="lodge").shape == (3, 66)

    @pytest.mark.parametrize("function", [metrics.kinetic_features, metrics.geometric_features, metrics.motion_beats])
    def test_nan_is_refused_with_its_place(self, function: object) -> None:
        x = dance(7)
        x[1, 17, 4, 0] = np.nan
        with pytest.raises(InputError, match=r"clip 1, frame 17"):
            function(x)

    def test_too_little(self) -> None:
        x = dance(8)
        with pytest.raises(InputError, match="frame"):
            metrics.kinetic_features(x[:, :1])
        with pytest.raises(InputError, match="at least two"):
            metrics.frechet_distance(np.ones((1, 4)), np.ones((5, 4)))
        with pytest.raises(InputError, match="at least two"):
            metrics.diversity(np.ones((1, 4)), np.random.default_rng(0).normal(size=(5, 4)))
        still = np.zeros((2, 60, 55, 3))
        with pytest.raises(InputError, match="no motion beat"):
            metrics.beat_echo_degree(still, x[:2, :60])
        assert metrics.beat_echo_degree(x[:2, :60], still) == 0.0
        with pytest.raises(InputError, match="music beat"):
            metrics.beat_align_score(x[0], [])
        with pytest.raises(InputError, match="variant"):
            metrics.kinetic_features(x, variant="edge")
        with pytest.raises(InputError, match="joints"):
            metrics.kinetic_features(x[:, :, :23])
