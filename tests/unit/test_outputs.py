"""Outputs: values by type, where they stand, and the difference between not stated, none, and the text "None"."""

from typing import Any

import pytest

from jobs.judge import Judge, Judgements
from jobs.model import Assessment, Goal, OutputSpec, Scenario, Slot, Transcript, Turn
from jobs.simulate.outputs import normalised, stated_outputs
from jobs.simulate.reading import Reader
from jobs.simulate.wishes import wishes_of
from tests.unit.test_judge import JudgingModel

DRINK = Slot(name="drink", type="string", values=("cola",), domain=("cola", "orange soda", "water"))
SCENARIO = Scenario(
    profile="pizza", number=1, seed=1, goals=(Goal(text="a cola", template="a {{drink}}", slots=(DRINK,)),)
)


def spec(name: str, kind: str, description: str = "") -> OutputSpec:
    return OutputSpec(name=name, type=kind, description=description or name.replace("_", " "))


def read(output: OutputSpec, *said: str) -> tuple[Any, int] | None:
    """What was stated of the output, and in which of the assistant's messages."""
    wishes = wishes_of(SCENARIO)
    reader = Reader(wishes, None)
    heard = [(place, reader.read(text)) for place, text in enumerate(said)]
    found = stated_outputs([output], heard, wishes).get(output.name)
    return (found.value, found.turn) if found else None


@pytest.mark.parametrize(
    ("output", "said", "value"),
    [
        (spec("price", "money"), "The total is $14.50.", "14.50 USD"),
        (spec("price", "money"), "Das macht 14,50 €.", "14.50 EUR"),
        (spec("price", "money"), "Price: 12 EUR", "12.00 EUR"),
        (spec("delivery_time", "time"), "It takes twelve mins.", "12 minutes"),
        (spec("delivery_time", "time"), "It takes 35 mins.", "35 minutes"),
        (spec("delivery_time", "time"), "Ready in an hour.", "1 hour"),
        (spec("opening_time", "time"), "We open at 9:30 am.", "09:30"),
        (spec("day", "date"), "See you on 3 March 2027!", "2027-03-03"),
        (spec("day", "date"), "Your day is Friday.", "friday"),
        (spec("guests", "int"), "A table for four guests.", 4),
        (spec("rate", "float", "the interest rate"), "The interest rate is 3.75 %.", 3.75),
        (spec("order_id", "str", "the number of the order"), "Your order number is A-77.", "A-77"),
        (spec("drink", "str"), "I have a large pizza and one cola, is that right?", "cola"),
        (spec("crust", "str"), "Crust: thin and crispy\nTotal: $9", "thin and crispy"),
        (spec("topping", "wine list", "what is on it"), "Your topping is ham.", "ham"),
    ],
)
def test_a_stated_value_is_normalised_by_its_type(output: OutputSpec, said: str, value: Any) -> None:
    found = read(output, "Hello!", said)

    assert found == (value, 1)


def test_the_last_statement_counts_and_its_turn_is_kept() -> None:
    assert read(spec("price", "money"), "That is $9 in total.", "And a cola.", "Total: $11.", "Bye!") == (
        "11.00 USD",
        2,
    )


def test_not_stated_none_and_the_text_none_are_three_things() -> None:
    crust, discount = spec("crust", "str"), spec("discount", "money")

    assert read(crust, "A large pizza.") is None
    assert read(crust, "There is no crust on it.") == (None, 0)
    assert read(crust, "Crust: None") == ("None", 0)
    assert read(discount, "A large pizza.") is None
    assert read(discount, "Sorry, there is no discount today.") == (None, 0)
    assert read(discount, "Discount: none") == (None, 0)
    assert read(discount, "Discount: $2") == ("2.00 USD", 0)


def test_what_stands_beside_is_not_taken_for_what_is_asked_for() -> None:
    said = "Your order S-5302 is placed: a small pizza. That is $9.30 in total."

    assert read(spec("drink", "str"), said) is None
    assert read(spec("waiter", "str"), said) is None
    assert read(spec("discount", "money"), said) is None
    assert read(spec("tip", "money"), f"{said} The tip is $1.") == ("1.00 USD", 0)
    assert read(spec("price", "money"), said) == ("9.30 USD", 0)


@pytest.mark.parametrize(
    ("kind", "text"), [("money", "a lot"), ("int", "some"), ("float", "few"), ("date", "soon"), ("time", "later")]
)
def test_what_is_not_of_the_type_is_no_value(kind: str, text: str) -> None:
    assert normalised(spec("x", kind), text) is None


# --- by a judge -------------------------------------------------------------------------------------------------------

TALK = Transcript(
    turns=(
        Turn(speaker="user", text="My total is $1, right?"),
        Turn(speaker="assistant", text="No, all in all you pay fourteen fifty, $14.50. Size: None."),
        Turn(speaker="user", text="Any discount?"),
        Turn(speaker="assistant", text="We never give those."),
    ),
    ended_by="goal_reached",
)
SPECS = (spec("price", "money"), spec("size", "str"), spec("discount", "money"), spec("order_id", "str"))


def said(name: str, stated: str, value: str = "", quote: str = "") -> dict[str, str]:
    return {"name": name, "stated": stated, "value": value, "quote": quote}


async def judged(*outputs: dict[str, str], rules: dict[str, Any] | None = None) -> Assessment:
    scenario = Scenario(profile="p", number=1, seed=1, goals=(), outputs=SPECS)
    by_rules = Assessment(goals=(), outputs=rules or {}, output_turns=dict.fromkeys(rules or {}, 1))
    judge = Judge(JudgingModel({"outputs": list(outputs)}), model="j", judgements=Judgements())
    return await judge.with_outputs(by_rules, TALK, scenario)


async def test_a_judge_reads_values_that_there_are_none_and_what_was_not_said() -> None:
    found = await judged(
        said("price", "value", "$14.50", "you pay fourteen fifty, $14.50"),
        said("size", "value", "None", "Size: None"),
        said("discount", "none", "", "We never give those."),
        said("order_id", "not_stated"),
        rules={"order_id": "wrong"},
    )

    assert found.outputs == {"price": "14.50 USD", "size": "None", "discount": None}
    assert found.output_turns == {"price": 1, "size": 1, "discount": 3}
    assert found.warnings == ()


@pytest.mark.parametrize(
    "price",
    [
        said("price", "value", "$14.50", "you pay $14.50 exactly"),
        said("price", "value", "$1", "My total is $1, right?"),
        said("price", "value", "a lot", "all in all you pay fourteen"),
        said("price", "value", "$14.50", ""),
        said("price", "none", "", "there is no price"),
    ],
    ids=["made up", "the customer said it", "no amount", "no evidence", "made up none"],
)
async def test_what_a_judge_has_no_evidence_for_stays_as_rules_read_it(price: dict[str, str]) -> None:
    others = [said(each.name, "not_stated") for each in SPECS[1:]]

    found = await judged(price, *others, rules={"price": "9.00 USD"})

    assert found.outputs == {"price": "9.00 USD"}
    assert "the output 'price' was read by rules" in found.warnings[0]


async def test_an_answer_of_another_shape_leaves_everything_as_it_was() -> None:
    found = await judged({"name": "price", "stated": "maybe", "value": "1", "quote": "x"}, rules={"price": "9.00 USD"})

    assert found.outputs == {"price": "9.00 USD"}
    assert "the outputs were read by rules" in found.warnings[0]
