"""The demo connector: a pizza shop that hears only text, talks by its YAML and can be made to stumble."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.assistants import ConnectorPorts
from jobs.assistants.demo import CONNECTOR, DemoConnector
from jobs.errors import AssistantError
from jobs.model import Variant
from jobs.ports import AssistantSession, Connector, Reply

PROFILES = Path(__file__).parents[2] / "profiles"
SHIPPED: Mapping[str, Mapping[str, Any]] = yaml.safe_load((PROFILES / "assistants.yaml").read_text())["assistants"][
    "pizza"
]["variants"]
FALLBACK = "Sorry, I did not get that. Could you say it another way?"


class CountingClock:
    """Remembers how long was slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2027, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def connector(clock: CountingClock | None = None, profiles_dir: Path = PROFILES) -> Connector:
    return CONNECTOR.build(ConnectorPorts(clock=clock or CountingClock(), profiles_dir=profiles_dir))


async def call(
    variant: str = "good", *, seed: str = "1", clock: CountingClock | None = None, **changes: Any
) -> AssistantSession:
    config = {**SHIPPED[variant], **changes}
    return await connector(clock).open(
        Variant(assistant="pizza", name=variant, connector="demo", config=config, hash=repr(config)), seed=seed
    )


async def say(session: AssistantSession, *lines: str) -> Reply:
    """The answer to the last line."""
    reply = Reply(messages=())
    for line in lines:
        reply = await session.send(line)
    return reply


def text(reply: Reply) -> str:
    return " ".join(reply.messages)


async def test_an_order_is_asked_for_read_back_confirmed_and_placed() -> None:
    shop = await call()

    assert "size" in text(await say(shop, "Hello, I'd like a pizza please")).lower()
    assert "toppings" in text(await say(shop, "Large, please."))
    assert "drink" in text(await say(shop, "mushrooms and olives"))
    read_back = text(await say(shop, "two cans of coke, please"))
    assert "a large pizza with mushrooms and olives and 2 cans of cola" in read_back
    assert "$18.70" in read_back
    placed = await say(shop, "Yes, please.")
    assert "$18.70" in text(placed)
    assert "minutes" in text(placed)
    assert placed.tool_calls[0].name == "place_order"
    assert placed.tool_calls[0].arguments["drinks"] == "2 cans of cola"
    assert placed.tool_calls[0].arguments["total"] == "18.70"
    assert "?" not in text(await say(shop, "No, that's all, thanks. Bye!"))


@pytest.mark.parametrize(
    ("correction", "expected"),
    [
        ("No, I asked for small, not large.", "a small pizza with cheese and 2 cans of cola"),
        ("You forgot the olives.", "a large pizza with cheese and olives and 2 cans of cola"),
        ("No, without cheese please.", "a plain large pizza and 2 cans of cola"),
        ("Please make it lemonade instead of cola.", "a large pizza with cheese and 2 cans of lemonade"),
        ("Sorry, 3 cans of cola.", "a large pizza with cheese and 3 cans of cola"),
        ("Make it 3 cans instead of 2.", "a large pizza with cheese and 3 cans of cola"),
        ("And a can of orange soda too.", "a large pizza with cheese and 2 cans of cola and 1 can of orange soda"),
    ],
)
async def test_corrections_change_the_order_and_are_read_back(correction: str, expected: str) -> None:
    shop = await call()
    await say(shop, "A large pizza with cheese and 2 cans of cola, please.")

    assert expected in text(await say(shop, correction)).replace("cola, ", "cola and ")


async def test_no_asks_what_to_change() -> None:
    shop = await call()

    reply = await say(shop, "A large pizza with cheese and 2 cans of cola, please.", "No.")

    assert "what" in text(reply).lower()


async def test_nothing_to_drink_is_fine() -> None:
    shop = await call()

    assert "a small pizza with onions." in text(await say(shop, "small pizza with onions", "No, thanks.")).replace(
        ",", "."
    )


async def test_what_is_not_on_the_menu_is_declined_with_the_choices() -> None:
    reply = await say(await call(), "A large pizza with pineapple please")

    assert "pineapple" in text(reply)
    assert "mushrooms" in text(reply)
    assert reply.fallback is False


@pytest.mark.parametrize(
    "question",
    [
        "How long will it take?",
        "When will the pizza be here?",
        "What's the waiting time?",
        "how long until my order is ready",
    ],
)
async def test_the_time_is_told_by_the_good_shop_and_not_understood_by_the_faulty_one(question: str) -> None:
    assert "minutes" in text(await say(await call("good"), question))
    assert text(await say(await call("faulty"), question)) == FALLBACK


@pytest.mark.parametrize("question", ["How much is that?", "What does it cost?", "Could you tell me the price?"])
async def test_the_price_is_told_for_what_is_ordered(question: str) -> None:
    reply = await say(await call(), "A small pizza with onions, nothing to drink.", question)

    assert "$9.20" in text(reply)


async def test_misspelt_words_are_understood() -> None:
    reply = await say(await call(), "a lareg piza with chees and musrooms, 2 cans of lemonde")

    assert "a large pizza with cheese and mushrooms and 2 cans of lemonade" in text(reply)


@pytest.mark.parametrize("nonsense", ["qwertz asdf", "Is it vegan?", "What is the capital of France?", "", "🍕", "?!"])
async def test_what_means_nothing_to_the_shop_is_answered_with_the_fallback(nonsense: str) -> None:
    reply = await say(await call(), nonsense)

    assert text(reply) == FALLBACK
    assert reply.fallback is True


async def test_a_part_that_is_not_understood_is_said_beside_the_answer() -> None:
    reply = await say(await call("faulty"), "2 cans of cola, please. How long will it take?")

    assert len(reply.messages) == 2
    assert reply.messages[1] == FALLBACK
    assert reply.fallback is True


async def test_the_faulty_shop_loses_drinks_and_charges_more_than_it_said() -> None:
    shop = await call("faulty")

    assert "cola" not in text(await say(shop, "A large pizza with cheese and 2 cans of cola."))
    quote = text(await say(shop, "You forgot the 2 cans of cola."))
    assert "cola" not in quote
    assert "$13.30" in quote
    assert "$14.80" in text(await say(shop, "Go ahead."))


async def test_templates_of_a_variant_replace_those_of_the_file() -> None:
    shop = await call(templates={"greeting": ["{shop} says {unknown} {0}"]})

    assert text(await shop.greet()) == "Bella's Pizza says {unknown} {0}"


async def test_the_same_seed_says_the_same_and_another_does_not() -> None:
    lines = ("A large pizza with cheese.", "no drinks", "how long does it take?", "yes")
    said = {seed: text(await say(await call(seed=seed), *lines)) for seed in ("1", "2", "3")}

    assert text(await say(await call(seed="1"), *lines)) == said["1"]
    assert len(set(said.values())) == 3


async def test_noise_is_the_share_of_misheard_turns_and_leaves_the_rest_as_it_was() -> None:
    misheard = 0
    for seed in range(200):
        shop = await call(seed=str(seed), noise=0.25)
        misheard += (await say(shop, "A large pizza with cheese.")).fallback is True

    assert 30 <= misheard <= 70
    assert (await say(await call(noise=1), "A large pizza.")).fallback is True


async def test_thinking_takes_its_time_give_or_take() -> None:
    clock = CountingClock()
    shop = await call(clock=clock, latency_ms=350)
    told = [(await say(shop, "hello")).latency_ms for _ in range(40)]
    await say(await call(clock=(quick := CountingClock()), latency_ms=0), "hello")

    assert all(0.2 <= seconds <= 0.5 for seconds in clock.slept)
    assert len(set(clock.slept)) == 40
    assert 0.3 <= sum(clock.slept) / 40 <= 0.4
    assert told == pytest.approx([seconds * 1000 for seconds in clock.slept])
    assert quick.slept == []


async def test_hostile_text_is_survived() -> None:
    shop = await call()
    for hostile in (
        "x" * 1_000_000,
        "<!channel>",
        "9" * 5000,
        "\x00\u202e",
        "yes " * 5000,
        "{order}{0}%s",
        "no, not, " * 500,
    ):
        assert text(await say(shop, hostile))


def test_shipped_variants_have_nothing_wrong() -> None:
    assert [list(connector().check(config)) for config in SHIPPED.values()] == [[], []]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "`shop`: Field required"),
        ({"shop": "nowhere.yaml"}, "cannot be read"),
        ({"shop": "../pyproject.toml"}, "outside the profiles directory"),
        ({"shop": "pizza-shop/assistant.yaml", "noise": 2}, "`noise`"),
        ({"shop": "pizza-shop/assistant.yaml", "colour": "red"}, "`colour`"),
        ({"shop": "pizza-shop/assistant.yaml", "flow": {"order": ["dessert"]}}, "`flow.order.0`"),
        ({"shop": "pizza-shop/assistant.yaml", "templates": {"greeting": []}}, "at least one text"),
        ({"shop": "pizza-shop/assistant.yaml", "menu": {"sizes": {"small": -1}}}, "`menu.sizes.small`"),
    ],
)
async def test_a_wrong_configuration_is_explained_and_not_opened(config: Mapping[str, Any], says: str) -> None:
    shop = connector()

    assert says in " ".join(shop.check(config))
    with pytest.raises(AssistantError, match="cannot be used") as raised:
        await shop.open(Variant(assistant="a", name="v", connector="demo", config=config, hash="h"), seed="1")
    assert raised.value.permanent


def test_a_broken_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("menu: [unclosed")
    (tmp_path / "list.yaml").write_text("- 1")

    assert "not readable as YAML" in connector(profiles_dir=tmp_path).check({"shop": "broken.yaml"})[0]
    assert "should be a mapping" in connector(profiles_dir=tmp_path).check({"shop": "list.yaml"})[0]


def test_the_shelf_item_is_called_demo() -> None:
    assert CONNECTOR.name == "demo"
    assert CONNECTOR.build is DemoConnector
