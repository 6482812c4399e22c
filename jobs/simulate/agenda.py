"""The agenda user simulator: a customer with a list of things to do, offline and deterministic by seed."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from jobs.model import Assessment, Scenario, SimulatorName, SlotValue, Transcript, Turn
from jobs.ports import Models, Utterance
from jobs.simulate.assessment import UNJUDGED, assess_transcript, is_answer, order_word
from jobs.simulate.foreign_phrasing import phrasebook_of
from jobs.simulate.languages import tongue_of
from jobs.simulate.person import Person
from jobs.simulate.phrasing import Act
from jobs.simulate.reading import Reader, Reading
from jobs.simulate.wishes import Want, Wish, listed, wishes_of

MOST_TRIES = 3
"""How often a goal is put to the assistant before it is given up."""
TRIES_IN_A_ROW = 2
"""After so many failures another goal comes first."""
LOST_IN_A_ROW = 3
"""After so many messages that were not understood, in a row, the topic changes."""
MOST_CORRECTIONS = 2
ASKS_BEFORE_YES = 0.4
"""How often an open question is asked before a yes instead of after it."""
SAME_ANSWER_AT_MOST = 6
"""How often a goal's variables are told when asked for; an assistant that asks on and on is not answered any more."""

PATIENCE = 3
"""How often an offer is declined, or a moment waited, before the customer goes on."""

GOES_ON = 0.5
"""How often the next thing is raised in the same breath as an answer."""

CORRECTIONS = frozenset(("missing", "wrong", "unwanted", "change"))
SAID_ALONE = frozenset(("missing", "wrong", "unwanted", "change", "affirm_but", "ask", "wait"))
NOT_SAID_AGAIN = frozenset(("greet", "wait", "inform", "ask", "answer"))
"""Acts that are not simply put in other words when they were lost; goals have their own way of being repaired."""


@dataclass(kw_only=True)
class Item:
    """One wish on the agenda and how far it got.

    Args:
        told: the variables that the assistant was told and that it understood.
        open: still to be said (again).
        tries: how often it was said in vain.
    """

    wish: Wish
    told: set[str] = field(default_factory=set[str])
    said: bool = False
    open: bool = True
    tries: int = 0
    answered: bool = False
    given_up: bool = False
    answers: int = 0

    @property
    def untold(self) -> tuple[Want, ...]:
        return tuple(want for want in self.wish.wants if want.name not in self.told)


@dataclass(frozen=True, kw_only=True)
class ChangeOfMind:
    """A variable that is first said to be something else."""

    wish: Wish
    want: Want
    first: SlotValue


class AgendaSimulator:
    """Plays customers by an agenda: no model, no network."""

    @property
    def name(self) -> SimulatorName:
        return "agenda"

    def begin(self, scenario: Scenario, *, models: Models | None = None) -> "AgendaUser":
        return AgendaUser(scenario)


class AgendaUser:
    """One customer in one conversation."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._rng = random.Random(f"agenda:{scenario.seed}:{scenario.number}")
        self._wishes = wishes_of(scenario)
        self._items = [Item(wish=wish) for wish in self._wishes]
        self._reader = Reader(self._wishes, scenario.fallback, tongue=tongue_of(scenario))
        self._phrases = phrasebook_of(scenario, random.Random(f"words:{scenario.seed}:{scenario.number}"))
        self._person = Person(scenario.context, random.Random(f"person:{scenario.seed}"))
        self._styles = {style.name for style in scenario.styles}
        self._change = self._drawn_change() if "change_your_mind" in self._styles else None
        self._spoken: dict[int, tuple[Act, ...]] = {}
        self._last: tuple[Act, ...] = ()
        self._lost = 0
        self._corrections = 0
        self._declined = 0
        self._waited = 0
        self._affirmed = 0
        self._recaps = 0
        self._read_back = False
        self._unsettled = False
        self._restated = False

    async def speak(self, turns: Sequence[Turn]) -> Utterance:
        """The next utterance; the customer proposes to end once everything is answered or given up."""
        heard = self._reader.read(turns[-1].text) if turns and turns[-1].speaker == "assistant" else None
        if heard is not None:
            self._take_in(heard)
        acts = tuple(self._next_acts(heard))
        text = self._phrases.say(acts)
        self._note(acts, position=len(turns))
        return Utterance(text=text, ends=acts[-1].kind == "close", intent="+".join(act.kind for act in acts))

    async def assess(self, transcript: Transcript) -> Assessment:
        """What became of the goals, read from the finished transcript."""
        return assess_transcript(self._scenario, self._wishes, self._reader, transcript, self._spoken)

    # --- taking in what the assistant said -------------------------------------------------------------------------

    def _take_in(self, heard: Reading) -> None:
        self._lost = self._lost + 1 if heard.blank else 0
        self._read_back = self._read_back or (bool(heard.mentions) and (heard.confirms or heard.done))
        asked_now = {act.wish.index for act in self._last if act.kind == "ask" and act.wish}
        for item in self._items:
            if item.wish.kind == "question" and is_answer(
                item.wish, heard, direct=item.wish.index in asked_now, asked=item.said
            ):
                item.answered, item.open = True, False
        if heard.blank:
            self._not_understood()
            return
        for act in self._last:
            if act.kind == "ask" and act.wish:
                self._after_question(self._items[act.wish.index], heard)
            elif act.wish:
                self._items[act.wish.index].tries = 0

    def _not_understood(self) -> None:
        """The last utterance was lost: what it was about is open again; only its first part counts as failed."""
        about = [act for act in self._last if act.wish and act.kind in ("inform", "ask", "answer", "affirm_but")]
        for act in about:
            assert act.wish is not None
            item = self._items[act.wish.index]
            item.open = True
            item.told -= {want.name for want in act.wants}
        if about and about[0].wish:
            self._items[about[0].wish.index].tries += 1

    def _after_question(self, item: Item, heard: Reading) -> None:
        """A question that got no answer is asked again; one whose answer cannot be judged is left at that."""
        replied = any(len(statement.split()) > 2 for statement in heard.statements) and not heard.not_understood
        if item.answered or (replied and item.wish.expected in UNJUDGED):
            item.open = False
            return
        item.open = True
        item.tries += 1

    # --- deciding what to do ---------------------------------------------------------------------------------------

    def _next_acts(self, heard: Reading | None) -> list[Act]:
        self._give_up_the_hopeless()
        if not self._spoken:
            return self._opening(heard)
        if heard is None:
            return self._go_on([]) or [self._close()]
        if heard.blank:
            return self._repair(heard)
        return self._go_on(self._response(heard), heard) or [self._close()]

    def _give_up_the_hopeless(self) -> None:
        for item in self._items:
            if item.open and item.tries >= MOST_TRIES:
                item.open, item.given_up = False, True

    def _opening(self, heard: Reading | None) -> list[Act]:
        """A greeting and the first thing on the agenda, sometimes the first two; everything for "all questions"."""
        todo = self._todo()
        if not todo:
            return [Act(kind="greet", detail="bare"), self._close()]
        acts = [Act(kind="greet")] if self._rng.random() < 0.8 else []
        if "all_questions" in self._styles:
            return [*acts, *(self._raise(item) for item in todo)]
        acts.append(self._raise(todo[0], sparse=self._rng.random() < 0.3))
        further = next((item for item in todo[1:] if not self._needs_the_rest(item)), None)
        if further and "single_question" not in self._styles and self._rng.random() < 0.3:
            acts.append(self._raise(further))
        return acts

    def _repair(self, heard: Reading) -> list[Act]:
        """Say it in another way; after two failures, or when nothing gets through, something else first."""
        redo = next((act for act in self._last if act.kind not in ("greet", "wait")), None)
        item = self._items[redo.wish.index] if redo and redo.wish else None
        if redo and redo.kind not in NOT_SAID_AGAIN and redo.attempt < TRIES_IN_A_ROW:
            return [replace(redo, attempt=redo.attempt + 1)]
        if redo and redo.kind == "answer" and self._lost < TRIES_IN_A_ROW:
            return [replace(redo, attempt=redo.attempt + 1)]
        if item and item.open and item.tries < TRIES_IN_A_ROW and self._lost < LOST_IN_A_ROW:
            return [self._raise(item)]
        others = [other for other in self._todo() if other is not item]
        if others:
            return [self._raise(others[0])]
        if item and item.open:
            return [self._raise(item)]
        return self._confirmation(heard) if self._unsettled else [self._close()]

    def _response(self, heard: Reading) -> list[Act]:
        """What the assistant waits for: its read-back judged, its questions answered."""
        if wrong := self._corrections_of(heard):
            return wrong
        if heard.asks_change:
            corrected = [replace(act, attempt=act.attempt + 1) for act in self._last if act.kind in CORRECTIONS]
            return corrected or [Act(kind="affirm", attempt=1)]
        if heard.asked:
            return [*self._answers(heard), *self._changed_mind()]
        if change := self._changed_mind():
            return change
        if heard.confirms or self._unsettled:
            return self._confirmation(heard)
        if heard.personal:
            return [Act(kind="tell", detail=self._person.detail(kind)) for kind in heard.personal[:2]]
        if heard.anything_else or heard.invites:
            return []
        if heard.offers and self._declined < PATIENCE:
            self._declined += 1
            return [Act(kind="decline")]
        if heard.question and self._waited < PATIENCE:
            self._waited += 1
            return [self._to_a_stray_question(heard)]
        if heard.holds and self._waited < PATIENCE:
            self._waited += 1
            return [Act(kind="wait")]
        return []

    def _go_on(self, response: list[Act], heard: Reading | None = None) -> list[Act]:
        """The response and, when it fits, the next thing on the agenda; nothing when all is done."""
        kinds = {act.kind for act in response}
        if kinds & SAID_ALONE or (response and "single_question" in self._styles):
            return response
        todo = self._todo()
        if kinds & {"affirm", "accept", "inform"}:
            todo = [item for item in todo if item.wish.kind == "question" and not self._needs_the_rest(item)]
        if todo and (not response or self._rng.random() < GOES_ON):
            return [*response, self._raise(todo[0])]
        if response:
            return response
        if self._wants_recap(heard):
            self._recaps += 1
            return [Act(kind="recap", detail=order_word(self._scenario))]
        return []

    def _todo(self) -> list[Item]:
        """What is still open, in the order it is raised: what failed comes last, and the price after the rest."""

        def rank(item: Item) -> tuple[int, bool, bool, int]:
            wish = item.wish
            return (min(item.tries, TRIES_IN_A_ROW), wish.kind == "question", wish.expected == "money", wish.index)

        return sorted((item for item in self._items if item.open), key=rank)

    def _raise(self, item: Item, *, sparse: bool = False) -> Act:
        """Put a goal to the assistant; ``sparse``: a detail at its end is kept until the assistant asks for it."""
        wish = item.wish
        if wish.kind == "question":
            return Act(kind="ask", wish=wish, wants=wish.wants, attempt=item.tries)
        wants = wish.wants
        last = wants[-1] if len(wants) > 1 and not item.tries else None
        if (
            sparse
            and last
            and re.search(
                rf"\s(?:with|for|on|at|in|from|to)\s+\{{\{{\s*{re.escape(last.name)}\s*\}}\}}\s*$", wish.goal.template
            )
        ):
            wants = wants[:-1]
        return Act(kind="inform", wish=wish, wants=wants, values=self._values_for_now(wish), attempt=item.tries)

    def _needs_the_rest(self, item: Item) -> bool:
        return item.wish.expected == "money" and any(
            other.open and other.wish.kind == "inform" for other in self._items
        )

    # --- responses -------------------------------------------------------------------------------------------------

    def _confirmation(self, heard: Reading) -> list[Act]:
        """Yes, or yes and what was not said yet."""
        self._affirmed += 1
        if self._affirmed > 2 * PATIENCE:
            return []
        questions = [item for item in self._todo() if item.wish.kind == "question" and not item.tries]
        if questions and not self._unsettled and self._rng.random() < ASKS_BEFORE_YES:
            self._unsettled = True
            return [replace(self._raise(questions[0]), detail="first")]
        waiting = [item for item in self._todo() if item.wish.kind != "question"]
        if waiting:
            return [replace(self._raise(waiting[0]), kind="affirm_but")]
        for item in self._items:
            if item.said and item.wish.kind == "inform" and (untold := self._not_known(item, heard)):
                return [Act(kind="answer", wish=item.wish, wants=untold, attempt=1)]
        self._unsettled = False
        return [Act(kind="accept" if self._corrections >= MOST_CORRECTIONS else "affirm")]

    def _not_known(self, item: Item, heard: Reading) -> tuple[Want, ...]:
        """The variables that were never told and that the read-back does not have right all the same."""
        return tuple(
            want for want in item.untold if frozenset(want.values) != heard.mentions.get((item.wish.index, want.name))
        )

    def _corrections_of(self, heard: Reading) -> list[Act]:
        """What is wrong with what was read back, as acts; at most two corrections a conversation."""
        if not heard.mentions or self._corrections >= MOST_CORRECTIONS:
            return []
        complete = heard.confirms or heard.done
        acts = [act for item in self._items for act in self._differences(item, heard, complete=complete)]
        if acts:
            acts = [replace(act, attempt=self._corrections) for act in acts[:2]]
            self._corrections += 1
            self._read_back = False
        return acts

    def _differences(self, item: Item, heard: Reading, *, complete: bool) -> Iterator[Act]:
        wish = item.wish
        told = tuple(want for want in wish.wants if want.name in item.told)
        if wish.kind != "inform" or not told or item.open:
            return
        found = {want.name: heard.mentions.get((wish.index, want.name), frozenset[SlotValue]()) for want in told}
        if complete and not any(found.values()):
            yield Act(kind="missing", wish=wish, wants=told, values=self._values_for_now(wish))
            return
        for want in told:
            yield from self._difference(wish, want, found[want.name], complete=complete)

    def _difference(self, wish: Wish, want: Want, found: frozenset[SlotValue], *, complete: bool) -> Iterator[Act]:
        now = self._values_for_now(wish)
        wanted = now.get(want.name, want.values)
        missing = [value for value in wanted if value not in found]
        wrong = sorted((value for value in found if value not in wanted), key=str)
        if want.numeric and not (complete and want.unit):
            wrong = []
        if wrong and missing and len(wanted) == 1:
            yield Act(kind="wrong", wish=wish, wants=(want,), values=now, detail=_said(wrong[0]))
        elif wrong and len(wanted) > 1:
            yield Act(kind="unwanted", wish=wish, wants=(want,), detail=listed([_said(value) for value in wrong]))
        elif missing and complete and len(wanted) > 1:
            listed_values = listed([str(value) for value in missing])
            yield Act(kind="missing", wish=wish, wants=(want,), detail=f"the {listed_values}")
        elif missing and complete:
            yield Act(kind="answer", wish=wish, wants=(want,), values=now, attempt=1)

    def _answers(self, heard: Reading) -> list[Act]:
        """The variables asked for; a goal not raised yet is raised."""
        acts: list[Act] = []
        for index in dict.fromkeys(index for index, _ in heard.asked):
            item = self._items[index]
            item.answers += 1
            if item.answers > SAME_ANSWER_AT_MOST:
                item.given_up = True
                continue
            item.given_up = False
            names = [name for wish_index, name in heard.asked if wish_index == index]
            wants = tuple(want for want in item.wish.wants if want.name in names)
            if not item.said and item.wish.kind == "inform":
                acts.append(self._raise(item))
            else:
                acts.append(Act(kind="answer", wish=item.wish, wants=wants, values=self._values_for_now(item.wish)))
        return acts[:1] if "single_question" in self._styles else acts[:2]

    def _to_a_stray_question(self, heard: Reading) -> Act:
        if known := self._person.answer(heard.question or ""):
            return Act(kind="tell", detail=known)
        told = next(
            (item for item in self._items if item.said and item.wish.wants and item.wish.kind == "inform"), None
        )
        if told and not self._restated and not heard.choice and heard.cues.ASKS_WHAT.match(heard.question or ""):
            self._restated = True
            return replace(self._raise(told), attempt=1)
        if heard.choice:
            return Act(kind="tell", detail=self._phrases.that_one(self._rng.choice(heard.choice)))
        return Act(kind="unsure")

    def _wants_recap(self, heard: Reading | None) -> bool:
        told = any(
            item.said and item.wish.wants and item.wish.kind == "inform" and not item.given_up for item in self._items
        )
        return told and not self._read_back and self._recaps == 0 and not (heard and heard.farewell)

    def _close(self) -> Act:
        return Act(kind="close", detail="disappointed" if any(item.given_up for item in self._items) else "")

    # --- change of mind --------------------------------------------------------------------------------------------

    def _drawn_change(self) -> ChangeOfMind | None:
        """A variable with one value that could have been another; that other one is said first."""
        possible = [
            (item.wish, want)
            for item in self._items
            if item.wish.kind == "inform"
            for want in item.wish.wants
            if len(want.values) == 1 and len(set(want.slot.domain) - set(want.values)) >= 1
        ]
        if not possible:
            return None
        wish, want = self._rng.choice(possible)
        first = self._rng.choice([value for value in want.slot.domain if value not in want.values])
        return ChangeOfMind(wish=wish, want=want, first=first)

    def _values_for_now(self, wish: Wish) -> Mapping[str, tuple[SlotValue, ...]]:
        if self._change and self._change.wish is wish:
            return {self._change.want.name: (self._change.first,)}
        return {}

    def _changed_mind(self) -> list[Act]:
        change = self._change
        if change is None or change.want.name not in self._items[change.wish.index].told:
            return []
        self._change = None
        return [Act(kind="change", wish=change.wish, wants=(change.want,), detail=_said(change.first))]

    # --- keeping track ---------------------------------------------------------------------------------------------

    def _note(self, acts: tuple[Act, ...], *, position: int) -> None:
        for act in acts:
            if act.wish is None:
                continue
            item = self._items[act.wish.index]
            if act.kind == "answer" and act.wish.kind == "question":
                item.told |= {want.name for want in act.wants}  # a detail of it; the question itself is still open
                continue
            item.said = True
            if act.kind in ("inform", "affirm_but", "answer", "ask"):
                item.told |= {want.name for want in act.wants}
                item.open = False
        self._spoken[position] = acts
        self._last = acts


def _said(value: SlotValue) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
