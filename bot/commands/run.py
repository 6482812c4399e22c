"""Play simulated customers against an assistant; the card in the channel is the answer."""

from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge, require_membership
from bot.commands._grammar import Words, whole_number
from jobs.model import RunRequest
from jobs.planning import plan_run
from jobs.runs import start_run
from jobs.spending import require_budget

OPTIONS = (
    ("n=20", "how many conversations; without it as many as the profile says"),
    ("seed=7", "the same seed plays the same customers again"),
    ("assistant=pizza@faulty", "assistant and variant to test; without it the one that fits the profile"),
)


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    request = read_request(words, asker)
    plan = await plan_run(
        request, edge.ports
    )  # what is wrong with the request is said before what is wrong with the channel
    await require_membership(asker, edge)
    await require_budget(asker.workspace_id, edge.ports)
    await start_run(request, edge.ports, plan=plan)
    return None


def read_request(words: Words, asker: Asker) -> RunRequest:
    """The run that was asked for; raises RequestError."""
    target = words.one_target("profile", "run pizza n=20")
    options = words.only("n", "seed", "assistant")
    return RunRequest(
        target=target,
        assistant=options.get("assistant"),
        n=whole_number("n", options["n"], least=1) if "n" in options else None,
        seed=whole_number("seed", options["seed"], least=0) if "seed" in options else None,
        started_by=asker.member_id,
        workspace_id=asker.workspace_id,
        place=asker.place,
        key=asker.key,
    )


COMMAND = Command(
    name="run",
    usage="run PROFILE|SUITE [n=20] [seed=7] [assistant=NAME@VARIANT]",
    summary="play simulated customers against your assistant",
    examples=("run pizza", "run pizza n=20 seed=7 assistant=pizza@faulty"),
    options=OPTIONS,
    handle=handle,
    right="use",
)
