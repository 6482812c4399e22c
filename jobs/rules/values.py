"""What rules compute with besides plain values: conversations, questions for a model, ways an evaluation ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jobs.recorded import Recorded

QuestionKind = Literal[
    "tone", "language", "semantic_content", "only_talks_about", "responds_in_same_language", "utterance_index"
]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Something that only a model can tell; the same question has the same answer."""

    kind: QuestionKind
    material: str
    about: str = ""


class Absent(Exception):
    """A name that the conversation does not have: the rule does not apply."""


class Unanswered(Exception):
    """A model would have to be asked: the rule is unscored."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.kind)
        self.question = question


class Stopped(Exception):
    """The rule asks for more than a rule may do: it is given up for every conversation."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


def kind_of(value: object) -> type[object]:
    """The type of a value, which decides what may be done with it."""
    return type(value)


class Conversation:
    """A recorded conversation inside an expression: its variables are its attributes, and it has no others."""

    __slots__ = ("recorded", "variables")

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.variables: Mapping[str, Any] = recorded.variables

    def attribute(self, name: str) -> Any:
        try:
            return self.variables[name]
        except KeyError:
            raise Absent(name) from None
