"""Which variants there are, and which one is in force: those of the file, and those that were made here from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from jobs.assistants.catalogue import Assistant, variant_hash
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import InForce, MadeVariant, Variant, WorkspaceId
from jobs.shelf import unknown

Origin = Literal["file", "made"]


@dataclass(frozen=True, kw_only=True)
class KnownVariant:
    """A variant, where it comes from, and whether it is in force."""

    variant: Variant
    origin: Origin
    in_force: bool
    made: MadeVariant | None = None

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        if self.made is None:
            return "assistants.yaml"
        return f"made from {self.made.parent!r} on {self.made.made_at:%Y-%m-%d}, approved by {self.made.author}"


async def find_variant(spec: str | None, *, profile: str = "", workspace_id: WorkspaceId, ports: Ports) -> Variant:
    """The variant that ``NAME`` or ``NAME@VARIANT`` means; without ``@VARIANT`` the one that is in force.

    Args:
        spec: None = the assistant whose ``profiles`` match, else the only one.
        profile: the profile's path under the profiles directory, without suffix.

    Raises:
        RequestError: no such assistant or variant, or more than one would do.
    """
    name, at, wanted = (spec or "").strip().partition("@")
    if spec is None:
        name = ports.catalogue.variant(None, profile=profile, workspace_id=workspace_id).assistant
    assistant = ports.catalogue.assistant(name, workspace_id=workspace_id)
    if not at:
        return await variant_in_force(name, workspace_id, ports)
    if wanted in assistant.variants:
        return assistant.variants[wanted]
    made = await ports.store.variants.made(workspace_id, name, wanted)
    if made is None:
        others = await ports.store.variants.all_made(workspace_id, name)
        known = (*assistant.variants, *(each.variant.name for each in others))
        raise RequestError(unknown(f"variant of {name!r}", wanted, known))
    return _as_configured(made.variant, assistant, ports.profiles_dir)


async def variant_in_force(assistant_name: str, workspace_id: WorkspaceId, ports: Ports) -> Variant:
    """The variant that serves when nobody names one: what was decided last, else the default of the file."""
    assistant = ports.catalogue.assistant(assistant_name, workspace_id=workspace_id)
    decided = await ports.store.variants.in_force(workspace_id, assistant_name)
    return await _decided(assistant, decided, workspace_id, ports)


async def known_variants(assistant: Assistant, workspace_id: WorkspaceId, ports: Ports) -> Sequence[KnownVariant]:
    """Every variant of an assistant: those of the file in its order, then those that were made, oldest first."""
    current = await variant_in_force(assistant.name, workspace_id, ports)
    made = await ports.store.variants.all_made(workspace_id, assistant.name)
    of_file = [
        KnownVariant(variant=each, origin="file", in_force=each.name == current.name)
        for each in assistant.variants.values()
    ]
    of_store = [
        KnownVariant(
            variant=_as_configured(each.variant, assistant, ports.profiles_dir),
            origin="made",
            in_force=each.variant.name == current.name,
            made=each,
        )
        for each in made
        if each.variant.name not in assistant.variants
    ]
    return (*of_file, *of_store)


async def assistant_json(
    assistant: Assistant,
    workspace_id: WorkspaceId,
    ports: Ports,
    *,
    with_content: bool = False,
    only: str | None = None,
) -> dict[str, Any]:
    """An assistant with its variants, and where each comes from, as one JSON value."""
    known = await known_variants(assistant, workspace_id, ports)
    shown = {each.variant.name: _json(each, with_content=with_content) for each in known}
    return assistant.to_json() | {
        "in_force": next((each.variant.name for each in known if each.in_force), assistant.default),
        "variants": {name: value for name, value in shown.items() if only in (None, name)},
    }


def _json(known: KnownVariant, *, with_content: bool) -> dict[str, Any]:
    value: dict[str, Any] = {"hash": known.variant.hash, "origin": known.origin, "in_force": known.in_force}
    if with_content:
        value |= {"config": dict(known.variant.config), "from": known.source}
    if known.made is not None:
        value |= {
            "parent": known.made.parent,
            "diff": known.made.diff.splitlines(),
            "author": known.made.author,
            "reason": known.made.reason,
            "action": known.made.action_id,
            "made_at": known.made.made_at.isoformat(),
        }
    return value


async def put_in_force(
    variant: Variant, *, by: str, reason: str, workspace_id: WorkspaceId, ports: Ports, place: str = ""
) -> None:
    """Put a variant in force and record who did it; raises RequestError while a rollout of the assistant is open."""
    current = await variant_in_force(variant.assistant, workspace_id, ports)
    if (current.name, current.hash) == (variant.name, variant.hash):
        return
    if not await ports.store.variants.put_in_force(workspace_id, variant, by=by, reason=reason):
        raise RequestError(
            f"a rollout of {variant.assistant!r} is under way, so nothing was changed; finish it or roll it back first"
        )
    await ports.store.audit.record(
        workspace_id,
        by,
        "variant in force",
        outcome="done",
        detail=f"{current.label} → {variant.label}: {reason}",
        place=place,
    )
    ports.bell.ring()


def new_variant(parent: Variant, name: str, config: Mapping[str, object], ports: Ports) -> Variant:
    """The parent with another configuration, under a name of its own."""
    return replace(
        parent, name=name, config=dict(config), hash=variant_hash(parent.connector, config, ports.profiles_dir)
    )


async def free_name(parent: Variant, workspace_id: WorkspaceId, ports: Ports) -> str:
    """A name for a variant that is made from the parent: ``faulty-2`` after ``faulty`` and ``faulty-1``."""
    assistant = ports.catalogue.assistant(parent.assistant, workspace_id=workspace_id)
    made = await ports.store.variants.all_made(workspace_id, parent.assistant)
    taken = {*assistant.variants, *(each.variant.name for each in made)}
    stem = next((each.parent for each in made if each.variant.name == parent.name), parent.name)
    while stem not in assistant.variants and (
        older := next((each for each in made if each.variant.name == stem), None)
    ):
        stem = older.parent
    return next(name for number in range(1, len(taken) + 2) if (name := f"{stem[:50]}-{number}") not in taken)


async def _decided(assistant: Assistant, decided: InForce | None, workspace_id: WorkspaceId, ports: Ports) -> Variant:
    """A variant of the file as the file has it now, since whoever owns the file meant its change to count."""
    if decided is None:
        return assistant.variants[assistant.default]
    if decided.name in assistant.variants:
        return assistant.variants[decided.name]
    kept = await ports.store.variants.get(workspace_id, assistant.name, decided.name, decided.hash)
    return _as_configured(kept, assistant, ports.profiles_dir) if kept else assistant.variants[assistant.default]


def _as_configured(variant: Variant, assistant: Assistant, profiles_dir: Path) -> Variant:
    """What the file says of the assistant as a whole, such as its pace, holds for variants that were made too; and
    with another content of a file that its configuration names it is another version."""
    example = assistant.variants[assistant.default]
    return replace(
        variant,
        hash=variant_hash(variant.connector, variant.config, profiles_dir),
        limits=example.limits,
        resumable=example.resumable,
        workspaces=assistant.workspaces,
    )
