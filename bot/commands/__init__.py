"""The shelf of subcommands: one file a word that can follow ``/convotest``."""

import asyncio

from bot.blocks import Message, nothing_to_pick, picker
from bot.commands import (
    ab,
    actions,
    ask,
    assistants,
    audit,
    baseline,
    cancel,
    digest,
    feedback,
    help,
    history,
    profiles,
    rollout,
    run,
    schedule,
    show,
    status,
)
from bot.commands._command import Asker, Command, Edge, EdgeOf, require, require_membership
from bot.commands._grammar import Words, parse
from jobs.errors import RequestError
from jobs.profiles import list_profiles
from jobs.shelf import Shelf, unknown
from jobs.suites import list_suites
from jobs.uploads import uploaded
from jobs.variants import known_variants

COMMANDS: Shelf[Command] = Shelf(
    "command",
    [
        run.COMMAND,
        ab.COMMAND,
        ask.COMMAND,
        status.COMMAND,
        show.COMMAND,
        cancel.COMMAND,
        profiles.COMMAND,
        assistants.COMMAND,
        feedback.COMMAND,
        actions.COMMAND,
        rollout.COMMAND,
        schedule.COMMAND,
        baseline.COMMAND,
        history.COMMAND,
        digest.COMMAND,
        audit.COMMAND,
        help.COMMAND,
    ],
)

__all__ = ["COMMANDS", "Asker", "Command", "Edge", "EdgeOf", "handle_convotest", "open_picker"]


async def handle_convotest(text: str, asker: Asker, edge: Edge) -> Message | None:
    """What ``/convotest TEXT`` does; the answer for whoever typed it.

    Raises:
        RequestError: the nearest word is offered, and nothing was started.
    """
    words = _free_text(text) or parse(text)
    if not words.verb and not words.options:
        return await open_picker(asker, edge)
    if words.verb not in COMMANDS:
        raise RequestError(f"{_unknown_verb(words)} Nothing was started; /convotest help tells what you can type.")
    command = COMMANDS[words.verb]
    await require(command.right, command.name, asker, edge)
    return await command.handle(words, asker, edge)


def _free_text(text: str) -> Words | None:
    """The words of a command that takes one text as it is, or None for the others."""
    verb, _, rest = text.strip().partition(" ")
    command = COMMANDS.get(verb.lower())
    if command is None or not command.free_text:
        return None
    return Words(verb=command.name, positional=(rest.strip(),) if rest.strip() else (), options={})


def _unknown_verb(words: Words) -> str:
    sentence = (
        unknown("command", words.verb, COMMANDS) if words.verb else "what shall be done? For example: run pizza n=20"
    )
    return sentence if sentence.endswith("?") else f"{sentence}."


async def open_picker(asker: Asker, edge: Edge) -> Message | None:
    """The form for a run; where none can be opened, help instead."""
    if asker.trigger_id is None:
        return await help.handle(Words(verb="help", positional=(), options={}), asker, edge)
    await require("use", "run", asker, edge)
    await require_membership(asker, edge)
    profiles = await asyncio.to_thread(list_profiles, edge.ports.profiles_dir)
    assistants = edge.ports.catalogue.visible(asker.workspace_id)
    # those that some assistant was made for come first: the form begins with one that can be run as it is
    fitting = sorted(profiles, key=lambda profile: not any(each.is_for(str(profile.path)) for each in assistants))
    suites = await asyncio.to_thread(list_suites, edge.ports.profiles_dir)
    names = [each.stem for each in (*await uploaded(asker.workspace_id, edge.ports), *fitting, *suites)]
    variants = [
        known.variant.label
        for assistant in assistants
        for known in await known_variants(assistant, asker.workspace_id, edge.ports)
    ]
    if not names or not variants:
        missing = "profile" if not names else "assistant"
        view = nothing_to_pick(f"There is no {missing} yet that could be run in this workspace.")
    else:
        view = picker(names, variants, channel_id=asker.channel_id)
    await edge.poster.open_view(asker.trigger_id, view)
    return None
