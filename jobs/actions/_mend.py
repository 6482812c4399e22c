"""Changes that are known to mend a problem of the demo shop, without any model: rules over its configuration.

A variant of the shop lays its own values over the shop's file. Where one of them fits the problem, the change takes
it away, so that what the file says holds again.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from jobs.actions._action import ActionKind, Edit, Problem
from jobs.actions._edits import value_at
from jobs.model import Variant

DEMO = "demo"
NOT_UNDERSTOOD = r"not understood|did not get|fallback|more than twice|misunderst|say it another way"


@dataclass(frozen=True, kw_only=True)
class Mend:
    """A change that fits a problem; ``covered`` is what holds again where an entry is taken away."""

    kind: ActionKind
    title: str
    edits: tuple[Edit, ...]
    targets: tuple[str, ...]
    covered: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Cause:
    """A part of the configuration, and the words by which a problem with it is known."""

    kind: ActionKind
    path: tuple[str, ...]
    signs: str
    title: str
    targets: tuple[str, ...]


CAUSES = (
    _Cause(
        kind="flow", path=("flow", "order"), signs=r"\bleft out\b|\bdrinks?\b|\bcans?\b|forgot|missing",
        title="Put everything that was ordered on the order", targets=("success", "completeness"),
    ),
    _Cause(
        kind="flow", path=("flow", "charge_when_placing"), signs=r"\bprices?\b|\bbill|charge|\bcost|\btotal\b|\$",
        title="Bill what was quoted", targets=("success", "coherence"),
    ),
    _Cause(
        kind="examples", path=("examples", "waiting_time"),
        signs=r"how long|\bminutes\b|waiting|\btime\b|\bwhen\b|\bready\b",
        title="Understand when customers ask how long it takes", targets=("success", "completeness", "fallback_share"),
    ),
    _Cause(
        kind="flow", path=("flow", "placed_says"), signs=r"how long|\bminutes\b|waiting|\btime\b|\bready\b|number",
        title="Say how long it takes when the order is placed", targets=("success", "completeness"),
    ),
    _Cause(
        kind="parameters", path=("noise",), signs=NOT_UNDERSTOOD,
        title="Hear every turn", targets=("success", "fallback_share"),
    ),
    _Cause(
        kind="flow", path=("flow", "understood_at"), signs=NOT_UNDERSTOOD,
        title="Be as strict about what is understood as the shop's file says", targets=("fallback_share",),
    ),
    _Cause(
        kind="parameters", path=("latency_ms",), signs=r"longer than|slow|takes? ages",
        title="Answer without thinking that long", targets=("latency_ms",),
    ),
)  # fmt: skip


def mends_for(problem: Problem, variant: Variant, profiles_dir: Path) -> Iterator[Mend]:
    """Changes that may mend the problem, the likeliest first; nothing for assistants whose inside is not known."""
    if variant.connector != DEMO:
        return
    shop = _shop(variant, profiles_dir)
    said = " ".join((problem.text, *(quote.text for quote in problem.quotes if quote.speaker == "feedback")))
    for cause in (*CAUSES, *_intents(variant), *_templates(variant, problem)):
        if re.search(cause.signs, said, re.IGNORECASE) and _is_set(variant.config, cause.path):
            edit = _edit(cause, variant.config)
            if edit is not None:
                yield Mend(
                    kind=cause.kind,
                    title=cause.title,
                    edits=(edit,),
                    targets=cause.targets,
                    covered={edit.name: value_at(shop, cause.path)} if edit.removes else {},
                )


def _edit(cause: _Cause, config: Mapping[str, Any]) -> Edit | None:
    before = value_at(config, cause.path)
    if cause.path == ("noise",):
        return Edit(path=cause.path, before=before, after=0) if before else None
    if cause.path == ("latency_ms",):
        return Edit(path=cause.path, before=before, after=min(350, int(before) // 2)) if before else None
    return Edit(path=cause.path, before=before, removes=True)


def _intents(variant: Variant) -> Iterator[_Cause]:
    """Examples of the shop that this variant has replaced, known by the intent's name."""
    known = {each.path for each in CAUSES}
    for intent in _section(variant.config, "examples"):
        if ("examples", intent) not in known:
            named = r"[ _]".join(map(re.escape, re.split(r"[ _]", intent)))
            yield _Cause(
                kind="examples", path=("examples", intent), signs=rf"\b{named}\b|{NOT_UNDERSTOOD}",
                title=f"Understand {intent.replace('_', ' ')} by the shop's own examples",
                targets=("success", "fallback_share"),
            )  # fmt: skip


def _templates(variant: Variant, problem: Problem) -> Iterator[_Cause]:
    """Texts of this variant that were said where it went wrong."""
    heard = [quote.text for quote in problem.quotes if quote.speaker == "assistant"]
    for name, texts in _section(variant.config, "templates").items():
        if any(_was_said(str(text), heard) for text in cast("Sequence[Any]", texts)):
            yield _Cause(
                kind="template", path=("templates", name), signs="", title=f"Say {name!r} as the shop's file has it",
                targets=("success",),
            )  # fmt: skip


def _was_said(template: str, heard: Sequence[str]) -> bool:
    fixed = [part.strip() for part in re.split(r"\{\w+\}", template) if len(part.strip()) > 8]
    return bool(fixed) and any(all(part in text for part in fixed) for text in heard)


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return cast("Mapping[str, Any]", section) if isinstance(section, Mapping) else {}


def _is_set(config: Mapping[str, Any], path: Sequence[str]) -> bool:
    holder = value_at(config, path[:-1]) if len(path) > 1 else config
    return isinstance(holder, Mapping) and path[-1] in holder


def _shop(variant: Variant, profiles_dir: Path) -> Mapping[str, Any]:
    """The shop's own file, which the connector has checked."""
    content: Any = yaml.safe_load((profiles_dir / str(variant.config["shop"])).read_text(encoding="utf-8"))
    return cast("Mapping[str, Any]", content) if isinstance(content, dict) else {}
