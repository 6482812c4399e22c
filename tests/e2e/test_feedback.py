"""Feedback through real clients and the real process: asked, answered, rated, taken back, killed, reported."""

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.workspace import LocalWorkspace
from bot.workspace.state import BOT_USER
from jobs.feedback.rating import Message, Vote, slack_time
from jobs.feedback.reactions import DEFAULT_REACTIONS, ReactionEvent, current_votes
from tests.e2e.process import Bot, Home, convotest, make_home, serving

TEAM, CHANNEL, ADA, BEN = "T0LOCAL", "C0QUALITY", "U0ADA", "U0BEN"
EVENTS = 20_000
AT_ONCE = 40
KILL_AFTER = 6_000
NAMES = ("+1", "-1", "star", "one", "two", "three", "four", "five", "pizza", "+1::skin-tone-3")


@pytest.fixture
async def workspace() -> AsyncGenerator[LocalWorkspace]:
    async with LocalWorkspace() as workspace:
        yield workspace


async def test_ask_rate_take_back_and_explain_and_the_report_changes_each_time(
    tmp_path: Path, workspace: LocalWorkspace
) -> None:
    home = make_home(tmp_path)
    async with serving(home, workspace):
        answer = await ask(workspace)
        buttons = next(element for block in answer["blocks"] for element in block.get("elements", ())
                       if element.get("type") == "feedback_buttons")  # fmt: skip
        await workspace.react(BEN, CHANNEL, answer["ts"], "thumbsup")
        assert (await live(home, up=1))["thumbs"] == {"up": 1, "down": 0}
        await workspace.unreact(BEN, CHANNEL, answer["ts"], "thumbsup")
        await live(home, up=0)

        await workspace.click(BEN, CHANNEL, answer["ts"], "answer_feedback", buttons["negative_button"]["value"])
        await live(home, down=1)
        why = await workspace.wait_for(lambda: next(iter(workspace.ephemerals(BEN)), None))
        await workspace.click(BEN, CHANNEL, why["ts"], "why_misunderstood")
        await workspace.click(BEN, CHANNEL, why["ts"], "why_comment")
        (form,) = await workspace.wait_for(lambda: workspace.views(BEN))
        refused = await workspace.submit_view(BEN, form["id"], {"tags": "x" * 300})
        assert refused.errors == {"rating": "Give 1 to 5 stars, or write a comment."}
        taken = await workspace.submit_view(BEN, form["id"], {"rating": "2", "comment": "It forgot the drink"})
        assert (taken.errors, workspace.views(BEN)) == (None, [])

        rated = await live(home, n=1)
        assert (rated["mean"], rated["thumbs"]) == (2.0, {"up": 0, "down": 0})  # of one message the last word counts
        report = await feedback(home)
        assert report["tags"] == {"misunderstood": 1}
        [comment] = report["comments"]["telling"]
        assert (comment["text"], comment["summary"]["by"]) == ("It forgot the drink", "extract")


async def test_what_slack_the_api_and_the_terminal_say_stands_in_one_report_by_source(
    tmp_path: Path, workspace: LocalWorkspace
) -> None:
    home = make_home(tmp_path)
    stars = {"api": [5, 5, 4, 2, 1, 5], "cli": [3, 4]}
    async with serving(home, workspace) as bot, aiohttp.ClientSession() as session:
        answer = await ask(workspace)
        await workspace.react(BEN, CHANNEL, answer["ts"], "five")
        token = (await convotest(home, "token", "create", "helpdesk", "--workspace", TEAM)).stdout.split()[-1]
        given = [{"conversation_id": f"t-{place}", "rating": n} for place, n in enumerate(stars["api"])]
        headers = {"Authorization": f"Bearer {token}"}
        async with session.post(f"{bot.url}/api/v1/feedback", json=given, headers=headers) as response:
            assert response.status == 201, await response.text()
        for place, n in enumerate(stars["cli"]):
            said = ("--conversation", f"c-{place}", "--rating", str(n), "--workspace", TEAM)
            assert (await convotest(home, "feedback", "add", *said)).code == 0
        await live(home, n=1)

        await workspace.type_command(CHANNEL, ADA, "/convotest feedback 1d")
        shown = await workspace.wait_for(lambda: report_in(workspace), 60)

    report = await feedback(home)
    everything = [5, *stars["api"], *stars["cli"]]
    assert {source: figures["n"] for source, figures in report["by_source"].items() if figures["n"]} == {
        "live": 1, "api": 6, "cli": 2,
    }  # fmt: skip
    assert report["csat"] | {"value": round(report["csat"]["value"], 12)} == pytest.approx(csat(everything))
    assert f"CSAT {sum(n >= 4 for n in everything) / 9 * 100:.0f} %" in shown["text"]


@pytest.mark.slow
async def test_twenty_thousand_reactions_with_a_kill_in_the_middle_leave_what_the_oracle_says(
    tmp_path: Path, workspace: LocalWorkspace
) -> None:
    home, chance = make_home(tmp_path), random.Random(7)
    bot = Bot(home, workspace)
    await bot.start()
    try:
        answers = [(await ask(workspace, f"a small margherita please, number {place}"))["ts"] for place in range(6)]
        events = reactions(answers, int(EVENTS / 1.3), chance)
        delivered = events + chance.choices(events, k=EVENTS - len(events))
        chance.shuffle(delivered)
        door = Door(bot, workspace)
        acknowledged = await door.knock(delivered, kill_after=KILL_AFTER)
        lost_in_the_air = len(delivered) - len(acknowledged)
        await bot.start()
        # Slack sends again what was not acknowledged, and we send nothing of what was
        answered = {id(each) for each in acknowledged}
        again = await door.knock([each for each in delivered if id(each) not in answered])
        await settled(home)
    finally:
        await bot.stop()

    assert (len(delivered), lost_in_the_air > 0, len(again)) == (EVENTS, True, lost_in_the_air)
    votes = list(current_votes([read(each) for each in events], DEFAULT_REACTIONS).items())
    figures = (await feedback(home))["by_source"]["live"]
    assert figures["thumbs"] == {
        "up": sum(vote == Vote(kind="thumb", value=1) for _, vote in votes),
        "down": sum(vote == Vote(kind="thumb", value=-1) for _, vote in votes),
    }
    assert figures["distribution"] == {
        str(n): sum(vote == Vote(kind="stars", value=n) for _, vote in votes) for n in range(1, 6)
    }


# --- real clients ---------------------------------------------------------------------------------------------------


async def ask(workspace: LocalWorkspace, question: str = "what is on the menu?") -> dict[str, Any]:
    """The first message of the answer."""
    before = {message["ts"] for message in workspace.messages(CHANNEL)}
    await workspace.type_command(CHANNEL, ADA, f"/convotest ask assistant=pizza {question}")

    def answer() -> dict[str, Any] | None:
        roots = [message for message in workspace.messages(CHANNEL) if message["ts"] not in before]
        thread = workspace.messages(CHANNEL, roots[-1]["ts"]) if roots else []
        return next((message for message in thread if "feedback_buttons" in json.dumps(message.get("blocks"))), None)

    return await workspace.wait_for(answer, 60)


async def feedback(home: Home) -> dict[str, Any]:
    ended = await convotest(home, "feedback", "report", "--workspace", TEAM, "--json")
    assert ended.code == 0, ended.stderr
    return ended.json


async def live(home: Home, *, n: int | None = None, up: int | None = None, down: int | None = None) -> dict[str, Any]:
    """What people say of live conversations, once it is so."""
    for _ in range(20):
        figures = (await feedback(home))["by_source"]["live"]
        seen = (figures["n"], figures["thumbs"]["up"], figures["thumbs"]["down"])
        if all(wanted in (None, value) for wanted, value in zip((n, up, down), seen, strict=True)):
            return figures
    raise AssertionError(f"the report still says {figures}")


def report_in(workspace: LocalWorkspace) -> dict[str, Any] | None:
    """The report with its chart in the thread."""
    for message in workspace.messages(CHANNEL):
        if message["text"].startswith("Feedback, last") and len(workspace.messages(CHANNEL, message["ts"])) == 2:
            return message
    return None


def csat(stars: Sequence[int]) -> dict[str, float]:
    """The share of 4 and 5 with Wilson's interval, from the formula."""
    n, p, z = len(stars), sum(each >= 4 for each in stars) / len(stars), 1.959963984540054
    centre, reach = (p + z * z / (2 * n)), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return {"value": p, "low": (centre - reach) / (1 + z * z / n), "high": (centre + reach) / (1 + z * z / n), "n": n}


# --- reactions as Slack delivers them -------------------------------------------------------------------------------


def reactions(answers: Sequence[str], number: int, chance: random.Random) -> list[dict[str, Any]]:
    """Events of which a third take a reaction away, in the order in which they happened."""
    began = time.time() - 3600
    members = (ADA, BEN, "U0CHLOE", "U0DEV")
    return [
        {
            "type": "event_callback",
            "team_id": TEAM,
            "event_id": f"EvR{place}",
            "event": {
                "type": chance.choice(("reaction_added", "reaction_added", "reaction_removed")),
                "user": chance.choice(members),
                "reaction": chance.choice(NAMES),
                "item": {"type": "message", "channel": CHANNEL, "ts": chance.choice(answers)},
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


@dataclass
class Door:
    """Delivers events as fast as they are acknowledged."""

    bot: Bot
    workspace: LocalWorkspace

    async def knock(self, bodies: Sequence[dict[str, Any]], *, kill_after: int | None = None) -> list[dict[str, Any]]:
        """Those that were acknowledged; after so many of them the process is killed."""
        acknowledged: list[dict[str, Any]] = []
        waiting, killed = iter(bodies), asyncio.Event()

        async def deliver(session: aiohttp.ClientSession) -> None:
            for body in waiting:
                raw = json.dumps(body).encode()
                try:
                    async with session.post(self.url, data=raw, headers=self.signed(raw)) as response:
                        await response.read()
                except aiohttp.ClientError:
                    return
                if response.status == 200:
                    acknowledged.append(body)
                if kill_after is not None and len(acknowledged) >= kill_after and not killed.is_set():
                    killed.set()
                    await self.bot.kill()

        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(deliver(session) for _ in range(AT_ONCE)))
        return acknowledged

    @property
    def url(self) -> str:
        return f"{self.bot.url}/slack/events"

    def signed(self, raw: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        key = self.workspace.signing_secret.encode()
        digest = hmac.new(key, f"v0:{timestamp}:".encode() + raw, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={digest}",
        }


async def settled(home: Home) -> None:
    """Return when everything that was acknowledged is worked on."""
    from contextlib import closing
    from sqlite3 import connect

    for _ in range(600):
        with closing(connect(home.directory / "convotest.db", timeout=10)) as connection:
            [left] = connection.execute("select count(*) from delivery where state = 'received'").fetchone()
        if not left:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{left} deliveries are not worked on")
