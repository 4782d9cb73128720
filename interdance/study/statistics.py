"""What answers say: whose count, which system is preferred and how surely, how far participants agree.

Answers are not independent: those of one participant go together, and so do those about one clip. Intervals and tests
therefore use the variance of Cameron, Gelbach and Miller ("Robust inference with multiway clustering", Journal of Business &
Economic Statistics 29, 2011), which adds what varies between participants to what varies between clips and takes off what
was counted twice, and Student's t with as many degrees of freedom as the smaller number of clusters has, less one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from interdance.config import StudyParams
from interdance.study.plan import CHECK, TRUE, Film, Plan
from interdance.study.questions import EXPERIENCES, QUESTION_KEYS, QUESTIONS
from interdance.study.store import Judged, Record

LEVEL = 0.95
TAKES_TO_CLUSTER = 8
"""From this many takes on, clips of one take go together; below, each clip stands for itself (as in the evaluation)."""


@dataclass(frozen=True)
class Preference:
    """How often the first of two systems is preferred.

    Attributes
    ----------
    share : float
        Of the answers, 0..1.
    low, high : float
        Ends of the 95 % interval.
    p : float
        Of the test that neither is preferred (a share of one half), two-sided.
    num_answers, num_participants, num_clips : int
    """

    share: float
    low: float
    high: float
    p: float
    num_answers: int
    num_participants: int
    num_clips: int


@dataclass(frozen=True)
class Votes:
    """Answers to one question about one comparison.

    Attributes
    ----------
    first_N : bool (N,)
        Whether the first system was preferred.
    participant_N, clip_N : int (N,)
        Whose answer, about which clip.
    """

    first_N: np.ndarray
    participant_N: np.ndarray
    clip_N: np.ndarray


# ------------------------------------------------------------------------------------------------------ whose answers count


def sort_out(plan: Plan, records: Sequence[Record], params: StudyParams) -> list[str]:
    """For every participant why her answers do not count, or an empty text: ``unfinished``, ``failed checks``, ``hasty``."""
    return [_verdict(plan, record, params) for record in records]


def _verdict(plan: Plan, record: Record, params: StudyParams) -> str:
    if not record.is_finished:
        return "unfinished"
    films = _films(plan)
    checks = [trial for trial in record.trials if films[trial.film].comparison == CHECK]
    wrong = sum(preferred(films[trial.film], trial, question) != TRUE for trial in checks for question in QUESTION_KEYS)
    if wrong > params.check_wrong:
        return "failed checks"
    thought = [trial.seconds - plan.seconds for trial in record.trials if trial.seconds is not None]
    return "hasty" if np.median(thought) < params.hasty_s else ""


def preferred(film: Film, trial: Judged, question: str) -> str:
    """The system, or half of a check, that was preferred."""
    return film.halves[trial.first if trial.sides[question] == "A" else 1 - trial.first]


def votes_of(plan: Plan, records: Sequence[Record], comparison: int, question: str) -> Votes:
    """The answers of these participants."""
    films, system = _films(plan), plan.comparisons[comparison][0]
    cells = [
        (preferred(films[trial.film], trial, question) == system, number, films[trial.film].clip)
        for number, record in enumerate(records)
        for trial in record.trials
        if films[trial.film].comparison == comparison and question in trial.sides
    ]
    first, participant, clip = np.array(cells, int).reshape(-1, 3).T
    return Votes(first.astype(bool), participant, clip)


def _films(plan: Plan) -> dict[str, Film]:
    return {film.token: film for film in plan.films}


def take_of_clip(plan: Plan) -> np.ndarray:
    """What a clip goes together with, int (number of clips,): its take where there are enough of them, else itself alone."""
    takes = [clip.take for clip in plan.clips]
    if len(set(takes)) < TAKES_TO_CLUSTER:
        return np.arange(len(takes))
    return np.unique(takes, return_inverse=True)[1]


# ---------------------------------------------------------------------------------------------------------------- how surely


def preference(votes: Votes, cluster_C: np.ndarray) -> Preference | None:
    """Share, interval and test; ``cluster_C`` says what each clip goes together with. None without answers.

    The interval is symmetric on the scale of the log odds, so that it stays within 0 and 1. Where everybody agrees there is
    no variance to estimate; then it is Clopper's and Pearson's exact one, and the test the sign test, for as many
    independent answers as the smaller number of clusters. Where nearly everybody does, so that of so many answers all would
    agree, the variance is estimated from next to nothing: both ends are then the farther ones of the two intervals, and the p
    value is the larger one, so that nothing is surer than where everybody agrees.
    """
    num = len(votes.first_N)
    if num == 0:
        return None
    value_N, clip_N = votes.first_N.astype(np.float64), cluster_C[votes.clip_N]
    num_people, num_clips = len(np.unique(votes.participant_N)), len(np.unique(clip_N))
    # Of a single participant or clip nothing can be said about others: its answers then go by the other grouping alone.
    counts = [count for count in (num_people, num_clips) if count > 1]
    fewest = min(counts) if counts else 1
    share = float(value_N.mean())
    variance = _variance(value_N - share, votes.participant_N, clip_N)
    successes, found = round(share * fewest), []
    if variance <= 0.0 or successes in (0, fewest):
        exact = stats.binomtest(successes, fewest)
        interval = exact.proportion_ci(LEVEL, method="exact")
        found.append((float(interval.low), float(interval.high), float(exact.pvalue)))
    if variance > 0.0 and share not in (0.0, 1.0):
        error = np.sqrt(variance) / (share * (1.0 - share))
        odds = special.logit(share)
        half = stats.t.ppf(0.5 + LEVEL / 2.0, fewest - 1) * error
        low, high = (float(special.expit(odds + side * half)) for side in (-1.0, 1.0))
        found.append((low, high, float(2.0 * stats.t.sf(abs(odds) / error, fewest - 1))))
    lows, highs, p_values = zip(*found, strict=True)
    return Preference(share, min(lows), max(highs), max(p_values), num, num_people, len(np.unique(votes.clip_N)))


def _variance(error_N: np.ndarray, participant_N: np.ndarray, clip_N: np.ndarray) -> float:
    """Variance of a mean whose answers go together by participant and by clip.

    Where the sum is smaller than one of its parts, by chance, the largest part stands.
    """
    both_N = np.unique(np.stack([participant_N, clip_N]), axis=1, return_inverse=True)[1].reshape(-1)
    people, clips, cells = (_clustered(error_N, group_N) for group_N in (participant_N, clip_N, both_N))
    return max(people + clips - cells, people, clips, cells)


def _clustered(error_N: np.ndarray, group_N: np.ndarray) -> float:
    """Variance of a mean whose answers go together by one grouping; 0 where there is one group."""
    index_N = np.unique(group_N, return_inverse=True)[1]
    sums = np.bincount(index_N, weights=error_N)
    count = len(sums)
    return 0.0 if count < 2 else float(count / (count - 1) * (sums**2).sum() / len(error_N) ** 2)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values of several tests, raised so that one false finding in all of them is as rare as in one (Holm, 1979)."""
    order = np.argsort(p_values, kind="stable")
    raised = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return [float(value) for value in adjusted]


# ---------------------------------------------------------------------------------------------------------------- agreement


def agreement(ratings: Sequence[np.ndarray]) -> tuple[float, float] | None:
    """How far participants agree about the same films.

    Parameters
    ----------
    ratings : sequence of int (n,)
        Answers, coded 0, 1, ..., to each film; films that fewer than two answered do not count.

    Returns
    -------
    Share of pairs of answers to one film that agree, and Krippendorff's alpha for nominal answers ("Content Analysis", 2004,
    ch. 11): 1 for agreement, 0 for chance. None when nothing can be compared.
    """
    units = [np.bincount(answers) for answers in ratings if len(answers) > 1]
    if not units:
        return None
    width = max(map(len, units))
    counts_UK = np.stack([np.pad(unit, (0, width - len(unit))) for unit in units]).astype(np.float64)
    size_U, total_K = counts_UK.sum(axis=1), counts_UK.sum(axis=0)
    num = total_K.sum()
    pairs_U, agreeing_U = size_U * (size_U - 1), (counts_UK * (counts_UK - 1)).sum(axis=1)
    observed = ((pairs_U - agreeing_U) / (size_U - 1)).sum() / num
    expected = (num**2 - (total_K**2).sum()) / (num * (num - 1))
    alpha = 1.0 if expected == 0.0 else 1.0 - observed / expected
    return float(agreeing_U.sum() / pairs_U.sum()), float(alpha)


# -------------------------------------------------------------------------------------------------------------- the summary


def summarise(plan: Plan, records: Sequence[Record], params: StudyParams) -> dict[str, Any]:
    """Everything a report shows, as JSON holds it; shares in 0..1."""
    verdicts = sort_out(plan, records, params)
    kept = [record for record, verdict in zip(records, verdicts, strict=True) if not verdict]
    clusters = take_of_clip(plan)
    trained = {"dancers": [r for r in kept if r.experience in ("some", "trained")]}
    trained["others"] = [r for r in kept if r.experience == "none"]
    rows = _rows(plan, kept, clusters)
    for row, p in zip(rows, holm([float(row["p"]) for row in rows]), strict=True):
        row["p_holm"] = p
    sides = [trial.sides[question] == "A" for record in kept for trial in record.trials for question in QUESTION_KEYS]
    return {
        "study": plan.fingerprint,
        "questions": [{"key": item.key, "text": item.text, "short": item.short} for item in QUESTIONS],
        "participants": {
            "all": len(records),
            **{reason: verdicts.count(reason) for reason in ("unfinished", "failed checks", "hasty")},
            "kept": len(kept),
        },
        "experience": {text: sum(record.experience == key for record in kept) for key, text in EXPERIENCES.items()},
        "rules": {
            "check_wrong": params.check_wrong,
            "check_answers": plan.num_checks * len(QUESTION_KEYS),
            "hasty_s": params.hasty_s,
            "film_s": plan.seconds,
            "num_pairs": plan.num_pairs,
            "num_checks": plan.num_checks,
        },
        "clips": len(plan.clips),
        "takes": len({clip.take for clip in plan.clips}),
        "clusters": "takes" if len(set(clusters.tolist())) < len(plan.clips) else "clips",
        "comparisons": rows,
        "by_experience": {name: _rows(plan, group, clusters) for name, group in trained.items() if group},
        "agreement": _agreements(plan, kept),
        "side_a": float(np.mean(sides)) if sides else None,
    }


def _rows(plan: Plan, kept: Sequence[Record], clusters: np.ndarray) -> list[dict[str, float | int | str]]:
    rows: list[dict[str, float | int | str]] = []
    for number, (first, second) in enumerate(plan.comparisons):
        for question in QUESTION_KEYS:
            found = preference(votes_of(plan, kept, number, question), clusters)
            if found is not None:
                rows.append({"first": first, "second": second, "question": question} | vars(found))
    return rows


def _agreements(plan: Plan, kept: Sequence[Record]) -> dict[str, Mapping[str, float]]:
    """Agreement by question. Each film's answers count under both codings: which of two systems is the first is nobody's
    opinion, and answers about different comparisons have no coding in common.
    """
    result: dict[str, Mapping[str, float]] = {}
    for question in QUESTION_KEYS:
        ratings = []
        for number in range(len(plan.comparisons)):
            votes = votes_of(plan, kept, number, question)
            films = [votes.first_N[votes.clip_N == clip] for clip in np.unique(votes.clip_N)]
            ratings += [coding.astype(int) for first in films for coding in (first, ~first)]
        found = agreement(ratings)
        if found is not None:
            result[question] = {"share": found[0], "alpha": found[1]}
    return result
