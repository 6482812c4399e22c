"""Everything the demo shop knows and says, as its YAML file and a variant's overrides describe it."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from jobs.assistants._connector import VariantConfig

Slot = Literal["size", "toppings", "drinks"]
Price = Annotated[Decimal, Field(ge=0, le=10_000)]
SLOTS: tuple[Slot, ...] = ("size", "toppings", "drinks")

PLACEHOLDER = re.compile(r"\{(\w+)\}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Menu(_Part):
    """What can be bought; ``also_called`` are other words for the same items."""

    currency: str = "$"
    sizes: dict[str, Price] = Field(min_length=1)
    toppings: dict[str, Price] = Field(min_length=1)
    drinks: dict[str, Price] = Field(min_length=1)
    also_called: dict[str, list[str]] = {}
    not_on_the_menu: list[str] = []

    @model_validator(mode="after")
    def _names_items(self) -> "Menu":
        items = {*self.sizes, *self.toppings, *self.drinks}
        if strangers := sorted(set(self.also_called) - items):
            raise ValueError(f"also_called names what is not on the menu: {', '.join(map(repr, strangers))}")
        return self


class Flow(_Part):
    """What it asks, what ends up on the order, what it tells once the order is placed, and whether it can be."""

    ask: list[Slot] = list(SLOTS)
    order: list[Literal["pizza", "drinks"]] = ["pizza", "drinks"]
    placed_says: list[Literal["number", "total", "time"]] = ["number", "total", "time"]
    charge_when_placing: Price = Decimal(0)
    minutes: list[int] = Field(default=[30], min_length=1)
    understood_at: float = Field(default=0.55, gt=0, le=1)
    kitchen: Literal["works", "is_down"] = "works"


class Templates(_Part):
    """What it says; each a list to choose from."""

    fallback: list[str]
    greeting: list[str]
    hello_again: list[str]
    what_to_order: list[str]
    noted: list[str]
    ask_size: list[str]
    ask_toppings: list[str]
    ask_drinks: list[str]
    ask_which_drink: list[str]
    ask_cans: list[str]
    read_back: list[str]
    read_back_again: list[str]
    what_to_change: list[str]
    placed: list[str]
    placed_failed: list[str] = [
        "I am sorry, the kitchen does not answer, so nothing was ordered. Please try again in a few minutes."
    ]
    placed_number: list[str]
    placed_total: list[str]
    placed_time: list[str]
    anything_else: list[str]
    waiting_time: list[str]
    price: list[str]
    price_so_far: list[str]
    price_list: list[str]
    menu: list[str]
    opening_hours: list[str]
    my_order: list[str]
    nothing_ordered: list[str]
    not_on_the_menu: list[str]
    cancelled: list[str]
    farewell: list[str]

    @field_validator("*")
    @classmethod
    def _says_something(cls, value: list[str]) -> list[str]:
        if not value or not all(text.strip() for text in value):
            raise ValueError("write at least one text, none of them empty")
        return value


class Shop(_Part):
    """One configuration of the shop; ``examples`` maps an intent to sentences that mean it."""

    name: str
    menu: Menu
    flow: Flow = Flow()
    examples: dict[str, list[str]]
    templates: Templates

    def money(self, amount: Decimal) -> str:
        return f"{self.menu.currency}{amount:.2f}"


class DemoConfig(VariantConfig, _Part):
    """A variant of the demo connector: a shop file, and what this variant changes of it."""

    shop: str
    latency_ms: float = Field(default=0, ge=0, le=60_000)
    noise: float = Field(default=0, ge=0, le=1)
    menu: dict[str, Any] = {}
    flow: dict[str, Any] = {}
    examples: dict[str, Any] = {}
    templates: dict[str, Any] = {}

    @property
    def changes(self) -> Mapping[str, Mapping[str, Any]]:
        return {"menu": self.menu, "flow": self.flow, "examples": self.examples, "templates": self.templates}


def load_shop(config: DemoConfig, profiles_dir: Path) -> Shop:
    """The shop as the variant has it.

    Raises:
        OSError, ValueError (also yaml's and pydantic's): the file cannot be read or describes no shop.
    """
    return Shop.model_validate(merged(read_mapping(config.shop, profiles_dir), config.changes))


def read_mapping(file: str, profiles_dir: Path) -> dict[str, Any]:
    """What stands in a YAML file of the profiles directory; raises OSError, ValueError."""
    path = (profiles_dir / file).resolve()
    if not path.is_relative_to(profiles_dir.resolve()):
        raise ValueError(f"{file!r} lies outside the profiles directory")
    try:
        base: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{file!r} is not readable as YAML ({error})") from error
    if not isinstance(base, dict):  # the file is wrong, not the caller's argument
        raise ValueError(f"{file!r} should be a mapping of names to values")  # noqa: TRY004
    return cast("dict[str, Any]", base)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it: mappings are merged key by key, everything else is replaced."""
    result = dict(base)
    for key, change in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(change, Mapping)
        result[key] = merged(cast("Mapping[str, Any]", old), cast("Mapping[str, Any]", change)) if both else change
    return result


def fill(template: str, words: Mapping[str, str]) -> str:
    """The template with its ``{words}`` filled in; a word that is not known stays as it is written."""
    return PLACEHOLDER.sub(lambda match: words.get(match[1], match[0]), template)
