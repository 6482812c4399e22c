"""What is new, now: the digest as it would be this minute, for whoever asks; and alerts that are put off."""

from collections.abc import Awaitable, Callable, Mapping

from bot.blocks import Message, note
from bot.blocks.alert import ALERT_AWAKE, ALERT_SNOOZE, SNOOZES
from bot.blocks.digest import digest_message, keys_of
from bot.commands._command import Asker, Command, Edge
from bot.commands._grammar import Words
from bot.links import message_link
from jobs.alerts.incident import Incident, IncidentId
from jobs.alerts.lifecycle import snooze, wake
from jobs.digest import KINDS, DigestKind
from jobs.digest._build import build_digest
from jobs.digest_command import require_zone
from jobs.errors import RequestError
from jobs.permissions import Right
from jobs.shelf import unknown

WORDS: Mapping[str, DigestKind] = {**KINDS, "week": "weekly", "day": "daily", "today": "daily"}
MOST_LINKS = 60


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    options = words.only("tz")
    word = words.at_most_one("word") or "daily"
    if word.lower() not in WORDS:
        raise RequestError(unknown("digest", word[:40], WORDS))
    if "tz" in options:
        require_zone(options["tz"])
    digest = await build_digest(WORDS[word.lower()], asker.workspace_id, edge.ports, zone=options.get("tz"))
    keys = list(dict.fromkeys(keys_of(digest.parts)))[:MOST_LINKS]
    found = {key: await message_link(asker.workspace_id, key, edge.ports, edge.poster.link) for key in keys}
    return digest_message(digest, {key: url for key, url in found.items() if url})


# --- alerts ---------------------------------------------------------------------------------------------------------


async def snooze_alert(value: str, asker: Asker, edge: Edge) -> Message:
    incident_id, _, name = value.rpartition(":")
    if name not in SNOOZES:
        raise RequestError("this is no time to snooze for")
    incident = await _incident(incident_id, asker, edge)
    if incident.state == "cleared":
        return note("This alert is over already; there is nothing to snooze.")
    words, span = SNOOZES[name]
    snoozed = await snooze(incident, span, edge.ports, by=asker.member_id)
    if snoozed.snoozed_until is None:
        return note("This alert is over already; there is nothing to snooze.")
    await _record("alert snooze", incident, asker, edge, detail=f"for {words}")
    return note(f"Snoozed for {words}. If it lasts longer, its thread says so then.")


async def end_snooze(value: str, asker: Asker, edge: Edge) -> Message:
    incident = await _incident(value, asker, edge)
    if incident.snoozed_until is None or incident.state == "cleared":
        return note("This alert is not snoozed.")
    await wake(incident, edge.ports)
    await _record("alert awake", incident, asker, edge, detail="snooze ended")
    return note("The snooze is over.")


async def _incident(incident_id: str, asker: Asker, edge: Edge) -> Incident:
    incident = await edge.ports.store.incidents.get(IncidentId(incident_id))
    if incident is None or incident.workspace_id != asker.workspace_id:
        raise RequestError("this alert is not known here any more")
    return incident


async def _record(verb: str, incident: Incident, asker: Asker, edge: Edge, *, detail: str) -> None:
    await edge.ports.store.audit.record(
        asker.workspace_id,
        asker.member_id,
        verb,
        outcome="done",
        detail=f"{incident.finding.rule} of {incident.finding.subject}: {detail}",
        place=asker.channel_id,
    )


ACTIONS: Mapping[str, tuple[Right, Callable[[str, Asker, Edge], Awaitable[Message | None]]]] = {
    ALERT_SNOOZE: ("use", snooze_alert),
    ALERT_AWAKE: ("use", end_snooze),
}

COMMAND = Command(
    name="digest",
    usage="digest [weekly|review] [tz=Europe/Berlin]",
    summary="what is new: suites, alerts, satisfaction, trends, cost, what waits",
    examples=("digest", "digest weekly", "digest review"),
    options=(("weekly", "the last seven days, and what is due for a look"), ("tz=Europe/Berlin", "by whose calendar")),
    handle=handle,
)
