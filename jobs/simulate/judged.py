"""What became of a finished conversation: by the facts, and by the judge where facts cannot tell."""

from collections.abc import Sequence
from dataclasses import replace

from jobs.judge import Judge, judge_open_goals
from jobs.model import Assessment, Scenario, Transcript, Turn, Understood
from jobs.ports import SimulatedUser
from jobs.scoring import NOT_PLAYED_TO_ITS_END


async def assessed(user: SimulatedUser, transcript: Transcript, scenario: Scenario, judge: Judge | None) -> Assessment:
    """The user simulator's assessment; with a judge also what the assistant understood where it does not say so, the
    goals that facts left open, and the outputs. What broke off is not judged."""
    if judge is None or transcript.ended_by in NOT_PLAYED_TO_ITS_END:
        return await user.assess(transcript)
    understood = await judge.understood(transcript, scenario)
    assessment = await user.assess(with_understood(transcript, understood))
    assessment = await judge_open_goals(judge, transcript, scenario, assessment)
    assessment = await judge.with_outputs(assessment, transcript, scenario)
    return replace(assessment, understood=understood)


def with_understood(transcript: Transcript, understood: Sequence[Understood]) -> Transcript:
    """The transcript with what a judge read, in the answers that do not say themselves what they understood."""
    if not understood:
        return transcript
    by_turn = {each.turn: each for each in understood}
    turns = tuple(_filled(turn, by_turn.get(place)) for place, turn in enumerate(transcript.turns))
    return replace(transcript, turns=turns)


def _filled(turn: Turn, understood: Understood | None) -> Turn:
    if understood is None:
        return turn
    return replace(turn, intent=understood.intent, entities=turn.entities or understood.entities, judged=True)
