"""How an alert looks: one message an incident, as it is now, with the ways to be left alone for a while."""

from collections.abc import Mapping
from datetime import timedelta

from bot.blocks._parts import (
    Json,
    Message,
    actions,
    context,
    date,
    escape,
    fallback,
    line,
    member,
    one_line,
    plain,
    rich_text,
    words,
)
from jobs.alerts.incident import Incident, Severity
from jobs.history.figures import in_words, shown
from jobs.redact import redact

ALERT_SNOOZE, ALERT_AWAKE = "alert_snooze", "alert_awake"
SNOOZES: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("1 hour", timedelta(hours=1)),
    "8h": ("8 hours", timedelta(hours=8)),
    "24h": ("1 day", timedelta(days=1)),
    "7d": ("1 week", timedelta(days=7)),
}
MARKS: Mapping[Severity, str] = {"high": "🔴", "medium": "🟠", "low": "🟡"}


def alert_message(incident: Incident) -> Message:
    """The incident as it is now: open, snoozed, or over."""
    finding = incident.finding
    sentence = one_line(redact(finding.sentence), 600) or "–"
    subject = one_line(redact(finding.subject), 140)
    if incident.state == "cleared":
        head = words("✅ Over: ", bold=True)
        what = f"over: {subject}: {sentence}"
    else:
        mark = "😴" if incident.snoozed_until else MARKS[finding.severity]
        head = words(f"{mark} {finding.severity.capitalize()}: ", bold=True)
        what = f"alert ({finding.severity}): {subject}: {sentence}"
    blocks: list[Json] = [
        rich_text(line(head, words(subject, bold=True)), line(words(sentence))),
        rich_text(line(*_times(incident))),
    ]
    if incident.worst is not None and incident.worst != finding.value:
        worst = f"furthest out: {in_words(finding.metric)} {shown(finding.metric, incident.worst)}"
        blocks.append(context(plain(worst, 200)))
    blocks.append(context(plain(f"rule {one_line(finding.rule, 80)} of alerts.yaml", 200)))
    if incident.state != "cleared":
        blocks.append(actions(_snooze_menu(incident), *_awake(incident)))
    return Message(text=fallback(escape(what)), blocks=tuple(blocks))


def alert_reminder(incident: Incident) -> Message:
    """In the incident's thread, when it was put off and still lasts."""
    sentence = one_line(redact(incident.finding.sentence), 600) or "–"
    state = "It is over by now" if incident.state == "cleared" else "The snooze is over, and it is still so"
    text = f"{state}: {sentence}"
    return Message(text=fallback(escape(text)), blocks=(rich_text(line(words(text))),))


def _times(incident: Incident) -> list[Json]:
    elements = [words("since "), date(incident.since)]
    if incident.cleared_at:
        elements += [words(" · over since "), date(incident.cleared_at)]
    elif incident.snoozed_until:
        elements += [words(" · snoozed until "), date(incident.snoozed_until)]
        if incident.snoozed_by:
            elements += [words(" by "), member(incident.snoozed_by)]
    return elements


def _snooze_menu(incident: Incident) -> Json:
    options = [
        {"text": plain(f"Snooze for {text}", 75), "value": f"{incident.id}:{name}"}
        for name, (text, _) in SNOOZES.items()
    ]
    return {
        "type": "static_select",
        "action_id": ALERT_SNOOZE,
        "placeholder": plain("Snooze…", 150),
        "options": options,
    }


def _awake(incident: Incident) -> list[Json]:
    if incident.snoozed_until is None:
        return []
    return [{"type": "button", "action_id": ALERT_AWAKE, "text": plain("End the snooze", 75), "value": incident.id}]
