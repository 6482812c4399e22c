"""What is wrong in a run, and in what people say: problems with the conversations that have them. For the helper."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from jobs.actions._action import Problem, Quote
from jobs.model import Conversation, Run
from jobs.redact import redact_personal
from jobs.store.votes import Comment

FEWEST = 3
"""Conversations or comments with the same problem, from which something is proposed."""
MOST_QUOTED = 3
"""Conversations of which an exchange is quoted."""
LONGEST_QUOTE = 220
SLOW_MS = 3000
RARE = 0.5
"""Words that more than two exchanges have say nothing about which one shows it."""
JUDGED = ("passed", "failed")
LOW_STARS = 2


def problems_of_run(run: Run, conversations: Sequence[Conversation]) -> tuple[Problem, ...]:
    """What several conversations of a run have in common that should not be, the most frequent first."""
    judged = [each for each in conversations if each.verdict.outcome in JUDGED]
    found = [*_reasons(run, judged), *_tags(run, judged), *_rules(run, judged), *_slow(run, judged)]
    found += _errors(run, conversations)
    return tuple(sorted(found, key=lambda each: -each.touched))


def has_problem(problem: Problem, conversation: Conversation) -> bool:
    """Whether a conversation has the problem; what was found in comments or by hand shows as not passing."""
    match problem.kind:
        case "reason" | "security":
            return problem.key in map(reason_key, conversation.verdict.reasons)
        case "tag":
            return problem.key in conversation.scenario.tags and conversation.verdict.outcome == "failed"
        case "rule":
            return conversation.rules.get(problem.key) == "fail"
        case "slow":
            return is_slow(conversation)
        case "error":
            return conversation.verdict.outcome == "assistant_error"
        case "theme" | "hand":
            return conversation.verdict.outcome != "passed"


def other_reasons(problem: Problem, conversation: Conversation) -> int:
    """How many other things are wrong with the conversation."""
    return len({reason_key(each) for each in conversation.verdict.reasons} - {problem.key})


def reason_key(reason: str) -> str:
    return " ".join(reason.casefold().rstrip(".").split())


def is_slow(conversation: Conversation) -> bool:
    return any((turn.latency_ms or 0) > SLOW_MS for turn in conversation.transcript.turns)


def _reasons(run: Run, judged: Sequence[Conversation]) -> Iterator[Problem]:
    texts: dict[str, str] = {}
    for each in judged:
        if each.verdict.outcome == "failed":
            for reason in each.verdict.reasons:
                texts.setdefault(reason_key(reason), reason)
    for key, text in texts.items():
        touched = [each for each in judged if key in map(reason_key, each.verdict.reasons)]
        is_attack = all("security" in each.scenario.tags for each in touched)
        alone = sum(len({reason_key(reason) for reason in each.verdict.reasons}) == 1 for each in touched)
        if len(touched) >= FEWEST or (is_attack and touched):
            kind = "security" if is_attack else "reason"
            yield _problem(run, kind, key, text, touched, alone=alone, n=len(judged))


def _tags(run: Run, judged: Sequence[Conversation]) -> Iterator[Problem]:
    """Failed test cases by their tags, where no reason is common enough to say more."""
    for tag in dict.fromkeys(tag for each in judged for tag in each.scenario.tags if each.scenario.case):
        of_tag = [each for each in judged if tag in each.scenario.tags]
        failed = [each for each in of_tag if each.verdict.outcome == "failed"]
        if len(failed) >= FEWEST:
            why = "; ".join(failed[0].verdict.reasons[:1])
            text = f"test cases with the tag {tag!r} fail{': ' if why else ''}{why}"
            yield _problem(run, "tag", tag, text, failed, alone=len(failed), n=len(of_tag))


def _rules(run: Run, judged: Sequence[Conversation]) -> Iterator[Problem]:
    for name in dict.fromkeys(name for each in judged for name in each.rules):
        applied = [each for each in judged if each.rules.get(name) in ("pass", "fail")]
        broken = [each for each in applied if each.rules[name] == "fail"]
        if len(broken) >= FEWEST:
            yield _problem(
                run, "rule", name, f"the rule {name.replace('_', ' ')!r} is broken", broken, alone=0, n=len(applied)
            )


def _slow(run: Run, judged: Sequence[Conversation]) -> Iterator[Problem]:
    slow = [each for each in judged if is_slow(each)]
    if len(slow) >= FEWEST:
        text = f"answers take longer than {SLOW_MS / 1000:g} s"
        yield _problem(run, "slow", "slow", text, slow, alone=len(slow), n=len(judged))


def _errors(run: Run, conversations: Sequence[Conversation]) -> Iterator[Problem]:
    played = [each for each in conversations if each.verdict.outcome in (*JUDGED, "assistant_error")]
    broken = [each for each in played if each.verdict.outcome == "assistant_error"]
    if len(broken) >= FEWEST:
        text = f"the assistant fails: {broken[0].transcript.error or 'no answer'}"
        yield _problem(run, "error", "assistant_error", text, broken, alone=len(broken), n=len(played))


def _problem(
    run: Run, kind: str, key: str, text: str, touched: Sequence[Conversation], *, alone: int, n: int
) -> Problem:
    return Problem(
        kind=kind,  # type: ignore[arg-type]  # one of the kinds above
        key=key,
        text=redact_personal(text)[:400],
        touched=len(touched),
        alone=alone,
        n=n,
        quotes=tuple(quote for each in touched[:MOST_QUOTED] for quote in _quotes(run, each, text)),
        numbers=tuple(each.number for each in touched),
    )


def _quotes(run: Run, conversation: Conversation, text: str) -> Iterator[Quote]:
    """The exchange that shows it best: the one with the rarest words in common with what is wrong, else the last one
    that says a figure."""
    turns = conversation.transcript.turns
    exchanges = {
        place: " ".join(each.text for each in turns[max(0, place - 1) : place + 1])
        for place, turn in enumerate(turns)
        if turn.speaker == "assistant"
    }
    if not exchanges:
        return
    stems = {place: _stems(said) & _stems(text) for place, said in exchanges.items()}
    common = Counter(stem for each in stems.values() for stem in each)
    weights = {place: sum(1 / common[stem] for stem in each) for place, each in stems.items()}
    place = max(exchanges, key=lambda each: (weights[each] >= RARE, weights[each], _has_figure(exchanges[each]), each))
    if weights[place] < RARE:
        place = max(exchanges, key=lambda each: (_has_figure(exchanges[each]), each))
    if place and turns[place - 1].speaker == "user":
        yield _quote(run, conversation, turns[place - 1].text, "customer")
    yield _quote(run, conversation, turns[place].text, "assistant")


def _has_figure(text: str) -> bool:
    return bool(re.search(r"\d[.,]\d\d", text))


def _quote(run: Run, conversation: Conversation, text: str, speaker: Literal["customer", "assistant"]) -> Quote:
    said = redact_personal(text[: 2 * LONGEST_QUOTE])[:LONGEST_QUOTE]
    return Quote(text=said, speaker=speaker, run_id=run.id, number=conversation.number)


def _stems(text: str) -> frozenset[str]:
    """The beginnings of the words that say something."""
    return frozenset(word[:5] for word in re.findall(r"[^\W\d_]{4,}", text.casefold()))


# --- what people say ------------------------------------------------------------------------------------------------


def problems_of_comments(
    comments: Sequence[Comment], themes: Callable[[Sequence[str]], Sequence[Sequence[int]]]
) -> tuple[Problem, ...]:
    """What three or more discontent people write about; ``n`` is everybody who wrote.

    Args:
        themes: groups of texts, as their indices.
    """
    low = [each for each in comments if _is_low(each)]
    found: list[Problem] = []
    for members in themes([each.text for each in low]):
        if len(members) >= FEWEST:
            said = [low[place] for place in members]
            text = f"people are discontent: {said[0].text[:LONGEST_QUOTE]}"
            found.append(
                Problem(
                    kind="theme",
                    key=reason_key(said[0].text)[:120],
                    text=redact_personal(text),
                    touched=len(said),
                    alone=len(said),
                    n=len(comments),
                    quotes=tuple(
                        Quote(text=each.text[:LONGEST_QUOTE], speaker="feedback") for each in said[:MOST_QUOTED]
                    ),
                )
            )
    return tuple(found)


def _is_low(comment: Comment) -> bool:
    if comment.value is None:
        return False
    return comment.value < 0 if comment.kind == "thumb" else comment.value <= LOW_STARS
