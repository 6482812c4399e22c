"""The Home tab and the form for the settings of a workspace."""

from collections.abc import Sequence
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
    plain,
    rich_text,
    words,
)
from bot.blocks.run import ICONS
from jobs.model import Progress, Run, WorkspaceSettings, short_id

HOME_RUN, HOME_SETTINGS, SETTINGS_FORM = "home_run", "home_settings", "settings_form"
MOST_RUNS = 8
MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True)
class ShownRun:
    """A run with how far it is, and the address of its card."""

    run: Run
    progress: Progress
    link: str | None


@dataclass(frozen=True, kw_only=True)
class Home:
    """What one member sees.

    Args:
        approvers: all of them; empty = the admins of the workspace.
        unknown_costs: runs of this month whose price is not known.
        has_control: whether they may change the settings.
    """

    runs: Sequence[ShownRun]
    spent_usd: float
    finished_runs: int
    unknown_costs: int
    settings: WorkspaceSettings
    approvers: Sequence[str]
    has_control: bool


def home(facts: Home) -> Json:
    buttons = [button("Run a test…", HOME_RUN, "home", style="primary")]
    if facts.has_control:
        buttons.append(button("Settings…", HOME_SETTINGS, "home"))
    blocks = [
        header("convotest"),
        rich_text(line(words("Simulated customers talk to your assistant, and you see here what went wrong."))),
        actions(*buttons),
        header("Latest runs"),
        _runs(facts.runs),
        header("This workspace"),
        rich_text(bullets((_month(facts), _place(facts.settings), _approvers(facts.approvers)))),
        context(plain("/convotest help tells what you can type.", 200)),
    ]
    return {"type": "home", "blocks": blocks}


def _runs(runs: Sequence[ShownRun]) -> Json:
    if not runs:
        return rich_text(
            line(
                words("Nothing was run here yet. Invite me to a channel with "),
                words("/invite @convotest", code=True),
                words(" and type "),
                words("/convotest run pizza", code=True),
                words(" there, or press the button above."),
            ),
            line(words("Each run gets a card in the channel; its thread has one message a conversation.")),
        )
    return rich_text(bullets(_run(shown) for shown in runs[:MOST_RUNS]))


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


def _month(facts: Home) -> Json:
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
        ],
    }


def _input(name: str, label: str, hint: str, element: Json) -> Json:
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label, 2_000),
        "hint": plain(hint, 2_000),
        "element": element,
        "optional": True,
    }
