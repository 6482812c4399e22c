"""A shelf: a hand-written list of interchangeable items, found by name; a wrong name is answered with the nearest."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from rapidfuzz import process
from rapidfuzz.distance import OSA

from jobs.errors import RequestError


class Named(Protocol):
    @property
    def name(self) -> str: ...


ItemT = TypeVar("ItemT", bound=Named)


class Shelf(Mapping[str, ItemT]):
    """Items by name, in the order they were listed.

    Args:
        kind: what one item is called in messages, e.g. ``"metric"``.
        items: the items; two of the same name are a programming error.
    """

    def __init__(self, kind: str, items: Iterable[ItemT]) -> None:
        self.kind = kind
        self._items: dict[str, ItemT] = {}
        for item in items:
            if item.name in self._items:
                raise ValueError(f"two items named {item.name!r} on the shelf of {kind}s")
            self._items[item.name] = item

    def __getitem__(self, name: str) -> ItemT:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def find(self, name: str) -> ItemT:
        """The item of that name; raises RequestError with the nearest name and the known ones."""
        if name in self._items:
            return self._items[name]
        raise RequestError(unknown(self.kind, name, self._items))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was most probably meant to be, if at most about half of it has to be changed.

    Swapped neighbours count as one change, since that is how fingers slip.
    """
    names = list(known)
    for written in (name, name.rpartition("/")[2]):  # a path whose folders are wrong may still end well
        found = process.extractOne(
            written.lower(), names, scorer=OSA.normalized_similarity, processor=str.lower, score_cutoff=0.5
        )
        if found:
            return found[0]
    return None


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """A sentence for a wrong name, e.g. ``no profile named 'piza'; did you mean 'pizza'?``."""
    names = sorted(known)
    guess = nearest(name, names)
    if guess:
        return f"no {kind} named {name!r}; did you mean {guess!r}?"
    listed = ", ".join(repr(each) for each in names[:12]) + (" …" if len(names) > 12 else "")
    return f"no {kind} named {name!r}; known: {listed or 'none'}"
