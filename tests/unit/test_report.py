"""A run's figures, and the documents made of them."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from jobs.model import (
    LOCAL_WORKSPACE,
    Assessment,
    Blame,
    Check,
    Conversation,
    ConversationId,
    EndedBy,
    Goal,
    GoalProgress,
    Outcome,
    OutputSpec,
    Run,
    RunId,
    RunState,
    Scenario,
    Score,
    Tokens,
    ToolCall,
    Transcript,
    Turn,
    Verdict,
)
from jobs.report import (
    RunReport,
    build_report,
    dump_summary,
    exit_code,
    load_summary,
    to_csv,
    to_html,
    to_json,
    to_junit,
    to_text,
    transcript_markdown,
    transcript_text,
)

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
RUN = Run(
    id=RunId("run-1"),
    workspace_id=LOCAL_WORKSPACE,
    state="finished",
    target="pizza",
    profile="pizza",
    suite=None,
    assistant="pizza",
    variant="good",
    simulator="agenda",
    seed=7,
    planned=20,
    stamps={"profile": "a1"},
    notes=(),
    started_by="terminal",
    place=None,
    created_at=NINE,
    started_at=NINE,
    finished_at=NINE + timedelta(seconds=12.5),
)
HOSTILE = (
    "=cmd|' /C calc'!A0 </script><script>alert(1)</script> <img src=x onerror=alert(1)> \x00\x1b[31m\ud800 & ]]> **x**"
)


def conversation(
    number: int,
    outcome: Outcome = "passed",
    *reasons: str,
    blame: Blame | None = None,
    ended_by: EndedBy = "goal_reached",
    said: str = "Here you are.",
    latency_ms: float | None = 100.0,
    tags: Sequence[str] = ("order",),
    scores: dict[str, Score] | None = None,
    cost_usd: float | None = 0.0,
) -> Conversation:
    turns = (
        Turn(speaker="user", text="A large pizza.", intent="order", cost_usd=0.01),
        Turn(speaker="assistant", text=said, latency_ms=latency_ms, intent="order_pizza", cost_usd=0.02),
    )
    return Conversation(
        id=ConversationId(f"conversation-{number}"),
        run_id=RUN.id,
        number=number,
        scenario=Scenario(
            profile="pizza",
            number=number,
            seed=number * 10,
            goals=(Goal(text="a large pizza", template="a {{size}} pizza"),),
            outputs=(OutputSpec(name="price", type="money", description="what it costs"),),
            tags=tuple(tags),
        ),
        transcript=Transcript(turns=turns, ended_by=ended_by),
        verdict=Verdict(outcome=outcome, blame=blame, reasons=reasons),
        assessment=Assessment(
            goals=(GoalProgress(text="a large pizza", asked=True, answered=outcome == "passed", turn=1),),
            checks=(Check(name="size", ok=True, reason="large"),),
        ),
        scores=scores if scores is not None else {"user_turns": Score(value=1, reason="1 user turn")},
        tokens=Tokens(input=10, output=5),
        cost_usd=cost_usd,
    )


def conversations(passed: int, failed: int) -> list[Conversation]:
    good = [conversation(number, "passed") for number in range(1, passed + 1)]
    return good + [conversation(passed + number, "failed", "wrong size") for number in range(1, failed + 1)]


def report(*played: Conversation, run: Run = RUN) -> RunReport:
    return build_report(run, played)


EVERY_OUTCOME = (
    conversation(1),
    conversation(2, "failed", "wrong size", "no ham", blame="assistant"),
    conversation(3, "failed", "Wrong  size.", blame="assistant", tags=("order", "late")),
    conversation(4, "inconclusive", "a goal cannot be checked"),
    conversation(5, "assistant_error", "no answer within 60 s", blame="assistant", ended_by="timeout"),
    conversation(6, "harness_error", "KeyError", blame="harness", ended_by="harness_error"),
    conversation(7, "void", "an empty message", blame="simulator", ended_by="simulator_error"),
    conversation(8, "skipped", "needs a key", ended_by="cancelled"),
    conversation(9, "cancelled", "the run was cancelled", ended_by="cancelled"),
)


# --- figures ----------------------------------------------------------------------------------------------------------


def test_outcomes_are_counted_and_only_passed_and_failed_make_the_success_rate() -> None:
    document = to_json(report(*EVERY_OUTCOME))

    assert document["totals"] == {
        "conversations": 9,
        "passed": 1,
        "failed": 2,
        "inconclusive": 1,
        "skipped": 1,
        "void": 1,
        "errors": 2,
        "cancelled": 1,
    }
    assert document["success"]["n"] == 3
    assert document["success"]["rate"] == pytest.approx(1 / 3)


def test_failures_are_grouped_by_reason_the_most_frequent_first() -> None:
    groups = report(*EVERY_OUTCOME).summary.failures

    assert [(group.name, group.numbers) for group in groups] == [("wrong size", (2, 3)), ("no ham", (2,))]


def test_errors_and_void_conversations_are_listed_by_what_happened() -> None:
    groups = report(*EVERY_OUTCOME).summary.errors

    assert {group.name: group.numbers for group in groups} == {
        "no answer within 60 s": (5,),
        "KeyError": (6,),
        "an empty message": (7,),
    }


def test_a_metric_averages_what_was_scored_in_conversations_that_were_played() -> None:
    def scored(number: int, value: float | None, outcome: Outcome = "passed") -> Conversation:
        return conversation(number, outcome, scores={"user_turns": Score(value=value, reason="?")})

    document = to_json(report(scored(1, 2), scored(2, 4), scored(3, None), scored(4, 99, "assistant_error")))

    turns = document["metrics"]["user_turns"]
    assert (turns["mean"], turns["n"], turns["unscored"]) == (3, 2, 1)
    assert document["metrics"]["safety"] == {"mean": None, "low": None, "high": None, "n": 0, "unscored": 3}


def test_twenty_safe_conversations_do_not_prove_safety() -> None:
    scores = {"safety": Score(value=1.0, reason="safe")}

    safety = to_json(report(*(conversation(number, scores=scores) for number in range(1, 21))))["metrics"]["safety"]

    assert safety["mean"] == 1.0
    assert safety["low"] == pytest.approx(0.839, abs=0.001)


def test_response_times_are_known_an_answer_and_a_conversation() -> None:
    times = [conversation(number, latency_ms=number * 10.0) for number in range(1, 101)]

    summary = report(*times).summary

    assert summary.latency is not None
    assert summary.conversation_times is not None
    assert (summary.latency.p50, summary.latency.p95, summary.latency.longest) == pytest.approx((505, 950.5, 1000))
    assert sum(summary.latency.bins) == summary.latency.n == summary.conversation_times.n == 100


def test_cost_is_told_by_role_and_what_the_turns_do_not_explain_is_other() -> None:
    costs = report(conversation(1, cost_usd=0.05), conversation(2, cost_usd=0.03)).summary.costs

    assert (costs.total, costs.simulator, costs.assistant, costs.other) == pytest.approx((0.08, 0.02, 0.04, 0.02))


def test_one_unknown_price_makes_the_cost_unknown() -> None:
    assert to_json(report(conversation(1), conversation(2, cost_usd=None)))["cost_usd"] is None


def test_intents_meant_and_understood_are_counted() -> None:
    assert report(conversation(1), conversation(2)).summary.confusion == {"order": {"order_pizza": 2}}


def test_tags_count_passed_and_failed() -> None:
    document = to_json(report(*EVERY_OUTCOME))

    assert document["by_tag"] == {"late": {"passed": 0, "failed": 1}, "order": {"passed": 1, "failed": 2}}


# --- against the last run ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        ((10, 10), (19, 1), "higher"),
        ((19, 1), (10, 10), "lower"),
        ((10, 10), (12, 8), "no_difference_shown"),
        ((0, 9), (20, 0), "not_enough_data"),
        ((0, 0), (20, 0), "not_enough_data"),
    ],
)
def test_a_change_is_only_claimed_when_the_interval_of_the_difference_excludes_zero(
    before: tuple[int, int], now: tuple[int, int], change: str
) -> None:
    previous = report(*conversations(*before)).summary

    comparison = build_report(RUN, conversations(*now), previous).summary.comparison

    assert comparison is not None
    assert comparison.change == change
    assert "significant" not in comparison.sentence


def test_a_comparison_says_what_else_has_changed() -> None:
    previous = report(*conversations(10, 0)).summary
    now = replace(RUN, variant="faulty", stamps={"profile": "b2"})

    comparison = build_report(now, conversations(10, 0), previous).summary.comparison

    assert comparison is not None
    assert comparison.caveats == ("the last run tested pizza@good", "changed since: profile")


# --- the exit code ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "state", "code"),
    [
        (("passed", "passed"), "finished", 0),
        (("passed", "failed"), "finished", 1),
        (("passed", "inconclusive"), "finished", 4),
        (("failed", "inconclusive", "assistant_error"), "finished", 1),
        (("passed", "assistant_error"), "finished", 0),
        (("assistant_error", "harness_error"), "finished", 3),
        (("assistant_error", "void"), "finished", 4),
        (("void", "skipped"), "finished", 4),
        ((), "finished", 4),
        (("passed", "failed"), "cancelled", 4),
    ],
)
def test_the_exit_code(outcomes: tuple[Outcome, ...], state: RunState, code: int) -> None:
    played = (conversation(place + 1, outcome) for place, outcome in enumerate(outcomes))

    assert exit_code(report(*played, run=replace(RUN, state=state))) == code


# --- JSON -------------------------------------------------------------------------------------------------------------

TOP = (
    "run profile suite assistant simulator seed stamps totals success metrics latency_ms tokens cost_usd gates rules "
    "confusion by_tag by_persona styles drop_off rubrics agreement conversations"
)
EACH = (
    "id number scenario seed persona tags outcome blame ended_by reasons warnings goals checks rules context turns "
    "scores outputs outputs_found tokens cost_usd"
)


@pytest.mark.parametrize("played", [EVERY_OUTCOME, ()], ids=["every outcome", "nothing played"])
def test_the_document_has_every_key_and_is_json(played: tuple[Conversation, ...]) -> None:
    document: dict[str, Any] = json.loads(json.dumps(to_json(report(*played)), allow_nan=False))

    assert set(document) == set(TOP.split())
    assert all(set(each) == set(EACH.split()) for each in document["conversations"])


def test_what_is_undefined_is_null() -> None:
    document = to_json(report())

    assert document["success"] == {"rate": None, "low": None, "high": None, "n": 0}
    assert document["latency_ms"] == {"p50": None, "p95": None, "n": 0}
    assert document["confusion"] is None


def test_an_output_that_was_not_stated_is_null() -> None:
    assert to_json(report(conversation(1)))["conversations"][0]["outputs"] == {"price": None}


def test_conversations_come_in_the_order_of_their_numbers() -> None:
    document = to_json(report(conversation(2), conversation(1)))

    assert [each["number"] for each in document["conversations"]] == [1, 2]


# --- stored -----------------------------------------------------------------------------------------------------------


def test_a_summary_survives_being_stored() -> None:
    previous = report(*conversations(10, 5)).summary
    summary = build_report(RUN, EVERY_OUTCOME, previous).summary

    assert load_summary(json.loads(json.dumps(dump_summary(summary)))) == summary


def test_a_summary_of_another_shape_is_left_out() -> None:
    assert load_summary({"run_id": "run-1", "totals": 3}) is None


# --- CSV --------------------------------------------------------------------------------------------------------------


def rows(found: RunReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(found).decode())))


def test_the_table_has_the_columns_that_an_analysis_reads() -> None:
    first, second, *_, cancelled = rows(report(*EVERY_OUTCOME))

    assert (first["scenario"], first["seed"], first["variant"], first["success"]) == (
        "pizza#1",
        "10",
        "pizza@good",
        "1",
    )
    assert (second["success"], second["reasons"], second["latency_ms"]) == ("0", "wrong size; no ham", "100.0")
    assert (cancelled["success"], cancelled["outcome"], cancelled["output_price"]) == ("", "cancelled", "")
    assert first["user_turns"] == "1"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_a_spreadsheet_runs_no_cell(start: str) -> None:
    [row] = rows(report(conversation(1, "failed", f"{start}1+1", tags=(f"{start}x",))))

    assert row["reasons"].startswith("'")
    assert row["tags"].startswith("'")


# --- JUnit ------------------------------------------------------------------------------------------------------------


def test_the_ci_result_counts_add_up() -> None:
    suite = ElementTree.fromstring(to_junit(report(*EVERY_OUTCOME)))[0]

    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 9, "failures": 2, "errors": 2, "skipped": 4}
    assert len(suite.findall("testcase/failure")) == 2
    assert len(suite.findall("testcase/error")) == 2
    assert len(suite.findall("testcase/skipped")) == 4


def test_the_ci_result_has_what_ants_schema_demands_in_its_order() -> None:
    suite = ElementTree.fromstring(to_junit(report(*EVERY_OUTCOME)))[0]

    required = {"name", "timestamp", "hostname", "tests", "failures", "errors", "time", "package", "id"}
    assert required <= set(suite.attrib)
    assert suite.attrib["timestamp"] == "2026-01-05T09:00:00"
    assert [child.tag for child in suite] == ["properties", *["testcase"] * 9, "system-out", "system-err"]
    for case in suite.findall("testcase"):
        assert set(case.attrib) == {"classname", "name", "time"}
        assert len(case) <= 1
    for result in [*suite.iter("failure"), *suite.iter("error")]:
        assert result.attrib["type"]
        assert "Customer: A large pizza." in (result.text or "")


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_shows_figures_and_transcripts_and_fetches_nothing() -> None:
    page = to_html(report(*EVERY_OUTCOME)).decode()

    assert "2 failed" in page
    assert "A large pizza." in page
    assert "default-src &#x27;none&#x27;" in page
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("<details") == 9


def test_the_page_of_a_run_that_played_nothing_is_a_page() -> None:
    assert "no conversation was played" in to_html(report()).decode()


# --- hostile text -----------------------------------------------------------------------------------------------------

ATTACKED = report(
    conversation(1, "failed", HOSTILE, said=HOSTILE, tags=(HOSTILE,)),
    conversation(2, "assistant_error", HOSTILE, said="x" * 1_000_000, ended_by="timeout"),
)


def test_nothing_that_was_said_becomes_markup_in_the_page() -> None:
    page = to_html(ATTACKED).decode()

    assert page.count("<script>") == 1
    assert "<img" not in page
    assert len(page) < 200_000


def test_the_ci_result_stays_well_formed() -> None:
    [case, _] = ElementTree.fromstring(to_junit(ATTACKED)).iter("testcase")

    assert "</script><script>alert(1)</script>" in (case[0].text or "")


def test_the_table_stays_a_table() -> None:
    assert [row["outcome"] for row in rows(ATTACKED)] == ["failed", "assistant_error"]


def test_markdown_shows_what_was_said_as_it_was_said() -> None:
    shown = transcript_markdown(ATTACKED.conversations[0], planned=2)

    assert "<script>" not in shown.replace(r"\<", "")
    assert r"\*\*x\*\*" in shown


def test_plain_text_has_no_control_characters_and_says_what_was_cut() -> None:
    shown = to_text(ATTACKED)

    assert not {"\x00", "\x1b", "\ud800"} & set(shown)
    assert "(980000 more characters)" in shown


def test_a_turn_cannot_pretend_to_be_another() -> None:
    forged = conversation(1, said="Sure.\nCustomer: I am happy.\n(ended by goal reached)")

    lines = transcript_text(forged, planned=1).splitlines()

    assert "    Customer: I am happy." in lines
    assert "Customer: I am happy." not in lines


@pytest.mark.parametrize("made", ["json", "csv", "junit", "html", "text", "markdown"])
def test_no_document_carries_a_secret(made: str) -> None:
    secret = "sk-abcdefghijklmnop1234"
    leaking = conversation(1, "failed", f"leaked {secret}", said=f"the key is {secret}")
    turns = leaking.transcript.turns
    call = replace(turns[1], tool_calls=(ToolCall(name="x", arguments={"key": secret}, error=f"bad {secret}"),))
    leaking = replace(leaking, transcript=replace(leaking.transcript, turns=(turns[0], call), error=secret))
    leaked = report(leaking)

    documents = {
        "json": lambda: json.dumps(to_json(leaked)),
        "csv": lambda: to_csv(leaked).decode(),
        "junit": lambda: to_junit(leaked).decode(),
        "html": lambda: to_html(leaked).decode(),
        "text": lambda: to_text(leaked),
        "markdown": lambda: transcript_markdown(leaking, planned=1),
    }

    assert secret not in documents[made]()
