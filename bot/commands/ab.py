"""Let two variants meet the same customers; the card in the channel is the answer."""

from collections.abc import Awaitable, Callable, Mapping

from bot import blocks
from bot.blocks import Message
from bot.blocks.experiment import (
    AB_ADOPT,
    AB_CANCEL,
    AB_COMPUTED,
    AB_EXTEND,
    ShownTest,
    ab_list,
    ab_report,
    ab_shown,
    computed_modal,
)
from bot.commands._command import Asker, Command, Edge, require_membership
from bot.commands._grammar import Words, whole_number
from jobs.announce import experiment_card_key
from jobs.errors import RequestError
from jobs.experiments.experiment import Experiment, ExperimentId, ExperimentRequest
from jobs.experiments.lifecycle import (
    ASSISTANT,
    EXTENDED_BY,
    cancel_experiment,
    existing_experiment,
    experiment_progress,
    experiment_summary,
    extend_experiment,
    find_experiment,
    plain_variant,
    plan_experiment,
    start_experiment,
)
from jobs.model import Announcement, short_id
from jobs.permissions import Right
from jobs.spending import require_budget
from jobs.variants import find_variant, put_in_force, variant_in_force

EXAMPLE = "ab pizza a=pizza@good b=pizza@faulty"
OPTIONS = (
    ("a=pizza@good", "the baseline"),
    ("b=pizza@faulty", "the candidate"),
    ("c=pizza@other", "a further candidate, and so on up to f=; each is compared with the baseline"),
    ("n=40", "how many pairs; without it, or with n=auto, as many as show the wanted difference"),
    ("difference=20", "the difference of success, in points, that n=auto is to show"),
    ("seed=7", "the same seed plays the same customers again"),
    ("metric=success", "what decides, declared before the start"),
    ("early=yes", "look every five pairs and stop as soon as a winner is certain"),
    ("list", "the latest A/B tests, with what came of them"),
    ("show TEST|last", "the answer of one, or how far it is"),
    ("extend TEST [20]", "so many more pairs for one that is finished, judged again at the end"),
    ("cancel TEST", "stop one; what is finished is kept, without a verdict"),
)
FURTHER = ("c", "d", "e", "f")
MOST_LISTED = 15
MOST_ADDED = 1_000
YES = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    first = words.positional[0].lower() if words.positional else ""
    if first in SUBVERBS and not {"a", "b"} & words.options.keys():
        rest = Words(verb=f"ab {first}", positional=words.positional[1:], options=words.options)
        return await SUBVERBS[first](rest, asker, edge)
    request = read_request(words, asker)
    await plan_experiment(request, edge.ports)  # what is wrong with the request is said first
    await require_membership(asker, edge)
    await require_budget(asker.workspace_id, edge.ports)
    await start_experiment(request, edge.ports)
    return None


def read_request(words: Words, asker: Asker) -> ExperimentRequest:
    """The A/B test that was asked for; raises RequestError."""
    target = words.one_target("profile", EXAMPLE)
    options = words.only("a", "b", *FURTHER, "n", "difference", "seed", "metric", "early")
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
        more=tuple(options[name] for name in FURTHER if name in options),
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


# --- the tests that there are ---------------------------------------------------------------------------------------


async def list_tests(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    words.at_most_one("word")
    recent = await edge.ports.store.experiments.recent(asker.workspace_id, limit=MOST_LISTED)
    return ab_list([await _shown(each, edge) for each in recent])


async def show(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    experiment = await find_experiment(words.at_most_one("test") or "last", asker.workspace_id, edge.ports)
    return ab_shown(await _shown(experiment, edge))


async def cancel_typed(words: Words, asker: Asker, edge: Edge) -> Message:
    words.only()
    wanted = words.at_most_one("test")
    if wanted is None:
        raise RequestError("which A/B test? For example: ab cancel last")
    return await _cancel(await find_experiment(wanted, asker.workspace_id, edge.ports), asker, edge)


async def extend_typed(words: Words, asker: Asker, edge: Edge) -> Message | None:
    words.only()
    if not 1 <= len(words.positional) <= 2:
        raise RequestError("which A/B test, and by how many pairs? For example: ab extend last 40")
    name, *added = words.positional
    pairs = whole_number("pairs", added[0], least=1) if added else EXTENDED_BY
    if pairs > MOST_ADDED:
        raise RequestError(f"{pairs:,} more pairs are too many; at most {MOST_ADDED:,} at a time")
    return await _extend(await find_experiment(name, asker.workspace_id, edge.ports), asker, edge, pairs=pairs)


SUBVERBS: Mapping[str, Callable[[Words, Asker, Edge], Awaitable[Message | None]]] = {
    "list": list_tests,
    "show": show,
    "cancel": cancel_typed,
    "extend": extend_typed,
}


async def _shown(experiment: Experiment, edge: Edge) -> ShownTest:
    ports = edge.ports
    card = await ports.store.outbox.find(experiment.workspace_id, experiment_card_key(experiment.id))
    return ShownTest(
        experiment=experiment,
        progress=await experiment_progress(experiment, ports),
        summary=await experiment_summary(experiment, ports),
        link=await edge.poster.link(card.announcement.place.channel_id, card.ts) if card and card.ts else None,
    )


# --- buttons --------------------------------------------------------------------------------------------------------


async def cancel(value: str, asker: Asker, edge: Edge) -> Message:
    return await _cancel(await _of_button(value, asker, edge), asker, edge)


async def _cancel(experiment: Experiment, asker: Asker, edge: Edge) -> Message:
    name = f"A/B test {short_id(experiment.id)} ({experiment.target})"
    if not await cancel_experiment(experiment, edge.ports, by=asker.member_id):
        return blocks.note(f"{name} is over or ending already; nothing was changed.")
    await edge.ports.store.audit.record(
        asker.workspace_id, asker.member_id, "ab cancel", outcome="done", detail=name, place=asker.channel_id
    )
    return blocks.note(f"{name} is being stopped; what is finished is kept, and there will be no verdict.")


async def extend(value: str, asker: Asker, edge: Edge) -> Message | None:
    await require_membership(asker, edge)
    return await _extend(await _of_button(value, asker, edge), asker, edge, pairs=EXTENDED_BY)


async def _extend(experiment: Experiment, asker: Asker, edge: Edge, *, pairs: int) -> Message | None:
    await require_budget(asker.workspace_id, edge.ports)
    await extend_experiment(experiment, edge.ports, by=asker.member_id, pairs=pairs)
    return None if experiment.place else blocks.note(f"{pairs} more pairs are being played.")


async def computed(value: str, asker: Asker, edge: Edge) -> Message | None:
    """Opens what a message has no room for: design, tests, gates, notes."""
    experiment = await _of_button(value, asker, edge)
    summary = await experiment_summary(experiment, edge.ports)
    if summary is None:
        return blocks.note("There is no answer yet; this A/B test is still being played.")
    if asker.trigger_id is None:
        return ab_report(experiment, summary)
    await edge.poster.open_view(asker.trigger_id, computed_modal(experiment, summary))
    return None


async def adopt(value: str, asker: Asker, edge: Edge) -> Message:
    """Make a candidate the baseline: it serves from now on wherever no variant is named."""
    experiment_id, _, arm = value.rpartition(":")
    experiment = await _of_button(experiment_id, asker, edge)
    run = next((each.run for each in experiment.runs if each.arm == arm), None)
    if run is None:
        raise RequestError("this A/B test is not known here any more")
    variant = await find_variant(
        f"{run.assistant}@{plain_variant(run.variant)}", workspace_id=asker.workspace_id, ports=edge.ports
    )
    if variant.hash != run.stamps[ASSISTANT]:
        raise RequestError(
            f"{variant.label} has changed since it was tested, so nothing was changed; test it as it is now first"
        )
    before = await variant_in_force(variant.assistant, asker.workspace_id, edge.ports)
    if (before.name, before.hash) == (variant.name, variant.hash):
        return blocks.note(f"{variant.label} is the baseline already; nothing was changed.")
    await put_in_force(
        variant,
        by=asker.member_id,
        reason=f"A/B test {short_id(experiment.id)}",
        workspace_id=asker.workspace_id,
        ports=edge.ports,
        place=asker.channel_id,
    )
    await _tell_thread(experiment, f"{variant.label} is the baseline now, instead of {before.label}.", asker, edge)
    return blocks.note(f"{variant.label} is the baseline now; it was {before.label}.")


async def _tell_thread(experiment: Experiment, text: str, asker: Asker, edge: Edge) -> None:
    """Everybody who followed the test reads what came of it."""
    if experiment.place:
        await edge.ports.store.outbox.add(
            Announcement(
                key=f"experiment:{experiment.id}:adopted:{asker.key}",
                kind="notice",
                place=experiment.place,
                ref={"text": text},
                parent_key=experiment_card_key(experiment.id),
            )
        )
        edge.ports.bell.ring()


async def _of_button(value: str, asker: Asker, edge: Edge) -> Experiment:
    """The A/B test of a button, in the workspace of whoever pressed it."""
    experiment = await existing_experiment(ExperimentId(value), edge.ports)
    if experiment.workspace_id != asker.workspace_id:
        raise RequestError("this A/B test is not known here any more")
    return experiment


ACTIONS: Mapping[str, tuple[Right, Callable[[str, Asker, Edge], Awaitable[Message | None]]]] = {
    AB_CANCEL: ("use", cancel),
    AB_EXTEND: ("use", extend),
    AB_COMPUTED: ("read", computed),
    AB_ADOPT: ("approve", adopt),
}

COMMAND = Command(
    name="ab",
    usage="ab PROFILE a=NAME@VARIANT b=NAME@VARIANT [c=…] [n=40|auto] [seed=7] [early=yes] | list | show TEST",
    summary="let variants meet the same customers, and say which one is better",
    examples=(
        EXAMPLE,
        f"{EXAMPLE} n=60 seed=7",
        f"{EXAMPLE} n=auto difference=15 early=yes",
        "ab list",
        "ab show last",
    ),
    options=OPTIONS,
    handle=handle,
    right="use",
)
