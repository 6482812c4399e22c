"""Verdicts of rules over conversations, pairs and the whole set, and the command that shows them."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jobs.cli import cli, run_cli
from jobs.profiles.problems import Report
from jobs.profiles.yamltree import parse_tree
from jobs.recorded import Recorded, load_recordings
from jobs.rules.check import Counts, RulesReport, check_rules, verdict_for
from jobs.rules.evaluate import compiled, holds
from jobs.rules.files import Rule, load_rules, read_rule, read_rule_file
from jobs.rules.scope import Scope, World
from jobs.rules.values import Conversation

SHIPPED = Path(__file__).parents[2] / "profiles" / "rules"


def rule(text: str) -> Rule:
    report = Report()
    root = parse_tree(text.encode(), report)
    assert root
    found = read_rule(root, path=Path("rule.yaml"), report=report)
    assert found and not report.problems, report.problems
    return found


def recorded(name: str, *said: str, **variables: Any) -> Recorded:
    interaction = [{("User", "Assistant")[number % 2]: text} for number, text in enumerate(said)]
    outputs = [{key: value} for key, value in variables.items() if key in ("price", "order_id")]
    spoken = {"chatbot_phrases": list(said[1::2]), "user_phrases": list(said[::2]), "interaction": interaction}
    return Recorded(name=name, variables=spoken | variables, outputs=outputs, interaction=interaction)


def counts(text: str, conversations: list[Recorded]) -> Counts:
    return check_rules([rule(text)], conversations).rules["r"]


def tally(found: Counts) -> tuple[int, int, int, int]:
    return found.passed, found.failed, found.not_applicable, found.unscored


PIZZAS = [
    recorded("a", size="small", toppings=["ham"], price="8$", order_id="1"),
    recorded("b", size="small", toppings=["ham", "corn"], price="9$", order_id="2"),
    recorded("c", size="small", toppings=["ham", "corn", "olives"], price="7$", order_id="2"),
    recorded("d", size="large", toppings=["ham"], price=None, order_id="None"),
    recorded("e", size="large"),
]


# --- one conversation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("then: size == 'small'", (3, 2, 0, 0)),
        ("oracle: size == 'small'", (3, 2, 0, 0)),
        ("when: size == 'small'\nthen: extract_float(price) >= 8", (2, 1, 2, 0)),
        ("if: len(toppings) > 1\nthen: extract_float(price) >= 8", (1, 1, 3, 0)),
        ("then: extract_float(price) >= 8", (2, 1, 2, 0)),
        ("then: len(size)", (0, 5, 0, 0)),
        ("then: 1", (0, 5, 0, 0)),
        ("when: len(toppings)\nthen: true", (4, 0, 1, 0)),
        ("then: true", (5, 0, 0, 0)),
        ("then: nobody_knows(size)", (0, 0, 5, 0)),
        ("then: str(price) == 'None'", (1, 3, 1, 0)),
        ("then: price is None", (1, 3, 1, 0)),
        ("then: data_collected()", (4, 1, 0, 0)),
        ("then: tone(chatbot_phrases + ['x']) == ['POSITIVE']", (0, 0, 0, 5)),
        ("when: size == 'small'\nthen: semantic_content(size, 'x')", (0, 0, 2, 3)),
        ("when: semantic_content(size, 'x')\nif: price.lower()\nthen: true", (0, 0, 2, 3)),
    ],
)
def test_a_rule_passes_only_if_it_is_exactly_true_and_applies_only_if_it_can_be_evaluated(
    text: str, expected: tuple[int, int, int, int]
) -> None:
    assert tally(counts(f"name: r\n{text}\n", PIZZAS)) == expected


def test_an_answer_of_a_model_settles_what_was_unscored() -> None:
    asks = rule("name: r\nthen: semantic_content(size, 'little')")
    first = check_rules([asks], PIZZAS[:4])

    second = check_rules(
        [asks], PIZZAS[:4], answers={question: question.material == "small" for question in first.questions}
    )

    assert tally(first.rules["r"]) == (0, 0, 0, 4)
    assert tally(second.rules["r"]) == (3, 1, 0, 0)
    assert not second.questions


def test_a_failure_says_what_the_rule_yields_else_what_it_compared() -> None:
    yielding = counts("name: r\nwhen: size == 'small'\nthen: price == '8$'\nyields: |\n  f'got {price}'\n", PIZZAS)
    plain = counts("name: r\nthen: size == 'small' and extract_float(price) >= 8", PIZZAS[:3])

    assert [(each.conversations, each.reason) for each in yielding.failures] == [(("b",), "got 9$"), (("c",), "got 7$")]
    assert plain.failures[0].reason == "extract_float(price) >= 8 does not hold: extract_float(price) is 7.0"
    assert plain.failures[0].values == ({"size": "'small'", "price": "'7$'"},)


def test_a_yields_that_cannot_be_evaluated_falls_back_to_the_comparison() -> None:
    found = counts("name: r\nthen: size == 'large'\nyields: nothing + 1", PIZZAS[:1])

    assert found.failures[0].reason == "size == 'large' does not hold: size is 'small'"


# --- pairs ----------------------------------------------------------------------------------------------------------

MORE_TOPPINGS = """\
name: r
conversations: 2
when: conv[0].size == conv[1].size
if: len(conv[0].toppings) > len(conv[1].toppings)
then: extract_float(conv[0].price) > extract_float(conv[1].price)
"""


def test_a_rule_over_two_counts_ordered_pairs() -> None:
    found = counts(MORE_TOPPINGS, PIZZAS)

    assert tally(found) == (1, 2, 17, 0)
    assert [each.conversations for each in found.failures] == [("c", "a"), ("c", "b")]
    assert found.failures[0].values[0]["price"] == "'7$'"


def test_an_absent_variable_makes_a_pair_not_applicable() -> None:
    assert tally(counts("name: r\nconversations: 2\nthen: conv[0].price == conv[1].price", PIZZAS)) == (0, 12, 8, 0)
    assert tally(counts("name: r\nconversations: 2\nthen: price == 1", PIZZAS)) == (0, 0, 20, 0)
    assert tally(counts("name: r\nconversations: 2\nthen: conversation_length() == 0", PIZZAS)) == (0, 0, 20, 0)


def test_a_pair_that_only_a_model_can_compare_is_unscored() -> None:
    text = "name: r\nconversations: 2\nwhen: {}\nthen: conv[0].size == conv[1].size"

    assert tally(counts(text.format("tone(conv[0].size) == tone(conv[1].size)"), PIZZAS)) == (0, 0, 0, 20)
    assert tally(counts(text.format("language(conv[0].price) == 'ENG'"), PIZZAS)) == (0, 0, 8, 12)


PAIR_RULES = [
    MORE_TOPPINGS,
    "name: r\nconversations: 2\nthen: conv[0].n == conv[1].n",
    "name: r\nconversations: 2\nwhen: (conv[0].n, conv[0].k) == (conv[1].n, conv[1].k)\nthen: conv[0].v >= conv[1].v",
    "name: r\nconversations: 2\nwhen: conv[0].k == 'x' and conv[1].n == conv[0].n\nthen: conv[0].v + conv[1].v > 3",
    "name: r\nconversations: 2\nif: conv[0].n != conv[1].n\nthen: all(a in conv[1].toppings for a in conv[0].toppings)",
    "name: r\nconversations: 2\nwhen: conv[0] != conv[1]\nthen: conv[0].v > 1 or conv[1].v > 1",
    "name: r\nconversations: 2\nwhen: all(each.n == 1 for each in conv)\nthen: len({c.v for c in conv}) == 2",
    "name: r\nconversations: 2\nwhen: conv[0].v == conv[1].v\nthen: data_collected() and conv[1].n > 0",
    "name: r\nconversations: 2\nwhen: conv[0].n / conv[0].v > 0\nthen: f'{conv[0].n}{conv[1].n}' == '11'",
    "name: r\nconversations: 2\nwhen: hasattr(conv[0], 'w') and conv[1].w is not None\nthen: conv[0].w == conv[1].w",
]


def by_definition(text: str, conversations: list[Recorded]) -> tuple[int, int, int, int]:
    """Every ordered pair on its own, with nothing blocked, grouped or evaluated beforehand."""
    whole = rule(text)
    total = Counter(_verdict(whole, one, other) for one in conversations for other in conversations if one is not other)
    return total["pass"], total["fail"], total["not_applicable"], 0


def _verdict(whole: Rule, one: Recorded, other: Recorded) -> str:
    pair = [Conversation(one), Conversation(other)]
    world = World(selected=pair, holds=holds)
    try:
        for condition in (whole.when, whole.condition):
            if not compiled(condition)(Scope(pair, world=world)):
                return "not_applicable"
        return "pass" if compiled(whole.then)(Scope(pair, world=world)) is True else "fail"
    except Exception:
        return "not_applicable"


@pytest.mark.parametrize("text", PAIR_RULES, ids=range(len(PAIR_RULES)))
def test_blocking_and_grouping_change_no_verdict(text: str) -> None:
    chance = random.Random(7)
    pool: dict[str, Callable[[], Any]] = {
        "n": lambda: chance.choice([1, 1.0, True, 2, float("nan"), None, [1], {"a": 1}]),
        "k": lambda: chance.choice(["x", "y"]),
        "v": lambda: chance.choice([0, 1, 2, "2"]),
        "size": lambda: chance.choice(["small", "large"]),
        "toppings": lambda: chance.sample(["a", "b", "c"], chance.randint(0, 3)),
        "price": lambda: chance.choice(["8$", "9$", None]),
        "w": lambda: chance.choice([None, 1]),
    }
    conversations = [
        recorded(str(number), **{name: draw() for name, draw in pool.items() if chance.random() < 0.9})
        for number in range(24)
    ]

    assert tally(counts(text, conversations)) == by_definition(text, conversations)


def test_forty_rules_over_two_thousand_conversations_are_fast() -> None:
    """Not a benchmark: it only catches a return to looking at all four million pairs (minutes)."""
    conversations = [
        recorded(str(number), size=str(number % 60), toppings=["x"] * (number % 4), price=f"{number % 40}$")
        for number in range(2_000)
    ]
    started = time.perf_counter()

    found = check_rules([rule(MORE_TOPPINGS)] * 4, conversations).rules["r"]

    assert sum(tally(found)) == 4 * 2_000 * 1_999
    assert time.perf_counter() - started < 10


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("then: is_unique('order_id')", (0, 1, 0, 0)),
        ("when: size == 'large'\nthen: is_unique('order_id')", (1, 0, 0, 0)),
        ("then: exists('extract_float(price) > 8')", (1, 0, 0, 0)),
        ("then: exists('extract_float(price) > 80')", (0, 0, 1, 0)),
        ("when: size == 'small'\nthen: num_exist('extract_float(price) > 7') == 2", (1, 0, 0, 0)),
        ("then: len(conv) == 5 and all(each.size for each in conv)", (1, 0, 0, 0)),
        ("when: size == 'huge'\nthen: is_unique('order_id')", (0, 0, 1, 0)),
        ("when: tone(size) == []\nthen: is_unique('order_id')", (0, 0, 0, 1)),
        ("then: price == 1", (0, 0, 1, 0)),
    ],
)
def test_a_rule_over_all_counts_once(text: str, expected: tuple[int, int, int, int]) -> None:
    assert tally(counts(f"name: r\nconversations: all\n{text}\n", PIZZAS)) == expected


def test_conversations_that_share_what_should_be_unique_are_named() -> None:
    found = counts("name: r\nconversations: all\nthen: is_unique('order_id')", PIZZAS)

    assert found.failures[0].reason == "order_id is not unique: '2' in b, c"


# --- files ----------------------------------------------------------------------------------------------------------


def test_inactive_rules_are_not_reported_whatever_they_say(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\nactive: False\nthen: __import__('os')\n")
    (tmp_path / "b.yaml").write_text("name: b\nactive: True\nthen: True\n")

    rules, _ = load_rules(tmp_path)

    assert [each.name for each in rules] == ["b"]


def test_rules_of_one_name_share_their_counts() -> None:
    report = check_rules([rule("name: r\nthen: True"), rule("name: r\nthen: False")], PIZZAS[:2])

    assert tally(report.rules["r"]) == (2, 2, 0, 0)


BAD = [
    ("then: ().__class__", 1, 7, "then", "'.__class__'"),
    ("then: |\n  True and\n  open('x')", 3, 1, "then", "'open'"),
    ("then: 'len(x) >'", 1, None, "then", "no expression"),
    ("when: 1 = 2\nthen: True", 1, None, "when", "no expression"),
    ("description: nothing to hold", 1, 1, "then", "nothing that must hold"),
    ("then: True\noracle: True", 2, 9, "oracle", "two names"),
    ("conversations: 3\nthen: True", 1, 16, "conversations", "no number of conversations"),
    ("active: perhaps\nthen: True", 1, 9, "active", "neither true nor false"),
    ("then: [1]", 1, 7, "then", "must be a text"),
    ("then: True\nthen: False", 2, 1, "then", "second time"),
    ("then: &a True", 1, None, "then", "anchor"),
]


@pytest.mark.parametrize(("text", "line", "column", "field", "message"), BAD)
def test_a_bad_rule_is_refused_with_place_field_and_mend(
    text: str, line: int, column: int | None, field: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(f"{text}\nname: r\n")

    problem = read_rule_file(path).problems[0]

    assert problem.place
    assert (problem.place.line, problem.field) == (line, field)
    assert column in (None, problem.place.column)
    assert message in problem.message
    assert problem.fix


def test_unknown_fields_and_functions_are_remarks(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("name: r\nthen: nobody_knows(1)\nconversation: 2\n")

    _, warnings = load_rules(tmp_path)

    assert any("nobody_knows" in each for each in warnings)
    assert any("conversations" in each for each in warnings)


def test_the_newer_spellings_are_read(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "name: r\nthen: len(missing_outputs()) == 0\non-error: |\n  f'Missing: {missing_outputs()}'\n"
    )

    found = check_rules(load_rules(tmp_path)[0], PIZZAS[3:4]).rules["r"]

    assert found.failures[0].reason == "Missing: ['price', 'order_id']"


# --- what comes with it ---------------------------------------------------------------------------------------------


def test_the_shipped_rules_load_and_find_a_shop_that_counts_wrongly() -> None:
    def order(name: str, toppings: list[str], price: float, **more: Any) -> Recorded:
        wants = {"size": "small", "drink": "cola", "cans": 1, "toppings": toppings, "price": price, "order_id": name}
        return recorded(name, "hello", "Hi!", **(wants | more))

    rules, warnings = load_rules(SHIPPED)
    good = [order("1", ["ham"], 9.5), order("2", ["ham", "corn"], 10.5), order("3", ["ham"], 9.5)]
    bad = [*good, order("4", ["ham", "corn", "olives"], 9.0, size="small"), order("4", ["ham"], 8.0, size="large")]

    assert not warnings
    assert check_rules(rules, good).exit_code == 0
    failed = {name for name, found in check_rules(rules, bad).rules.items() if found.failed}
    assert failed == {"more_toppings_cost_more", "larger_pizzas_cost_more", "order_ids_are_unique"}


def test_a_single_verdict_for_a_conversation_of_a_run() -> None:
    assert verdict_for(rule("name: r\nthen: size == 'small'"), PIZZAS[0]) == "pass"
    assert verdict_for(rule("name: r\nthen: tone(size) == 1"), PIZZAS[0]) == "unscored"
    assert verdict_for(rule("name: r\nthen: 2 ** 99999 > 1"), PIZZAS[0]) == "unscored"


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    rules, conversations = tmp_path / "rules", tmp_path / "conversations"
    rules.mkdir()
    conversations.mkdir()
    for number, price in enumerate((8, 9)):
        (conversations / f"{number}.yml").write_text(
            f"serial: x\nask_about:\n- size: small\ndata_output:\n- price: {price}\n---\nconversation time: 1\n---\n"
            "interaction:\n- User: hi\n- Assistant: hello\n"
        )
    return rules, conversations


def invoke(folders: tuple[Path, Path], *more: str) -> tuple[int, str, str]:
    arguments = ["rules", "check", "--rules", str(folders[0]), "--conversations", str(folders[1]), *more]
    codes: list[int] = []

    def main(*_: Any, **__: Any) -> None:
        codes.append(run_cli(cli, arguments))

    import click

    result = CliRunner().invoke(click.command()(main))
    return codes[0], result.stdout, result.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [("True", 0), ("price > 8", 1), ("tone('x') == []", 4), ("price > 8 or tone('x') == []", 4), ("unknown", 0)],
)
def test_the_exit_code_tells_failures_before_what_is_unscored(text: str, code: int, folders: tuple[Path, Path]) -> None:
    (folders[0] / "r.yaml").write_text(f"name: r\nthen: {text}\n")

    assert invoke(folders)[0] == code


def test_json_has_the_documented_shape(folders: tuple[Path, Path]) -> None:
    (folders[0] / "r.yaml").write_text("name: cheap\nthen: price < 9\n")

    code, out, _ = invoke(folders, "--json")

    assert code == 1
    assert json.loads(out) == {
        "conversations": 2,
        "rules": {
            "cheap": {
                "pass": 1,
                "fail": 1,
                "not_applicable": 0,
                "unscored": 0,
                "failures": [
                    {
                        "conversations": ["1.yml"],
                        "reason": "price < 9 does not hold: price is 9",
                        "values": [{"price": "9"}],
                    }
                ],
            }
        },
    }


def test_a_broken_pair_stands_side_by_side(folders: tuple[Path, Path]) -> None:
    (folders[0] / "r.yaml").write_text("name: dear\nconversations: 2\nthen: conv[0].price >= conv[1].price\n")

    _, out, _ = invoke(folders)

    assert any("0.yml" in line and "1.yml" in line for line in out.splitlines())
    assert any("price" in line and "8" in line and "9" in line for line in out.splitlines())


def test_all_bad_rule_files_are_listed_at_once(folders: tuple[Path, Path]) -> None:
    (folders[0] / "a.yaml").write_text("name: a\nthen: ().__class__\n")
    (folders[0] / "b.yaml").write_text("name: b\nthen: open('x')\nwhen: import os\n")

    code, out, err = invoke(folders)

    assert (code, out) == (2, "")
    assert "a.yaml: line 2, column" in err
    assert err.count("b.yaml: line") == 2


def test_an_endless_rule_is_named_and_the_others_are_still_counted(folders: tuple[Path, Path]) -> None:
    (folders[0] / "a.yaml").write_text("name: endless\nthen: 9 ** 9 ** 9 > 1\n")
    (folders[0] / "b.yaml").write_text("name: fine\nthen: price > 1\n")

    code, out, err = invoke(folders, "--json")

    assert code == 2
    assert "endless" in err
    assert json.loads(out)["rules"]["fine"]["pass"] == 2


@pytest.mark.parametrize("missing", [0, 1])
def test_folders_without_anything_are_bad_input(missing: int, folders: tuple[Path, Path], tmp_path: Path) -> None:
    (folders[0] / "r.yaml").write_text("name: r\nthen: True\n")
    (tmp_path / "empty").mkdir()
    given = (tmp_path / "empty", folders[1]) if missing == 0 else (folders[0], tmp_path / "empty")

    assert invoke(given)[0] == 2
    assert invoke((tmp_path / "nowhere", folders[1]))[0] == 2


def test_a_file_that_is_no_conversation_is_listed_and_left_out(folders: tuple[Path, Path]) -> None:
    (folders[0] / "r.yaml").write_text("name: r\nthen: True\n")
    (folders[1] / "bad.yml").write_text("a: [")

    code, out, err = invoke(folders, "--json")

    assert (code, json.loads(out)["conversations"]) == (0, 2)
    assert "bad.yml" in err
    assert len(load_recordings(folders[1]).conversations) == 2


def test_a_report_without_rules_is_fine() -> None:
    assert RulesReport(conversations=0, rules={}).exit_code == 0
