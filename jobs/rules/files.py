"""Reads rule files: every problem of every file at once, each with its place."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jobs.errors import RequestError
from jobs.profiles.fields import Field, Section
from jobs.profiles.files import yaml_files
from jobs.profiles.nearby import NotFoundError, read_bounded
from jobs.profiles.problems import Place, Problem, Report, shown
from jobs.profiles.yamltree import Node, Scalar, parse_tree
from jobs.rules.language import Expression, ExpressionError, parse_expression

Reach = Literal[1, 2, "all"]

_KEYS = "name, description, then"
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_ALWAYS = parse_expression("True")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What must hold of one conversation, of each ordered pair, or of all of them together.

    Args:
        when, condition: which conversations it is about (``if`` in the file).
        then: what must be exactly true of them.
        yields: what a failure says.
        path: the file it stands in.
    """

    name: str
    description: str
    conversations: Reach
    when: Expression
    condition: Expression
    then: Expression
    yields: Expression | None
    path: str


@dataclass(frozen=True, kw_only=True)
class RuleFile:
    """What one file holds; ``rule`` is None if it is not active or cannot be used."""

    path: str
    rule: Rule | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


class RulesError(RequestError):
    """Rule files that cannot be used, with everything that is wrong with each."""

    def __init__(self, files: Sequence[RuleFile]) -> None:
        lines = [f"- {file.path}: {problem}" for file in files for problem in file.problems]
        count = f"{len(files)} rule file" + ("s" if len(files) > 1 else "")
        super().__init__("\n".join((f"{count} cannot be used:", *lines)))
        self.files = tuple(files)


def load_rules(folder: Path) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The active rules below a folder (or in one file) in the order of their paths, and what is odd about them.

    Raises:
        RequestError: there is no such folder, or no rule file in it.
        RulesError: files cannot be used.
    """
    if not folder.exists():
        raise RequestError(f"there is no folder {str(folder)!r}")
    files = [read_rule_file(path) for path in _rule_files(folder)]
    if not files:
        raise RequestError(f"there is no rule file in {str(folder)!r}; rules are YAML files with 'name' and 'then'")
    if bad := [file for file in files if file.problems]:
        raise RulesError(bad)
    rules = tuple(file.rule for file in files if file.rule)
    return rules, tuple(f"{file.path}: {warning}" for file in files for warning in file.warnings)


def rules_stamp(folder: Path) -> str:
    """The hash of all rule files below a folder.

    Raises:
        NotFoundError: one of them cannot be read.
    """
    contents = (hashlib.sha256(read_bounded(path)).digest() for path in _rule_files(folder))
    return hashlib.sha256(b"".join(contents)).hexdigest()


def read_rule_file(path: Path) -> RuleFile:
    """The rule in that file, or what is wrong with it."""
    report = Report()
    rule = None
    try:
        if root := parse_tree(read_bounded(path), report):
            rule = read_rule(root, path=path, report=report)
    except NotFoundError as error:
        report.problem(None, "", error.message, error.fix)
    usable = rule if not report.problems else None
    return RuleFile(path=str(path), rule=usable, problems=report.ordered(), warnings=tuple(report.warnings))


def read_rule(root: Node, *, path: Path, report: Report) -> Rule | None:
    """The rule in the tree of a file, None if it is not active; only good for use if ``report`` has no problems."""
    field = Field(node=root, path="", report=report)
    if not field.is_mapping:
        field.problem("a rule file is a mapping of fields", f"write fields such as {_KEYS}")
        return None
    section = Section(field, keys=_KEYS)
    name = _text(section.take("name"), root, report, "name")
    description = section.take("description")
    active = _truth(section.take("active"))
    reach = _reach(section.take("conversations"))
    when, condition = section.take("when"), section.take("if")
    then, oracle = section.take("then"), section.take("oracle")
    yields, on_error = section.take("yields"), section.take("on-error")
    section.close()
    if not active:
        return None
    if then and oracle:
        oracle.problem("'then' and 'oracle' are two names of one field", "keep one of them")
    must = then or oracle
    if must is None:
        report.problem(root.place, "then", "the rule says nothing that must hold", "add 'then', or 'oracle'")
    return Rule(
        name=name,
        description=description.written if description else "",
        conversations=reach,
        when=_expression(when) or _ALWAYS,
        condition=_expression(condition) or _ALWAYS,
        then=_expression(must) or _ALWAYS,
        yields=_expression(yields or on_error),
        path=str(path),
    )


def _rule_files(folder: Path) -> Sequence[Path]:
    return [folder] if folder.is_file() else sorted(yaml_files(folder))


def _text(field: Field | None, root: Node, report: Report, name: str) -> str:
    if field is None:
        report.problem(root.place, name, f"the rule has no {name}", f"add '{name}'")
        return ""
    return field.text(example="more_toppings_cost_more") or ""


def _truth(field: Field | None) -> bool:
    if field is None:
        return True
    if field.written.lower() not in _TRUTHS:
        field.problem(f"{field.quoted()} is neither true nor false", "write true or false")
        return True
    return _TRUTHS[field.written.lower()]


def _reach(field: Field | None) -> Reach:
    written = field.written.lower() if field else "1"
    match written:
        case "1":
            return 1
        case "2":
            return 2
        case "all":
            return "all"
        case _:
            assert field
            field.problem(f"{field.quoted()} is no number of conversations", "write 1, 2 or all")
            return 1


def _expression(field: Field | None) -> Expression | None:
    if field is None:
        return None
    text = field.text(example="len(toppings) > 2")
    if text is None or not isinstance(field.node, Scalar):
        return None
    try:
        expression = parse_expression(_capitalised(text, field.node))
    except ExpressionError as error:
        field.report.problem(_place(error, field.node), field.path, error.message, error.fix)
        return None
    for name in expression.unknown:
        field.warn(f"there is no function {shown(name)}: whatever calls it does not apply")
    return expression


def _capitalised(text: str, node: Scalar) -> str:
    """A truth as YAML writes it is one in the language too."""
    return str(_TRUTHS[text.lower()]) if not node.quoted and text.lower() in _TRUTHS else text


def _place(error: ExpressionError, node: Scalar) -> Place:
    """Where in the file the expression goes wrong; in a block of lines the column does not count the indentation."""
    if node.quoted and "\n" in node.text:
        return Place(line=node.place.line + error.line, column=error.column + 1)
    return Place(line=node.place.line, column=node.place.column + error.column + int(node.quoted))
