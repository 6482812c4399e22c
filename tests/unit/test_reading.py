"""What a simulated customer makes of an assistant's words."""

import pytest

from jobs.model import Goal, Scenario, Slot
from jobs.simulate.facts import (
    find_dates,
    find_durations,
    find_money,
    find_numbers,
    find_references,
    find_times,
)
from jobs.simulate.reading import Reader, Reading, stated_totals
from jobs.simulate.wishes import wishes_of

FALLBACK = "I'm sorry it's a little loud in my pizza shop, can you say that again?"
SIZES = ("small", "medium", "big")
TOPPINGS = ("cheese", "mushrooms", "pepperoni")
SCENARIO = Scenario(
    profile="pizza",
    number=1,
    seed=1,
    goals=(
        Goal(
            text="a big custom pizza with cheese, mushrooms",
            template="a {{size}} custom pizza with {{toppings}}",
            slots=(
                Slot(name="size", type="string", values=("big",), domain=SIZES),
                Slot(name="toppings", type="string", values=("cheese", "mushrooms"), domain=TOPPINGS),
            ),
        ),
        Goal(
            text="2 cans of sprite",
            template="{{cans}} cans of {{drink}}",
            slots=(
                Slot(name="cans", type="int", values=(2,), domain=(1, 2, 3)),
                Slot(name="drink", type="string", values=("sprite",), domain=("sprite", "coke", "Orange Fanta")),
            ),
        ),
        Goal(text="how much will it cost", template="how much will it cost"),
    ),
    fallback=FALLBACK,
)
SIZE, TOPPING, CANS, DRINK = (0, "size"), (0, "toppings"), (1, "cans"), (1, "drink")


def read(message: str) -> Reading:
    return Reader(wishes_of(SCENARIO), SCENARIO.fallback).read(message)


@pytest.mark.parametrize(
    "message",
    [
        FALLBACK,
        "Sorry it's a little loud in my pizza shop! Can you say that again?",
        "I didn't get that.",
        "Sorry, I'm not sure I understand. Could you rephrase?",
        "I'm having trouble understanding you.",
        "Sorry, what?",
    ],
)
def test_a_message_that_says_it_did_not_understand_is_a_fallback(message: str) -> None:
    assert read(message).not_understood
    assert read(message).blank


@pytest.mark.parametrize(
    "message",
    ["", "A big pizza, got it.", "What size would you like?", "Sorry about that. So it's a big pizza.", "Yes!"],
)
def test_an_ordinary_message_is_no_fallback(message: str) -> None:
    assert not read(message).not_understood


def test_an_answer_that_also_misses_something_is_not_blank() -> None:
    heard = read("Two cans of sprite, noted. Sorry, I did not get that. Could you say it another way?")

    assert heard.not_understood
    assert not heard.blank
    assert heard.mentions == {CANS: {2}, DRINK: {"sprite"}}


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ("What size would you like: small, medium or big?", {SIZE}),
        ("How big should it be?", {SIZE}),
        ("Which toppings would you like on it?", {TOPPING}),
        ("Would you like something to drink? We have coke and sprite.", {DRINK}),
        ("How many cans shall I put down?", {CANS}),
        ("Please tell me the size.", {SIZE}),
        ("Sprite or coke?", {DRINK}),
        ("Anything else?", set[tuple[int, str]]()),
        ("Cash or card?", set[tuple[int, str]]()),
    ],
)
def test_questions_are_matched_to_the_variables_they_ask_for(message: str, asked: set[tuple[int, str]]) -> None:
    assert set(read(message).asked) == asked


def test_what_is_read_back_is_told_from_what_is_offered() -> None:
    read_back = read("So that's a large pizza with cheese and mushrooms and 2 cans of Sprite. Is that right?")
    offered = read("Which toppings would you like? We have cheese, mushrooms and pepperoni.")

    assert read_back.confirms
    assert read_back.mentions == {SIZE: {"big"}, TOPPING: {"cheese", "mushrooms"}, CANS: {2}, DRINK: {"sprite"}}
    assert not offered.mentions


def test_what_is_refused_is_not_mentioned() -> None:
    assert read("A big pizza, not medium, without pepperoni.").mentions == {SIZE: {"big"}}


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("Shall I place the order?", "confirms"),
        ("Do you want me to transfer it?", "confirms"),
        ("Is everything correct?", "confirms"),
        ("Can I help you with anything else?", "anything_else"),
        ("Would you like some garlic bread?", "offers"),
        ("One moment please.", "holds"),
        ("How can I help you?", "invites"),
        ("Your order has been placed.", "done"),
        ("Thank you, have a nice day!", "farewell"),
    ],
)
def test_what_an_assistant_is_after(message: str, field: str) -> None:
    assert getattr(read(message), field)


def test_a_question_with_what_is_no_confirmation() -> None:
    heard = read("What name should I put the order under?")

    assert not heard.confirms
    assert heard.personal == ("name",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("That's $14.50.", ["14.50 USD"]),
        ("14,50 € or 1.234,50 EUR", ["14.50 EUR", "1234.50 EUR"]),
        ("It costs 12 dollars and £3", ["12.00 USD", "3.00 GBP"]),
        ("$1,234.50", ["1234.50 USD"]),
        ("2 cans in 35 minutes", []),
    ],
)
def test_money(text: str, found: list[str]) -> None:
    assert [str(money) for money in find_money(text)] == found


def test_durations_times_dates_numbers_and_references() -> None:
    assert find_durations("in 30-40 minutes, half an hour, 2 business days") == [
        "30-40 minutes",
        "half an hour",
        "2 business days",
    ]
    assert find_times("from 9:30 to 5 pm, noon; it costs $14.50 for 3") == ["09:30", "17:00", "12:00"]
    assert find_dates("2026-12-24, 3 May 2027, Dec 5th, 31.12.2026, 99.99.2026") == [
        "2026-12-24",
        "2027-05-03",
        "--12-05",
        "2026-12-31",
    ]
    assert find_numbers("two cans and 3.5 litres for $12, room B4") == [2, 3.5]
    assert find_references("Your order number is L-2086, ticket #A77, my number one") == ["L-2086", "A77"]


@pytest.mark.parametrize(
    ("text", "totals"),
    [
        ("The total is $18.70.", ["18.70 USD"]),
        ("It comes to $18.70 in total. You pay $18.70.", ["18.70 USD", "18.70 USD"]),
        ("Each topping is $1.00 extra.", []),
        ("So far that comes to $4.00.", []),
        ("Our pizzas: small $8.50, medium $10.50 and large $12.50.", []),
        ("The delivery fee is $2.00.", []),
    ],
)
def test_only_a_total_counts_as_the_price(text: str, totals: list[str]) -> None:
    assert stated_totals(read(text)) == totals
