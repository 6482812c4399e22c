"""Let a variant serve a growing share of live customers, and take it back."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from bot import blocks
from bot.blocks import Message
from bot.blocks.rollout import CUSTOMERS, ROLLOUT_BACK, ROLLOUT_CUSTOMERS, ROLLOUT_WIDEN, rollout_card
from bot.commands._command import Asker, Command, Edge, require, require_membership
from bot.commands._grammar import Words, whole_number
from jobs.errors import RequestError
from jobs.permissions import Right
from jobs.rollout.lifecycle import (
    advance_rollout,
    begin_rollout,
    existing_rollout,
    find_rollout,
    roll_back,
)
from jobs.rollout.rollout import Rollout
from jobs.rollout.traffic import send_customers
from jobs.spending import require_budget
from jobs.variants import find_variant

EXAMPLE = "rollout pizza@faulty-1"
VERBS = ("widen", "back", "customers")
REASON = "rolled back by hand"


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    options = words.only("hours", "n", "target", "reason")
    if len(words.positional) > 2:
        raise RequestError(f"for example: {EXAMPLE}, or: rollout pizza widen")
    name, verb = (*words.positional, "", "")[:2]
    if "@" in name and not verb:
        return await _begin(name, options, asker, edge)
    rollout = await find_rollout(name or None, asker.workspace_id, edge.ports)
    match verb.lower():
        case "":
            return rollout_card(rollout)
        case "widen":
            await require("approve", "rollout widen", asker, edge)
            return await widen(_value(rollout), asker, edge)
        case "back":
            await require("approve", "rollout back", asker, edge)
            return await _back(rollout, options.get("reason", REASON), asker, edge)
        case "customers":
            await require("use", "rollout customers", asker, edge)
            n = whole_number("n", options.get("n", str(CUSTOMERS)), least=1)
            return await _send(rollout, n, options.get("target"), asker, edge)
        case _:
            raise RequestError(f"{verb!r} is none of {', '.join(VERBS)}; for example: rollout pizza widen")


async def _begin(spec: str, options: Mapping[str, str], asker: Asker, edge: Edge) -> Message | None:
    await require("approve", "rollout begin", asker, edge)
    await require_membership(asker, edge)
    candidate = await find_variant(spec, workspace_id=asker.workspace_id, ports=edge.ports)
    hours = whole_number("hours", options["hours"], least=1) if "hours" in options else None
    await begin_rollout(
        candidate,
        by=asker.member_id,
        workspace_id=asker.workspace_id,
        ports=edge.ports,
        place=asker.place,
        target=options.get("target"),
        window=timedelta(hours=hours) if hours else None,
    )
    return None


# --- buttons --------------------------------------------------------------------------------------------------------


async def widen(value: str, asker: Asker, edge: Edge) -> Message | None:
    rollout, stage = await _of_button(value, asker, edge)
    await advance_rollout(rollout, by=asker.member_id, ports=edge.ports, expected_stage=stage, place=asker.channel_id)
    return None


async def back(value: str, asker: Asker, edge: Edge) -> Message | None:
    rollout, _ = await _of_button(value, asker, edge)
    return await _back(rollout, REASON, asker, edge)


async def customers(value: str, asker: Asker, edge: Edge) -> Message | None:
    rollout, _ = await _of_button(value, asker, edge)
    return await _send(rollout, CUSTOMERS, None, asker, edge)


async def _back(rollout: Rollout, reason: str, asker: Asker, edge: Edge) -> Message:
    rolled = await roll_back(rollout, by=asker.member_id, reason=reason, ports=edge.ports, place=asker.channel_id)
    return blocks.note(f"{rolled.baseline.label} serves everybody again.")


async def _send(rollout: Rollout, n: int, target: str | None, asker: Asker, edge: Edge) -> Message:
    await require_budget(asker.workspace_id, edge.ports)
    served = await send_customers(rollout, n, by=asker.member_id, key=asker.key, ports=edge.ports, target=target)
    return blocks.note(
        f"{n} simulated customers are on their way; {rollout.candidate.label} serves {served} of them. What they "
        "think is shown apart from what people think."
    )


async def _of_button(value: str, asker: Asker, edge: Edge) -> tuple[Rollout, int]:
    rollout_id, _, stage = value.rpartition(":")
    rollout = await existing_rollout(rollout_id, asker.workspace_id, edge.ports)
    return rollout, int(stage) if stage.isdecimal() else rollout.stage


def _value(rollout: Rollout) -> str:
    return f"{rollout.id}:{rollout.stage}"


ACTIONS: Mapping[str, tuple[Right, Callable[[str, Asker, Edge], Awaitable[Message | None]]]] = {
    ROLLOUT_WIDEN: ("approve", widen),
    ROLLOUT_BACK: ("approve", back),
    ROLLOUT_CUSTOMERS: ("use", customers),
}

COMMAND = Command(
    name="rollout",
    usage="rollout [NAME[@VARIANT]] [widen|back|customers]",
    summary="let a variant serve a growing share of live customers, and take it back",
    examples=("rollout", EXAMPLE, "rollout pizza widen", "rollout pizza back", "rollout pizza customers n=40"),
    options=(
        ("hours=24", "go on by itself after so many hours a stage, if no harm is seen"),
        ("target=pizza", "the profile that simulated customers are drawn from"),
        ("n=40", "how many simulated customers"),
        ("reason=…", "why it is rolled back"),
    ),
    handle=handle,
)
