"""A given follower edited: what is kept comes back as it was, whatever the model and guidance want; the rest is made."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from interdance import config
from interdance.body.model import Body
from interdance.body.skeleton import GROUPS, INDEX, JOINT_NAMES, PARENTS
from interdance.config import Params
from interdance.errors import InputError
from interdance.generation.edit import BLEND, Give, Keeper, Kept, Wish, faded, points_of, understand, unwound
from interdance.generation.files import generate_files
from interdance.generation.generate import generate_follower, without_guidance
from interdance.representation.base import Observed, Representation
from interdance.representation.canonical import Canonical, encode
from interdance.representation.floor import turn_points
from interdance.representation.layout import LAYOUT, NUM_POINTS
from interdance.representation.registry import make_representation
from interdance.takes import Motion, read_motion, write_motion
from interdance.trained import TrainedModel, save_model, start_denoiser
from tests.command import refused
from tests.dancers import ANCHORS, CANONICAL, open_gates, statistics_of, walker
from tests.test_generate_files import FRAMES, REPOSITORY, inputs, swaying  # noqa: F401 (a fixture)

TAKE = 60
NOTHING = np.zeros(NUM_POINTS, bool)


def dancing(num_frames: int, turn: float, seed: int = 0) -> Motion:
    """Somebody with a real body who walks, turns and waves."""
    rng = np.random.default_rng(seed)
    time = np.arange(num_frames) / 30
    rotations = 0.1 * np.sin(3 * time[:, None, None] + rng.uniform(0, 6, (55, 3))).astype(np.float32)
    rotations[:, 0] = np.stack([0 * time, 0.5 + turn * time, 0 * time], axis=1)
    place = np.stack([0.4 * time, 0.9 + 0 * time, 0.3 * np.sin(time)], axis=1)
    return Motion(rotations, place.astype(np.float32), np.zeros(10, np.float32), 30.0)


def seen(motion: Motion, touching: np.ndarray | None = None) -> Observed:
    points = Body.load().points(motion)
    return Observed(motion, points, np.ones((len(points), 4), np.float32), touching)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    """A network that has learned nothing and answers what it is told with something else."""
    params = config.load(REPOSITORY / "params.yaml")
    params = replace(params, model=replace(params.model, width=32, blocks=1, heads=2, feed_forward=32))
    body = Body.load()
    dancers = (seen(dancing(90, turn, 7)).points_TP3 for turn in (1.0, -2.0))
    couple = [torch.from_numpy(encode(points, None, None, body.anchor_P)) for points in dancers]
    windows = [
        {"leader": couple[0][i : i + 30], "follower": couple[1][i : i + 30], "music": torch.randn(30, 35)} for i in (0, 30, 60)
    ]
    statistics = statistics_of(windows)
    kind = Canonical(body.anchor_P)
    denoiser = start_denoiser(params, kind, statistics).eval()
    open_gates(denoiser)
    return TrainedModel(denoiser, kind, statistics, params)


def generate(model: TrainedModel, kept: Kept | None, guided: bool = False, block: int = 1800) -> np.ndarray:
    guidance = replace(model.params.guidance, contact_max_step=1000, penetration_max_step=1000)
    leader = model.representation.encode(seen(dancing(TAKE, 1.0)))
    return generate_follower(
        model, Body.load(), leader, np.zeros((TAKE, 35), np.float32),
        sampling=replace(model.params.sample, steps=3, window=25, overlap=8, batch=2, block=block),
        guidance=guidance if guided else without_guidance(guidance), seed=1, kept=kept,
    ).points_TP3  # fmt: skip


def frames(*stretches: tuple[int, int], num_frames: int = TAKE) -> np.ndarray:
    chosen = np.zeros(num_frames, bool)
    for start, stop in stretches:
        chosen[start:stop] = True
    return chosen


@pytest.mark.parametrize(("guided", "block"), [(False, 1800), (True, 1800), (True, 45)])
def test_kept_frames_come_back_and_the_rest_is_made(model: TrainedModel, guided: bool, block: int) -> None:
    given, chosen = seen(dancing(TAKE, -3.0, 3)), frames((0, 15), (45, 60))
    made = generate(model, Kept(given, chosen, NOTHING), guided, block)
    assert np.abs(made[chosen] - given.points_TP3[chosen]).max() < 1e-6
    assert np.abs(made[25:35] - given.points_TP3[25:35]).max() > 0.05
    assert np.isfinite(made).all()


@pytest.mark.parametrize(("guided", "block"), [(False, 1800), (True, 1800), (True, 45)])
@pytest.mark.parametrize("part", ["left_hand", "legs", "upper_body"])
def test_kept_parts_stay_in_the_world_while_the_root_is_made(
    model: TrainedModel, part: str, guided: bool, block: int
) -> None:
    given, chosen = seen(dancing(TAKE, -3.0, 3)), points_of(GROUPS[part], Body.load())
    made = generate(model, Kept(given, frames(), chosen), guided, block)
    assert np.abs(made[:, chosen] - given.points_TP3[:, chosen]).max() < 1e-3
    assert np.linalg.norm(made[:, 0] - given.points_TP3[:, 0], axis=1).max() > 0.05


def test_the_path_is_kept_and_poses_are_made(model: TrainedModel) -> None:
    given = seen(dancing(TAKE, -3.0, 3))
    made = generate(model, Kept(given, frames(), NOTHING, path=True))
    assert np.abs(made[:, 0] - given.points_TP3[:, 0]).max() < 1e-4
    assert np.abs(made - given.points_TP3).max() > 0.1


def test_nothing_kept_changes_nothing(model: TrainedModel) -> None:
    given = seen(dancing(TAKE, -3.0, 3))
    assert np.array_equal(generate(model, Kept(given, frames(), NOTHING), True), generate(model, None, True))


@pytest.mark.parametrize("keeps", ["nothing", "frames", "hand"])
def test_a_block_is_told_the_frames_that_were_made_before(
    model: TrainedModel, keeps: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks begin at 12 and at 24, and know the 25 frames from there on as they come out."""
    from interdance.generation.long import Windows

    told: list[list[tuple[int, np.ndarray]]] = []
    plain = Windows.split

    def split(self: Windows, x_TC: torch.Tensor, role: str) -> torch.Tensor:
        parts = plain(self, x_TC, role)  # type: ignore[arg-type]
        if role == "follower":
            raw = model.representation.rebase(self.statistics.follower.unnormalise(parts), self.to_world)
            places = [model.representation.positions(part).numpy() for part in raw]
            told.append(list(zip(self.starts, places, strict=True)))
        return parts

    monkeypatch.setattr(Windows, "split", split)
    given, hand = seen(dancing(TAKE, -3.0, 3)), points_of(GROUPS["left_hand"], Body.load())
    chosen = {"nothing": None, "frames": Kept(given, frames((50, 60)), NOTHING), "hand": Kept(given, frames(), hand)}[keeps]
    made = generate(model, chosen, True, 45)
    for block, first in enumerate((12, 24), start=1):
        for windows in told[3 * block : 3 * block + 3]:
            for start, points in windows:
                known = slice(first + start, first + max(25, start))
                assert np.abs(points[: known.stop - known.start] - made[known]).max(initial=0) < 1e-3
    assert len(told) == 9


@pytest.mark.parametrize("kept_from", [38, 40, 44])
def test_frames_kept_beside_the_seam_of_blocks_are_not_drawn_along(
    model: TrainedModel, kept_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second block makes frames from 37 on; what the model holds of the kept ones is what was given, unpasted too."""
    monkeypatch.setattr(Kept, "paste", lambda self, points_TP3: points_TP3)
    given, hand = seen(dancing(TAKE, -3.0, 3)), points_of(GROUPS["left_hand"], Body.load())
    chosen = frames((kept_from, TAKE))
    made = generate(model, Kept(given, chosen, hand), True, 45)
    assert np.abs(made[chosen] - given.points_TP3[chosen]).max() < 1e-3
    assert np.abs(made[:, hand] - given.points_TP3[:, hand]).max() < 1e-3
    assert np.abs(made[37:] - generate(model, None, True, 45)[37:]).max() > 0.1


def test_a_given_follower_may_end_in_any_block(model: TrainedModel) -> None:
    for length in (10, 26, 46):
        given = seen(dancing(length, -3.0, 3))
        made = generate(model, Kept(given, np.ones(length, bool), NOTHING), True, 45)
        assert np.abs(made[:length] - given.points_TP3).max() < 1e-6
        assert np.isfinite(made).all()
        assert len(made) == TAKE


def test_what_is_kept_is_what_the_windows_are_told(model: TrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guidance that pushes everybody away moves nothing of it, and windows that overlap are told the same."""
    from interdance.diffusion.guidance import Guidance
    from interdance.generation.long import Windows

    given, hand = seen(dancing(TAKE, -3.0, 3)), points_of(GROUPS["right_hand"], Body.load())
    told: list[torch.Tensor] = []
    plain = Windows.split

    def split(self: Windows, x_TC: torch.Tensor, role: str) -> torch.Tensor:
        parts = plain(self, x_TC, role)  # type: ignore[arg-type]
        if role == "follower":
            raw = model.representation.rebase(self.statistics.follower.unnormalise(parts), self.to_world)
            told.append(torch.stack([model.representation.positions(part) for part in raw]))
            starts[:] = self.starts
        return parts

    starts: list[int] = []
    monkeypatch.setattr(Windows, "split", split)
    monkeypatch.setattr(Guidance, "__call__", lambda self, x, contact, n: x + 0.3)
    chosen = frames((0, 40))
    generate(model, Kept(given, chosen, hand), guided=True)
    for windows in told:
        for start, points in zip(starts, windows.numpy(), strict=True):
            truth, stays = given.points_TP3[start : start + 25], chosen[start : start + 25]
            assert np.abs(points[stays] - truth[stays]).max() < 1e-3
            assert np.abs(points[:, hand] - truth[:, hand]).max() < 1e-3
    assert len(told) == 3


def test_labels_of_kept_frames_are_kept_where_they_are_known() -> None:
    touching = np.random.default_rng(0).random((TAKE, NUM_POINTS)).round().astype(np.float32)
    wanted = torch.full((TAKE, LAYOUT.width), 0.25)
    stays = frames((20, 40))
    for told in (touching, None):
        given = Observed(dancing(TAKE, 0.0), walker(TAKE), np.ones((TAKE, 4), np.float32), told)
        result = keeper(Kept(given, stays, NOTHING), CANONICAL)(wanted)
        labels = result[:, LAYOUT["partner_contact"]].numpy()
        assert np.array_equal(labels[stays], np.full_like(labels[stays], 0.25) if told is None else told[stays])
        assert (labels[~stays] == 0.25).all()
        assert (result[stays, LAYOUT["foot_contact"]] == 1).all()


def keeper(kept: Kept, kind: Representation, num_frames: int = TAKE) -> Keeper:
    components = 0.01 * torch.randn(8, kind.width, generator=torch.Generator().manual_seed(0))
    return Keeper(kept, kind, num_frames, components, "cpu")


@pytest.mark.parametrize("turns", [-2, 0, 1, 3])
def test_whole_turns_between_given_and_made_are_none(turns: int) -> None:
    """A prediction that equals the given follower but for whole turns is left where it is, without a spin."""
    points = walker(TAKE, turn=2.0)
    given = Observed(dancing(TAKE, 0.0), points, np.zeros((TAKE, 4)), None)
    made = torch.from_numpy(encode(points, None, None, ANCHORS))
    yaw = LAYOUT["root_yaw"].start
    made[:, yaw] += math.pi * turns
    for kept in (Kept(given, frames((20, 40)), NOTHING), Kept(given, frames(), NOTHING, path=True)):
        result = keeper(kept, CANONICAL)(CANONICAL.relative(made.clone()))
        assert torch.allclose(CANONICAL.positions(result), torch.from_numpy(points), atol=1e-4)
        assert float(result[:, yaw].diff().abs().max()) < 0.1
        velocity = result[1:, LAYOUT["root_yaw_velocity"].start]
        assert torch.allclose(velocity, result[:, yaw].diff(), atol=1e-6)


def test_velocities_follow_from_the_places_kept() -> None:
    given = Observed(dancing(TAKE, 0.0), walker(TAKE, turn=1.0), np.zeros((TAKE, 4)), None)
    made = torch.from_numpy(encode(walker(TAKE, turn=-1.0, ahead=0.5), None, None, ANCHORS))
    chosen = NOTHING.copy()
    chosen[[20, *range(25, 40)]] = True
    result = keeper(Kept(given, frames((0, 10)), chosen), CANONICAL)(made)
    again = torch.from_numpy(encode(CANONICAL.positions(result).numpy(), None, None, ANCHORS))
    velocities = LAYOUT["point_velocities"]
    turned = [x[:, velocities].unflatten(-1, (-1, 3))[:, chosen].norm(dim=-1) for x in (result, again)]
    assert torch.allclose(*turned, atol=1e-5), "as long as the ways between the places"


def test_a_fade_starts_as_it_should_and_ends_in_nothing() -> None:
    """Place and speed go on past the edge; a short gap is shared; without anything kept nothing is added."""
    time = torch.arange(80.0)
    missing = torch.stack([torch.ones(80), 0.1 * (time - 29)], dim=1)
    kept = torch.from_numpy(frames((0, 30), (70, 80), num_frames=80))
    added = faded(missing, kept)
    assert torch.equal(added[kept], missing[kept])
    assert float(added[30 + BLEND : 70 - BLEND].abs().max()) == 0
    assert float((added[30] - missing[30]).abs().max()) < 0.02
    assert float(added[:, 0].diff().abs().max()) < 2 / BLEND
    short = faded(missing, torch.from_numpy(frames((0, 30), (33, 80), num_frames=80)))
    assert float(short[30:33, 0].max()) <= 1.01
    assert float(faded(missing, torch.zeros(80, dtype=torch.bool)).abs().max()) == 0


def test_angles_are_unwound() -> None:
    angle = torch.linspace(0, 9, 50)
    wound = angle + math.pi * torch.randint(-3, 3, (50,), generator=torch.Generator().manual_seed(0)).cumsum(0)
    assert torch.allclose(unwound(wound, math.pi).diff(), angle.diff(), atol=1e-4)


def test_speed_does_not_jump_where_kept_and_made_meet(model: TrainedModel) -> None:
    """At the edges no more than within what is made, by a factor."""
    given, chosen = seen(dancing(TAKE, -1.0, 3)), frames((0, 15), (45, 60))
    made = generate(model, Kept(given, chosen, NOTHING))
    change = np.linalg.norm(np.diff(made[:, :22], 2, axis=0), axis=2).mean(axis=1)  # entry i is about frame i + 1
    step = np.linalg.norm(made[1:, :22] - made[:-1, :22], axis=2).mean(axis=1)
    for edge in (14, 15, 44, 45):
        assert change[edge - 1] < 1.5 * change[16:43].max()
        assert step[edge - 1] < 1.5 * step[16:43].max()


def test_a_shorter_follower_is_gone_on_from(model: TrainedModel) -> None:
    """Continuation, and parts that are kept until the file ends: no jump where it does."""
    given = seen(dancing(25, -3.0, 3))
    hand = points_of(GROUPS["left_hand"], Body.load())
    for kept in (Kept(given, np.ones(25, bool), NOTHING), Kept(given, np.zeros(25, bool), hand)):
        made = generate(model, kept)
        assert made.shape == (TAKE, NUM_POINTS, 3)
        chosen = kept.frames_K[:, None] | kept.points_P
        assert np.abs(made[:25] - given.points_TP3)[chosen].max() < 1e-3
        step = np.linalg.norm(np.diff(made[:, 20], axis=0), axis=1)
        assert step[23:26].max() < 1.5 * max(step[:22].max(), step[28:].max())
    with pytest.raises(ValueError, match="given follower has 61 frames, the take 60"):
        keeper(Kept(seen(dancing(61, 0.0)), frames(num_frames=61), NOTHING), model.representation)


def test_a_pelvis_that_is_kept_takes_the_body_along_and_a_wrist_its_fingers() -> None:
    made = torch.from_numpy(encode(walker(TAKE), None, None, ANCHORS))
    before = CANONICAL.positions(made)
    for joint, goes in ((0, np.arange(NUM_POINTS) >= 0), (20, ANCHORS == 20)):
        points = walker(TAKE) + np.float32([0.1, 0.2, 0.3])
        given = Observed(dancing(TAKE, 0.0), points, np.zeros((TAKE, 4)), None)
        only = np.arange(NUM_POINTS) == joint
        imposed = keeper(Kept(given, frames(), only), CANONICAL)
        imposed.give = None  # what hangs on it, not what gives way
        moved = CANONICAL.positions(imposed(made)) - before
        assert torch.allclose(moved[:, goes], torch.tensor([0.1, 0.2, 0.3]).expand_as(moved[:, goes]), atol=1e-5)
        assert float(moved[:, ~(goes | only)].abs().max() if not goes.all() else 0) < 1e-5


def test_the_body_gives_way_in_the_directions_poses_vary_in() -> None:
    """One component lifts a hand with its arm: the hand is moved, the arm comes along, nothing else does."""
    made = torch.from_numpy(encode(walker(5), None, None, ANCHORS))
    lift = torch.zeros(1, LAYOUT.width)
    joints = LAYOUT["joints"].start
    lift[0, joints + 3 * 19 + 1], lift[0, joints + 3 * 17 + 1] = 1.0, 0.5  # joints 20 and 18, y
    hand = torch.arange(NUM_POINTS) == 20
    shift = torch.zeros(5, NUM_POINTS, 3)
    shift[:, 20, 1] = 0.2
    moved = CANONICAL.positions(Give(CANONICAL, lift, hand, 0.0, 0.0)(made, shift)) - CANONICAL.positions(made)
    share = 1 / (1 + 0.2**2)  # of a Gaussian of deviation 1 observed with that of MISS
    assert torch.allclose(moved[:, 20, 1], torch.full((5,), 0.2 * share), atol=1e-5)
    assert torch.allclose(moved[:, 18, 1], torch.full((5,), 0.1 * share), atol=1e-5)
    assert float(moved[:, [0, 1, 19, 21]].abs().max()) < 1e-6
    # Sideways no component helps: the whole dancer steps.
    shift = torch.zeros(5, NUM_POINTS, 3)
    shift[..., 0] = 0.1
    moved = CANONICAL.positions(Give(CANONICAL, lift, hand, 10.0, 0.0)(made, shift)) - CANONICAL.positions(made)
    assert torch.allclose(moved, torch.tensor([0.1, 0.0, 0.0]).expand_as(moved), atol=1e-3)


def test_the_dancer_turns_to_where_a_kept_hand_goes_round_her() -> None:
    made = torch.from_numpy(encode(walker(5), None, None, ANCHORS))
    place, psi = CANONICAL.root(made)
    hand = torch.arange(NUM_POINTS) == 20
    own = CANONICAL.positions(made) - place[:, None]
    for angle in (0.1, -0.1):
        shift = turn_points(own, torch.full((5,), angle)) - own
        turned = Give(CANONICAL, torch.zeros(1, LAYOUT.width), hand, 0.0, 10.0)(made, shift)
        assert torch.allclose(CANONICAL.root(turned)[1] - psi, torch.full((5,), angle), atol=0.02)
        assert torch.allclose(CANONICAL.root(turned)[0], place, atol=1e-5)


def test_the_rest_gives_way_to_what_is_kept(model: TrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    given, hand = seen(dancing(TAKE, -3.0, 3)), points_of(GROUPS["left_hand"], Body.load())
    giving = generate(model, Kept(given, frames(), hand))
    monkeypatch.setattr(Give, "__call__", lambda self, x_TC, shift_TH3: x_TC)
    stiff = generate(model, Kept(given, frames(), hand))
    assert np.abs(giving[:, 18] - stiff[:, 18]).max() > 0.02, "the elbow is elsewhere"
    assert np.abs(giving[:, 0] - stiff[:, 0]).max() > 0.02, "so is the root"


@pytest.mark.parametrize("name", ["joints", "joints_vertices", "coins", "mojo", "smplx6d", "humanml263"])
def test_other_representations_keep_frames_and_those_of_positions_parts(name: str) -> None:
    kind = make_representation(name, Body.load())
    given, other = seen(dancing(TAKE, -3.0, 3)), seen(dancing(TAKE, 2.0, 4))
    made = torch.from_numpy(kind.encode(other))
    chosen = frames((0, 15), (45, 60))
    result = kind.positions(keeper(Kept(given, chosen, NOTHING), kind)(made)).numpy()
    truth = given.points_TP3[:, kind.held_H]
    assert np.abs(result[chosen] - truth[chosen]).max() < 1e-3
    assert np.abs(result[30] - truth[30]).max() > 0.1
    arm = points_of(GROUPS["left_arm"], Body.load())
    for kept in (Kept(given, frames(), arm), Kept(given, frames(), NOTHING, path=True)):
        if not kind.can_be_posed:
            with pytest.raises(InputError, match=f"{name} has no place for single points or a path; keep whole frames"):
                keeper(kept, kind)
            continue
        moved = keeper(kept, kind)(made)
        if kept.path:
            for found, true in zip(kind.root(moved), kind.root(torch.from_numpy(kind.encode(given))), strict=True):
                assert float((found - true).sin().abs().max()) < 1e-4
        else:
            assert np.abs(kind.positions(moved).numpy() - truth)[:, arm[kind.held_H]].max() < 1e-5


def test_words_are_understood() -> None:
    body, given = Body.load(), seen(dancing(90, 0.0))

    def kept(*keep: str, fill: tuple[str, ...] = ()) -> Kept:
        return understand(Wish(Path("her.npz"), keep, fill), given, body)

    assert np.array_equal(kept("0-1", "2-").frames_K, frames((0, 30), (60, 90), num_frames=90))
    assert np.array_equal(kept("-0.5").frames_K, frames((0, 15), num_frames=90))
    assert kept("-").frames_K.all()
    assert kept("path").path
    assert not kept("path").points_P.any()
    points = kept("left_hand").points_P
    assert set(np.flatnonzero(points[:55])) == set(GROUPS["left_hand"])
    assert points[55:].sum() == (body.anchor_P[55:] == 20).sum()
    filled = kept(fill=("hands",)).points_P
    assert filled[INDEX["left_wrist"]], "where the forearm ends is the forearm's"
    assert not filled[list(GROUPS["left_hand"][1:])].any()
    assert not filled[55:][np.isin(body.anchor_P[55:], (20, 21))].any()
    for keep, fill, sentence in (
        ((), (), "nothing of it is kept"),
        (("tail",), (), "--keep tail: no such part; known: left_hand"),
        ((), ("path",), "--fill path: no such part"),
        (("1-4",), (), "not a stretch of her.npz, which is kept from 0 to 3.00 s"),
        (("2-1",), (), "not a stretch"),
        (("3-",), (), "not a stretch"),
        (("1-.",), (), "seconds are needed"),
    ):
        with pytest.raises(InputError, match=sentence):
            kept(*keep, fill=fill)


def test_what_is_known_of_the_parameters_is_restored() -> None:
    body, given, made = Body.load(), seen(dancing(20, -1.0)), dancing(30, 1.0, 5)
    fingers = [joint for side in ("left", "right") for joint in GROUPS[f"{side}_hand"]]
    kept = Kept(given, frames((0, 5), num_frames=20), points_of(set(range(55)) - set(fingers), body))
    restored = kept.restore(made, body)
    same = (restored.rotations_TJ3[:20] == given.motion.rotations_TJ3).all(axis=2)
    assert same[:5].all()
    assert same[5:].all(axis=0).tolist() == [joint not in fingers for joint in range(55)]
    assert np.array_equal(restored.translation_T3[:20], given.motion.translation_T3)
    assert np.array_equal(restored.rotations_TJ3[20:], made.rotations_TJ3[20:])
    assert np.array_equal(restored.rotations_TJ3[5:, fingers], made.rotations_TJ3[5:, fingers])
    hand = Kept(given, frames(num_frames=20), points_of(GROUPS["left_hand"], body)).restore(made, body)
    assert np.array_equal(hand.rotations_TJ3, made.rotations_TJ3), "a hand alone hangs on an arm that is made"


def test_every_joint_of_a_group_is_one_and_sides_mirror() -> None:
    assert not set(GROUPS) & set(JOINT_NAMES)
    assert set(GROUPS["upper_body"]) | set(GROUPS["lower_body"]) == set(range(55))
    for name in ("hand", "arm", "leg"):
        left, right = ([JOINT_NAMES[joint] for joint in GROUPS[f"{side}_{name}"]] for side in ("left", "right"))
        assert [item.replace("left", "right") for item in left] == right
        assert all(JOINT_NAMES[PARENTS[INDEX[item]]] in left for item in left[1:])


@pytest.fixture(scope="module")
def folder(model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model") / "denoiser"
    save_model(place, model)
    return place


@pytest.fixture(scope="module")
def params(model: TrainedModel) -> Params:
    return replace(model.params, sample=replace(model.params.sample, steps=2))


def test_an_edited_follower_is_written_with_the_frames_that_were_given(
    params: Params, folder: Path, inputs: Path, tmp_path: Path  # noqa: F811
) -> None:
    write_motion(tmp_path / "her.npz", replace(dancing(2 * FRAMES, -1.0), fps=60.0))  # of the same 1.5 s
    wish = Wish(tmp_path / "her.npz", ["0-0.5"], [])
    generate_files(inputs / "leader.npz", inputs / "song.wav", tmp_path / "out", folder, params, seed=3, wish=wish)
    made, given = read_motion(tmp_path / "out" / "follower.npz"), dancing(2 * FRAMES, -1.0)
    assert made.num_frames == FRAMES
    assert np.array_equal(made.translation_T3[:15], given.translation_T3[:30:2])
    assert np.allclose(made.rotations_TJ3[:15], given.rotations_TJ3[:30:2], atol=1e-5)
    points = np.load(tmp_path / "out" / "points.npy")
    assert np.abs(points[:15] - Body.load().points(made)[:15]).max() < 1e-4
    facts = json.loads((tmp_path / "out" / "generated.json").read_text())
    assert (facts["edited"], facts["keep"], facts["fill"]) == ("her.npz", ["0-0.5"], [])


def test_a_model_of_duets_edits_nobody(model: TrainedModel, params: Params, inputs: Path, tmp_path: Path) -> None:  # noqa: F811
    duets = replace(params, model=replace(params.model, task="duet"))
    denoiser = start_denoiser(duets, model.representation, model.statistics).eval()
    save_model(tmp_path / "duets", replace(model, denoiser=denoiser, params=duets))
    wish = Wish(inputs / "leader.npz", ["path"], [])
    with pytest.raises(InputError, match="--edit needs a reactive one"):
        generate_files(None, inputs / "song.wav", tmp_path / "out", tmp_path / "duets", duets, seed=3, wish=wish)
    assert not (tmp_path / "out").exists()


def test_the_command_refuses_and_writes_nothing(folder: Path, inputs: Path, tmp_path: Path) -> None:  # noqa: F811
    write_motion(inputs / "her.npz", swaying(FRAMES))
    start = ("generate", "--leader", str(inputs / "leader.npz"), "--music", str(inputs / "song.wav"), "--model", str(folder))
    start = (*start, "--out", str(tmp_path / "out"))
    assert "name her file with --edit" in refused(*start, "--keep", "0-1")
    edit = (*start, "--edit", str(inputs / "her.npz"))
    assert "no such part; known: left_hand, right_hand, hands" in refused(*edit, "--keep", "path,tail")
    assert "--keep 1-9: not a stretch" in refused(*edit, "--keep", "1-9")
    assert "nothing of it is kept" in refused(*edit)
    assert "no such file" in refused(*start, "--edit", str(inputs / "nobody.npz"), "--keep", "path")
    assert not (tmp_path / "out").exists()
