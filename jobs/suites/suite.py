"""A suite: profiles and test cases that are played together, and the limits that its figures must keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.model import Case, Category, Difficulty, Gate
from jobs.profiles.profile import Profile


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """From which share of good turns, and from which mean quality, a case passes."""

    good_turns: float = 0.8
    quality: float = 0.7


@dataclass(frozen=True, kw_only=True)
class SuiteCase:
    """A test case with what is said about it beside what is played.

    Args:
        criteria: what only a judge can tell, each a sentence.
        repeats: how often it is played; None = as often as its suite says.
    """

    case: Case
    description: str = ""
    criteria: tuple[str, ...] = ()
    category: Category = "functional"
    difficulty: Difficulty | None = None
    persona: str | None = None
    language: str = "English"
    tags: tuple[str, ...] = ()
    assistant_starts: bool = False
    fallback: str | None = None
    repeats: int | None = None


@dataclass(frozen=True, kw_only=True)
class SuiteProfile:
    """A profile of a suite. ``n`` None = as many conversations as the profile asks for."""

    profile: Profile
    n: int | None = None
    category: Category | None = None
    tags: tuple[str, ...] = ()

    def planned(self, seed: int) -> int:
        return self.profile.planned(seed) if self.n is None else self.n


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What a run plays.

    Args:
        stem, path: the file's name without suffix, alone and relative to the profiles directory.
        name: what it is called; None for a profile that is run by itself.
        stamp: hash of everything it was read from.
        assistant: what it tests if nobody says otherwise; None = what its profiles are made for.
        repeats: how often each scenario is played.
        counts: how many cases of a category are played at most, drawn with the seed.
        per_minute: at which rate its conversations begin; None = all of them at once.
        budget_usd: what a run of it may spend.
        rules: a folder of rules, relative to the profiles directory; ``rules_stamp`` is the hash of what is in it.
    """

    stem: str
    path: str
    name: str | None
    stamp: str
    description: str = ""
    profiles: tuple[SuiteProfile, ...] = ()
    cases: tuple[SuiteCase, ...] = ()
    assistant: str | None = None
    repeats: int = 1
    counts: Mapping[Category, int] = field(default_factory=dict[Category, int])
    gates: tuple[Gate, ...] = ()
    rules: str | None = None
    rules_stamp: str | None = None
    per_minute: float | None = None
    budget_usd: float | None = None
    warnings: tuple[str, ...] = ()


def alone(profile: Profile) -> Suite:
    """A profile that is run by itself."""
    return Suite(
        stem=profile.stem,
        path=profile.path,
        name=None,
        stamp=profile.stamp,
        profiles=(SuiteProfile(profile=profile),),
        warnings=profile.warnings,
    )
