"""What a member is told who asked for something: help, status, lists, refusals, and the picker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.blocks._parts import (
    MOST_TEXT,
    Json,
    Message,
    bullets,
    counted,
    date,
    escape,
    excerpt,
    fallback,
    line,
    member,
    one_line,
    plain,
    rich_text,
    words,
)
from jobs.experiments.experiment import Experiment, ExperimentProgress
from jobs.model import AuditEntry, Progress, Run, short_id

PICKER = "run_picker"
MOST_OPTIONS = 100


def note(text: str) -> Message:
    """Plain words; nothing in them is markup."""
    shown = excerpt(text, 2_900) or "–"
    return Message(text=fallback(escape(shown)), blocks=(rich_text(line(words(shown))),))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a list: a name to type, and what is to be known about it."""

    name: str
    about: str


def listing(title: str, entries: Sequence[Entry], *, empty: str, hint: str = "") -> Message:
    """A list of names with what they are."""
    lines: list[Json] = []
    used = 0
    for shown, entry in enumerate(entries):
        name, about = one_line(entry.name, 120), one_line(entry.about, 300)
        used += len(name) + len(about)
        if used > MOST_TEXT - 500 or shown >= 60:
            lines.append(line(words(f"… and {len(entries) - shown} more", italic=True)))
            break
        lines.append(line(words(name, code=True), words(f"  {about}")))
    parts = [line(words(title, bold=True)), bullets(lines) if lines else line(words(empty))]
    if hint:
        parts.append(line(words(hint)))
    said = "; ".join(one_line(entry.name, 60) for entry in entries[:20]) or empty
    return Message(text=fallback(escape(f"{title}: {said}")), blocks=(rich_text(*parts),))


# --- status ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Status:
    """How busy this installation is; ``running`` and ``tests`` are this workspace's unfinished runs and A/B tests."""

    running: Sequence[tuple[Run, Progress]]
    tests: Sequence[tuple[Experiment, ExperimentProgress]] = ()
    waiting_conversations: int
    oldest_job: timedelta | None
    playing: int
    unsent: int
    oldest_unsent: timedelta | None


def status(now: Status) -> Message:
    facts = [
        f"{counted(now.playing, 'conversation')} being played, {now.waiting_conversations:,} waiting",
        f"oldest job: {age(now.oldest_job)}",
        f"{counted(now.unsent, 'message')} to be sent"
        + (f", the oldest since {age(now.oldest_unsent)}" if now.oldest_unsent else ""),
    ]
    runs = [
        f"{one_line(run.profile, 60)} → {one_line(f'{run.assistant}@{run.variant}')}: "
        f"{progress.done}/{progress.planned} ({run.state}, run {short_id(run.id)})"
        for run, progress in now.running[:20]
    ]
    runs += [
        f"A/B test of {one_line(test.target, 60)}: {min(arm.done for arm in progress.arms)}/{progress.planned} pairs "
        f"({test.state}, test {short_id(test.id)})"
        for test, progress in now.tests[:20]
    ]
    parts = [
        line(words("Status", bold=True)),
        bullets(line(words(fact)) for fact in facts),
        line(words("Running" if runs else "Nothing is running here.", bold=bool(runs))),
        bullets(line(words(run)) for run in runs),
    ]
    return Message(text=fallback(escape("; ".join((*facts, *runs)))), blocks=(rich_text(*parts),))


def age(span: timedelta | None) -> str:
    """E.g. ``3 min``; ``– (nothing waits)`` for None."""
    if span is None:
        return "– (nothing waits)"
    seconds = max(0, int(span.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 90 * 60:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 48 * 3600 else f"{seconds // 86400} days"


# --- the audit ------------------------------------------------------------------------------------------------------


def audit(entries: Sequence[AuditEntry]) -> Message:
    """What was done and refused, the newest first; times as the reader's clock has them."""
    lines = [
        line(
            date(entry.at),
            words("  "),
            member(entry.member_id),
            words(f"  {one_line(entry.verb, 60)} ", bold=True),
            words("refused: " if entry.outcome == "refused" else ""),
            words(one_line(entry.detail, 120)),
        )
        for entry in entries
    ]
    title = line(words("Audit", bold=True), words("  the newest first"))
    nothing = line(words("Nothing is recorded yet. Changed settings, cancelled runs and refusals will stand here."))
    said = "; ".join(f"{one_line(entry.verb, 60)} {entry.outcome}" for entry in entries[:20]) or "nothing yet"
    return Message(
        text=fallback(escape(f"Audit: {said}")), blocks=(rich_text(title, bullets(lines) if lines else nothing),)
    )


# --- help -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class VerbHelp:
    """One subcommand as help shows it."""

    usage: str
    summary: str
    examples: Sequence[str] = ()


def help_for_all(verbs: Sequence[VerbHelp], examples: Sequence[str]) -> Message:
    blocks = rich_text(
        line(words("convotest plays simulated customers against your assistant and tells what went wrong.")),
        line(words("What you can type", bold=True)),
        bullets(line(words(verb.usage, code=True), words(f"  {verb.summary}")) for verb in verbs),
        line(words("For example", bold=True)),
        bullets(line(words(example, code=True)) for example in examples),
        line(words("/convotest", code=True), words(" alone opens a form; "), words("/convotest help run", code=True),
             words(" tells more about one word.")),
    )  # fmt: skip
    said = "; ".join(verb.usage for verb in verbs)
    return Message(text=fallback(escape(f"You can type: {said}")), blocks=(blocks,))


def help_for_one(verb: VerbHelp, options: Sequence[tuple[str, str]]) -> Message:
    parts = [line(words(verb.usage, code=True)), line(words(one_line(verb.summary, 300)))]
    if options:
        shown = [(one_line(name, 120), one_line(about, 300)) for name, about in options]
        parts.append(bullets(line(words(name, code=True), words(f"  {about}")) for name, about in shown))
    examples = [line(words(one_line(each), code=True)) for each in verb.examples]
    parts += [line(words("For example", bold=True)), bullets(examples)]
    return Message(text=fallback(escape(f"{verb.usage}: {verb.summary}")), blocks=(rich_text(*parts),))


# --- the picker -----------------------------------------------------------------------------------------------------


def picker(profiles: Sequence[str], variants: Sequence[str], *, channel_id: str, thread_ts: str | None = None) -> Json:
    """A form that starts a run in the channel it was asked for in."""
    return {
        "type": "modal",
        "callback_id": PICKER,
        "title": plain("Run a test", 24),
        "submit": plain("Run", 24),
        "close": plain("Close", 24),
        "private_metadata": channel_id,
        "blocks": [
            _select("profile", "Profile", "Who the customers are and what they want.", profiles, initial=True),
            _select("assistant", "Assistant", "Left empty: the one that fits the profile.", variants, optional=True),
            _input("n", "Conversations", "Left empty: as many as the profile says.", "20"),
            _input("seed", "Seed", "Left empty: a new one. The same seed plays the same customers.", "7"),
        ],
    }


def nothing_to_pick(reason: str) -> Json:
    """The picker when there is nothing to choose from."""
    return {
        "type": "modal",
        "title": plain("Run a test", 24),
        "close": plain("Close", 24),
        "blocks": [{"type": "section", "text": plain(one_line(reason, 2_000), 2_900)}],
    }


def _select(
    name: str, label: str, hint: str, values: Sequence[str], *, initial: bool = False, optional: bool = False
) -> Json:
    options = [
        {"text": plain(one_line(value, 70), 75), "value": value}
        for value in values[:MOST_OPTIONS]
        if 0 < len(value) <= 150
    ]
    element: Json = {
        "type": "static_select",
        "action_id": name,
        "options": options,
        "placeholder": plain("Choose", 150),
    }
    if initial:
        element["initial_option"] = options[0]
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label, 2_000),
        "hint": plain(hint, 2_000),
        "element": element,
        "optional": optional,
    }


def _input(name: str, label: str, hint: str, example: str) -> Json:
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label, 2_000),
        "hint": plain(hint, 2_000),
        "optional": True,
        "element": {"type": "plain_text_input", "action_id": name, "placeholder": plain(f"for example {example}", 150)},
    }
