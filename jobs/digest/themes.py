"""What people write about; words that several comments share, never a comment itself."""

import random

from jobs.bundle import Ports
from jobs.digest._digest import DigestPart, Line
from jobs.digest._section import FEEDBACK_DAYS, DigestScope, DigestSection
from jobs.feedback.report import SEED, ThemeSummary, Words, read_comments
from jobs.store.votes import Scope, open_feedback_reader

MOST_THEMES = 5
MOST_READ = 400
"""Comments that themes are looked for in."""
NOTABLE_SHARE = 0.4
"""Negative comments among those of a theme, from which it is a complaint."""


async def build(scope: DigestScope, ports: Ports) -> DigestPart | None:
    feedback = Scope(workspace_id=scope.workspace_id, since=scope.back(FEEDBACK_DAYS), until=scope.until)
    words = await ports.helper.call(read_words, ports.store.database_url, feedback)
    if not words.n:
        return None
    return themes_part(words)


def read_words(database_url: str, scope: Scope) -> Words:
    """Of a fair sample when there are many, so that a digest is made in seconds."""
    with open_feedback_reader(database_url) as reader:
        comments = list(reader.comments(scope))
    if len(comments) <= MOST_READ:
        return read_comments(comments)
    places = sorted(random.Random(SEED).sample(range(len(comments)), MOST_READ))
    return read_comments([comments[place] for place in places], total=len(comments))


def themes_part(words: Words) -> DigestPart:
    """The theme with most complaints first."""
    themes = sorted(words.themes, key=lambda each: (-each.negative, -each.size))[:MOST_THEMES]
    mood = words.sentiment
    tone = f"; {mood.negative} of {mood.n} negative" if mood and mood.n else ""
    comments = f"{words.n} comment{'' if words.n == 1 else 's'}{tone}"
    top = Line(text=f"{comments}; top theme: {_theme(themes[0])}" if themes else comments)
    phrases = ", ".join(f"{each.text} ({each.comments})" for each in words.phrases[:8])
    details = [Line(text=_theme(each)) for each in themes]
    details += [Line(text=f"phrases: {phrases}")] if phrases else []
    details += [Line(text=note) for note in words.notes]
    return DigestPart(name=SECTION.name, title=SECTION.title, lines=(top,), details=tuple(details))


def _theme(theme: ThemeSummary) -> str:
    mean = f", {theme.mean:.1f} ★" if theme.mean is not None else ""
    kind = "complaints about " if theme.negative >= NOTABLE_SHARE * theme.size else ""
    return f"{kind}{', '.join(theme.terms[:4])} ({theme.size} comments, {theme.negative} negative{mean})"


SECTION = DigestSection(name="themes", title=f"What people write, {FEEDBACK_DAYS} days", build=build)
