"""Which pairs of conversations a rule over two is about, found without looking at every pair.

What depends on one conversation only is evaluated once for each, conversations that agree in all of it are looked at
as one, and pairs are formed only where both sides of each equality in ``when`` and ``if`` agree.
"""

import ast
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from jobs.rules.evaluate import Failed, Step, compiled
from jobs.rules.files import Rule
from jobs.rules.language import Expression
from jobs.rules.library import MODEL_BACKED, OF_THE_FIRST
from jobs.rules.scope import Scope, World
from jobs.rules.values import Conversation, Stopped, Unanswered

Sides = frozenset[int]
FIRST, SECOND, BOTH = frozenset({0}), frozenset({1}), frozenset({0, 1})
_NEITHER: Sides = frozenset()


@dataclass(kw_only=True, slots=True)
class PairGroup:
    """Ordered pairs that a rule cannot tell apart: any of ``firsts`` with any other of ``seconds``.

    ``hoisted`` is, for each side, what the parts of the rule that depend on one conversation are for these.
    """

    firsts: Sequence[int]
    seconds: Sequence[int]
    count: int
    hoisted: tuple[Sequence[Any], Sequence[Any]]

    def pairs(self) -> Iterator[tuple[int, int]]:
        return ((one, other) for one in self.firsts for other in self.seconds if one != other)

    def example(self) -> tuple[int, int]:
        one, other = self.firsts[0], self.seconds[0]
        return (one, other) if one != other else next(self.pairs())


class PairPlan:
    """How to evaluate a rule over two conversations."""

    def __init__(self, rule: Rule) -> None:
        conjuncts = [*_conjuncts(rule.when.tree), *_conjuncts(rule.condition.tree)]
        equalities = [node for node in conjuncts if _is_blocking(node)]
        rest = [node for node in conjuncts if node not in equalities]
        parts = _Parts()
        for node in (*equalities, *rest, rule.then.tree):
            parts.add(node)
        self._rule = rule  # parts are known by the ids of its nodes, so these must stay
        self._sides = parts.sides
        self._numbers = parts.numbers
        self._grouped = not parts.whole
        self._parts = [compiled(_expression(node)) for node in parts.nodes]
        filters = [node for node in conjuncts if id(node) in parts.numbers]
        self._filters = [parts.numbers[id(node)] for node in filters]
        self._keys = [self._key_numbers(cast(ast.Compare, node)) for node in equalities]
        open_ones = [node for node in rest if node not in filters or _asks_a_model(node)]
        self.conditions: tuple[Step, ...] = tuple(self._compiled(node) for node in open_ones)
        self.then: Step = self._compiled(rule.then.tree)

    def groups(self, conversations: Sequence[Conversation], world: World) -> Iterator[PairGroup]:
        """The pairs that may matter; a rule applies to no other."""
        values = [self._values(each, world) for each in conversations]
        firsts = self._by_signature(values, 0)
        seconds = self._by_signature(values, 1)
        both = Counter(zip(_labels(firsts, len(values)), _labels(seconds, len(values)), strict=True))
        blocks: dict[Hashable, list[int]] = defaultdict(list)
        for label, members in enumerate(seconds):
            if not self._may_apply(values[members[0]], 1):
                continue
            if (key := self._key(values[members[0]], 1)) is not None:
                blocks[key].append(label)
        for label, members in enumerate(firsts):
            key = self._key(values[members[0]], 0) if self._may_apply(values[members[0]], 0) else None
            for other in blocks.get(key, ()) if key is not None else ():
                count = len(members) * len(seconds[other]) - both[label, other]
                if count:
                    hoisted = (values[members[0]], values[seconds[other][0]])
                    yield PairGroup(firsts=members, seconds=seconds[other], count=count, hoisted=hoisted)

    def _values(self, conversation: Conversation, world: World) -> list[Any]:
        """Every part that depends on one conversation, as this one has it (on whichever side)."""
        scope_conv = [conversation, conversation]
        return [_outcome(part, Scope(scope_conv, world=world)) for part in self._parts]

    def _by_signature(self, values: Sequence[Sequence[Any]], side: int) -> list[list[int]]:
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for index, found in enumerate(values):
            mine = tuple(frozen(value, exact=True) for value, of in zip(found, self._sides, strict=True) if of == side)
            groups[mine if self._grouped else index].append(index)
        return list(groups.values())

    def _may_apply(self, found: Sequence[Any], side: int) -> bool:
        """Whether the conditions on this side alone allow it; a question for a model stays open."""
        mine = (found[number] for number in self._filters if self._sides[number] == side)
        return all(isinstance(each.error, Unanswered) if isinstance(each, Failed) else each for each in mine)

    def _key(self, found: Sequence[Any], side: int) -> Hashable | None:
        """What both sides of a pair must agree in; None if it cannot be told, so that the rule does not apply."""
        numbers = [pair[side] for pair in self._keys]
        if any(isinstance(found[number], Failed) for number in numbers):
            return None
        return tuple(frozen(found[number], exact=False) for number in numbers)

    def _key_numbers(self, node: ast.Compare) -> tuple[int, int]:
        numbers = (self._numbers[id(node.left)], self._numbers[id(node.comparators[0])])
        return numbers if self._sides[numbers[0]] == 0 else (numbers[1], numbers[0])

    def _compiled(self, tree: ast.expr) -> Step:
        places = {node: (self._sides[number], number) for node, number in self._numbers.items()}
        return compiled(_expression(tree), hoisted=places)


def _outcome(part: Step, scope: Scope) -> Any:
    try:
        return part(scope)
    except Stopped:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a rule runs into is its outcome, raised where it is used
        return Failed(error=error)


def _expression(tree: ast.expr) -> Expression:
    return Expression(source="", tree=tree)


def _labels(groups: Sequence[Sequence[int]], count: int) -> list[int]:
    labels = [0] * count
    for label, members in enumerate(groups):
        for index in members:
            labels[index] = label
    return labels


# --- what depends on what -------------------------------------------------------------------------------------------


class _Parts:
    """The largest parts of a rule that depend on one conversation only."""

    def __init__(self) -> None:
        self.nodes: list[ast.expr] = []
        self.sides: list[int] = []
        self.numbers: dict[int, int] = {}
        self.whole = False
        """Whether a conversation is used other than through such parts."""

    def add(self, node: ast.AST) -> None:
        sides = sides_of(node)
        is_loop_part = isinstance(node, ast.GeneratorExp | ast.Slice | ast.comprehension | ast.keyword)
        is_part = isinstance(node, ast.expr) and len(sides) == 1 and not is_loop_part and not _is_conversation(node)
        if isinstance(node, ast.expr) and is_part and not _free_names(node):
            self.numbers[id(node)] = len(self.nodes)
            self.nodes.append(node)
            self.sides.append(min(sides))
            return
        if (isinstance(node, ast.Name) and node.id == "conv") or _is_conversation(node):
            self.whole = True
        for child in ast.iter_child_nodes(node):
            self.add(child)


def sides_of(node: ast.AST) -> Sides:
    """Which of the two conversations a part looks at."""
    if _is_conversation(node):
        return frozenset({cast(int, cast(ast.Constant, cast(ast.Subscript, node).slice).value)})
    if isinstance(node, ast.Name) and node.id == "conv":
        return BOTH
    own = FIRST if isinstance(node, ast.Call) and getattr(node.func, "id", "") in OF_THE_FIRST else _NEITHER
    return own.union(*(sides_of(child) for child in ast.iter_child_nodes(node)))


def _is_conversation(node: ast.AST) -> bool:
    """``conv[0]`` or ``conv[1]``."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
        return False
    return isinstance(node.value, ast.Name) and node.value.id == "conv" and node.slice.value in (0, 1)


def _free_names(node: ast.AST) -> set[str]:
    """Names that a loop around the part may bind."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
    bound = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    called = {each.func.id for each in ast.walk(node) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}
    return names - bound - called - {"conv"}


def _conjuncts(tree: ast.expr) -> list[ast.expr]:
    """The parts of ``a and b and c``. Their order does not matter: false and an error both mean *not applicable*."""
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        return [part for value in tree.values for part in _conjuncts(value)]
    return [tree]


def _is_blocking(node: ast.expr) -> bool:
    """``something of conv[0] == something of conv[1]``, or the other way round."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq):
        return False
    left, right = node.left, node.comparators[0]
    hoistable = not any(
        _is_conversation(side) or isinstance(side, ast.GeneratorExp) or _free_names(side) for side in (left, right)
    )
    return hoistable and not _asks_a_model(node) and {sides_of(left), sides_of(right)} == {FIRST, SECOND}


def _asks_a_model(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Name) and each.id in MODEL_BACKED for each in ast.walk(node))


# --- values as keys -------------------------------------------------------------------------------------------------


def frozen(value: Any, *, exact: bool) -> Hashable:
    """A key that equal values share, and only they; with ``exact`` 1, 1.0 and True differ."""
    if type(value) is float and value != value:
        return object()  # no such number equals another
    if isinstance(value, Failed):
        error = value.error
        return (Failed, error.question if isinstance(error, Unanswered) else str(type(error)))
    if isinstance(value, list | tuple):
        items = cast("Sequence[Any]", value)
        return (type(items).__name__, *(frozen(item, exact=exact) for item in items))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return ("dict", frozenset((frozen(key, exact=exact), frozen(item, exact=exact)) for key, item in pairs))
    if isinstance(value, set):
        return ("set", frozenset(frozen(item, exact=exact) for item in cast("Iterable[Any]", value)))
    return (type(value).__name__, value) if exact else cast(Hashable, value)
