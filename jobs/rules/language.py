"""The language of rules: a small part of Python's expressions, parsed and checked, never executed by Python."""

import ast
import builtins
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from jobs.profiles.problems import shown
from jobs.rules.library import FUNCTIONS
from jobs.rules.methods import METHODS
from jobs.shelf import nearest

LONGEST = 5_000
"""Characters of one expression."""
DEEPEST = 60

_VALUES = (ast.Name, ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.JoinedStr, ast.FormattedValue)
_ACCESS = (ast.Call, ast.keyword, ast.Attribute, ast.Subscript, ast.Slice, ast.expr_context)
_LOGIC = (ast.BoolOp, ast.And, ast.Or, ast.Compare, ast.cmpop, ast.IfExp, ast.UnaryOp, ast.Not)
_ARITHMETIC = (ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.USub, ast.UAdd)
_LOOPS = (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp, ast.comprehension)
_ALLOWED = (*_VALUES, *_ACCESS, *_LOGIC, *_ARITHMETIC, *_LOOPS)
_NAMES: dict[type[ast.AST], str] = {
    ast.Lambda: "a lambda",
    ast.NamedExpr: "an assignment (:=)",
    ast.Starred: "a starred argument",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.MatMult: "the operator @",
}
_OF_CONDITIONS = ("exists", "num_exist")
_CONSTANTS = (str, int, float, bool, type(None))


@dataclass(frozen=True, kw_only=True)
class Expression:
    """A checked expression. ``unknown`` are functions that it calls and nobody knows: a rule with one never applies."""

    source: str
    tree: ast.expr
    unknown: tuple[str, ...] = ()


class ExpressionError(Exception):
    """Text that is no expression of the language; ``line`` (1-based) and ``column`` (0-based) are inside the text."""

    def __init__(self, message: str, fix: str, *, line: int = 1, column: int = 0) -> None:
        super().__init__(message)
        self.message, self.fix, self.line, self.column = message, fix, line, column


@lru_cache(maxsize=2_000)
def parse_expression(text: str) -> Expression:
    """The expression that a field of a rule holds.

    Raises:
        ExpressionError: it is too long, no expression, or asks for something outside the language.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"it has {len(text):,} characters", f"write at most {LONGEST:,}")
    source = text.strip()
    tree = _parsed(source)
    _check_depth(tree)
    for node in ast.walk(tree):
        _check(node)
    return Expression(source=source, tree=tree, unknown=tuple(dict.fromkeys(_unknown_calls(tree))))


def _parsed(source: str) -> ast.expr:
    if not source:
        raise ExpressionError("it is empty", "write an expression, for example len(toppings) > 2")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as an unknown escape in a text, which then stands for itself
            return ast.parse(f"({source}\n)", mode="eval").body
    except SyntaxError as error:
        line = min(error.lineno or 1, source.count("\n") + 1)
        column = max((error.offset or 1) - (2 if line == 1 else 1), 0)
        message = f"{shown(source)} is no expression ({error.msg})"
        raise ExpressionError(message, "write one expression as in Python", line=line, column=column) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(f"{shown(source)} cannot be read", "write it shorter and flatter") from error


def _check_depth(tree: ast.expr) -> None:
    """Level by level, so that even a hostile depth costs no recursion."""
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise ExpressionError(f"it is nested deeper than {DEEPEST} levels", "write it flatter")


def _check(node: ast.AST) -> None:
    if not isinstance(node, _ALLOWED):
        _refuse(node, _NAMES.get(type(node), f"{type(node).__name__}"))
    if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
        _refuse(node, f"{shown('.' + node.attr)}", "use the names of variables and outputs only")
    elif isinstance(node, ast.Name) and node.id.startswith("__"):
        _refuse(node, shown(node.id), "use the names of variables and outputs only")
    elif isinstance(node, ast.Constant) and type(node.value) not in _CONSTANTS:
        _refuse(node, f"the value {shown(repr(node.value))}")
    elif isinstance(node, ast.Dict) and None in node.keys:
        _refuse(node, "** in a literal")
    elif isinstance(node, ast.comprehension):
        _check_loop(node)
    elif isinstance(node, ast.Call):
        _check_call(node)


def _check_loop(node: ast.comprehension) -> None:
    targets = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
    if node.is_async or not all(isinstance(target, ast.Name) for target in targets):
        _refuse(node.target, "this kind of loop", "write for NAME in LIST")


def _check_call(node: ast.Call) -> None:
    if any(keyword.arg is None for keyword in node.keywords):
        _refuse(node, "a ** argument")
    if isinstance(node.func, ast.Attribute):
        if node.func.attr not in METHODS:
            guess = nearest(node.func.attr, METHODS)
            _refuse(node, f"the method {shown(node.func.attr)}", f"did you mean {guess!r}?" if guess else "use another")
    elif not isinstance(node.func, ast.Name):
        _refuse(node, "calling a value", "call a function by its name")
    elif node.func.id not in FUNCTIONS and hasattr(builtins, node.func.id):
        fix = f"use the functions that rules know: {', '.join(sorted(FUNCTIONS))}"
        _refuse(node, f"the function {shown(node.func.id)}", fix)
    elif node.func.id in _OF_CONDITIONS and node.args and isinstance(node.args[0], ast.Constant):
        _check_condition(node.args[0])


def _check_condition(node: ast.Constant) -> None:
    """The text that ``exists`` and ``num_exist`` evaluate is an expression too."""
    try:
        parse_expression(str(node.value))
    except ExpressionError as error:
        _refuse_at(node, f"in {shown(str(node.value))}: {error.message}", error.fix)


def _refuse(node: ast.AST, what: str, fix: str = "write it without") -> None:
    _refuse_at(node, f"{what} is not part of the language of rules", fix)


def _refuse_at(node: ast.AST, message: str, fix: str) -> None:
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    raise ExpressionError(message, fix, line=line, column=max(column - 1, 0) if line == 1 else column)


def _unknown_calls(tree: ast.expr) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in FUNCTIONS:
            yield node.func.id
