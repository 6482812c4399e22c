"""Messages keep Slack's limits and ping nobody, whatever an assistant or a file says."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot import blocks
from bot.blocks import Json, Message, NextStep
from bot.blocks._parts import clean, clip, counted, dollars, escape, percent, progress_bar
from bot.blocks.answers import Entry, Status
from bot.workspace.block_kit import check_message_blocks, check_view
from jobs.model import (
    Assessment,
    Conversation,
    ConversationId,
    Goal,
    GoalProgress,
    Outcome,
    Place,
    Progress,
    Run,
    RunId,
    RunState,
    Scenario,
    Speaker,
    Transcript,
    Turn,
    Verdict,
    WorkspaceId,
)
from jobs.report import RunSummary, build_report

NASTY = (
    "plain",
    "",
    " \n\t ",
    "<!channel> <!here> <@U123> <!subteam^S1> <http://evil.example|bank> @channel *bold* `code` ~x~",
    "x" * 40_000,
    "line\n" * 10_000,
    "\u202eright to left\u202c \u200bzero\u200d width \x00\x07control \ud800 half",
    "👩‍👩‍👧‍👦🍕" * 2_000,
    "&lt;!channel&gt; &amp; <&>",
    "7/20 ✅ passed",
)
PING = re.compile(r"<(?:!|@|#|https?:)")


def a_run(state: RunState = "running", *, text: str = "pizza", planned: int = 20, by: str = "U0ADA") -> Run:
    return Run(
        id=RunId("0199aaaa-0000-7000-8000-00001234abcd"),
        workspace_id=WorkspaceId("T1"),
        state=state,
        target=text,
        profile=text,
        suite=None,
        assistant=text,
        variant="faulty",
        simulator="agenda",
        seed=7,
        planned=planned,
        stamps={},
        notes=(text, "n=100000 was cut to 1000") if text != "pizza" else (),
        started_by=by,
        place=Place(workspace_id=WorkspaceId("T1"), channel_id="C1"),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def a_conversation(
    number: int = 7, outcome: Outcome = "failed", *, text: str = "Hello", turns: int = 6, reasons: int = 1
) -> Conversation:
    speakers: tuple[Speaker, Speaker] = ("user", "assistant")
    return Conversation(
        id=ConversationId(f"c{number}"),
        run_id=RunId("r"),
        number=number,
        scenario=Scenario(profile="pizza", number=number, seed=1, goals=(Goal(text=text, template=text),)),
        transcript=Transcript(
            turns=tuple(
                Turn(speaker=speakers[place % 2], text=text, latency_ms=120.0 if place % 2 else None)
                for place in range(turns)
            ),
            ended_by="goal_reached",
        ),
        verdict=Verdict(outcome=outcome, blame="assistant", reasons=(text or "because",) * reasons),
        assessment=Assessment(goals=(GoalProgress(text=text, asked=True, answered=True, turn=1),)),
    )


def a_summary(run: Run, conversations: list[Conversation]) -> RunSummary:
    return build_report(run, conversations).summary


def every_message(text: str) -> Iterator[Message]:
    run, finished = a_run(text=text, by=text), a_run("finished", text=text)
    conversations = [
        a_conversation(number, "failed", text=f"{text} {number % 30}", reasons=3) for number in range(1, 61)
    ]
    summary = a_summary(finished, conversations)
    progress = Progress(planned=20, by_outcome={"failed": 3})
    yield blocks.run_card(run, progress, None)
    yield blocks.run_card(finished, progress, summary, NextStep(reason=text, command=text))
    yield blocks.run_card(a_run("cancelled", text=text), progress, summary)
    yield blocks.conversation_message(run, a_conversation(text=text))
    yield blocks.conversation_message(run, a_conversation(text=text, turns=2, reasons=5))
    yield blocks.conversation_message(run, a_conversation(text=text, turns=0, outcome="cancelled"))
    yield blocks.failures(summary)
    yield blocks.run_finished(finished, summary, more_to_show=True)
    yield blocks.run_finished(a_run("cancelled", text=text, by=text), summary, more_to_show=False)
    yield blocks.note(text)
    yield blocks.listing("Profiles", [Entry(name=text, about=text)] * 100, empty="none", hint="hint")
    yield blocks.status(
        Status(
            running=[(run, progress)] * 30,
            waiting_conversations=1,
            oldest_job=None,
            playing=1,
            unsent=0,
            oldest_unsent=None,
        )
    )


def texts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object with a ``text`` inside blocks."""
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from texts(each)
    elif isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        if isinstance(fields.get("text"), str):
            yield fields
        for each in fields.values():
            yield from texts(each)


def text_of(message: Message) -> str:
    return "\n".join(str(each["text"]) for each in texts(list(message.blocks)))


@pytest.mark.parametrize("text", NASTY)
def test_every_message_keeps_slacks_limits_whatever_is_said(text: str) -> None:
    for message in every_message(text):
        check_message_blocks(list(message.blocks))
        for block in message.blocks:
            parsed = Block.parse(dict(block))  # pyright: ignore[reportUnknownMemberType]  # half typed
            assert parsed is not None
            parsed.validate_json()
        assert 0 < len(message.text) <= 4_000
        assert sum(len(str(each["text"])) for each in texts(list(message.blocks))) < 9_500
        json.dumps([message.text, message.blocks]).encode("utf-8")


@pytest.mark.parametrize("text", NASTY)
def test_nothing_untrusted_becomes_markup(text: str) -> None:
    for message in every_message(text):
        assert not PING.search(message.text.replace("<@U0ADA>", ""))
        for each in texts(list(message.blocks)):
            if each.get("type") == "mrkdwn":
                assert not PING.search(str(each["text"]).replace("<@U0ADA>", ""))
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u200d\x00-\x08\ud800-\udfff]", str(each["text"]))


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("turns", [0, 1, 9, 400])
def test_the_transcript_fits_into_a_modal(text: str, turns: int) -> None:
    view = blocks.transcript_modal(a_run(planned=1000), a_conversation(1000, text=text, turns=turns))

    check_view(view, "modal")
    View(**view).validate_json()
    assert len(json.dumps(view)) < 250_000


def test_a_transcript_too_long_for_a_modal_says_what_is_missing() -> None:
    view = blocks.transcript_modal(a_run(), a_conversation(turns=400))

    assert "use “Send as file”" in json.dumps(view, ensure_ascii=False)


@pytest.mark.parametrize("text", NASTY)
def test_the_picker_is_a_good_modal(text: str) -> None:
    view = blocks.picker([text or "a", "pizza"] * 2, [f"pizza@{n}" for n in range(120)], channel_id="C1")

    check_view(view, "modal")


def test_a_conversation_message_begins_with_its_number_and_says_why_in_words() -> None:
    message = blocks.conversation_message(a_run(), a_conversation(reasons=1, text="the price changed"))

    assert message.text.startswith("7/20 ❌ failed: the price changed")
    assert text_of(message).startswith("7/20 ")
    assert "… 2 more turns …" in text_of(message)
    assert text_of(message).count("Customer: ") == 2


def test_no_other_message_begins_like_a_conversation() -> None:
    for message in every_message("7/20 hello"):
        is_conversation = message.text.startswith("7/20 ❌") or message.text.startswith("7/20 ⏹️")
        assert is_conversation or not re.match(r"\d+/\d+", message.text) or "hello" in message.text


def test_the_card_shows_done_and_planned_also_when_finished() -> None:
    run = a_run("finished")
    conversations = [a_conversation(n, "passed" if n > 1 else "failed", reasons=n == 1) for n in range(1, 21)]
    progress = Progress(planned=20, by_outcome={"passed": 19, "failed": 1})

    card = blocks.run_card(run, progress, a_summary(run, conversations))

    shown = text_of(card)
    assert shown.startswith("19 of 20 passed")
    assert "▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓ 20/20" in shown
    assert "95 % (76–99 %, n = 20)" in shown
    assert "120 ms / 120 ms" in shown
    assert "offline (agenda)" in shown
    assert "seed 7" in shown
    assert "vs last run: – (this is the first run" in shown


def test_a_running_card_can_be_cancelled_after_a_question() -> None:
    card = blocks.run_card(a_run(), Progress(planned=20, by_outcome={"passed": 6, "failed": 1}), None)

    (button,) = card.blocks[-1]["elements"]
    assert button["action_id"] == blocks.CANCEL
    assert button["confirm"]["text"]["text"].startswith("13 conversations will not be played")
    assert "▓▓▓▓▓▓▓░░░░░░░░░░░░░ 7/20" in text_of(card)
    assert "✅ 6 passed · ❌ 1 failed" in text_of(card)


def test_what_is_missing_is_a_dash_with_a_word_and_never_zero() -> None:
    run = a_run("finished", planned=1)
    nothing = a_conversation(1, "assistant_error", turns=0)

    card = text_of(
        blocks.run_card(run, Progress(planned=1, by_outcome={"assistant_error": 1}), a_summary(run, [nothing]))
    )

    assert "– (nothing could be judged)" in card
    assert "– (no answer was timed)" in card
    assert "– (not scored)" in card
    assert "1 conversation planned" in card


def test_failures_are_grouped_with_counts_and_numbers() -> None:
    run = a_run("finished")
    conversations = [a_conversation(n, text="the price changed") for n in (2, 7, 9)]

    message = blocks.failures(a_summary(run, conversations))

    assert message.text == "Failures by reason: 3× the price changed"
    assert "(conversations 2, 7, 9)" in text_of(message)


def test_the_last_message_mentions_who_started_it_and_says_the_result() -> None:
    run = a_run("finished", planned=2)
    summary = a_summary(run, [a_conversation(1, "passed", reasons=0), a_conversation(2)])

    message = blocks.run_finished(run, summary, more_to_show=False)

    assert message.text == (
        "<@U0ADA>, your run of 'pizza' is finished: 1 of 2 conversations passed with pizza@faulty (50 %)."
    )
    section = cast("list[Json]", message.blocks[0]["elements"])[0]
    assert section["elements"][0] == {"type": "user", "user_id": "U0ADA"}


def test_whoever_started_a_run_in_a_terminal_is_named_and_not_mentioned() -> None:
    run = a_run("finished", by="ada <!channel>")

    message = blocks.run_finished(run, a_summary(run, [a_conversation(1)]), more_to_show=False)

    assert message.text.startswith("ada &lt;!channel&gt;, your run")


@pytest.mark.parametrize(
    ("done", "planned", "filled"), [(0, 20, 0), (1, 1000, 1), (999, 1000, 19), (1000, 1000, 20), (0, 0, 0)]
)
def test_the_bar_begins_with_the_first_and_is_full_only_with_the_last(done: int, planned: int, filled: int) -> None:
    assert progress_bar(done, planned) == "▓" * filled + "░" * (20 - filled)


def test_numbers_are_written_as_people_read_them() -> None:
    assert [percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "< 1 %", "50 %", "> 99 %", "100 %"]
    assert [dollars(cost) for cost in (None, 0, 0.00001, 0.0312, 12.5)] == [
        "– (price unknown)",
        "$0",
        "< $0.0001",
        "$0.0312",
        "$12.50",
    ]
    assert [counted(1, "turn"), counted(2, "turn"), counted(1_000, "turn")] == ["1 turn", "2 turns", "1,000 turns"]


def test_cut_text_says_how_much_is_missing() -> None:
    assert clip("x" * 40_000, 100) == "x" * 68 + " … (39,932 more characters)"
    assert len(clip("x" * 40_000, 100)) <= 100


def test_cleaned_text_keeps_lines_and_letters_of_every_script() -> None:
    assert clean("שלום\u202e ok\r\nнет\x00\u2028日本") == "שלום ok\nнет\n日本"
    assert escape("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"
