"""Draws the scenarios of a suite: the same suite and seed give the same conversations on every machine."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from jobs.errors import RequestError
from jobs.model import Ending, Goal, Scenario
from jobs.profiles.chance import Dice
from jobs.profiles.draw import draw_scenarios
from jobs.suites.made import filled_in
from jobs.suites.suite import Suite, SuiteCase, SuiteProfile
from jobs.suites.values import CATEGORIES

LARGEST = 2**53


def planned(suite: Suite, seed: int) -> int:
    """How many conversations the suite asks for."""
    if suite.name is None:
        return suite.profiles[0].planned(seed)
    cases = sum(_repeats(suite, case) for case in _chosen(suite, seed))
    return cases + suite.repeats * sum(each.planned(seed) for each in suite.profiles)


def draw_suite(suite: Suite, *, seed: int, n: int) -> tuple[Scenario, ...]:
    """``n`` scenarios, numbered from 1: cases first, then those of the profiles.

    Fewer than the suite asks for are taken from all of it in equal distances, so that every part keeps its share.

    Raises:
        RequestError: it does not have so many, or a profile cannot be played.
    """
    if suite.name is None:
        return draw_scenarios(suite.profiles[0].profile, seed=seed, n=n)
    scenarios = [*_of_cases(suite, seed), *_of_profiles(suite, seed)]
    if n > len(scenarios):
        raise RequestError(
            f"the suite {suite.stem!r} has {len(scenarios)} conversations, not {n}; its `repeats` makes them more"
        )
    taken = (scenarios[place * len(scenarios) // n] for place in range(n))
    return tuple(replace(scenario, number=number) for number, scenario in enumerate(taken, 1))


def _chosen(suite: Suite, seed: int) -> Sequence[SuiteCase]:
    """The cases in their order; of a category with a count so many, by chance."""
    kept: set[int] = set()
    for category in CATEGORIES:
        places = [place for place, each in enumerate(suite.cases) if each.category == category]
        amount = min(suite.counts.get(category, len(places)), len(places))
        kept |= {places[index] for index in Dice(seed, f"category:{category}", 0).pick(len(places), amount)}
    return [suite.cases[place] for place in sorted(kept)]


def _repeats(suite: Suite, case: SuiteCase) -> int:
    if case.case.skip:
        return 1  # once is enough to be told that it is skipped
    return suite.repeats if case.repeats is None else case.repeats


def _of_cases(suite: Suite, seed: int) -> Iterator[Scenario]:
    for each in _chosen(suite, seed):
        for repeat in range(1, _repeats(suite, each) + 1):
            own_seed = Dice(seed, f"case:{each.case.name}", repeat).below(LARGEST)
            yield _case_scenario(filled_in(each, seed=own_seed), own_seed)


def _case_scenario(each: SuiteCase, seed: int) -> Scenario:
    case = each.case
    labels = [each.category, *each.tags]
    labels += [f"persona:{each.persona}"] if each.persona else []
    labels += [f"difficulty:{each.difficulty}"] if each.difficulty else []
    return Scenario(
        profile=case.name,
        number=0,
        seed=seed,
        goals=tuple(Goal(text=criterion, template=criterion) for criterion in each.criteria),
        role=each.description,
        language=each.language,
        persona=each.persona,
        assistant_starts=each.assistant_starts,
        fallback=each.fallback,
        ending=Ending(style="steps", limit=len(case.context) + len(case.turns)),
        tags=tuple(dict.fromkeys(labels)),
        case=case,
    )


def _of_profiles(suite: Suite, seed: int) -> Iterator[Scenario]:
    for each in suite.profiles:
        scenarios = draw_scenarios(each.profile, seed=seed, n=each.planned(seed))
        for _ in range(suite.repeats):
            for scenario in scenarios:
                yield replace(scenario, tags=_tags(each, scenario))


def _tags(each: SuiteProfile, scenario: Scenario) -> tuple[str, ...]:
    persona = [f"persona:{scenario.persona}"] if scenario.persona else []
    category = [each.category] if each.category else []
    return tuple(dict.fromkeys((*category, *each.tags, *persona, *scenario.tags)))
