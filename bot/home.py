"""What the Home tab shows, and what is done from there."""

import asyncio
import difflib
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from bot import blocks
from bot.blocks import Message
from bot.blocks.home import (
    HOURS,
    MOST_RUNS,
    NO_DIGEST,
    VERBOSITIES,
    ShownRun,
    WorkspaceFacts,
    home_runs,
    home_satisfaction,
    home_workspace,
)
from bot.blocks.schedule import home_schedules
from bot.commands import Asker, Edge, open_picker
from bot.commands._command import person_of, require
from bot.commands.actions import home_section as actions_waiting
from bot.forms import FieldError, Form, Submission
from bot.payload import Json, inside, text_in
from jobs.announce import card_key
from jobs.feedback.headline import headline_figures
from jobs.model import Run, Verbosity, WorkspaceSettings
from jobs.permissions import approvers_of, refusal
from jobs.runs import list_runs
from jobs.schedule.lifecycle import list_schedules
from jobs.spending import spent_this_month
from jobs.store.votes import Scope

MOST_BUDGET = 1_000_000
SATISFACTION_DAYS = 30


async def show_home(asker: Asker, edge: Edge) -> None:
    """Show the asker their Home tab as it is now."""
    approvers = await approvers_of(asker.workspace_id, edge.ports)
    person = await person_of("approve", asker, edge)
    sections = await asyncio.gather(*(section(asker, edge) for section in SECTIONS))
    has_control = refusal("approve", person, approvers=approvers) is None
    await edge.poster.show_home(asker.member_id, blocks.home(sections, has_control=has_control))


# --- the sections ---------------------------------------------------------------------------------------------------


async def latest_runs(asker: Asker, edge: Edge) -> Sequence[Json]:
    runs = await list_runs(asker.workspace_id, edge.ports, limit=MOST_RUNS)
    return home_runs(await asyncio.gather(*(_shown(run, edge) for run in runs)))


async def _shown(run: Run, edge: Edge) -> ShownRun:
    store = edge.ports.store
    card = await store.outbox.find(run.workspace_id, card_key(run.id))
    link = await edge.poster.link(card.announcement.place.channel_id, card.ts) if card and card.ts else None
    return ShownRun(run=run, progress=await store.runs.progress(run), link=link)


async def schedules(asker: Asker, edge: Edge) -> Sequence[Json]:
    return home_schedules(await list_schedules(asker.workspace_id, edge.ports))


async def satisfaction(asker: Asker, edge: Edge) -> Sequence[Json]:
    ports = edge.ports
    since = ports.clock.now() - timedelta(days=SATISFACTION_DAYS)
    scope = Scope(workspace_id=asker.workspace_id, since=since)
    figures = await ports.helper.call(headline_figures, ports.store.database_url, scope)
    return home_satisfaction(figures, days=SATISFACTION_DAYS)


async def this_workspace(asker: Asker, edge: Edge) -> Sequence[Json]:
    ports, workspace_id = edge.ports, asker.workspace_id
    spending = await spent_this_month(workspace_id, ports)
    return home_workspace(
        WorkspaceFacts(
            spent_usd=spending.total_usd,
            finished_runs=spending.runs,
            unknown_costs=spending.unknown,
            settings=await ports.store.workspaces.settings(workspace_id),
            approvers=sorted(await approvers_of(workspace_id, ports)),
        )
    )


Section = Callable[[Asker, Edge], Awaitable[Sequence[Json]]]
SECTIONS: tuple[Section, ...] = (actions_waiting, latest_runs, schedules, satisfaction, this_workspace)
"""What the tab shows, from the top. A section is a function from who looks to its blocks, made with
`bot.blocks.home.home_list`; with nothing to show it says how something gets there."""


# --- what is done from there ----------------------------------------------------------------------------------------


async def run_from_anywhere(asker: Asker, edge: Edge) -> Message | None:
    """The form for a run where there is no channel: it reports in the workspace's own, else in a direct message."""
    settings = await edge.ports.store.workspaces.settings(asker.workspace_id)
    channel_id = settings.channel_id or await edge.poster.direct_channel(asker.member_id)
    return await open_picker(replace(asker, channel_id=channel_id), edge)


async def open_settings(asker: Asker, edge: Edge) -> None:
    settings = await edge.ports.store.workspaces.settings(asker.workspace_id)
    if asker.trigger_id is not None:
        await edge.poster.open_view(asker.trigger_id, blocks.settings_form(settings))


async def read_settings(form: Submission, asker: Asker, edge: Edge) -> WorkspaceSettings:
    """What the form says; a field that it did not have stays as it is. Raises FieldError."""
    values = form.values
    before = await edge.ports.store.workspaces.settings(asker.workspace_id)
    chosen: list[Any] = inside(values, "approvers", "approvers").get("selected_users") or []
    return replace(
        before,
        approvers=tuple(str(each) for each in chosen),
        channel_id=text_in(inside(values, "channel", "channel"), "selected_conversation") or None,
        budget_usd=_budget(inside(values, "budget", "budget")),
        verbosity=_verbosity(_selected(values, "verbosity"), before.verbosity),
        digest_hour=_hour(_selected(values, "digest_hour"), before.digest_hour),
        time_zone=_zone(inside(values, "time_zone", "time_zone")) if "time_zone" in values else before.time_zone,
    )


def _selected(values: Mapping[str, Any], name: str) -> str:
    return text_in(inside(values, name, name, "selected_option"), "value")


def _verbosity(chosen: str, before: Verbosity) -> Verbosity:
    known: Mapping[str, Verbosity] = {each: each for each in VERBOSITIES}
    return known.get(chosen, before)


def _hour(chosen: str, before: int | None) -> int | None:
    if chosen == NO_DIGEST:
        return None
    return int(chosen) if chosen.isdecimal() and int(chosen) < len(HOURS) else before


def _zone(state: Json) -> str:
    """The name as the time zone database has it; nothing typed is UTC."""
    typed = text_in(state, "value").strip().replace(" ", "_")
    if not typed:
        return "UTC"
    known = _known_zones()
    if typed.casefold() in known:
        return known[typed.casefold()]
    near = difflib.get_close_matches(typed.casefold(), known, n=1, cutoff=0.6)
    guess = f"Did you mean {known[near[0]]}?" if near else "Write a name such as Europe/Berlin or UTC."
    raise FieldError(field="time_zone", message=f"There is no time zone {typed[:60]!r}. {guess}")


def _budget(state: Json) -> float | None:
    text = text_in(state, "value").strip().removeprefix("$").strip()
    if not text:
        return None
    value = float(text) if re.fullmatch(r"\d{1,12}(\.\d{1,12})?", text, re.ASCII) else math.inf
    if value > MOST_BUDGET:
        raise FieldError(field="budget", message=f"Write dollars, for example 50 or 12.50, at most {MOST_BUDGET:,}.")
    return value


async def save_settings(wanted: WorkspaceSettings, asker: Asker, edge: Edge) -> None:
    """Save what an approver submitted, record what changed, and show it."""
    await require("approve", "settings", asker, edge)
    store = edge.ports.store
    before = await store.workspaces.settings(asker.workspace_id)
    await store.workspaces.save(asker.workspace_id, wanted)
    if changes := _changes(before, wanted):
        await store.audit.record(asker.workspace_id, asker.member_id, "settings", outcome="done", detail=changes)
    await show_home(asker, edge)


SETTINGS = Form(read=read_settings, carry_out=save_settings)


@cache
def _known_zones() -> Mapping[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def _changes(before: WorkspaceSettings, after: WorkspaceSettings) -> str:
    """E.g. ``budget: none → $50``."""
    pairs = (
        ("approvers", " ".join(before.approvers), " ".join(after.approvers)),
        ("channel", before.channel_id, after.channel_id),
        ("budget", _dollars(before), _dollars(after)),
        ("conversations in threads", before.verbosity, after.verbosity),
        ("digest hour", _hour_words(before), _hour_words(after)),
        ("time zone", before.time_zone, after.time_zone),
    )
    return "; ".join(f"{name}: {old or 'none'} → {new or 'none'}" for name, old, new in pairs if old != new)


def _dollars(settings: WorkspaceSettings) -> str:
    return "" if settings.budget_usd is None else f"${settings.budget_usd:g}"


def _hour_words(settings: WorkspaceSettings) -> str:
    return "" if settings.digest_hour is None else HOURS[settings.digest_hour]
