"""What a judge is asked about a conversation, and what it takes to answer."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from jobs.model import Scenario, Score, Transcript


@dataclass(frozen=True, kw_only=True)
class Rubric:
    """One question about the assistant, with what each grade from 1 (worst) to 5 (best) means."""

    name: str
    question: str
    grades: tuple[str, str, str, str, str]

    @property
    def stamp(self) -> str:
        """Content hash: an answer by another wording is another answer."""
        return hashlib.sha256("\n".join((self.name, self.question, *self.grades)).encode()).hexdigest()[:16]


class Grader(Protocol):
    """Grades by rubric."""

    async def grade(self, rubric: Rubric, transcript: Transcript, scenario: Scenario) -> Score:
        """0..1 with reason and evidence; unscored, with the reason, where no valid answer came."""
        ...
