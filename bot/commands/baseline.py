"""Which runs the suites are compared with, and for approvers: set another one."""

from collections.abc import Awaitable, Callable, Mapping

from bot import blocks
from bot.blocks import Entry, Message
from bot.blocks.regression import MAKE_BASELINE, REGRESSION_CANCEL
from bot.commands._command import Asker, Command, Edge, require
from bot.commands._grammar import Words
from jobs.errors import RequestError
from jobs.model import Run, short_id
from jobs.permissions import Right
from jobs.regression.lifecycle import (
    cancel_regression,
    existing_regression,
    find_baselines,
    find_run_of,
    set_baseline,
)
from jobs.regression.regression import OVER, Baseline, Regression, RegressionId

EXAMPLE = "baseline set pizza-nightly last"


async def handle(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    verb, *rest = words.positional or ("show",)
    match verb, rest:
        case "set", [suite]:
            return await _set(suite, "last", asker, edge)
        case "set", [suite, run]:
            return await _set(suite, run, asker, edge)
        case "set", _:
            raise RequestError(f"which suite and which run? For example: {EXAMPLE}")
        case "show" | "list", []:
            return _listing(await find_baselines(None, asker.workspace_id, edge.ports), "The baselines in force")
        case "show" | "history", [suite]:
            return await _history(suite, asker, edge)
        case _, []:
            return await _history(verb, asker, edge)
        case _:
            raise RequestError(f"{' '.join(words.positional)[:80]!r} is not understood here; for example: {EXAMPLE}")


async def _set(suite: str, text: str, asker: Asker, edge: Edge) -> Message:
    await require("approve", "baseline set", asker, edge)
    run = await find_run_of(suite, text, asker.workspace_id, edge.ports)
    return await _pin(run, asker, edge)


async def _pin(run: Run, asker: Asker, edge: Edge) -> Message:
    pinned, is_new = await set_baseline(run, edge.ports, by=asker.member_id)
    what = f"run {short_id(run.id)} of {pinned.suite} for {pinned.assistant}"
    if not is_new:
        return blocks.note(f"{what} is the baseline already; nothing was changed.")
    await edge.ports.store.audit.record(
        asker.workspace_id,
        asker.member_id,
        "baseline set",
        outcome="done",
        detail=f"{pinned.suite} for {pinned.assistant}: run {run.id}",
        place=asker.channel_id,
    )
    return blocks.note(f"{what} is the baseline now (number {pinned.number}).")


async def _history(suite: str, asker: Asker, edge: Edge) -> Message:
    current = await find_baselines(suite, asker.workspace_id, edge.ports)
    baselines = edge.ports.store.baselines
    found = [each for now in current for each in await baselines.history(now.workspace_id, now.suite, now.assistant)]
    return _listing(found, f"Baselines of {current[0].suite}, the latest first")


def _listing(found: "list[Baseline] | tuple[Baseline, ...]", title: str) -> Message:
    entries = [
        Entry(
            name=f"{each.suite} → {each.assistant}",
            about=(
                f"number {each.number}, run {short_id(each.run_id)}, set on {each.set_at:%Y-%m-%d %H:%M} UTC"
                + (f", {each.reason}" if each.reason else "")
            ),
        )
        for each in found
    ]
    return blocks.listing(title, entries, empty="No baseline is set yet.", hint=f"Approvers: /convotest {EXAMPLE}")


# --- buttons ----------------------------------------------------------------------------------------------------------


async def make_baseline(value: str, asker: Asker, edge: Edge) -> Message:
    regression = await _of_button(value, asker, edge)
    run = await edge.ports.store.runs.get(regression.run_id)
    if run is None:
        raise RequestError("this run is not known here any more")
    return await _pin(run, asker, edge)


async def cancel(value: str, asker: Asker, edge: Edge) -> Message:
    regression = await _of_button(value, asker, edge)
    name = f"run {short_id(regression.run_id)} ({regression.suite})"
    if regression.state in OVER:
        return blocks.note(f"{name} is over already ({regression.state}); nothing was changed.")
    await cancel_regression(regression, edge.ports, by=asker.member_id)
    await edge.ports.store.audit.record(
        asker.workspace_id, asker.member_id, "cancel", outcome="done", detail=name, place=asker.channel_id
    )
    return blocks.note(f"{name} is being stopped; what is finished is kept, and there will be no verdict.")


async def _of_button(value: str, asker: Asker, edge: Edge) -> Regression:
    regression = await existing_regression(RegressionId(value), edge.ports)
    if regression.workspace_id != asker.workspace_id:
        raise RequestError("this regression is not known here any more")
    return regression


ACTIONS: Mapping[str, tuple[Right, Callable[[str, Asker, Edge], Awaitable[Message | None]]]] = {
    MAKE_BASELINE: ("approve", make_baseline),
    REGRESSION_CANCEL: ("use", cancel),
}

COMMAND = Command(
    name="baseline",
    usage="baseline [show [SUITE]] | baseline set SUITE [RUN|last]",
    summary="which runs the suites are compared with; setting one is for approvers",
    examples=("baseline", EXAMPLE, "baseline show pizza-nightly"),
    handle=handle,
)
