"""The judge of one conversation: grades by rubric, goals, what was understood, and outputs."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from jobs.chat_model import ChatModel, Schema
from jobs.judge import outputs, understanding
from jobs.judge.evidence import evidence, told
from jobs.judge.material import as_material, facts
from jobs.judge.model import INSTRUCTIONS, Answer, AnswerT, Judgements, JudgeModel, NoJudgement, Text, object_schema
from jobs.metrics import RUBRICS
from jobs.model import Assessment, GoalProgress, Rubric, Scenario, Score, Transcript, Understood

MOST_GRADES = 10

GOAL_SCHEMA = object_schema(
    "goal",
    raised={"type": "boolean", "description": "Whether the customer brought it up."},
    customer_quote={"type": "string", "description": "Where they did, word for word; empty if they did not."},
    answered={"type": "string", "enum": ["yes", "no", "unclear"]},
    quote={"type": "string", "description": "The passage that decides, word for word."},
    reason={"type": "string", "description": "One sentence in English."},
)


def grade_schema(grades: int) -> Schema:
    return object_schema(
        "grade",
        reason={"type": "string", "description": "One or two sentences in English."},
        quote={"type": "string", "description": "The passage of the assistant's that decides, word for word."},
        score={"type": "integer", "enum": list(range(1, grades + 1))},
    )


class _Grade(Answer):
    reason: Text
    quote: Text
    score: Annotated[int, Field(ge=1, le=MOST_GRADES)]


class _GoalAnswer(Answer):
    raised: bool
    customer_quote: Text
    answered: Literal["yes", "no", "unclear"]
    quote: Text
    reason: Text


class Judge:
    """Judges by one model, paid for by whoever gave it that model."""

    def __init__(self, chat: ChatModel, *, model: str, judgements: Judgements) -> None:
        self._model = JudgeModel(chat, model=model, judgements=judgements)

    async def grade(self, rubric: Rubric, transcript: Transcript, scenario: Scenario) -> Score:
        """0..1 (from the worst grade to the best) with the reason and the evidence; unscored, with the reason, when no
        valid answer came."""
        best = len(rubric.grades)
        grades = "\n".join(f"{grade} = {meaning}" for grade, meaning in enumerate(rubric.grades, 1))
        question = f"{rubric.question}\nGive a score from 1 to {best}:\n{grades}"
        try:
            answer = await self._ask(question, grade_schema(best), _Grade, transcript, scenario)
            if answer.score > best:
                return Score.unscored("the judge's answer is not valid (score)")
            evidence(answer.quote, transcript, "assistant")
        except NoJudgement as error:
            return Score.unscored(str(error))
        return Score(value=(answer.score - 1) / (best - 1), reason=f"{told(answer.reason)} (“{told(answer.quote)}”)")

    async def progress(
        self, number: int, known: GoalProgress, transcript: Transcript, scenario: Scenario
    ) -> GoalProgress:
        """What became of one goal that facts could not tell; as it was when the judge cannot tell either."""
        question = (
            f"The customer came for this, among other things: {scenario.goals[number].text}\n"
            "Did the customer bring it up, and did the assistant answer it or do it? 'yes' needs a passage of the "
            "assistant's, 'no' the passage that shows that it did not, 'unclear' is for everything in between."
        )
        try:
            answer = await self._ask(question, GOAL_SCHEMA, _GoalAnswer, transcript, scenario)
            return _judged(known, answer, transcript, _title(scenario.goals[number].template))
        except NoJudgement as error:
            return replace(known, reason=f"{known.reason or 'could not be checked'}; {error}")

    async def understood(self, transcript: Transcript, scenario: Scenario) -> tuple[Understood, ...]:
        """What a test case expects to be understood and the assistant does not tell, as its answers show it."""
        wanted = understanding.open_turns(transcript, scenario)
        if not wanted:
            return ()
        schema = understanding.schema_for(wanted)
        question = understanding.question_for(wanted)
        try:
            answer = await self._ask(question, schema, understanding.Turns, transcript, scenario)
        except NoJudgement:
            return ()  # the checks then say themselves that the assistant does not tell
        return tuple(understanding.believed(answer, wanted, transcript))

    async def with_outputs(self, assessment: Assessment, transcript: Transcript, scenario: Scenario) -> Assessment:
        """The assessment with the outputs as the judge reads them; those it has no evidence for stay as rules read
        them."""
        if not scenario.outputs:
            return assessment
        schema, question = outputs.schema_for(scenario.outputs), outputs.question_for(scenario.outputs)
        try:
            answer = await self._ask(question, schema, outputs.Outputs, transcript, scenario)
        except NoJudgement as error:
            return replace(assessment, warnings=(*assessment.warnings, f"the outputs were read by rules: {error}"))
        return outputs.merged(assessment, answer, transcript, scenario)

    async def _ask(
        self, question: str, schema: Schema, kind: type[AnswerT], transcript: Transcript, scenario: Scenario
    ) -> AnswerT:
        return await self._model.ask(question, schema, kind, facts=facts(scenario), material=as_material(transcript))


async def judge_open_goals(
    judge: Judge, transcript: Transcript, scenario: Scenario, assessment: Assessment
) -> Assessment:
    """The assessment with the goals judged that facts could not decide, one by one; what facts say stays."""
    goals = [
        goal if goal.answered is not None else await judge.progress(number, goal, transcript, scenario)
        for number, goal in enumerate(assessment.goals)
    ]
    return replace(assessment, goals=tuple(goals))


def judge_stamp(model: str, rubrics: Iterable[Rubric] = ()) -> str:
    """Which judge this is, for a run's stamps: its model and everything it is told, ``rubrics`` of profiles too."""
    asked = sorted({rubric.stamp for rubric in (*RUBRICS, *rubrics)})
    schemas = (repr(grade_schema(5)), repr(GOAL_SCHEMA))
    told_always = (model, INSTRUCTIONS, *asked, *schemas, understanding.INSTRUCTIONS, outputs.INSTRUCTIONS)
    return hashlib.sha256("\n".join(told_always).encode()).hexdigest()[:16]


def _judged(known: GoalProgress, answer: _GoalAnswer, transcript: Transcript, title: str) -> GoalProgress:
    if answer.answered == "unclear":
        return replace(known, reason=known.reason or f"the judge cannot tell whether this was answered: {title}")
    asked = known.asked or (answer.raised and evidence(answer.customer_quote, transcript, "user") >= 0)
    if answer.answered == "yes":
        turn = evidence(answer.quote, transcript, "assistant")
        return replace(known, asked=asked, answered=True, turn=turn, reason="")
    turn = evidence(answer.quote, transcript)
    if not asked:
        return known
    return replace(known, asked=True, answered=False, turn=turn, reason=f"by the judge, not answered: {title}")


def _title(template: str) -> str:
    """A goal as the profile has it, without braces: fit to group by."""
    return re.sub(r"\{\{\s*([\w-]+)\s*\}\}", r"[\1]", template).strip().rstrip("?")
