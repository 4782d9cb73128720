"""Splits by genre, training statistics, and windows that are what encoding the moved clip would give."""

from __future__ import annotations

import functools
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from test_representation import ANCHOR_P, dancer

from interdance.dataset.catalogue import TakeFacts, read_catalogue
from interdance.dataset.split import read_split, split_takes, write_split
from interdance.dataset.windows import WindowDataset
from interdance.errors import InputError
from interdance.files import write_json
from interdance.representation import canonical
from interdance.representation.canonical import FloorTransform
from interdance.representation.layout import INTEGRATED, LABELS, LAYOUT, NUM_CHANNELS, NUM_POINTS
from interdance.representation.normalize import Statistics, measure, measure_music, principal_components

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
    return WindowDataset(*corpus, list(FRAMES), statistics, window=window, stride=7)


def measured(corpus: tuple[Path, Path], root_gain: float = 1.0) -> Statistics:
    items = [dataset(corpus)[index] for index in range(len(dataset(corpus)))]
    generator = torch.Generator().manual_seed(0)
    one = functools.partial(
        measure, least_std=1e-4, root_gain=root_gain, num_components=8, num_rows=9, generator=generator
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
    others = rows[..., INTEGRATED.stop : LABELS.start].flatten(0, 1)
    torch.testing.assert_close(others.mean(0), torch.zeros(others.shape[1]), atol=1e-3, rtol=0)
    deviation = others.std(0, correction=0)  # one, or less where the floor held a nearly constant channel
    assert float(deviation.max()) < 1.001 and float((deviation > 0.999).float().mean()) > 0.98
    assert set(rows[..., LABELS].unique().tolist()) == {0.0, 1.0}
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
    statistics = measure(windows, 1e-4, 1.0, num_components=2, num_rows=2, generator=generator)
    result = statistics.normalise(windows[0] + 1e-5)
    assert result[..., : LABELS.start].abs().max() < 0.2
    torch.testing.assert_close(result[..., LABELS], windows[0][..., LABELS] + 1e-5)


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


def test_bad_corpora_are_refused(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="take second: 33 frames are fewer than a window of 40"):
        dataset(corpus, window=40)
    with pytest.raises(InputError, match="no such file"):
        WindowDataset(*corpus, ["third"], None, window=20, stride=7)
    np.save(tmp_path / "first.npy", np.zeros((49, 35), np.float32))
    with pytest.raises(InputError, match=r"music has shape \(49, 35\)"):
        WindowDataset(corpus[0], tmp_path, ["first"], None, window=20, stride=7)
    (tmp_path / "first.npy").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(InputError, match="cannot be mapped|not an array"):
        WindowDataset(corpus[0], tmp_path, ["first"], None, window=20, stride=7)


def test_split_keeps_proportions_in_every_genre() -> None:
    takes = facts({"waltz": 100, "salsa": 60, "tango": 40})
    parts = split_takes(takes, 0.1622, 0.0625, {}, seed=1)
    assert sorted(sum(parts.values(), [])) == sorted(take.name for take in takes)
    for part, share in (("test", 0.1622), ("validation", 0.0625)):
        for genre, count in (("waltz", 100), ("salsa", 60), ("tango", 40)):
            assert abs(sum(name.startswith(genre) for name in parts[part]) - share * count) < 1
        frames = sum(take.num_frames for take in takes if take.name in parts[part])
        assert frames / sum(take.num_frames for take in takes) == pytest.approx(share, abs=0.004)
    assert parts == split_takes(list(reversed(takes)), 0.1622, 0.0625, {}, seed=1)
    assert parts != split_takes(takes, 0.1622, 0.0625, {}, seed=2)


def test_split_of_few_takes() -> None:
    counts = {"waltz": 8, "salsa": 8, "tango": 8, "swing": 8, "rumba": 2}
    parts = split_takes(facts(counts), 0.1622, 0.0625, {}, seed=1)
    for genre in ("waltz", "salsa", "tango", "swing"):
        assert any(name.startswith(genre) for name in parts["test"])
    assert (len(parts["test"]), len(parts["validation"])) == (6, 2)
    parts = split_takes(facts({"waltz": 30, "rumba": 3}), 0.1622, 0.0, {}, seed=1)  # remainders alone: 5 and 0
    assert [sum(name.startswith(genre) for name in parts["test"]) for genre in ("waltz", "rumba")] == [4, 1]
    assert [len(part) for part in split_takes(facts({"a": 3}), 0.1622, 0.0625, {}, seed=1).values()] == [1, 1, 1]


def test_split_obeys_assign(tmp_path: Path) -> None:
    takes = facts({"salsa": 5})
    assign = {"salsa_00": "test", "salsa_01": "validation", "salsa_02": "none"}
    parts = split_takes(takes, 0.0, 0.0, assign, seed=1)
    assert parts == {"train": ["salsa_03", "salsa_04"], "validation": ["salsa_01"], "test": ["salsa_00"]}
    write_split(tmp_path / "split.json", parts, takes)
    assert read_split(tmp_path / "split.json") == parts
    for wrong, match in (({"rumba": "test"}, "no take 'rumba'"), ({"salsa_00": "exam"}, "not one of train")):
        with pytest.raises(InputError, match=match):
            split_takes(takes, 0.1, 0.1, wrong, seed=1)
    with pytest.raises(InputError, match="no take for 'train'"):
        split_takes(takes, 0.1, 0.1, {take.name: "test" for take in takes}, seed=1)
    with pytest.raises(InputError, match="leave some"):
        split_takes(takes, 0.6, 0.5, {}, seed=1)


def test_catalogue_reads_facts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no take in it"):
        read_catalogue(tmp_path)
    for name in ("b", "a"):
        write_json(tmp_path / name / "take.json", {"name": name, "genre": "waltz", "num_frames": 10})
    (tmp_path / "a" / "follower.npz").touch()
    assert read_catalogue(tmp_path) == [TakeFacts("a", "waltz", 10, True), TakeFacts("b", "waltz", 10, False)]
    write_json(tmp_path / "b" / "take.json", {"name": "b", "genre": "waltz"})
    with pytest.raises(InputError, match="num_frames"):
        read_catalogue(tmp_path)
