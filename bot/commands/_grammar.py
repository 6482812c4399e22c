"""What a member typed, as words: verb, positional words, options; quotes and dashes as they were before a phone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jobs.errors import RequestError
from jobs.shelf import unknown

QUOTES = str.maketrans("“”„‟«»″‘’‚‛′", '"""""""' + "'''''")
MENTION = re.compile(r"<([@#])([A-Z0-9]+)(?:\|[^>]*)?>")
LINK = re.compile(r"<((?:https?|mailto):[^>|]+)(?:\|[^>]*)?>")
TYPED_DASH = re.compile(r"(?<!\S)[—–―‒](?=\w\w)")
"""A phone makes one long dash of ``--`` before a word."""
DASHES = str.maketrans(dict.fromkeys("—–―‒", "-"))
SPACED_EQUALS = re.compile(r"(?<=\w)\s+=\s*(?=\S)|(?<=\w)=\s+(?=\S)")
WORD = re.compile(
    r"""(?P<key>--?[\w-]+=|[\w-]+=)?(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')(?=\s|$)|(?P<bare>\S+)""", re.VERBOSE
)
OPTION = re.compile(r"(?P<dashes>--?)?(?P<name>[A-Za-z][\w-]*)=(?P<value>.*)", re.DOTALL)
FLAG = re.compile(r"--(?P<long>[A-Za-z][\w-]*)|-(?P<short>[A-Za-z])")
MOST_DIGITS = 18
LONGEST = 4_000


@dataclass(frozen=True, kw_only=True)
class Words:
    """A command taken apart; ``verb`` is empty when nothing was typed."""

    verb: str
    positional: tuple[str, ...]
    options: Mapping[str, str]

    def only(self, *names: str) -> Mapping[str, str]:
        """The options, if all of them are known.

        Raises:
            RequestError: names the nearest option.
        """
        for name in self.options:
            if name not in names:
                raise RequestError(unknown("option", name, names) if names else f"{name!r}: this takes no options")
        return self.options

    def one_target(self, what: str, example: str) -> str:
        """The only positional word.

        Raises:
            RequestError: there is none, or more than one.
        """
        word = self.at_most_one(what)
        if word is None:
            raise RequestError(f"which {what}? For example: {example}")
        return word

    def at_most_one(self, what: str) -> str | None:
        """The only positional word, or None; raises RequestError when there are more."""
        match self.positional:
            case ():
                return None
            case (word,):
                return word
            case _:
                raise RequestError(
                    f"one {what} at a time, not {' '.join(self.positional)!r}; a name with spaces goes in quotes"
                )


def parse(text: str) -> Words:
    """The words of a command line.

    Raises:
        RequestError: an option has no value, or is given twice.
    """
    words = _split(_as_typed(text[:LONGEST]))
    positional: list[str] = []
    options: dict[str, str] = {}
    waiting: str | None = None
    for word, quoted in words:
        if waiting is not None and (quoted or not _is_option(word)):
            _add(options, waiting, word)
            waiting = None
            continue
        if waiting is not None:
            raise RequestError(f"the option {waiting!r} needs a value, for example {waiting}=20")
        if not quoted and (found := OPTION.fullmatch(word)):
            _add(options, found["name"].lower(), found["value"])
        elif not quoted and (flag := FLAG.fullmatch(word)):
            waiting = (flag["long"] or flag["short"]).lower()
        else:
            positional.append(word)
    if waiting is not None:
        raise RequestError(f"the option {waiting!r} needs a value, for example {waiting}=20")
    verb = positional[0].lower() if positional else ""
    return Words(verb=verb, positional=tuple(positional[1:]), options=options)


def whole_number(name: str, text: str, *, least: int) -> int:
    """A count from an option; raises RequestError with an example."""
    digits = text.strip().replace("_", "").replace(",", "")
    if not re.fullmatch(r"[+-]?\d+", digits, re.ASCII):
        raise RequestError(f"{name}={text[:40]!r} is not a whole number; write for example {name}=20")
    if len(digits) > MOST_DIGITS:
        raise RequestError(f"{name}={digits[:20]}… is far too large; write for example {name}=20")
    number = int(digits)
    if number < least:
        raise RequestError(f"{name}={number} is too small; it must be at least {least}, for example {name}=20")
    return number


def _as_typed(text: str) -> str:
    """What the member meant: straight quotes and dashes, ids for mentions, Slack's escapes undone once."""
    text = LINK.sub(r"\1", MENTION.sub(r"\2", text.translate(QUOTES)))
    text = TYPED_DASH.sub("--", text).translate(DASHES)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return SPACED_EQUALS.sub("=", text)


def _split(text: str) -> Iterable[tuple[str, bool]]:
    """Words, and whether each was quoted as a whole. A lone apostrophe is a letter like any other."""
    for found in WORD.finditer(text):
        if found["bare"] is not None:
            yield found["bare"], False
            continue
        content = found["double"] if found["double"] is not None else found["single"]
        yield (f"{found['key']}{content}", False) if found["key"] else (content, True)


def _is_option(word: str) -> bool:
    return bool(FLAG.fullmatch(word) or (OPTION.fullmatch(word)))


def _add(options: dict[str, str], name: str, value: str) -> None:
    if name in options:
        raise RequestError(f"{name!r} is given twice")
    if not value:
        raise RequestError(f"the option {name!r} needs a value, for example {name}=20")
    options[name] = value
