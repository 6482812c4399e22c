"""Whether an assistant's answers are what a test case expects: turn by turn, and over the whole conversation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.metrics._reading import is_fallback
from jobs.metrics.good_turns import CHECK as GOOD_TURNS
from jobs.model import Case, CaseTurn, Check, Pattern, ResponseType, Transcript, Turn
from jobs.patterns import folded, is_in
from jobs.simulate import cues

LONGEST_SHOWN = 80
REFUSES = re.compile(
    r"\b(?:can't|cannot|can not|won't|will not|unable to|not able to|not allowed to|(?:do not|don't) have"
    r"|not (?:available|possible|on (?:our|the) menu)|unfortunately|i'm afraid|i am afraid)\b",
    re.IGNORECASE,
)
GREETS = re.compile(
    r"^\W*(?:hi|hello|hey|welcome|good (?:morning|afternoon|evening|day)|hallo|guten tag|hola|bonjour|ciao)\b",
    re.IGNORECASE,
)
NUMBER = re.compile(r"[-+]?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
SEVERAL = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")


@dataclass(frozen=True, kw_only=True)
class JudgedTurn:
    """The checks of one answer."""

    checks: tuple[Check, ...]

    @property
    def good(self) -> bool | None:
        """None when that cannot be told."""
        if any(check.ok is False for check in self.checks):
            return False
        return None if any(check.ok is None for check in self.checks) else True


def replies_of(transcript: Transcript) -> tuple[Turn, ...]:
    """The answers to the customer's turns, in their order; the last turn may have got none."""
    turns = transcript.turns
    return tuple(
        turns[place]
        for place in range(1, len(turns))
        if turns[place].speaker == "assistant" and turns[place - 1].speaker == "user"
    )


def judged_turns(case: Case, replies: Sequence[Turn], *, fallback: str | None) -> tuple[JudgedTurn, ...]:
    """Every turn of which something is expected."""
    judged: list[JudgedTurn] = []
    for place, expected in enumerate(case.turns):
        where = f"turn {place + 1}: " if len(case.turns) > 1 else ""
        if place < len(replies):
            checks = tuple(_turn_checks(where, expected, replies[place], fallback))
        else:
            reason = "the conversation ended before everything was said"
            checks = (Check(name=f"{where}answer", ok=False, reason=reason),)
        if checks:
            judged.append(JudgedTurn(checks=checks))
    return tuple(judged)


def good_turns(case: Case, judged: Sequence[JudgedTurn]) -> Check | None:
    """Whether the share of good turns is large enough; None when nothing is expected of any turn."""
    if not judged:
        return None
    verdicts = [turn.good for turn in judged]
    good, unknown = verdicts.count(True) / len(verdicts), verdicts.count(None) / len(verdicts)
    ok = True if good >= case.good_turns else False if good + unknown < case.good_turns else None
    reason = f"fewer than {case.good_turns:.0%} of the turns are as expected" if ok is False else ""
    if ok is None:
        reason = "whether enough turns are as expected cannot be told"
    missed = [check.reason for turn in judged for check in turn.checks if check.ok is not True]
    if missed and len(judged) == 1:
        reason = missed[0]  # of one turn a share says nothing more
    return Check(name=GOOD_TURNS, ok=ok, reason=reason, value=None if unknown else good)


def overall_checks(case: Case, replies: Sequence[Turn]) -> Iterator[Check]:
    """What must and must not be said, and which tools are used."""
    said = "\n".join(reply.text for reply in replies)
    for pattern in case.must:
        ok = is_in(pattern, said)
        yield Check(name=f"says {_shown(pattern)}", ok=ok, reason="" if ok else f"never said {_shown(pattern)}")
    for pattern in case.must_not:
        ok = not is_in(pattern, said)
        yield Check(
            name=f"does not say {_shown(pattern)}",
            ok=ok,
            reason="" if ok else f"said {_shown(pattern)}, which it must not",
        )
    if case.tools is not None:
        yield _tools(case.tools, {call.name for reply in replies for call in reply.tool_calls})


def _tools(expected: Sequence[str], used: set[str]) -> Check:
    missing, extra = [each for each in expected if each not in used], sorted(used - set(expected))
    reasons = [f"the tool {name!r} was not used" for name in missing]
    reasons += [f"the tool {_cut(name)!r} was used, and should not be" for name in extra[:3]]
    return Check(name="tools", ok=not reasons, reason="; ".join(reasons))


# --- one answer -------------------------------------------------------------------------------------------------------


def _turn_checks(where: str, expected: CaseTurn, reply: Turn, fallback: str | None) -> Iterator[Check]:
    if expected.intent is not None:
        yield _intent(where, expected.intent, reply)
    for name, values in expected.entities.items():
        yield _entity(where, name, values, reply)
    if expected.response_type is not None:
        found = response_types(reply, fallback)
        ok = expected.response_type in found
        reason = f"expected an answer of the type {expected.response_type!r}, it is {_listed(sorted(found))}"
        yield Check(name=f"{where}response type", ok=ok, reason="" if ok else reason)
    for pattern in expected.patterns:
        ok = is_in(pattern, reply.text)
        reason = "" if ok else f"the answer does not have {_shown(pattern)}"
        yield Check(name=f"{where}has {_shown(pattern)}", ok=ok, reason=reason)


def _intent(where: str, expected: str, reply: Turn) -> Check:
    name = f"{where}intent"
    if reply.intent is None and reply.fallback:
        return Check(name=name, ok=False, reason=f"the intent {expected!r} was not understood")
    if reply.intent is None:
        judged = f"whether the intent {expected!r} was understood is not known: the answer does not show it"
        reason = judged if reply.judged else "the assistant does not say which intent it understood"
        return Check(name=name, ok=None, reason=reason)
    ok = folded(reply.intent) == folded(expected)
    reason = f"the intent {expected!r} was taken for {_cut(reply.intent)!r}"
    return Check(name=name, ok=ok, reason="" if ok else reason)


def _entity(where: str, name: str, expected: tuple[str, ...], reply: Turn) -> Check:
    check = f"{where}entity {name}"
    wanted = ", ".join(expected)
    if name in reply.entities:
        found = reply.entities[name]
        ok = same_value(expected, found)
        reason = f"the entity {name!r} should be {wanted!r}, it is {_cut(found)!r}"
        return Check(name=check, ok=ok, reason="" if ok else reason)
    if reply.judged:
        reason = f"whether the entity {name!r} was understood is not known: the answer does not show it"
        return Check(name=check, ok=None, reason=reason)
    if not reply.entities and reply.intent is None and not reply.fallback:
        return Check(name=check, ok=None, reason="the assistant does not say which entities it found")
    return Check(name=check, ok=False, reason=f"the entity {name!r} ({wanted}) was not found")


def same_value(expected: tuple[str, ...], found: str) -> bool:
    """Numbers are compared as numbers, everything else without case and spaces; several values as a set."""
    if len(expected) == 1:
        return _value(expected[0]) == _value(found)
    return {_value(each) for each in expected} == {_value(each) for each in SEVERAL.split(found) if each}


def _value(text: str) -> str | float:
    plain = folded(text)
    return float(plain) if NUMBER.fullmatch(plain) else plain


def response_types(reply: Turn, fallback: str | None) -> frozenset[ResponseType]:
    """What an answer is; it can be several things at once. Everything but the fallback and tools is read by English
    wordings, greetings by those of a few languages more."""
    if is_fallback(reply, fallback):
        return frozenset({"fallback"})
    text = reply.text.replace("’", "'")
    sentences = [each for each in SENTENCE_END.split(text) if each.strip()]
    statements = [each for each in sentences if not each.rstrip(" )\"'").endswith("?")]
    says_more = any(not GREETS.search(each) and not cues.FAREWELLS.search(each) for each in statements)
    is_it: Mapping[ResponseType, bool] = {
        "information": says_more,
        "question": len(statements) < len(sentences),
        "confirmation": bool(cues.DONE.search(text) or cues.READS_BACK.search(text) or cues.CONFIRMS.search(text)),
        "action": any(call.ok is not False for call in reply.tool_calls),
        "refusal": bool(REFUSES.search(text)),
        "greeting": bool(GREETS.search(text)),
        "farewell": bool(cues.FAREWELLS.search(text)),
    }
    return frozenset(name for name, yes in is_it.items() if yes)


def _shown(pattern: Pattern) -> str:
    return f"/{_cut(pattern.text)}/" if pattern.is_regex else repr(_cut(pattern.text))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) or "none of the known types"
