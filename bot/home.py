"""What the Home tab shows, and what is done from there."""

import asyncio
import math
import re
from dataclasses import replace
from typing import Any

from bot import blocks
from bot.blocks import Message
from bot.blocks.home import MOST_RUNS, Home, ShownRun
from bot.commands import Asker, Edge, open_picker
from bot.commands._command import person_of, require
from bot.forms import FieldError, Form, Submission
from bot.payload import Json, inside, text_in
from jobs.announce import card_key
from jobs.model import Run, WorkspaceSettings
from jobs.permissions import approvers_of, refusal
from jobs.runs import list_runs
from jobs.spending import spent_this_month

MOST_BUDGET = 1_000_000


async def show_home(asker: Asker, edge: Edge) -> None:
    """Show the asker their Home tab as it is now."""
    ports, workspace_id = edge.ports, asker.workspace_id
    approvers = await approvers_of(workspace_id, ports)
    person = await person_of("approve", asker, edge)
    runs = await list_runs(workspace_id, ports, limit=MOST_RUNS)
    spending = await spent_this_month(workspace_id, ports)
    view = blocks.home(
        Home(
            runs=await asyncio.gather(*(_shown(run, edge) for run in runs)),
            spent_usd=spending.total_usd,
            finished_runs=spending.runs,
            unknown_costs=spending.unknown,
            settings=await ports.store.workspaces.settings(workspace_id),
            approvers=sorted(approvers),
            has_control=refusal("approve", person, approvers=approvers) is None,
        )
    )
    await edge.poster.show_home(asker.member_id, view)


async def _shown(run: Run, edge: Edge) -> ShownRun:
    store = edge.ports.store
    card = await store.outbox.find(run.workspace_id, card_key(run.id))
    link = await edge.poster.link(card.announcement.place.channel_id, card.ts) if card and card.ts else None
    return ShownRun(run=run, progress=await store.runs.progress(run), link=link)


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
    """What the form says; raises FieldError."""
    values = form.values
    chosen: list[Any] = inside(values, "approvers", "approvers").get("selected_users") or []
    return WorkspaceSettings(
        approvers=tuple(str(each) for each in chosen),
        channel_id=text_in(inside(values, "channel", "channel"), "selected_conversation") or None,
        budget_usd=_budget(inside(values, "budget", "budget")),
    )


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


def _changes(before: WorkspaceSettings, after: WorkspaceSettings) -> str:
    """E.g. ``budget: none → $50``."""
    pairs = (
        ("approvers", " ".join(before.approvers), " ".join(after.approvers)),
        ("channel", before.channel_id, after.channel_id),
        ("budget", _dollars(before), _dollars(after)),
    )
    return "; ".join(f"{name}: {old or 'none'} → {new or 'none'}" for name, old, new in pairs if old != new)


def _dollars(settings: WorkspaceSettings) -> str:
    return "" if settings.budget_usd is None else f"${settings.budget_usd:g}"
