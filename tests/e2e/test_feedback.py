"""Feedback through real clients and the real process: asked, answered, rated, taken back, killed, reported."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.workspace import LocalWorkspace
from tests.e2e.process import Home, convotest, make_home, serving
from tests.e2e.reaction_chaos import ADA, BEN, CHANNEL, TEAM, ask, feedback, play


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
        why: Any = await workspace.wait_for(lambda: next(iter(workspace.ephemerals(BEN)), None))
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
        shown: Any = await workspace.wait_for(lambda: report_in(workspace), 60)

    report = await feedback(home)
    everything = [5, *stars["api"], *stars["cli"]]
    assert {source: figures["n"] for source, figures in report["by_source"].items() if figures["n"]} == {
        "live": 1, "api": 6, "cli": 2,
    }  # fmt: skip
    assert report["csat"] == pytest.approx(csat(everything))
    assert f"CSAT {sum(n >= 4 for n in everything) / 9 * 100:.0f} %" in shown["text"]


async def test_reactions_in_random_order_with_a_kill_in_the_middle_leave_what_the_oracle_says(
    tmp_path: Path, workspace: LocalWorkspace
) -> None:
    outcome = await play(make_home(tmp_path), workspace, events=1_500, seed=3)

    assert outcome.acknowledged_before_kill >= 500
    assert outcome.stored == outcome.oracle


# --- real clients ---------------------------------------------------------------------------------------------------


async def live(home: Home, *, n: int | None = None, up: int | None = None, down: int | None = None) -> dict[str, Any]:
    """What people say of live conversations, once it is so."""
    figures: Any = None
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
