"""Python files that make values: never run unless switched on, then apart, seeded, bounded and without our secrets."""

import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jobs.errors import RequestError
from jobs.model import RunRequest
from jobs.planning import plan_run
from jobs.profiles import Profile, ProfileError, check_paths, draw_scenarios, load_profile, made, with_list_functions
from jobs.settings import Settings
from jobs.testing import ScriptedAssistant, ScriptedSimulator, testing_ports

FUNCTIONS = """
import os
import random
import sys
from datetime import date

import numpy
import yaml


def numbers(low, high, step=1):
    return numpy.arange(low, high, step)


def shuffled(path):
    print("this is not a value")
    with open(path, encoding="utf-8") as file:
        values = yaml.safe_load(file)["things"]
    random.shuffle(values)
    return values


def chances():
    return [random.random(), float(numpy.random.rand())]


def names():
    return {"Ann", "Ben", "Cleo", "Dora"}


def days():
    return (date(2025, 1, day) for day in (1, 2))


def environment():
    return sorted(os.environ)


def here():
    return [os.getcwd()]


def forever():
    while True:
        pass


def child():
    if child := os.fork():
        return [child]
    while True:
        pass


def memory():
    return [len("x" * (2 << 30))]


def flood():
    os.write(1, b"x")
    os.write(2, b"y")
    return ["z" * 11_000]


def fails():
    return 1 / 0


def leaves():
    sys.exit("enough")


def dies():
    os._exit(9)


def text():
    return "abc"


def nothing():
    return []


def mixed():
    return [1, [2]]


def endless():
    while True:
        yield 1
"""


def profile_of(
    tmp_path: Path, call: str, *, kind: str = "string", function: str = "forward()", number: str = "all_combinations"
) -> Profile:
    (tmp_path / "make.py").write_text(FUNCTIONS, encoding="utf-8")
    text = (
        "test_name: t\nuser:\n  role: r\n  goals:\n    - buy {{thing}}\n"
        f"    - thing: {{function: {function}, type: {kind}, data: {{file: make.py, {call}}}}}\n"
        f"conversation: {{number: {number}}}\n"
    )
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    return load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path)


def values(profile: Profile, seed: int = 1) -> tuple[object, ...]:
    return with_list_functions(profile, seed=seed).variables["thing"].values


def refusal(profile: Profile) -> str:
    with pytest.raises(ProfileError) as raised:
        with_list_functions(profile, seed=1)
    [problem] = raised.value.problems
    assert (problem.field, problem.place is not None) == ("user.goals[1].thing.data", True)
    return problem.message


@pytest.mark.parametrize(
    ("call", "kind", "expected"),
    [
        ("function_name: numbers, args: [1, 6, 2]", "int", (1, 3, 5)),
        ("function_name: numbers, args: [1, 3, {step: 1}]", "int", (1, 2)),
        ("function_name: numbers, args: {low: 0, high: 1, step: 0.5}", "float", (0.0, 0.5)),
        ("function_name: numbers, args: [1, 3]", "string", ("1", "2")),
        ("function_name: days", "date", ("2025-01-01", "2025-01-02")),
    ],
)
def test_arguments_go_in_and_typed_values_come_out(
    call: str, kind: str, expected: tuple[object, ...], tmp_path: Path
) -> None:
    profile = with_list_functions(profile_of(tmp_path, call, kind=kind), seed=1)

    assert profile.variables["thing"].values == expected
    assert (profile.combinations, profile.planned(1), profile.unsupported) == (len(expected), len(expected), ())
    assert [each.goals[0].text for each in draw_scenarios(profile, seed=1)] == [f"buy {value}" for value in expected]


def test_without_a_function_name_the_only_public_one_is_called(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, "function_name: ")
    assert "function_name is missing, and its functions are: numbers, shuffled" in refusal(profile)

    (tmp_path / "make.py").write_text("import random\ndef _no(): ...\ndef only(): return ['x']\n", encoding="utf-8")
    assert values(load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path)) == ("x",)

    (tmp_path / "make.py").write_text("def other(): ...\ndef make(): return ['like the file']\n", encoding="utf-8")
    assert values(load_profile(tmp_path / "p.yaml", profiles_dir=tmp_path)) == ("like the file",)


@pytest.mark.parametrize(("name", "kind"), [("chances", "float"), ("names", "string")])
def test_the_same_seed_gives_the_same_list_and_another_seed_another(name: str, kind: str, tmp_path: Path) -> None:
    profile = profile_of(tmp_path, f"function_name: {name}", kind=kind)

    assert values(profile, 5) == values(profile, 5)
    assert len({values(profile, seed) for seed in (5, 6, 7, 2**40)}) > 1


def test_a_file_named_as_an_argument_is_read_in_the_working_directory_and_belongs_to_the_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "things.yml").write_text("things: [a, b, c]", encoding="utf-8")
    first = profile_of(tmp_path, "function_name: shuffled, args: things.yml")
    assert sorted(str(value) for value in values(first)) == ["a", "b", "c"]

    (tmp_path / "things.yml").write_text("things: [a, b]", encoding="utf-8")
    assert profile_of(tmp_path, "function_name: shuffled, args: things.yml").stamp != first.stamp


def test_it_runs_in_our_working_directory_without_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    assert values(profile_of(tmp_path, "function_name: here")) == (str(Path.cwd()),)
    names = values(profile_of(tmp_path, "function_name: environment"))
    assert set(names) <= {"PATH", "LANG", "LC_CTYPE", "PYTHONHASHSEED", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("fails", "ZeroDivisionError: division by zero (line 66)"),
        ("leaves", "SystemExit: enough"),
        ("dies", "without an answer"),
        ("memory", "MemoryError"),
        ("flood", "which is no string"),
        ("text", "a value of the type str instead of a list"),
        ("nothing", "returned no value"),
        ("mixed", "one of its values is a list"),
        ("endless", "more than 100,000 values"),
        ("nobody", "there is no function 'nobody'"),
        ("numbers", "missing 2 required positional arguments"),
    ],
)
def test_a_function_that_gives_no_list_is_told_with_its_place(call: str, message: str, tmp_path: Path) -> None:
    assert message in refusal(profile_of(tmp_path, f"function_name: {call}"))


def test_values_of_another_type_are_told(tmp_path: Path) -> None:
    assert "(number 1), which is no int" in refusal(profile_of(tmp_path, "function_name: names", kind="int"))


def test_what_a_function_started_is_ended_with_it(tmp_path: Path) -> None:
    [child] = values(profile_of(tmp_path, "function_name: child", kind="int"))

    assert isinstance(child, int)
    deadline = time.monotonic() + 5  # a signal takes a moment to arrive
    while is_running(child) and time.monotonic() < deadline:
        pass
    assert not is_running(child)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_function_that_never_returns_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "SECONDS", 0.5)

    assert "did not return within 0.5 s" in refusal(profile_of(tmp_path, "function_name: forever"))


def test_more_values_than_the_list_has_are_told_once_it_is_known(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, "function_name: names", function="random(5)", number="3")

    assert "wants more values than the 4" in refusal(profile)


@pytest.mark.parametrize("name", ["../make.py", "/etc/make.py", "missing.py", "huge.py", "latin.py"])
def test_a_python_file_that_may_not_be_read_is_a_problem(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "make.py").write_text("", encoding="utf-8")
    (inside / "huge.py").write_text("#" * 300_000, encoding="utf-8")
    (inside / "latin.py").write_bytes(b"# caf\xe9")
    profile_of(inside, "function_name: names")
    (inside / "p.yaml").write_text((inside / "p.yaml").read_text().replace("make.py", name), encoding="utf-8")

    with pytest.raises(ProfileError) as raised:
        load_profile(inside / "p.yaml", profiles_dir=inside)

    assert raised.value.problems[0].field == "user.goals[1].thing.data.file"


def test_a_check_counts_the_values_only_when_functions_are_on(tmp_path: Path) -> None:
    profile_of(tmp_path, "function_name: names")

    [off] = check_paths([tmp_path / "p.yaml"], profiles_dir=tmp_path)
    [on] = check_paths([tmp_path / "p.yaml"], profiles_dir=tmp_path, list_functions=True)

    assert (off.ok, off.variables, off.combinations) == (True, {"thing": None}, None)
    assert "CONVOTEST_LIST_FUNCTIONS=on" in off.warnings[0]
    assert (on.ok, on.variables, on.combinations, on.conversations, on.warnings) == (True, {"thing": 4}, 4, 4, ())


def test_without_the_setting_a_run_is_refused_with_its_name(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, "function_name: names")

    with pytest.raises(RequestError, match="CONVOTEST_LIST_FUNCTIONS=on"):
        profile.planned(1)
    with pytest.raises(RequestError, match="CONVOTEST_LIST_FUNCTIONS=on"):
        draw_scenarios(profile, seed=1, n=1)


def test_a_check_tells_a_failing_function_as_a_problem(tmp_path: Path) -> None:
    profile_of(tmp_path, "function_name: fails")

    [on] = check_paths([tmp_path / "p.yaml"], profiles_dir=tmp_path, list_functions=True)

    assert "ZeroDivisionError" in on.problems[0].message


async def test_a_run_draws_from_the_list_of_its_seed_when_functions_are_on(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, "function_name: chances", kind="float")
    request = RunRequest(target="p", assistant="pizza", n=2, seed=7)

    async def planned(setting: str) -> tuple[object, ...]:
        settings = Settings(convotest_list_functions=setting)  # pyright: ignore[reportArgumentType] - read as a setting
        double, simulator = ScriptedAssistant("Hi."), ScriptedSimulator()
        async with testing_ports(tmp_path, assistant=double, simulator=simulator, settings=settings) as ports:
            plan = await plan_run(request, replace(ports, profiles_dir=tmp_path))
            return plan.profile.variables["thing"].values

    assert await planned("on") == await planned("on") == values(profile, 7)
    off = await planned("off")
    assert off == ()
