"""How a simulated customer asks: a goal's text turned into varied English questions."""

import re
from collections.abc import Sequence

from jobs.simulate import sentences
from jobs.simulate.wishes import Expected

ARRIVAL = re.compile(
    r"\b(?:(?P<comes>arrive|come|get here)s?|(?:is|are|be) (?P<state>ready|here|delivered|done|finished))\b",
    re.IGNORECASE,
)
_ENDS_TOPIC = "to|takes?|costs?|going|will|is|are|be|until|for|in|at|arrives?|ready|has|have|by|and|or|need|needs"
TOPIC = re.compile(rf"\b(?:the|my|your|a|an)(?: (?!(?:{_ENDS_TOPIC})\b)[\w-]+){{1,3}}", re.IGNORECASE)
CLAUSE = re.compile(r"^(?:how|what|when|where|which|who|why|if|until when)\b", re.IGNORECASE)
_AUXILIARY = "is|are|do|does|did|can|could|will|would|should|must|may"
DIRECT_QUESTION = re.compile(
    rf"^(?:how|what|when|where|which|who|why|until when)\b.*?\b(?:{_AUXILIARY})"
    r" (?:i|you|we|it|the|there|my|your|an?|this|that|one)\b"
    rf"|^(?:what|who|which)\b.*\b(?:is|are)\b|^(?:{_AUXILIARY})\b",
    re.IGNORECASE,
)
DETERMINED = re.compile(
    r"^(?:the|an?|my|your|some|any|more|information|info|details|help|\w+ing)\b(?! hours)"
    r"|^(?:is|are|do|does|can|could|will|would|may)\b",
    re.IGNORECASE,
)
SMALL_WORDS = (
    "about could does from going have long many much need should take takes that there they this until want what when "
    "where which will with would your"
)


def question_forms(text: str, expected: Expected) -> tuple[Sequence[Sequence[str]], dict[str, str]]:
    """Templates by attempt, and the words to fill them with.

    Args:
        text: the goal's text as said to the assistant, without a question mark.
    """
    topic = _topic(text)
    words = {"topic": topic, "of": f" of {topic}", "q": _lowered(text), "Q": text[:1].upper() + text[1:]}
    if expected == "money" and re.match(r"(?:how much|what)\b", text, re.IGNORECASE):
        return (sentences.COST_OF_IT if topic == "it" else sentences.COST), words
    if expected == "duration" and re.match(r"how (?:long|much time|soon)\b", text, re.IGNORECASE):
        verb = ARRIVAL.search(text)
        if verb is None:
            return sentences.LONG, {**words, "tail": _tail(text, topic)}
        comes, state = verb["comes"], verb["state"]
        said = {"verb": comes or f"be {state}", "verbs": f"{comes}s" if comes else f"is {state}"}
        return sentences.ARRIVES, {**words, **said}
    words["topic"] = _keywords(text)
    if not DETERMINED.match(text) and not CLAUSE.match(text):
        words["q"] = f"the {words['q']}"
    if DIRECT_QUESTION.match(text):
        return sentences.DIRECT, words
    return (sentences.EMBEDDED if CLAUSE.match(text) else sentences.ABOUT_THING), words


def toward_the_assistant(text: str) -> str:
    """A goal written about the assistant, as said to it: "if they deliver" becomes "if you deliver"."""
    for theirs, yours in (("they", "you"), ("their", "your"), ("them", "you"), ("whether", "if")):
        text = re.sub(rf"\b{theirs}\b", yours, text, flags=re.IGNORECASE)
    return text


def _topic(text: str) -> str:
    """What the question is about: "the pizza" in "how long is going to take the pizza to arrive"."""
    found = TOPIC.search(text)
    return found[0] if found else "it"


def _tail(text: str, topic: str) -> str:
    """What comes after the thing that takes its time: " to process a claim"."""
    _, _, after = text.partition(topic)
    found = re.search(r"\bto (?!take\b)[\w -]+$", after or text)
    return f" {found[0]}" if found else ""


def _lowered(text: str) -> str:
    return text if text[:2].isupper() or text.startswith("I ") else text[:1].lower() + text[1:]


def _keywords(text: str) -> str:
    kept = [word for word in re.findall(r"[\w'-]+", text) if len(word) > 3 and word.lower() not in SMALL_WORDS.split()]
    return f"the {' '.join(kept[-2:])}" if kept else "that"
