"""Recorded conversations: what real recordings look like, and what hostile ones may not do."""

import datetime
import time
from pathlib import Path

import pytest

from jobs.errors import RequestError
from jobs.model import (
    Assessment,
    Conversation,
    ConversationId,
    Goal,
    OutputSpec,
    RunId,
    Scenario,
    Slot,
    Transcript,
    Turn,
    Verdict,
)
from jobs.recorded import UnreadableError, load_recordings, parse_recorded, recorded_from_run

RECORDING = """\
serial: 2025-07-07-12-12-38
language: English
context:
- be direct
ask_about:
- First, order a {{size}} pizza
- toppings:
  - mushrooms
  - corn
- size: small
conversation:
- interaction_style:
  - default
- number: 3
- goal_style:
    all_answered:
      export: true
      limit: 6
data_output:
- price: 12.50$
- confirmed_appointment: 2025-10-06
- total: 12.5
- order_id: 'None'
- time: null
errors:
- 1001: 1 goals left to complete.
total_cost($): 0.0
---
conversation time: 27.523365
assistant response time:
- 4.215204
- 6.1
response time report:
  average: 5.1
---
interaction:
- User: A small pizza, please.
- Assistant: 'Which toppings?

    We have corn.'
- User: Corn
- Assistant: Done.
"""


def test_everything_a_rule_may_name_is_bound() -> None:
    recorded = parse_recorded(RECORDING.encode(), name="a.yml")

    assert recorded.variables["toppings"] == ["mushrooms", "corn"]
    assert recorded.variables["size"] == "small"
    assert recorded.variables["price"] == recorded.variables["data_output_price"] == "12.50$"
    assert recorded.variables["total"] == 12.5
    assert recorded.variables["limit"] == recorded.variables["conversation_goal_style_all_answered_limit"] == 6
    assert recorded.variables["order_id"] == "None"
    assert recorded.variables["time"] is None
    assert recorded.variables["user_phrases"] == ["A small pizza, please.", "Corn"]
    assert recorded.variables["chatbot_phrases"][0] == "Which toppings?\nWe have corn."
    assert "serial" not in recorded.variables
    assert "context" not in recorded.variables


def test_metadata_and_times_are_read() -> None:
    recorded = parse_recorded(RECORDING.encode(), name="a.yml")

    assert (recorded.serial, recorded.language) == ("2025-07-07-12-12-38", "English")
    assert recorded.response_times_s == [4.215204, 6.1]
    assert recorded.errors == [{"1001": "1 goals left to complete."}]


def test_a_date_is_a_date_and_a_wrong_one_a_text() -> None:
    text = RECORDING.replace("2025-10-06", "2025-13-40")

    assert parse_recorded(RECORDING.encode(), name="a").variables["confirmed_appointment"] == datetime.date(2025, 10, 6)
    assert parse_recorded(text.encode(), name="a").variables["confirmed_appointment"] == "2025-13-40"


def test_aliases_of_other_writers_are_followed() -> None:
    text = RECORDING.replace("- toppings:\n  - mushrooms\n  - corn", "- toppings: &top [corn]\n- extras: *top")

    assert parse_recorded(text.encode(), name="a").variables["extras"] == ["corn"]


def test_older_recordings_are_one_document() -> None:
    recorded = parse_recorded(RECORDING.replace("---\n", "").encode(), name="a")

    assert recorded.variables["user_phrases"][1] == "Corn"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: [", "not YAML"),
        (b"a: 1", "no recorded conversation"),
        (b"", "no recorded conversation"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a: !!python/object/apply:os.system ['true']", "tag"),
        (b"[" * 5_000, "nested deeper"),
        (b"a: \x07", "forbids"),
        (b"x" * (2 * 1024 * 1024 + 1), "larger than 2 MB"),
        (
            b"a: &a [1,1,1,1,1,1,1,1,1]\n"
            + b"".join(
                f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n".encode() for n in range(9)
            ),
            "more than 100,000 values",
        ),
    ],
    ids=["syntax", "other", "empty", "utf16", "tag", "deep", "control", "large", "bomb"],
)
def test_what_is_no_recording_is_refused_at_once_with_its_place(content: bytes, reason: str) -> None:
    started = time.perf_counter()

    with pytest.raises(UnreadableError) as refused:
        parse_recorded(content, name="a")

    assert reason in refused.value.message
    assert refused.value.place.line >= 1
    assert time.perf_counter() - started < 0.5


def test_reports_are_left_out_and_a_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    for name in ("b/1.yml", "b/0.yaml", "__report__/report.yml", "b/__report__/x.yml", ".hidden/x.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(RECORDING)
    (tmp_path / "bad.yml").write_text("a: [")
    (tmp_path / "notes.txt").write_text("no YAML")

    recordings = load_recordings(tmp_path)

    assert [each.name for each in recordings.conversations] == ["b/0.yaml", "b/1.yml"]
    assert [Path(each.path).name for each in recordings.unread] == ["bad.yml"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no folder"):
        load_recordings(tmp_path / "nowhere")


def test_our_conversations_have_the_same_shape() -> None:
    def conversation(number: int, toppings: tuple[str, ...], price: float | None) -> Conversation:
        slots = (
            Slot(name="size", type="string", values=("small",), domain=("small", "large")),
            Slot(name="toppings", type="string", values=toppings, domain=("corn", "ham")),
        )
        return Conversation(
            id=ConversationId(f"c{number}"),
            run_id=RunId("r"),
            number=number,
            scenario=Scenario(
                profile="pizza",
                number=number,
                seed=1,
                goals=(Goal(text="a pizza", template="a pizza", slots=slots),),
                outputs=(OutputSpec(name="price", type="money", description=""),),
            ),
            transcript=Transcript(
                turns=(Turn(speaker="user", text="hi"), Turn(speaker="assistant", text="hello")),
                ended_by="goal_reached",
            ),
            verdict=Verdict(outcome="passed"),
            assessment=Assessment(goals=(), outputs={} if price is None else {"price": price}),
        )

    one, other = recorded_from_run([conversation(1, ("corn",), 8.5), conversation(2, ("corn", "ham"), None)])

    assert (one.name, other.name) == ("#1", "#2")
    assert one.variables["size"] == "small"
    assert one.variables["toppings"] == ["corn"]
    assert one.variables["price"] == 8.5
    assert other.variables["price"] is None
    assert other.variables["interaction"] == [{"User": "hi"}, {"Assistant": "hello"}]
