"""How a simulated customer puts things: varied sentences by seed, in the scenario's styles."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from jobs.model import Scenario, SlotValue, StyleName
from jobs.simulate import sentences
from jobs.simulate.facts import NUMBER_WORDS
from jobs.simulate.languages import tongue_of
from jobs.simulate.questions import question_forms, toward_the_assistant
from jobs.simulate.wishes import Want, Wish, listed, plain_question

ActKind = Literal[
    "greet",
    "inform",
    "ask",
    "answer",
    "affirm",
    "affirm_but",
    "missing",
    "wrong",
    "unwanted",
    "accept",
    "change",
    "tell",
    "decline",
    "unsure",
    "wait",
    "recap",
    "close",
]
Values = Mapping[str, tuple[SlotValue, ...]]


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing to do by speaking.

    Args:
        wish: what it is about, for acts that are about a wish.
        wants: the variables it is about; those of the wish that are left out are told when asked for.
        values: what variables are said to be, where that is not what the scenario wants (a change of mind to come).
        detail: the text to tell, the value that was wrong, what is missing, or how it is done ("first").
        attempt: how often this was tried before; a higher attempt is put differently.
    """

    kind: ActKind
    wish: Wish | None = None
    wants: tuple[Want, ...] = ()
    values: Values | None = None
    detail: str = ""
    attempt: int = 0


VERBS = (
    "activate add apply arrange block book borrow buy cancel change check close complain deposit enrol enroll exchange "
    "extend find fix fly get go have hire insure join learn log make move open order pay plan register remove renew "
    "rent repair report request reserve reset return schedule see sell send sign speak submit subscribe take talk "
    "track transfer travel unsubscribe update withdraw"
)
VERB_START = re.compile(rf"^(?:to )?(?:{'|'.join(VERBS.split())})\b", re.IGNORECASE)
POLITE_REQUEST = re.compile(r"^(?:can|could|may) (?:i|you|we)\b", re.IGNORECASE)
FULL_FORMS: Mapping[str, str] = {
    "I'd": "I would",
    "I'm": "I am",
    "I'll": "I will",
    "I've": "I have",
    "That's": "That is",
    "that's": "that is",
    "What's": "What is",
    "what's": "what is",
    "It's": "It is",
    "it's": "it is",
    "didn't": "did not",
    "don't": "do not",
    "doesn't": "does not",
    "Hey": "Good day",
    "Hi there": "Good day",
    "Hi": "Good day",
    "Yep": "Yes",
    "Bye": "Goodbye",
}
CORRECTIONS = frozenset(("missing", "wrong", "unwanted"))
TYPOS_AT_MOST = 3
TYPO_SHARE = 0.12
NUMBER_IN_WORDS_SHARE = 0.35
RECENT = 14
"""So many sentences back none is used again, as long as there are others."""


class Phrasebook:
    """One customer's way of speaking; remembers what was said so that nothing is said the same way twice in a row."""

    def __init__(self, scenario: Scenario, rng: random.Random) -> None:
        self._rng = rng
        self._words: ModuleType = tongue_of(scenario) or sentences
        self._styles: frozenset[StyleName] = frozenset(style.name for style in scenario.styles)
        traits = " ".join((scenario.persona or "", *scenario.persona_traits)).lower()
        self._formal = bool(re.search(r"\b(?:formal|politely|courteous)\b", traits))
        self._curt = bool(re.search(r"\b(?:rude|impatient|short sentences|few words|never say please)\b", traits))
        self._recent: list[str] = []
        self._last_text = ""
        self._wanted_something = False
        self._says: Mapping[ActKind, Callable[[Act], str]] = {
            "greet": lambda act: self._pick(self._words.BARE_GREETINGS if act.detail else self._words.GREETINGS),
            "inform": self._inform,
            "ask": self._ask,
            "answer": self._answer,
            "affirm": lambda act: self._try(self._words.AFFIRM, act),
            "affirm_but": lambda act: self._pick(self._words.AFFIRM_BUT).replace("{more}", self._inform(act)),
            "missing": lambda act: self._correct(self._words.MISSING, act),
            "wrong": lambda act: self._correct(self._words.WRONG, act),
            "unwanted": lambda act: self._correct(self._words.UNWANTED, act),
            "accept": lambda act: self._pick(self._words.ACCEPT),
            "change": lambda act: self._correct(self._words.CHANGE, act),
            "tell": lambda act: act.detail,
            "decline": lambda act: self._pick(self._words.DECLINE),
            "unsure": lambda act: self._pick(self._words.UNSURE),
            "wait": lambda act: self._pick(self._words.WAIT),
            "recap": lambda act: _fill(self._try(self._words.RECAP, act), order=act.detail or "request"),
            "close": lambda act: self._pick(self._words.CLOSE_DISAPPOINTED if act.detail else self._words.CLOSE),
        }

    def that_one(self, choice: str) -> str:
        """One of several things that were offered."""
        return self._words.THAT_ONE.replace("{it}", choice.capitalize())

    def say(self, acts: Sequence[Act]) -> str:
        """One utterance for the acts, in their order; never empty, never the same as the one before."""
        text = ""
        for _ in range(8):
            text = self._styled(acts).strip()
            if text and text != self._last_text:
                break
        else:
            text = self._words.AS_I_SAID.replace("{it}", text) if text else self._words.ARE_YOU_THERE
        self._last_text = text
        return text

    def _styled(self, acts: Sequence[Act]) -> str:
        text = ""
        for act in acts:
            part = self._says[act.kind](act)
            if act.kind == "ask" and text and not act.attempt and act.detail != "first":
                part = self._led(part)
            if act.kind in CORRECTIONS and text:
                part = re.sub(r"^(?:No|Not quite|Almost|Sorry)[,:] (?:but )?", "And ", part)
            text = _joined(text, part)
        if self._curt:
            text = re.sub(r",? please\b|,? (?:thanks|thank you)(?=[.!])", "", text)
        if "long_phrases" in self._styles:
            text = self._drawn_out(text, acts)
        if self._formal:
            text = _without_contractions(text)
        if "spelling_mistakes" in self._styles and all(act.attempt < 2 for act in acts):
            text = self._misspelt(text)
        return _capitalised(text)

    # --- wishes ----------------------------------------------------------------------------------------------------

    def _inform(self, act: Act) -> str:
        assert act.wish is not None
        thing = toward_the_assistant(_filled(act.wish, act.wants, self._values_said(act)))
        thing = re.sub(r"^i (?:want|would like|need|'d like) ", "", thing, flags=re.IGNORECASE)
        too, self._wanted_something = self._wanted_something, True
        if act.attempt >= 2 and act.wants:
            details = [f"{want.label} {self._value_said(want, act)}" for want in act.wants]
            bare = _filled(act.wish, (), {})
            return _fill(self._pick(self._words.SPELLED_OUT), thing=bare or "what I want", details=listed(details))
        if POLITE_REQUEST.match(thing):
            return f"{_capitalised(thing)}, please?"
        if VERB_START.match(thing):
            doing = self._words.WANT_TO_TOO if too else self._words.WANT_TO
            return _fill(self._try(doing, act), it=re.sub(r"^to ", "", thing, flags=re.IGNORECASE))
        return _fill(self._try(self._words.WANT_THING_TOO if too else self._words.WANT_THING, act), it=thing)

    def _ask(self, act: Act) -> str:
        assert act.wish is not None
        text = toward_the_assistant(_filled(act.wish, act.wish.wants, self._values_said(act)))
        forms, words = question_forms(text, act.wish.expected)
        asked = _fill(self._try(forms, act), **words)
        return f"{self._pick(self._words.BEFORE_YES)} {_lowered(asked)}" if act.detail == "first" else asked

    def _led(self, question: str) -> str:
        """A question that follows something else: "And how much is it?"."""
        if not re.match(r"(?:How|What|When|Could|Can|Do|Is|Are|Where|Which)\b[^?]*\?$", question):
            return question
        return f"{self._pick(self._words.LEADS)} {_lowered(question)}"

    def _answer(self, act: Act) -> str:
        """The values of the variables that were asked for."""
        forms = self._words.ANSWERS if not act.attempt and len(act.wants) == 1 else self._words.ANSWERS_AGAIN
        said = [_fill(self._pick(forms), it=self._counted(want, act), label=want.label) for want in act.wants]
        return " ".join(said)

    def _correct(self, templates: Sequence[Sequence[str]], act: Act) -> str:
        it = self._missing(act) if act.kind == "missing" else listed([self._counted(want, act) for want in act.wants])
        several = re.match(r"(?:the )?(?:[2-9]|1\d|two|three|four|five|six)\b", it) or " and " in it or it.endswith("s")
        return _fill(self._try(templates, act), it=it, other=act.detail, **{"is": "are" if several else "is"})

    def _missing(self, act: Act) -> str:
        """What was left out: some values, or the whole wish."""
        if act.detail or act.wish is None:
            return act.detail
        thing = _filled(act.wish, act.wants, self._values_said(act))
        return f"the {thing}" if re.match(rf"\d|(?:{'|'.join(NUMBER_WORDS)})\b", thing) else thing

    # --- values ----------------------------------------------------------------------------------------------------

    def _values_said(self, act: Act) -> dict[str, str]:
        return {want.name: self._value_said(want, act) for want in act.wants}

    def _value_said(self, want: Want, act: Act) -> str:
        values = list((act.values or {}).get(want.name, want.values))
        if len(values) > 1:
            self._rng.shuffle(values)
        return listed([self._one_value(value, want) for value in values])

    def _one_value(self, value: SlotValue, want: Want) -> str:
        if isinstance(value, float):
            return f"{value:g}"
        if isinstance(value, int) and 1 <= value <= 12 and want.unit and self._rng.random() < NUMBER_IN_WORDS_SHARE:
            return NUMBER_WORDS[value]
        return str(value)

    def _counted(self, want: Want, act: Act) -> str:
        """The value with its unit: "2 cans"."""
        value = self._value_said(want, act)
        if not want.unit:
            return value
        return f"{value} {want.unit}{'' if value in ('1', 'one') else 's'}"

    # --- choosing and dressing up ----------------------------------------------------------------------------------

    def _try(self, templates: Sequence[Sequence[str]], act: Act) -> str:
        return self._pick(templates[min(act.attempt, len(templates) - 1)])

    def _pick(self, texts: Sequence[str]) -> str:
        """One of the texts, none of those used lately as long as there are others."""
        fresh = [text for text in texts if text not in self._recent] or list(texts)
        chosen = self._rng.choice(fresh)
        self._recent = [*self._recent[1 - RECENT :], chosen]
        return chosen

    def _drawn_out(self, text: str, acts: Sequence[Act]) -> str:
        """With a preamble at the start of the conversation, and with an afterthought to whatever is wished or asked."""
        if acts[0].kind not in ("greet", "inform", "ask"):
            return text
        greeting, _, rest = text.partition(" ") if acts[0].kind == "greet" else ("", "", text)
        if not any(preamble in self._recent for preamble in self._words.PREAMBLES):
            text = _joined(greeting, _joined(self._pick(self._words.PREAMBLES), rest))
        return _joined(text, self._pick(self._words.AFTERTHOUGHTS))

    def _misspelt(self, text: str) -> str:
        words = [
            match for match in re.finditer(r"(?<![\w'@.])[a-z]{4,}(?![\w'@])", text) if match[0] not in NUMBER_WORDS
        ]
        count = min(len(words), TYPOS_AT_MOST, max(1, round(len(words) * TYPO_SHARE)))
        for word in sorted(self._rng.sample(words, count), key=lambda word: -word.start()):
            text = text[: word.start()] + self._typo(word[0]) + text[word.end() :]
        return text

    def _typo(self, word: str) -> str:
        at = self._rng.randrange(1, len(word) - 1)
        kind = self._rng.choice(("swap", "drop", "double"))
        if kind == "swap" and word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return word[:at] + (word[at + 1 :] if kind == "drop" else word[at] + word[at:])


def _filled(wish: Wish, wants: Sequence[Want], values: Mapping[str, str]) -> str:
    """The goal's text with the values in place; variables that are not among ``wants`` are left out."""
    text = plain_question(wish.goal.template, wish.tongue)
    for want in wish.wants:
        place = rf"\{{\{{\s*{re.escape(want.name)}\s*\}}\}}"
        value = values.get(want.name, "")
        if want not in wants:
            unit = rf"(?:\s+{want.unit}s?\b)?" if want.unit else ""
            text = re.sub(rf"(?:\s*\b(?:with|for|on|at|in|of|from|to|by))?\s*{place}{unit}", "", text)
            continue
        if value in ("1", "one"):
            text = re.sub(rf"({place}\s+\w*[a-rt-z])s\b", r"\1", text)
        article = "an" if value[:1].lower() in tuple("aeiou") else "a"
        text = re.sub(rf"\ban? (?={place})", f"{article} ", text)
        text = re.sub(place, lambda _, value=value: value, text)
    return re.sub(r"\s+", " ", text).strip(" ,;:")


def _fill(template: str, **words: str) -> str:
    """The template with its ``{words}`` replaced, beginning with a capital."""
    return _capitalised(re.sub(r"\{(\w+)\}", lambda match: words.get(match[1], match[0]), template))


def _joined(text: str, part: str) -> str:
    """Two parts of one utterance; after a comma it goes on in lower case."""
    if not text or not part:
        return text or part
    return f"{text} {_lowered(part) if text.endswith(',') else _capitalised(part)}"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lowered(text: str) -> str:
    return text if re.match(r"I\b", text) or text[:2].isupper() else text[:1].lower() + text[1:]


def _without_contractions(text: str) -> str:
    for short, full in FULL_FORMS.items():
        text = re.sub(rf"\b{short}\b", full, text)
    return text
