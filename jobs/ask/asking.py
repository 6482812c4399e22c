"""Somebody says something to an assistant: it is taken into a live thread, which is opened if there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from uuid6 import uuid7

from jobs.ask.announce import choice_key, choice_offered, conversation_ended, question_shown, root_key
from jobs.ask.conversation import LiveConversation, LiveEnd, LiveQuestion, QuestionKind
from jobs.ask.words import says_done
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import ConversationId, Variant, WorkspaceId
from jobs.rollout import variant_for
from jobs.variants import find_variant

LONGEST_QUESTION = 40_000
TRIES = 3
"""Somebody else may end or open the same thread in between."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a member said to an assistant.

    Args:
        key: the same key is taken once.
        thread_ts: the thread it was said in, or is to be said in.
        message_ts: the member's own message; None when it was typed where others did not see it, which is then shown.
        assistant: ``NAME`` or ``NAME@VARIANT``, when they said whom they want to speak to.
    """

    workspace_id: WorkspaceId
    channel_id: str
    member_id: str
    text: str
    key: str
    thread_ts: str | None = None
    message_ts: str | None = None
    assistant: str | None = None

    @property
    def is_direct(self) -> bool:
        return self.channel_id.startswith("D")

    @property
    def thread(self) -> str | None:
        """The thread it belongs to: in a channel a mention at the top level begins one."""
        return self.thread_ts or (None if self.is_direct else self.message_ts)

    @property
    def begins_thread(self) -> bool:
        """Whether our message about it is to be the first one of a new thread."""
        return self.thread is None and not self.is_direct


async def ask(said: Said, ports: Ports) -> None:
    """Take up what a member said; it is answered as soon as the assistant has time, in the order it was said.

    Raises:
        RequestError: there is no such assistant, or nothing to say.
    """
    text = said.text.strip()
    if not text:
        raise RequestError("what do you want to ask? For example: ask what is on the menu?")
    if len(text) > LONGEST_QUESTION:
        raise RequestError(f"that is too long: {len(text):,} characters; at most {LONGEST_QUESTION:,} are taken")
    said = replace(said, text=text)
    for _ in range(TRIES):
        if await ports.store.live.is_known(said.workspace_id, said.key) or await _take_up(said, ports):
            ports.bell.ring()
            return
    raise RequestError("this thread is changing too quickly; please say it again")


async def _take_up(said: Said, ports: Ports) -> bool:
    """False if somebody was quicker and it has to be looked at again."""
    current = await going_on(said, ports)
    ends = says_done(said.text)
    if current is None and ends:
        raise RequestError("no conversation of yours is open here; ask something to begin one")
    if current and said.assistant and not await _fits(current, said.assistant, ports):
        await end_conversation(
            current, "switched", ports, successor=await _new_conversation(said, ports, begun=current)
        )
        return False
    if current is None:
        return await _open(said, ports)
    if ends and current.state == "choosing":
        return await end_conversation(current, "done", ports)
    question = _question(said, current, ports, kind="end" if ends else "question")
    shown = () if said.message_ts or ends else (question_shown(current, question),)
    return await ports.store.live.add_question(question, shown)


async def going_on(said: Said, ports: Ports) -> LiveConversation | None:
    """The member's own conversation there, if it is not over: two people in one thread each have theirs."""
    if said.begins_thread:
        return None
    found = await ports.store.live.in_thread(
        said.workspace_id, said.channel_id, said.thread, member_id=said.member_id
    )  # fmt: skip
    return found if found and found.state != "ended" else None


async def open_pane(
    *, workspace_id: WorkspaceId, channel_id: str, thread_ts: str, member_id: str, context: dict[str, str], ports: Ports
) -> LiveConversation | None:
    """Open the conversation of an assistant pane before anything is said; None if it is open already."""
    said = Said(
        workspace_id=workspace_id, channel_id=channel_id, member_id=member_id, text="", key="", thread_ts=thread_ts
    )
    conversation = replace(await _new_conversation(said, ports), context=context)
    if not await ports.store.live.begin(conversation, None, (choice_offered(conversation),)):
        return None
    ports.bell.ring()
    return conversation


async def note_context(
    *, workspace_id: WorkspaceId, channel_id: str, thread_ts: str, member_id: str, context: dict[str, str], ports: Ports
) -> None:
    """The member looks at something else while the pane is open."""
    found = await ports.store.live.in_thread(workspace_id, channel_id, thread_ts, member_id=member_id)
    if found and found.state != "ended":
        await ports.store.live.note_context(found.id, context)


async def choose_assistant(conversation: LiveConversation, name: str, ports: Ports) -> bool:
    """Settle which assistant the conversation is with; what was asked meanwhile is answered then. False if it was
    settled before."""
    variant = await _variant(name, conversation, ports)
    await ports.store.variants.save(conversation.workspace_id, variant)
    is_new = await ports.store.live.choose(conversation.id, variant)
    if is_new:
        await ports.store.outbox.want_edit(conversation.workspace_id, choice_key(conversation.id))
        ports.bell.ring()
    return is_new


async def wish_to_end(conversation: LiveConversation, *, key: str, ports: Ports) -> bool:
    """Somebody pressed the button: it ends once what was asked before is answered. False if it is over already."""
    question = LiveQuestion(
        id=str(uuid7()),
        workspace_id=conversation.workspace_id,
        conversation_id=conversation.id,
        key=key,
        kind="end",
        member_id=conversation.member_id,
        text="",
        at=ports.clock.now(),
    )
    if conversation.state == "choosing":
        return await end_conversation(conversation, "done", ports)
    taken = await ports.store.live.add_question(question)
    ports.bell.ring()
    return taken


async def end_conversation(
    conversation: LiveConversation,
    by: LiveEnd,
    ports: Ports,
    *,
    question: LiveQuestion | None = None,
    idle_since: datetime | None = None,
    successor: LiveConversation | None = None,
) -> bool:
    """End it and ask how it was; where nothing was answered it ends quietly, unless somebody asked for it.

    Args: as `LiveThreads.end` has them.
    """
    whole = await ports.store.live.find(conversation.id)
    if whole is None:
        return False
    shown = (conversation_ended(whole),) if whole.answers or by == "done" else ()
    ended = await ports.store.live.end(
        whole.id, by, shown, question=question, idle_since=idle_since, successor=successor
    )  # fmt: skip
    if ended:
        await ports.store.outbox.want_edit(whole.workspace_id, choice_key(whole.id))
        ports.bell.ring()
    return ended


def continued(conversation: LiveConversation, ports: Ports) -> LiveConversation:
    """A fresh conversation with the same variant in the same place."""
    now = ports.clock.now()
    return replace(
        conversation, id=ConversationId(str(uuid7())), state="open", created_at=now, last_at=now, turns=(), context={}
    )


async def _open(said: Said, ports: Ports) -> bool:
    conversation = await _new_conversation(said, ports)
    question = _question(said, conversation, ports, kind="question")
    shown = [] if said.message_ts else [question_shown(conversation, question)]
    if conversation.state == "choosing":
        shown.append(choice_offered(conversation))
    return await ports.store.live.begin(conversation, question, shown)


async def _new_conversation(said: Said, ports: Ports, *, begun: LiveConversation | None = None) -> LiveConversation:
    """What is to be opened, in the place of the one that has ``begun`` there if there is one."""
    conversation_id, now = ConversationId(str(uuid7())), ports.clock.now()
    conversation = LiveConversation(
        id=conversation_id,
        workspace_id=said.workspace_id,
        assistant="",
        variant="",
        channel_id=said.channel_id,
        member_id=said.member_id,
        created_at=now,
        last_at=now,
        state="choosing",
        thread_ts=begun.thread_ts if begun else said.thread,
        root_key=begun.root_key if begun else root_key(conversation_id) if said.begins_thread else None,
    )
    variant = await _chosen(said, conversation, ports)
    if variant is None:
        return conversation
    await ports.store.variants.save(said.workspace_id, variant)
    return replace(
        conversation, state="open", assistant=variant.assistant, variant=variant.name, variant_hash=variant.hash
    )


async def _chosen(said: Said, conversation: LiveConversation, ports: Ports) -> Variant | None:
    """The variant that is to answer: the one that was named, the thread's, or that of the only assistant there is.
    None = they have to say."""
    if said.assistant:
        return await _variant(said.assistant, conversation, ports)
    if of_thread := await _of_thread(said, ports):
        return of_thread
    candidates = await _candidates(said, ports)
    return await _variant(candidates[0], conversation, ports) if len(candidates) == 1 else None


async def _of_thread(said: Said, ports: Ports) -> Variant | None:
    """The variant that somebody talks to in the thread already."""
    if said.thread is None:
        return None
    neighbour = await ports.store.live.in_thread(said.workspace_id, said.channel_id, said.thread)
    visible = {each.name for each in ports.catalogue.visible(said.workspace_id)}
    return await variant_of(neighbour, ports) if neighbour and neighbour.assistant in visible else None


async def _candidates(said: Said, ports: Ports) -> Sequence[str]:
    """The assistants that could be meant: the one that the member spoke to last in this channel, else all of them, but
    one that is for no profile has to be named unless there is no other.

    Raises:
        RequestError: there is none.
    """
    visible = ports.catalogue.visible(said.workspace_id)
    if not visible:
        ports.catalogue.variant(None, workspace_id=said.workspace_id)  # says where to describe one
    last = await ports.store.live.last_of(said.workspace_id, said.channel_id, said.member_id)
    if last and any(each.name == last.assistant for each in visible):
        return [last.assistant]
    return [each.name for each in visible if each.profiles] or [each.name for each in visible]


async def _variant(spec: str, conversation: LiveConversation, ports: Ports) -> Variant:
    """A variant that is named is that one; else it is the one in force, or a candidate that is being rolled out."""
    if "@" in spec:
        return await find_variant(spec, workspace_id=conversation.workspace_id, ports=ports)
    name = ports.catalogue.assistant(spec, workspace_id=conversation.workspace_id).name
    return await variant_for(name, conversation.id, conversation.workspace_id, ports)


async def variant_of(conversation: LiveConversation, ports: Ports) -> Variant | None:
    """The variant as it was when the conversation began."""
    return await ports.store.variants.get(
        conversation.workspace_id, conversation.assistant, conversation.variant, conversation.variant_hash
    )


async def _fits(conversation: LiveConversation, spec: str, ports: Ports) -> bool:
    """Whether the conversation is with the one that was named; one that waits for a name gets it now."""
    if conversation.state == "choosing":
        await choose_assistant(conversation, spec, ports)
        return True
    return spec in (conversation.assistant, f"{conversation.assistant}@{conversation.variant}")


def _question(said: Said, conversation: LiveConversation, ports: Ports, *, kind: QuestionKind) -> LiveQuestion:
    return LiveQuestion(
        id=str(uuid7()),
        workspace_id=said.workspace_id,
        conversation_id=conversation.id,
        key=said.key,
        kind=kind,
        member_id=said.member_id,
        text=said.text,
        message_ts=said.message_ts,
        at=ports.clock.now(),
    )
