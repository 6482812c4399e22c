"""Let two variants meet the same customers; the card in the channel is the answer."""

from collections.abc import Awaitable, Callable, Mapping

from bot import blocks
from bot.blocks import Message
from bot.blocks.experiment import AB_CANCEL, AB_EXTEND
from bot.commands._command import Asker, Command, Edge, require_membership
from bot.commands._grammar import Words, whole_number
from jobs.errors import RequestError
from jobs.experiments.experiment import Experiment, ExperimentId, ExperimentRequest
from jobs.experiments.lifecycle import (
    cancel_experiment,
    existing_experiment,
    extend_experiment,
    plan_experiment,
    start_experiment,
)
from jobs.model import short_id
from jobs.permissions import Right
from jobs.spending import require_budget

EXAMPLE = "ab pizza a=pizza@good b=pizza@faulty"
OPTIONS = (
    ("a=pizza@good", "the baseline"),
    ("b=pizza@faulty", "the candidate"),
    ("n=40", "how many pairs; without it, or with n=auto, as many as show the wanted difference"),
    ("difference=20", "the difference of success, in points, that n=auto is to show"),
    ("seed=7", "the same seed plays the same customers again"),
    ("metric=success", "what decides, declared before the start"),
    ("early=yes", "look every five pairs and stop as soon as a winner is certain"),
)
YES = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    request = read_request(words, asker)
    await plan_experiment(request, edge.ports)  # what is wrong with the request is said first
    await require_membership(asker, edge)
    await require_budget(asker.workspace_id, edge.ports)
    await start_experiment(request, edge.ports)
    return None


def read_request(words: Words, asker: Asker) -> ExperimentRequest:
    """The A/B test that was asked for; raises RequestError."""
    target = words.one_target("profile", EXAMPLE)
    options = words.only("a", "b", "n", "difference", "seed", "metric", "early")
    missing = [name for name in ("a", "b") if name not in options]
    if missing:
        raise RequestError(f"which variants? {' and '.join(f'{name}=…' for name in missing)} missing, e.g. {EXAMPLE}")
    early = options.get("early", "no").lower()
    if early not in YES:
        raise RequestError(f"early={early[:40]!r} is neither yes nor no")
    n = options.get("n", "auto")
    return ExperimentRequest(
        target=target,
        a=options["a"],
        b=options["b"],
        n=None if n.lower() == "auto" else whole_number("n", n, least=1),
        seed=whole_number("seed", options["seed"], least=0) if "seed" in options else None,
        difference=whole_number("difference", options.get("difference", "20").rstrip("%"), least=1) / 100,
        metric=options.get("metric", "success"),
        early_stop=YES[early],
        started_by=asker.member_id,
        workspace_id=asker.workspace_id,
        place=asker.place,
        key=asker.key,
    )


# --- buttons --------------------------------------------------------------------------------------------------------


async def cancel(value: str, asker: Asker, edge: Edge) -> Message:
    experiment = await _of_button(value, asker, edge)
    name = f"A/B test {short_id(experiment.id)} ({experiment.target})"
    if not await cancel_experiment(experiment, edge.ports, by=asker.member_id):
        return blocks.note(f"{name} is over or ending already; nothing was changed.")
    await edge.ports.store.audit.record(
        asker.workspace_id, asker.member_id, "ab cancel", outcome="done", detail=name, place=asker.channel_id
    )
    return blocks.note(f"{name} is being stopped; what is finished is kept, and there will be no verdict.")


async def extend(value: str, asker: Asker, edge: Edge) -> Message | None:
    experiment = await _of_button(value, asker, edge)
    await require_membership(asker, edge)
    await require_budget(asker.workspace_id, edge.ports)
    await extend_experiment(experiment, edge.ports, by=asker.member_id)
    return None


async def _of_button(value: str, asker: Asker, edge: Edge) -> Experiment:
    """The A/B test of a button, in the workspace of whoever pressed it."""
    experiment = await existing_experiment(ExperimentId(value), edge.ports)
    if experiment.workspace_id != asker.workspace_id:
        raise RequestError("this A/B test is not known here any more")
    return experiment


ACTIONS: Mapping[str, tuple[Right, Callable[[str, Asker, Edge], Awaitable[Message | None]]]] = {
    AB_CANCEL: ("use", cancel),
    AB_EXTEND: ("use", extend),
}

COMMAND = Command(
    name="ab",
    usage="ab PROFILE a=NAME@VARIANT b=NAME@VARIANT [n=40|auto] [seed=7] [early=yes]",
    summary="let two variants meet the same customers, and say which one is better",
    examples=(EXAMPLE, f"{EXAMPLE} n=60 seed=7", f"{EXAMPLE} n=auto difference=15 early=yes"),
    options=OPTIONS,
    handle=handle,
    right="use",
)
