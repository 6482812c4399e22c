"""Reads the variables of a profile: their type, their values and the function that picks from them."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from jobs.model import SlotType, SlotValue
from jobs.profiles.fields import Field, Section
from jobs.profiles.nearby import Nearby, NotFoundError
from jobs.profiles.problems import Place, Report, shown
from jobs.profiles.profile import Function, FunctionName, ListFunction, Variable, nested
from jobs.profiles.yamltree import MOST_BYTES, Items, Scalar, parse_tree, plain
from jobs.profiles.yamltree import Mapping as MappingNode

MOST_VALUES = 100_000
MOST_AT_ONCE = 500
"""Values that one customer can want of one variable: more make no sentence."""
SWITCH = "the setting CONVOTEST_LIST_FUNCTIONS=on"

TYPES: Mapping[str, SlotType] = {"string": "string", "int": "int", "float": "float", "date": "date"}
OLDER_TYPES: Mapping[str, SlotType] = {"str": "string", "text": "string", "integer": "int"}
FUNCTIONS: Mapping[str, FunctionName] = {
    "default": "default",
    "random": "random",
    "another": "another",
    "forward": "forward",
}
_ANY = re.compile(r"any\(.*\)", re.DOTALL)
_CALL = re.compile(r"(\w+)\s*(?:\(\s*([^()]*?)\s*\))?")
_EXAMPLE = "[small, medium, large]"


@dataclass(frozen=True, kw_only=True)
class _Values:
    """Known values, how many there are in all (None: some have to be made), how those are made, why none is known."""

    known: tuple[SlotValue, ...] = ()
    count: int | None = None
    unplayable: str | None = None
    made_by: ListFunction | None = None
    made_up: tuple[str, ...] = ()
    open_notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: tuple[SlotValue, ...]) -> "_Values":
        return cls(known=values, count=len(values))


def read_variable(name: str, field: Field, nearby: Nearby) -> Variable | None:
    """One variable; None (with the reasons reported) when nothing can be made of it."""
    if field.is_list:
        field.warn("is a plain list of values, an older spelling; it is read as random() over a list of texts")
        values = _listed(field, "string")
        return _variable(name, field, "string", Function(name="random"), values) if values else None
    if not field.is_mapping:
        fix = "a variable has function, type and data; put a goal that holds ': ' in quotes"
        field.problem("this is neither a goal nor a variable", fix)
        return None
    section = Section(field)
    function_field, type_field, data = section.take("function"), section.take("type"), section.take("data")
    section.close()
    kind = _read_type(type_field, data, field)
    function = _read_function(function_field, field)
    if data is None:
        field.problem("this variable has no data", f"add its values, for example data: {_EXAMPLE}")
        return None
    values = _read_data(data, kind, nearby)
    if not values or not function:
        return None
    variable = _variable(name, data, kind, function, values)
    if values.known and values.count is not None:
        check_amount(function, len(values.known), function_field or field)
    return variable


def check_nesting(variables: Mapping[str, Variable], fields: Mapping[str, Field]) -> None:
    """Reports ``forward(x)`` whose x does not exist, does not move forward, or comes back to itself."""
    for variable in variables.values():
        nests, field = variable.function.nests, fields[variable.name]
        if nests is None:
            continue
        if nests not in variables and nests not in fields:
            guess = field.report.guess(nests, variables)
            fix = f"did you mean forward({guess})?" if guess else "name a variable of this profile"
            field.problem(f"forward({nests}) names a variable that does not exist", fix)
        elif nests in variables and variables[nests].function.name != "forward":
            field.problem(f"forward({nests}) needs {nests!r} to be forward() too", f"write forward() for {nests!r}")
        elif variable.name in nested(variable, variables):
            field.problem(f"forward({nests}) goes round in a circle", "let the last variable be forward()")


# --- type and function -----------------------------------------------------------------------------------------------


def _read_type(field: Field | None, data: Field | None, variable: Field) -> SlotType:
    if field is None:
        kind: SlotType = "float" if data is not None and data.is_mapping and _has(data, "linspace") else "string"
        if data is not None and data.is_mapping and _has(data, "step") and kind == "string":
            kind = "int"
        variable.warn(f"has no type; it is read as {kind}")
        return kind
    written = field.text(example="string") or "string"
    if written in TYPES:
        return TYPES[written]
    if written in OLDER_TYPES:
        field.warn(f"{written!r} is an older spelling of {OLDER_TYPES[written]!r}")
        return OLDER_TYPES[written]
    guess = field.report.guess(written, TYPES)
    fix = f"did you mean {guess!r}?" if guess else "write string, int, float or date"
    field.problem(f"there is no type {shown(written)}", fix)
    return "string"


def _has(field: Field, key: str) -> bool:
    return any(name.written == key for name, _ in field.entries())


def _read_function(field: Field | None, variable: Field) -> Function | None:
    if field is None:
        variable.warn("has no function; default() is used")
        return Function(name="default")
    written = field.text(example="random()")
    if written is None:
        return None
    match = _CALL.fullmatch(written)
    if not match or match[1] not in FUNCTIONS:
        guess = field.report.guess(match[1] if match else written, FUNCTIONS)
        fix = f"did you mean {guess}()?" if guess else "write default(), random(), another() or forward()"
        field.problem(f"there is no function {shown(written)}", fix)
        return None
    if match[2] is None:
        field.warn(f"{written!r} is read as {written}()")
    return _called(FUNCTIONS[match[1]], match[2] or "", field)


def _called(name: FunctionName, argument: str, field: Field) -> Function | None:
    if name == "forward":
        return Function(name=name, nests=argument.strip("'\"") or None)
    if name == "random" and argument == "rand":
        return Function(name=name, amount="rand")
    if name == "random" and re.fullmatch(r"0*[1-9]\d{0,5}", argument, re.ASCII):
        return Function(name=name, amount=int(argument))
    if argument:
        fix = "write random(), random(3) or random(rand)" if name == "random" else f"write {name}()"
        field.problem(f"{name}() cannot take {shown(argument)}", fix)
        return None
    return Function(name=name)


def check_amount(function: Function, size: int, field: Field) -> None:
    """Reports a function that cannot pick what it wants from so many values."""
    at_once = function.amount if function.name == "random" else size if function.name == "default" else 1
    if at_once == "rand":
        return
    if at_once > size:
        field.problem(f"random({at_once}) wants more values than the {size} of the list", f"write at most {size}")
    elif at_once > MOST_AT_ONCE:
        message = f"one customer would want {at_once:,} values at once"
        field.problem(message, f"write random(n) with n up to {MOST_AT_ONCE}")


def _variable(name: str, data: Field, kind: SlotType, function: Function, values: _Values) -> Variable:
    return Variable(
        name=name,
        type=kind,
        function=function,
        values=values.known,
        count=values.count,
        unplayable=values.unplayable,
        made_by=values.made_by,
        made_up=values.made_up,
        open_notes=values.open_notes,
        place=data.place,
        field=data.path,
    )


# --- values ----------------------------------------------------------------------------------------------------------


def _read_data(data: Field, kind: SlotType, nearby: Nearby) -> _Values | None:
    if data.is_list:
        return _listed(data, kind)
    if not data.is_mapping:
        data.problem("the data must be a list or a range", f"write {_EXAMPLE}, or min, max and step")
        return None
    if _has(data, "file"):
        return _from_file(data, kind, nearby)
    if _has(data, "min") or _has(data, "max"):
        return _ranged(data, kind)
    if _has(data, "date"):
        data.not_supported("dates made by a generator; list them, or write min, max and step")
        return _Values(unplayable="its dates would be made by a generator, which is not supported yet")
    return _keyed(data, kind)


def _listed(data: Field, kind: SlotType) -> _Values | None:
    items = data.items(example=_EXAMPLE)
    if not items:
        data.problem("the list of values is empty", f"write at least one, for example {_EXAMPLE}")
        return None
    written = [item for item in items if not _ANY.fullmatch(item.written)]
    wished = [item for item in items if _ANY.fullmatch(item.written)]
    values = tuple(value for item in written if (value := read_value(item, kind)) is not None)
    if len(values) < len(written):
        return None
    if len(set(values)) < len(values):
        data.warn("has a value twice; it is drawn twice as often")
    return _with_made_up(values, wished) if wished else _Values.of(values)


def _with_made_up(values: tuple[SlotValue, ...], wished: Sequence[Field]) -> _Values | None:
    """The written values and what a model is to add to them."""
    instructions = tuple(item.written[4:-1].strip() for item in wished)
    for item, instruction in zip(wished, instructions, strict=True):
        if not instruction:
            item.problem("any() does not say what to make up", "write for example any(3 soda drinks)")
    return _Values(
        known=values,
        unplayable=None if values else "all its values come from any(), and there is no model to make them up",
        made_up=instructions,
        open_notes=tuple(
            item.left_open(f"{item.quoted()} needs a model to make up its values; without one it is left out")
            for item in wished
        ),
    )


def read_value(item: Field, kind: SlotType) -> SlotValue | None:
    if kind == "string":
        return item.text(example="small")
    if kind == "int":
        return item.whole()
    if kind == "float":
        number = item.number()
        return None if number is None else float(number)
    day = item.day()
    return None if day is None else day.isoformat()


def _keyed(data: Field, kind: SlotType) -> _Values | None:
    data.warn("is a mapping of no known form (min/max/step, file); its keys are the values")
    values = tuple(value for key, _ in data.entries() if (value := read_value(key, kind)) is not None)
    if not values:
        data.problem("there are no values", f"write at least one, for example {_EXAMPLE}")
        return None
    return _Values.of(values)


def _ranged(data: Field, kind: SlotType) -> _Values | None:
    section = Section(data)
    low, high = section.take("min"), section.take("max")
    step = section.take("step") or section.take_older("steps", newer="step")
    points = section.take("linspace")
    section.close()
    if low is None or high is None:
        data.problem("a range needs both min and max", "add the one that is missing")
        return None
    if kind == "string":
        data.problem("a range cannot be of type string", "write type: int, float or date, or list the values")
        return None
    bounds = _bounds(low, high, kind)
    if bounds is None:
        return None
    if points is not None and kind == "float" and step is None:
        return _evenly(bounds, points)
    if points is not None:
        points.problem("linspace goes with the type float and without step", "remove it, or write type: float")
        return None
    return _stepped(bounds, step, kind, data)


def _bounds(low: Field, high: Field, kind: SlotType) -> tuple[Fraction, Fraction] | None:
    first, last = _coordinate(low, kind), _coordinate(high, kind)
    if first is None or last is None:
        return None
    if first > last:
        high.problem(f"max {high.quoted()} is below min {low.quoted()}", "swap them")
        return None
    return first, last


def _coordinate(field: Field, kind: SlotType) -> Fraction | None:
    """A bound as a number: dates count in days."""
    if kind == "float":
        return field.number()
    if kind == "int":
        number = field.whole()
        return None if number is None else Fraction(number)
    day = field.day()
    return None if day is None else Fraction(day.toordinal())


def _stepped(bounds: tuple[Fraction, Fraction], step: Field | None, kind: SlotType, data: Field) -> _Values | None:
    """From min by step below max, then max itself; without step from min to the whole number (or day) below max."""
    low, high = bounds
    if step is None and kind == "float":
        data.problem("a range of type float needs step or linspace", "add one, for example step: 0.5")
        return None
    width = Fraction(1) if step is None else step.number() if kind == "float" else _maybe_fraction(step.whole())
    if width is None:
        return None
    if step is not None and width <= 0:
        step.problem(f"step {step.quoted()} never reaches max", "write a step above 0")
        return None
    below = -((low - high) // width)
    if below + 1 > MOST_VALUES:
        data.problem(f"the range has {below + 1:,} values", f"use a larger step; {MOST_VALUES:,} are possible")
        return None
    coordinates = [low + width * number for number in range(below)]
    if step is not None:
        coordinates.append(high)
    if not coordinates:
        data.problem("the range is empty: without step, max does not belong to it", "raise max or add step: 1")
        return None
    return _Values.of(tuple(_value_at(coordinate, kind) for coordinate in coordinates))


def _maybe_fraction(number: int | None) -> Fraction | None:
    return None if number is None else Fraction(number)


def _evenly(bounds: tuple[Fraction, Fraction], points: Field) -> _Values | None:
    count = points.whole(low=1, high=MOST_VALUES)
    if count is None:
        return None
    low, high = bounds
    gap = (high - low) / (count - 1) if count > 1 else Fraction(0)
    return _Values.of(tuple(float(low + gap * number) for number in range(count)))


def _value_at(coordinate: Fraction, kind: SlotType) -> SlotValue:
    if kind == "float":
        return float(coordinate)
    if kind == "int":
        return int(coordinate)
    return date.fromordinal(int(coordinate)).isoformat()


# --- values from a file ----------------------------------------------------------------------------------------------


def _from_file(data: Field, kind: SlotType, nearby: Nearby) -> _Values | None:
    section = Section(data)
    field, function_name, args = section.take("file"), section.take("function_name"), section.take("args")
    section.close()
    written = field.text(example="data/drinks.csv") if field else None
    if field is None or written is None:
        data.problem("no file is named", "write its path, for example data/drinks.csv")
        return None
    if written.endswith(".py"):
        return _from_function(field, written, function_name, args, nearby)
    for unused in (function_name, args):
        if unused is not None:
            unused.warn("is only for Python files and is not used")
    try:
        found = nearby.read(written, suffixes=(".csv", ".json", ".yaml", ".yml"))
    except NotFoundError as error:
        field.problem(error.message, error.fix)
        return None
    reader: Callable[[bytes, str, Report], Field | None] = _csv_list if found.path.suffix == ".csv" else _yaml_list
    report = Report()
    listed = reader(found.content, data.path, report)
    values = _listed(listed, kind) if listed else None
    field.adopt(report, source=written)
    return None if report.problems else values


def _from_function(
    field: Field, written: str, function_name: Field | None, args: Field | None, nearby: Nearby
) -> _Values | None:
    """Values that a Python file makes. Here it is only read, as text, since what it says belongs to the stamp."""
    name = function_name.text(example="number_list") if function_name else None
    try:
        source = nearby.read(written, suffixes=(".py",)).content
    except NotFoundError as error:
        field.problem(error.message, error.fix)
        return None
    if len(source) > MOST_BYTES:
        field.problem(f"{shown(written)} is larger than {MOST_BYTES // 1024} KB", "move its data into another file")
        return None
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError:
        field.problem(f"{shown(written)} is not UTF-8 text", "save it as UTF-8")
        return None
    positional, named = _arguments(args, nearby)
    reason = f"its values are made by the Python file {shown(written)}, which needs {SWITCH}"
    return _Values(
        unplayable=reason,
        made_by=ListFunction(file=written, source=text, name=name, arguments=positional, named_arguments=named),
        open_notes=(field.left_open(f"{reason}; or list the values, or name a .csv, .json or .yaml file"),),
    )


def _arguments(args: Field | None, nearby: Nearby) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Positional and named arguments: a mapping, alone or in the list, names them; one text is a list of one."""
    if args is None:
        return (), {}
    nodes = args.node.nodes if isinstance(args.node, Items) else (args.node,)
    named: dict[str, Any] = {}
    positional: list[Any] = []
    for node in nodes:
        if isinstance(node, MappingNode):
            named |= plain(node)
        else:
            positional.append(plain(node))
    for each in (*positional, *named.values()):
        if isinstance(each, str):
            nearby.note(each)
    return tuple(positional), named


def _yaml_list(content: bytes, path: str, report: Report) -> Field | None:
    """The list in a YAML or JSON file (JSON is YAML, but for tabs)."""
    tree = parse_tree(content.replace(b"\t", b"  "), report)
    return Field(node=tree, path=path, report=report) if tree else None


def _csv_list(content: bytes, path: str, report: Report) -> Field | None:
    """The first column of a CSV file."""
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        cells = [(rows.line_num, row[0]) for row in rows if row and row[0].strip()]
    except (UnicodeDecodeError, csv.Error) as error:
        report.problem(None, path, f"this is not CSV in UTF-8 ({error})", "save it again as CSV in UTF-8")
        return None
    nodes = tuple(Scalar(text=cell, quoted=True, place=Place(line=line, column=1)) for line, cell in cells)
    return Field(node=Items(nodes=nodes, place=Place(line=1, column=1)), path=path, report=report)
