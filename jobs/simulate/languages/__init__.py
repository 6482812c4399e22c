"""The languages that customers without a model speak besides English.

Each is a module with the names that the English ones have: what customers say (``sentences``), how assistants put
things (``cues``), and how goals are worded (``wishes``). A test holds that none is missing. To add one, copy a
neighbour and list it here.
"""

import re
from types import ModuleType

from jobs.model import Scenario
from jobs.simulate.languages import french, german, spanish

LANGUAGES: dict[str, ModuleType] = {"german": german, "spanish": spanish, "french": french}
_OTHER_NAMES = {
    **dict.fromkeys(("de", "deutsch"), "german"),
    **dict.fromkeys(("es", "español", "espanol", "castilian"), "spanish"),
    **dict.fromkeys(("fr", "français", "francais"), "french"),
}
ENGLISH_WORDS = frozenset(
    [
        *("the", "of", "for", "with", "how", "what", "when", "where", "whether", "which"),
        *("and", "is", "it", "my", "your", "from", "much", "long", "to"),
    ]
)


def foreign(language: str) -> ModuleType | None:
    """The module of a language; None for English, and for those that nobody speaks here."""
    name = language.strip().lower().partition(" ")[0].partition("-")[0].partition("_")[0]
    return LANGUAGES.get(_OTHER_NAMES.get(name, name))


def tongue_of(scenario: Scenario) -> ModuleType | None:
    """The language in which a customer without a model talks; None for English.

    Goals are told as they are written: where they are written in English, English is spoken, whatever the profile says.
    """
    module = foreign(scenario.language)
    if module is None:
        return None
    words = [word for goal in scenario.goals for word in re.findall(r"[^\W\d_]+", goal.template.lower())]
    own = frozenset(f"{module.SMALL_WORDS}|{module.AND}|{module.ARTICLES}".split("|")) - ENGLISH_WORDS
    is_english = sum(word in ENGLISH_WORDS for word in words) > sum(word in own for word in words)
    return None if is_english else module


def is_spoken(scenario: Scenario) -> bool:
    """Whether the language that the profile names is the one that is spoken."""
    name = scenario.language.strip().lower()
    return name in ("english", "en") or name.startswith(("english ", "en-", "en_")) or tongue_of(scenario) is not None
