"""The demo shop's side of one conversation: an order filled slot by slot, read back, confirmed and placed."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from jobs.assistants._demo.hearing import Heard, Hearing
from jobs.assistants._demo.shop import Shop, Slot, fill
from jobs.model import ToolCall
from jobs.ports import Reply

Pending = Literal["size", "toppings", "drinks", "which_drink", "cans", "confirm", "change", "anything_else"]
QUESTIONS = ("waiting_time", "price", "what_is_on_the_menu", "opening_hours", "my_order")
OBJECTIONS = frozenset(("deny", "change"))


@dataclass(frozen=True, kw_only=True)
class Drink:
    name: str
    cans: int | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the customer wants so far; None = not yet known, empty = wants none."""

    size: str | None = None
    toppings: tuple[str, ...] | None = None
    drinks: tuple[Drink, ...] | None = None

    @property
    def empty(self) -> bool:
        return self.size is None and self.toppings is None and not self.drinks


class Dialogue:
    """One conversation with the shop.

    Args:
        rng: drives the wording, the order number and the waiting time.
    """

    def __init__(self, shop: Shop, hearing: Hearing, rng: random.Random) -> None:
        self._shop = shop
        self._hearing = hearing
        self._rng = rng
        self._order = Order()
        self._pending: Pending | None = None
        self._count: int | None = None
        self._placed = False
        self._read_back_before = False
        self._number = f"{rng.choice('ABCDEFGHKLMNPRSTUVWXYZ')}-{rng.randrange(1000, 10000)}"
        self._minutes = rng.choice(shop.flow.minutes)

    def greet(self) -> Reply:
        return Reply(messages=(self._say("greeting"),), intent="greet", fallback=False)

    def misheard(self) -> Reply:
        return Reply(messages=(self._say("fallback"),), fallback=True)

    def answer(self, text: str) -> Reply:
        """What the shop says to one utterance."""
        heard = self._hearing.listen(text)
        if heard.nothing and not (self._pending == "change" and self._complete):
            return self.misheard()
        before = self._order
        self._order = self._updated(heard)
        changed = self._order != before
        if changed:
            self._placed = False
        next_step, tool_calls = self._next_step(heard, changed=changed)
        told = [*self._refusals(heard), *self._answers(heard, next_step)]
        if changed and not told and self._pending != "confirm":
            told = [self._noted(before)]
        messages = [" ".join([*told, *next_step])] if told or next_step else []
        if heard.unclear:
            messages.append(self._say("fallback"))
        return Reply(
            messages=tuple(messages) or (self._say("what_to_order"),),
            intent=heard.intents[0] if heard.intents else "order",
            entities=self._entities(),
            tool_calls=tool_calls,
            fallback=heard.unclear,
        )

    # --- the order ---------------------------------------------------------------------------------------------------

    def _updated(self, heard: Heard) -> Order:
        sizes = heard.of("size")
        return Order(
            size=sizes[-1].name if sizes else self._order.size,
            toppings=self._toppings(heard),
            drinks=self._drinks(heard),
        )

    def _toppings(self, heard: Heard) -> tuple[str, ...] | None:
        known = self._order.toppings
        wanted = [item.name for item in heard.of("topping")]
        refused = {item.name for item in heard.of("topping", refused=True)}
        if not wanted and not refused:
            declined = self._pending == "toppings" and "deny" in heard.intents and not heard.items
            return () if declined else known
        kept = [] if wanted and not heard.adds and not (refused and known) else list(known or ())
        return tuple(dict.fromkeys(name for name in [*kept, *wanted] if name not in refused))

    def _drinks(self, heard: Heard) -> tuple[Drink, ...] | None:
        wanted, known = heard.of("drink"), self._order.drinks
        refused = {item.name for item in heard.of("drink", refused=True)}
        if not wanted and not refused:
            return self._counted(heard, known)
        drinks = {drink.name: drink for drink in known or () if drink.name not in refused}
        replaced = next((drink.cans for drink in known or () if drink.name in refused), None)
        for item in wanted:
            old = drinks.get(item.name, Drink(name=item.name, cans=replaced or self._count))
            count = item.count or (heard.count if len(wanted) == 1 else None)
            drinks[item.name] = replace(old, cans=count or old.cans)
        self._count = None
        return tuple(drinks.values())

    def _counted(self, heard: Heard, known: tuple[Drink, ...] | None) -> tuple[Drink, ...] | None:
        """The drinks after a number alone was said, or nothing about drinks."""
        if heard.count is not None and known:
            return tuple(
                replace(drink, cans=heard.count) if drink.cans is None or len(known) == 1 else drink for drink in known
            )
        if heard.count is not None:
            self._count = heard.count
            return known
        declined = self._pending in ("drinks", "which_drink") and {"deny", "done"} & set(heard.intents)
        return () if declined and not heard.items else known

    @property
    def _complete(self) -> bool:
        return self._missing() is None

    def _missing(self) -> Slot | Literal["cans", "which_drink"] | None:
        known = {
            "size": self._order.size is not None,
            "toppings": self._order.toppings is not None,
            "drinks": self._order.drinks is not None,
        }
        if self._count is not None:
            return "which_drink"
        if any(drink.cans is None for drink in self._order.drinks or ()):
            return "cans"
        return next((slot for slot in self._shop.flow.ask if not known[slot]), None)

    # --- what to say next --------------------------------------------------------------------------------------------

    def _next_step(self, heard: Heard, *, changed: bool) -> tuple[list[str], tuple[ToolCall, ...]]:
        """The sentences that lead on, and what was done; sets what the shop waits for."""
        meant = set(heard.intents)
        asked, self._pending = self._pending, None
        if "cancel" in meant:
            self._order, self._placed = Order(), False
            return [self._say("cancelled")], ()
        if self._placed and not changed:
            return self._after_placing(heard, asked), ()
        if self._order.empty and "order" not in meant:
            return self._nothing_yet(heard), ()
        if missing := self._missing():
            self._pending = missing
            return [self._ask(missing)], ()
        if asked in ("confirm", "change") and not changed:
            if "affirm" in meant and not (OBJECTIONS | {"goodbye"}) & meant:
                return self._place()
            if asked == "confirm" and OBJECTIONS & meant and not heard.items and not set(QUESTIONS) & meant:
                self._pending = "change"
                return [self._say("what_to_change")], ()
        self._pending = "confirm"
        return [self._read_back(apologise=bool(OBJECTIONS & meant) or heard.adds)], ()

    def _after_placing(self, heard: Heard, asked: Pending | None) -> list[str]:
        meant = set(heard.intents)
        leaving = {"goodbye", "done", "thanks"} & meant or (asked == "anything_else" and "deny" in meant)
        if leaving and not (set(QUESTIONS) & meant or heard.unclear):
            return [self._say("farewell")]
        if heard.unclear and not set(QUESTIONS) & meant:
            return []
        self._pending = "anything_else"
        return [self._say("anything_else")]

    def _nothing_yet(self, heard: Heard) -> list[str]:
        meant = set(heard.intents)
        if {"goodbye", "done"} & meant:
            return [self._say("farewell")]
        if meant == {"greet"} and not heard.unclear:
            return [self._say("hello_again")]
        return [] if heard.unclear and meant <= {"greet"} else [self._say("what_to_order")]

    def _place(self) -> tuple[list[str], tuple[ToolCall, ...]]:
        if self._shop.flow.kitchen == "is_down":
            self._pending = "confirm"
            failed = ToolCall(
                name="place_order", arguments=self._entities(), ok=False, error="the kitchen does not answer"
            )
            return [self._say("placed_failed")], (failed,)
        self._placed, self._pending = True, "anything_else"
        total = self._total() + self._shop.flow.charge_when_placing
        details = [
            self._say(f"placed_{detail}", total=self._shop.money(total)) for detail in self._shop.flow.placed_says
        ]
        arguments = {**self._entities(), "total": f"{total:.2f}", "number": self._number}
        said = [self._say("placed"), *details, self._say("anything_else")]
        return said, (ToolCall(name="place_order", arguments=arguments, ok=True),)

    def _ask(self, missing: Slot | Literal["cans", "which_drink"]) -> str:
        undecided = next((drink.name for drink in self._order.drinks or () if drink.cans is None), "")
        return self._say(f"ask_{missing}", drink=undecided)

    def _read_back(self, *, apologise: bool) -> str:
        again = apologise and self._read_back_before
        self._read_back_before = True
        return self._say("read_back_again" if again else "read_back")

    # --- answers -----------------------------------------------------------------------------------------------------

    def _answers(self, heard: Heard, next_step: Sequence[str]) -> list[str]:
        """The answers to what was asked, except where the next step tells it anyway."""
        told = " ".join(next_step)
        answers: list[str] = []
        for intent in heard.intents:
            if intent == "waiting_time" and f"{self._minutes} minutes" not in told:
                answers.append(self._say("waiting_time"))
            elif intent == "price" and self._shop.money(self._total()) not in told:
                answers.append(self._price())
            elif intent == "what_is_on_the_menu":
                answers.append(self._say("menu"))
            elif intent == "opening_hours":
                answers.append(self._say("opening_hours"))
            elif intent == "my_order" and self._pending != "confirm":
                answers.append(self._say("nothing_ordered" if self._order.empty else "my_order"))
        return answers

    def _price(self) -> str:
        if self._order.size is None:
            return self._say("price_list")
        if not self._placed:
            return self._say("price" if self._complete else "price_so_far")
        return self._say("price", total=self._shop.money(self._total() + self._shop.flow.charge_when_placing))

    def _refusals(self, heard: Heard) -> list[str]:
        menu = self._shop.menu
        choices = {"size": menu.sizes, "drinks": menu.drinks, "which_drink": menu.drinks}.get(
            self._pending or "", menu.toppings
        )
        return [
            self._say("not_on_the_menu", item=item.name, choices=_listed(choices, "and"))
            for item in heard.of("unavailable")[:1]
        ]

    def _noted(self, before: Order) -> str:
        parts: list[str] = []
        if self._order.size != before.size or self._order.toppings != before.toppings:
            parts.append(self._pizza())
        if self._order.drinks != before.drinks:
            parts.append(self._drinks_said() or "no drinks")
        noted = self._say("noted", change=_listed(parts, "and"))
        return noted[0].upper() + noted[1:]

    # --- words -------------------------------------------------------------------------------------------------------

    def _say(self, name: str, **words: str) -> str:
        menu = self._shop.menu
        cheapest = min(menu.toppings.values())
        known = {
            "shop": self._shop.name,
            "sizes": _listed(menu.sizes, "or"),
            "toppings": _listed(menu.toppings, "and"),
            "drinks": _listed(menu.drinks, "and"),
            "order": self._order_said(),
            "total": self._shop.money(self._total()),
            "number": self._number,
            "minutes": str(self._minutes),
            "size_prices": _listed((f"{size} {self._shop.money(price)}" for size, price in menu.sizes.items()), "and"),
            "cheapest_topping": self._shop.money(cheapest),
            **words,
        }
        texts: list[str] = getattr(self._shop.templates, name)
        return fill(self._rng.choice(texts), known)

    def _order_said(self) -> str:
        says = {"pizza": self._pizza, "drinks": self._drinks_said}
        parts = [says[part]() for part in self._shop.flow.order]
        return _listed([part for part in parts if part], "and") or "nothing"

    def _pizza(self) -> str:
        order = self._order
        if order.size is None and order.toppings is None:
            return ""
        name = f"a {order.size} pizza" if order.size else "a pizza"
        if order.toppings is None:
            return name
        return f"{name} with {_listed(order.toppings, 'and')}" if order.toppings else f"a plain {name[2:]}"

    def _drinks_said(self) -> str:
        drinks = self._order.drinks or ()
        return _listed((_cans(drink) for drink in drinks), "and")

    def _total(self) -> Decimal:
        menu, order = self._shop.menu, self._order
        total = Decimal(0)
        if "pizza" in self._shop.flow.order and order.size is not None:
            total += menu.sizes[order.size] + sum((menu.toppings[name] for name in order.toppings or ()), Decimal(0))
        if "drinks" in self._shop.flow.order:
            total += sum((menu.drinks[drink.name] * (drink.cans or 1) for drink in order.drinks or ()), Decimal(0))
        return total

    def _entities(self) -> dict[str, str]:
        found = {
            "size": self._order.size or "",
            "toppings": ", ".join(self._order.toppings or ()),
            "drinks": self._drinks_said() if "drinks" in self._shop.flow.order else "",
        }
        return {name: value for name, value in found.items() if value}


def _cans(drink: Drink) -> str:
    if drink.cans is None:
        return drink.name
    return f"{drink.cans} can{'' if drink.cans == 1 else 's'} of {drink.name}"


def _listed(parts: Iterable[str], last: str) -> str:
    """``a, b and c``."""
    names = list(parts)
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
