"""The assistants that can be tested, with their variants, where those come from, and which one is in force."""

from bot import blocks
from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge, require
from bot.commands._grammar import Words
from jobs.errors import RequestError
from jobs.variants import KnownVariant, find_variant, known_variants, put_in_force

EXAMPLE = "assistants use pizza@good"


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    match words.positional:
        case ():
            return await _list(asker, edge)
        case (verb, spec) if verb.lower() == "use" and "@" in spec:
            return await _use(spec, asker, edge)
        case (verb, *_) if verb.lower() == "use":
            raise RequestError(f"which variant? For example: {EXAMPLE}")
        case _:
            words.at_most_one("word")
            return await _list(asker, edge)


async def _list(asker: Asker, edge: Edge) -> Message:
    entries = [
        blocks.Entry(name=each.variant.label, about=_about(each))
        for assistant in edge.ports.catalogue.visible(asker.workspace_id)
        for each in await known_variants(assistant, asker.workspace_id, edge.ports)
    ]
    return blocks.listing(
        "Assistants",
        entries,
        empty="No assistant is configured for this workspace.",
        hint="Test one: /convotest run PROFILE assistant=NAME@VARIANT",
    )


def _about(known: KnownVariant) -> str:
    in_force = ", in force" if known.in_force else ""
    source = f" · {known.source}" if known.made else ""
    return f"{known.variant.connector} connector{in_force}{source}"


async def _use(spec: str, asker: Asker, edge: Edge) -> Message:
    await require("approve", "assistants use", asker, edge)
    variant = await find_variant(spec, workspace_id=asker.workspace_id, ports=edge.ports)
    await put_in_force(
        variant, by=asker.member_id, reason="chosen by hand", workspace_id=asker.workspace_id, ports=edge.ports,
        place=asker.channel_id,
    )  # fmt: skip
    return blocks.note(f"{variant.label} is in force now.")


COMMAND = Command(
    name="assistants",
    usage="assistants [use NAME@VARIANT]",
    summary="the assistants that can be tested, with their variants and which one is in force",
    examples=("assistants", EXAMPLE),
    handle=handle,
)
