"""The profiles that can be run."""

from bot import blocks
from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge
from bot.commands._grammar import Words
from jobs.profiles import list_profiles


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    words.at_most_one("word")
    entries = [
        blocks.Entry(name=profile.stem, about=f"{profile.name} ({profile.path})")
        for profile in list_profiles(edge.ports.profiles_dir)
    ]
    return blocks.listing(
        "Profiles", entries, empty="There is no profile that can be run.", hint="Run one: /convotest run NAME"
    )


COMMAND = Command(
    name="profiles",
    usage="profiles",
    summary="the customers that can be simulated",
    examples=("profiles",),
    handle=handle,
)
