"""The pipeline in the duet task: what is generated is what evaluation reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interdance.config import Paths
from interdance.evaluation.project import find_sources, take_files
from interdance.files import write_json
from interdance.stages import generate
from interdance.takes import Duet, write_take
from interdance.trained import TrainedModel, save_model, start_denoiser
from tests.test_generation import model, statistics  # noqa: F401 (fixtures)
from tests.test_mirror import dance


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_generated_leaders_are_measured_beside_their_followers(model: TrainedModel, tmp_path: Path) -> None:  # noqa: F811
    paths = Paths(tmp_path)
    params = replace(
        model.params,
        model=replace(model.params.model, task="duet"),
        sample=replace(model.params.sample, seeds=[1], steps=2, window=20, overlap=6),
    )
    save_model(paths.model, TrainedModel(start_denoiser(params, model.statistics), model.statistics, params))
    write_take(paths.takes / "s", Duet("one", "walk", dance(3), dance(4), None))
    (paths.music / "s").mkdir(parents=True)
    np.save(paths.music / "s" / "one.npy", np.zeros((30, 35), np.float32))
    write_json(paths.split, {"takes": {"train": [], "validation": [], "test": ["s/one"]}})
    generate.run(params, paths)

    sources = find_sources(paths.generated, ["s/one"], prefers_parameters=False)["s/one"]
    assert [source.system for source in sources] == ["duet.interdance", "duet.untrained"]
    files = take_files(paths.takes, "s/one", None, sources)
    for source in sources:
        leader = np.load(files.leaders[source.path])
        assert leader.shape == (30, 710, 3), "points beside points"
        assert np.abs(leader[0, 0, [0, 2]]).max() < 1e-3, "the generated leader begins at the origin"
    parameters = find_sources(paths.generated, ["s/one"], prefers_parameters=True)["s/one"]
    beside = take_files(paths.takes, "s/one", None, parameters).leaders
    assert [path.name for path in beside.values()] == ["leader.npz"] * 2, "parameters beside parameters"
