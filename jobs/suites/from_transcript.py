"""Turns what was said in a conversation into a suite of one test case, as text that people can go on editing."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from jobs.model import Conversation, Goal, Outcome, Turn
from jobs.redact import redact
from jobs.report.as_text import printable

MOST_TURNS = 100
LONGEST_TURN = 2_000
LONGEST_COMMENT = 160
MOST_CRITERIA = 12
PLACEHOLDER = re.compile(r"\{\{")


def case_of_run(conversation: Conversation, *, name: str) -> str:
    """A conversation of a run. One that passed expects the same intents and tools again; of one that did not, what
    the customer wanted is to be found in the answers."""
    scenario, passed = conversation.scenario, conversation.verdict.outcome == "passed"
    wanted = "; ".join(goal.text for goal in scenario.goals) or scenario.profile
    case: dict[str, Any] = {"description": _text(wanted)[:300], "category": "regression"}
    if scenario.persona:
        case["persona"] = _text(scenario.persona)[:100]
    if scenario.language != "English":
        case["language"] = _text(scenario.language)[:50]
    if tags := [_text(tag)[:50] for tag in scenario.tags]:
        case["tags"] = tags
    if scenario.assistant_starts:
        case["is_starter"] = True
    case["turns"] = _turns(conversation.transcript.turns, with_intents=passed)
    if passed:
        case["expected_tools"] = _tools(conversation.transcript.turns)
    elif criteria := list(_criteria(scenario.goals)):
        case["success_criteria"] = criteria
    return _document(name, case, _comments(conversation.verdict.outcome, conversation.verdict.reasons))


def case_of_thread(turns: Sequence[Turn], *, name: str) -> str:
    """What somebody said to an assistant in a thread; what should have been answered is theirs to write."""
    first = next((turn.text for turn in turns if turn.speaker == "user"), "")
    case = {"description": _text(first)[:300], "category": "regression", "turns": _turns(turns, with_intents=False)}
    return _document(name, case, ("made from a live thread; say below what is expected of the answers",))


def _turns(turns: Sequence[Turn], *, with_intents: bool) -> list[dict[str, Any]]:
    """The customer's turns; an intent is that of the answer that follows."""
    made: list[dict[str, Any]] = []
    for turn in turns:
        if turn.speaker == "user":
            made.append({"user": _text(turn.text)[:LONGEST_TURN] or "…"})
        elif made and with_intents and turn.intent and "expected_intent" not in made[-1]:
            made[-1]["expected_intent"] = _text(turn.intent)[:100]
    return made[:MOST_TURNS]


def _tools(turns: Sequence[Turn]) -> list[str]:
    return list(dict.fromkeys(_text(call.name)[:100] for turn in turns for call in turn.tool_calls))


def _criteria(goals: Sequence[Goal]) -> Iterator[str]:
    """The values that the customer asked for."""
    values = dict.fromkeys(_text(str(value)) for goal in goals for slot in goal.slots for value in slot.values)
    yield from [value[:200] for value in values if value][:MOST_CRITERIA]


def _comments(outcome: Outcome, reasons: Sequence[str]) -> Sequence[str]:
    said = [f"made from a conversation that {'passed' if outcome == 'passed' else 'did not pass'}"]
    return (*said, *reasons[:5])


def _document(name: str, case: dict[str, Any], comments: Sequence[str]) -> str:
    lines = [f"# {_text(comment)[:LONGEST_COMMENT]}" for comment in comments]
    lines.append("# a turn may also have expected_patterns, expected_entities and expected_response_type")
    content = {"suite": name, "cases": [{"name": name, **case}]}
    written = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    return "\n".join(lines) + "\n" + written


def _text(text: str) -> str:
    """On one line, without secrets and control characters, and with nothing that would be made up anew."""
    line = " ".join(printable(redact(text)).split())
    return PLACEHOLDER.sub("{ {", line)
