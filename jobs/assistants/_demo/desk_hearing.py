"""What a demo desk makes of a customer's sentence: values of its slots, topics, and what customers do everywhere."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from jobs.assistants._demo.desk import Desk
from jobs.assistants._demo.likeness import Likeness

HEARD_AT_MOST = 2_000
TOKENS = re.compile(r"\d{4}-\d\d-\d\d|\d+(?:[.:]\d+)+|[a-z0-9]+(?:'[a-z]+)?|[,;:]")
CLAUSES = re.compile(r"[.!?](?=\s|$)|[;\n]+")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
CONTRACTIONS = (("n't", " not"), ("'s", " is"), ("'d", " would"), ("'m", " am"), ("'ve", " have"), ("'ll", " will"))
LONGEST_FORM = 6
SHORT_ANSWER = 5
"""A number in so few words answers "how many?"; in a longer sentence it needs its unit."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A value of a slot as it was heard; ``refused``: "not that one"."""

    slot: str
    value: str
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What was understood. ``number`` is one said without a unit; ``unclear``: a question that means nothing here."""

    meant: tuple[str, ...]
    said: tuple[Said, ...]
    number: int | None
    unclear: bool

    @property
    def nothing(self) -> bool:
        return not self.meant and not self.said and self.number is None


class DeskHearing:
    """The ears of one desk; made once, used by all its conversations."""

    def __init__(self, desk: Desk) -> None:
        self._desk, tongue = desk, desk.tongue
        self._forms = dict(_forms(desk))
        self._units = {
            tuple(tokens_of(unit)): name for name, slot in desk.slots.items() for unit in slot.units if tokens_of(unit)
        }
        examples = {**tongue.examples, **{name: topic.examples for name, topic in desk.topics.items()}}
        self._likeness = Likeness(examples, tokens=tokens_of, fillers=tongue.fillers, understood_at=desk.understood_at)
        values = {word for form in self._forms for word in form} | {word for unit in self._units for word in unit}
        refusing = {word for words in tongue.refusing for word in words}
        self._known = values | self._likeness.words | tongue.fillers | refusing | tongue.adding | set(tongue.numbers)
        vocabularies = (values, self._likeness.words)
        self._vocabularies = [
            sorted(word for word in each if len(word) >= 4 and word.isalpha()) for each in vocabularies
        ]
        self._dates = [name for name, slot in desk.slots.items() if slot.date]

    def listen(self, text: str) -> Understood:
        """What the desk makes of one utterance."""
        meant: list[str] = []
        said: list[Said] = []
        number: int | None = None
        unclear = False
        for clause, asked in _clauses(text[:HEARD_AT_MOST], self._desk.tongue.asking):
            tokens = [self._spelled(token) for token in tokens_of(clause, keep_commas=True)]
            found, rest, bare = self._values(tokens)
            words = [word for word in rest if word[0].isalnum()]
            means = self._likeness.meanings(words)
            said += found
            number = number if bare is None else bare
            meant += [each for each in means if each not in meant]
            unclear = unclear or (asked and not means and not found and bare is None)
        return Understood(meant=tuple(meant), said=tuple(said), number=number, unclear=unclear)

    def _values(self, tokens: Sequence[str]) -> tuple[list[Said], list[str], int | None]:
        """The values named in a clause, the words that name none, and a number that counts nothing in particular."""
        said: list[Said] = []
        rest: list[str] = []
        number: int | None = None
        position = 0
        while position < len(tokens):
            token = tokens[position]
            if form := self._form_at(tokens, position):
                slot, value = self._forms[form]
                said.append(Said(slot=slot, value=value, refused=self._is_refused(rest)))
                rest.append("•")
                position += len(form)
                continue
            if DATE.fullmatch(token) and self._dates:
                said += [Said(slot=name, value=token, refused=self._is_refused(rest)) for name in self._dates[:1]]
                rest.append("•")
            elif (amount := self._number(token)) is not None:
                unit = self._unit_after(tokens, position)
                if unit:
                    said.append(Said(slot=self._units[unit], value=str(amount), refused=self._is_refused(rest)))
                    rest.append("•")
                elif not self._is_refused(rest):
                    number = amount if token not in self._desk.tongue.articles else number
                    rest.append(token)
            else:
                rest.append(token)
            position += 1
        return said, rest, number if len(rest) <= SHORT_ANSWER else None

    def _form_at(self, tokens: Sequence[str], position: int) -> tuple[str, ...] | None:
        """The longest value that begins here."""
        for length in range(min(LONGEST_FORM, len(tokens) - position), 0, -1):
            form = tuple(tokens[position : position + length])
            if form in self._forms:
                return form
        return None

    def _number(self, token: str) -> int | None:
        if token.isdigit() and len(token) < 7:
            return int(token)
        return self._desk.tongue.numbers.get(token)

    def _unit_after(self, tokens: Sequence[str], position: int) -> tuple[str, ...] | None:
        """The unit of a number, with at most one word between them."""
        for start in (position + 1, position + 2):
            for length in (2, 1):
                unit = tuple(tokens[start : start + length])
                if unit in self._units:
                    return unit
        return None

    def _is_refused(self, before: Sequence[str]) -> bool:
        """Whether the words just before a value refuse it; in "no, large" the comma cuts the "no" off."""
        near = list(before[-5:])
        cuts = [place for place, word in enumerate(near) if word in (",", ";", ":", "•")]
        near = near[cuts[-1] + 1 :] if cuts else near
        while near and near[-1] in self._desk.tongue.articles:
            refused = any(tuple(near[-len(words) :]) == words for words in self._desk.tongue.refusing)
            if refused:
                return True
            near = near[:-1]
        return any(tuple(near[-len(words) :]) == words for words in self._desk.tongue.refusing)

    def _spelled(self, token: str) -> str:
        """The word that a misspelt one was meant to be, if the desk knows one close enough."""
        if len(token) < 4 or token in self._known or not token.isalpha():
            return token
        allowed = 1 if len(token) < 8 else 2
        for words in self._vocabularies:
            if found := process.extractOne(token, words, scorer=OSA.distance, score_cutoff=allowed):
                return found[0]
        return token


def tokens_of(text: str, *, keep_commas: bool = False) -> list[str]:
    """The words of a text in small letters, without accents."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'").replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).lower()
    for short, full in CONTRACTIONS:
        plain = plain.replace(short, full)
    return [token for token in TOKENS.findall(plain) if keep_commas or token[0].isalnum()]


def _forms(desk: Desk) -> Iterator[tuple[tuple[str, ...], tuple[str, str]]]:
    """Every way to say a value, singular and plural."""
    for name, slot in desk.slots.items():
        for value in slot.values:
            for said in (value, *slot.also_called.get(value, ())):
                words = tokens_of(said)
                bare = words[1:] if len(words) > 1 and words[0] in desk.tongue.articles else words
                for form in (words, bare):
                    yield from ((tuple(each), (name, value)) for each in _endings(form))


def _endings(words: Sequence[str]) -> Iterator[list[str]]:
    *first, last = words
    for ending in {last, f"{last}s", last.removesuffix("s")} if last.isalpha() else {last}:
        if ending:
            yield [*first, ending]


def _clauses(text: str, asking: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """The parts of an utterance that are understood one by one, and whether each is a question."""
    start = 0
    for cut in (*CLAUSES.finditer(text), None):
        clause = text[start : cut.start() if cut else len(text)].strip(" ¿¡")
        start = cut.end() if cut else start
        if clause:
            first = tokens_of(clause)[:1]
            yield clause, (cut is not None and "?" in cut[0]) or bool(first and first[0] in asking)
