"""Whatever a file holds, it is refused with its place or read, at once, and the process lives on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.importing.sources import read_conversations
from jobs.profiles.check import check_paths
from jobs.recorded import Recorded, UnreadableError, parse_recorded
from jobs.rules.check import check_rules
from jobs.rules.files import read_rule_file
from jobs.suites import check_suite

PROFILE = """\
test_name: t
user:
  goals:
    - "a {{size}} tea"
    - size: {function: random(), type: string, data: [small, large]}
conversation: {number: 1}
"""
SUITE = "suite: s\ncases: [{name: a, input: hi, expected_patterns: [x]}]\n"
RULE = "name: r\nthen: len(chatbot_phrases) > 0\n"
RECORDING = "serial: x\nask_about: [{a: b}]\n---\n{}\n---\ninteraction: [{User: hi}]\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
BAD: dict[str, bytes] = {
    "a bomb": BOMB.encode(),
    "deep nesting": b"[" * 100_000,
    "deep mappings": b"{a: " * 50_000,
    "a key twice": b"name: a\nname: b\nsuite: a\nsuite: b\ntest_name: a\ntest_name: b\n",
    "a tag": b"test_name: !!python/object/apply:os.system [id]\nthen: !!python/name:os.system\n",
    "a mark at its beginning and tabs": b"\xef\xbb\xbf\ttest_name: x\n",
    "ten megabytes": b"x: y\n" * 2_000_000,
    "one long line": b"name: " + b"x" * 3_000_000,
    "not UTF-8": b"test_name: \xff\xfe\n",
    "a zero": b"test_name: a\x00b\n",
    "nothing": b"",
    "a list": b"- 1\n- 2\n",
    "a number": b"17\n",
    "many documents": b"---\na: 1\n" * 5_000,
    "an alias without anchor": b"a: *nothing\n",
    "an endless alias": b"a: &a [*a]\n",
}
HOSTILE = [
    *("\t", "\x00", "\ufeff", "𝒳", "\u202e", "&a ", "*a", "!!python/name:os.system ", "[" * 50, "{" * 50, "9" * 400),
    *(": ", "- ", "'", '"', "|", ">", "{{", "}}", "null", "~", "__class__", "import os", "step: 0", "min: 9, max: 1"),
]
WITHIN_S = 0.5


def check_as_profile(path: Path) -> bool:
    [check] = check_paths([path], profiles_dir=path.parent)
    assert check.ok or all(problem.message and problem.fix for problem in check.problems)
    return check.ok


def check_as_suite(path: Path) -> bool:
    folder = path.parent / "suites"
    folder.mkdir(exist_ok=True)
    moved = folder / path.name
    moved.write_bytes(path.read_bytes())
    [check] = [check_suite(each, profiles_dir=path.parent) for each in check_paths([moved], profiles_dir=path.parent)]
    assert check.ok or all(problem.message and problem.fix for problem in check.problems)
    return check.ok


def check_as_rule(path: Path) -> bool:
    file = read_rule_file(path)
    assert not file.problems or all(problem.message and problem.fix for problem in file.problems)
    if file.rule:
        check_rules([file.rule], [parse_recorded(RECORDING.encode(), name="a")])
    return not file.problems


def check_as_recording(path: Path) -> bool:
    try:
        parse_recorded(path.read_bytes(), name="a")
    except UnreadableError as error:
        assert error.place.line >= 1 and error.message and error.fix
        return False
    return True


def check_as_chat(path: Path) -> bool:
    found = [*read_conversations(path, "jsonl"), *read_conversations(path, "csv")]
    return any(isinstance(each, Recorded) for each in found)


CHECKS: dict[str, Callable[[Path], bool]] = {
    "profile": check_as_profile,
    "suite": check_as_suite,
    "rule": check_as_rule,
    "recording": check_as_recording,
    "chat": check_as_chat,
}


@pytest.mark.parametrize("what", CHECKS)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_by_every_reader(tmp_path: Path, what: str, name: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(BAD[name])

    assert CHECKS[what](path) is False


def broken(text: str) -> st.SearchStrategy[str]:
    """The text with something put in, taken out or repeated at some place."""
    hostile = st.sampled_from(HOSTILE)

    @st.composite
    def changed(draw: st.DrawFn) -> str:
        result = text
        for _ in range(draw(st.integers(1, 4))):
            start = draw(st.integers(0, len(result)))
            end = draw(st.integers(start, min(len(result), start + 30)))
            result = result[:start] + draw(hostile | st.text(max_size=5)) + result[end:]
        return result

    return changed()


@pytest.mark.parametrize(
    ("what", "text"), [("profile", PROFILE), ("suite", SUITE), ("rule", RULE), ("recording", RECORDING)]
)
def test_no_change_to_a_file_breaks_its_reader(tmp_path: Path, what: str, text: str) -> None:
    path = tmp_path / "file.yaml"

    @settings(max_examples=120, deadline=WITHIN_S * 1000, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(changed=broken(text))
    def holds(changed: str) -> None:
        path.write_bytes(changed.encode("utf-8", errors="ignore"))
        CHECKS[what](path)

    path.write_text(text)
    assert CHECKS[what](path) is True
    holds()
