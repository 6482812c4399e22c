"""The customer of a test case: says what stands in the file, and looks whether the answers are the expected ones."""

from collections.abc import Sequence

from jobs.model import Assessment, Case, GoalProgress, Scenario, Transcript, Turn
from jobs.ports import Utterance
from jobs.simulate.expected import good_turns, judged_turns, overall_checks, replies_of


class ScriptedUser:
    """One customer in one conversation. The scenario's ``ending`` ends it with the last line, never it itself."""

    def __init__(self, scenario: Scenario, case: Case) -> None:
        self._scenario = scenario
        self._case = case

    async def speak(self, turns: Sequence[Turn]) -> Utterance:
        spoken, context = sum(turn.speaker == "user" for turn in turns), self._case.context
        if spoken < len(context):
            return Utterance(text=context[spoken], verbatim=True)
        line = self._case.turns[spoken - len(context)]
        return Utterance(text=line.user, verbatim=True, intent=line.intent)

    async def assess(self, transcript: Transcript) -> Assessment:
        """What is expected as checks; what only a judge can tell as goals that are open still.

        A turn that is not good is a warning as long as there are enough good ones.
        """
        replies = replies_of(transcript)[len(self._case.context) :]
        judged = judged_turns(self._case, replies, fallback=self._scenario.fallback)
        checks = [check for turn in judged for check in turn.checks]
        enough = good_turns(self._case, judged)
        tolerated = [check for check in checks if check.ok is not True] if enough and enough.ok else []
        shown = [check for check in checks if check not in tolerated]
        return Assessment(
            goals=tuple(
                GoalProgress(text=goal.text, asked=True, answered=None, turn=None, reason=f"not judged: {goal.text}")
                for goal in self._scenario.goals
            ),
            checks=(*shown, *([enough] if enough else []), *overall_checks(self._case, replies)),
            warnings=tuple(f"{check.name}: {check.reason}" for check in tolerated),
        )
