"""Metrics against values produced by the published programs, and against closed forms that need no data."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
import trimesh
from conftest import shared

from interdance import metrics
from interdance.body.intersection import inflate, surfaces_meet
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

    @pytest.mark.parametrize(("variant", "name"), [("lodge", "lodge_manual_features_new"), ("aistpp", "aistpp_manual_world")])
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
            generated, true = (function(x[reference.whole], variant="lodge") for x in (reference.follower, reference.leader))
            close(metrics.frechet_distance(generated, true, degenerate="keep"), expected[f"FID_{name}"], 1e-4)
            close(metrics.diversity(generated, true, degenerate="keep"), expected[f"Div_{name}"], 1e-4)
            assert metrics.frechet_distance(generated, true) < 1e4 * (10 if name == "k" else 1)

    def test_gcd_fid_and_div(self, reference: Reference) -> None:
        """GCD's own FID program on the two readings of its kinetic features."""
        for name, variant in (("kinetic_aist_bugged", "gcd"), ("kinetic_fixed", "gcd_kinetic")):
            expected = reference.scores["gcd/nonoverlap_clips"][name]
            generated, true = (
                metrics.kinetic_features(x[reference.whole], variant=variant) for x in (reference.follower, reference.leader)
            )
            close(metrics.frechet_distance(generated, true), expected["fid"], 1e-5)
            close(metrics.diversity(generated, true), expected["div"], 1e-5)

    def test_beats_of_fewer_joints(self, reference: Reference) -> None:
        """The rows of the reference that show how much the joint set matters."""
        music = [row["music_beats_full_window"] for row in reference.beats]
        expected = reference.scores["beat joint-subset sensitivity (own implementation)"]
        sets = {"beats_55joints": lambda x: x, "beats_24joints": joints24, "beats_22joints": lambda x: x[..., :22, :]}
        for name, chosen in sets.items():
            leader, follower = (chosen(x.astype(np.float64)) for x in (reference.leader, reference.follower))
            close(metrics.beat_echo_degree(leader, follower), expected[name]["BED"], 1e-9)
            close(metrics.beat_align_score(follower, music), expected[name]["BAS_over_music_beats"], 1e-9)

    def test_motion_beats(self, reference: Reference) -> None:
        for who in ("leader", "follower", "shifted"):
            key = "follower_shifted_beats" if who == "shifted" else f"{who}_beats"
            found = metrics.motion_beats(getattr(reference, who))
            assert [beats.tolist() for beats in found] == [row[key] for row in reference.beats]
        for variant, key in (("gcd", "gcd_beats_order5"), ("aistpp", "mint_beats_order10")):
            found = metrics.motion_beats(reference.follower, variant=variant)
            assert [beats.tolist() for beats in found] == [row[key] for row in reference.beats]

    def test_beat_echo_degree(self, reference: Reference) -> None:
        for index, row in enumerate(reference.beats):
            for who, key in ((reference.follower, "BED_true"), (reference.shifted, "BED_shifted")):
                close(metrics.beat_echo_degree(reference.leader[index], who[index]), row[key], 1e-9)
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
            for index, row in enumerate(reference.beats):
                value = metrics.beat_align_score(reference.follower[index], music[index], variant=variant)
                close(value, row[per_clip], rel)

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
            close([rates.cf, rates.clr, rates.cfr, rates.cvr], [expected[k] for k in ("CF", "CLR", "CFR", "CVR")], 1e-12)
            assert rates.contact_T.astype(int).tolist() == expected["contact_frames"]
            close(rates.leader_rate_T, expected["CLR_per_frame"], 1e-12)
            close(rates.follower_rate_T, expected["CFR_per_frame"], 1e-12)
            assert ((rates.follower_partner_TV >= 0).mean(axis=1) == rates.follower_rate_T).all()
            close(metrics.contact_frequency(lead, follow, distance=distance), expected["CF"], 1e-12)
        faces, expected = reference.bodies["faces"], reference.contact["PR"]
        assert penetrating(lead, follow, faces).sum(axis=1).tolist() == expected["follower_inside_count"]
        close(metrics.penetration_rate(lead, follow, faces), expected["follower_in_leader"], 1e-12)
        assert penetrating(follow, lead, faces).sum(axis=1).tolist() == expected["leader_inside_count"]
        close(metrics.penetration_rate(follow, lead, faces), expected["leader_in_follower"], 1e-12)

    def test_contact_of_inflated_meshes(self, reference: Reference) -> None:
        lead, follow, faces = (reference.bodies[key] for key in ("leader_vertices", "follower_vertices", "faces"))
        expected = reference.contact["duolando_style"]
        inflated = np.load(shared("reference", "contact", "inflated_first_frame.npz"))
        for name, vertices in (("leader", lead), ("follower", follow)):
            close(inflate(vertices[0], faces, 0.01), inflated[name], 0, 1e-9)
        for distance, pairs, frequency in (
            (0.01, "intersecting_triangle_pairs_inflated", "CF_inflated_1cm"),
            (0.0, "intersecting_triangle_pairs_raw", "CF_no_inflation"),
        ):
            found = surfaces_meet(lead, follow, faces, faces, distance)
            assert found.tolist() == [count > 0 for count in expected[pairs]]
            value = metrics.contact_frequency(lead, follow, "duolando", distance=distance, faces=faces)
            close(value, expected[frequency], 1e-12)


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

    def test_inflation_of_a_ball(self) -> None:
        """Every vertex of a ball moves outward by the distance; two balls that are a gap apart meet when it is closed."""
        ball = trimesh.creation.icosphere(subdivisions=2, radius=0.2)
        x, faces = np.asarray(ball.vertices), np.asarray(ball.faces)
        # A little less than asked for: 1e-5 is added to lengths, and areas of these faces are about 1e-3 square metres.
        close(np.linalg.norm(inflate(x, faces, 0.01), axis=1), 0.21, 0, 2e-4)
        gap = 0.015
        pair = x[None], x[None] + [0.4 + gap, 0, 0]
        assert metrics.contact_frequency(*pair, "duolando", faces=faces) == 1.0
        assert metrics.contact_frequency(*pair, "duolando", distance=0.005, faces=faces) == 0.0
        assert metrics.contact_frequency(*pair) == 0.0

    @pytest.mark.parametrize("seed", range(4))
    def test_surfaces_meet_as_the_oracle_says(self, seed: int) -> None:
        """Random ellipsoids, against a search through every pair of triangles; anywhere in the room."""
        generator = np.random.default_rng(seed)
        ball = trimesh.creation.icosphere(subdivisions=1, radius=0.3)
        faces = np.asarray(ball.faces)
        one = np.asarray(ball.vertices) * generator.uniform(0.6, 1.4, (6, 1, 3))
        other = np.asarray(ball.vertices) * generator.uniform(0.6, 1.4, (6, 1, 3)) + generator.normal(0, 0.35, (6, 1, 3))
        expected = [pairs_cross(a[faces], b[faces]) for a, b in zip(one, other, strict=True)]
        assert surfaces_meet(one, other, faces, faces).tolist() == expected
        assert surfaces_meet(one + [90.0, 0, -50.0], other + [90.0, 0, -50.0], faces, faces).tolist() == expected

    @pytest.mark.parametrize("swapped", [False, True])
    @pytest.mark.parametrize("turn", range(3))
    def test_two_triangles(self, turn: int, swapped: bool) -> None:
        """A wall, and a triangle that pierces it with two edges or with one (the wall's edge then pierces it too)."""
        wall = np.array([[-1.0, -1, 0], [1, -1, 0], [0, 1, 0]])
        needle = np.roll(np.array([[0.0, 0, -1], [0.1, 0, 1], [0.2, 0, 1]]), turn, axis=0)
        corner = np.roll(np.array([[0.0, -0.9, -1], [0, -0.9, 1], [0, -9, 0.5]]), turn, axis=0)  # leaves beside the wall
        face = np.array([[0, 1, 2]])
        for other, expected in ((needle, True), (corner, True), (needle + [0, 0, 1.5], False), (corner + [0, -1, 0], False)):
            pair = (other[None], wall[None]) if swapped else (wall[None], other[None])
            assert surfaces_meet(*pair, face, face).tolist() == [expected]

    def test_against_the_true_follower(self) -> None:
        leader, true = np.zeros((90, 55, 3)), np.zeros((90, 55, 3))
        true[..., 0] = 1.0
        follower = true.copy()
        follower[..., 0] += np.linspace(0, 0.3, 90)[:, None]  # away from the leader, 0.3 m over 89 frames
        follower[..., 1] += 0.5  # height is no distance over the floor
        close(metrics.partner_distance(leader, true), np.ones(90))
        error = metrics.distance_error(leader, follower, true)
        close(error, np.linspace(0, 0.3, 90), 0, 1e-12)
        top, bottom = metrics.drift(error, fps=30.0)
        close(top.sum() / bottom.sum(), 0.3 / (89 / 30), 1e-9)
        steady, _ = metrics.drift(np.full(50, 0.4), fps=30.0)
        close(steady.sum(), 0.0, 0, 1e-12)
        close(metrics.joint_error(true + [0, 0.3, 0.4], true), np.full(90, 0.5), 1e-12)
        with pytest.raises(InputError, match="same clips, frames and joints"):
            metrics.joint_error(true[:10], true)

    def test_hand_contact(self) -> None:
        """Held in frames 0 and 1 truly, in 1 and 2 by the measured hand: one of two each way."""
        leader, hand = np.zeros((4, 1, 3)), np.full((4, 2, 3), 0.5)
        true = hand.copy()
        true[:2, 1], hand[1:3, 0] = 0.01, 0.015
        truly, touches = (metrics.hand_contact(leader, x, 0.03) for x in (true, hand))
        assert truly.tolist() == [True, True, False, False] and touches.tolist() == [False, True, True, False]
        assert metrics.hand_contact_rates(touches, truly) == (0.5, 0.5)
        assert metrics.hand_contact_rates(np.zeros(4, bool), truly) == (None, 0.0)
        assert metrics.hand_contact_rates(touches, np.zeros(4, bool)) == (0.0, None)
        held = metrics.held_hand_distances(leader, hand, truly)
        close(held[:2], [np.sqrt(0.75), 0.015 * np.sqrt(3)], 1e-9)
        assert np.isnan(held[2:]).all()

    def test_floor_and_smoothness(self) -> None:
        x = np.tile(np.array([[0.0, 0.2, 0], [0, 1.0, 0]]), (40, 1, 1))
        close(metrics.floating(x), 0.2)
        assert metrics.floor_penetration(x) == 0.0
        close(metrics.floor_penetration(x - [0, 0.25, 0]), 0.05, 1e-9)
        assert metrics.floating(x - [0, 0.25, 0]) == 0.0
        cubic = x + (np.arange(40)[:, None, None] / 30) ** 3 * np.array([0, 2.0, 0])
        close(metrics.jitter(cubic), 12.0, 1e-6)  # the third derivative of 2 t³

    def test_multimodality(self) -> None:
        """Two followers a deviation apart in each of 5 dimensions; three equal ones."""
        generator = np.random.default_rng(3)
        reference = generator.normal(size=(60, 5)) * [1, 2, 3, 4, 5]
        first = generator.normal(size=(7, 5))
        close(metrics.multimodality(np.stack([first, first + reference.std(axis=0)]), reference), np.full(7, 5**0.5), 1e-8)
        close(metrics.multimodality(np.stack([first] * 3), reference), np.zeros(7), 0, 1e-12)
        with pytest.raises(InputError, match="two followers"):
            metrics.multimodality(first[None], reference)

    def test_genre_consistency(self) -> None:
        """Two clouds; a clip's own take is no witness for it."""
        generator = np.random.default_rng(4)
        genre = np.repeat(["tango", "waltz"], 20)
        take = np.array([f"{name}{index // 5}" for index, name in enumerate(genre)])
        reference = generator.normal(size=(40, 3)) * 0.1 + (genre == "waltz")[:, None]
        right = metrics.genre_consistency(reference, genre, take, reference, genre, take)
        assert right.tolist() == [1.0] * 40
        swapped = np.where(genre == "waltz", "tango", "waltz")
        assert metrics.genre_consistency(reference, swapped, take, reference, genre, take).tolist() == [0.0] * 40
        one_take = np.full(40, "a")  # the reference is this take alone: nobody is left to compare with
        assert np.isnan(metrics.genre_consistency(reference, genre, one_take, reference, genre, one_take)).all()
        alone = np.full(40, "tango")
        assert np.isnan(metrics.genre_consistency(reference, alone, take, reference, alone, take)).all()
        unknown = np.full(40, "swing")
        assert np.isnan(metrics.genre_consistency(reference, unknown, take, reference, genre, take)).all()


def pairs_cross(one_F33: np.ndarray, other_G33: np.ndarray) -> bool:
    """Whether an edge of a triangle passes through a triangle of the other set: every pair, barycentrically."""

    def pierced(edges: np.ndarray, triangles: np.ndarray) -> bool:
        a, b, c = (triangles[None, :, k] for k in range(3))
        for k in range(3):
            p, q = edges[:, None, k], edges[:, None, (k + 1) % 3]
            matrix = np.stack(np.broadcast_arrays(p - q, b - a, c - a), axis=-1)
            solved = np.linalg.solve(matrix + 1e-15 * np.eye(3), np.broadcast_to(p - a, matrix.shape[:-1])[..., None])[..., 0]
            along, u, v = np.moveaxis(solved, -1, 0)
            if ((along >= 0) & (along <= 1) & (u >= 0) & (v >= 0) & (u + v <= 1)).any():
                return True
        return False

    return pierced(one_F33, other_G33) or pierced(other_G33, one_F33)


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

    def test_every_metric_of_nothing_much(self) -> None:
        """A single frame, and no frame: a sentence or a defined value from each function, never a silent number."""
        x, mesh = dance(9, frames=1), trimesh.creation.icosphere(subdivisions=1)
        faces, ball = np.asarray(mesh.faces), np.asarray(mesh.vertices)[None]
        for function in (metrics.kinetic_features, metrics.geometric_features, metrics.jitter):
            with pytest.raises(InputError, match="at least"):
                function(x)
        for function in (metrics.physical_foot_contact, metrics.foot_skating):
            with pytest.raises(InputError, match="at least"):
                function(x)
        assert [len(beats) for beats in metrics.motion_beats(x)] == [0, 0, 0]
        assert [len(beats) for beats in metrics.motion_beats(x, "aistpp")] == [0, 0, 0]
        with pytest.raises(InputError, match="no motion beat"):
            metrics.beat_echo_degree(x, x)
        assert metrics.beat_align_score(dance(9)[0] * 0, [10, 20]) == 0.0  # music, and a dancer who never moves
        assert metrics.cross_distance_features(x, x).shape == (3, 100)
        assert metrics.contact_rates(ball, ball).cf == 1.0
        assert metrics.contact_frequency(ball, ball + 9, "duolando", faces=faces) == 0.0
        assert metrics.penetration_rate(ball, ball + 9, faces) == 0.0
        assert [part.tolist() for part in metrics.drift(np.ones(1), 30.0)] == [[0.0], [0.0]]
        for nothing in (x[:, :0], x[0, :0]):
            for function in (metrics.motion_beats, metrics.floating, metrics.geometric_features):
                with pytest.raises(InputError, match="0 frame"):
                    function(nothing)
            with pytest.raises(InputError, match="0 frame"):
                metrics.cross_distance_features(nothing, nothing)
            with pytest.raises(InputError, match="0 frame"):
                metrics.contact_rates(nothing, nothing)

    def test_nan_is_refused_by_every_pair_metric(self) -> None:
        good, bad = dance(10), dance(10)
        bad[2, 5, 7, 1] = np.inf
        faces = np.array([[0, 1, 2], [0, 2, 1]])
        for function in (
            metrics.cross_distance_features,
            metrics.beat_echo_degree,
            metrics.contact_rates,
            metrics.joint_error,
            metrics.partner_distance,
            lambda a, b: metrics.penetration_rate(a, b, faces),
            lambda a, b: metrics.contact_frequency(a, b, "duolando", faces=faces),
        ):
            for pair in ((good, bad), (bad, good)):
                with pytest.raises(InputError, match=r"clip 2, frame 5"):
                    function(*pair)
        features = np.random.default_rng(0).normal(size=(6, 4))
        features[3, 1] = np.nan
        for function in (metrics.frechet_distance, metrics.diversity):
            with pytest.raises(InputError, match="clip 3"):
                function(features, np.ones((5, 4)))

    def test_a_word_that_names_nobodys_reading(self) -> None:
        x = dance(11)
        for function in (
            lambda variant: metrics.cross_distance_features(x, x, variant=variant),
            lambda variant: metrics.beat_echo_degree(x, x, variant=variant),
            lambda variant: metrics.beat_align_score(x[0], [3], variant=variant),
            lambda variant: metrics.contact_rates(x, x, variant=variant),
            lambda variant: metrics.contact_frequency(x, x, variant=variant),
            lambda variant: metrics.physical_foot_contact(x, variant=variant),
            lambda variant: metrics.foot_skating(x, variant=variant),
        ):
            with pytest.raises(InputError, match="'ours' is not one of"):
                function("ours")
        with pytest.raises(InputError, match="pass faces"):
            metrics.contact_frequency(x, x, "duolando")

    def test_the_room_stands_alone(self) -> None:
        """Importing the metrics brings neither the body model nor music, generation or tracking."""
        code = "import sys, interdance.metrics; print(*sorted(sys.modules))"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        assert not {"smplx", "librosa", "mlflow", "ray", "prefect", "dvc", "diffusers"} & set(loaded)
        rooms = {name.split(".")[1] for name in loaded if name.startswith("interdance.")}
        assert rooms <= {"body", "errors", "files", "metrics"}
