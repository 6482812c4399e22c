"""Finds suites and test cases, and what a run is to play by the name that somebody typed."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from jobs.errors import RequestError
from jobs.profiles.fields import Field
from jobs.profiles.files import ambiguous, load_profile, only_one, profile_files, relative_name, yaml_files
from jobs.profiles.nearby import Nearby, NotFoundError, read_bounded
from jobs.profiles.problems import ProfileError, Report
from jobs.profiles.profile import Profile
from jobs.profiles.yamltree import Node, parse_tree
from jobs.shelf import nearest, unknown
from jobs.suites.reading import read_suite
from jobs.suites.suite import Suite, alone

FOLDER = "suites"
SUFFIXES = (".yaml", ".yml", ".json")

T = TypeVar("T")

KINDS = "profiles or suites"


def load_suite(path: Path, *, profiles_dir: Path) -> Suite:
    """The suite in that file, with its profiles and cases.

    Raises:
        ProfileError: the file, or one that it names, cannot be used; lists every problem.
    """
    report = Report()
    suite = None
    try:
        content = read_bounded(path)
        if root := parse_tree(content, report):
            suite = suite_in(root, content, path=path, profiles_dir=profiles_dir, report=report)
    except NotFoundError as error:
        report.problem(None, "", error.message, error.fix)
    if suite is None or report.problems:
        raise ProfileError(relative_name(path, profiles_dir), report.ordered(), report.warnings)
    return suite


def suite_in(root: Node, content: bytes, *, path: Path, profiles_dir: Path, report: Report) -> Suite:
    """The suite in the tree of a file; only good for use when ``report`` has no problems afterwards."""
    return read_suite(
        Field(node=root, path="", report=report),
        path=PurePosixPath(relative_name(path, profiles_dir)).with_suffix("").as_posix(),
        content=content,
        nearby=Nearby(path, profiles_dir),
        profiles_dir=profiles_dir,
    )


def suite_files(profiles_dir: Path) -> tuple[Path, ...]:
    """Every file of a folder ``suites`` below the directory, in the order of their paths."""
    files = (path for path in yaml_files(profiles_dir) if FOLDER in path.relative_to(profiles_dir).parts[:-1])
    return tuple(sorted(files))


def list_suites(profiles_dir: Path) -> tuple[Suite, ...]:
    """Those suites of the directory that load; ``check_paths`` says what is wrong with the others."""
    loaded = (_load_or_none(path, load_suite, profiles_dir) for path in suite_files(profiles_dir))
    return tuple(suite for suite in loaded if suite is not None)


def find_target(target: str, *, profiles_dir: Path) -> Suite:
    """What ``target`` names, a suite or a profile: a path without suffix, else a file's stem, else its name.

    Raises:
        RequestError: none or several are named so; the text has the nearest name or the candidates.
        ProfileError: the one that is named so cannot be used.
    """
    profiles, suites = profile_files(profiles_dir), suite_files(profiles_dir)
    paths = {path: path.relative_to(profiles_dir).with_suffix("").as_posix() for path in (*profiles, *suites)}
    wanted = re.sub(r"\.(yaml|yml)$", "", target.strip()).removeprefix("./")
    for named in ([path for path, name in paths.items() if name == wanted], [p for p in paths if p.stem == wanted]):
        if named:
            path = only_one(target, named, profiles_dir, kinds=KINDS)
            if path in suites:
                return load_suite(path, profiles_dir=profiles_dir)
            return alone(load_profile(path, profiles_dir=profiles_dir))
    return _by_name(target.strip(), profiles, suites, profiles_dir)


def _by_name(name: str, profiles: Sequence[Path], suites: Sequence[Path], profiles_dir: Path) -> Suite:
    known_profiles = [each for path in profiles if (each := _load_or_none(path, load_profile, profiles_dir))]
    known_suites = [each for path in suites if (each := _load_or_none(path, load_suite, profiles_dir))]
    found = [alone(each) for each in known_profiles if each.name == name]
    found += [each for each in known_suites if each.name == name]
    if len(found) > 1:
        raise RequestError(ambiguous(name, [each.path for each in found], kinds=KINDS))
    if not found:
        raise RequestError(_unknown(name, known_profiles, known_suites))
    return found[0]


def _unknown(name: str, profiles: Sequence[Profile], suites: Sequence[Suite]) -> str:
    of_suites = {known for each in suites for known in (each.stem, each.name or each.stem)}
    everything = of_suites | {known for each in profiles for known in (each.stem, each.name)}
    return unknown("suite" if nearest(name, everything) in of_suites else "profile", name, everything)


def _load_or_none(path: Path, load: Callable[..., T], profiles_dir: Path) -> T | None:
    try:
        return load(path, profiles_dir=profiles_dir)
    except ProfileError:
        return None
