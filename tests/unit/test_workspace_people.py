"""What people type and choose reaches the bot in Slack's forms."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.workspace import LocalWorkspace
from bot.workspace.elements import action_of, input_errors, state_of
from bot.workspace.errors import SlackError
from bot.workspace.journal import Journal
from bot.workspace.people import named_values, typed_text

Json = dict[str, Any]
OPTIONS = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("a", "b", "c")]


@pytest.fixture
async def workspace() -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace() as workspace:
        yield workspace


@pytest.mark.parametrize(
    ("typed", "in_command", "in_message"),
    [
        ("hi @ada", "hi <@U0ADA|ada>", "hi <@U0ADA>"),
        ("in #general", "in <#C0GENERAL|general>", "in <#C0GENERAL|general>"),
        ("@nobody #nowhere", "@nobody #nowhere", "@nobody #nowhere"),
        ("mail me@ada.example", "mail me@ada.example", "mail me@ada.example"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d", "a &lt; b &amp; c &gt; d"),
        ("see https://x.y/#general", "see <https://x.y/#general>", "see <https://x.y/#general>"),
        ("<@U0BEN>", "<@U0BEN>", "<@U0BEN>"),
        ("<script>", "&lt;script&gt;", "&lt;script&gt;"),
    ],
)
async def test_typed_text_is_escaped_as_slack_does(
    workspace: LocalWorkspace, typed: str, in_command: str, in_message: str
) -> None:
    assert typed_text(workspace.team(), typed, with_names=True) == in_command
    assert typed_text(workspace.team(), typed, with_names=False) == in_message


@pytest.mark.parametrize(
    ("element", "value", "state"),
    [
        ({"type": "plain_text_input"}, "x", {"value": "x"}),
        ({"type": "plain_text_input"}, "", {"value": None}),
        ({"type": "static_select", "options": OPTIONS}, "b", {"selected_option": OPTIONS[1]}),
        ({"type": "static_select", "options": OPTIONS}, None, {"selected_option": None}),
        ({"type": "checkboxes", "options": OPTIONS}, ["a", "c"], {"selected_options": [OPTIONS[0], OPTIONS[2]]}),
        ({"type": "datepicker"}, "2030-01-01", {"selected_date": "2030-01-01"}),
        ({"type": "datetimepicker"}, "1893456000", {"selected_date_time": 1893456000}),
        ({"type": "users_select"}, "U0ADA", {"selected_user": "U0ADA"}),
    ],
)
def test_a_value_becomes_the_state_of_its_element(element: Json, value: Any, state: Json) -> None:
    assert state_of(element, value) == {"type": element["type"], **state}


def test_a_thumb_says_which_of_the_two_it_was() -> None:
    sides = {f"{side}_button": {"text": {"text": side}, "value": side} for side in ("positive", "negative")}
    element = {"type": "feedback_buttons", "action_id": "thumb", **sides}

    assert action_of({"block_id": "b"}, element, "negative", "1.2")["value"] == "negative"


@pytest.mark.parametrize(
    ("element", "value", "refused"),
    [
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "whole number"),
        ({"type": "number_input", "is_decimal_allowed": True, "max_value": "2"}, "2.5", "at most 2"),
        ({"type": "number_input", "is_decimal_allowed": True}, "many", "enter a number"),
        ({"type": "plain_text_input", "max_length": 2}, "abc", "at most 2"),
        ({"type": "email_text_input"}, "nobody", "email"),
        ({"type": "url_text_input"}, "ftp://x", "URL"),
        ({"type": "radio_buttons", "options": OPTIONS}, None, "required"),
    ],
)
def test_the_client_refuses_bad_input(element: Json, value: Any, refused: str) -> None:
    block = {"type": "input", "block_id": "b", "element": {**element, "action_id": "a"}}

    assert refused in input_errors([block], {("b", "a"): value})["b"]


def test_an_unknown_input_is_named_with_the_known_ones() -> None:
    block = {"type": "input", "block_id": "b", "element": {"type": "plain_text_input", "action_id": "reason"}}

    with pytest.raises(ValueError, match="no input 'resaon' in this view; known: reason"):
        named_values([block], {"resaon": "x"})


async def test_a_person_acts_only_where_they_are(workspace: LocalWorkspace) -> None:
    with pytest.raises(SlackError, match="not_in_channel"):
        await workspace.post_as_member("U0GUEST", "C0RANDOM", "hello")


async def test_waiting_ends_with_the_change_and_gives_up_in_time(workspace: LocalWorkspace) -> None:
    await workspace.post_as_member("U0ADA", "C0GENERAL", "x")

    assert await workspace.wait_for(lambda: workspace.messages("C0GENERAL"))
    with pytest.raises(TimeoutError):
        await workspace.wait_for(lambda: workspace.messages("C0QUALITY"), timeout=0.01)


def test_a_journal_that_forgot_an_event_says_so() -> None:
    journal = Journal(keep=2)
    start = journal.position
    for number in range(3):
        journal.record({"n": number})
    missed = journal.since(f"{journal.epoch}-1")

    assert journal.since(start) is None
    assert missed is not None and [event["n"] for _, event in missed] == [1, 2]
    assert journal.since(f"{journal.epoch}-9") is None
