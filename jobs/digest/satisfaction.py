"""How satisfied people are: CSAT and NPS of a week, with n, and how that compares with the week before."""

from jobs.bundle import Ports
from jobs.digest._digest import DigestPart, Line, Tone
from jobs.digest._section import FEEDBACK_DAYS, DigestScope, DigestSection
from jobs.feedback.csat import EARLY, NPS_MAPPINGS, Figures
from jobs.feedback.headline import headline_figures
from jobs.stats import rate_difference
from jobs.store.votes import Scope


async def build(scope: DigestScope, ports: Ports) -> DigestPart | None:
    week, before = scope.back(FEEDBACK_DAYS), scope.back(2 * FEEDBACK_DAYS)
    url = ports.store.database_url
    now = Scope(workspace_id=scope.workspace_id, since=week, until=scope.until)
    then = Scope(workspace_id=scope.workspace_id, since=before, until=week)
    figures = await ports.helper.call(headline_figures, url, now)
    previous = await ports.helper.call(headline_figures, url, then)
    if not figures.n and not (figures.up or figures.down):
        return None
    return satisfaction_part(figures, previous)


def satisfaction_part(figures: Figures, previous: Figures) -> DigestPart:
    change, tone = _change(figures, previous)
    lines: list[Line] = []
    brief = None
    if figures.enough and figures.csat and (nps := figures.nps("usual")):
        csat, early = figures.csat, ", early" if figures.n < EARLY else ""
        lines.append(
            Line(text=f"CSAT {csat.value:.0%} ({csat.low:.0%}–{csat.high:.0%}, n={csat.n}{early}){change}", tone=tone)
        )
        was = previous.nps("usual") if previous.enough else None
        moved = f", was {was.value:+.0f} (n={was.n})" if was else ""
        lines.append(Line(text=f"NPS (5-point) {nps.value:+.0f} ({nps.low:+.0f} to {nps.high:+.0f}, n={nps.n}){moved}"))
        brief = f"CSAT {csat.value:.0%} (n={csat.n})"
    elif figures.n:
        lines.append(Line(text=f"{figures.n} rating{'' if figures.n == 1 else 's'}: not enough for a figure"))
    if figures.up or figures.down:
        lines.append(Line(text=f"thumbs: {figures.up} up, {figures.down} down"))
    details = [
        Line(text=f"{stars} ★: {figures.count(stars)} (the week before: {previous.count(stars)})")
        for stars in (5, 4, 3, 2, 1)
    ]
    details.append(Line(text=f"NPS counts {NPS_MAPPINGS['usual'].words}; simulated conversations are not in it"))
    return DigestPart(
        name=SECTION.name,
        title=SECTION.title,
        lines=tuple(lines),
        details=tuple(details) if figures.enough else (),
        is_news=tone in ("bad", "good"),
        verdict={"bad": "CSAT fell", "good": "CSAT rose"}.get(tone),
        tone=tone,
        brief=brief,
    )


def _change(figures: Figures, previous: Figures) -> tuple[str, Tone]:
    """The change against the week before; up or down only where its interval leaves 0 out."""
    now, was = figures.csat, previous.csat
    if now is None or was is None or not (figures.enough and previous.enough):
        return ", nothing to compare with", "plain"
    difference = rate_difference(was, now)
    points = f"{100 * difference.value:+.0f} points, {100 * difference.low:+.0f} to {100 * difference.high:+.0f}"
    if difference.high < 0:
        return f", down from {was.value:.0%} (n={was.n}; {points})", "bad"
    if difference.low > 0:
        return f", up from {was.value:.0%} (n={was.n}; {points})", "good"
    return f", was {was.value:.0%} (n={was.n}), no change shown", "plain"


SECTION = DigestSection(name="satisfaction", title=f"Satisfaction, {FEEDBACK_DAYS} days", build=build)
