"""Profiles and suites that people sent in: checked, kept as versions of their workspace, and found there by name."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import WorkspaceId
from jobs.profiles import Profile, list_profiles
from jobs.profiles.fields import Field
from jobs.profiles.files import SUFFIXES, find_profile
from jobs.profiles.nearby import Nearby
from jobs.profiles.problems import ProfileError, Report
from jobs.profiles.reading import read_profile
from jobs.profiles.yamltree import MOST_BYTES, Node, parse_tree
from jobs.shelf import nearest
from jobs.store.uploads import UploadedFile
from jobs.suites import Suite, alone, find_target, list_suites
from jobs.suites.reading import read_suite

Kind = Literal["profile", "suite"]
MOST_FILES = 200
"""Files of one workspace, older versions not counted."""
FOLDER = "uploaded"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}\.ya?ml")


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What became of a file; ``is_new`` False = its newest version has this content already."""

    file: UploadedFile
    stem: str
    conversations: int | None
    warnings: tuple[str, ...]
    is_new: bool


class _InProfiles(Nearby):
    """Files that somebody in Slack may name: those of the profiles directory and no others."""

    def __init__(self, profiles_dir: Path) -> None:
        super().__init__(profiles_dir / FOLDER, profiles_dir)
        self._roots = (profiles_dir.resolve(),)


async def save_upload(name: str, content: bytes, *, by: str, workspace_id: WorkspaceId, ports: Ports) -> Saved:
    """Check a file and keep it for that workspace; the same content again changes nothing.

    Raises:
        RequestError: it cannot be used by its name or kind, or the workspace has too many.
        ProfileError: it has problems, each with its place and mend.
    """
    path = _path(name)
    others = await ports.store.uploads.newest(workspace_id)
    if len(others) >= MOST_FILES and all(each.path != path for each in others):
        raise RequestError(f"this workspace has {MOST_FILES} files already; send one of them again to replace it")
    suite = await asyncio.to_thread(_checked, path, content, others, ports.profiles_dir)
    kind: Kind = "profile" if suite.name is None else "suite"
    file, is_new = await ports.store.uploads.save(
        workspace_id,
        path=path,
        kind=kind,
        content=content.decode("utf-8-sig"),
        hash=hashlib.sha256(content).hexdigest(),
        by=by,
    )
    if is_new:
        detail = f"{path}, version {file.version}"
        await ports.store.audit.record(workspace_id, by, "upload", outcome="done", detail=detail)
    return Saved(
        file=file,
        stem=suite.stem,
        conversations=_planned(suite),
        warnings=suite.warnings,
        is_new=is_new,
    )


async def target_of(target: str, workspace_id: WorkspaceId, ports: Ports) -> Suite:
    """What a name means in a workspace: a profile or suite that was sent in there, else one of the profiles directory.

    Raises:
        RequestError: none or several are named so; the text has the nearest name or the candidates.
        ProfileError: the one that is named so cannot be used.
    """
    uploads = await ports.store.uploads.newest(workspace_id)
    if uploads:
        return await asyncio.to_thread(_target, target, uploads, ports.profiles_dir)
    return await asyncio.to_thread(find_target, target, profiles_dir=ports.profiles_dir)


async def uploaded(workspace_id: WorkspaceId, ports: Ports) -> tuple[Suite, ...]:
    """What was sent in by a workspace and can be played, a profile as a suite of its own."""
    uploads = await ports.store.uploads.newest(workspace_id)

    def load() -> tuple[Suite, ...]:
        found = (_loaded_or_none(each, uploads, ports.profiles_dir) for each in uploads)
        return tuple(each for each in found if each)

    return await asyncio.to_thread(load) if uploads else ()


# --- reading ----------------------------------------------------------------------------------------------------------


def _path(name: str) -> str:
    plain = name.strip().rpartition("/")[2]
    if not NAME.fullmatch(plain):
        raise RequestError(
            f"{name[:80]!r} is no name of a profile or suite; call it like my-profile.yaml, with letters, digits, "
            "spaces, '.', '-' and '_'"
        )
    return plain.removesuffix(".yml") + ".yaml" if plain.endswith(".yml") else plain


def _checked(path: str, content: bytes, others: Sequence[UploadedFile], profiles_dir: Path) -> Suite:
    """The file as it would be played; nothing of the profiles directory may be hidden by its name."""
    rest = [each for each in others if each.path != path]
    suite = _read(path, content, rest, profiles_dir)
    taken = {name for each in list_profiles(profiles_dir) for name in (each.stem, each.name)}
    taken |= {name for each in list_suites(profiles_dir) for name in (each.stem, each.name or each.stem)}
    taken |= {name for each in rest if (known := _loaded_or_none(each, rest, profiles_dir)) for name in _names(known)}
    if clash := next((name for name in _names(suite) if name in taken), None):
        raise RequestError(
            f"there is a profile or suite called {clash!r} already; give the file and its test another name"
        )
    return suite


def _read(path: str, content: bytes, others: Sequence[UploadedFile], profiles_dir: Path) -> Suite:
    """Raises ProfileError."""
    report = Report()
    if len(content) > MOST_BYTES:
        report.problem(None, "", f"it is larger than {MOST_BYTES >> 10} KB", "split it")
    root = parse_tree(content, report) if not report.problems else None
    suite = _suite(root, path, content, others, profiles_dir, report) if root else None
    if suite is None or report.problems:
        raise ProfileError(path, report.ordered(), report.warnings)
    return suite


def _suite(
    root: Node, path: str, content: bytes, others: Sequence[UploadedFile], profiles_dir: Path, report: Report
) -> Suite:
    field, nearby = Field(node=root, path="", report=report), _InProfiles(profiles_dir)
    stem = path.removesuffix(".yaml")
    keys = {key.written for key, _ in field.entries()} if field.is_mapping else set[str]()
    if keys & {"suite", "profiles", "cases"} and "test_name" not in keys:
        return read_suite(
            field,
            path=f"{FOLDER}/{stem}",
            content=content,
            nearby=nearby,
            profiles_dir=profiles_dir,
            find=_finder(others, profiles_dir),
        )
    return alone(_profile(field, stem, content, nearby))


def _profile(field: Field, stem: str, content: bytes, nearby: Nearby) -> Profile:
    profile = read_profile(field, stem=stem, path=f"{FOLDER}/{stem}", content=content, nearby=nearby)
    for variable in profile.variables.values():
        if variable.made_by:
            message = "list functions are for profiles in the profiles directory, not for those that are sent in"
            field.report.problem(variable.place, variable.field, message, "write the values out")
    return profile


def _finder(others: Sequence[UploadedFile], profiles_dir: Path) -> Callable[[str], Profile]:
    """Profiles for the suites of a workspace: its own first."""

    def find(name: str) -> Profile:
        wanted = _wanted(name)
        for each in others:
            found = _loaded_or_none(each, (), profiles_dir) if each.kind == "profile" else None
            if found and wanted in _names(found):
                return found.profiles[0].profile
        return find_profile(name, profiles_dir=profiles_dir)

    return find


def _target(target: str, uploads: Sequence[UploadedFile], profiles_dir: Path) -> Suite:
    wanted = _wanted(target)
    for each in uploads:
        if each.path.removesuffix(".yaml") == wanted:
            return _read(each.path, each.content.encode(), uploads, profiles_dir)
    known = [found for each in uploads if (found := _loaded_or_none(each, uploads, profiles_dir))]
    for found in known:
        if wanted in _names(found):
            return found
    try:
        return find_target(target, profiles_dir=profiles_dir)
    except ProfileError:
        raise
    except RequestError as error:
        close = nearest(wanted, {name for each in known for name in _names(each)})
        if close is None or "did you mean" in str(error) or "several" in str(error):
            raise
        raise RequestError(f"there is no profile or suite {target!r}; did you mean {close!r}?") from error


def _loaded_or_none(file: UploadedFile, others: Sequence[UploadedFile], profiles_dir: Path) -> Suite | None:
    """None if it cannot be used any more, since what it names is gone."""
    try:
        rest = [each for each in others if each.path != file.path]
        return _read(file.path, file.content.encode(), rest, profiles_dir)
    except RequestError:
        return None


def _names(suite: Suite) -> tuple[str, ...]:
    own = suite.profiles[0].profile.name if suite.name is None else suite.name
    return (suite.stem, own)


def _wanted(target: str) -> str:
    plain = target.strip().removeprefix("./").removeprefix(f"{FOLDER}/")
    return next((plain.removesuffix(suffix) for suffix in SUFFIXES if plain.endswith(suffix)), plain)


def _planned(suite: Suite) -> int | None:
    from jobs.suites import planned

    try:
        return planned(suite, 0)
    except RequestError:
        return None
