"""Twenty thousand reactions at the real door, a third of them duplicates, with a kill in the middle.

``python -m tests.e2e.reaction_chaos`` holds what the report says afterwards against the pure fold of the events.
"""

import asyncio
import hashlib
import hmac
import json
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect
from typing import Any

import aiohttp
import click

from bot.workspace import LocalWorkspace
from bot.workspace.state import BOT_USER
from jobs.feedback.rating import Message, Vote, slack_time
from jobs.feedback.reactions import DEFAULT_REACTIONS, ReactionEvent, current_votes
from tests.benchmarks.bench_reactions import messages_of_a_run
from tests.e2e.process import Bot, Home, convotest, make_home

TEAM, CHANNEL, ADA, BEN, GUEST = "T0LOCAL", "C0QUALITY", "U0ADA", "U0BEN", "U0GUEST"
AT_ONCE = 40
CONVERSATIONS = 30
DUPLICATES = 0.3
NAMES = ("+1", "-1", "star", "one", "two", "three", "four", "five", "pizza", "+1::skin-tone-3")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of it; ``oracle`` and ``stored`` are figures of the same shape."""

    delivered: int
    acknowledged_before_kill: int
    seconds: float
    oracle: Mapping[str, Any]
    stored: Mapping[str, Any]


async def play(home: Home, workspace: LocalWorkspace, *, events: int, seed: int) -> Outcome:
    """Deliver events in random order, kill the bot after a third, start it again and deliver the rest: what was
    acknowledged is not sent again, as Slack would not."""
    chance, bot = random.Random(seed), Bot(home, workspace)
    await bot.start()
    try:
        messages = await messages_of_a_run(workspace, n=CONVERSATIONS)
        happened = reactions(messages, int(events / (1 + DUPLICATES)), chance)
        delivered = happened + chance.choices(happened, k=events - len(happened))
        chance.shuffle(delivered)
        began = time.monotonic()
        left, before_kill = await Door(bot, workspace).knock(delivered, kill_after=events // 3)
        await bot.start()
        left, _ = await Door(bot, workspace).knock(left)
        assert not left
        await settled(home)
        seconds = time.monotonic() - began
    finally:
        await bot.stop()
    stored = (await feedback(home))["by_source"]["run"]
    return Outcome(
        delivered=len(delivered),
        acknowledged_before_kill=before_kill,
        seconds=seconds,
        oracle=oracle(happened),
        stored={name: stored[name] for name in ("thumbs", "distribution")},
    )


def oracle(bodies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The figures that follow from the events by the pure fold; each member has one voice in a conversation, and
    each message shows one."""
    votes = list(current_votes([read(each) for each in bodies], DEFAULT_REACTIONS).values())

    def count(kind: Any, value: int) -> int:
        return votes.count(Vote(kind=kind, value=value))

    return {
        "thumbs": {"up": count("thumb", 1), "down": count("thumb", -1)},
        "distribution": {str(n): count("stars", n) for n in range(1, 6)},
    }


async def ask(workspace: LocalWorkspace, question: str = "what is on the menu?") -> dict[str, Any]:
    """The first message of the answer."""
    before = {message["ts"] for message in workspace.messages(CHANNEL)}
    await workspace.type_command(CHANNEL, ADA, f"/convotest ask assistant=pizza {question}")

    def answer() -> Any:
        roots = [message for message in workspace.messages(CHANNEL) if message["ts"] not in before]
        thread = workspace.messages(CHANNEL, roots[-1]["ts"]) if roots else []
        return next((message for message in thread if "feedback_buttons" in json.dumps(message.get("blocks"))), None)

    return await workspace.wait_for(answer, 60)


async def feedback(home: Home) -> dict[str, Any]:
    ended = await convotest(home, "feedback", "report", "--workspace", TEAM, "--json")
    assert ended.code == 0, ended.stderr
    return ended.json


def reactions(messages: Sequence[str], number: int, chance: random.Random) -> list[dict[str, Any]]:
    """Events of which a third take a reaction away, in the order in which they happened."""
    began = time.time() - 3600
    members = (ADA, BEN, GUEST)
    return [
        {
            "type": "event_callback",
            "team_id": TEAM,
            "event_id": f"EvR{place}",
            "event": {
                "type": chance.choice(("reaction_added", "reaction_added", "reaction_removed")),
                "user": chance.choice(members),
                "reaction": chance.choice(NAMES),
                "item": {"type": "message", "channel": CHANNEL, "ts": chance.choice(messages)},
                "item_user": BOT_USER,
                "event_ts": f"{began + place / 100:.6f}",
            },
        }
        for place in range(number)
    ]


def read(body: dict[str, Any]) -> ReactionEvent:
    event = body["event"]
    return ReactionEvent(
        type="added" if event["type"] == "reaction_added" else "removed",
        member_id=event["user"],
        message=Message(channel_id=event["item"]["channel"], ts=event["item"]["ts"]),
        name=event["reaction"],
        at=slack_time(event["event_ts"]),
    )


class Door:
    """Delivers events as fast as they are acknowledged."""

    def __init__(self, bot: Bot, workspace: LocalWorkspace) -> None:
        self._bot = bot
        self._secret = workspace.signing_secret.encode()
        self._url = f"{bot.url}/slack/events"

    async def knock(
        self, bodies: Sequence[dict[str, Any]], *, kill_after: int | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        """Those that were not acknowledged, and how many were; after ``kill_after`` of them the process is killed."""
        left, acknowledged = dict(enumerate(bodies)), 0
        waiting, killed = iter(list(left.items())), False

        async def deliver(session: aiohttp.ClientSession) -> None:
            nonlocal acknowledged, killed
            for place, body in waiting:
                if await self._is_acknowledged(session, json.dumps(body).encode()):
                    acknowledged += 1
                    del left[place]
                if killed:
                    return
                if kill_after is not None and acknowledged >= kill_after:
                    killed = True
                    await self._bot.kill()

        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(deliver(session) for _ in range(AT_ONCE)))
        return list(left.values()), acknowledged

    async def _is_acknowledged(self, session: aiohttp.ClientSession, raw: bytes) -> bool:
        try:
            async with session.post(self._url, data=raw, headers=self._signed(raw)) as response:
                await response.read()
                return response.status == 200
        except aiohttp.ClientError:
            return False

    def _signed(self, raw: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        digest = hmac.new(self._secret, f"v0:{timestamp}:".encode() + raw, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={digest}",
        }


async def settled(home: Home) -> None:
    """Return when everything that was acknowledged is worked on."""
    left = 1
    for _ in range(600):
        with closing(connect(home.directory / "convotest.db", timeout=10)) as connection:
            [left] = connection.execute("select count(*) from delivery where state = 'received'").fetchone()
        if not left:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{left} deliveries are not worked on")


async def _main(events: int, seed: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="convotest-reactions-") as folder:
        async with LocalWorkspace() as workspace:
            return await play(make_home(Path(folder)), workspace, events=events, seed=seed)


@click.command()
@click.option("--events", default=20_000, show_default=True)
@click.option("--seed", default=7, show_default=True)
def main(events: int, seed: int) -> None:
    outcome = asyncio.run(_main(events, seed))
    same = outcome.stored == outcome.oracle
    click.echo(
        f"{outcome.delivered} events in {outcome.seconds:.0f} s, killed after {outcome.acknowledged_before_kill}: "
        f"{'exactly what the oracle says' if same else 'NOT what the oracle says'}\n{outcome.stored}\n{outcome.oracle}"
    )
    raise SystemExit(0 if same else 1)


if __name__ == "__main__":
    main()
