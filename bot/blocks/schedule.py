"""How schedules look: the list of them, and that one did not run."""

from collections.abc import Sequence

from bot.blocks._parts import (
    Json,
    Message,
    actions,
    button,
    context,
    counted,
    date,
    escape,
    fallback,
    header,
    line,
    member,
    mention,
    one_line,
    plain,
    rich_text,
    words,
)
from jobs.schedule.schedule import Occasion, Schedule
from jobs.schedule.shown import ShownSchedule, words_for

SCHEDULE_NOW, SCHEDULE_RESUME = "schedule_now", "schedule_resume"
MOST_LISTED = 40
MOST_AT_HOME = 8
STATES = {"claimed": "is beginning", "begun": "ran", "failed": "did not run", "missed": "was missed"}


def schedules(shown: Sequence[ShownSchedule]) -> Message:
    """All of a workspace, each with when it is due next and what became of it last."""
    blocks: list[Json] = [header("Schedules")]
    blocks += [rich_text(*_lines(each)) for each in shown[:MOST_LISTED]]
    if not shown:
        blocks.append(context(plain("Nothing happens by itself yet.", 100)))
    example = "/convotest schedule nightly suite=pizza-nightly at 02:00 tz=Europe/Berlin in #channel"
    blocks.append(context(plain(f"Approvers: {example} · schedule pause|resume|remove|now NAME", 300)))
    names = ", ".join(one_line(each.schedule.name, 60) for each in shown) or "none"
    return Message(text=fallback(f"Schedules: {escape(names)}"), blocks=tuple(blocks))


def home_schedules(shown: Sequence[ShownSchedule]) -> list[Json]:
    """The section of the Home tab: each with when it is due next and what became of it last."""
    if not shown:
        how = words(" lets an approver have a suite played every night.")
        example = words("/convotest schedule nightly suite=pizza-nightly at 02:00", code=True)
        return [header("Schedules"), rich_text(line(words("Nothing happens by itself yet. "), example, how))]
    left = len(shown) - MOST_AT_HOME
    more = [context(plain(f"… and {left} more: /convotest schedule list", 100))] if left > 0 else []
    return [header("Schedules"), *(rich_text(*_lines(each)) for each in shown[:MOST_AT_HOME]), *more]


def _lines(each: ShownSchedule) -> list[Json]:
    schedule, parts = each.schedule, list[Json]()
    if each.next_due:
        parts += [words("next "), date(each.next_due)]
    else:
        parts.append(words(f"paused{': ' + one_line(schedule.note, 200) if schedule.note else ''}"))
    if each.last:
        parts += [words(f" · last {STATES[each.last.state]} "), date(each.last.due_at)]
        if each.last.note:
            parts.append(words(f" ({one_line(each.last.note, 200)})"))
    where: list[Json] = []
    if schedule.place:
        where = [words(" in "), {"type": "channel", "channel_id": schedule.place.channel_id}]
    return [
        line(words(one_line(schedule.name, 60), bold=True), words(f"  {one_line(words_for(schedule), 160)}"), *where),
        line(*parts),
    ]


def schedule_added(each: ShownSchedule) -> Message:
    schedule = each.schedule
    parts: list[Json] = [
        words("✅ "),
        words(one_line(schedule.name, 60), bold=True),
        words(f" is scheduled: {one_line(words_for(schedule), 160)}"),
    ]
    if schedule.place:
        parts += [words(" in "), {"type": "channel", "channel_id": schedule.place.channel_id}]
    if each.next_due:
        parts += [words("; the first time "), date(each.next_due)]
    text = f"{schedule.name} is scheduled: {words_for(schedule)}"
    return Message(text=fallback(escape(one_line(text, 300))), blocks=(rich_text(line(*parts, words("."))),))


def schedule_trouble(schedule: Schedule, occasion: Occasion | None, *, dates: int) -> Message:
    """That it did not run, or was paused by itself: why, and what to do."""
    name = one_line(schedule.name, 60)
    if occasion is None or dates == 0:
        headline, why = f"{name} is paused", schedule.note or "it cannot report any more"
    elif dates > 1:
        headline = f"{name} did not run on {counted(dates, 'date')}, the last one {occasion.slot}"
        why = occasion.note or ""
    else:
        when = f"on {occasion.slot}" if occasion.local_date else "when it was asked for"
        headline, why = f"{name} did not run {when}", occasion.note or ""
    blocks: list[Json] = [
        header(f"⚠️ {headline}"),
        rich_text(
            line(words(one_line(why, 900))),
            line(
                words("It was made by "), member(schedule.created_by), words(f": {one_line(words_for(schedule), 160)}")
            ),
        ),
    ]
    if schedule.state == "paused":
        blocks.append(actions(button("Resume", SCHEDULE_RESUME, schedule.id)))
    else:
        blocks.append(actions(button("Run now", SCHEDULE_NOW, schedule.id)))
    text = f"{headline}: {why}"
    return Message(text=fallback(f"{escape(one_line(text, 800))} {mention(schedule.created_by)}"), blocks=tuple(blocks))
