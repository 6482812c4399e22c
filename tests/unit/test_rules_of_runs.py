"""Rules over our own runs: verdicts one by one, broken pairs, the exit code, and every place that shows them."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bot import blocks
from jobs.errors import RequestError
from jobs.model import (
    LOCAL_WORKSPACE,
    Assessment,
    Conversation,
    ConversationId,
    Goal,
    Outcome,
    OutputSpec,
    Progress,
    Run,
    RunId,
    RunRequest,
    Scenario,
    Slot,
    Transcript,
    Turn,
    Verdict,
)
from jobs.planning import plan_run
from jobs.report import dump_summary, exit_code, load_summary, to_html, to_json, to_junit
from jobs.report.rules import RuleSummary
from jobs.rules.files import RulesError, load_rules
from jobs.rules.of_run import check_run, rules_stamp
from jobs.settings import shipped_profiles
from jobs.terminal import print_report
from jobs.testing import testing_ports
from tests.unit.test_suite_runs import report_of

DEARER = """\
name: more_cans_cost_more
conversations: 2
when: conv[0].drink == conv[1].drink
if: conv[0].cans > conv[1].cans
then: extract_float(str(conv[0].price)) > extract_float(str(conv[1].price))
yields: f"{conv[0].cans} cost {conv[0].price}, {conv[1].cans} cost {conv[1].price}"
"""
SOMETHING_SAID = "name: something_is_said\nthen: len(chatbot_phrases) > 0\n"
UNIQUE = "name: ids_are_unique\nconversations: all\nthen: is_unique('order_id')\n"
TONE = "name: is_polite\nthen: tone(chatbot_phrases) == 'positive'\n"


def rules_in(folder: Path, *rules: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, rule in enumerate(rules):
        (folder / f"{number}.yaml").write_text(rule)
    return folder


def a_run(*, rules: str, stamps: Mapping[str, str]) -> Run:
    return Run(
        id=RunId("r"),
        workspace_id=LOCAL_WORKSPACE,
        state="finished",
        target="s",
        profile="s",
        suite="s",
        assistant="pizza",
        variant="good",
        simulator="agenda",
        seed=1,
        planned=3,
        stamps=stamps,
        notes=(),
        started_by="terminal",
        place=None,
        created_at=datetime(2027, 1, 1, tzinfo=UTC),
        rules=rules,
    )


def a_conversation(number: int, *, cans: int = 1, price: str = "2.00 USD", outcome: Outcome = "passed") -> Conversation:
    slots = (
        Slot(name="cans", type="int", values=(cans,), domain=(1, 2, 3)),
        Slot(name="drink", type="string", values=("cola",), domain=("cola",)),
    )
    goal = Goal(text="cola", template="{{cans}} {{drink}}", slots=slots)
    outputs = (
        OutputSpec(name="price", type="money", description=""),
        OutputSpec(name="order_id", type="str", description=""),
    )
    return Conversation(
        id=ConversationId(f"c{number}"),
        run_id=RunId("r"),
        number=number,
        scenario=Scenario(profile="p", number=number, seed=1, goals=(goal,), outputs=outputs),
        transcript=Transcript(
            turns=(Turn(speaker="user", text="hi"), Turn(speaker="assistant", text="hello")), ended_by="goal_reached"
        ),
        verdict=Verdict(outcome=outcome),
        assessment=Assessment(goals=(), outputs={"price": price, "order_id": "A-1"}),
    )


def verdicts_of(
    tmp_path: Path, conversations: Sequence[Conversation], *rules: str
) -> tuple[Mapping[str, RuleSummary], Mapping[str, Mapping[str, str]]]:
    rules_in(tmp_path / "rules", *rules)
    found = check_run(a_run(rules="rules", stamps={}), conversations, profiles_dir=tmp_path)
    assert found
    return dict(found.rules), {str(key): dict(value) for key, value in found.verdicts.items()}


def test_a_broken_pair_fails_for_both_of_its_conversations_and_for_no_other(tmp_path: Path) -> None:
    conversations = [a_conversation(1, cans=1), a_conversation(2, cans=2), a_conversation(3, cans=3, price="9.00 USD")]

    rules, verdicts = verdicts_of(tmp_path, conversations, DEARER, SOMETHING_SAID)

    assert {name: each["more_cans_cost_more"] for name, each in verdicts.items()} == {
        "c1": "fail",
        "c2": "fail",
        "c3": "pass",
    }
    assert {each["something_is_said"] for each in verdicts.values()} == {"pass"}
    broken = rules["more_cans_cost_more"]
    assert (broken.passed, broken.failed, broken.not_applicable) == (2, 1, 3)
    [pair] = broken.failures
    assert pair.conversations == (2, 1)
    assert pair.reason == "2 cost 2.00 USD, 1 cost 2.00 USD"
    assert pair.values == (
        {"drink": "'cola'", "cans": "2", "price": "'2.00 USD'"},
        {"drink": "'cola'", "cans": "1", "price": "'2.00 USD'"},
    )


def test_conversations_that_broke_off_are_not_looked_at(tmp_path: Path) -> None:
    conversations = [
        a_conversation(1),
        a_conversation(2, cans=2, outcome="assistant_error"),
        a_conversation(3, outcome="void"),
    ]

    rules, verdicts = verdicts_of(tmp_path, conversations, DEARER, SOMETHING_SAID)

    assert set(verdicts) == {"c1"}
    assert rules["more_cans_cost_more"].passed == rules["more_cans_cost_more"].failed == 0


def test_a_rule_over_all_counts_once_and_says_nothing_of_one_conversation(tmp_path: Path) -> None:
    rules, verdicts = verdicts_of(tmp_path, [a_conversation(1), a_conversation(2)], UNIQUE)

    assert rules["ids_are_unique"].failed == 1
    assert verdicts == {"c1": {}, "c2": {}}


def test_what_only_a_model_can_tell_is_unscored_and_makes_the_run_inconclusive(tmp_path: Path) -> None:
    rules, verdicts = verdicts_of(tmp_path, [a_conversation(1)], TONE)

    assert verdicts == {"c1": {"is_polite": "unscored"}}
    assert rules["is_polite"].ok is None


def test_rules_that_are_gone_or_changed_since_are_said_to_be(tmp_path: Path) -> None:
    folder = rules_in(tmp_path / "rules", SOMETHING_SAID)
    run = a_run(rules="rules", stamps={"rules": rules_stamp(folder)})

    same = check_run(run, [a_conversation(1)], profiles_dir=tmp_path)
    rules_in(folder, DEARER)
    changed = check_run(run, [a_conversation(1)], profiles_dir=tmp_path)
    shutil.rmtree(folder)
    gone = check_run(run, [a_conversation(1)], profiles_dir=tmp_path)

    assert same and same.notes == ()
    assert changed and "were changed after the run had been started" in changed.notes[0]
    assert gone and gone.rules["rules"].ok is None
    assert "there is no folder" in (gone.rules["rules"].stopped or "")


def test_a_rule_that_asks_for_too_much_is_stopped_and_the_others_are_checked(tmp_path: Path) -> None:
    endless = "name: endless\nthen: sum([1 for a in range(999999999)]) > 0\n"
    with pytest.raises(RulesError):
        load_rules(rules_in(tmp_path / "refused", endless))
    slow = "name: slow\nthen: len([a for a in [1,2,3,4,5,6,7,8,9]*999 for b in [1,2,3,4,5,6,7,8,9]*999]) > 0\n"

    rules, verdicts = verdicts_of(tmp_path, [a_conversation(1)], slow, SOMETHING_SAID)

    assert "was stopped" in (rules["slow"].stopped or "")
    assert verdicts["c1"]["something_is_said"] == "pass"


# --- a suite that names rules -----------------------------------------------------------------------------------------


def profiles_with_rules(tmp_path: Path, *rules: str) -> Path:
    folder = tmp_path / "profiles"
    shutil.copytree(shipped_profiles(), folder)
    rules_in(folder / "rules" / "mine", *rules)
    (folder / "suites" / "with-rules.yaml").write_text(
        "suite: with-rules\nprofiles: [{profile: pizza-shop/pizza, n: 9}]\nrules: rules/mine\n"
    )
    return folder


async def test_the_rules_of_a_suite_are_held_against_its_run_and_shown_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cheaper = DEARER.replace("more_cans_cost_more", "more_cans_cost_less").replace(") >", ") <", 1)
    folder = profiles_with_rules(tmp_path, cheaper, SOMETHING_SAID, UNIQUE)
    async with testing_ports(tmp_path) as shipped:
        ports = replace(shipped, profiles_dir=folder)
        report = await report_of(RunRequest(target="with-rules", seed=7), ports)
        stored = await ports.store.runs.conversations(report.run.id)
        summary = await ports.store.runs.summary(report.run.id)

    rules = report.summary.rules
    assert rules and summary
    assert report.summary.totals.passed == 9, "the conversations themselves are fine"
    assert exit_code(report) == 1, "but a rule is broken"
    assert rules["more_cans_cost_less"].failed > 0
    assert rules["something_is_said"].passed == 9
    assert rules["ids_are_unique"].ok is True
    assert [each.rules["something_is_said"] for each in stored] == ["pass"] * 9
    loaded = load_summary(json.loads(json.dumps(summary)))
    assert loaded and loaded.rules == rules

    document = json.loads(json.dumps(to_json(report)))
    assert document["rules"]["more_cans_cost_less"]["fail"] == rules["more_cans_cost_less"].failed
    assert document["conversations"][0]["rules"].keys() == {"more_cans_cost_less", "something_is_said"}
    junit = ElementTree.fromstring(to_junit(report))[0]
    [case] = [each for each in junit if each.get("name") == "more_cans_cost_less"]
    assert case.get("classname") == "convotest.with-rules.rules"
    assert [child.tag for child in case] == ["failure"]
    page = to_html(report).decode()
    first = rules["more_cans_cost_less"].failures[0]
    assert f">Conversation {first.conversations[0]}<" in page
    print_report(report, short_id="x")
    shown = capsys.readouterr().out
    assert "broken  more_cans_cost_less" in shown
    assert f"#{first.conversations[0]}" in shown
    card = blocks.run_card(report.run, Progress(planned=9, by_outcome={"passed": 9}), report.summary)
    assert "❌ more_cans_cost_less" in json.dumps(card.blocks, ensure_ascii=False)
    thread = json.dumps(blocks.failures(report.summary).blocks, ensure_ascii=False)
    assert "Broken rules" in thread
    assert f"*Conversation {first.conversations[0]}*" in thread
    assert "Nothing failed" not in thread


async def test_a_run_whose_rules_hold_keeps_its_exit_code(tmp_path: Path) -> None:
    folder = profiles_with_rules(tmp_path, UNIQUE, SOMETHING_SAID)
    async with testing_ports(tmp_path) as shipped:
        ports = replace(shipped, profiles_dir=folder)
        report = await report_of(RunRequest(target="with-rules", seed=7), ports)

    assert report.summary.rules and report.summary.rules["ids_are_unique"].ok is True
    assert exit_code(report) == 0


async def test_a_profile_alone_has_no_rules(tmp_path: Path) -> None:
    async with testing_ports(tmp_path) as ports:
        report = await report_of(RunRequest(target="pizza", n=2, seed=7), ports)

    assert report.summary.rules is None
    assert to_json(report)["rules"] is None
    assert "rules" not in dump_summary(report.summary)["stamps"]


async def test_a_suite_with_a_bad_rule_is_refused_with_the_rules_line(tmp_path: Path) -> None:
    folder = profiles_with_rules(tmp_path, "name: bad\nthen: conv[0].__class__\n")
    async with testing_ports(tmp_path) as shipped:
        ports = replace(shipped, profiles_dir=folder)
        with pytest.raises(RequestError, match=r"in '0\.yaml' \(line 2\)"):
            await plan_run(RunRequest(target="with-rules"), ports)
