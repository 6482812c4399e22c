"""Values of a file as typed results: each field knows its path, reads itself and reports what is wrong with it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from jobs.profiles.problems import Place, Report, shown
from jobs.profiles.yamltree import Broken, Items, Mapping, Node, Scalar

LARGEST = 10**15
"""Numbers beyond it are refused: they would lose digits in JSON."""

_NOTHING = ("", "~", "null", "Null", "NULL")
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,30}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One value of a file. A reader that answers None has reported why, or the value is broken already."""

    node: Node
    path: str
    report: Report

    @property
    def place(self) -> Place:
        return self.node.place

    @property
    def is_nothing(self) -> bool:
        """Left empty (``fallback:``) or written as null."""
        return isinstance(self.node, Scalar) and not self.node.quoted and self.node.text in _NOTHING

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node, Mapping)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, Items)

    @property
    def is_scalar(self) -> bool:
        return isinstance(self.node, Scalar)

    @property
    def written(self) -> str:
        """The text of a scalar without the white space around it, empty for anything else; reports nothing."""
        return self.node.text.strip() if isinstance(self.node, Scalar) else ""

    def problem(self, message: str, fix: str) -> None:
        if not isinstance(self.node, Broken):
            self.report.problem(self.place, self.path, message, fix)

    def warn(self, message: str) -> None:
        self.report.warn(self.place, self.path, message)

    def not_supported(self, message: str) -> None:
        self.report.not_supported(self.place, self.path, message)

    def left_open(self, message: str) -> str:
        return self.report.left_open(self.place, self.path, message)

    def adopt(self, report: Report, *, source: str) -> None:
        """Takes over what was found in another file that this field names."""
        for problem in report.problems:
            where = f" (line {problem.place.line})" if problem.place else ""
            self.problem(f"in {shown(source)}{where}: {problem.message}", problem.fix)
        self.report.warnings += [f"in {shown(source)}: {warning}" for warning in report.warnings]
        self.report.unsupported += report.unsupported

    def text(self, *, example: str) -> str | None:
        """The text as written, without the white space around it."""
        if not isinstance(self.node, Scalar):
            self.problem("this must be a text", f"write a text, for example {example}")
            return None
        if not self.written:
            self.problem("this text is empty", f"write a text, for example {example}")
            return None
        return self.written

    def truth(self) -> bool | None:
        """True or false; a quoted text is neither."""
        if isinstance(self.node, Scalar) and not self.node.quoted and self.node.text.lower() in _TRUTHS:
            return _TRUTHS[self.node.text.lower()]
        self.problem(f"{self.quoted()} is neither true nor false", "write true or false, without quotes")
        return None

    def number(self) -> Fraction | None:
        """An exact finite number."""
        if not _NUMBER.fullmatch(self.written) or abs(Fraction(self.written)) > LARGEST:
            self.problem(f"{self.quoted()} is not a number", "write a number such as 3 or 0.5")
            return None
        return Fraction(self.written)

    def whole(self, *, low: int = -LARGEST, high: int = LARGEST) -> int | None:
        """A whole number between ``low`` and ``high``."""
        text = self.written
        if not _WHOLE.fullmatch(text) or abs(int(text)) > LARGEST:
            self.problem(f"{self.quoted()} is not a whole number", "write a whole number such as 3")
            return None
        if len(text.lstrip("+-")) > 1 and text.lstrip("+-").startswith("0"):
            fix = f"write {int(text)}, or use the type string"
            self.problem(f"{self.quoted()} begins with a zero and could be read in two ways", fix)
            return None
        if not low <= int(text) <= high:
            self.problem(f"{self.quoted()} is not between {low:,} and {high:,}", "write a number in that range")
            return None
        return int(text)

    def day(self) -> date | None:
        """A date written YYYY-MM-DD."""
        if re.fullmatch(r"\d{4}-\d\d-\d\d", self.written, re.ASCII):
            try:
                return date.fromisoformat(self.written)
            except ValueError:  # such as February 30: reported below like every other text that is no date
                pass
        self.problem(f"{self.quoted()} is not a date", "write it as YYYY-MM-DD, for example 2025-03-31")
        return None

    def items(self, *, example: str) -> tuple["Field", ...]:
        """The items of a list; a single text counts as a list of one."""
        if isinstance(self.node, Items):
            return tuple(self._child(node, f"{self.path}[{number}]") for number, node in enumerate(self.node.nodes))
        if isinstance(self.node, Scalar):
            self.warn("is one text where a list is expected; it is read as a list of one")
            return (self,)
        self.problem("this must be a list", f"write a list, for example {example}")
        return ()

    def entries(self) -> Iterator[tuple["Field", "Field"]]:
        """Keys and values of a mapping, in their order."""
        if isinstance(self.node, Mapping):
            for entry in self.node.entries:
                path = f"{self.path}.{entry.key.text}" if self.path else entry.key.text
                yield self._child(entry.key, path), self._child(entry.value, path)

    def quoted(self) -> str:
        """This value as messages quote it."""
        if isinstance(self.node, Scalar):
            return shown(self.node.text)
        return "a list" if isinstance(self.node, Items) else "a mapping"

    def _child(self, node: Node, path: str) -> "Field":
        return Field(node=node, path=path, report=self.report)


class Section:
    """The fields of a mapping (or of a list of mappings, as older profiles have it), taken by name.

    Fields left empty count as absent. What nobody took is reported by ``close``.
    """

    def __init__(self, field: Field | None, *, keys: str = "") -> None:
        self._fields: dict[str, tuple[Field, Field]] = {}
        self._known: list[str] = []
        if field is None or field.is_nothing:
            return
        parts = field.items(example=keys) if field.is_list else (field,)
        if field.is_list and parts:
            field.warn("is a list; the newer spelling is a mapping, without the dashes")
        for part in parts:
            self._add(part, keys)

    def _add(self, part: Field, keys: str) -> None:
        if not part.is_mapping:
            part.problem("this must be a mapping of fields", f"write fields such as {keys}")
        for key, value in part.entries():
            if key.written in self._fields:
                value.problem("this field is given twice", "keep one of them")
            else:
                self._fields[key.written] = (key, value)

    def take(self, name: str) -> Field | None:
        """The field of that name, None when it is absent or empty."""
        self._known.append(name)
        _, field = self._fields.pop(name, (None, None))
        return None if field is None or field.is_nothing else field

    def take_older(self, name: str, *, newer: str) -> Field | None:
        """A field that newer profiles write elsewhere or otherwise; taking it warns."""
        _, field = self._fields.pop(name, (None, None))
        if field is None or field.is_nothing:
            return None
        field.warn(f"is an older spelling of {newer!r}")
        return field

    def close(self, *, refuse: bool = False) -> None:
        """Reports what nobody took, with the nearest known name: problems if ``refuse``, warnings else."""
        for key, _ in self._fields.values():
            guess = key.report.guess(key.written, self._known)
            hint = f"did you mean {guess!r}?" if guess else f"known are {', '.join(self._known)}"
            if refuse:
                key.problem(f"unknown field {shown(key.written)}", hint)
            else:
                key.warn(f"unknown field {shown(key.written)} is not used; {hint}")


def first_given(fields: Iterable[Field | None]) -> Field | None:
    """The first of several spellings that is there; a second one is a problem."""
    given = [field for field in fields if field is not None]
    for extra in given[1:]:
        extra.problem(f"this is given twice, here and as {given[0].path!r}", "keep one of them")
    return given[0] if given else None
