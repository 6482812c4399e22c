"""What a new workspace starts with: three people, the bot, and a few channels."""

from .state import BOT_USER, Channel, Member, Team

ADA, BEN, GUEST = "U0ADA", "U0BEN", "U0GUEST"
FIRST_CHANNEL = "C0QUALITY"


def seed(team: Team) -> None:
    """Fill a team that has nobody yet."""
    if team.members:
        return
    for member in (
        Member(id=ADA, name="ada", real_name="Ada", title="Assistant lead", is_admin=True),
        Member(id=BEN, name="ben", real_name="Ben", title="Support"),
        Member(id=GUEST, name="guest", real_name="Guest", title="Single-channel guest", is_restricted=True),
        Member(id=BOT_USER, name="convotest", real_name="convotest", title="App", is_bot=True),
    ):
        team.save_member(member)
    created = team.seconds()
    for channel in (
        Channel(
            id=FIRST_CHANNEL,
            name="assistant-quality",
            kind="public",
            members=[ADA, BEN, GUEST, BOT_USER],
            topic="Is the assistant any good?",
        ),
        Channel(
            id="C0GENERAL", name="general", kind="public", members=[ADA, BEN, GUEST, BOT_USER], topic="Everything else"
        ),
        Channel(
            id="C0RANDOM",
            name="random",
            kind="public",
            members=[ADA, BEN],
            topic="convotest is not in here: /invite @convotest",
        ),
        Channel(
            id="G0WITHOUT",
            name="without-bot",
            kind="private",
            members=[ADA, BEN],
            topic="Private, and convotest is not in here",
        ),
    ):
        channel.created = created
        team.save_channel(channel)
    for member in (ADA, BEN, GUEST):
        team.direct_channel(member)
