"""Questions of rules that only a model can answer, answered by the judge."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from jobs.judge.evidence import ADDRESSES_A_JUDGE, normal, told
from jobs.judge.model import Answer, JudgeModel, NoJudgement, Text, object_schema
from jobs.rules.values import Question, QuestionKind

MOST_AT_ONCE = 50
LONGEST_MATERIAL = 60_000
LANGUAGES = ("ENG", "ESP", "FR", "GER", "IT", "POR", "CHI", "JAP", "OTHER")
TONES = ("POSITIVE", "NEGATIVE", "NEUTRAL")
SHORTEST_EVIDENCE = 2

_QUOTE = {"type": "string", "description": "The passage that shows it, word for word; empty if there is none."}
_NUMBERED = re.compile(r"^(\d+) - ", re.MULTILINE)


class _Tone(Answer):
    tone: Literal["POSITIVE", "NEGATIVE", "NEUTRAL"]


class _Language(Answer):
    language: Literal["ENG", "ESP", "FR", "GER", "IT", "POR", "CHI", "JAP", "OTHER"]


class _Holds(Answer):
    holds: bool
    quote: Text


class _Deviations(Answer):
    deviations: Annotated[list[Text], Field(max_length=200)]


class _Utterance(Answer):
    number: int
    quote: Text


async def answer_questions(questions: Iterable[Question], judge: JudgeModel) -> Mapping[Question, Any]:
    """What the judge answers; a question without a valid answer is left out, and what asked it stays unscored."""
    at_once = asyncio.Semaphore(MOST_AT_ONCE)
    wanted = sorted(questions, key=lambda each: (each.kind, each.about, each.material))
    answers: dict[Question, Any] = {}

    async def answer(question: Question) -> None:
        async with at_once:
            try:
                answers[question] = await _ANSWERERS[question.kind](question, judge)
            except NoJudgement:
                return

    await asyncio.gather(*(answer(each) for each in wanted))
    return answers


async def _tone(question: Question, judge: JudgeModel) -> str:
    asked = "What is the tone of this text: POSITIVE, NEGATIVE or NEUTRAL?"
    schema = object_schema("tone", tone={"type": "string", "enum": list(TONES)})
    return (await judge.ask(asked, schema, _Tone, facts="", material=_material(question))).tone


async def _language(question: Question, judge: JudgeModel) -> str:
    asked = (
        "Which language is this text written in? ENG for English, ESP for Spanish, FR for French, GER for German, IT "
        "for Italian, POR for Portuguese, CHI for Chinese, JAP for Japanese, OTHER for any other."
    )
    schema = object_schema("language", language={"type": "string", "enum": list(LANGUAGES)})
    return (await judge.ask(asked, schema, _Language, facts="", material=_material(question))).language


async def _semantic_content(question: Question, judge: JudgeModel) -> bool:
    asked = f"Does this text have the following content, in whatever words? {question.about}"
    answer = await judge.ask(
        asked,
        object_schema("content", holds={"type": "boolean"}, quote=_QUOTE),
        _Holds,
        facts="",
        material=_material(question),
    )
    if answer.holds:
        _require(answer.quote, question.material)
    return answer.holds


async def _only_talks_about(question: Question, judge: JudgeModel) -> bool | str:
    """True, or a text with the answers that deviate: such a rule then says what is wrong."""
    topics, _, fallback = question.about.partition("\n")
    saying = f', for example with "{fallback}"' if fallback else ""
    asked = (
        f"The assistant may only talk about: {topics}. It may not follow the customer to anything else and should "
        f"lead them back. It may ask for clarification and say that it does not understand{saying}. Greetings and "
        "goodbyes are fine. List the assistant's utterances that deviate, word for word; an empty list if none does."
    )
    schema = object_schema("deviations", deviations={"type": "array", "items": {"type": "string"}})
    answer = await judge.ask(asked, schema, _Deviations, facts="", material=_material(question))
    for each in answer.deviations:
        _require(each, question.material)
    return "out of scope: " + "; ".join(map(told, answer.deviations)) if answer.deviations else True


async def _responds_in_same_language(question: Question, judge: JudgeModel) -> bool | str:
    asked = (
        "Does the assistant always answer in the language of the customer's message before it? Names and words that "
        "are the same everywhere do not count. 'quote' is an answer in another language, word for word, empty if there "
        "is none."
    )
    schema = object_schema("same_language", holds={"type": "boolean"}, quote=_QUOTE)
    answer = await judge.ask(asked, schema, _Holds, facts="", material=_material(question))
    if answer.holds:
        return True
    _require(answer.quote, question.material)
    return f"answered in another language: {told(answer.quote)}"


async def _utterance_index(question: Question, judge: JudgeModel) -> int:
    who, _, what = question.about.partition(": ")
    asked = (
        f"Each utterance has its number in front. In which one did the {who} first talk about this: {what}? Give its "
        "number and a passage of it, word for word; -1 and an empty passage if there is none."
    )
    schema = object_schema("utterance", number={"type": "integer"}, quote=_QUOTE)
    answer = await judge.ask(asked, schema, _Utterance, facts="", material=_material(question))
    if answer.number == -1:
        return -1
    line = _line(question.material, answer.number)
    if line is None:
        raise NoJudgement("there is no such utterance")
    _require(answer.quote, line)
    return answer.number


_ANSWERERS: Mapping[QuestionKind, Callable[[Question, JudgeModel], Awaitable[Any]]] = {
    "tone": _tone,
    "language": _language,
    "semantic_content": _semantic_content,
    "only_talks_about": _only_talks_about,
    "responds_in_same_language": _responds_in_same_language,
    "utterance_index": _utterance_index,
}


def _material(question: Question) -> str:
    return question.material[:LONGEST_MATERIAL]


def _line(material: str, number: int) -> str | None:
    """The utterance of that number, which may have several lines."""
    starts = [(match.start(), int(match[1])) for match in _NUMBERED.finditer(material)]
    begun = next((place for place, (_, each) in enumerate(starts) if each == number), None)
    if begun is None:
        return None
    end = starts[begun + 1][0] if begun + 1 < len(starts) else len(material)
    return material[starts[begun][0] : end]


def _require(quote: str, material: str) -> None:
    """Raises NoJudgement unless the passage stands in the material and does not address a judge."""
    wanted = normal(quote).strip(" \"'.…")
    if len(wanted) < SHORTEST_EVIDENCE or wanted not in normal(material):
        raise NoJudgement("the judge's evidence does not occur in the text")
    if ADDRESSES_A_JUDGE.search(wanted):
        raise NoJudgement("the judge's evidence is a text that addresses the judge")
