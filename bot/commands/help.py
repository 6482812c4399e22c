"""What can be typed, with examples."""

from bot import blocks
from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge
from bot.commands._grammar import Words

EXAMPLES = (
    "/convotest run pizza",
    "/convotest run pizza n=20 seed=7 assistant=pizza@faulty",
    "/convotest ab pizza a=pizza@good b=pizza@faulty",
    "/convotest show last",
    "/convotest cancel last",
)


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    wanted = words.at_most_one("word")
    if wanted is None:
        return blocks.help_for_all([command.help for command in edge.commands.values()], EXAMPLES)
    command = edge.commands.find(wanted.lower())
    return blocks.help_for_one(command.help, command.options)


COMMAND = Command(
    name="help",
    usage="help [WORD]",
    summary="what you can type",
    examples=("help", "help run"),
    handle=handle,
)
