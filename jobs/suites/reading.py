"""Reads the tree of a suite's file, and the profiles and cases that it names."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from jobs.errors import RequestError
from jobs.model import Category, Gate
from jobs.profiles.fields import Field, Section
from jobs.profiles.files import find_profile, relative_name, yaml_files
from jobs.profiles.nearby import Nearby, NotFoundError
from jobs.profiles.problems import ProfileError, shown
from jobs.profiles.profile import Profile
from jobs.report.gates import MEASURES, WITHOUT_INTERVAL
from jobs.rules.files import read_rule_file, rules_stamp
from jobs.suites.case import read_case, read_thresholds
from jobs.suites.case_files import load_cases
from jobs.suites.suite import Suite, SuiteCase, SuiteProfile, Thresholds
from jobs.suites.values import CATEGORIES, MOST_REPEATS, read_choice, read_labels, read_repeats, read_text

KEYS = "suite, profiles and cases"
MOST_RULES = 1_000
MOST = 1_000_000


def read_suite(
    root: Field,
    *,
    path: str,
    content: bytes,
    nearby: Nearby,
    profiles_dir: Path,
    find: Callable[[str], Profile] | None = None,
) -> Suite:
    """The suite; only good for use when the report has no problems afterwards.

    Args:
        find: the profile of a name; None = that of the profiles directory.
    """
    find = find or partial(find_profile, profiles_dir=profiles_dir)
    section = Section(root, keys=KEYS)
    name = read_text(section.take("suite"), example="pizza-smoke")
    if name is None:
        root.problem("the suite has no name", "add suite: and its name")
    thresholds = read_thresholds(section.take("thresholds"), Thresholds())
    profiles = _profiles(section.take("profiles"), find)
    cases = _cases(section.take("cases"), nearby, thresholds)
    if not profiles and not cases and not root.report.problems:
        root.problem("the suite has nothing to play", "add profiles: or cases: with at least one")
    rules, rules_stamp = _rules(section.take("rules"), nearby, profiles_dir)
    suite = Suite(
        stem=PurePosixPath(path).name,
        path=path,
        name=name or "",
        stamp=_stamp([content, *nearby.contents, *(each.profile.stamp.encode() for each in profiles)]),
        description=read_text(section.take("description"), example="what must always work") or "",
        profiles=profiles,
        cases=cases,
        assistant=read_text(section.take("assistant"), example="pizza"),
        repeats=read_repeats(section.take("repeats")) or 1,
        counts=_counts(section.take("counts")),
        gates=_gates(section.take("gates"), profiles),
        per_minute=_positive(section.take("per_minute"), example="60 conversations a minute"),
        budget_usd=_positive(section.take("budget_usd"), example="2.50 dollars for a run"),
        rules=rules,
        rules_stamp=rules_stamp,
        warnings=(*root.report.warnings, *(warning for each in profiles for warning in each.profile.warnings)),
    )
    section.close(refuse=True)
    return suite


def _positive(field: Field | None, *, example: str) -> float | None:
    number = field.number() if field else None
    if field is None or number is None:
        return None
    if not 0 < number <= MOST:
        field.problem(f"{field.quoted()} is out of range", f"write a number above 0, for example {example}")
        return None
    return float(number)


def _stamp(contents: list[bytes]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in contents)).hexdigest()


# --- profiles and cases -----------------------------------------------------------------------------------------------


def _profiles(field: Field | None, find: Callable[[str], Profile]) -> tuple[SuiteProfile, ...]:
    items = field.items(example="[pizza-shop/pizza]") if field else ()
    return tuple(entry for item in items if (entry := _profile_entry(item, find)))


def _profile_entry(item: Field, find: Callable[[str], Profile]) -> SuiteProfile | None:
    if not item.is_mapping:
        profile = _profile(item, find)
        return SuiteProfile(profile=profile) if profile else None
    section = Section(item, keys="profile, n and category")
    named, n = section.take("profile"), section.take("n")
    category = read_choice(section.take("category"), CATEGORIES)
    tags = tuple(dict.fromkeys(read_labels(section.take("tags"))))
    section.close(refuse=True)
    if named is None:
        item.problem("this entry names no profile", "add profile: and its path under the profiles directory")
        return None
    profile, amount = _profile(named, find), n.whole(low=1, high=100_000) if n else None
    return SuiteProfile(profile=profile, n=amount, category=category, tags=tags) if profile else None


def _profile(field: Field, find: Callable[[str], Profile]) -> Profile | None:
    written = field.text(example="pizza-shop/pizza")
    if written is None:
        return None
    try:
        return find(written)
    except ProfileError as error:
        for problem in error.problems:
            where = f" (line {problem.place.line})" if problem.place else ""
            field.problem(f"in {shown(error.path)}{where}: {problem.message}", problem.fix)
    except RequestError as error:
        field.problem(str(error), "write its path under the profiles directory")
    return None


def _cases(field: Field | None, nearby: Nearby, thresholds: Thresholds) -> tuple[SuiteCase, ...]:
    cases: list[SuiteCase] = []
    for item in field.items(example="[cases/pizza]") if field else ():
        if item.is_mapping:
            case = read_case(item, name=None, thresholds=thresholds)
            cases += [case] if case else []
        else:
            cases += load_cases(item, nearby, thresholds)
    twice = [name for name, times in Counter(each.case.name for each in cases).items() if times > 1 and name]
    if field and twice:
        field.problem(f"several cases are called {shown(twice[0])}", "give each case a name of its own")
    return tuple(cases)


def _counts(field: Field | None) -> Mapping[Category, int]:
    counts: dict[Category, int] = {}
    for key, value in field.entries() if field else ():
        category, amount = read_choice(key, CATEGORIES), value.whole(low=0, high=MOST_REPEATS)
        if category and amount is not None:
            counts[category] = amount
    if field and not field.is_mapping:
        field.problem("this must be a mapping of categories to numbers", "write, for example, {security: 5}")
    return counts


# --- gates and rules --------------------------------------------------------------------------------------------------


def _gates(field: Field | None, profiles: Sequence[SuiteProfile]) -> tuple[Gate, ...]:
    measures = {**MEASURES, **{rubric.name: "higher" for each in profiles for rubric in each.profile.rubrics}}
    if field and not field.is_mapping:
        field.problem("this must be a mapping of figures to limits", "write, for example, {success: 0.9}")
    return tuple(gate for key, value in (field.entries() if field else ()) if (gate := _gate(key, value, measures)))


def _gate(key: Field, value: Field, measures: Mapping[str, str]) -> Gate | None:
    """A limit for one of these figures, which say which way is good; rubrics of the suite's profiles are among them."""
    measure = key.written
    if measure not in measures:
        guess = key.report.guess(measure, measures)
        key.problem(
            f"there is no figure {shown(measure)}",
            f"did you mean {guess!r}?" if guess else f"write one of {', '.join(measures)}",
        )
        return None
    if not value.is_mapping:
        if (limit := value.number()) is None:
            return None
        more_is_better = measures[measure] == "higher"
        return Gate(
            measure=measure,
            at_least=float(limit) if more_is_better else None,
            at_most=None if more_is_better else float(limit),
        )
    section = Section(value, keys="at_least, at_most and by")
    least, most, by = section.take("at_least"), section.take("at_most"), section.take("by")
    section.close(refuse=True)
    if least is None and most is None:
        value.problem("this gate has no limit", "add at_least: or at_most: and a number")
    how = read_choice(by, ("point", "interval")) or "point"
    if by and how == "interval" and measure in WITHOUT_INTERVAL:
        by.problem(f"{measure} has no interval", "write point")
    low, high = least.number() if least else None, most.number() if most else None
    return Gate(
        measure=measure,
        at_least=float(low) if low is not None else None,
        at_most=float(high) if high is not None else None,
        by=how,
    )


def _rules(field: Field | None, nearby: Nearby, profiles_dir: Path) -> tuple[str | None, str | None]:
    """The folder of rules, as its path under the profiles directory, and the hash of what is in it."""
    written = field.text(example="rules/pizza-shop") if field else None
    if field is None or written is None:
        return None, None
    try:
        folder = next((place for place in nearby.locate(written) if place.is_dir()), None)
        if folder is None:
            raise NotFoundError(f"there is no folder {shown(written)}", "name a folder of rules, as rules/pizza-shop")
        files = sorted(yaml_files(folder))
        if not 1 <= len(files) <= MOST_RULES:
            raise NotFoundError(f"the folder {shown(written)} has {len(files):,} rules", "name a folder of rules")
        for problem in (problem for path in files for problem in _problems_of_rule(path)):
            field.problem(*problem)
        return relative_name(folder, profiles_dir), rules_stamp(folder)
    except NotFoundError as error:
        field.problem(error.message, error.fix)
    return None, None


def _problems_of_rule(path: Path) -> Iterator[tuple[str, str]]:
    for problem in read_rule_file(path).problems:
        where = f" (line {problem.place.line})" if problem.place else ""
        yield f"in {shown(path.name)}{where}: {problem.message}", problem.fix
