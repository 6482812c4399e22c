"""The gates that a change must pass before it may serve anybody. Only for the helper process.

All must be passed; one that fails refuses the change, and one that stays open leaves everything open: what is not
shown never passes by itself.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.actions._action import Action, Decision, Outcome
from jobs.actions._verify import PLAYED, Both, by_case, pairs_of, problems_in
from jobs.experiments.analysis import ALPHA, FEWEST
from jobs.experiments.gates import DEFAULT_LIMITS, Gate, GateVerdict, Limit, gate
from jobs.experiments.inference import bootstrap_pairs, mcnemar_midp, mean_t
from jobs.model import Conversation
from jobs.report.summary import answer_times

MARGIN = 0.05
"""The share of conversations by which success may fall where the baseline hardly succeeds at all."""
RARELY = 0.2
"""A baseline that succeeds less often has no share of its success to keep; the margin is absolute then."""
OTHER_MARGIN = 0.1
"""Further problems a conversation, on the average, that count as no more than before."""
SUCCESS, LATENCY, COST = DEFAULT_LIMITS

Pair = tuple[Conversation, Conversation]


@dataclass(frozen=True, kw_only=True)
class _Found:
    verdict: GateVerdict
    reason: str


def judge_change(action: Action, played: Sequence[Both], seen: frozenset[str]) -> Outcome:
    """The decision on a change, and each gate in a sentence."""
    target = action.content.target
    everything = [pair for both in played if both.target == target for pair in pairs_of(both, seen)]
    pairs = [pair for pair in everything if all(each.verdict.outcome in PLAYED for each in pair)]
    suites = [both for both in played if both.target != target]
    looks = max(1, action.progress.attempt)
    found = [
        _improvement(action, pairs, looks),
        _success(pairs),
        _others(action, pairs),
        *_figures(pairs),
        _errors(everything),
        *(each for both in suites for each in _regressions(both)),
    ]
    before, after = ([problems_in(action, pair[arm])[0] for pair in pairs] for arm in (0, 1))
    low, high = _interval(before, after)
    return Outcome(
        decision=_decision([each.verdict for each in found]),
        reasons=tuple(each.reason for each in sorted(found, key=lambda each: _ORDER[each.verdict])),
        pairs=len(pairs),
        problem_before=sum(before),
        problem_after=sum(after),
        success_before=sum(_passed(a) for a, _ in pairs),
        success_after=sum(_passed(b) for _, b in pairs),
        improvement=(sum(before) - sum(after)) / len(pairs) if pairs else None,
        low=low,
        high=high,
    )


_ORDER: dict[GateVerdict, int] = {"fail": 0, "inconclusive": 1, "pass": 2}


def _decision(verdicts: Sequence[GateVerdict]) -> Decision:
    if "fail" in verdicts:
        return "REJECT"
    return "INCONCLUSIVE" if "inconclusive" in verdicts else "APPROVE"


def _improvement(action: Action, pairs: Sequence[Pair], looks: int) -> _Found:
    """What it was made for must get better, whatever else does."""
    before, after = ([problems_in(action, pair[arm])[0] for pair in pairs] for arm in (0, 1))
    mended = sum(b and not a for b, a in zip(before, after, strict=True))
    caused = sum(a and not b for b, a in zip(before, after, strict=True))
    p = min(1.0, mcnemar_midp(caused, mended) * looks)  # every further attempt is a further chance to be lucky
    seen = f"the problem: {sum(before)} of {len(pairs)} conversations before, {sum(after)} after"
    if len(pairs) >= FEWEST and p < ALPHA:
        better = mended > caused
        return _Found(
            verdict="pass" if better else "fail", reason=f"{seen}; {'better' if better else 'worse'} (p {_p(p)})"
        )
    return _Found(verdict="inconclusive", reason=f"{seen}; no difference shown (p {_p(p)})")


def _success(pairs: Sequence[Pair]) -> _Found:
    decided = [pair for pair in pairs if all(each.verdict.outcome in ("passed", "failed") for each in pair)]
    a, b = ([float(_passed(pair[arm])) for pair in decided] for arm in (0, 1))
    if not decided or sum(a) / len(a) >= RARELY:
        return _of_gate(gate(SUCCESS, a, b), "success")
    shown = f"success: {sum(a):.0f} of {len(a)} before, {sum(b):.0f} after"
    margins = np.append(np.asarray(b) - np.asarray(a) + MARGIN, (1 + MARGIN, MARGIN - 1))
    return _by_margin(margins, len(decided), f"{shown}; not lower by more than {MARGIN:.0%} of all")


def _others(action: Action, pairs: Sequence[Pair]) -> _Found:
    """A change that mends one thing and breaks another is no mend, also where nothing passes anyway."""
    counts = [[problems_in(action, pair[arm])[1] for pair in pairs] for arm in (0, 1)]
    shown = f"other problems: {sum(counts[0])} before, {sum(counts[1])} after"
    if len(pairs) < FEWEST:
        return _Found(verdict="inconclusive", reason=f"{shown} in only {len(pairs)} pairs")
    margins = OTHER_MARGIN - (np.asarray(counts[1], dtype=float) - np.asarray(counts[0], dtype=float))
    return _by_margin(margins, len(pairs), f"{shown}; not more")


def _by_margin(margins: "np.ndarray[tuple[int], np.dtype[np.float64]]", n: int, said: str) -> _Found:
    if n < FEWEST:
        return _Found(verdict="inconclusive", reason=f"{said}: too few pairs ({n})")
    p = mean_t(margins).p / 2
    p = p if float(margins.mean()) > 0 else 1 - p
    verdict: GateVerdict = "pass" if p < ALPHA else "fail" if 1 - p < ALPHA else "inconclusive"
    return _Found(verdict=verdict, reason=f"{said}: {verdict}")


def _figures(pairs: Sequence[Pair]) -> Iterator[_Found]:
    times = [(_latency(a), _latency(b)) for a, b in pairs]
    known = [(a, b) for a, b in times if a and b]
    if known:
        yield _of_gate(gate(LATENCY, *zip(*known, strict=True)), "latency")
    costs = [(a.cost_usd, b.cost_usd) for a, b in pairs if a.cost_usd is not None and b.cost_usd is not None]
    if costs and any(a for a, _ in costs):
        yield _of_gate(gate(COST, *zip(*costs, strict=True)), "cost")


def _errors(pairs: Sequence[Pair]) -> _Found:
    """Conversations that only the new variant breaks off."""
    new = sum(b.verdict.outcome == "assistant_error" != a.verdict.outcome for a, b in pairs)
    verdict: GateVerdict = "pass" if new == 0 else "fail" if new >= 3 else "inconclusive"
    return _Found(verdict=verdict, reason=f"errors that the baseline does not have: {new}")


def _regressions(both: Both) -> Iterator[_Found]:
    """Test cases that always passed and now never do."""
    before, after = by_case(both.a), by_case(both.b)
    shared = [name for name in before if name in after]
    broken = [name for name in shared if all(before[name]) and not any(after[name])]
    if broken:
        listed = ", ".join(broken[:5]) + (" …" if len(broken) > 5 else "")
        yield _Found(verdict="fail", reason=f"suite {both.target}: no longer passing: {listed}")
    elif shared:
        yield _Found(verdict="pass", reason=f"suite {both.target}: all {len(shared)} cases as before, or better")
    else:
        yield _Found(verdict="inconclusive", reason=f"suite {both.target}: no case could be judged")


def _of_gate(found: Gate, name: str) -> _Found:
    seen = f"{found.ratio:.0%} of the baseline's in {found.n} pairs" if found.ratio is not None else f"{found.n} pairs"
    more = f"; about {found.needs_n - found.n} more pairs would tell" if found.needs_n is not None else ""
    return _Found(verdict=found.verdict, reason=f"{name}: {seen}; {_words(found.limit)}: {found.verdict}{more}")


def _words(limit: Limit) -> str:
    return f"{'at least' if limit.better == 'higher' else 'less than'} {limit.share:.0%} is wanted"


def _passed(conversation: Conversation) -> bool:
    return conversation.verdict.outcome == "passed"


def _latency(conversation: Conversation) -> float | None:
    times = answer_times(conversation)
    return math.fsum(times) / len(times) if times else None


def _interval(before: Sequence[bool], after: Sequence[bool]) -> tuple[float | None, float | None]:
    """Of the difference of the two shares, above zero when fewer have the problem."""
    if not before:
        return None, None
    mended = sum(b and not a for b, a in zip(before, after, strict=True))
    caused = sum(a and not b for b, a in zip(before, after, strict=True))
    return bootstrap_pairs(caused, mended, len(before))


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
