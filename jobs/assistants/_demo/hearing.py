"""What the demo shop makes of a customer's sentence: items of the menu, and intents by likeness to examples."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import process
from rapidfuzz.distance import OSA

from jobs.assistants._demo.likeness import Likeness
from jobs.assistants._demo.shop import Menu, Shop

HEARD_AT_MOST = 2_000
"""Characters of one utterance that the shop listens to."""

NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve"
NUMBERS: Mapping[str, int] = {word: number for number, word in enumerate(NUMBER_WORDS.split(), start=1)}
CONTRACTIONS: Sequence[tuple[str, str]] = (
    ("what's", "what is"),
    ("that's", "that is"),
    ("how's", "how is"),
    ("when's", "when is"),
    ("it's", "it is"),
    ("let's", "let us"),
    ("can't", "can not"),
    ("won't", "will not"),
    ("n't", " not"),
    ("'ll", " will"),
    ("'d", " would"),
    ("'m", " am"),
    ("'ve", " have"),
    ("'re", " are"),
)
FILLERS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "for",
        "please",
        "just",
        "um",
        "uh",
        "well",
        "so",
        "then",
        "there",
        "me",
        "my",
        "your",
        "you",
        "i",
        "we",
        "would",
        "could",
        "can",
        "do",
        "does",
        "will",
        "be",
        "am",
        "is",
        "are",
        "and",
        "or",
        "with",
        "in",
        "on",
        "at",
        "it",
        "that",
        "this",
        "really",
        "also",
        "maybe",
        "actually",
        "like",
        "get",
        "have",
        "want",
    ]
)
"""Words that say little about what is meant; they count a fifth."""

NEGATORS = frozenset(("not", "no", "without", "remove", "minus", "leave", "drop"))
QUESTION_WORDS = frozenset(["how", "what", "when", "where", "which", "who", "why"])
ADDING = frozenset(
    ["add", "also", "extra", "plus", "forgot", "forgotten", "missing", "missed", "left", "another", "too"]
)
CAN_WORDS = frozenset(["can", "cans", "bottle", "bottles"])
SHORT_ANSWER = 4
"""A number in so few words answers "how many?"; in a longer sentence it may be anything."""

TOKENS = re.compile(r"[a-z0-9][a-z0-9'-]*|[,;:]")
CLAUSES = re.compile(
    r"[.!?;\n]+|,?\s+(?:and|but)\s+(?=(?:how|what|when|where|which|could|can|do|is|will)\b)|,\s+(?=(?:how|what|when)\b)"
)

Kind = Literal["size", "topping", "drink", "unavailable"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """A word of the menu as it was heard. ``refused``: "not the olives"; ``count``: the number said with it."""

    kind: Kind
    name: str
    refused: bool
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was understood. ``count`` is a number said without a drink; ``unclear``: a question that means nothing
    to the shop; ``adds``: the items come on top of what is ordered."""

    intents: tuple[str, ...]
    items: tuple[Item, ...]
    count: int | None
    unclear: bool
    adds: bool

    @property
    def nothing(self) -> bool:
        return not self.intents and not self.items and self.count is None

    def of(self, kind: Kind, *, refused: bool = False) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.kind == kind and item.refused == refused)


class Hearing:
    """The ears of one shop configuration; made once, used by all its conversations."""

    def __init__(self, shop: Shop) -> None:
        self._forms = dict(_forms(shop.menu))
        self._likeness = Likeness(shop.examples, tokens=_tokens, fillers=FILLERS, understood_at=shop.flow.understood_at)
        spread = self._likeness.words
        menu_words = {word for form in self._forms for word in form}
        self._known = menu_words | spread | FILLERS | NEGATORS | ADDING | CAN_WORDS | set(NUMBERS)
        # a misspelt word is looked for on the menu first: "chees" is no "cheers"; but "been" is no "beer"
        spelled = {word for form, (kind, _) in self._forms.items() if kind != "unavailable" for word in form}
        self._vocabularies = [
            sorted(word for word in words if len(word) >= 4 and word not in NUMBERS) for words in (spelled, spread)
        ]
        self._spelled: dict[str, str] = {}

    def listen(self, text: str) -> Heard:
        """What the shop makes of one utterance."""
        intents: list[str] = []
        items: list[Item] = []
        count: int | None = None
        unclear = adds = False
        for clause, asked in _clauses(text[:HEARD_AT_MOST]):
            tokens = [self._spell(token) for token in _tokens(clause, keep_commas=True)]
            found, rest, number = self._items(tokens)
            items += found
            count = count if number is None else number
            adds = adds or bool(ADDING & set(rest))
            meant = self._likeness.meanings([word for word in rest if word[0].isalnum()])
            intents += [intent for intent in meant if intent not in intents]
            unclear = unclear or (asked and not meant and not found and number is None)
        return Heard(intents=tuple(intents), items=tuple(items), count=count, unclear=unclear, adds=adds)

    def _spell(self, token: str) -> str:
        """The word that a misspelt one was meant to be, if the shop knows one close enough."""
        if len(token) < 4 or token in self._known or not token.isalpha():
            return token
        if token not in self._spelled:
            allowed = 1 if len(token) < 8 else 2
            close = next(filter(None, (_nearest(token, words, allowed) for words in self._vocabularies)), token)
            if len(self._spelled) > 20_000:  # strangers' words must not fill the memory
                self._spelled.clear()
            self._spelled[token] = close
        return self._spelled[token]

    def _items(self, tokens: Sequence[str]) -> tuple[list[Item], list[str], int | None]:
        """The items named in a clause, the words that name none, and a number of cans without a drink."""
        items: list[Item] = []
        rest: list[str] = []
        position = 0
        number: int | None = None
        counts_cans = False
        while position < len(tokens):
            for length in (3, 2, 1):
                form = tuple(tokens[position : position + length])
                if len(form) == length and form in self._forms:
                    kind, name = self._forms[form]
                    refused = _is_refused(rest)
                    items.append(Item(kind=kind, name=name, refused=refused, count=number if kind == "drink" else None))
                    number = None if kind == "drink" else number
                    position += length
                    rest.append("•")
                    break
            else:
                token = tokens[position]
                said = NUMBERS.get(token) or (int(token) if token.isdigit() and len(token) < 4 else None)
                if said is None and token in ("a", "an") and tokens[position + 1 : position + 2] == ["can"]:
                    said = 1
                if said is not None and not _is_refused(rest):
                    number, counts_cans = said, bool(CAN_WORDS & set(tokens[position + 1 : position + 2]))
                rest.append(token)
                position += 1
        return items, rest, number if counts_cans or len(rest) <= SHORT_ANSWER else None


def _nearest(token: str, words: Sequence[str], allowed: int) -> str | None:
    found = process.extractOne(token, words, scorer=OSA.distance, score_cutoff=allowed)
    return found[0] if found else None


def _forms(menu: Menu) -> Iterator[tuple[tuple[str, ...], tuple[Kind, str]]]:
    """Every way to say an item, as words, singular and plural."""
    kinds: Sequence[tuple[Kind, Iterable[str]]] = (
        ("unavailable", menu.not_on_the_menu),
        ("size", menu.sizes),
        ("topping", menu.toppings),
        ("drink", menu.drinks),
    )
    for kind, names in kinds:
        for name in names:
            for said in (name, *menu.also_called.get(name, ())):
                words = _tokens(said)
                last = words[-1] if words else ""
                for ending in {last, last + "s", last.removesuffix("s")}:
                    yield (*words[:-1], ending), (kind, name)


def _clauses(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of an utterance that are understood one by one, and whether each is a question."""
    start = 0
    for cut in (*CLAUSES.finditer(text), None):
        clause = text[start : cut.start() if cut else len(text)].strip()
        start = cut.end() if cut else start
        if clause:
            ends_asking = cut is not None and "?" in cut[0]
            yield clause, ends_asking or clause.split()[0].lower() in QUESTION_WORDS


def _tokens(text: str, *, keep_commas: bool = False) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.replace("’", "'")) if not unicodedata.combining(c))
    plain = plain.lower()
    for short, full in CONTRACTIONS:
        plain = plain.replace(short, full)
    return [token for token in TOKENS.findall(plain) if keep_commas or token[0].isalnum()]


def _is_refused(before: Sequence[str]) -> bool:
    """Whether the words just before an item refuse it; in "no, large" the comma cuts the "no" off."""
    near: list[str] = []
    for token in reversed(before[-4:]):
        if token in (",", ";", ":", "•") or token in NUMBERS:
            break
        near.append(token)
    if near[:1] == ["of"] and near[1:2] == ["instead"]:
        return True
    if near[:1] == ["than"]:  # "rather than"
        return True
    if near and near[0] in ("the", "any", "a"):
        near = near[1:]
    return bool(near) and near[0] in NEGATORS
