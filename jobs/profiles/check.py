"""Checks the YAML files that convotest reads, and says everything about each at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jobs.errors import RequestError
from jobs.profiles import yamltree
from jobs.profiles.files import profile_in, yaml_files
from jobs.profiles.made import with_list_functions
from jobs.profiles.nearby import NotFoundError, read_bounded
from jobs.profiles.personality import read_personality
from jobs.profiles.problems import Problem, ProfileError, Report
from jobs.profiles.profile import Profile

SEED = 0
"""List functions may use chance; a check looks at what they make of this seed."""
MANY_COMBINATIONS = 100

FileKind = Literal["profile", "personality", "suite", "rules", "assistants", "alerts"]

_FOLDERS: Mapping[str, FileKind] = {
    "personalities": "personality",
    "suites": "suite",
    "cases": "suite",
    "rules": "rules",
}
_KEYS: Sequence[tuple[FileKind, frozenset[str]]] = (
    ("profile", frozenset({"test_name", "user", "ask_about", "conversation", "conversations", "chatbot", "llm"})),
    ("assistants", frozenset({"assistants"})),
    ("rules", frozenset({"when", "then", "oracle"})),
    ("suite", frozenset({"cases", "profiles", "suite", "gates", "expected_patterns", "expected_intent"})),
    ("personality", frozenset({"traits", "context"})),
)


@dataclass(frozen=True, kw_only=True)
class FileCheck:
    """What was found in one file.

    Args:
        profile: the ``test_name``; None for files that are no profiles, or cannot be read.
        combinations: how many ``forward()`` makes, None when no variable moves forward.
        conversations: how many the profile plans, None when that is not known.
        variables: how many values each variable has, None where a model would have to make some up.
    """

    path: str
    kind: FileKind
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    profile: str | None = None
    combinations: int | None = None
    conversations: int | None = None
    variables: Mapping[str, int | None] = field(default_factory=dict[str, int | None])

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """One entry of ``convotest check --json``. What a run would cost is not estimated: always null."""
        return {
            "path": self.path,
            "kind": self.kind,
            "ok": self.ok,
            "problems": [_problem_json(problem) for problem in self.problems],
            "warnings": list(self.warnings),
            "profile": self.profile,
            "combinations": self.combinations,
            "conversations": self.conversations,
            "variables": dict(self.variables),
            "estimated_cost_usd": None,
        }


def _problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "line": problem.place.line if problem.place else None,
        "column": problem.place.column if problem.place else None,
        "field": problem.field,
        "message": problem.message,
        "fix": problem.fix,
    }


def check_paths(paths: Sequence[Path], *, profiles_dir: Path, list_functions: bool = False) -> tuple[FileCheck, ...]:
    """One check for each file; a directory stands for the YAML files below it that convotest reads.

    Args:
        list_functions: whether Python files that make values are run, to see how many and of which type.
    """
    checks: list[FileCheck] = []
    for path in paths:
        if path.is_dir():
            looks = (_look(file) for file in sorted((*yaml_files(path), *_json_cases(path))))
            checks += [_check(look, profiles_dir, list_functions) for look in looks if look.is_ours]
        else:
            checks.append(_check(_look(path), profiles_dir, list_functions))
    return tuple(checks)


def _json_cases(directory: Path) -> Iterator[Path]:
    """Test cases may be JSON; what else is JSON is not ours."""
    return (path for path in yaml_files(directory, suffixes=(".json",)) if "cases" in path.parts)


@dataclass(frozen=True, kw_only=True)
class _Look:
    """A file, read but not judged yet; ``root`` is None when it could not be read, ``kind`` when nothing tells it."""

    path: Path
    content: bytes
    root: yamltree.Node | None
    kind: FileKind | None
    report: Report

    @property
    def is_ours(self) -> bool:
        """False for what else may lie in a directory: prices, menus, the values of a variable."""
        return self.path.stem != "prices" and (self.kind is not None or self.root is None)


def _look(path: Path) -> _Look:
    report = Report()
    root, content = None, b""
    try:
        content = read_bounded(path)
        root = yamltree.parse_tree(content, report, is_json=path.suffix == ".json")
    except NotFoundError as error:
        report.problem(None, "", error.message, error.fix)
    return _Look(path=path, content=content, root=root, kind=_kind(path, root), report=report)


def _check(look: _Look, profiles_dir: Path, list_functions: bool) -> FileCheck:
    kind, root, report = look.kind or "profile", look.root, look.report
    profile = None
    if kind == "personality" and root is not None:
        read_personality(root, stem=look.path.stem, report=report)
    if kind == "profile" and root is not None:
        profile = profile_in(root, look.content, path=look.path, profiles_dir=profiles_dir, report=report)
    if kind == "rules" and root is not None:
        from jobs.rules.files import read_rule  # rules are read with what stands in this package

        read_rule(root, path=look.path, report=report)
    if kind == "alerts" and root is not None:
        from jobs.alerts.rules import read_rules  # likewise

        read_rules(root, report)
    if list_functions and profile is not None and not report.problems:
        profile = _with_list_functions(profile, report)
    return _result(look.path, kind, report, profile)


def _with_list_functions(profile: Profile, report: Report) -> Profile:
    try:
        made = with_list_functions(profile, seed=SEED)
    except ProfileError as error:
        report.problems += error.problems
        return profile
    report.unsupported[:] = made.unsupported
    return made


def _result(path: Path, kind: FileKind, report: Report, profile: Profile | None) -> FileCheck:
    usable = profile if profile is not None and not report.problems else None
    return FileCheck(
        path=path.as_posix(),
        kind=kind,
        problems=report.ordered(),
        warnings=(*report.warnings, *report.unsupported, *(_offer(usable) if usable else ())),
        profile=profile.name if profile else None,
        combinations=usable.combinations if usable else None,
        conversations=_planned(usable) if usable else None,
        variables={name: variable.count for name, variable in usable.variables.items()} if usable else {},
    )


def _offer(profile: Profile) -> tuple[str, ...]:
    """A word about pairs when playing all combinations is long and not needed to see each value beside each other."""
    whole = profile.combinations or 0
    if profile.number == "pairwise" or whole < MANY_COMBINATIONS or (pairs := profile.pairwise) is None:
        return ()
    if pairs > whole / 2:
        return ()
    fewer = f"{pairs:,} conversations have every pair of values"
    return (f"conversation.number: there are {whole:,} combinations; {fewer}: write number: pairwise",)


def _planned(profile: Profile) -> int | None:
    try:
        return profile.planned()
    except RequestError:
        return None


def _kind(path: Path, root: yamltree.Node | None) -> FileKind | None:
    """What a file is by its name and folder, else by its fields; None when nothing tells."""
    if path.stem == "assistants":
        return "assistants"
    if path.stem == "alerts":
        return "alerts"
    for folder in reversed(path.parts[:-1]):
        if folder in _FOLDERS:
            return _FOLDERS[folder]
    keys = {entry.key.text for entry in root.entries} if isinstance(root, yamltree.Mapping) else set[str]()
    for kind, telling in _KEYS:
        if keys & telling:
            return kind
    return None
