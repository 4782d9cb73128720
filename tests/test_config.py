"""Parameters: read strictly, merged by section, refused by sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from layout import ROOT

from interdance import config
from interdance.config import Paths
from interdance.errors import InputError

PARAMS = ROOT / "params.yaml"

A_SET = {"source": "dd100", "folder": "a", "music": "a", "takes": [], "genre": "unknown"}


def changed(tmp_path: Path, change: dict) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(config.merge(yaml.safe_load(PARAMS.read_text()), change)))
    return path


def test_shipped_parameters_load() -> None:
    params = config.load(PARAMS)
    assert params.to_dict() == yaml.safe_load(PARAMS.read_text())


OVERLAYS = [path for path in sorted((ROOT / "configs").rglob("*.yaml")) if path.parent.name not in ("cluster", "sweep")]


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_shipped_overlays_load_and_only_the_whole_method_is_the_default(overlay: Path) -> None:
    whole = ("losses_dm_ro_con", "representation_canonical", "guidance_both", "signals_both", "sampling_ddim_5")
    assert (config.load(PARAMS, overlay) == config.load(PARAMS)) == (overlay.stem in whole)


def test_overlay_merges_sections_and_replaces_lists(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("choreography: {genres: [tango]}\ntrain: {lr: 1}\n")
    before, after = config.load(PARAMS), config.load(PARAMS, overlay)
    assert after.choreography.genres == ["tango"]
    assert after.choreography.seed == before.choreography.seed
    assert after.train.lr == 1.0 and isinstance(after.train.lr, float)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": {"lrr": 1.0}}, ["train.lrr", "unknown key", "known:", "lr"]),
        ({"trian": {}}, ["trian", "unknown key", "train"]),
        ({"train": {"steps": "many"}}, ["train.steps", "int is needed", "'many'"]),
        ({"train": {"steps": True}}, ["train.steps", "int is needed"]),
        ({"train": {"steps": 1.5}}, ["train.steps", "int is needed"]),
        ({"model": {"task": "solo"}}, ["model.task", "reactive", "duet"]),
        ({"sets": {"mine": {"source": "dd100"}}}, ["sets.mine.folder", "missing"]),
        ({"sets": {"my.set": A_SET}}, ["sets", "'my.set'", "letters"]),
        ({"choreography": {"genres": [1]}}, ["choreography.genres[0]", "str is needed"]),
        ({"choreography": {"genres": "salsa"}}, ["choreography.genres", "a list is needed"]),
        ({"split": {"assign": {"a": 1}}}, ["split.assign.a", "str is needed"]),
        ({"model": 3}, ["model", "must be a mapping"]),
    ],
)
def test_bad_values_are_named(tmp_path: Path, change: dict, words: list[str]) -> None:
    path = changed(tmp_path, change)
    with pytest.raises(InputError) as caught:
        config.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_missing_key_is_named(tmp_path: Path) -> None:
    values = yaml.safe_load(PARAMS.read_text())
    del values["train"]["lr"]
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(InputError, match=r"train\.lr: missing"):
        config.load(path)


def test_no_data_set_is_refused(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("sets: {couples: null}\n")
    with pytest.raises(InputError, match="at least one data set"):
        config.load(PARAMS, overlay)


def test_null_takes_a_data_set_out(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("sets: {couples: null, mine: {source: dd100, folder: a, music: a, takes: [], genre: unknown}}\n")
    assert list(config.load(PARAMS, overlay).sets) == ["mine"]


@pytest.mark.parametrize("text", ["", "- 1\n", "a: [", "\x00"])
def test_files_that_are_no_mapping(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="params.yaml"):
        config.load(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        config.load(tmp_path / "params.yaml")


def test_places_lie_below_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERDANCE_STATE", raising=False)
    root = Path("somewhere")
    for name, item in vars(Paths).items():
        if isinstance(item, property):
            assert getattr(Paths(root), name).is_relative_to(root)
    monkeypatch.setenv("INTERDANCE_STATE", "elsewhere")
    assert Paths(root).state == Path("elsewhere")
