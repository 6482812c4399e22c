"""The demo desk's side of one conversation: a request filled slot by slot, read back, confirmed and booked."""

import random
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from jobs.assistants._demo.desk import Desk
from jobs.assistants._demo.desk_hearing import DeskHearing, Understood
from jobs.assistants._demo.shop import PLACEHOLDER, fill
from jobs.model import ToolCall
from jobs.ports import Reply

CONFIRM, CHANGE, ELSE = "confirm", "change", "anything_else"
EVERYWHERE = frozenset(("greet", "affirm", "deny", "done", "change", "cancel", "thanks", "goodbye", "recap"))
OBJECTIONS = frozenset(("deny", "change"))


class DeskDialogue:
    """One conversation with a desk.

    Args:
        rng: drives the wording and the reference number.
    """

    def __init__(self, desk: Desk, hearing: DeskHearing, rng: random.Random) -> None:
        self._desk = desk
        self._hearing = hearing
        self._rng = rng
        self._known: dict[str, tuple[str, ...]] = {}
        self._requested = {slot for part in desk.request for slot in PLACEHOLDER.findall(part)}
        self._pending: str | None = None
        self._placed = False
        self._read_back_before = False
        self._number = f"{rng.choice('ABCDEFGHKLMNPRSTUVWXYZ')}-{rng.randrange(1000, 10000)}"

    def greet(self) -> Reply:
        return Reply(messages=(self._say("greeting"),), intent="greet", fallback=False)

    def misheard(self) -> Reply:
        return Reply(messages=(self._say("fallback"),), fallback=True)

    def answer(self, text: str) -> Reply:
        """What the desk says to one utterance."""
        heard = self._hearing.listen(text)
        if heard.nothing:
            return self.misheard()
        before = self._of_request()
        self._update(heard)
        changed = self._of_request() != before
        self._placed = self._placed and not changed
        next_step, tool_calls = self._next_step(heard, changed=changed)
        told = self._answers(heard, next_step)
        if changed and not told and self._pending != CONFIRM and (noted := self._noted(before)):
            told = [noted]
        messages = [" ".join([*told, *next_step])] if told or next_step else []
        if heard.unclear:
            messages.append(self._say("fallback"))
        topics = [each for each in heard.meant if each not in EVERYWHERE]
        return Reply(
            messages=tuple(messages) or (self._say("what_else"),),
            intent=(topics or list(heard.meant) or ["request"])[0],
            entities={name: ", ".join(values) for name, values in self._kept().items()},
            tool_calls=tool_calls,
            fallback=heard.unclear,
        )

    # --- the request -------------------------------------------------------------------------------------------------

    def _update(self, heard: Understood) -> None:
        for name, slot in self._desk.slots.items():
            wanted = [each.value for each in heard.said if each.slot == name and not each.refused]
            refused = {each.value for each in heard.said if each.slot == name and each.refused}
            if heard.number is not None and slot.units and self._pending == name and not wanted:
                wanted = [str(heard.number)]
            if not wanted and not refused:
                continue
            kept = self._known.get(name, ()) if slot.several else () if wanted else self._known.get(name, ())
            values = dict.fromkeys(value for value in (*kept, *wanted) if value not in refused)
            chosen = tuple(values) if slot.several else tuple(values)[-1:]
            if chosen:
                self._known[name] = chosen
            else:
                self._known.pop(name, None)

    def _of_request(self) -> dict[str, tuple[str, ...]]:
        """What belongs to the request; other values only belong to questions."""
        return {name: values for name, values in self._known.items() if name in self._requested}

    def _kept(self) -> Mapping[str, tuple[str, ...]]:
        """What is on the request: all that was heard, but for what this desk forgets."""
        return {name: values for name, values in self._known.items() if self._desk.slots[name].kept}

    def _missing(self) -> str | None:
        return next((name for name, slot in self._desk.slots.items() if slot.ask and name not in self._known), None)

    # --- what to say next --------------------------------------------------------------------------------------------

    def _next_step(self, heard: Understood, *, changed: bool) -> tuple[list[str], tuple[ToolCall, ...]]:
        """The sentences that lead on, and what was done; sets what the desk waits for."""
        meant, topics = set(heard.meant), set(heard.meant) - EVERYWHERE
        asked, self._pending = self._pending, None
        if "cancel" in meant:
            self._known, self._placed = {}, False
            return [self._say("cancelled")], ()
        if self._placed and not changed:
            return self._after_placing(meant, topics, asked, unclear=heard.unclear), ()
        if not self._of_request():
            return self._nothing_yet(meant, topics, unclear=heard.unclear), ()
        if missing := self._missing():
            self._pending = missing
            return [self._ask(missing)], ()
        if asked in (CONFIRM, CHANGE) and not changed:
            if "affirm" in meant and not (OBJECTIONS | {"goodbye"}) & meant:
                return self._place()
            if asked == CONFIRM and OBJECTIONS & meant and not heard.said and not topics:
                self._pending = CHANGE
                return [self._say("what_to_change")], ()
        self._pending = CONFIRM
        return [self._read_back(apologise=bool(OBJECTIONS & meant))], ()

    def _after_placing(self, meant: set[str], topics: set[str], asked: str | None, *, unclear: bool) -> list[str]:
        leaving = {"goodbye", "done", "thanks"} & meant or (asked == ELSE and "deny" in meant)
        if leaving and not topics and not unclear:
            return [self._say("farewell")]
        if unclear and not topics:
            return []
        self._pending = ELSE
        again = [self._say("so_far")] if "recap" in meant else []
        return [*again, self._say("anything_else")]

    def _nothing_yet(self, meant: set[str], topics: set[str], *, unclear: bool) -> list[str]:
        if {"goodbye", "done"} & meant:
            return [self._say("farewell")]
        if "recap" in meant:
            return [self._say("nothing_yet")]
        if topics:
            return [self._say("anything_else")]
        return [] if unclear else [self._say("hello_again" if meant == {"greet"} else "what_else")]

    def _place(self) -> tuple[list[str], tuple[ToolCall, ...]]:
        self._placed, self._pending = True, ELSE
        total = self._total() + self._desk.charge_when_placing
        told = [self._say(each, total=self._desk.money(total)) for each in self._desk.tells]
        arguments = {name: ", ".join(values) for name, values in self._kept().items()}
        arguments |= {"number": self._number} | ({"total": f"{total:.2f}"} if self._desk.priced else {})
        said = [self._say("placed"), *told, self._say("anything_else")]
        return said, (ToolCall(name=self._desk.tool, arguments=arguments, ok=True),)

    def _ask(self, name: str) -> str:
        slot = self._desk.slots[name]
        return fill(slot.ask or "", {"choices": self._listed(slot.values, 1), **self._words()})

    def _read_back(self, *, apologise: bool) -> str:
        again = apologise and self._read_back_before
        self._read_back_before = True
        return self._say("read_back_again" if again else "read_back")

    def _answers(self, heard: Understood, next_step: Sequence[str]) -> list[str]:
        """The answers to what was asked, except where the next step says it anyway."""
        told = " ".join(next_step)
        answers: list[str] = []
        for name in heard.meant:
            topic = self._desk.topics.get(name)
            if topic and all(slot in self._known for slot in topic.needs):
                answer = fill(topic.answer, self._words())
                answers += [answer] if answer not in told else []
        return answers

    def _noted(self, before: Mapping[str, tuple[str, ...]]) -> str:
        kept = self._kept()
        changes = [
            self._listed(values, 0)
            for name, values in kept.items()
            if name in self._requested and before.get(name) != values
        ]
        said = self._say("noted", change=self._listed(changes, 0)) if changes else ""
        return said[:1].upper() + said[1:]

    # --- words -------------------------------------------------------------------------------------------------------

    def _say(self, name: str, **words: str) -> str:
        return fill(self._rng.choice(self._desk.texts(name)), self._words() | words)

    def _words(self) -> dict[str, str]:
        """Everything that a template may name."""
        total = self._desk.money(self._total())
        kept = self._kept()
        quote = fill(self._desk.texts("quote")[0], {"total": total}) if self._desk.priced else ""
        values = {slot: self._listed(chosen, 0) for slot, chosen in self._known.items()}
        return {
            **values,
            "name": self._desk.name,
            "number": self._number,
            "total": total,
            "quote": quote,
            "request": self._request(kept),
        }

    def _request(self, kept: Mapping[str, tuple[str, ...]]) -> str:
        words = {slot: self._listed(chosen, 0) for slot, chosen in kept.items()}
        parts = [fill(part, words) for part in self._desk.request if set(PLACEHOLDER.findall(part)) <= set(kept)]
        return self._listed(parts, 0) or "–"

    def _total(self) -> Decimal:
        kept, slots = self._kept(), self._desk.slots
        priced = (slots[name].values[value] for name, chosen in kept.items() for value in chosen if slots[name].values)
        number = kept.get(self._desk.times or "", ("1",))[0]
        return self._desk.base + sum(priced, Decimal(0)) * int(number)

    def _listed(self, parts: Iterable[str], last: int) -> str:
        """``a, b and c``, or with "or"."""
        names = list(parts)
        word = self._desk.tongue.last[last]
        return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
