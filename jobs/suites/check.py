"""Checks suites and files of test cases, and says everything about each at once."""

from dataclasses import replace
from pathlib import Path

from jobs.errors import RequestError
from jobs.profiles.check import FileCheck
from jobs.profiles.fields import Field
from jobs.profiles.nearby import NotFoundError, read_bounded
from jobs.profiles.problems import Report
from jobs.profiles.yamltree import parse_tree
from jobs.suites.case_files import read_cases
from jobs.suites.draw import planned
from jobs.suites.files import suite_in
from jobs.suites.suite import Suite, Thresholds

SEED = 0
CASES = "cases"


def check_suite(check: FileCheck, *, profiles_dir: Path) -> FileCheck:
    """The check of a suite or a file of cases with what this package says; other files stay as they are."""
    if check.kind != "suite" or not check.ok:
        return check
    path, report = Path(check.path), Report()
    try:
        content = read_bounded(path)
    except NotFoundError as error:
        report.problem(None, "", error.message, error.fix)
        return replace(check, problems=report.ordered())
    root = parse_tree(content, report, is_json=path.suffix == ".json")
    conversations = None
    if root is not None:
        field = Field(node=root, path="", report=report)
        if _is_suite(field, path):
            suite = suite_in(root, content, path=path, profiles_dir=profiles_dir, report=report)
            conversations = None if report.problems else _planned(suite)
        else:
            cases = read_cases(field, stem=path.stem, thresholds=Thresholds())
            conversations = None if report.problems else sum(each.repeats or 1 for each in cases)
    return replace(check, problems=report.ordered(), warnings=tuple(report.warnings), conversations=conversations)


def _is_suite(root: Field, path: Path) -> bool:
    """By the folder it lies in, else by its name: a list of cases alone has none."""
    if CASES in path.parts[:-1]:
        return False
    keys = {key.written for key, _ in root.entries()}
    return "suites" in path.parts[:-1] or bool(keys & {"suite", "profiles", "gates"})


def _planned(suite: Suite) -> int | None:
    try:
        return planned(suite, SEED)
    except RequestError:  # a share of combinations whose number is not known; the profile's own check says so
        return None
