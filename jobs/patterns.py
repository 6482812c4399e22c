"""Patterns from users' files: texts that are contained, and regular expressions that cannot run wild (RE2)."""

import unicodedata
from functools import lru_cache
from typing import Any, cast

import re2 as _re2

from jobs.model import Pattern

re2 = cast(Any, _re2)  # it comes without types
LONGEST_PATTERN = 1_000
MEMORY = 1 << 20
"""Bytes that one regular expression may take; RE2 refuses those that need more."""


def why_unusable(pattern: str) -> str | None:
    """What is wrong with a regular expression, None if it can be used."""
    if len(pattern) > LONGEST_PATTERN:
        return f"it has {len(pattern):,} characters, {LONGEST_PATTERN:,} are allowed"
    try:
        _compiled(pattern)
    except UnicodeEncodeError:
        return "it has characters that are no text"
    except re2.error as error:
        reason = error.args[0]
        return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return None


def is_in(pattern: Pattern, text: str) -> bool:
    """Whether it is found in the text; case does not matter, and in plain texts neither do kinds of space and quote."""
    if pattern.is_regex:
        # RE2 takes UTF-8 only, and assistants may send halves of surrogate pairs
        return _compiled(pattern.text).search(text.encode("utf-8", "replace").decode()) is not None
    return folded(pattern.text) in folded(text)


def escaped(text: str) -> str:
    """A regular expression that matches exactly the text."""
    return str(re2.escape(text))


def folded(text: str) -> str:
    """The text as it is compared: one case, one kind of quote and space."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(plain.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"').split())


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MEMORY
    return re2.compile(pattern, options)
