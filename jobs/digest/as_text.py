"""A digest as a page for the terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from jobs.digest._digest import Digest, Line, Tone
from jobs.redact import redact
from jobs.report.as_text import printable

MARKS: dict[Tone, str] = {"bad": "✗", "unsure": "?", "good": "✓", "plain": "·"}
STYLES: dict[Tone, str] = {"bad": "red", "unsure": "yellow", "good": "green", "plain": ""}
TITLES = {"daily": "Digest", "weekly": "Week", "review": "Review"}


def digest_page(digest: Digest) -> RenderableType:
    """All of it: the message and what is in its thread."""
    return Group(*_parts(digest))


def _parts(digest: Digest) -> Iterator[RenderableType]:
    yield Text(f"{TITLES[digest.kind]} of {digest.day:%A %d %B %Y} ({digest.zone})", style="dim")
    yield Text(digest.quiet_line if digest.is_quiet else digest.headline, style=f"bold {STYLES[digest.tone]}".strip())
    for part in digest.parts:
        yield Text("")
        yield Text(_safe(part.title), style="bold")
        for line in part.details or part.lines:
            yield _line(line)


def _line(line: Line) -> Text:
    text = Text(f"  {MARKS[line.tone]} {_safe(line.text)}", style=STYLES[line.tone])
    if line.links:
        shown = ", ".join(f"convotest show {each.run_id[-8:]} -c {each.number}" for each in line.links)
        text.append(f"  ({shown})", style="dim")
    return text


def _safe(text: str) -> str:
    return printable(redact(text)).replace("\n", " ")
