"""From what went wrong to actions that can be approved: found, estimated, ranked, and proposed once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from uuid6 import uuid7

from jobs.actions import ACTION_TYPES
from jobs.actions._action import (
    CONVOTEST,
    LIFE,
    Action,
    ActionId,
    ActionKind,
    Content,
    Edit,
    Expected,
    Level,
    Problem,
    shown_hash,
)
from jobs.actions._edits import changed, diff_of
from jobs.actions._faults import reached
from jobs.actions._mend import Mend, mends_for
from jobs.actions._problems import FEWEST, problems_of_comments, problems_of_run
from jobs.actions._verify import verification_suites
from jobs.announce import action_card_key, card_key
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.experiments.lifecycle import plain_variant
from jobs.model import Announcement, Conversation, Place, Run, RunId, RunRequest, Variant, WorkspaceId
from jobs.planning import plan_run
from jobs.redact import redact
from jobs.stats import wilson_interval
from jobs.store.votes import Comment, Scope, open_feedback_reader
from jobs.suites import planned
from jobs.variants import find_variant

MOST_PROPOSED = 3
"""Actions of one run; the rest can wait until these are decided."""
PAIRS = 60
"""Pairs of a verification: with fewer, "at least 95 % of the baseline's success" cannot be shown."""
MOST_COMMENTS = 2_000


async def propose_for_run(run: Run, conversations: Sequence[Conversation], ports: Ports) -> tuple[Announcement, ...]:
    """Propose what may mend the run's problems; what people are to see of it in the run's thread.

    Called again for the same run it proposes nothing new and says the same.
    """
    if run.state != "finished" or "rewrite" in run.stamps or await ports.store.actions.is_part_of_something(run.id):
        return ()
    known = await ports.store.actions.of_run(run.id)
    if not known:
        variant = await _variant_of(run, ports)
        if variant is not None:
            problems = await ports.helper.call(problems_of_run, run, conversations)
            for action in await _actions(run, variant, problems, ports):
                await ports.store.actions.propose(action)
            reached("proposed")
            known = await ports.store.actions.of_run(run.id)
    return tuple(announced(each) for each in known if each.place)


async def propose_for_feedback(
    assistant: str, workspace_id: WorkspaceId, ports: Ports, *, target: str, place: Place | None = None
) -> tuple[Action, ...]:
    """Propose what may mend the themes of low ratings of the assistant that is in force."""
    variant = await find_variant(assistant, workspace_id=workspace_id, ports=ports)
    problems = await ports.helper.call(_themes_of, ports.store.database_url, workspace_id, assistant)
    made: list[Action] = []
    for problem in problems:
        mend = await _new_mend(problem, variant, workspace_id, ports)
        if mend is not None:
            action = await _action(
                problem, mend, variant, workspace_id, ports, target=target, seed=0, place=place, run_id=None
            )
            announcements = (announced(action),) if place else ()
            if await ports.store.actions.propose(action, announcements):
                made.append(action)
    ports.bell.ring()
    return tuple(made)


async def propose_by_hand(
    *,
    title: str,
    kind: ActionKind,
    edits: Sequence[Edit],
    assistant: str,
    target: str,
    by: str,
    workspace_id: WorkspaceId,
    ports: Ports,
    why: str = "",
    reason: str | None = None,
    place: Place | None = None,
) -> Action:
    """Propose a change that somebody has thought of.

    Args:
        assistant: ``NAME`` or ``NAME@VARIANT``, the variant to be changed.
        reason: the reason of failed conversations that it is to mend; None = it is to make more of them pass.

    Raises:
        RequestError: the change cannot be made, or something is proposed for the same problem.
    """
    variant = await find_variant(assistant, workspace_id=workspace_id, ports=ports)
    problem = Problem(
        kind="reason" if reason else "hand",
        key=" ".join((reason or title).casefold().split()),
        text=why or reason or title,
        touched=0,
        alone=0,
        n=0,
    )
    mend = Mend(kind=kind, title=title, edits=tuple(edits), targets=("success",), covered={})
    action = await _action(
        problem, mend, variant, workspace_id, ports, target=target, seed=0, place=place, run_id=None, by=by
    )
    check_change(action, variant, ports)
    if not await ports.store.actions.propose(action, (announced(action),) if place else ()):
        raise RequestError("something is proposed for the same problem already; decide that first")
    ports.bell.ring()
    return action


async def propose_rewrite(
    variant: Variant,
    edits: Sequence[Edit],
    kind: ActionKind,
    failed: Sequence[Conversation],
    *,
    proof: str,
    target: str,
    seed: int,
    by: str,
    workspace_id: WorkspaceId,
    ports: Ports,
    place: Place | None,
) -> Action:
    """Propose a text that a model has written, with what was seen of it; whoever asked for it did not write it.

    Raises:
        RequestError: something is proposed for the same problem already.
    """
    bad = [each for each in failed if each.verdict.outcome == "failed"]
    why = next((reason for each in bad for reason in each.verdict.reasons), "customers do not get what they came for")
    text = ".".join(edits[0].path)
    problem = Problem(
        kind="hand",
        key=f"rewrite {text}",
        text=redact(f"conversations fail, for example: {why}")[:400],
        touched=len(bad),
        alone=len(bad),
        n=len(failed),
    )
    title = f"Rewrite {text.replace('_', ' ')}"
    mend = Mend(kind=kind, title=title, edits=tuple(edits), targets=("success", "user_turns"), covered={})
    action = await _action(
        problem, mend, variant, workspace_id, ports, target=target, seed=seed, place=place, run_id=None
    )
    content = replace(action.content, proof=proof)
    action = replace(action, content=content, hash=shown_hash(content, 1))
    check_change(action, variant, ports)
    if not await ports.store.actions.propose(action, (announced(action),) if place else ()):
        raise RequestError("a rewrite of this text is proposed already; decide that first")
    await ports.store.audit.record(workspace_id, by, "action rewrite", outcome="done", detail=f"{action.name}: {title}")
    ports.bell.ring()
    return action


def check_change(action: Action, variant: Variant, ports: Ports) -> Variant | None:
    """The configuration with the change, as a variant that has no name of its own; None if somebody else makes it.

    Raises:
        RequestError: its type may not change that, the assistant cannot be used so, or it has changed meanwhile.
    """
    kind = ACTION_TYPES[action.kind]
    if refusal := kind.refusal(action.content.edits):
        raise RequestError(f"this change cannot be made: {refusal}")
    if not kind.is_ours:
        return None
    config = changed(variant.config, action.content.edits)
    problems = ports.connectors[variant.connector].check(config)
    if problems:
        raise RequestError(f"{variant.label} could not be used after this change: {'; '.join(problems)}")
    return replace(variant, config=config)


def announced(action: Action) -> Announcement:
    """Its card, in the thread of its run."""
    assert action.place is not None
    return Announcement(
        key=action_card_key(action.id),
        kind="action_card",
        place=action.place,
        ref={"action_id": action.id},
        parent_key=card_key(RunId(action.run_id)) if action.run_id else None,
    )


async def _actions(run: Run, variant: Variant, problems: Sequence[Problem], ports: Ports) -> list[Action]:
    """The most important ones; two problems that one change mends are one action."""
    actions: list[Action] = []
    for problem in problems:
        mend = await _new_mend(problem, variant, run.workspace_id, ports)
        if mend is None or any(mend.edits == each.content.edits for each in actions):
            continue
        actions.append(
            await _action(
                problem, mend, variant, run.workspace_id, ports,
                target=run.target, seed=run.seed, place=run.place, run_id=run.id,
            )
        )  # fmt: skip
        if len(actions) == MOST_PROPOSED:
            break
    return actions


async def _new_mend(problem: Problem, variant: Variant, workspace_id: WorkspaceId, ports: Ports) -> Mend | None:
    """The likeliest change that can be made and has not failed to help before."""
    mends = await asyncio.to_thread(lambda: list(mends_for(problem, variant, ports.profiles_dir)))
    prints = {_fingerprint(problem, mend, variant): mend for mend in mends}
    useless = await ports.store.actions.did_not_help(workspace_id, list(prints))
    for fingerprint, mend in prints.items():
        config = changed(variant.config, mend.edits)
        if fingerprint not in useless and not ports.connectors[variant.connector].check(config):
            return mend
    return None


def _fingerprint(problem: Problem, mend: Mend, variant: Variant) -> str:
    return _bare_action(problem, mend, variant, WorkspaceId("")).fingerprint


async def _action(
    problem: Problem,
    mend: Mend,
    variant: Variant,
    workspace_id: WorkspaceId,
    ports: Ports,
    *,
    target: str,
    seed: int,
    place: Place | None,
    run_id: str | None,
    by: str = CONVOTEST,
) -> Action:
    bare = _bare_action(problem, mend, variant, workspace_id)
    pairs = min(PAIRS, ports.settings.convotest_max_conversations)
    plan = await plan_run(
        RunRequest(target=target, assistant=variant.label, n=None, seed=seed, workspace_id=workspace_id), ports
    )
    pairs = pairs if plan.suite.name is None else plan.n
    wanted = replace(bare, content=replace(bare.content, target=target))
    every = pairs + sum(planned(each, seed) for each in await verification_suites(wanted, ports))
    cost = None if plan.estimated_cost_usd is None else 2 * every * plan.estimated_cost_usd / max(1, plan.n)
    now = ports.clock.now()
    content = replace(bare.content, target=target, seed=seed, conversations=2 * every, cost_usd=cost)
    return replace(
        bare,
        id=ActionId(str(uuid7())),
        content=content,
        hash=shown_hash(content, 1),
        proposer=by,
        run_id=run_id,
        place=place,
        created_at=now,
        expires_at=now + LIFE,
        progress=replace(bare.progress, pairs=pairs),
    )


def _bare_action(problem: Problem, mend: Mend, variant: Variant, workspace_id: WorkspaceId) -> Action:
    beginning = datetime.fromtimestamp(0, UTC)
    content = Content(
        title=mend.title,
        problem=problem,
        edits=mend.edits,
        diff=diff_of(mend.edits, mend.covered),
        base=plain_variant(variant.name),
        base_hash=variant.hash,
        expected=expected(problem),
        priority=priority(problem),
        effort=ACTION_TYPES[mend.kind].effort,
        targets=mend.targets,
        target="",
        seed=0,
        conversations=0,
        cost_usd=None,
    )
    return Action(
        id=ActionId(""),
        workspace_id=workspace_id,
        assistant=variant.assistant,
        kind=mend.kind,
        state="proposed",
        version=1,
        hash="",
        proposer=CONVOTEST,
        content=content,
        run_id=None,
        place=None,
        created_at=beginning,
        expires_at=beginning,
    )


def expected(problem: Problem) -> Expected | None:
    """The share of conversations that the problem touches; None where nobody counted."""
    touched = wilson_interval(problem.touched, problem.n)
    if touched is None:
        return None
    return Expected(
        share=touched.value, low=touched.low, high=touched.high, n=touched.n, success=problem.alone / problem.n
    )


def priority(problem: Problem) -> Level:
    if problem.kind in ("security", "error"):
        return "high"
    share = problem.touched / problem.n if problem.n else 0.0
    return "high" if share >= 0.3 else "medium" if share >= 0.1 else "low"


async def _variant_of(run: Run, ports: Ports) -> Variant | None:
    """The variant as the run played it, if it is still one of the assistant's."""
    return await ports.store.variants.get(run.workspace_id, run.assistant, run.variant, run.stamps["assistant"])


def _themes_of(database_url: str, workspace_id: WorkspaceId, assistant: str) -> tuple[Problem, ...]:
    with open_feedback_reader(database_url) as reader:
        scope = Scope(workspace_id=workspace_id, assistant=assistant)
        comments: list[Comment] = []
        for comment in reader.comments(scope):
            comments.append(comment)
            if len(comments) == MOST_COMMENTS:
                break
    return problems_of_comments(comments, _grouped)


def _grouped(texts: Sequence[str]) -> Sequence[Sequence[int]]:
    """Groups of texts: by theme if there are enough of them, else by the phrases that several have."""
    from jobs.feedback.themes import find_phrases, find_themes  # in the helper process only: scikit-learn

    themes = find_themes(texts)
    if themes:
        return [each.members for each in themes]
    taken: set[int] = set()
    groups: list[list[int]] = []
    for phrase in find_phrases(texts) if texts else ():
        words = phrase.text.split()
        members = [
            place
            for place, text in enumerate(texts)
            if place not in taken and all(word in text.casefold() for word in words)
        ]
        if len(members) >= FEWEST:
            groups.append(members)
            taken.update(members)
    rest = [place for place in range(len(texts)) if place not in taken]
    return [*groups, rest]
