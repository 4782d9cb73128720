"""Splits by genre, training statistics, and windows that are what encoding the moved clip would give."""

from __future__ import annotations

import dataclasses
import functools
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from test_representation import ANCHOR_P, dancer

from interdance.body.model import Body
from interdance.dataset.catalogue import TakeFacts, read_catalogue
from interdance.dataset.duplicates import find_duplicates
from interdance.dataset.split import Shares, read_split, split_takes, write_split
from interdance.dataset.windows import WindowDataset
from interdance.errors import InputError
from interdance.files import write_json
from interdance.representation import canonical
from interdance.representation.floor import FloorTransform
from interdance.representation.layout import INTEGRATED, LAYOUT, NUM_CHANNELS, NUM_POINTS
from interdance.representation.normalize import Statistics, measure, measure_music, principal_components
from interdance.takes import Duet, Motion, write_take
from tests.dancers import CANONICAL

FRAMES = {"first": 50, "second": 33}


def facts(counts: dict[str, int], seed: int = 0) -> list[TakeFacts]:
    rng = np.random.default_rng(seed)
    return [
        TakeFacts(f"{genre}_{index:02d}", genre, int(rng.integers(900, 1500)), True)
        for genre, count in counts.items()
        for index in range(count)
    ]


def role_points(role: str, seed: int, num_frames: int) -> np.ndarray:
    """A leader, or a follower turned so far that the first yaw beside the leader's needs another branch."""
    turn = FloorTransform(torch.tensor(-2.5 if role == "follower" else 0.0), torch.zeros(2))
    return turn.points(dancer(num_frames, seed=seed, dtype=np.float32))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two encoded takes with music: (folder of encoded takes, folder of music)."""
    root = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    (root / "music").mkdir()
    for seed, (name, num_frames) in enumerate(FRAMES.items()):
        folder = root / "encoded" / name
        folder.mkdir(parents=True)
        for shift, role in enumerate(("leader", "follower")):
            points = role_points(role, 10 * seed + shift, num_frames)
            touching = rng.random((num_frames, NUM_POINTS)) < 0.1
            np.save(folder / f"{role}.npy", canonical.encode(points, None, touching, ANCHOR_P))
        write_json(folder / "facts.json", {"genre": name + "_dance"})
        np.save(root / "music" / f"{name}.npy", rng.normal(size=(num_frames, 35)).astype(np.float32))
    return root / "encoded", root / "music"


def dataset(corpus: tuple[Path, Path], statistics: Statistics | None = None, window: int = 20) -> WindowDataset:
    return WindowDataset(CANONICAL, *corpus, list(FRAMES), statistics, window=window, stride=7)


def measured(corpus: tuple[Path, Path], root_gain: float = 1.0) -> Statistics:
    items = [dataset(corpus)[index] for index in range(len(dataset(corpus)))]
    generator = torch.Generator().manual_seed(0)
    one = functools.partial(
        measure, layout=LAYOUT, least_std=1e-4, root_gain=root_gain, num_components=8, num_rows=9, generator=generator
    )
    leader, follower = (one([item[role] for item in items]) for role in ("leader", "follower"))
    return Statistics(leader, follower, measure_music([item["music"] for item in items], 1e-4))


def test_windows_are_the_encoded_moved_clips(corpus: tuple[Path, Path]) -> None:
    windows = dataset(corpus)
    assert [(item["take"], item["start"]) for item in windows] == [("first", start) for start in (0, 7, 14, 21, 28)] + [
        ("second", start) for start in (0, 7)
    ]
    item = windows[6]
    transform = FloorTransform.from_tensor(item["transform"])
    for role, seed in (("leader", 10), ("follower", 11)):
        world = role_points(role, seed, 33)[7:27]
        moved = torch.from_numpy(transform.points(world))
        for integrate in (False, True):
            points = canonical.decode(item[role], ANCHOR_P, integrate=integrate)
            torch.testing.assert_close(points, moved, atol=1e-5, rtol=0)
    assert item["leader"][0, [0, 2, 3]].abs().max() == 0
    assert -np.pi / 2 <= -2 * float(item["follower"][0, 3]) < 1.5 * np.pi
    stored = np.load(corpus[0] / "second" / "leader.npy")[7:27, LAYOUT["partner_contact"]]
    np.testing.assert_array_equal(item["leader_contact"], stored)
    assert item["leader"][:, LAYOUT["partner_contact"]].abs().max() == 0
    assert item["follower"][:, LAYOUT["partner_contact"]].sum() > 0
    np.testing.assert_array_equal(item["music"], np.load(corpus[1] / "second.npy")[7:27])
    assert item["genre"] == "second_dance"


def test_normalised_windows_have_mean_zero_and_deviation_one(corpus: tuple[Path, Path]) -> None:
    statistics = measured(corpus)
    raw, windows = dataset(corpus), dataset(corpus, statistics)
    rows = torch.stack([windows[index]["follower"] for index in range(len(windows))])
    later = rows[:, 1:, INTEGRATED].flatten(0, 1)
    torch.testing.assert_close(later.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(later.std(0, correction=0), torch.ones(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(rows[:, 0, INTEGRATED].mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    others = rows[..., INTEGRATED.stop : LAYOUT.labels.start].flatten(0, 1)
    torch.testing.assert_close(others.mean(0), torch.zeros(others.shape[1]), atol=1e-3, rtol=0)
    deviation = others.std(0, correction=0)  # one, or less where the floor held a nearly constant channel
    assert float(deviation.max()) < 1.001 and float((deviation > 0.999).float().mean()) > 0.98
    assert set(rows[..., LAYOUT.labels].unique().tolist()) == {0.0, 1.0}
    for index in (0, 6):
        for role in ("leader", "follower"):
            back = getattr(statistics, role).unnormalise(windows[index][role])
            torch.testing.assert_close(back, raw[index][role], atol=1e-5, rtol=1e-5)
    row = windows[3]["follower"][5:6]
    back = statistics.follower.unnormalise(row, first_row=False)
    torch.testing.assert_close(back[0], raw[3]["follower"][5], atol=1e-5, rtol=1e-5)


def test_root_gain_enlarges_the_root_alone(corpus: tuple[Path, Path]) -> None:
    item = dataset(corpus)[2]["follower"]
    plain, enlarged = (measured(corpus, gain).follower.normalise(item) for gain in (1.0, 5.0))
    expected = plain.clone()
    expected[:, : INTEGRATED.stop] *= 5.0
    torch.testing.assert_close(enlarged, expected)


def test_constant_channels_do_not_blow_up() -> None:
    windows = [torch.full((6, NUM_CHANNELS), 2.0) for _ in range(2)]
    generator = torch.Generator().manual_seed(0)
    statistics = measure(windows, LAYOUT, 1e-4, 1.0, num_components=2, num_rows=2, generator=generator)
    result = statistics.normalise(windows[0] + 1e-5)
    assert result[..., : LAYOUT.labels.start].abs().max() < 0.2
    torch.testing.assert_close(result[..., LAYOUT.labels], windows[0][..., LAYOUT.labels] + 1e-5)


def test_principal_components_find_planted_directions() -> None:
    generator = torch.Generator().manual_seed(4)
    directions, _ = torch.linalg.qr(torch.randn(200, 3, generator=generator))
    spread = torch.tensor([5.0, 2.0, 1.0])
    rows = (torch.randn(4000, 3, generator=generator) * spread) @ directions.T
    found, deviation, share = principal_components(rows, 3, torch.Generator().manual_seed(1))
    torch.testing.assert_close((found @ directions).abs(), torch.eye(3), atol=0.05, rtol=0)
    torch.testing.assert_close(deviation, spread, rtol=0.05, atol=0)
    assert float(share.sum()) == pytest.approx(1.0, abs=1e-4)
    largest = found.gather(1, found.abs().argmax(1, keepdim=True))
    assert (largest > 0).all()
    again, _, _ = principal_components(rows, 3, torch.Generator().manual_seed(1))
    assert torch.equal(found, again)
    few, _, _ = principal_components(rows[:2], 8, torch.Generator().manual_seed(1))
    assert few.shape == (2, 200)


def test_statistics_survive_the_disk(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    statistics = measured(corpus)
    statistics.save(tmp_path / "one.npz")
    measured(corpus).save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    loaded = Statistics.load(tmp_path / "one.npz")
    assert loaded.num_music_channels == 35
    for part in ("leader", "follower", "music"):
        for name, value in vars(getattr(statistics, part)).items():
            assert torch.equal(getattr(getattr(loaded, part), name), value)
    factor = loaded.follower.raw_components()
    torch.testing.assert_close(factor[0, 100] / loaded.follower.std_C[100], loaded.follower.components()[0, 100])
    np.savez(tmp_path / "other.npz", leader_mean_C=np.zeros(3))
    with pytest.raises(InputError, match="leader_std_C"):
        Statistics.load(tmp_path / "other.npz")


def test_windows_travel_to_worker_processes(corpus: tuple[Path, Path]) -> None:
    windows = dataset(corpus)
    windows[0]
    copy = pickle.loads(pickle.dumps(windows))
    assert len(pickle.dumps(windows)) < 20_000
    torch.testing.assert_close(copy[4]["follower"], windows[4]["follower"])
    loader = torch.utils.data.DataLoader(windows, batch_size=3, num_workers=1)
    batch = next(iter(loader))
    assert batch["follower"].shape == (3, 20, NUM_CHANNELS) and batch["take"] == ["first"] * 3


def test_a_take_shorter_than_a_window_fills_one(corpus: tuple[Path, Path]) -> None:
    windows, whole = dataset(corpus, window=40), dataset(corpus, window=FRAMES["second"])
    assert [(item["take"], item["start"]) for item in windows] == [("first", 0), ("first", 7), ("second", 0)]
    short, alone = windows[2], next(item for item in whole if item["take"] == "second")
    assert short["frames"].tolist() == [True] * 33 + [False] * 7
    for name in ("leader", "follower", "music", "leader_contact"):
        assert torch.equal(short[name][:33], alone[name]), name
        assert float(short[name][33:].abs().max()) == 0, name
    assert bool(windows[0]["frames"].all())


def test_bad_corpora_are_refused(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "tiny" / "blink"
    folder.mkdir(parents=True)
    for role in ("leader", "follower"):
        np.save(folder / f"{role}.npy", np.zeros((2, NUM_CHANNELS), np.float32))
    np.save(tmp_path / "blink.npy", np.zeros((2, 35), np.float32))
    with pytest.raises(InputError, match="take blink: 2 frames are too few to learn from"):
        WindowDataset(CANONICAL, tmp_path / "tiny", tmp_path, ["blink"], None, window=20, stride=7)
    with pytest.raises(InputError, match="no such file"):
        WindowDataset(CANONICAL, *corpus, ["third"], None, window=20, stride=7)
    np.save(tmp_path / "first.npy", np.zeros((49, 35), np.float32))
    with pytest.raises(InputError, match=r"music has shape \(49, 35\)"):
        WindowDataset(CANONICAL, corpus[0], tmp_path, ["first"], None, window=20, stride=7)
    (tmp_path / "first.npy").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(InputError, match="cannot be mapped|not an array"):
        WindowDataset(CANONICAL, corpus[0], tmp_path, ["first"], None, window=20, stride=7)


SHARES = Shares(test=0.1622, validation=0.0625, published=True, assign={}, seed=1)


def divided(takes: list[TakeFacts], **changes: object) -> dict[str, list[str]]:
    return split_takes(takes, dataclasses.replace(SHARES, **changes)).parts  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_split_keeps_proportions_in_every_genre(seed: int) -> None:
    counts = {"waltz": 100, "salsa": 60, "tango": 40}
    takes = facts(counts)
    parts = divided(takes, seed=seed)
    assert sorted(sum(parts.values(), [])) == sorted(take.name for take in takes)
    for part, share in (("test", 0.1622), ("validation", 0.0625)):
        for genre, count in counts.items():
            assert abs(sum(name.startswith(genre) for name in parts[part]) - share * count) < 2
        frames = sum(take.num_frames for take in takes if take.name in parts[part])
        assert frames / sum(take.num_frames for take in takes) == pytest.approx(share, abs=0.02)
    assert parts == divided(list(reversed(takes)), seed=seed)
    assert parts != divided(takes, seed=seed + 10)


@pytest.mark.parametrize("seed", range(5))
def test_a_take_keeps_its_part_when_others_are_added(seed: int) -> None:
    counts = {"waltz": 7, "salsa": 5, "tango": 9}
    few, more = facts(counts), facts({"rumba": 3} | {genre: 3 * count for genre, count in counts.items()})
    before, after = divided(few, seed=seed), divided(more, seed=seed)
    for part, names in before.items():
        assert set(names) <= set(after[part])


def test_split_of_few_takes() -> None:
    assert len(divided(facts({"a": 3}))["test"]) >= 1
    lots = [divided(facts({"a": 3}), seed=seed) for seed in range(20)]
    assert all(parts["test"] and parts["train"] for parts in lots), "three takes are enough to test on one"


def test_split_obeys_assign_and_what_was_published(tmp_path: Path) -> None:
    takes = [*facts({"salsa": 5}), TakeFacts("salsa_05", "salsa", 9, published="validation")]
    takes[0] = dataclasses.replace(takes[0], published="train")  # assign goes before
    assign = {"salsa_00": "test", "salsa_01": "validation", "salsa_02": "none"}
    split = split_takes(takes, dataclasses.replace(SHARES, test=0.0, validation=0.0, assign=assign))
    assert split.parts == {
        "train": ["salsa_03", "salsa_04"],
        "validation": ["salsa_01", "salsa_05"],
        "test": ["salsa_00"],
    }
    assert split.left_out == {"salsa_02": "split.assign"}
    write_split(tmp_path / "split.json", split, takes)
    assert read_split(tmp_path / "split.json") == split.parts
    for wrong, match in (({"rumba": "test"}, "no take 'rumba'"), ({"salsa_00": "exam"}, "not one of train")):
        with pytest.raises(InputError, match=match):
            divided(takes, assign=wrong)
    with pytest.raises(InputError, match="no take for 'train'"):
        divided(takes, assign={take.name: "test" for take in takes})
    with pytest.raises(InputError, match="leave some"):
        divided(takes, test=0.6, validation=0.5)


def test_takes_that_cannot_be_trained_on_are_left_out() -> None:
    solo, mute = TakeFacts("solo", "salsa", 9, has_follower=False), TakeFacts("mute", "salsa", 9, has_music=False)
    takes = [*facts({"salsa": 5}), solo, mute]
    split = split_takes(takes, SHARES)
    assert split.left_out == {"solo": "no follower", "mute": "no song"}
    assert not {"solo", "mute"} & set(sum(split.parts.values(), []))


def test_takes_of_the_same_dance_stay_together() -> None:
    takes = facts({"waltz": 60})
    group = [take.name for take in takes[::3]]
    split = split_takes(takes, SHARES, [group])
    (part,) = {part for part, names in split.parts.items() if set(names) & set(group)}
    assert set(group) <= set(split.parts[part]) and split.together == [group]
    published = [dataclasses.replace(take, published="validation") if take.name == group[7] else take for take in takes]
    assert set(group) <= set(split_takes(published, SHARES, [group]).parts["validation"])
    pinned = dataclasses.replace(SHARES, assign={group[4]: "test"})
    assert set(group) <= set(split_takes(takes, pinned, [group]).parts["test"])
    with pytest.raises(InputError, match="which show the same dance"):
        split_takes(takes, dataclasses.replace(SHARES, assign={group[0]: "train", group[1]: "test"}), [group])


def test_an_excerpt_is_found_wherever_it_begins(tmp_path: Path) -> None:
    body = Body.load()
    rng = np.random.default_rng(0)

    def dancing(seconds: float) -> Motion:
        """Somebody who moves arms and legs as nobody else does."""
        knots = rng.normal(0, 0.5, (int(seconds * 2) + 2, 55, 3))
        at = np.arange(int(seconds * 30)) / 15.0
        low = at.astype(int)
        rotations = knots[low] + (at - low)[:, None, None] * (knots[low + 1] - knots[low])
        return Motion(rotations.astype(np.float32), np.zeros((len(at), 3), np.float32), np.zeros(10, np.float32), 30.0)

    whole = Duet("whole", "salsa", dancing(12), dancing(12), None)
    taller = np.linspace(1, -1, 10, dtype=np.float32)
    cut = [dataclasses.replace(motion[97:240], betas=taller) for motion in (whole.leader, whole.follower)]
    excerpt = Duet("excerpt", "salsa", *cut, None)
    still = dataclasses.replace(whole.leader, rotations_TJ3=np.repeat(whole.leader.rotations_TJ3[:1], 360, axis=0))
    other = Duet("other", "salsa", dancing(12), dancing(12), None)
    for duet in (whole, excerpt, other, Duet("still", "salsa", still, still, None)):
        write_take(tmp_path, duet)
    write_take(tmp_path, Duet("still_too", "salsa", still, still, None))
    names = ["excerpt", "other", "still", "still_too", "whole"]
    assert find_duplicates(tmp_path, names, body, distance=0.02, share=0.3) == [["excerpt", "whole"]]


def test_catalogue_reads_facts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no take in it"):
        read_catalogue(tmp_path, ["set", "other"])
    for name in ("set/b", "set/a", "other/c", "gone/d"):
        write_json(tmp_path / name / "take.json", {"genre": "waltz", "num_frames": 10, "music": "song.ogg"})
    for name in ("set/a", "set/b"):
        (tmp_path / name / "follower.npz").touch()
    write_json(tmp_path / "set" / "b" / "take.json", {"genre": "waltz", "num_frames": 10, "music": 5})
    write_json(tmp_path / ".left" / "d" / "take.json", {"genre": "waltz", "num_frames": 10})  # by a stage that was killed
    (tmp_path / "gone" / "d" / "take.json").write_text("damaged")  # of a set that was taken out
    takes = read_catalogue(tmp_path, ["set", "other"])
    assert [(take.name, take.lacks) for take in takes] == [("other/c", "no follower"), ("set/a", ""), ("set/b", "no song")]
    write_json(tmp_path / "set" / "b" / "take.json", {"name": "b", "genre": "waltz"})
    with pytest.raises(InputError, match="num_frames"):
        read_catalogue(tmp_path, ["set"])
