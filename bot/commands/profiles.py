"""The profiles and suites that can be run."""

import asyncio

from bot import blocks
from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge
from bot.commands._grammar import Words
from jobs.profiles import list_profiles
from jobs.suites import list_suites
from jobs.uploads import uploaded


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    words.at_most_one("word")
    profiles = await asyncio.to_thread(list_profiles, edge.ports.profiles_dir)
    suites = await asyncio.to_thread(list_suites, edge.ports.profiles_dir)
    own = await uploaded(asker.workspace_id, edge.ports)
    entries = [
        *(
            blocks.Entry(name=each.stem, about=f"{'suite' if each.name else 'profile'} of this workspace")
            for each in own
        ),
        *(blocks.Entry(name=profile.stem, about=f"{profile.name} ({profile.path})") for profile in profiles),
        *(blocks.Entry(name=suite.stem, about=f"suite: {suite.description or suite.name}") for suite in suites),
    ]
    return blocks.listing(
        "Profiles", entries, empty="There is no profile that can be run.", hint="Run one: /convotest run NAME"
    )


COMMAND = Command(
    name="profiles",
    usage="profiles",
    summary="the customers that can be simulated, and the suites",
    examples=("profiles",),
    handle=handle,
)
