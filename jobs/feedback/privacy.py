"""Forgetting: on demand for one member, and by itself for what is too old."""

import logging
from dataclasses import replace
from datetime import timedelta

from jobs.bundle import Ports
from jobs.model import WorkspaceId
from jobs.schedule.use_case import SystemJob
from jobs.store import Store
from jobs.store.feedback import Forgotten

log = logging.getLogger(__name__)

ANSWERS_KEPT = timedelta(days=7)
"""How long a request with an idempotency key is remembered."""


async def forget_member(member_id: str, *, store: Store, workspace_id: WorkspaceId | None = None) -> Forgotten:
    """Deletes everything that the member said and kept, in one workspace or in all, and their live conversations with
    what others kept of them."""
    of_theirs = await store.feedback.forget_examples_of(member_id, workspace_id=workspace_id)
    conversations = await store.live.forget_member(member_id, workspace_id=workspace_id)
    gone = await store.feedback.forget_member(member_id, workspace_id=workspace_id)
    return replace(gone, conversations=conversations, examples=gone.examples + of_theirs)


async def forget_old_feedback(ports: Ports) -> Forgotten:
    """Deletes what is older than ``CONVOTEST_RETENTION_DAYS``, live conversations that are over among it; without that
    setting nothing but answered requests."""
    now, days = ports.clock.now(), ports.settings.convotest_retention_days
    await ports.store.feedback.forget_answers(before=now - ANSWERS_KEPT)
    if days is None:
        return Forgotten(ratings=0, examples=0)
    conversations = await ports.store.live.forget_before(now - timedelta(days=days))
    gone = await ports.store.feedback.forget_before(now - timedelta(days=days))
    return replace(gone, conversations=conversations)


async def keep_to_retention(ports: Ports) -> None:
    """Once a day; doing it again changes nothing."""
    gone = await forget_old_feedback(ports)
    if gone.ratings or gone.examples or gone.conversations:
        counts = (gone.ratings, gone.examples, gone.conversations)
        log.info("retention deleted %d ratings, %d examples and %d conversations", *counts)


RETENTION = SystemJob(name="retention", run=keep_to_retention, cron="15 3 * * *")
