"""Each metric moves the way it should when true followers of captured salsa are spoiled in known ways."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import REPOSITORY, shared

from benchmarks.degradations import EXPECTED, MUSIC, UNTOUCHED, differences, measure
from interdance import config
from interdance.importers.run import Reading, import_takes

TAKES = ("easy_01", "hard_04", "medium_01", "medium_03")
FRAMES = 400
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Degradation -> metric -> paired difference to the true followers, with its 95 % interval."""
    couples, songs = shared("data", "salsa"), shared("data", "music")
    folder = tmp_path_factory.mktemp("degradations")
    reading = Reading("folder", "", 30.0, "salsa", 0.5, config.load(REPOSITORY / "params.yaml").quality)
    import_takes(couples, folder / "takes", reading, music=songs, takes=TAKES)
    return differences(measure(folder / "takes", folder / "spoiled", TAKES, FRAMES, workers=1))


@pytest.mark.parametrize("name", EXPECTED)
def test_signs(found: dict[str, dict[str, Any]], name: str) -> None:
    for metric, way in EXPECTED[name].items():
        difference = found[name][metric]
        moved = difference.low > 0 if way == "up" else difference.high < 0
        assert moved, f"{name}: {metric} should go {way}, but: {difference}"


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_cannot_see_it_stays(found: dict[str, dict[str, Any]], name: str) -> None:
    for metric in UNTOUCHED[name]:
        assert found[name][metric].difference == pytest.approx(0.0, abs=1e-5), f"{name}: {metric}"


def test_solo_metrics_do_not_see_another_takes_follower(found: dict[str, dict[str, Any]]) -> None:
    """The same dancers in another order: FID_k and FID_g cannot tell, FID_cd can. Why three FIDs are reported."""
    for metric in ("FID_k", "FID_g"):
        assert abs(found["another take"][metric].difference) < 1.0
    assert found["another take"]["FID_cd"].low > 10.0
    assert set(found) == set(EXPECTED) and MUSIC in found
