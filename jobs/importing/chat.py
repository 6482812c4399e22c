"""What the readers of chats have in common: who speaks by whatever name, and what is wrong with a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jobs.profiles.problems import Place, Problem
from jobs.recorded import Recorded, UnreadFile, make_recorded

Who = Literal["User", "Assistant"]
SPEAKERS: Mapping[str, Who | None] = {
    **dict.fromkeys(("user", "human", "customer", "client", "visitor", "participant"), "User"),
    **dict.fromkeys(("assistant", "bot", "chatbot", "gpt", "agent", "model", "ai", "operator"), "Assistant"),
    **dict.fromkeys(("system", "developer", "tool", "function"), None),
}
"""By the names that other systems give them; None = not said to anybody."""
LONGEST_LINE = 4 * 1024 * 1024
CONVERSATION = ("conversation_id", "conversation", "session_id", "dialogue_id", "id", "serial")
SPEAKER = ("role", "speaker", "from", "sender", "author")
TEXT = ("content", "text", "value", "message", "utterance")


class NoConversation(Exception):
    """A line that is no conversation: what is wrong, and what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


@dataclass(kw_only=True)
class Chat:
    """A conversation while its messages are being read."""

    name: str
    serial: str = ""
    language: str | None = None
    interaction: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    times_s: list[float] = field(default_factory=list[float])

    def say(self, speaker: str, text: str) -> None:
        """Raises NoConversation: nobody knows who that is."""
        role = speaker.strip().lower()
        if role not in SPEAKERS:
            raise NoConversation(f"{speaker[:80]!r} is no known speaker", f"write one of {', '.join(SPEAKERS)}")
        if who := SPEAKERS[role]:
            self.interaction.append({who: text})

    def finished(self) -> Recorded:
        """Raises NoConversation: nobody said anything."""
        if not self.interaction:
            raise NoConversation("nothing is said in it", "leave it out, or add its messages")
        return make_recorded(
            name=self.name,
            serial=self.serial,
            language=self.language,
            interaction=self.interaction,
            wanted=[{name: value} for name, value in self.variables.items()],
            outputs=[{name: value} for name, value in self.outputs.items()],
            response_times_s=self.times_s,
            duration_s=sum(self.times_s) if self.times_s else None,
        )


def first_of(names: Sequence[str], fields: Mapping[str, Any]) -> Any:
    """The value of the first of these names that has one."""
    return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)


def unread(path: Path, line: int, message: str, fix: str) -> UnreadFile:
    return UnreadFile(
        path=str(path), problem=Problem(place=Place(line=line, column=1), field="", message=message, fix=fix)
    )
