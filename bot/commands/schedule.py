"""What happens by itself: list the schedules, and for approvers add, pause, resume, remove, run now."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot import blocks
from bot.blocks import Message
from bot.blocks.schedule import SCHEDULE_NOW, SCHEDULE_RESUME, schedule_added, schedules
from bot.commands._command import Asker, Command, Edge, require, require_membership
from bot.commands._grammar import Words
from jobs.errors import RequestError
from jobs.model import Place
from jobs.permissions import Right
from jobs.schedule import lifecycle
from jobs.schedule.schedule import Schedule, ScheduleId, ScheduleRequest
from jobs.schedule.shelf import USE_CASES, find_use_case
from jobs.schedule.shown import words_for
from jobs.schedule.times import cron_of

EXAMPLE = "schedule nightly suite=pizza-nightly at 02:00 tz=Europe/Berlin in #channel"
SAID = {
    "pause": ("is paused.", "was paused already."),
    "resume": ("goes on.", "was not paused."),
    "remove": ("is removed; what came of it stays.", "was removed already."),
    "now": ("begins now.", "begins already."),
}
PLACES = ("at", "on", "in")
OWN = ("cron", "tz", "name", *PLACES)
OPTIONS = (
    ("suite=pizza-nightly", "what is played; digests and reviews need none"),
    ("at 02:00", "the time of day"),
    ("on mon-fri", "the days, also weekdays, sat,sun, Monday"),
    ("tz=Europe/Berlin", "whose clock; default: UTC"),
    ("in #channel", "where it reports; default: here"),
    ("assistant=pizza@good", "which assistant; default: the one made for the suite, as it is in force that night"),
    ("cron='0 2 1 * *'", "instead of at and on: minute, hour, day, month, day of the week"),
    ("name=nightly", "how it is called"),
)


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    verb, *rest = words.positional or ("list",)
    if verb == "list":
        words.only()
        shown = await lifecycle.list_schedules(asker.workspace_id, edge.ports)
        return schedules(shown)
    await require("approve", f"schedule {verb}", asker, edge)
    if verb in SAID:
        words.only()
        return await change(verb, await _named(rest, asker, edge), asker, edge)
    return await _add(words, rest if verb == "add" else [verb, *rest], asker, edge)


async def _add(words: Words, said: list[str], asker: Asker, edge: Edge) -> Message:
    request = read_request(words, said, asker)
    place = request.place or asker.place
    await require_membership(replace(asker, channel_id=place.channel_id), edge)
    direct = await edge.poster.direct_channel(asker.member_id)
    added = await lifecycle.add_schedule(replace(request, place=place, direct_channel_id=direct), edge.ports)
    await _record("schedule add", added, asker, edge)
    return schedule_added(await lifecycle.show_schedule(added, edge.ports))


def read_request(words: Words, said: list[str], asker: Asker) -> ScheduleRequest:
    """What was asked for: ``nightly suite=… at 02:00 on mon-fri in #channel``; raises RequestError."""
    if not said:
        raise RequestError(f"what shall happen? {' or '.join(USE_CASES)}; for example: {EXAMPLE}")
    use_case = find_use_case(said[0])
    placed = _placed(said[1:]) | {name: text for name, text in words.options.items() if name in PLACES}
    options = {name: text for name, text in words.options.items() if name not in OWN}
    cron = words.options.get("cron")
    if cron and (placed.keys() & {"at", "on"}):
        raise RequestError("give cron=, or at and on, not both")
    channel = placed.get("in")
    if channel and not (channel[0] in "CG" and channel.isalnum() and channel.isupper()):
        raise RequestError(f"in {channel[:40]!r} names no channel; type # and pick one from the list")
    return ScheduleRequest(
        use_case=use_case.name,
        options=options,
        cron=cron or cron_of(at=placed.get("at"), on=placed.get("on"), usual=use_case.usual_cron),
        tz=words.options.get("tz"),
        name=words.options.get("name"),
        place=Place(workspace_id=asker.workspace_id, channel_id=channel) if channel else None,
        created_by=asker.member_id,
        workspace_id=asker.workspace_id,
        key=asker.key,
    )


def _placed(said: list[str]) -> dict[str, str]:
    """What follows ``at``, ``on`` and ``in``."""
    found: dict[str, str] = {}
    waiting = [*said]
    while waiting:
        word = waiting.pop(0).lower()
        if word not in PLACES or not waiting:
            raise RequestError(f"{word[:40]!r} is not understood here; for example: {EXAMPLE}")
        if word in found:
            raise RequestError(f"{word!r} is given twice")
        found[word] = waiting.pop(0)
        while word != "in" and waiting and waiting[0].lower() not in PLACES:  # at 2 pm, on Monday and Friday
            found[word] += f" {waiting.pop(0)}"
    return found


async def change(verb: str, schedule: Schedule, asker: Asker, edge: Edge) -> Message:
    """Pause, resume, remove or run a schedule; once, however often it is asked for."""
    ports = edge.ports
    match verb:
        case "pause":
            changed = await lifecycle.pause_schedule(schedule, ports)
        case "resume":
            changed = await lifecycle.resume_schedule(schedule, ports)
        case "remove":
            changed = await lifecycle.remove_schedule(schedule, ports)
        case _:
            changed = await lifecycle.run_now(schedule, ports, by=asker.member_id, key=asker.key)
    if changed:
        await _record(f"schedule {verb}", schedule, asker, edge)
    done, already = SAID[verb]
    return blocks.note(f"{schedule.name} {done if changed else already}")


async def _named(rest: list[str], asker: Asker, edge: Edge) -> Schedule:
    if len(rest) > 1:
        raise RequestError(f"one schedule at a time, not {' '.join(rest)!r}")
    known = await edge.ports.store.schedules.of_workspace(asker.workspace_id)
    if not rest and len(known) == 1:
        return known[0]
    if not rest:
        raise RequestError(f"which schedule? There are: {', '.join(each.name for each in known) or 'none'}")
    return await lifecycle.find_schedule(rest[0], asker.workspace_id, edge.ports)


async def _record(verb: str, schedule: Schedule, asker: Asker, edge: Edge) -> None:
    detail = f"{schedule.name}: {words_for(schedule)}"
    await edge.ports.store.audit.record(
        asker.workspace_id, asker.member_id, verb, outcome="done", detail=detail, place=asker.channel_id
    )


# --- buttons ----------------------------------------------------------------------------------------------------------


async def now(value: str, asker: Asker, edge: Edge) -> Message:
    return await change("now", await _of_button(value, asker, edge), asker, edge)


async def resume(value: str, asker: Asker, edge: Edge) -> Message:
    return await change("resume", await _of_button(value, asker, edge), asker, edge)


async def _of_button(value: str, asker: Asker, edge: Edge) -> Schedule:
    schedule = await edge.ports.store.schedules.get(ScheduleId(value))
    if schedule is None or schedule.workspace_id != asker.workspace_id:
        raise RequestError("this schedule is not known here any more")
    return schedule


ACTIONS: Mapping[str, tuple[Right, Callable[[str, Asker, Edge], Awaitable[Message | None]]]] = {
    SCHEDULE_NOW: ("approve", now),
    SCHEDULE_RESUME: ("approve", resume),
}

COMMAND = Command(
    name="schedule",
    usage="schedule nightly suite=NAME at 02:00 tz=ZONE in #channel | list | pause|resume|remove|now NAME",
    summary="what happens by itself; changes are for approvers",
    examples=(EXAMPLE, "schedule list", "schedule now nightly-pizza-nightly", "schedule pause nightly-pizza-nightly"),
    options=OPTIONS,
    handle=handle,
)
