"""Rating by buttons and by the form, and the report in Slack, with the real use cases over a double of Slack."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.feedback import ANSWER_FEEDBACK, RATE, RATE_FORM, WHY_COMMENT
from bot.commands import COMMANDS, Asker, Edge, handle_convotest
from bot.forms import FieldError, Submission
from bot.interactions import FORMS, Click, handle_click
from bot.memory_poster import MemoryPoster
from bot.outbox import Pace, Sender
from bot.workspace.block_kit import check_message_blocks, check_view
from jobs.errors import RequestError
from jobs.feedback.given import GivenFeedback
from jobs.feedback.record import ratings_of
from jobs.model import WorkspaceId
from jobs.testing import MovableClock, testing_ports
from tests.contract.shown_messages import show_answers

TEAM = WorkspaceId("T1")
ANSWER = "1700000000.000100"
ABOUT = f"live-T1-C1-{ANSWER}"
BEN = Asker(
    workspace_id=TEAM, channel_id="C1", member_id="U0BEN", key="k", trigger_id="t", message_ts=ANSWER, pressed_ts="1.1"
)


class Stage:
    def __init__(self, edge: Edge, poster: MemoryPoster) -> None:
        self.edge = edge
        self.poster = poster
        self.pressed = 0

    async def press(self, action_id: str, value: str, asker: Asker = BEN) -> str:
        self.pressed += 1
        asker = replace(asker, pressed_ts=f"{1_700_000_100 + self.pressed}.0")
        message = await handle_click(Click(action_id=action_id, value=value), asker, self.edge)
        return message.text if message else ""

    async def submit(self, asker: Asker = BEN, **typed: str) -> None:
        """Submit the form that was opened last; text fields by what is typed, the others by what is chosen."""
        form = FORMS[RATE_FORM]
        about = str(self.poster.views[-1]["private_metadata"]).partition(" ")[2]
        request = await form.read(Submission(values=state(typed), about=about), asker, self.edge)
        await form.carry_out(request, asker, self.edge)

    async def rows(self) -> list[dict[str, Any]]:
        rows = await self.edge.ports.store.feedback.ratings(TEAM, limit=100)
        return [dict(row) for row in reversed(rows)]


def state(typed: dict[str, str]) -> dict[str, Any]:
    texts = ("comment", "suggested_response", "suggested_tools", "tags")
    return {
        name: {name: {"value": value} if name in texts else {"selected_option": {"value": value}}}
        for name, value in typed.items()
    }


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with testing_ports(tmp_path) as ports:
        await show_answers(ports.store, ports.clock, [ANSWER], team=TEAM)
        poster = MemoryPoster()
        yield Stage(Edge(ports=ports, poster=poster, commands=COMMANDS), poster)


async def test_of_the_thumbs_under_an_answer_the_last_one_counts_and_a_thumb_down_is_asked_why_once(
    stage: Stage,
) -> None:
    told = [await stage.press(ANSWER_FEEDBACK, f"{thumb}:{ABOUT}:1") for thumb in ("up", "down", "up", "down")]

    (row,) = await stage.rows()
    assert (row["kind"], row["value"], row["source"], row["conversation_id"]) == ("thumb", -1, "live", ABOUT)
    assert told == ["Thanks, noted.", "Thanks for the thumb down. What was wrong?", "Thanks, noted.", "Thanks, noted."]


async def test_why_is_kept_as_a_tag_without_a_vote(stage: Stage) -> None:
    assert await stage.press("why_wrong", f"{ABOUT}:{ANSWER}") == "Thanks, noted."
    await stage.press("why_incomplete", f"{ABOUT}:{ANSWER}")

    (row,) = await stage.rows()
    assert (row["kind"], row["value"], row["details"]["tags"]) == ("comment", None, ["incomplete"])


async def test_the_form_says_under_the_field_what_is_wrong_and_then_takes_everything(stage: Stage) -> None:
    await stage.press(RATE, ABOUT)
    check_view(stage.poster.views[-1], "modal")
    for wrong, field in (
        ({}, "rating"),
        ({"speed": "5"}, "rating"),
        ({"rating": "6"}, "rating"),
        ({"rating": "4.5"}, "rating"),
        ({"rating": "5", "speed": "0"}, "speed"),
        ({"rating": "5", "tags": "x" * 201}, "tags"),
        ({"rating": "5", "tags": ",".join(map(str, range(21)))}, "tags"),
        ({"comment": "x" * 4_001}, "comment"),
        ({"rating": "5", "suggested_response": "x" * 4_001}, "suggested_response"),
    ):
        with pytest.raises(FieldError) as refused:
            await stage.submit(BEN, **wrong)
        assert refused.value.field == field
    assert await stage.rows() == []

    await stage.submit(
        rating="2",
        comment="mail me at ben@example.com",
        response_quality="1",
        suggested_response="With drink",
        suggested_tools="order_status, menu",
        tags="drinks,",
    )

    (row,) = await stage.rows()
    assert (row["kind"], row["value"], row["comment"]) == ("stars", 2, "mail me at [email]")
    assert row["details"] == {
        "aspects": {"response_quality": 1},
        "suggested_response": "With drink",
        "suggested_tools": ["order_status", "menu"],
        "tags": ["drinks"],
    }


async def test_the_form_begins_with_what_was_said_before_and_saying_it_again_takes_its_place(stage: Stage) -> None:
    await stage.press(WHY_COMMENT, f"{ABOUT}:{ANSWER}", replace(BEN, message_ts="1.ephemeral"))
    await stage.submit(rating="2", comment="slow", speed="1")
    stage.edge.ports.clock.move(60)  # type: ignore[attr-defined]  # the movable clock of testing_ports
    await stage.press(RATE, ABOUT)
    blocks = {block["block_id"]: block["element"] for block in stage.poster.views[-1]["blocks"]}
    await stage.submit(rating="4")

    assert blocks["rating"]["initial_option"]["value"] == "2"
    assert (blocks["comment"]["initial_value"], blocks["speed"]["initial_option"]["value"]) == ("slow", "1")
    assert [(row["value"], row["comment"]) for row in await stage.rows()] == [(4, None)]


@pytest.mark.parametrize(
    ("action_id", "value"),
    [
        (ANSWER_FEEDBACK, "up:nothing:1"),
        (ANSWER_FEEDBACK, f"sideways:{ABOUT}:1"),
        (ANSWER_FEEDBACK, ""),
        (RATE, "nothing"),
        ("why_wrong", f"nothing:{ANSWER}"),
        ("why_wrong", ABOUT),
        (WHY_COMMENT, ""),
    ],
)
async def test_a_button_of_something_unknown_says_so_and_stores_nothing(
    stage: Stage, action_id: str, value: str
) -> None:
    with pytest.raises(RequestError):
        await stage.press(action_id, value)

    assert (await stage.rows(), stage.poster.views) == ([], [])


async def test_a_conversation_of_another_workspace_cannot_be_rated(stage: Stage) -> None:
    with pytest.raises(RequestError, match="not known here"):
        await stage.press(ANSWER_FEEDBACK, f"up:{ABOUT}:1", replace(BEN, workspace_id=WorkspaceId("T2")))

    assert await stage.rows() == []


async def test_the_report_is_a_message_with_figures_and_comments_and_its_chart_in_the_thread(stage: Stage) -> None:
    ports = stage.edge.ports
    given = [
        GivenFeedback(rating=stars, feedback_text=f"comment {place} <!channel>", user_id=f"u{place}", assistant="pizza")
        for place, stars in enumerate((5, 5, 4, 4, 4, 1))
    ]
    ratings, _ = await ratings_of(given, store=ports.store, clock=ports.clock, workspace_id=TEAM, source="api")
    await ports.store.feedback.add(ratings)
    ports.clock.move(60)  # type: ignore[attr-defined]  # the movable clock of testing_ports

    assert await handle_convotest("feedback 7d assistant=pizza", replace(BEN, key="command:1"), stage.edge) is None
    await handle_convotest("feedback 7d assistant=pizza", replace(BEN, key="command:1"), stage.edge)
    await show_everything(stage)

    report, chart = stage.poster.posted
    text = str(report.versions[-1].blocks)
    assert report.versions[-1].text.startswith("Feedback, last 7 days · pizza: CSAT 83 % (44 % to 97 %), n = 6")
    assert ("comment 0" in text, "<!channel>" in report.versions[-1].text) == (True, False)
    assert (chart.thread_ts, stage.poster.uploads[chart.file_id or ""].content[:4]) == (report.ts, b"\x89PNG")


async def test_a_report_of_nothing_is_a_message_that_slack_takes(stage: Stage) -> None:
    await handle_convotest("feedback", BEN, stage.edge)
    await show_everything(stage)

    report, _ = stage.poster.posted
    check_message_blocks(list(report.versions[-1].blocks))
    assert report.versions[-1].text == "Feedback, last 30 days: 0 ratings, 0 thumbs up, 0 down"


async def show_everything(stage: Stage) -> None:
    ports = stage.edge.ports
    pace = Pace(message_s=0.0, burst=100, edit_s=0.0, edit_per_run_s=0.0)
    sender = Sender(workspace_id=TEAM, ports=ports, poster=stage.poster, pace=pace)
    while (await ports.store.outbox.backlog(TEAM)).waiting:
        await sender.send_due()
        assert isinstance(ports.clock, MovableClock)
        ports.clock.move(1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("feedback soon", "no period"),
        ("feedback 0d", "no period"),
        ("feedback 7d 8d", "one period"),
        ("feedback by=wek", "did you mean 'week'"),
        ("feedback nps=usul", "did you mean 'usual'"),
        ("feedback asistant=pizza", "did you mean 'assistant'"),
    ],
)
async def test_a_report_that_cannot_be_made_is_refused_with_the_nearest_word(
    stage: Stage, text: str, says: str
) -> None:
    with pytest.raises(RequestError, match=says):
        await handle_convotest(text, BEN, stage.edge)

    assert (await stage.edge.ports.store.outbox.backlog(TEAM)).waiting == 0
