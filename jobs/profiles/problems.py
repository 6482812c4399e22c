"""What is wrong, odd or not honoured yet in a file: each note with its place, all of them at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.errors import RequestError
from jobs.shelf import nearest

MOST_PROBLEMS = 100


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where something stands in a file; both 1-based."""

    line: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a file cannot be used: ``field`` is its path (``user.goals[2].size.type``), ``fix`` says what to do."""

    place: Place | None
    field: str
    message: str
    fix: str

    def __str__(self) -> str:
        where = f"line {self.place.line}, column {self.place.column}: " if self.place else ""
        field = f"{self.field}: " if self.field else ""
        return f"{where}{field}{self.message}; {self.fix}"


class ProfileError(RequestError):
    """A file that cannot be used, with every problem found in it."""

    def __init__(self, path: str, problems: Sequence[Problem], warnings: Sequence[str] = ()) -> None:
        count = f"{len(problems)} problem" + ("s" if len(problems) > 1 else "")
        super().__init__("\n".join((f"{path!r} has {count}:", *(f"- {problem}" for problem in problems))))
        self.path = path
        self.problems = tuple(problems)
        self.warnings = tuple(warnings)


class Report:
    """Collects what is found while a file is read."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.unsupported: list[str] = []

    def problem(self, place: Place | None, field: str, message: str, fix: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(place=place, field=field, message=message, fix=fix))
        elif len(self.problems) == MOST_PROBLEMS:
            more = f"there are more than {MOST_PROBLEMS} problems"
            self.problems.append(Problem(place=place, field=field, message=more, fix="mend the others first"))

    def guess(self, name: str, known: Iterable[str]) -> str | None:
        """The nearest known name; none once there is more than anybody reads, since looking takes time."""
        return nearest(name, known) if len(self.problems) + len(self.warnings) <= MOST_PROBLEMS else None

    def ordered(self) -> tuple[Problem, ...]:
        """The problems in the order of the file."""
        return tuple(sorted(self.problems, key=lambda problem: _position(problem.place)))

    def warn(self, place: Place | None, field: str, message: str) -> None:
        self._note(self.warnings, place, field, message)

    def not_supported(self, place: Place | None, field: str, message: str) -> None:
        self._note(self.unsupported, place, field, f"not supported yet: {message}")

    def left_open(self, place: Place | None, field: str, message: str) -> str:
        """Notes what is missing until a setting or a model helps; returns the note as it is kept."""
        self._note(self.unsupported, place, field, message)
        return _placed(place, field, message)

    def _note(self, notes: list[str], place: Place | None, field: str, message: str) -> None:
        if len(notes) < MOST_PROBLEMS:
            notes.append(_placed(place, field, message))
        elif len(notes) == MOST_PROBLEMS:
            notes.append(f"there are more than {MOST_PROBLEMS} such notes")


def _placed(place: Place | None, field: str, message: str) -> str:
    return f"line {place.line}: {field}: {message}" if place else f"{field}: {message}"


def _position(place: Place | None) -> tuple[int, int]:
    return (place.line, place.column) if place else (0, 0)


def shown(text: str) -> str:
    """A piece of a file as messages quote it: at most 60 characters."""
    return repr(text if len(text) <= 60 else f"{text[:57]}…")
