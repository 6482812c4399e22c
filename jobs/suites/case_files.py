"""Files of test cases, YAML or JSON: one case, or a list of them."""

from pathlib import Path

from jobs.profiles.fields import Field, Section
from jobs.profiles.nearby import Nearby, NotFoundError, read_bounded
from jobs.profiles.problems import Report, shown
from jobs.profiles.yamltree import parse_tree
from jobs.suites.case import read_case
from jobs.suites.suite import SuiteCase, Thresholds

SUFFIXES = (".yaml", ".yml", ".json")
MOST_FILES = 1_000


def read_cases(root: Field, *, stem: str, thresholds: Thresholds) -> tuple[SuiteCase, ...]:
    """The cases of a file: a list of them, also below ``cases``, or one that is called like the file."""
    if root.is_mapping and any(key.written == "cases" for key, _ in root.entries()):
        section = Section(root, keys="cases")
        listed = section.take("cases")
        section.close(refuse=True)
        items = listed.items(example="[{name: hello, input: hi}]") if listed else ()
    elif root.is_list:
        items = root.items(example="")
    else:
        case = read_case(root, name=stem, thresholds=thresholds)
        return (case,) if case else ()
    read = (read_case(item, name=None, thresholds=thresholds) for item in items)
    return tuple(case for case in read if case)


def load_cases(field: Field, nearby: Nearby, thresholds: Thresholds) -> tuple[SuiteCase, ...]:
    """The cases of the file or folder that a field names; what is wrong with them is reported at the field."""
    written = field.text(example="cases/pizza")
    if written is None:
        return ()
    try:
        paths = _files(written, nearby)
    except NotFoundError as error:
        field.problem(error.message, error.fix)
        return ()
    return tuple(case for path in paths for case in _load(path, field, nearby, thresholds))


def _files(written: str, nearby: Nearby) -> tuple[Path, ...]:
    places = [place for suffix in ("", *SUFFIXES) for place in nearby.locate(f"{written.rstrip('/')}{suffix}")]
    found = next((place for place in places if place.is_dir() or (place.is_file() and place.suffix in SUFFIXES)), None)
    if found is None:
        fix = "paths begin beside the suite, in the profiles directory or in the working directory"
        raise NotFoundError(f"there are no cases {shown(written)}", fix)
    if found.is_file():
        return (found,)
    files = tuple(sorted(path for path in found.rglob("*") if path.suffix in SUFFIXES and path.is_file()))
    if not 1 <= len(files) <= MOST_FILES:
        message = f"the folder {shown(written)} has {len(files):,} files of cases"
        raise NotFoundError(message, f"name a folder with 1 to {MOST_FILES:,}")
    return files


def _load(path: Path, field: Field, nearby: Nearby, thresholds: Thresholds) -> tuple[SuiteCase, ...]:
    report = Report()
    cases: tuple[SuiteCase, ...] = ()
    try:
        content = read_bounded(path)
        nearby.contents.append(content)
        if root := parse_tree(content, report, is_json=path.suffix == ".json"):
            cases = read_cases(Field(node=root, path="", report=report), stem=path.stem, thresholds=thresholds)
    except NotFoundError as error:
        report.problem(None, "", error.message, error.fix)
    field.adopt(report, source=path.name)
    return cases
