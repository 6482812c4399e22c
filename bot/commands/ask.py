"""Ask an assistant: the thread that follows is the answer."""

import re

from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge, require, require_membership
from bot.commands._grammar import LINK, Words
from jobs.ask.asking import Said, ask
from jobs.ask.words import named_assistant

NAMED = re.compile(r"<([@#!])([A-Za-z0-9^]+)(?:\|([^>]*))?>")


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    await require_membership(asker, edge)
    await put(spoken(words.positional[0] if words.positional else ""), asker, edge)
    return None


async def put(text: str, asker: Asker, edge: Edge, *, message_ts: str | None = None) -> None:
    """Put a question to an assistant.

    Args:
        message_ts: the message that it stands in; None = it was typed where others do not see it.

    Raises:
        RequestError: says what to do instead.
    """
    await require("use", "ask", asker, edge)
    assistant, question = named_assistant(text)
    await ask(
        Said(
            workspace_id=asker.workspace_id,
            channel_id=asker.channel_id,
            member_id=asker.member_id,
            text=question,
            key=f"message:{asker.channel_id}:{message_ts}" if message_ts else asker.key,
            thread_ts=asker.thread_ts,
            message_ts=message_ts,
            assistant=assistant,
        ),
        edge.ports,
    )


def spoken(text: str) -> str:
    """What somebody wrote, as they saw it while they wrote: no markup, names and addresses as plain words."""
    text = LINK.sub(r"\1", NAMED.sub(lambda found: f"{found[1]}{found[3] or found[2]}", text))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


COMMAND = Command(
    name="ask",
    usage="ask [assistant=NAME@VARIANT] QUESTION",
    summary="talk with an assistant yourself, in a thread",
    examples=("ask what is on the menu?", "ask assistant=pizza@faulty a large margherita, please"),
    options=(
        ("assistant=pizza", "whom to ask, with @VARIANT also which variant; without it the only one, or you choose"),
    ),
    handle=handle,
    right="use",
    free_text=True,
)
