"""Tells the owner of an assistant that is not ours what to change: a signed webhook, until it is delivered."""

import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
import orjson

from jobs.actions._action import CONVOTEST, Action, Delivery, dump_content
from jobs.actions._faults import reached
from jobs.actions._lifecycle import cards_of
from jobs.assistants import ConnectorPorts
from jobs.assistants._web import open_session
from jobs.assistants.catalogue import Webhook
from jobs.bundle import Ports
from jobs.redact import redact
from jobs.store.rollouts import Audited

TIMEOUT_S = 10.0
ATTEMPTS = 8
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 3600.0


async def tell_owner(action: Action, ports: Ports) -> None:
    """Send what was approved, once it is time; the receiver knows a repeated one by its id.

    Without a webhook nothing is sent: the patch is there to be fetched, and the owner reports back.
    """
    assistant = ports.catalogue.assistant(action.assistant, workspace_id=action.workspace_id)
    delivery = action.progress.delivery or Delivery()
    if delivery.state != "waiting" or (delivery.not_before and delivery.not_before > ports.clock.now()):
        return
    if assistant.webhook is None:
        if action.progress.delivery is None:
            await _save(action, replace(delivery, error="no webhook is configured"), ports, None)
        return
    error = await _send(action, assistant.webhook, ports)
    reached("told")
    attempts = delivery.attempts + 1
    if error is None:
        what = _audited(action, "action tell owner", "delivered")
        await _save(action, Delivery(state="delivered", attempts=attempts), ports, what)
        return
    wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempts - 1))
    later = replace(
        delivery,
        state="failed" if attempts >= ATTEMPTS else "waiting",
        attempts=attempts,
        not_before=ports.clock.now() + timedelta(seconds=wait),
        error=redact(error)[:300],
    )
    what = _audited(action, "action tell owner", f"given up: {error}") if later.state == "failed" else None
    await _save(action, later, ports, what)


async def _send(action: Action, webhook: Webhook, ports: Ports) -> str | None:
    """None when it arrived, else what went wrong; answers and redirects of the other side are not followed."""
    secrets = ConnectorPorts(clock=ports.clock, profiles_dir=ports.profiles_dir)
    if missing := secrets.unset(webhook.secret):
        return f"the secret {missing[0]} is not set"
    body = orjson.dumps(patch_of(action))
    stamp = str(int(ports.clock.now().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "X-Convotest-Delivery": f"{action.id}:{action.version}",
        "X-Convotest-Timestamp": stamp,
        "X-Convotest-Signature": signature(secrets.filled_in(webhook.secret), stamp, body),
    }
    try:
        async with (
            open_session() as session,
            session.post(
                webhook.url,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            ) as response,
        ):
            return None if 200 <= response.status < 300 else f"HTTP {response.status}"
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return f"{urlsplit(webhook.url).hostname} cannot be reached ({type(error).__name__})"


def signature(secret: str, stamp: str, body: bytes) -> str:
    """``v1=`` and the HMAC-SHA256 of ``v1:{timestamp}:{body}``."""
    said = b"v1:" + stamp.encode() + b":" + body
    return "v1=" + hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()


def patch_of(action: Action) -> dict[str, object]:
    """The change as its owner gets it: what is wrong, what to do, and the values where there are any."""
    content = dump_content(action.content)
    return {
        "action": action.id,
        "version": action.version,
        "assistant": action.assistant,
        "kind": action.kind,
        "state": action.state,
        "title": action.content.title,
        "problem": content["problem"],
        "instruction": action.content.instruction or "\n".join(action.content.diff),
        "changes": content["edits"],
        "approved_by": action.decided_by,
    }


async def report_state(
    action: Action, state: str, ports: Ports, *, by: str, variant: str | None = None, note: str = ""
) -> Action | None:
    """What the owner says became of it; None if that was said before. Said twice it changes nothing.

    Args:
        variant: the variant of ``assistants.yaml`` that has the change; with it the change is verified.
    """
    delivery = action.progress.delivery or Delivery()
    if action.state != "approved" or delivery.state in ("applied", "failed"):
        return None
    what = Audited(member_id=by, verb="action report", detail=f"{action.name}: {state} {note}".strip())
    told = replace(delivery, state="applied" if state == "applied" else "failed", variant=variant, error=note[:300])
    progress = replace(action.progress, delivery=told, attempt=1)
    moved = await ports.store.actions.move(
        action,
        "applied" if state == "applied" else "rejected",
        what,
        cards=cards_of(action),
        progress=progress,
        candidate=variant,
        note=note or None,
    )
    ports.bell.ring()
    return await ports.store.actions.get(action.id) if moved else None


async def _save(action: Action, delivery: Delivery, ports: Ports, what: Audited | None) -> None:
    progress = replace(action.progress, delivery=delivery)
    await ports.store.actions.move(action, None, what, cards=cards_of(action), progress=progress)
    ports.bell.ring()


def _audited(action: Action, verb: str, detail: str) -> Audited:
    return Audited(member_id=CONVOTEST, verb=verb, detail=f"{action.name} ({action.content.title}): {detail}")
