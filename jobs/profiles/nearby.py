"""The other files a profile may name (personalities, value lists), and where they may lie."""

import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobs.profiles.problems import shown
from jobs.profiles.yamltree import MOST_BYTES


class NotFoundError(Exception):
    """A named file that cannot be used, why, and what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


@dataclass(frozen=True, kw_only=True)
class Found:
    path: Path
    content: bytes


class Nearby:
    """Files relative to a profile: beside it, then under the profiles directory, then the working directory.

    Nothing outside these three is opened, whatever links and ``..`` a path goes through. What was read is kept in
    ``contents``, since it belongs to the profile's stamp.
    """

    def __init__(self, profile: Path, profiles_dir: Path) -> None:
        self._roots = tuple(root.resolve() for root in (profile.parent, profiles_dir, Path.cwd()))
        self.contents: list[bytes] = []

    def read(self, written: str, *, suffixes: tuple[str, ...]) -> Found:
        """The content of the file of that name; ``.yml`` and ``.yaml`` stand for each other."""
        places = [place for name in _spellings(written) for place in self.locate(name)]
        for place in places:
            if place.suffix in suffixes and place.is_file():
                content = read_bounded(place)
                self.contents.append(content)
                return Found(path=place, content=content)
        if places and all(place.suffix not in suffixes for place in places):
            raise NotFoundError(
                f"{shown(written)} has the wrong kind of name", f"it must end in {' or '.join(suffixes)}"
            )
        fix = "paths begin beside the profile, in the profiles directory or in the working directory"
        raise NotFoundError(f"there is no file {shown(written)}", fix)

    def note(self, argument: str) -> None:
        """Keeps the content of the file that an argument names, if it names one of ours."""
        with suppress(NotFoundError, OSError):  # most arguments name no file
            place = next((place for place in self.locate(argument) if place.is_file()), None)
            if place:
                self.contents.append(read_bounded(place))

    def locate(self, written: str) -> tuple[Path, ...]:
        """Where a file of that name may lie, in order of preference."""
        fix = "write a relative path that stays inside the profiles directory"
        if Path(written).is_absolute() or "\0" in written or "\\" in written or len(written) > 500:
            raise NotFoundError(f"{shown(written)} is not a relative path", fix)
        try:
            places = tuple((root / written).resolve() for root in self._roots)
        except (OSError, RuntimeError) as error:  # a link that points to itself
            raise NotFoundError(f"{shown(written)} cannot be followed", fix) from error
        inside = tuple(place for place in places if any(place.is_relative_to(root) for root in self._roots))
        if not inside:
            raise NotFoundError(f"{shown(written)} lies outside the profiles directory", fix)
        return tuple(dict.fromkeys(inside))


def read_bounded(path: Path) -> bytes:
    """The first ``MOST_BYTES`` + 1 bytes of a regular file, so that a caller sees when there is more."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise NotFoundError(f"{str(path)!r} is not a regular file", "name a YAML file")
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {str(path)!r}", "correct its name") from error
    except (OSError, ValueError) as error:
        raise NotFoundError(f"{str(path)!r} cannot be read ({error})", "correct its name or its permissions") from error


def _spellings(written: str) -> tuple[str, ...]:
    path = Path(written)
    other = {".yml": ".yaml", ".yaml": ".yml"}.get(path.suffix)
    return (written, str(path.with_suffix(other))) if other else (written,)
