"""Which words are misspelt, by the word lists of pyspellchecker, kept as small as they can be."""

import gzip
import re
from array import array
from bisect import bisect_left
from collections.abc import Collection
from functools import cache
from importlib.resources import files

import orjson

CODES = {
    "english": "en",
    "german": "de",
    "deutsch": "de",
    "spanish": "es",
    "español": "es",
    "french": "fr",
    "français": "fr",
    "italian": "it",
    "italiano": "it",
    "portuguese": "pt",
    "português": "pt",
    "dutch": "nl",
    "nederlands": "nl",
}
WORD = re.compile(r"(?<![\w'’@./-])[a-zà-öø-ÿœßąćęłńóśźżčďěňřšťůž]{4,}(?![\w'’@/-])")
"""Words in small letters: whatever begins with a capital may be a name, and short ones are abbreviations."""


def knows(language: str) -> bool:
    """Whether there is a list of that language's words."""
    return _code(language) is not None


def checkable(text: str) -> list[str]:
    """The words of a text that can be looked up."""
    return WORD.findall(text)


def misspelt(words: Collection[str], language: str, *, known: Collection[str]) -> list[str]:
    """Those that are no words of the language, nor ``known`` (what the conversation is about)."""
    code = _code(language)
    if code is None:
        raise ValueError(f"there is no list of words for {language!r}")
    spelt = _hashes(code)
    return [word for word in words if word not in known and not _is_in(spelt, hash(word))]


def _code(language: str) -> str | None:
    name = language.casefold().strip()
    return CODES.get(name, name[:2] if re.fullmatch(r"(?:en|de|es|fr|it|pt|nl)([-_]\w+)?", name) else None)


@cache
def _hashes(code: str) -> "array[int]":
    """The sorted hashes of a language's words: an eighth of the size of the words themselves."""
    packed = files("spellchecker").joinpath("resources", f"{code}.json.gz").read_bytes()
    return array("q", sorted(map(hash, orjson.loads(gzip.decompress(packed)))))


def _is_in(numbers: "array[int]", number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number
