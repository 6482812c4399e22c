"""Outputs as a judge reads them out of a conversation: a value of the right type, that there is none, or nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from jobs.chat_model import Schema
from jobs.judge.evidence import evidence, normal
from jobs.judge.model import Answer, NoJudgement, Text, object_of, object_schema
from jobs.model import Assessment, OutputSpec, Scenario, SlotValue, Transcript
from jobs.simulate.outputs import kind_of, normalised

INSTRUCTIONS = """\
Read the following out of what the assistant says; where it says several things, the last one counts.
'stated' is 'value' when it states one, 'none' when it states that there is none, 'not_stated' when it says nothing \
about it. 'value' is the value alone, as the assistant puts it, and empty unless 'stated' is 'value'; a text such as \
"None" that it states as the value is a value. 'quote' is the passage of the assistant's, word for word, and empty if \
nothing is stated. Do not work anything out, and do not take what the customer says.
"""
HOW: dict[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "money": "an amount of money with its currency",
    "time": "a time of day or a duration",
    "date": "a date",
    "str": "a text",
}


class _Output(Answer):
    name: Text
    stated: Literal["value", "none", "not_stated"]
    value: Text
    quote: Text


class Outputs(Answer):
    outputs: Annotated[list[_Output], Field(max_length=500)]


def question_for(specs: Sequence[OutputSpec]) -> str:
    listed = "\n".join(f"- {spec.name} ({HOW[kind_of(spec)]}): {spec.description}" for spec in specs)
    return f"{INSTRUCTIONS}{listed}"


def schema_for(specs: Sequence[OutputSpec]) -> Schema:
    output = object_of(
        name={"type": "string", "enum": [spec.name for spec in specs]},
        stated={"type": "string", "enum": ["value", "none", "not_stated"]},
        value={"type": "string"},
        quote={"type": "string"},
    )
    return object_schema("outputs", outputs={"type": "array", "items": output})


def merged(assessment: Assessment, answer: Outputs, transcript: Transcript, scenario: Scenario) -> Assessment:
    """The assessment with what the judge has evidence for; what it says nothing valid about stays, with a warning."""
    values, turns, doubts = dict(assessment.outputs), dict(assessment.output_turns), list[str]()
    given = {each.name: each for each in reversed(answer.outputs)}
    for spec in scenario.outputs:
        try:
            found = _believed(spec, given.get(spec.name), transcript)
        except NoJudgement as error:
            doubts.append(f"the output {spec.name!r} was read by rules: {error}")
            continue
        values.pop(spec.name, None)
        turns.pop(spec.name, None)
        if found is not None:
            values[spec.name], turns[spec.name] = found
    return replace(assessment, outputs=values, output_turns=turns, warnings=(*assessment.warnings, *doubts))


def _believed(spec: OutputSpec, said: _Output | None, transcript: Transcript) -> tuple[SlotValue | None, int] | None:
    """The value and where it was stated; None = it was not."""
    if said is None:
        raise NoJudgement("the judge left it out")
    if said.stated == "not_stated":
        return None
    turn = evidence(said.quote, transcript, "assistant", short=True)
    if said.stated == "none":
        return None, turn
    if kind_of(spec) == "str" and normal(said.value) not in normal(said.quote):
        raise NoJudgement("what the judge found does not stand in its evidence")
    value = normalised(spec, said.value if normal(said.value) in normal(said.quote) else said.quote)
    if value is None:
        raise NoJudgement(f"what the judge found is not {HOW[kind_of(spec)]}")
    return value, turn
