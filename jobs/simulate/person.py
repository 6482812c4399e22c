"""What a simulated customer knows about itself: from the scenario's context, else invented by seed."""

import random
import re
from collections.abc import Mapping, Sequence

from jobs.simulate.cues import Personal

FIRST_NAMES = ("Alex", "Maria", "Sam", "Nina", "Tom", "Laura", "Ben", "Ines")
LAST_NAMES = ("Miller", "Garcia", "Novak", "Rossi", "Brown", "Schmidt", "Dubois", "Silva")
STREETS = ("Station Road", "Mill Lane", "Park Avenue", "Church Street", "Garden Road")
CONTEXT_FORMS: Mapping[str, str] = {
    "name": r"\bname is ([\w .'-]{2,60})",
    "phone": r"\b(?:phone|telephone|mobile)(?: number)?(?: is|:) ?(\+?[\d ()/-]{5,20})",
    "email": r"([\w.+-]{1,64}@[\w.-]{3,80})",
    "address": r"\b(?:you live (?:at|in)|address is) ([\w ,.'-]{3,100})",
}
SAYS: Mapping[Personal, tuple[str, ...]] = {
    "name": ("My name is {}.", "It's {}.", "{}."),
    "phone": ("My number is {}.", "It's {}."),
    "email": ("It's {}.", "My e-mail is {}."),
    "address": ("It's {}.", "{}, please."),
    "payment": ("I'll pay by card.", "Card, please.", "In cash, please."),
    "moment": ("As soon as possible, please.", "The sooner the better.", "Whenever suits you best."),
}
IGNORED_WORDS = "about could from have like please that there this what which with would your"
FIRST_PERSON = ((r"\byou are\b", "I am"), (r"\byou're\b", "I'm"), (r"\byour\b", "my"), (r"\byou\b", "I"))


class Person:
    """One customer as a person; asked twice, the facts are the same."""

    def __init__(self, context: Sequence[str], rng: random.Random) -> None:
        self._context = context
        self._rng = rng
        name = self._known("name") or f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
        mailbox = re.sub(r"[^a-z]+", ".", name.lower()).strip(".") or "customer"
        self._facts: Mapping[str, str] = {
            "name": name,
            "phone": self._known("phone") or f"555 01{rng.randrange(10, 100)} {rng.randrange(100, 1000)}",
            "email": self._known("email") or f"{mailbox}@example.com",
            "address": self._known("address") or f"{rng.randrange(2, 120)} {rng.choice(STREETS)}",
        }

    def detail(self, kind: Personal) -> str:
        """What the customer says when asked for its name, number, address and so on."""
        return self._rng.choice(SAYS[kind]).replace("{}", self._facts.get(kind, ""))

    def answer(self, question: str) -> str | None:
        """The line of the context that a question is about, said in the first person."""
        asked = _content_words(question)
        best = max(self._context, key=lambda line: len(asked & _content_words(line)), default="")
        return _in_first_person(best) if asked & _content_words(best) else None

    def _known(self, fact: str) -> str | None:
        found = (re.search(CONTEXT_FORMS[fact], line, re.IGNORECASE) for line in self._context)
        return next((match[1].strip(" .") for match in found if match), None)


def _content_words(text: str) -> set[str]:
    """The words that carry meaning, cut to six letters so that "allergic" meets "allergies"."""
    return {word[:6] for word in re.findall(r"[a-z]{4,}", text.lower()) if word not in IGNORED_WORDS.split()}


def _in_first_person(line: str) -> str:
    for yours, mine in FIRST_PERSON:
        line = re.sub(yours, mine, line, flags=re.IGNORECASE)
    said = line.strip().rstrip(".")
    return f"{said[:1].upper()}{said[1:]}."
