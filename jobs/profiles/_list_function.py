"""Runs one list function; the program of a process of its own, which knows nothing of convotest.

It reads a request (JSON) from its input and writes ``{"values": […]}`` or ``{"error": "…"}`` to its output.
"""

import importlib
import inspect
import json
import os
import random
import resource
import sys
import traceback
from collections.abc import Callable, Iterable
from datetime import date
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, cast

MODULE = "list_function"
LONGEST_REASON = 300


def main() -> None:
    request: dict[str, Any] = json.load(sys.stdin)
    answer_to = os.dup(1)
    os.dup2(2, 1)  # what the file prints must not stand among the values
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        _limit(request)
        answer = {"values": _listed(_called(request), request["most_values"])}
        text = json.dumps(answer, allow_nan=False)
    except BaseException as error:  # noqa: BLE001 - a file may also raise SystemExit or KeyboardInterrupt
        text = json.dumps({"error": _reason(error, request["file"])})
    with os.fdopen(answer_to, "w", encoding="utf-8") as output:
        output.write(text)
        output.flush()
        os._exit(0)  # nothing that the file registered or started is waited for


def _limit(request: dict[str, Any]) -> None:
    for name, amount in request["limits"].items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        allowed = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _called(request: dict[str, Any]) -> Any:
    _seed(request["seed"])
    module = ModuleType(MODULE)
    module.__file__ = request["file"]
    sys.modules[MODULE] = module
    sys.path.append(os.getcwd())  # noqa: PTH109 - at the end, so that nothing there hides a module of Python's
    exec(compile(request["source"], request["file"], "exec"), module.__dict__)  # noqa: S102 - this is what it is for
    return _function(module, request["name"])(*request["arguments"], **request["named_arguments"])


def _seed(seed: int) -> None:
    random.seed(seed)
    importlib.import_module("numpy").random.seed(seed % 2**32)


def _function(module: ModuleType, name: str | None) -> Callable[..., Any]:
    """The function of that name; without one the only public one, else the one that is called like the file."""
    public = {
        found: value
        for found, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == MODULE and not found.startswith("_")
    }
    known = ", ".join(public) or "none"
    if name is not None:
        found = getattr(module, name, None)
        if not callable(found):
            raise LookupError(f"there is no function {name!r}; its functions are: {known}")
        return found
    if len(public) == 1:
        return next(iter(public.values()))
    stem = Path(str(module.__file__)).stem
    if stem not in public:
        raise LookupError(f"function_name is missing, and its functions are: {known}")
    return public[stem]


def _listed(result: Any, most: int) -> list[Any]:
    """The values as JSON has them; numpy's arrays and numbers, tuples, sets, ranges and generators are fine."""
    if hasattr(result, "tolist"):
        result = result.tolist()
    if isinstance(result, str | bytes | dict) or not isinstance(result, Iterable):
        raise TypeError(f"it returned a value of the type {type(cast('object', result)).__name__} instead of a list")
    values = list(islice(cast("Iterable[Any]", result), most + 1))
    if len(values) > most:
        raise ValueError(f"it returned more than {most:,} values")
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, date):
        return value.isoformat()[:10]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"one of its values is a {type(value).__name__}")


def _reason(error: BaseException, file: str) -> str:
    """What went wrong, with the line of the file where it did."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if isinstance(error, SyntaxError) and error.filename == file:
        lines = [error.lineno]
    place = f" (line {lines[-1]})" if lines else ""
    told = isinstance(error, LookupError | TypeError | ValueError) and not lines
    text = str(error) if told else f"{type(error).__name__}: {error}".rstrip(": ")
    return text[:LONGEST_REASON] + place


if __name__ == "__main__":
    main()
