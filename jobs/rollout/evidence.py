"""Whether a candidate does harm, told from figures that are looked at all the time. Only for the helper process."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.experiments.looks import split_p_value
from jobs.rollout.rollout import (
    CROWDS,
    Arm,
    ArmFigures,
    Crowd,
    Look,
    Measure,
    Rollout,
    Split,
    crowd_of,
    share_at,
    shares_of,
)
from jobs.store.rollouts import LiveVote, MetCustomer

ALPHA = 0.05
"""The risk, over a whole rollout and either crowd, of taking back a candidate that is as good as the baseline."""
MEASURES = 3
CONTENT_FROM = 4
"""Stars; CSAT is the share of those who give at least so many."""
WORDS = {
    "csat": "fewer customers are content",
    "thumbs": "more thumbs point down",
    "errors": "more customers are failed",
}


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A customer of an arm, content or not, when the candidate served ``share`` of all."""

    arm: Arm
    bad: bool
    share: float


def look_at(rollout: Rollout, votes: Sequence[LiveVote], customers: Sequence[MetCustomer]) -> Look:
    """What the live figures say, people and simulated customers apart."""
    measures = tuple(
        measure
        for crowd in CROWDS
        for measure in (
            _measure(crowd, "csat", _of_votes(rollout, votes, crowd, "stars")),
            _measure(crowd, "thumbs", _of_votes(rollout, votes, crowd, "thumb")),
            _measure(crowd, "errors", _of_customers(rollout, customers, crowd)),
        )
        if measure.baseline.n + measure.candidate.n
    )
    return Look(
        measures=measures,
        splits=tuple(_splits(rollout, customers)),
        harm=next((_harm(each) for each in measures if each.evidence >= MEASURES / ALPHA), None),
    )


def evidence_of_harm(observations: Iterable[Observation]) -> float:
    """How many times likelier the observations are if the candidate has more bad outcomes; its highest value so far.

    An e-process: while both arms are alike the chance that it ever reaches x is at most 1 / x, however often one
    looks. Each outcome is weighed by rates estimated from those before it; nothing counts while the candidate looks
    no worse.

    Source: Turner, Ly & Grünwald 2024, J Stat Plan Inference 230:106116 (two samples, with the share of the
    candidate as the weight of its arm); Ville 1939 for the bound.
    """
    bad: dict[Arm, float] = {"baseline": 0.5, "candidate": 0.5}
    n: dict[Arm, float] = {"baseline": 1.0, "candidate": 1.0}
    log_e = highest = 0.0
    for each in observations:
        rates = {arm: bad[arm] / n[arm] for arm in n}
        if rates["candidate"] > rates["baseline"] and 0 < each.share < 1:
            likely = {arm: rate if each.bad else 1 - rate for arm, rate in rates.items()}
            mixed = each.share * likely["candidate"] + (1 - each.share) * likely["baseline"]
            log_e += math.log(likely[each.arm] / mixed)
            highest = max(highest, log_e)
        bad[each.arm] += each.bad
        n[each.arm] += 1
    return math.exp(min(highest, 700.0))


def _measure(crowd: Crowd, name: str, observations: Sequence[Observation]) -> Measure:
    def figures(arm: Arm) -> ArmFigures:
        mine = [each.bad for each in observations if each.arm == arm]
        return ArmFigures(bad=sum(mine), n=len(mine))

    return Measure(
        crowd=crowd,
        name=name,  # type: ignore[arg-type]  # one of the three names above
        baseline=figures("baseline"),
        candidate=figures("candidate"),
        evidence=evidence_of_harm(observations),
    )


def _of_votes(rollout: Rollout, votes: Sequence[LiveVote], crowd: Crowd, kind: str) -> list[Observation]:
    """One voice a person and conversation, the latest; in the order of time."""
    latest: dict[tuple[str, str], LiveVote] = {}
    for each in votes:
        if crowd_of(each.source) == crowd and each.kind == kind:
            latest[each.voter, each.conversation] = each
    return [
        Observation(
            arm="candidate" if each.variant == rollout.candidate.name else "baseline",
            bad=each.value < CONTENT_FROM if kind == "stars" else each.value < 0,
            share=share_at(rollout.stages, each.at),
        )
        for each in sorted(latest.values(), key=lambda vote: vote.at)
    ]


def _of_customers(rollout: Rollout, customers: Sequence[MetCustomer], crowd: Crowd) -> list[Observation]:
    """Whether the assistant failed them; nobody is counted as failed or not before one was."""
    mine = [each for each in customers if crowd_of(each.source) == crowd]
    if not any(each.failed for each in mine):
        return []
    return [Observation(arm=each.arm, bad=each.failed, share=rollout.shares[each.stage]) for each in mine]


def _splits(rollout: Rollout, customers: Sequence[MetCustomer]) -> Iterable[Split]:
    for crowd in CROWDS:
        for stage, share in enumerate(rollout.shares):
            mine = [each.arm for each in customers if crowd_of(each.source) == crowd and each.stage == stage]
            if mine and share < 1:
                counts: dict[str, int] = {"baseline": mine.count("baseline"), "candidate": mine.count("candidate")}
                p = split_p_value(counts, {**shares_of(share)})
                yield Split(crowd=crowd, stage=stage, share=share, p=p, **counts)


def _harm(measure: Measure) -> str:
    who = "people" if measure.crowd == "people" else "simulated customers"
    b, c = measure.baseline, measure.candidate
    return (
        f"{WORDS[measure.name]} with the candidate ({who}: {c.bad} of {c.n} discontent, "
        f"{b.bad} of {b.n} with the baseline)"
    )
