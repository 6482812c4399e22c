"""What an assistant understood, read by a judge from its answers where it does not say so itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from jobs.chat_model import Schema
from jobs.judge.evidence import evidence, told
from jobs.judge.model import Answer, NoJudgement, Text, object_of, object_schema
from jobs.model import Scenario, Transcript, Understood

ANOTHER = "another intent"
UNCLEAR = "unclear"

INSTRUCTIONS = """\
The assistant does not say what it understood. For each of the answers listed below, tell what it took the customer's \
message before it for, judging by that answer alone and not by what the customer meant.
'intent' is one of: {intents}. '{another}' is for anything else that it clearly took the message for, '{unclear}' for \
an answer that does not show it.
'entities' are the values that the answer shows it understood, in the words of the answer; leave out those it does not \
show.
'quote' is the passage of that very answer that shows it, word for word.
"""


@dataclass(frozen=True, kw_only=True)
class OpenTurn:
    """An answer of which something is expected that it does not tell.

    Args:
        position: 0-based index into the transcript.
        intents: what the case expects anywhere; empty = no intent is asked for here.
        entities: the names of those that are looked for.
    """

    position: int
    intents: tuple[str, ...]
    entities: tuple[str, ...]


class _Entity(Answer):
    name: Text
    value: Text


class _Turn(Answer):
    turn: int
    intent: Text
    entities: Annotated[list[_Entity], Field(max_length=50)]
    quote: Text


class Turns(Answer):
    turns: Annotated[list[_Turn], Field(max_length=500)]


def open_turns(transcript: Transcript, scenario: Scenario) -> tuple[OpenTurn, ...]:
    """The answers to the lines of a test case that do not tell what the case expects of them."""
    case = scenario.case
    if case is None:
        return ()
    turns = transcript.turns
    speakers = [turn.speaker for turn in turns]
    answers = [place for place in range(1, len(turns)) if speakers[place - 1 : place + 1] == ["user", "assistant"]]
    answers = answers[len(case.context) :]
    intents = tuple(dict.fromkeys(each.intent for each in case.turns if each.intent is not None))
    found: list[OpenTurn] = []
    for line, position in zip(case.turns, answers, strict=False):
        reply = turns[position]
        if reply.fallback or reply.intent is not None:
            continue  # it says itself what it understood
        wanted = tuple(line.entities) if not reply.entities else ()
        if line.intent is not None or wanted:
            asked = intents if line.intent is not None else ()
            found.append(OpenTurn(position=position, intents=asked, entities=wanted))
    return tuple(found)


def question_for(wanted: Sequence[OpenTurn]) -> str:
    listed = "\n".join(f"- [{each.position + 1}]{_looked_for(each)}" for each in wanted)
    words = {"{intents}": ", ".join(_intents(wanted)) or UNCLEAR, "{another}": ANOTHER, "{unclear}": UNCLEAR}
    told_all = INSTRUCTIONS
    for place, word in words.items():
        told_all = told_all.replace(place, word)
    return f"{told_all}The answers:\n{listed}"


def schema_for(wanted: Sequence[OpenTurn]) -> Schema:
    names = list(dict.fromkeys(name for each in wanted for name in each.entities))
    entity = object_of(
        name={"type": "string", "enum": names} if names else {"type": "string"}, value={"type": "string"}
    )
    turn = object_of(
        turn={"type": "integer", "enum": [each.position + 1 for each in wanted]},
        intent={"type": "string", "enum": [*_intents(wanted), ANOTHER, UNCLEAR]},
        entities={"type": "array", "items": entity},
        quote={"type": "string", "description": "The passage of that answer that shows it, word for word."},
    )
    return object_schema("understood", turns={"type": "array", "items": turn})


def believed(answer: Turns, wanted: Sequence[OpenTurn], transcript: Transcript) -> Iterator[Understood]:
    """What the judge says of answers it was asked about, each once, with a passage that stands in that very answer."""
    asked: Mapping[int, OpenTurn] = {each.position: each for each in wanted}
    told_once: set[int] = set()
    for each in answer.turns:
        position = each.turn - 1
        about = asked.get(position)
        if about is None or position in told_once:
            continue
        told_once.add(position)
        try:
            evidence(each.quote, transcript, "assistant", at=position, short=True)
        except NoJudgement:
            continue
        known = each.intent in about.intents or (bool(about.intents) and each.intent == ANOTHER)
        yield Understood(
            turn=position,
            intent=each.intent if known else None,
            entities={entity.name: entity.value for entity in each.entities if entity.name in about.entities},
            evidence=told(each.quote),
        )


def _intents(wanted: Sequence[OpenTurn]) -> list[str]:
    return list(dict.fromkeys(intent for each in wanted for intent in each.intents))


def _looked_for(each: OpenTurn) -> str:
    looked = ["its intent"] if each.intents else []
    looked += [f"the entities {', '.join(each.entities)}"] if each.entities else []
    return f" {' and '.join(looked)}"
