"""What the answers of a user study say: against simulated participants, textbooks, and other people's examples."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest
from test_study import made_plan, quick_params

from interdance.study.plan import BROKEN, CHECK, TRUE, Clip, Film, Plan
from interdance.study.questions import QUESTION_KEYS
from interdance.study.report import write_report
from interdance.study.statistics import Votes, agreement, holm, preference, sort_out, summarise, take_of_clip, votes_of
from interdance.study.store import Judged, Record


def simulated(shape: tuple[int, int], odds: float, people: float, clips: float, rng: np.random.Generator) -> Votes:
    """Everybody on every clip; log odds of the first system vary with participant and clip."""
    num_people, num_clips = shape
    logit = odds + rng.normal(0, people, (num_people, 1)) + rng.normal(0, clips, (1, num_clips))
    first = rng.random(shape) < expit(logit)
    who, what = np.indices(shape)
    return Votes(first.ravel(), who.ravel(), what.ravel())


def odds_of(share: float, people: float, clips: float) -> float:
    """Log odds of which the mean share over participants and clips is the one wanted."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    shares = [
        (odds, weights @ expit(odds + np.hypot(people, clips) * nodes) / weights.sum()) for odds in np.linspace(-6, 6, 2401)
    ]
    return min(shares, key=lambda pair: abs(pair[1] - share))[0]


@pytest.mark.parametrize(
    ("shape", "share", "people", "clips"),
    [
        ((40, 20), 0.7, 0.5, 0.7),
        ((20, 8), 0.7, 0.5, 0.7),
        ((40, 20), 0.7, 0.0, 1.0),
        ((40, 20), 0.5, 0.0, 0.0),
        ((40, 20), 0.9, 0.5, 0.5),
        ((20, 8), 0.97, 0.0, 0.0),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(
    shape: tuple[int, int], share: float, people: float, clips: float
) -> None:
    rng, odds = np.random.default_rng(5), odds_of(share, people, clips)
    found = [preference(simulated(shape, odds, people, clips, rng), np.arange(shape[1])) for _ in range(400)]
    held = np.mean([item is not None and item.low <= share <= item.high for item in found])
    assert 0.92 <= held <= (0.99 if share <= 0.9 else 1.0), "next to unanimity it may hold it more often"
    assert np.mean([item.share for item in found if item]) == pytest.approx(share, abs=0.02)


def test_answers_taken_for_independent_would_be_too_sure() -> None:
    """The reason for clusters: clips that differ make the plain binomial interval miss the truth."""
    rng, odds, held = np.random.default_rng(6), odds_of(0.7, 0.0, 1.0), 0
    for _ in range(200):
        votes = simulated((40, 20), odds, 0.0, 1.0, rng)
        interval = binomtest(int(votes.first_N.sum()), len(votes.first_N)).proportion_ci()
        held += interval.low <= 0.7 <= interval.high
    assert held / 200 < 0.7


def test_where_nobody_prefers_anything_the_test_says_so() -> None:
    rng = np.random.default_rng(7)
    found = [preference(simulated((30, 15), 0.0, 0.6, 0.6, rng), np.arange(15)) for _ in range(400)]
    rejected = np.mean([item is not None and item.p < 0.05 for item in found])
    assert 0.01 <= rejected <= 0.08
    assert all(item and (item.p < 0.05) == (not item.low <= 0.5 <= item.high) for item in found), "test and interval agree"


def test_one_answer_each_is_the_textbooks_interval() -> None:
    """Of independent answers the variance is p (1 - p) / (n - 1)."""
    votes = Votes(np.arange(50) < 35, np.arange(50), np.arange(50))
    found = preference(votes, np.arange(50))
    assert found is not None
    error = np.sqrt(0.7 * 0.3 / 49) / (0.7 * 0.3)
    assert found.high == pytest.approx(expit(np.log(0.7 / 0.3) + 2.0096 * error), abs=1e-4)
    assert found.low == pytest.approx(expit(np.log(0.7 / 0.3) - 2.0096 * error), abs=1e-4)
    alone = preference(dataclasses.replace(votes, participant_N=np.zeros(50, int)), np.arange(50))
    assert alone == dataclasses.replace(found, num_participants=1), "one person's answers go by their clips alone"


def test_where_everybody_agrees_the_interval_is_exact() -> None:
    who, what = (index.ravel() for index in np.indices((12, 9)))
    found = preference(Votes(np.ones(108, bool), who, what), np.arange(9))
    assert found is not None
    assert (found.share, found.high, found.p) == (1.0, 1.0, pytest.approx(2 * 0.5**9))
    assert found.low == pytest.approx(0.025 ** (1 / 9))
    assert preference(Votes(np.ones(0, bool), who[:0], what[:0]), np.arange(9)) is None
    alone = preference(Votes(np.array([True]), np.array([0]), np.array([0])), np.arange(1))
    assert alone is not None and alone.p == 1.0 and alone.low == pytest.approx(0.025)


@pytest.mark.parametrize("shape", [(12, 9), (20, 8), (40, 20)])
def test_the_first_who_dissent_make_nothing_surer(shape: tuple[int, int]) -> None:
    who, what = (index.ravel() for index in np.indices(shape))
    spread = np.random.default_rng(3).permutation(who.size)
    found = []
    for dissenting in range(int(who.size / 2 / min(shape))):
        votes = Votes(~np.isin(np.arange(who.size), spread[:dissenting]), who, what)
        found.append(preference(votes, np.arange(shape[1])))
        mirrored = preference(dataclasses.replace(votes, first_N=~votes.first_N), np.arange(shape[1]))
        assert found[-1] is not None and mirrored is not None
        assert (mirrored.p, mirrored.low) == (pytest.approx(found[-1].p), pytest.approx(1 - found[-1].high))
    assert len(found) > 5
    for item in found[1:]:
        assert item.p >= found[0].p and item.low <= found[0].low


def test_of_the_terms_of_the_variance_the_largest_stands() -> None:
    """Answers that cancel within every participant and clip still vary from answer to answer."""
    who, what = (index.ravel() for index in np.indices((4, 4)))
    found = preference(Votes((who + what) % 2 == 0, who, what), np.arange(4))
    assert found is not None and (found.share, found.p) == (0.5, 1.0)
    assert found.high == pytest.approx(expit(3.1824 * np.sqrt(1 / 60) / 0.25), abs=1e-4), "0.25 / 15 of sixteen answers"
    for faithful, others in ((who, what), (what, who)):  # half of them always say one thing, and the others cancel
        found = preference(Votes(faithful < 2, faithful, others), np.arange(4))
        assert found is not None and found.high == pytest.approx(expit(3.1824 * np.sqrt(1 / 12) / 0.25), abs=1e-4)


def test_clips_of_a_take_go_together_where_there_are_enough() -> None:
    plan = made_plan(16, 1, 16, 0)
    assert len(set(take_of_clip(plan))) == 16
    few = dataclasses.replace(plan, clips=tuple(Clip(f"take {n // 4}", "", 0.0) for n in range(16)))
    many = dataclasses.replace(plan, clips=tuple(Clip(f"take {n // 2}", "", 0.0) for n in range(16)))
    assert (len(set(take_of_clip(few))), len(set(take_of_clip(many)))) == (16, 8)


def test_holm_is_what_his_paper_computes() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == [] and holm([0.9, 0.8]) == [1.0, 1.0]


def test_alpha_is_krippendorffs_own_example() -> None:
    """The reliability data of his "Computing Krippendorff's Alpha-Reliability" (2011), section C: nominal alpha 0.743."""
    missing = -1
    table = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, missing, missing, missing],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, missing, 3],
            [missing, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, missing],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, missing],
        ]
    )
    found = agreement([column[column != missing] for column in table.T])
    assert found is not None and found[1] == pytest.approx(0.743, abs=5e-4)
    assert agreement([np.array([1])]) is None
    same = agreement([np.array([1, 1, 1]), np.array([0, 0])])
    assert same == (1.0, 1.0)


def test_agreement_is_the_same_whichever_system_is_named_first() -> None:
    plan, params, rng = made_plan(20, 2, 40, 4), quick_params(), np.random.default_rng(4)
    records = [answered(plan, number, careful(plan, 0.85, rng)) for number in range(12)]
    swapped = dataclasses.replace(plan, comparisons=(plan.comparisons[0][::-1], plan.comparisons[1]))
    one, other = (summarise(each, records, params)["agreement"] for each in (plan, swapped))
    assert one == other and all(0.3 < item["alpha"] < 0.7 for item in one.values())


def answered(plan: Plan, number: int, chooses: Callable[[Film, str], str], seconds: float = 16.0, ended: bool = True) -> Record:
    """A participant who prefers what ``chooses`` says."""
    trials = []
    for trial in plan.sequence(number):
        film = plan.films[trial.film]
        sides = {q: "A" if film.halves[trial.first] == chooses(film, q) else "B" for q in QUESTION_KEYS}
        trials.append(Judged(film.token, trial.first, sides, seconds))
    return Record(f"{number:010X}", ("none", "some", "trained", "unsaid")[number % 4], ended, tuple(trials))


def careful(plan: Plan, share: float, rng: np.random.Generator) -> Callable[[Film, str], str]:
    def chooses(film: Film, _: str) -> str:
        if film.comparison == CHECK:
            return TRUE
        first, second = plan.comparisons[film.comparison]
        return first if rng.random() < share else second

    return chooses


def test_whose_answers_count() -> None:
    plan, params = made_plan(20, 2, 40, 4), quick_params(check_wrong=1, hasty_s=2.0)
    rng = np.random.default_rng(0)
    good = careful(plan, 0.7, rng)
    slips = iter([BROKEN, *[TRUE] * 11, BROKEN, BROKEN, *[TRUE] * 10])

    def slipping(film: Film, question: str) -> str:
        return next(slips) if film.comparison == CHECK else good(film, question)

    always_a = [Judged(t.film, t.first, dict.fromkeys(QUESTION_KEYS, "A"), 16.0) for t in answered(plan, 5, good).trials]
    records = [
        answered(plan, 0, good),
        answered(plan, 1, good, ended=False),
        answered(plan, 2, good, seconds=11.5),
        answered(plan, 3, slipping),
        answered(plan, 4, slipping),
        Record("A", "none", True, tuple(always_a)),
    ]
    assert sort_out(plan, records, params) == ["", "unfinished", "hasty", "", "failed checks", "failed checks"]
    for hasty, others, verdict in ((23, 1000.0, "hasty"), (21, 12.1, "")):  # of 44: what the middle one took
        trials = answered(plan, 6, good, seconds=10.0).trials[:hasty] + answered(plan, 6, good, seconds=others).trials[hasty:]
        assert sort_out(plan, [Record("B", "none", True, trials)], params) == [verdict]
    lenient = dataclasses.replace(params, check_wrong=12, hasty_s=1.0)
    assert sort_out(plan, records, lenient) == ["", "unfinished", "", "", "", ""]
    summary = summarise(plan, records, params)
    assert summary["participants"] == {"all": 6, "unfinished": 1, "failed checks": 2, "hasty": 1, "kept": 2}
    assert summary["comparisons"][0]["num_participants"] == 2


def test_preferences_are_those_of_the_systems_whatever_the_sides() -> None:
    plan, params = made_plan(20, 2, 40, 4), quick_params()
    loved = {0: "system 0", 1: "system 2"}
    records = [
        answered(plan, n, lambda film, _: TRUE if film.comparison == CHECK else loved[film.comparison]) for n in range(6)
    ]
    summary = summarise(plan, records, params)
    assert [row["share"] for row in summary["comparisons"]] == [1.0] * 3 + [0.0] * 3
    assert summary["side_a"] == pytest.approx(0.5)
    assert all(found == {"share": 1.0, "alpha": 1.0} for found in summary["agreement"].values())
    assert votes_of(plan, records, 0, "music").first_N.shape == (120,)


def test_a_report_says_what_it_found(tmp_path: Path) -> None:
    plan, params, rng = made_plan(20, 2, 40, 4), quick_params(), np.random.default_rng(2)
    records = [answered(plan, number, careful(plan, 0.7, rng)) for number in range(12)]
    records.append(answered(plan, 12, careful(plan, 0.7, rng), ended=False))
    summary = write_report(tmp_path, plan, records, params)
    names = {"index.html", "codes.csv", "preferences.svg", "preferences.png", "preferences.csv", "preferences.tex"}
    assert {path.name for path in tmp_path.iterdir()} == names
    page = (tmp_path / "index.html").read_text()
    for row in summary["comparisons"]:
        assert row["low"] < row["share"] < row["high"] and row["p"] <= row["p_holm"]
        assert f"{100 * row['share']:.1f}%" in page
        assert f"{100 * row['low']:.1f} to {100 * row['high']:.1f}" in page
    assert "http" not in page.replace("http://www.w3.org", ""), "it needs no network"
    assert all(item["text"] in page for item in summary["questions"])
    lines = (tmp_path / "preferences.csv").read_text().splitlines()
    assert len(lines) == 1 + 3 * 6 and lines[1].startswith("all,system 0,system 1,quality,")
    assert (tmp_path / "preferences.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (tmp_path / "preferences.svg").read_text()
    codes = (tmp_path / "codes.csv").read_text().splitlines()
    assert codes[0] == "code,counts" and len(codes) == 13 and codes[1:] == sorted(codes[1:])
    json.dumps(summary, allow_nan=False)
