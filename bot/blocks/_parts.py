"""The parts that messages are built of; the only place where untrusted text becomes Block Kit.

Untrusted text (assistants, simulated customers, names from files) goes through `clean` into `plain_text` or rich text
elements, where nothing is markup, or through `escape` into text that is.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Json = dict[str, Any]

MOST_TEXT = 9_000
"""Characters of text in all blocks of one message; Slack refuses from about 11,000."""
MOST_FALLBACK = 2_000
BAR_CELLS = 20


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is shown (``blocks``) and what stands for it in notifications and screen readers (``text``)."""

    text: str
    blocks: tuple[Json, ...] = ()


# --- text -----------------------------------------------------------------------------------------------------------


class _Shown(dict[int, str]):
    """What each character becomes, worked out when it is first seen."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        match unicodedata.category(character):
            case "Zl" | "Zp":
                shown = "\n"
            case "Cs":
                shown = "\N{REPLACEMENT CHARACTER}"
            case "Cc" | "Cf":
                shown = character if character in "\n\t" else ""
            case _:
                shown = character
        self[code] = shown
        return shown


_SHOWN = _Shown()


def clean(text: str) -> str:
    """The text without characters that are not seen: controls, direction marks, zero-width, lone surrogates."""
    return text.translate(_SHOWN).strip()


def excerpt(text: str, most: int) -> str:
    """The beginning of a text that may be very long, cleaned, with the number of characters left out."""
    looked_at = clean(text[: most * 2 + 100])
    if len(text) <= most * 2 + 100:
        return clip(looked_at, most)
    kept = looked_at[: most - 32].rstrip()
    return f"{kept} … ({len(text) - len(kept):,} more characters)"


def one_line(text: str, most: int = 140) -> str:
    """A name or sentence on one line, cleaned and cut."""
    return clip(" ".join(clean(text[: most * 4]).split()), most)


def escape(text: str) -> str:
    """Cleaned text for a place where Slack reads markup: it can name nobody and link nowhere."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip(text: str, most: int) -> str:
    """The text, or its beginning with the number of characters left out; never longer than ``most`` (at least 40)."""
    if len(text) <= most:
        return text
    kept = most - 32
    return f"{text[:kept].rstrip()} … ({len(text) - kept:,} more characters)"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """E.g. ``1 conversation``, ``3 conversations``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def fallback(text: str) -> str:
    """A message's text: markup is escaped already, the length bounded."""
    return clip(text, MOST_FALLBACK) or "convotest"


# --- numbers --------------------------------------------------------------------------------------------------------


def percent(share: float) -> str:
    """E.g. ``95 %``; only what is exactly nothing or everything is called 0 % or 100 %."""
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{share * 100:.0f} %"


def dollars(cost_usd: float | None) -> str:
    """E.g. ``$0.0031``; an unknown price is said to be unknown."""
    if cost_usd is None:
        return "– (price unknown)"
    if cost_usd == 0:
        return "$0"
    return f"${cost_usd:.2f}" if cost_usd >= 1 else f"${cost_usd:.4f}" if cost_usd >= 0.0001 else "< $0.0001"


def milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def progress_bar(done: int, planned: int) -> str:
    """E.g. ``▓▓▓▓▓▓▓░░░░░░░░░░░░░``; full only when all is done, and begun as soon as something is."""
    if planned <= 0:
        return "░" * BAR_CELLS
    filled = done * BAR_CELLS // planned
    filled = max(filled, 1) if done else 0
    return "▓" * filled + "░" * (BAR_CELLS - filled)


# --- rich text ------------------------------------------------------------------------------------------------------


def words(text: str, *, bold: bool = False, italic: bool = False, code: bool = False) -> Json:
    """Text in which nothing is markup."""
    style = {name: True for name, wanted in (("bold", bold), ("italic", italic), ("code", code)) if wanted}
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def member(member_id: str) -> Json:
    """Who did it: a mention for a member of Slack, the plain name for anybody else."""
    if is_member_id(member_id):
        return {"type": "user", "user_id": member_id}
    return words(clip(clean(member_id), 80) or "somebody")


def mention(member_id: str) -> str:
    """Like `member`, for text with markup."""
    return f"<@{member_id}>" if is_member_id(member_id) else escape(clip(member_id, 80)) or "somebody"


def is_member_id(text: str) -> bool:
    return len(text) >= 2 and text[0] in "UW" and text.isalnum() and text.isupper() and len(text) <= 40


def date(at: datetime) -> Json:
    """A time in the reader's own zone; notifications and old clients get it in UTC."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def line(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": [each for each in elements if each.get("text", "x")]}


def quote(*elements: Json) -> Json:
    return {"type": "rich_text_quote", "elements": [each for each in elements if each.get("text", "x")]}


def bullets(lines: Iterable[Json]) -> Json:
    return {"type": "rich_text_list", "style": "bullet", "elements": list(lines)}


def rich_text(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": [part for part in parts if part["elements"]]}


def without_tables(message: Message) -> Message | None:
    """The message with each table as a list, a line a row: for a Slack that takes no tables. None if it has none."""
    if not any(block["type"] == "table" for block in message.blocks):
        return None
    plain = tuple(_as_list(block) if block["type"] == "table" else block for block in message.blocks)
    return Message(text=message.text, blocks=plain)


def _as_list(table: Json) -> Json:
    titles, *rows = [[_text_of(cell) for cell in row] for row in table["rows"]]
    lines = [line(words(f"{row[0]}  ", bold=True), words(" · ".join(row[1:]))) for row in rows]
    return rich_text(line(words(" · ".join(titles), italic=True)), bullets(lines))


def _text_of(cell: Json) -> str:
    """What stands in a cell, on one line."""
    if cell["type"] != "rich_text":
        return str(cell.get("text", ""))
    parts = (element.get("text", "") for part in cell["elements"] for element in part["elements"])
    return " ".join("".join(parts).split())


# --- blocks ---------------------------------------------------------------------------------------------------------


def header(text: str) -> Json:
    return {"type": "header", "text": plain(one_line(text, 150), 150)}


def plain(text: str, most: int) -> Json:
    return {"type": "plain_text", "text": clip(clean(text), most) or "–", "emoji": False}


def context(*texts: Json) -> Json:
    return {"type": "context", "elements": list(texts)}


def marked(text: str) -> Json:
    """Text with markup: everything in it that is not ours has been escaped."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Json:
    return {"type": "section", "text": marked(text)}


def fields(pairs: Sequence[tuple[str, str]]) -> Json:
    """Names over values in two columns, at most ten."""
    return {"type": "section", "fields": [marked(f"*{name}*\n{value}") for name, value in pairs[:10]]}


def actions(*buttons: Json) -> Json:
    return {"type": "actions", "elements": list(buttons)}


def button(
    text: str,
    action_id: str,
    value: str,
    *,
    style: Literal["primary", "danger"] | None = None,
    confirm: tuple[str, str, str] | None = None,
) -> Json:
    """A button; ``confirm`` is title, text and the word on the button that goes on."""
    made: Json = {"type": "button", "action_id": action_id, "text": plain(text, 75), "value": value}
    if style:
        made["style"] = style
    if confirm:
        title, question, yes = confirm
        made["confirm"] = {
            "title": plain(title, 100),
            "text": plain(question, 300),
            "confirm": plain(yes, 30),
            "deny": plain("Keep it", 30),
        }
    return made
