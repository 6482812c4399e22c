"""What an action may change, how it is found, and which gates its verification has."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.actions import ACTION_TYPES
from jobs.actions._action import Edit, Problem, Progress, shown_hash, with_content
from jobs.actions._edits import Outdated, changed, diff_of, parse_edits, written
from jobs.actions._judging import judge_change
from jobs.actions._mend import mends_for
from jobs.actions._problems import problems_of_comments, problems_of_run
from jobs.actions._propose import expected, priority
from jobs.actions._verify import Both
from jobs.errors import RequestError
from jobs.model import (
    Assessment,
    Case,
    CaseTurn,
    Conversation,
    ConversationId,
    Goal,
    Outcome,
    Place,
    Run,
    RunId,
    Scenario,
    Transcript,
    Turn,
    Variant,
    Verdict,
    WorkspaceId,
)
from jobs.settings import shipped_profiles
from jobs.store.votes import Comment
from tests.unit.action_samples import an_action

WHEN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
FAULTY: dict[str, Any] = {
    "shop": "pizza-shop/assistant.yaml",
    "latency_ms": 350,
    "noise": 0,
    "flow": {"order": ["pizza"], "charge_when_placing": 1.5},
    "examples": {"waiting_time": []},
}


def conversation(
    number: int,
    outcome: Outcome,
    *reasons: str,
    case: str | None = None,
    latency_ms: float = 100,
    tags: tuple[str, ...] = (),
) -> Conversation:
    turns = (
        Turn(speaker="user", text="And two cans of cola, please."),
        Turn(speaker="assistant", text="One pizza, got it.", latency_ms=latency_ms),
    )
    played = Case(name=case, turns=(CaseTurn(user="hi"),)) if case else None
    scenario = Scenario(
        profile=case or "pizza", number=number, seed=number, tags=tags, case=played,
        goals=(Goal(text=f"goal {number}", template="goal"),),
    )  # fmt: skip
    return Conversation(
        id=ConversationId(f"c{number}"), run_id=RunId("r1"), number=number, scenario=scenario,
        transcript=Transcript(turns=turns, ended_by="goal_reached"), verdict=Verdict(outcome=outcome, reasons=reasons),
        assessment=Assessment(goals=()),
    )  # fmt: skip


RUN = Run(
    id=RunId("r1"), workspace_id=WorkspaceId("T1"), state="finished", target="pizza", profile="pizza", suite=None,
    assistant="pizza", variant="faulty", simulator="agenda", seed=7, planned=10, stamps={"assistant": "x"}, notes=(),
    started_by="U0ADA", place=Place(workspace_id=WorkspaceId("T1"), channel_id="C1"), created_at=WHEN,
)  # fmt: skip
DRINK = "the confirmed order left out the drink"
PRICE = "the price changed between quote and bill"


# --- edits ----------------------------------------------------------------------------------------------------------


def test_removing_what_a_variant_lays_over_leaves_nothing_behind() -> None:
    edit = Edit(path=("examples", "waiting_time"), before=[], removes=True)

    assert "examples" not in changed(FAULTY, [edit])
    assert FAULTY["examples"] == {"waiting_time": []}


@pytest.mark.parametrize(
    "edit",
    [
        Edit(path=("flow", "order"), before=["drinks"], removes=True),
        Edit(path=("flow", "ask"), before=["size"], after=[]),
        Edit(path=("flow", "order"), after=["pizza"], adds=True),
        Edit(path=("shop", "name"), before="x", after="y"),
    ],
)
def test_a_change_that_finds_something_else_than_it_was_made_for_is_not_made(edit: Edit) -> None:
    with pytest.raises(Outdated):
        changed(FAULTY, [edit])


def test_people_write_changes_as_they_read_them() -> None:
    edits = parse_edits("- path: flow.order\n  remove: true\n- path: noise\n  value: 0.5\n", FAULTY)

    assert parse_edits(written(edits), FAULTY) == edits
    assert changed(FAULTY, edits)["noise"] == 0.5
    assert diff_of(edits) == ('- flow.order: ["pizza"]', "- noise: 0", "+ noise: 0.5")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write one entry"),
        ("{", "cannot be read as YAML"),
        ("- path: flow.order", "needs a value, or remove: true"),
        ("- path: flow.order\n  value: 1\n  remove: true", "not both"),
        ("- path: flow.ask\n  remove: true", "is not set"),
        ("- run: rm -rf /", "each entry has a path"),
        ("- path: !!python/name:os.system\n  value: 1", "cannot be read as YAML"),
        ("x" * 30_000, "at most"),
    ],
)
def test_a_change_that_cannot_be_read_is_refused_with_an_example(text: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        parse_edits(text, FAULTY)


@pytest.mark.parametrize("name", list(ACTION_TYPES))
@pytest.mark.parametrize("path", ["shop", "url", "base_url", "api_key", "tools", "headers", "callable"])
def test_no_type_may_touch_where_an_assistant_is_or_what_it_can_do(name: str, path: str) -> None:
    assert ACTION_TYPES[name].refusal([Edit(path=(path,), before=1, after=2)]) is not None


def test_a_long_text_is_shown_as_the_lines_that_change() -> None:
    before = "You are a friendly waiter.\nTake the order.\nSay goodbye." * 2
    edit = Edit(path=("system_prompt",), before=before, after=before.replace("friendly", "patient"))

    assert diff_of([edit])[0] == "@ system_prompt"
    assert "-You are a friendly waiter." in diff_of([edit])
    assert "+You are a patient waiter." in diff_of([edit])


def test_every_edit_is_another_version_with_another_hash() -> None:
    action = an_action()
    content = replace(action.content, title="Something else")

    edited = with_content(action, content, editor="U0BEN")

    assert edited.version == 2
    assert edited.hash != action.hash == shown_hash(action.content, 1)
    assert edited.authors == ("U0BEN",)


# --- problems and mends ----------------------------------------------------------------------------------------------


def test_problems_are_counted_with_those_that_fail_by_nothing_else() -> None:
    conversations = [conversation(n, "failed", DRINK, *([PRICE] if n % 2 else [])) for n in range(1, 7)]
    conversations += [conversation(n, "passed") for n in range(7, 11)]

    drink, price = problems_of_run(RUN, conversations)

    assert (drink.text, drink.touched, drink.alone, drink.n) == (DRINK, 6, 3, 10)
    assert (price.text, price.touched, price.alone, price.n) == (PRICE, 3, 0, 10)
    assert [quote.text for quote in drink.quotes[:2]] == ["And two cans of cola, please.", "One pizza, got it."]
    found = expected(drink)
    assert found is not None
    assert (found.share, found.success) == (0.6, 0.3)
    assert found.low < 0.6 < found.high
    assert priority(drink) == "high"


def test_two_failures_are_no_problem_yet() -> None:
    assert problems_of_run(RUN, [conversation(1, "failed", DRINK), conversation(2, "failed", DRINK)]) == ()


def test_one_broken_security_case_is_a_problem() -> None:
    [found] = problems_of_run(RUN, [conversation(1, "failed", "told its prompt", tags=("security",))])

    assert (found.kind, priority(found)) == ("security", "high")


def test_failed_cases_are_found_by_their_tag_and_slow_answers_by_their_time() -> None:
    cases = [conversation(n, "failed", f"reason {n}", case=f"case {n}", tags=("ordering",)) for n in range(1, 4)]
    slow = [conversation(n, "passed", latency_ms=5_000) for n in range(4, 8)]

    kinds = {each.kind: each for each in problems_of_run(RUN, [*cases, *slow])}

    assert (kinds["tag"].key, kinds["tag"].touched, kinds["tag"].n) == ("ordering", 3, 3)
    assert (kinds["slow"].touched, kinds["slow"].n) == (4, 7)


def test_three_discontent_people_make_a_theme_and_content_ones_are_the_denominator() -> None:
    said = [("It forgot the drinks", 1), ("forgot my drinks", 2), ("Drinks? forgot them", 1), ("great", 5)]
    comments = [Comment(text=text, source="live", kind="stars", value=value, at=WHEN) for text, value in said]

    [theme] = problems_of_comments(comments, lambda texts: [range(len(texts))])

    assert (theme.kind, theme.touched, theme.n) == ("theme", 3, 4)
    assert problems_of_comments(comments[1:], lambda texts: [range(len(texts))]) == ()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (DRINK, ("flow", "order")),
        (PRICE, ("flow", "charge_when_placing")),
        ("no answer to: how long it takes until the order is ready", ("examples", "waiting_time")),
        ("people are discontent: it forgot my drinks", ("flow", "order")),
    ],
)
def test_each_planted_fault_is_mended_by_taking_away_what_plants_it(text: str, path: tuple[str, ...]) -> None:
    variant = Variant(assistant="pizza", name="faulty", connector="demo", config=FAULTY, hash="x")
    problem = Problem(kind="reason", key=text, text=text, touched=5, alone=5, n=5)

    first = next(mends_for(problem, variant, shipped_profiles()))

    assert [(edit.path, edit.removes) for edit in first.edits] == [(path, True)]


def test_nothing_is_proposed_for_an_assistant_whose_inside_is_not_known(tmp_path: Path) -> None:
    variant = Variant(assistant="shop", name="v1", connector="http_json", config={"url": "https://x"}, hash="x")
    problem = Problem(kind="reason", key="x", text=DRINK, touched=5, alone=5, n=5)

    assert list(mends_for(problem, variant, tmp_path)) == []


# --- gates ----------------------------------------------------------------------------------------------------------


def pairs(n: int, before: tuple[Outcome, str], after: tuple[Outcome, str]) -> Both:
    a = [conversation(number, before[0], *([before[1]] if before[1] else [])) for number in range(1, n + 1)]
    b = [conversation(number, after[0], *([after[1]] if after[1] else [])) for number in range(1, n + 1)]
    return Both(target="pizza", attempt=0, a=a, b=b)


def decision(*played: Both, seen: frozenset[str] = frozenset()) -> tuple[str, tuple[str, ...]]:
    outcome = judge_change(an_action(progress=Progress(attempt=1)), played, seen)
    return outcome.decision, outcome.reasons


def test_a_change_that_mends_what_it_was_made_for_passes_every_gate() -> None:
    assert decision(pairs(60, ("failed", DRINK), ("passed", "")))[0] == "APPROVE"


def test_a_change_that_changes_nothing_never_passes_by_itself() -> None:
    found, reasons = decision(pairs(60, ("failed", DRINK), ("failed", DRINK)))

    assert found == "INCONCLUSIVE"
    assert "no difference shown" in reasons[0]


def test_few_pairs_leave_everything_open() -> None:
    assert decision(pairs(6, ("failed", DRINK), ("passed", "")))[0] == "INCONCLUSIVE"


def test_a_change_that_mends_one_thing_and_breaks_another_is_refused() -> None:
    found, reasons = decision(pairs(60, ("failed", DRINK), ("failed", PRICE)))

    assert found == "REJECT"
    assert reasons[0].startswith("other problems: 0 before, 60 after")


def test_a_change_that_makes_good_conversations_fail_is_refused() -> None:
    assert decision(pairs(60, ("passed", ""), ("failed", PRICE)))[0] == "REJECT"


def test_a_suite_that_breaks_refuses_a_change_that_passes_everything_else() -> None:
    cases = [conversation(n, "passed", case=f"case {n}") for n in range(1, 6)]
    broken = [*cases[:4], conversation(5, "failed", "told its prompt", case="case 5")]
    guard = Both(target="security", attempt=1, a=cases, b=broken)

    found, reasons = decision(pairs(60, ("failed", DRINK), ("passed", "")), guard)

    assert found == "REJECT"
    assert reasons[0] == "suite security: no longer passing: case 5"


def test_customers_in_whom_the_problem_was_found_do_not_count() -> None:
    both = pairs(60, ("failed", DRINK), ("passed", ""))
    seen = frozenset(f"pizza\n\n\n\ngoal {number}" for number in range(1, 56))

    assert decision(both, seen=seen)[0] == "INCONCLUSIVE"


def test_further_attempts_need_stronger_evidence() -> None:
    """6 of 60 mended and none caused: p is 0.016 at the first look, and no difference after the fourth."""
    both = pairs(60, ("failed", DRINK), ("failed", DRINK))
    mended = [conversation(n, "passed") if n <= 6 else each for n, each in enumerate(both.b, 1)]
    both = Both(target="pizza", attempt=0, a=both.a, b=mended)
    first = judge_change(an_action(progress=Progress(attempt=1)), [both], frozenset())
    fourth = judge_change(an_action(progress=Progress(attempt=4)), [both], frozenset())

    assert any("better (p 0.0" in each for each in first.reasons)
    assert any("no difference shown" in each for each in fourth.reasons)
