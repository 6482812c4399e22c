"""Values that are not written in a profile: made by a Python file, or made up by a model, for the seed of a run."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import IO, Any

from jobs.model import SlotType, SlotValue
from jobs.profiles.fields import LARGEST, Field
from jobs.profiles.problems import ProfileError, Report, shown
from jobs.profiles.profile import ListFunction, Profile, Variable, count_combinations
from jobs.profiles.reading import MOST_COMBINATIONS
from jobs.profiles.variables import MOST_VALUES, check_amount
from jobs.profiles.yamltree import MOST_CHARACTERS, Scalar

PROGRAM = Path(__file__).with_name("_list_function.py")
SECONDS = 10
MEMORY = 1024**3
LARGEST_ANSWER = 16 * 1024**2
LIMITS = {"RLIMIT_AS": MEMORY, "RLIMIT_CPU": SECONDS, "RLIMIT_FSIZE": LARGEST_ANSWER, "RLIMIT_CORE": 0}


class ListFunctionError(Exception):
    """A list function that gave no values, and why."""


# --- profiles --------------------------------------------------------------------------------------------------------


def with_list_functions(profile: Profile, *, seed: int) -> Profile:
    """The profile with the values that its list functions make; the same seed makes the same.

    Waits for other processes, up to ten seconds each. Only for those who switched list functions on.

    Raises:
        ProfileError: a function failed or returned something else than values of the variable's type.
    """
    report = Report()
    made = {
        name: (_values_from(variable, variable.made_by, seed, report))
        for name, variable in profile.variables.items()
        if variable.made_by
    }
    return with_values(profile, {name: values for name, values in made.items() if values}, report=report)


def with_values(profile: Profile, made: Mapping[str, Sequence[SlotValue]], *, report: Report) -> Profile:
    """The profile, in which these variables have these values, once everything fits together.

    Raises:
        ProfileError: something does not, or ``report`` has a problem already.
    """
    variables = {
        name: _filled(variable, tuple(made[name]), report) if name in made else variable
        for name, variable in profile.variables.items()
    }
    if (count_combinations(variables) or 0) > MOST_COMBINATIONS:
        report.problem(None, "user.goals", f"there are more than {MOST_COMBINATIONS:,} combinations", "nest fewer")
    if report.problems:
        raise ProfileError(profile.path, report.ordered(), (*profile.warnings, *profile.unsupported))
    settled = {note for name in made for note in profile.variables[name].open_notes}
    unsupported = tuple(note for note in profile.unsupported if note not in settled)
    return replace(profile, variables=variables, unsupported=unsupported)


def _filled(variable: Variable, values: tuple[SlotValue, ...], report: Report) -> Variable:
    check_amount(variable.function, len(values), _place_of(variable, report))
    return replace(variable, values=values, count=len(values), unplayable=None, made_by=None, made_up=(), open_notes=())


def _place_of(variable: Variable, report: Report) -> Field:
    assert variable.place  # every variable that a profile was read with has its place
    return Field(node=Scalar(text="", quoted=True, place=variable.place), path=variable.field, report=report)


def _values_from(variable: Variable, function: ListFunction, seed: int, report: Report) -> tuple[SlotValue, ...]:
    """The values, none when there is something to report."""
    field = _place_of(variable, report)
    try:
        returned = call_list_function(function, seed=seed)
    except ListFunctionError as error:
        field.problem(f"{shown(function.file)}: {error}", "correct the file, function_name or args")
        return ()
    if not returned:
        field.problem(f"{shown(function.file)} returned no value", "return at least one")
    values: list[SlotValue] = []
    for position, each in enumerate(returned):
        value = typed(each, variable.type)
        if value is None:
            message = f"{shown(function.file)} returned {shown(str(each))} (number {position + 1})"
            field.problem(f"{message}, which is no {variable.type}", "return such values, or correct the type")
            return ()
        values.append(value)
    return tuple(values)


def typed(value: Any, kind: SlotType) -> SlotValue | None:
    """The value as one of that type, None if it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if kind == "string":
        text = str(value).strip()
        return text if 0 < len(text) <= MOST_CHARACTERS else None
    if kind == "date":
        return _day(value) if isinstance(value, str) else None
    if isinstance(value, str) or abs(value) > LARGEST:
        return None
    if kind == "float":
        return float(value)
    return int(value) if value == int(value) else None


def _day(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


# --- the process -----------------------------------------------------------------------------------------------------


def call_list_function(function: ListFunction, *, seed: int) -> list[Any]:
    """What the function returns, as JSON has it.

    It runs in a process of its own: in our working directory, with the seed, without our environment, for ten seconds
    and in 1 GB at most.

    Raises:
        ListFunctionError: it did not return a list of plain values in time.
    """
    request = {
        "file": function.file,
        "source": function.source,
        "name": function.name,
        "arguments": function.arguments,
        "named_arguments": dict(function.named_arguments or {}),
        "seed": seed,
        "most_values": MOST_VALUES,
        "limits": LIMITS,
    }
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as answer:
        question.write(json.dumps(request).encode())
        question.seek(0)
        _run(question, answer, seed)
        answer.seek(0)
        content = answer.read(LARGEST_ANSWER + 1)
    return _read(content)


def _run(question: IO[bytes], answer: IO[bytes], seed: int) -> None:
    process = subprocess.Popen(  # noqa: S603 - our own program; what it runs, an operator has allowed
        [sys.executable, "-s", "-P", "-B", str(PROGRAM)],
        stdin=question,
        stdout=answer,  # a file, since its size is limited where that of a pipe is not
        stderr=subprocess.DEVNULL,
        env=_environment(seed),
        start_new_session=True,
    )
    try:
        process.wait(timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ListFunctionError(f"it did not return within {SECONDS} s") from error
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it and whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # nothing is left of it
    finally:
        process.wait()


def _environment(seed: int) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": str(seed % 2**32),  # or the order of a set would change from call to call
        "OPENBLAS_NUM_THREADS": "1",  # each thread of numpy's reserves memory, and 1 GB is all there is
        "OMP_NUM_THREADS": "1",
    }


def _read(content: bytes) -> list[Any]:
    try:
        answer = json.loads(content)
    except ValueError as error:  # it was killed, or something wrote where only the answer belongs
        reason = f"it ended without an answer (it may use {MEMORY // 1024**3} GB and {SECONDS} s)"
        raise ListFunctionError(reason) from error
    if "error" in answer:
        raise ListFunctionError(str(answer["error"]))
    return answer["values"]
