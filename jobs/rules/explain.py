"""Why a rule failed, in words: its own, or the values it compared."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jobs.rules.evaluate import Step, compiled
from jobs.rules.files import Rule
from jobs.rules.language import Expression
from jobs.rules.library import plain
from jobs.rules.scope import Scope

LONGEST = 300
"""Characters of a value in an explanation."""
MOST_NAMES = 8


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One broken expectation.

    Args:
        conversations: the names of the conversations; none for a rule over all of them.
        reason: what the rule ``yields``, else what it compared.
        values: for each of these conversations, what the rule looked at.
    """

    conversations: tuple[str, ...]
    reason: str
    values: tuple[Mapping[str, str], ...]


def failure(rule: Rule, scope: Scope) -> Failure:
    """What there is to say about a rule that failed in this scope."""
    reason = _yielded(rule, scope) or _compared(rule.then, scope)
    if rule.conversations == "all":
        return Failure(conversations=(), reason=reason, values=())
    looked_at = _names(rule.when.tree, rule.condition.tree, rule.then.tree)
    names = [name for name in looked_at if any(name in each.variables for each in scope.conv)][:MOST_NAMES]
    return Failure(
        conversations=tuple(each.recorded.name for each in scope.conv),
        reason=reason,
        values=tuple(
            {name: shown(each.variables[name]) for name in names if name in each.variables} for each in scope.conv
        ),
    )


def shown(value: Any) -> str:
    """A value as explanations show it; a long one is cut."""
    try:
        text = repr(plain(value))
    except TypeError:
        return "a conversation"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _yielded(rule: Rule, scope: Scope) -> str | None:
    if rule.yields is None:
        return None
    found = _value(_step(rule.yields.tree), scope)
    return None if found is _NOTHING or found is None else str(found)[: 10 * LONGEST]


def _compared(then: Expression, scope: Scope) -> str:
    """The part of ``then`` that does not hold, and the values on its sides."""
    part = _broken_part(then.tree, scope)
    source = _text(part)
    if isinstance(part, ast.Compare):
        sides = (part.left, *part.comparators)
        told = [f"{_text(side)} is {shown(_evaluated(side, scope))}" for side in sides if _is_worth_telling(side)]
        return f"{source} does not hold" + (f": {', '.join(told)}" if told else "")
    found = _evaluated(part, scope)
    if found is False and (twins := _twins(part, scope)):
        return twins
    return f"{source} is not true" if found is False else f"{source} is {shown(found)}, not True"


def _twins(part: ast.expr, scope: Scope) -> str | None:
    """Which conversations share a value that should be unique."""
    if not isinstance(part, ast.Call) or not isinstance(part.func, ast.Name) or part.func.id != "is_unique":
        return None
    name = _evaluated(part.args[0], scope) if part.args else None
    owners: dict[str, list[str]] = {}
    for each in scope.world.selected:
        if (value := each.variables.get(str(name))) is not None:
            owners.setdefault(shown(value), []).append(each.recorded.name)
    shared = [f"{value} in {', '.join(names[:3])}" for value, names in owners.items() if len(names) > 1]
    return f"{name} is not unique: {'; '.join(shared[:3])}" if shared else None


def _broken_part(tree: ast.expr, scope: Scope) -> ast.expr:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        broken = next((part for part in tree.values if not _evaluated(part, scope)), tree.values[-1])
        return _broken_part(broken, scope)
    return tree


def _is_worth_telling(side: ast.expr) -> bool:
    return not isinstance(side, ast.Constant)


_NOTHING = object()


def _evaluated(tree: ast.expr, scope: Scope) -> Any:
    return _value(_step(tree), scope)


@lru_cache(maxsize=1_000)
def _step(tree: ast.expr) -> Step:
    return compiled(Expression(source="", tree=tree))


@lru_cache(maxsize=1_000)
def _text(tree: ast.expr) -> str:
    return " ".join(ast.unparse(tree).split())


def _value(step: Step, scope: Scope) -> Any:
    try:
        return step(scope)
    except Exception:  # noqa: BLE001 - an explanation that cannot be made is left out
        return _NOTHING


@lru_cache(maxsize=100)
def _names(*trees: ast.expr) -> Sequence[str]:
    """The names that a rule uses, in their order."""
    return tuple(dict.fromkeys(name for tree in trees for name in _named(tree)))


def _named(tree: ast.expr) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
