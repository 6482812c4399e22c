"""What a judge is shown of a conversation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from jobs.model import Scenario, Transcript, Turn

LONGEST_TURN = 4_000
LONGEST_TRANSCRIPT = 60_000


def facts(scenario: Scenario) -> str:
    wants = "\n".join(f"- {goal.text}" for goal in scenario.goals)
    about = "\n".join(f"- {each}" for each in scenario.context)
    return f"What the customer came for:\n{wants}\n" + (f"About the customer:\n{about}\n" if about else "")


def as_material(transcript: Transcript) -> str:
    """The conversation as numbered utterances, each bounded; what is left out of a long one is said."""
    lines = list(_lines(transcript.turns))
    while len(lines) > 2 and sum(map(len, lines)) > LONGEST_TRANSCRIPT:
        del lines[len(lines) // 2]  # beginnings say what is wanted, ends what came of it
    left_out = len(transcript.turns) - len(lines)
    return "\n".join([*lines, f"({left_out} utterances in the middle are left out)"] if left_out else lines)


def _lines(turns: Sequence[Turn]) -> Iterator[str]:
    for number, turn in enumerate(turns, 1):
        text = turn.text if len(turn.text) <= LONGEST_TURN else f"{turn.text[:LONGEST_TURN]} …"
        tools = "".join(
            f"\n  (used the tool {_call(call.name, call.arguments)}{_result(call.ok)})" for call in turn.tool_calls
        )
        yield f"[{number}] {turn.speaker.upper()}: {text}{tools}"


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name}({orjson.dumps(arguments, default=str).decode()[:500]})"


def _result(ok: bool | None) -> str:
    return "" if ok is None else ", which worked" if ok else ", which failed"
