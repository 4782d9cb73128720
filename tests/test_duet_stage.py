"""The pipeline in the duet task: what is generated is what evaluation reads."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interdance.body.meeting import Meeting, meet
from interdance.body.model import Body
from interdance.config import Paths
from interdance.evaluation.project import find_sources, take_files
from interdance.files import write_json
from interdance.generation.generate import generate_couple
from interdance.music.features import BEATS
from interdance.stages import generate, report
from interdance.takes import Duet, Motion, read_motion, write_take
from interdance.trained import TrainedModel, load_model, save_model
from tests.dancers import swaying
from tests.test_generation import model, opened, statistics  # noqa: F401 (fixtures)
from tests.test_mirror import dance


def test_generated_leaders_are_measured_and_shown_beside_their_followers(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    paths = Paths(tmp_path)
    params = replace(
        model.params,
        model=replace(model.params.model, task="duet"),
        sample=replace(model.params.sample, seeds=[1], steps=2, window=20, overlap=6),
    )
    trained = opened(replace(model, params=params))
    save_model(paths.model, trained)
    write_take(paths.takes / "s", Duet("one", "walk", dance(3), dance(4), None))
    (paths.music / "s").mkdir(parents=True)
    features_TA = np.zeros((30, 35), np.float32)
    features_TA[15, BEATS] = 1.0
    np.save(paths.music / "s" / "one.npy", features_TA)
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

    body = Body.load()
    folder = paths.generated / "duet.interdance" / "seed_1" / "s" / "one"
    points = {role: np.load(folder / name) for role, name in (("leader", "leader_points.npy"), ("follower", "points.npy"))}
    found = {role: body.points(read_motion(folder / f"{role}.npz")) for role in points}
    for role, other in (("leader", "follower"), ("follower", "leader")):
        own, foreign = (np.linalg.norm(found[role] - points[who], axis=-1).mean() for who in (role, other))
        assert own < foreign, "parameters are those of their own points"
    music = np.load(paths.music / "s" / "one.npy")
    couple = generate_couple(load_model(paths.model, body), music, sampling=params.sample, seed=1)
    assert np.allclose(points["follower"], couple.follower_TP3) and np.allclose(points["leader"], couple.leader_TP3)
    untrained = np.load(paths.generated / "duet.untrained" / "seed_1" / "s" / "one" / "points.npy")
    assert not np.allclose(points["follower"], untrained), "the trained weights are not those of the start"

    # What hardly any weights make is no body's points; the page's contact is that of points, whatever the parameters say.
    upright = body.points(swaying(20))
    touching = {"leader": upright, "follower": upright + np.float32([0.2, 0, 0.1])}
    for role, name in (("leader", "leader_points.npy"), ("follower", "points.npy")):
        np.save(folder / name, touching[role])
    shown: list[tuple[Motion, list[str], Meeting]] = []

    def show(path: Path, leader: Motion, followers: dict[str, Motion], *rest: object, **named: Any) -> None:
        assert named["beats"].tolist() == [0.5]
        shown.append((leader, list(followers), named["meetings"]["InterDance"]))

    monkeypatch.setattr(report, "write_page", show)
    monkeypatch.setattr(report, "write_video", lambda *arguments, **named: None)
    monkeypatch.setattr(report, "write_sheet", lambda *arguments, **named: None)
    report.write_samples(params, paths, tmp_path / "report")
    ((leader, followers, meeting),) = shown
    assert np.allclose(leader.rotations_TJ3, read_motion(folder / "leader.npz").rotations_TJ3)
    assert followers == ["InterDance"], "the true follower has another leader"
    surfaces = touching["leader"][:, 55:], touching["follower"][:, 55:]
    expected = meet(*surfaces, body.surface_faces, params.evaluate.contact_distance)
    assert expected.contact().any() and expected.penetration().any()
    assert all((getattr(meeting, field.name) == getattr(expected, field.name)).all() for field in fields(Meeting))
