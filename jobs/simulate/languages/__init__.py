"""The languages that customers without a model speak besides English.

Each is a module with the names that the English ones have: what customers say (``sentences``), how assistants put
things (``cues``), and how goals are worded (``wishes``). A test holds that none is missing. To add one, copy a
neighbour and list it here.
"""

from types import ModuleType

from jobs.simulate.languages import french, german, spanish

LANGUAGES: dict[str, ModuleType] = {"german": german, "spanish": spanish, "french": french}
_OTHER_NAMES = {
    **dict.fromkeys(("de", "deutsch"), "german"),
    **dict.fromkeys(("es", "español", "espanol", "castilian"), "spanish"),
    **dict.fromkeys(("fr", "français", "francais"), "french"),
}


def foreign(language: str) -> ModuleType | None:
    """The module of a language; None for English, and for those that nobody speaks here."""
    name = language.strip().lower().partition(" ")[0].partition("-")[0].partition("_")[0]
    return LANGUAGES.get(_OTHER_NAMES.get(name, name))


def is_spoken(language: str) -> bool:
    name = language.strip().lower()
    return name in ("english", "en") or name.startswith(("english ", "en-", "en_")) or foreign(name) is not None
