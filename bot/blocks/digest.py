"""How a digest looks: one message that fits a phone, and one in its thread for each section."""

from collections.abc import Iterator, Mapping, Sequence

from bot.blocks._parts import (
    MOST_TEXT,
    Json,
    Message,
    clean,
    clip,
    context,
    escape,
    fallback,
    header,
    line,
    one_line,
    plain,
    rich_text,
    words,
)
from jobs.digest._digest import Digest, DigestKind, DigestPart, Line, Tone
from jobs.redact import redact

MARKS: Mapping[Tone, str] = {"bad": "🔴", "unsure": "🟡", "good": "🟢", "plain": "▫️"}
HEADS: Mapping[Tone, str] = {"bad": "🔴", "unsure": "🟡", "good": "✅", "plain": "☀️"}
TITLES: Mapping[DigestKind, str] = {"daily": "Digest", "weekly": "The week", "review": "Review"}
MOST_LINES = 14
"""On the message; a phone shows about as many."""
MOST_DETAILS = 60
LONGEST_LINE = 280

Links = Mapping[str, str]
"""Addresses of messages by the key of their announcement."""


def digest_message(digest: Digest, links: Links) -> Message:
    """The message; without any news it is one line."""
    title = f"{TITLES[digest.kind]} · {digest.day:%a %d %b}"
    if digest.is_quiet:
        text = one_line(f"{title}: {redact(digest.quiet_line)}", 600)
        return Message(text=fallback(escape(text)), blocks=(rich_text(line(words("😴 "), words(text))),))
    headline = one_line(redact(digest.headline), 140)
    parts = [part for part in digest.parts if part.lines]
    room = MOST_LINES - len(parts)
    groups: list[list[Json]] = []
    for part in parts:
        shown = part.lines[: max(1, room)]
        room -= len(shown) - 1
        heading = line(words(one_line(part.title, 80), bold=True))
        groups.append([heading, *(_line(each, links) for each in shown)])
    blocks: list[Json] = [header(f"{HEADS[digest.tone]} {headline}"), *_bounded(groups)]
    thread = "details and charts are in the thread" if any(part.details for part in digest.parts) else ""
    facts = " · ".join(each for each in (title, digest.zone, thread) if each)
    blocks.append(context(plain(facts, 300)))
    return Message(text=fallback(escape(f"{title}: {headline}")), blocks=tuple(blocks))


def digest_part(part: DigestPart, links: Links) -> Message:
    """The details of a section."""
    shown = part.details[:MOST_DETAILS]
    rows = [line(words(one_line(part.title, 80), bold=True)), *(_line(each, links) for each in shown)]
    left_out = len(part.details) - len(shown)
    if left_out:
        rows.append(line(words(f"… and {left_out} more; convotest digest shows all")))
    return Message(text=fallback(escape(f"{part.title}: {len(part.details)} lines")), blocks=tuple(_bounded([rows])))


def keys_of(parts: Sequence[DigestPart]) -> Iterator[str]:
    """The announcements that the lines refer to."""
    for part in parts:
        for each in (*part.lines, *part.details):
            if each.key:
                yield each.key
            yield from (conversation_key(link.run_id, link.number) for link in each.links)


def conversation_key(run_id: str, number: int) -> str:
    return f"run:{run_id}:c{number}"


def _line(given: Line, links: Links) -> Json:
    """One line, with a link where it refers to something that was posted."""
    text = clip(" ".join(clean(redact(given.text)[: LONGEST_LINE * 4]).split()), LONGEST_LINE) or "–"
    url = links.get(given.key) if given.key else None
    elements = [words(f"{MARKS[given.tone]} "), _link(url, text) if url else words(text)]
    for number, each in enumerate(given.links):
        elements.append(words(" · conversation " if number == 0 else ", "))
        address = links.get(conversation_key(each.run_id, each.number))
        elements.append(_link(address, str(each.number)) if address else words(str(each.number)))
    return line(*elements)


def _link(url: str, text: str) -> Json:
    return {"type": "link", "url": url, "text": text}


def _bounded(groups: Sequence[Sequence[Json]]) -> Iterator[Json]:
    """A block a group, with as many rows as a message can hold."""
    used = 0
    for rows in groups:
        kept: list[Json] = []
        for row in rows:
            used += sum(len(element.get("text", "")) for element in row["elements"])
            if used > MOST_TEXT - 600:
                yield rich_text(*kept, line(words("… there is more than one message can hold")))
                return
            kept.append(row)
        yield rich_text(*(kept or [line(words("–"))]))
