"""Finds profile files by name and loads them."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from jobs.errors import RequestError
from jobs.profiles.fields import Field
from jobs.profiles.nearby import Nearby, NotFoundError, read_bounded
from jobs.profiles.problems import ProfileError, Report
from jobs.profiles.profile import Profile
from jobs.profiles.reading import read_profile
from jobs.profiles.yamltree import Node, parse_tree
from jobs.shelf import unknown

SUFFIXES = (".yaml", ".yml")
_OTHER_FOLDERS = ("personalities", "suites", "cases", "rules", "desks")
_OTHER_FILES = ("assistants", "prices")


def load_profile(path: Path, *, profiles_dir: Path) -> Profile:
    """The profile in that file.

    Raises:
        ProfileError: the file cannot be used; lists every problem with line, column, field and fix.
    """
    report = Report()
    profile = None
    try:
        content = read_bounded(path)
        if root := parse_tree(content, report):
            profile = profile_in(root, content, path=path, profiles_dir=profiles_dir, report=report)
    except NotFoundError as error:
        report.problem(None, "", error.message, error.fix)
    if profile is None or report.problems:
        notes = (*report.warnings, *report.unsupported)
        raise ProfileError(relative_name(path, profiles_dir), report.ordered(), notes)
    return profile


def profile_in(root: Node, content: bytes, *, path: Path, profiles_dir: Path, report: Report) -> Profile:
    """The profile in the tree of a file; only good for use when ``report`` has no problems afterwards."""
    return read_profile(
        Field(node=root, path="", report=report),
        stem=path.stem,
        path=PurePosixPath(relative_name(path, profiles_dir)).with_suffix("").as_posix(),
        content=content,
        nearby=Nearby(path, profiles_dir),
    )


def relative_name(path: Path, profiles_dir: Path) -> str:
    """The path as messages show it: from the profiles directory, or as it was given when it lies elsewhere."""
    try:
        whole = path.parent.resolve() / path.name  # a link keeps the name it has here
        return whole.relative_to(profiles_dir.resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):
        return path.as_posix()


def profile_files(profiles_dir: Path) -> tuple[Path, ...]:
    """Every file under the directory that should be a profile, in the order of their paths."""
    return tuple(sorted(path for path in yaml_files(profiles_dir) if _holds_profile(path, profiles_dir)))


def yaml_files(directory: Path, *, suffixes: Sequence[str] = SUFFIXES) -> Iterator[Path]:
    """Every YAML file below a directory, but for hidden ones."""
    for path in directory.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(directory).parts)
        if path.suffix in suffixes and not hidden and path.is_file():
            yield path


def _holds_profile(path: Path, profiles_dir: Path) -> bool:
    *folders, _ = path.relative_to(profiles_dir).parts
    return path.stem not in _OTHER_FILES and not any(folder in _OTHER_FOLDERS for folder in folders)


def list_profiles(profiles_dir: Path) -> tuple[Profile, ...]:
    """Those profiles of the directory that load; ``check_paths`` says what is wrong with the others."""
    loaded = (_load_or_none(path, profiles_dir) for path in profile_files(profiles_dir))
    return tuple(profile for profile in loaded if profile is not None)


def _load_or_none(path: Path, profiles_dir: Path) -> Profile | None:
    try:
        return load_profile(path, profiles_dir=profiles_dir)
    except ProfileError:
        return None


def find_profile(target: str, *, profiles_dir: Path) -> Profile:
    """The profile that ``target`` names: a path without suffix, else a file stem, else a ``test_name``.

    Raises:
        RequestError: none or several are named so; the text has the nearest name or the candidates.
        ProfileError: the one that is named so cannot be used.
    """
    files = profile_files(profiles_dir)
    paths = {path: path.relative_to(profiles_dir).with_suffix("").as_posix() for path in files}
    wanted = target.strip().removesuffix(".yaml").removesuffix(".yml").removeprefix("./")
    for named in (
        [path for path, name in paths.items() if name == wanted],
        [path for path in files if path.stem == wanted],
    ):
        if named:
            return load_profile(only_one(target, named, profiles_dir, kinds="profiles"), profiles_dir=profiles_dir)
    profiles = list_profiles(profiles_dir)
    by_name = [profile for profile in profiles if profile.name == target.strip()]
    if not by_name:
        known = {name for profile in profiles for name in (profile.stem, profile.name)}
        raise RequestError(unknown("profile", target, known))
    if len(by_name) > 1:
        raise RequestError(ambiguous(target, [profile.path for profile in by_name], kinds="profiles"))
    return by_name[0]


def only_one(target: str, named: Sequence[Path], profiles_dir: Path, *, kinds: str) -> Path:
    """The one file that is named so; raises RequestError with the candidates, by their suffix if nothing else helps."""
    if len(named) > 1:
        candidates = [path.relative_to(profiles_dir).as_posix() for path in named]
        stems = [candidate.rsplit(".", 1)[0] for candidate in candidates]
        raise RequestError(ambiguous(target, stems if len(set(stems)) == len(stems) else candidates, kinds=kinds))
    return named[0]


def ambiguous(target: str, candidates: Sequence[str], *, kinds: str) -> str:
    """A sentence for a name that several have; ``kinds`` is what may be named, e.g. ``"profiles"``."""
    listed = ", ".join(repr(candidate) for candidate in candidates)
    return f"{target!r} names several {kinds}; write one of {listed}"
