"""The Home tab and the form for the settings of a workspace."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.blocks._parts import (
    Json,
    actions,
    bullets,
    button,
    clean,
    context,
    counted,
    date,
    dollars,
    header,
    line,
    member,
    one_line,
    percent,
    plain,
    rich_text,
    words,
)
from bot.blocks.run import ICONS
from jobs.feedback.csat import Figures
from jobs.model import Progress, Run, Verbosity, WorkspaceSettings, short_id

HOME_RUN, HOME_SETTINGS, SETTINGS_FORM = "home_run", "home_settings", "settings_form"
MOST_RUNS = 8
MOST_NAMED = 20
MOST_LINES = 10
MOST_BLOCKS = 100
"""Slack refuses a Home tab with more."""
VERBOSITIES: dict[Verbosity, str] = {
    "quiet": "quiet: only the summary",
    "normal": "normal: up to 30, of larger runs a selection",
    "full": "full: up to 100",
}
NO_DIGEST = "none"
HOURS = tuple(f"{hour:02}:00" for hour in range(24))


@dataclass(frozen=True, kw_only=True)
class ShownRun:
    """A run with how far it is, and the address of its card."""

    run: Run
    progress: Progress
    link: str | None


@dataclass(frozen=True, kw_only=True)
class WorkspaceFacts:
    """What concerns the workspace as a whole.

    Args:
        approvers: all of them; empty = the admins of the workspace.
        unknown_costs: runs of this month whose price is not known.
    """

    spent_usd: float
    finished_runs: int
    unknown_costs: int
    settings: WorkspaceSettings
    approvers: Sequence[str]


def home(sections: Iterable[Sequence[Json]], *, has_control: bool) -> Json:
    """The whole tab; the sections stand in their order. ``has_control``: whether they may change the settings."""
    buttons = [button("Run a test…", HOME_RUN, "home", style="primary")]
    if has_control:
        buttons.append(button("Settings…", HOME_SETTINGS, "home"))
    blocks = [
        header("convotest"),
        rich_text(line(words("Simulated customers talk to your assistant, and you see here what went wrong."))),
        actions(*buttons),
        *(block for section in sections for block in section),
    ]
    hint = context(plain("/convotest help tells what you can type.", 200))
    return {"type": "home", "blocks": [*blocks[: MOST_BLOCKS - 1], hint]}


def home_list(title: str, lines: Sequence[Json], *, empty: Sequence[Json]) -> list[Json]:
    """A section that lists something, each a `line`; ``empty`` are lines that say how something gets there."""
    shown = list(lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        shown.append(line(words(f"… and {len(lines) - MOST_LINES} more", italic=True)))
    return [header(title), rich_text(bullets(shown)) if shown else rich_text(*empty)]


def home_runs(runs: Sequence[ShownRun]) -> list[Json]:
    how = line(
        words("Nothing was run here yet. Invite me to a channel with "),
        words("/invite @convotest", code=True),
        words(" and type "),
        words("/convotest run pizza", code=True),
        words(" there, or press the button above."),
    )
    what = line(words("Each run gets a card in the channel; its thread has one message a conversation."))
    return home_list("Latest runs", [_run(shown) for shown in runs[:MOST_RUNS]], empty=(how, what))


def home_satisfaction(figures: Figures, *, days: int) -> list[Json]:
    """What people said of live conversations: counts, and with enough ratings CSAT with its interval."""
    how = line(
        words("Nobody has rated an answer yet. Ratings come from people who talk to the assistant: by buttons and "),
        words("reactions here, from other systems by "),
        words("convotest feedback import", code=True),
        words(" or the HTTP API."),
    )
    lines: list[Json] = []
    if figures.n and figures.csat:
        rate = figures.csat
        lines.append(
            line(
                words("CSAT " + (percent(rate.value) if figures.enough else "–"), bold=True),
                words(
                    f"  ({percent(rate.low)} to {percent(rate.high)}, n = {rate.n})"
                    if figures.enough
                    else f"  {counted(rate.n, 'rating')} so far, too few for a figure"
                ),
            )
        )
    if figures.up or figures.down:
        lines.append(line(words(f"👍 {figures.up:,}   👎 {figures.down:,}")))
    return home_list(f"Satisfaction, last {days} days", lines, empty=(how,))


def home_workspace(facts: WorkspaceFacts) -> list[Json]:
    settings = facts.settings
    lines = (_month(facts), _place(settings), _threads(settings), _digest(settings), _approvers(facts.approvers))
    return [header("This workspace"), rich_text(bullets(lines))]


def _run(shown: ShownRun) -> Json:
    run, progress = shown.run, shown.progress
    link = [words("  "), {"type": "link", "url": shown.link, "text": "open"}] if shown.link else []
    return line(
        words(f"{_result(run, progress)}  "),
        words(one_line(f"{run.suite or run.profile} → {run.assistant}@{run.variant}", 100), bold=True),
        words("  "),
        date(run.created_at),
        words("  "),
        words(short_id(run.id), code=True),
        *link,
    )


def _result(run: Run, progress: Progress) -> str:
    """E.g. ``✅ 20 of 20 passed``."""
    passed = progress.by_outcome.get("passed", 0)
    match run.state:
        case "finished":
            icon = ICONS["passed"] if passed == progress.planned else ICONS["failed"]
            return f"{icon} {passed} of {progress.planned} passed"
        case "cancelled":
            return f"{ICONS['cancelled']} cancelled, {passed} of {progress.planned} passed"
        case _:
            return f"⏳ {progress.done} of {progress.planned} played"


def _month(facts: WorkspaceFacts) -> Json:
    if not facts.finished_runs:
        return line(words("No money was spent this month."), words(_budget(facts.settings)))
    unknown = f", {counted(facts.unknown_costs, 'run')} of unknown price" if facts.unknown_costs else ""
    return line(
        words(f"{dollars(facts.spent_usd)} spent this month on {counted(facts.finished_runs, 'run')}{unknown}."),
        words(_budget(facts.settings)),
    )


def _budget(settings: WorkspaceSettings) -> str:
    if settings.budget_usd is None:
        return " There is no monthly budget."
    return f" The monthly budget is {dollars(settings.budget_usd)}; when it is used up, no new run starts."


def _place(settings: WorkspaceSettings) -> Json:
    if settings.channel_id is None:
        return line(words("Runs that are started from here report to you in a direct message."))
    return line(
        words("Runs that are started from here report in "),
        {"type": "channel", "channel_id": clean(settings.channel_id)},
        words("."),
    )


def _threads(settings: WorkspaceSettings) -> Json:
    return line(words(f"Conversations shown one by one in a run's thread: {VERBOSITIES[settings.verbosity]}."))


def _digest(settings: WorkspaceSettings) -> Json:
    if settings.digest_hour is None:
        return line(words("There is no daily digest; an hour for it can be set."))
    zone = one_line(settings.time_zone, 60)
    return line(words(f"The daily digest comes at {HOURS[settings.digest_hour % 24]} ({zone})."))


def _approvers(approvers: Sequence[str]) -> Json:
    if not approvers:
        return line(words("Nobody is named as approver, so the admins of the workspace are."))
    named = [part for each in approvers[:MOST_NAMED] for part in (member(each), words("  "))]
    more = f" and {len(approvers) - MOST_NAMED} more" if len(approvers) > MOST_NAMED else ""
    return line(words("Approvers: "), *named, *([words(more)] if more else []))


def settings_form(settings: WorkspaceSettings) -> Json:
    """The form that changes what the workspace has set."""
    people: Json = {"type": "multi_users_select", "action_id": "approvers", "placeholder": plain("Nobody", 150)}
    if settings.approvers:
        people["initial_users"] = list(settings.approvers)
    channel: Json = {
        "type": "conversations_select",
        "action_id": "channel",
        "placeholder": plain("A direct message", 150),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    if settings.channel_id:
        channel["initial_conversation"] = settings.channel_id
    budget: Json = {"type": "plain_text_input", "action_id": "budget", "placeholder": plain("for example 50", 150)}
    if settings.budget_usd is not None:
        budget["initial_value"] = f"{settings.budget_usd:g}"
    verbosity = _choice("verbosity", list(VERBOSITIES.items()), settings.verbosity)
    hours = [(NO_DIGEST, "No digest"), *((str(hour), text) for hour, text in enumerate(HOURS))]
    hour = _choice("digest_hour", hours, NO_DIGEST if settings.digest_hour is None else str(settings.digest_hour))
    zone: Json = {
        "type": "plain_text_input",
        "action_id": "time_zone",
        "placeholder": plain("for example Europe/Berlin", 150),
        "initial_value": one_line(settings.time_zone, 60) or "UTC",
    }
    return {
        "type": "modal",
        "callback_id": SETTINGS_FORM,
        "title": plain("Settings", 24),
        "submit": plain("Save", 24),
        "close": plain("Close", 24),
        "blocks": [
            _input("approvers", "Approvers", "Left empty: the admins of the workspace.", people),
            _input("channel", "Channel", "Where runs report that are started from the Home tab.", channel),
            _input("budget", "Budget of a month in dollars", "When it is used up, no new run starts.", budget),
            _input("verbosity", "Conversations in threads", "Which ones a run's thread shows one by one.", verbosity),
            _input("digest_hour", "Hour of the daily digest", "By the clock of the time zone below.", hour),
            _input("time_zone", "Time zone", "An IANA name; the digest and charts go by it.", zone),
        ],
    }


def _choice(name: str, choices: Sequence[tuple[str, str]], chosen: str) -> Json:
    options = {value: {"text": plain(text, 75), "value": value} for value, text in choices}
    element: Json = {
        "type": "static_select",
        "action_id": name,
        "options": list(options.values()),
        "placeholder": plain("Choose", 150),
    }
    if chosen in options:
        element["initial_option"] = options[chosen]
    return element


def _input(name: str, label: str, hint: str, element: Json) -> Json:
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label, 2_000),
        "hint": plain(hint, 2_000),
        "element": element,
        "optional": True,
    }
