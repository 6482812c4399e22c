"""What people are shown of a live thread, and where; how it looks is decided where it is sent."""

from collections.abc import Mapping, Sequence

from jobs.ask.conversation import LiveConversation, LiveQuestion, LiveTurn
from jobs.model import Announcement, AnnouncementKind

LONGEST_PART = 7_000
"""Characters of one message in Slack; a longer answer goes on in the next."""


def root_key(conversation_id: str) -> str:
    return f"live:{conversation_id}:root"


def choice_key(conversation_id: str) -> str:
    return f"live:{conversation_id}:choose"


def ended_key(conversation_id: str) -> str:
    return f"live:{conversation_id}:ended"


def question_shown(conversation: LiveConversation, question: LiveQuestion) -> Announcement:
    """What was typed where others did not see it, as a message of its own; with it a thread may begin."""
    ref = {"conversation_id": conversation.id, "question_id": question.id}
    begins = conversation.root_key == root_key(conversation.id) and conversation.thread_ts is None
    if begins:
        return Announcement(key=root_key(conversation.id), kind="asked", place=conversation.place, ref=ref)
    return _in_thread(conversation, f"live:{conversation.id}:asked:{question.id}", "asked", ref)


def choice_offered(conversation: LiveConversation) -> Announcement:
    """Which assistant it is, or which it could be."""
    ref = {"conversation_id": conversation.id}
    return _in_thread(conversation, choice_key(conversation.id), "ask_choose", ref)


def answered(conversation: LiveConversation, turns: Sequence[LiveTurn]) -> tuple[Announcement, ...]:
    """The messages of an answer."""
    return tuple(
        _in_thread(
            conversation,
            f"live:{conversation.id}:{turn.position}" + (f":{part}" if part else ""),
            "answer",
            {"conversation_id": conversation.id, "position": turn.position, **({"part": part} if part else {})},
        )
        for turn in turns
        if turn.speaker == "assistant"
        for part in range(parts_of(turn.text))
    )


def conversation_ended(conversation: LiveConversation) -> Announcement:
    """That it is over, with the question how it was."""
    ref = {"conversation_id": conversation.id}
    return _in_thread(conversation, ended_key(conversation.id), "ask_ended", ref)


def parts_of(text: str) -> int:
    """How many messages a text takes."""
    return max(1, -(-len(text) // LONGEST_PART))


def _in_thread(
    conversation: LiveConversation, key: str, kind: AnnouncementKind, ref: Mapping[str, str | int]
) -> Announcement:
    return Announcement(
        key=key,
        kind=kind,
        place=conversation.place,
        ref=ref,
        parent_key=conversation.root_key,
        thread_ts=None if conversation.root_key else conversation.thread_ts,
    )
