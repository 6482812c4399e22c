"""The assistants that can be tested, with their variants."""

from bot import blocks
from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge
from bot.commands._grammar import Words


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    words.at_most_one("word")
    entries = [
        blocks.Entry(
            name=variant.label,
            about=f"{assistant.connector} connector" + (", used by default" if name == assistant.default else ""),
        )
        for assistant in edge.ports.catalogue.visible(asker.workspace_id)
        for name, variant in assistant.variants.items()
    ]
    return blocks.listing(
        "Assistants",
        entries,
        empty="No assistant is configured for this workspace.",
        hint="Test one: /convotest run PROFILE assistant=NAME@VARIANT",
    )


COMMAND = Command(
    name="assistants",
    usage="assistants",
    summary="the assistants that can be tested, with their variants",
    examples=("assistants",),
    handle=handle,
)
