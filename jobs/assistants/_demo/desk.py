"""Everything that a demo desk knows: what it has to be told, what that costs, and what it can be asked."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from jobs.assistants._demo.shop import PLACEHOLDER, Price, merged, read_mapping
from jobs.assistants._demo.tongues import TONGUES, Tongue


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeskSlot(_Part):
    """Something that the customer says.

    Args:
        values: what can be chosen, each with what it adds to the price.
        several: whether more than one can be chosen.
        units: for a number: the words that follow it. One of ``values``, ``units``, ``date`` is needed.
        ask: how it is asked for; None = it is not, and the request is complete without it.
        kept: False = it is heard and forgotten (a fault to be found).
    """

    values: dict[str, Price] = {}
    also_called: dict[str, list[str]] = {}
    several: bool = False
    units: list[str] = []
    date: bool = False
    ask: str | None = None
    kept: bool = True

    @field_validator("values", mode="before")
    @classmethod
    def _without_prices(cls, value: object) -> object:
        if isinstance(value, dict):
            return {str(key): price for key, price in cast("dict[object, object]", value).items()}
        return {str(each): 0 for each in cast("list[object]", value)} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _is_one_kind(self) -> "DeskSlot":
        if sum((bool(self.values), bool(self.units), self.date)) != 1:
            raise ValueError("write one of `values`, `units` (of a number) and `date: true`")
        if strangers := sorted(set(self.also_called) - set(self.values)):
            raise ValueError(f"also_called names what is none of the values: {', '.join(map(repr, strangers))}")
        return self


class Topic(_Part):
    """Something that can be asked; ``needs`` are the slots that must be known before it can be answered."""

    examples: list[str]
    answer: str
    needs: list[str] = []


class Desk(_Part):
    """One configuration of a desk.

    Args:
        request: what is read back, in parts; a part is said once all of its slots are known.
        times: the number that the prices of the values are multiplied by; ``base`` is added once.
        placed: what it says once the request is confirmed; ``tells`` what it says then besides.
        charge_when_placing: added to the bill, not to the quote (a fault to be found).
    """

    name: str
    language: Literal["English", "German", "Spanish", "French"] = "English"
    currency: str = "$"
    currency_behind: bool = False
    slots: dict[str, DeskSlot] = Field(min_length=1)
    request: list[str] = Field(min_length=1)
    topics: dict[str, Topic] = {}
    tool: str = "place_request"
    base: Price = Decimal(0)
    times: str | None = None
    priced: bool = False
    tells: list[Literal["number", "bill"]] = ["number"]
    charge_when_placing: Price = Decimal(0)
    understood_at: float = Field(default=0.55, gt=0, le=1)
    says: dict[str, list[str]] = {}

    @model_validator(mode="after")
    def _names_what_there_is(self) -> "Desk":
        known = TONGUES[self.language].says
        if strangers := sorted(set(self.says) - set(known)):
            raise ValueError(f"`says` has {strangers[0]!r}; known are {', '.join(known)}")
        if empty := next((name for name, texts in self.says.items() if not texts), None):
            raise ValueError(f"`says.{empty}` needs at least one text")
        named = {match for part in self.request for match in PLACEHOLDER.findall(part)}
        named |= {slot for topic in self.topics.values() for slot in topic.needs}
        named |= {self.times} if self.times else set()
        if unknown := sorted(named - set(self.slots)):
            raise ValueError(f"there is no slot {unknown[0]!r}; known are {', '.join(self.slots)}")
        return self

    @property
    def tongue(self) -> Tongue:
        return TONGUES[self.language]

    def texts(self, name: str) -> list[str]:
        """What it can say there, its own words before those of its language."""
        return self.says.get(name) or list(self.tongue.says[name])

    def money(self, amount: Decimal) -> str:
        return f"{amount:.2f} {self.currency}" if self.currency_behind else f"{self.currency}{amount:.2f}"


class DeskConfig(_Part):
    """A variant of the demo connector: a desk's file, and what this variant changes of it."""

    desk: str
    latency_ms: float = Field(default=0, ge=0, le=60_000)
    noise: float = Field(default=0, ge=0, le=1)
    changes: dict[str, Any] = {}


def load_desk(config: DeskConfig, profiles_dir: Path) -> Desk:
    """The desk as a variant has it.

    Raises:
        OSError, ValueError (also pydantic's): the file cannot be read or describes no desk.
    """
    return Desk.model_validate(merged(read_mapping(config.desk, profiles_dir), config.changes))
