"""Turns a checked expression into functions of a scope: nothing is reachable but what the language has."""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from jobs.rules.budget import LONGEST_TEXT, Budget
from jobs.rules.language import Expression, ExpressionError, parse_expression
from jobs.rules.library import FUNCTIONS, plain
from jobs.rules.methods import ATTRIBUTES, METHODS
from jobs.rules.scope import Scope, World
from jobs.rules.values import Absent, Conversation, Stopped, kind_of

Step = Callable[[Scope], Any]

LARGEST_BITS = 4_096
"""Whole numbers have at most about 1,200 digits."""

_SCALARS = (str, int, float, bool, type(None))
_SPEC = re.compile(r"(?:.?[<>=^])?[-+ ]?#?0?(\d{0,3})[,_]?(?:\.(\d{1,3}))?[a-zA-Z%]?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A part that was evaluated before and raised this."""

    error: Exception


def compiled(expression: Expression, *, hoisted: Mapping[int, tuple[int, int]] | None = None) -> Step:
    """The expression as a function.

    Args:
        hoisted: nodes (by their id) whose value stands ready in the scope, under that side and number.
    """
    return _Compiler(hoisted or {}).step(expression.tree)


def holds(condition: str, conversation: Conversation, world: World, budget: Budget) -> Any:
    """The value of a condition in one conversation, for ``exists`` and ``num_exist``."""
    budget.charge(5 + (len(condition) >> 2))
    try:
        expression = parse_expression(condition)
    except ExpressionError as error:
        raise Stopped(f"{condition[:60]!r} is no condition: {error.message}", error.fix) from error
    return compiled_once(expression)(Scope([conversation], world=world, alone=conversation, budget=budget))


_steps: dict[int, tuple[Expression, Step]] = {}


def compiled_once(expression: Expression) -> Step:
    """The expression as a function, kept for the next time."""
    known = _steps.get(id(expression))
    if known is None:
        if len(_steps) > 1_000:
            _steps.clear()
        known = _steps[id(expression)] = (expression, compiled(expression))
    return known[1]


class _Compiler:
    def __init__(self, hoisted: Mapping[int, tuple[int, int]]) -> None:
        self._hoisted = hoisted

    def step(self, node: ast.AST) -> Step:
        if place := self._hoisted.get(id(node)):
            return _ready(*place)
        return _BUILDERS[type(node)](self, node)

    def steps(self, nodes: Sequence[ast.AST]) -> tuple[Step, ...]:
        return tuple(self.step(node) for node in nodes)


def _ready(side: int, number: int) -> Step:
    def value(scope: Scope) -> Any:
        found = scope.hoisted[side][number]
        if isinstance(found, Failed):
            raise found.error
        return found

    return value


# --- names and constants --------------------------------------------------------------------------------------------


def _constant(compiler: _Compiler, node: ast.Constant) -> Step:
    value = node.value
    return lambda scope: value


def _name(compiler: _Compiler, node: ast.Name) -> Step:
    name = node.id

    def value(scope: Scope) -> Any:
        if name in scope.locals:
            return scope.locals[name]
        if name == "conv":
            return scope.conv
        if scope.alone is not None and name in scope.alone.variables:
            return scope.alone.variables[name]
        raise Absent(name)

    return value


def _attribute(compiler: _Compiler, node: ast.Attribute) -> Step:
    of, name = compiler.step(node.value), node.attr

    def value(scope: Scope) -> Any:
        found = of(scope)
        if type(found) is Conversation:
            return found.attribute(name)
        read = ATTRIBUTES.get(name, {}).get(kind_of(found))
        if read is None:
            raise Absent(name)
        return read(found)

    return value


# --- operators ------------------------------------------------------------------------------------------------------


def _bool_op(compiler: _Compiler, node: ast.BoolOp) -> Step:
    steps, stops_at = compiler.steps(node.values), isinstance(node.op, ast.Or)

    def value(scope: Scope) -> Any:
        found: Any = None
        for step in steps:
            found = step(scope)
            if bool(found) is stops_at:
                break
        return found

    return value


def _not(found: Any) -> bool:
    return not found


_UNARY: Mapping[type, Callable[[Any], Any]] = {ast.Not: _not, ast.USub: operator.neg, ast.UAdd: operator.pos}


def _unary_op(compiler: _Compiler, node: ast.UnaryOp) -> Step:
    operand, apply = compiler.step(node.operand), _UNARY[type(node.op)]
    return lambda scope: apply(operand(scope))


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > LARGEST_BITS:
        raise Stopped("it makes a number of more than 1,200 digits", "calculate with smaller numbers")
    return left**right


def _divide(left: Any, right: Any) -> Any:
    return left / right


def _divide_whole(left: Any, right: Any) -> Any:
    return left // right


_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.FloorDiv: _divide_whole,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}


def _bin_op(compiler: _Compiler, node: ast.BinOp) -> Step:
    left, right, kind = compiler.step(node.left), compiler.step(node.right), type(node.op)
    apply = _BINARY[kind]

    def value(scope: Scope) -> Any:
        one, other = left(scope), right(scope)
        _check_operands(kind, one, other)
        return scope.budget.made(_checked(apply(one, other)))

    return value


def _check_operands(kind: type, one: Any, other: Any) -> None:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return
    if kind is ast.Mod and isinstance(one, str):
        raise Stopped("'%' on a text is not part of the language of rules", "write an f-string")
    if kind is ast.Mult:
        text, times = (one, other) if isinstance(one, str) else (other, one)
        if not isinstance(text, str):
            raise Stopped("repeating a list is not part of the language of rules", "write it out")
        if isinstance(times, int) and len(text) * times > LONGEST_TEXT:
            raise Stopped("it makes a text of more than 100,000 characters", "shorten it")


def _checked(found: Any) -> Any:
    if type(found) is int and found.bit_length() > LARGEST_BITS:
        raise Stopped("it makes a number of more than 1,200 digits", "calculate with smaller numbers")
    if type(found) is complex:
        raise ArithmeticError("this number is not real")
    return found


def _in(one: Any, other: Any) -> bool:
    return one in other


def _not_in(one: Any, other: Any) -> bool:
    return one not in other


_COMPARE: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: _in,
    ast.NotIn: _not_in,
}


def _compare(compiler: _Compiler, node: ast.Compare) -> Step:
    first = compiler.step(node.left)
    rest = [(_COMPARE[type(op)], compiler.step(right)) for op, right in zip(node.ops, node.comparators, strict=True)]

    def value(scope: Scope) -> Any:
        left, found = first(scope), True
        for apply, step in rest:
            right = step(scope)
            scope.budget.touch(left)
            scope.budget.touch(right)
            found = apply(left, right)
            if not found:
                break
            left = right
        return found

    return value


def _if_exp(compiler: _Compiler, node: ast.IfExp) -> Step:
    test, body, other = compiler.steps((node.test, node.body, node.orelse))
    return lambda scope: body(scope) if test(scope) else other(scope)


def _subscript(compiler: _Compiler, node: ast.Subscript) -> Step:
    of, key = compiler.step(node.value), compiler.step(node.slice)

    def value(scope: Scope) -> Any:
        found = of(scope)[key(scope)]
        return scope.budget.made(found) if is_slice else found

    is_slice = isinstance(node.slice, ast.Slice)
    return value


def _slice(compiler: _Compiler, node: ast.Slice) -> Step:
    lower, upper, step = (compiler.step(part) if part else None for part in (node.lower, node.upper, node.step))

    def value(scope: Scope) -> slice:
        return slice(*(part(scope) if part else None for part in (lower, upper, step)))

    return value


# --- lists and loops ------------------------------------------------------------------------------------------------


def _literal(make: Callable[[Iterator[Any]], Any]) -> Callable[[_Compiler, Any], Step]:
    def build(compiler: _Compiler, node: ast.List | ast.Tuple | ast.Set) -> Step:
        steps = compiler.steps(node.elts)
        return lambda scope: scope.budget.made(make(step(scope) for step in steps))

    return build


def _dict(compiler: _Compiler, node: ast.Dict) -> Step:
    if None in node.keys:
        raise AssertionError("a ** in a literal is refused when it is parsed")
    pairs = tuple(zip(compiler.steps(cast(Sequence[ast.AST], node.keys)), compiler.steps(node.values), strict=True))
    return lambda scope: scope.budget.made({key(scope): value(scope) for key, value in pairs})


def _loop(make: Callable[[Iterator[Any]], Any] | None) -> Callable[[_Compiler, Any], Step]:
    def build(compiler: _Compiler, node: ast.GeneratorExp | ast.ListComp | ast.SetComp) -> Step:
        element, loops = compiler.step(node.elt), _Loops(compiler, node.generators)
        cost = sum(1 for _ in ast.walk(node.elt))

        def values(first: Any, scope: Scope) -> Iterator[Any]:
            for inner in loops.run(first, scope.inner()):
                scope.budget.charge(cost)
                yield element(inner)

        def value(scope: Scope) -> Any:
            found = values(loops.first(scope), scope)
            return found if make is None else scope.budget.made(make(found))

        return value

    return build


def _dict_comp(compiler: _Compiler, node: ast.DictComp) -> Step:
    key, value, loops = compiler.step(node.key), compiler.step(node.value), _Loops(compiler, node.generators)

    def made(scope: Scope) -> Any:
        first = loops.first(scope)
        return scope.budget.made({key(inner): value(inner) for inner in loops.run(first, scope.inner())})

    return made


class _Loops:
    """The ``for`` and ``if`` parts of a loop. As in Python the first list is evaluated at once, all else on demand."""

    def __init__(self, compiler: _Compiler, generators: Sequence[ast.comprehension]) -> None:
        self.first = compiler.step(generators[0].iter)
        self._levels = [
            (_bind(level.target), compiler.step(level.iter), compiler.steps(level.ifs)) for level in generators
        ]
        self._cost = 2 + sum(1 for level in generators for condition in level.ifs for _ in ast.walk(condition))

    def run(self, first: Any, scope: Scope, level: int = 0) -> Iterator[Scope]:
        bind, items, conditions = self._levels[level]
        for item in first if level == 0 else items(scope):
            scope.budget.charge(self._cost)
            bind(scope.locals, item)
            if all(condition(scope) for condition in conditions):
                if level + 1 < len(self._levels):
                    yield from self.run(None, scope, level + 1)
                else:
                    yield scope


def _bind(target: ast.expr) -> Callable[[dict[str, Any], Any], None]:
    if isinstance(target, ast.Name):
        name = target.id
        return lambda names, item: names.__setitem__(name, item)
    names = [cast(ast.Name, each).id for each in cast(ast.Tuple, target).elts]

    def unpack(bound: dict[str, Any], item: Any) -> None:
        values = list(item)
        bound.update(zip(names, values, strict=True))

    return unpack


# --- calls and texts ------------------------------------------------------------------------------------------------

_LIGHT = frozenset({"len", "hasattr", "all", "any", "sum"})
"""Functions that take no longer for larger arguments, or charge as they go."""


def _call(compiler: _Compiler, node: ast.Call) -> Step:
    arguments = compiler.steps(node.args)
    keywords = [(str(keyword.arg), compiler.step(keyword.value)) for keyword in node.keywords]

    def given(scope: Scope) -> tuple[list[Any], dict[str, Any]]:
        return [step(scope) for step in arguments], {name: step(scope) for name, step in keywords}

    if isinstance(node.func, ast.Attribute):
        return _method_call(compiler.step(node.func.value), node.func.attr, given)
    return _function_call(cast(ast.Name, node.func).id, given)


Arguments = Callable[[Scope], tuple[list[Any], dict[str, Any]]]


def _function_call(name: str, given: Arguments) -> Step:
    function, is_light = FUNCTIONS.get(name), name in _LIGHT

    def value(scope: Scope) -> Any:
        if function is None:
            raise Absent(name)
        positional, named = given(scope)
        if is_light:
            for each in positional:
                if type(each) is list:
                    scope.budget.charge(len(cast(list[Any], each)) >> 3)
            return _checked(function(scope, *positional, **named))
        for each in (*positional, *named.values()):
            scope.budget.touch(each)
        return scope.budget.made(_checked(function(scope, *positional, **named)))

    return value


def _method_call(of: Step, name: str, given: Arguments) -> Step:
    methods = METHODS[name]

    def value(scope: Scope) -> Any:
        found = of(scope)
        method = methods.get(kind_of(found))
        if method is None:
            raise Absent(name)
        positional, named = given(scope)
        for each in (found, *positional, *named.values()):
            scope.budget.touch(each)
        return scope.budget.made(method(found, *positional, **named))

    return value


def _joined(compiler: _Compiler, node: ast.JoinedStr) -> Step:
    steps = compiler.steps(node.values)

    def value(scope: Scope) -> str:
        parts: list[str] = []
        for step in steps:
            parts.append(step(scope))
            if sum(map(len, parts)) > LONGEST_TEXT:
                raise Stopped("it makes a text of more than 100,000 characters", "shorten it")
        return "".join(parts)

    return value


_CONVERSIONS: Mapping[int, Callable[[Any], Any]] = {-1: lambda found: found, 115: str, 114: repr, 97: ascii}


def _formatted(compiler: _Compiler, node: ast.FormattedValue) -> Step:
    of, convert = compiler.step(node.value), _CONVERSIONS[node.conversion]
    spec = compiler.step(node.format_spec) if node.format_spec else None

    def value(scope: Scope) -> str:
        found = plain(of(scope))
        scope.budget.touch(found)
        return format(convert(found), _safe_spec(spec(scope), found) if spec else "")

    return value


def _safe_spec(spec: str, found: Any) -> str:
    """A format specification that makes no long text."""
    if isinstance(found, date) and len(spec) <= 40 and re.fullmatch(r"(?:%[YmdHMSyBbAaj]|[^%])*", spec):
        return spec
    match = _SPEC.fullmatch(spec)
    if match is None or any(int(number or 0) > 100 for number in match.groups()):
        raise Stopped("this format is not part of the language of rules", "write a width of at most 100")
    return spec


_BUILDERS: Mapping[type, Callable[[_Compiler, Any], Step]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.BoolOp: _bool_op,
    ast.UnaryOp: _unary_op,
    ast.BinOp: _bin_op,
    ast.Compare: _compare,
    ast.IfExp: _if_exp,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.List: _literal(list),
    ast.Tuple: _literal(tuple),
    ast.Set: _literal(set),
    ast.Dict: _dict,
    ast.GeneratorExp: _loop(None),
    ast.ListComp: _loop(list),
    ast.SetComp: _loop(set),
    ast.DictComp: _dict_comp,
    ast.Call: _call,
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
}
