"""Who answers the questions of a rubric."""

from typing import Protocol

from jobs.model import Rubric, Scenario, Score, Transcript

__all__ = ["Grader", "Rubric"]


class Grader(Protocol):
    """Grades by rubric."""

    async def grade(self, rubric: Rubric, transcript: Transcript, scenario: Scenario) -> Score:
        """0..1 with reason and evidence; unscored, with the reason, where no valid answer came."""
        ...
