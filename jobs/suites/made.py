"""Made-up names, addresses and numbers in test cases: ``{{faker.name}}``, by the seed of their conversation."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from jobs.model import Case, CaseTurn, Pattern
from jobs.patterns import escaped
from jobs.profiles.chance import Dice
from jobs.suites.suite import SuiteCase

if TYPE_CHECKING:
    from faker import Faker  # no case without placeholders waits for its import

PLACEHOLDER = re.compile(r"\{\{\s*faker\.(\w{1,40})(?:\.(\d{1,3}))?\s*\}\}")
FIRST_DAY, LAST_DAY = date(2027, 1, 1), date(2029, 12, 31)
"""Fixed, so that a seed makes the same date on every day."""
LOCALES: Mapping[str, str] = {
    "dutch": "nl_NL",
    "english": "en_US",
    "french": "fr_FR",
    "german": "de_DE",
    "italian": "it_IT",
    "polish": "pl_PL",
    "portuguese": "pt_PT",
    "spanish": "es_ES",
}
KINDS: Mapping[str, Callable[["Faker"], object]] = {
    "name": lambda faker: faker.name(),
    "first_name": lambda faker: faker.first_name(),
    "last_name": lambda faker: faker.last_name(),
    "email": lambda faker: faker.safe_email(),
    "phone_number": lambda faker: faker.phone_number(),
    "street_address": lambda faker: faker.street_address(),
    "city": lambda faker: faker.city(),
    "postcode": lambda faker: faker.postcode(),
    "country": lambda faker: faker.country(),
    "company": lambda faker: faker.company(),
    "job": lambda faker: faker.job(),
    "iban": lambda faker: faker.iban(),
    "credit_card_number": lambda faker: faker.credit_card_number(),
    "license_plate": lambda faker: faker.license_plate(),
    "order_number": lambda faker: faker.bothify("??-#####", letters="ABCDEFGHKLMNPRSTUVWXYZ"),
    "number": lambda faker: faker.random_int(1, 99),
    "date": lambda faker: faker.date_between_dates(FIRST_DAY, LAST_DAY).isoformat(),
    "word": lambda faker: faker.word(),
    "sentence": lambda faker: faker.sentence(),
}
"""What can be made up; no kind depends on the day or the machine."""

_lock = Lock()  # a Faker has one stream of chance, and scenarios are drawn in several threads


def filled_in(written: SuiteCase, *, seed: int) -> SuiteCase:
    """The case with every placeholder made up; the same placeholder is the same value everywhere in it."""
    if not any(PLACEHOLDER.search(text) for text in texts_of(written)):
        return written
    locale = LOCALES.get(written.language.casefold(), "en_US")

    @cache
    def value(kind: str, number: str) -> str:
        with _lock:
            faker = _faker(locale)
            faker.seed_instance(Dice(seed, f"faker:{kind}.{number}", 0).below(2**53))
            return " ".join(str(KINDS[kind](faker)).split())

    def fill(text: str) -> str:
        return PLACEHOLDER.sub(lambda match: value(match[1], match[2] or "1"), text)

    def fill_regex(text: str) -> str:
        return PLACEHOLDER.sub(lambda match: escaped(value(match[1], match[2] or "1")), text)

    def pattern(each: Pattern) -> Pattern:
        return replace(each, text=(fill_regex if each.is_regex else fill)(each.text))

    return replace(
        written,
        case=_filled_case(written.case, fill, pattern),
        criteria=tuple(map(fill, written.criteria)),
    )


def unknown_kinds(written: SuiteCase) -> Iterator[str]:
    """The names of placeholders that nothing can be made up for."""
    for text in texts_of(written):
        yield from (kind for kind, _ in PLACEHOLDER.findall(text) if kind not in KINDS)


def texts_of(written: SuiteCase) -> Iterator[str]:
    """Every text of a case that may have placeholders."""
    case = written.case
    yield from (*case.context, *written.criteria)
    yield from (pattern.text for pattern in (*case.must, *case.must_not))
    for turn in case.turns:
        yield turn.user
        yield from (pattern.text for pattern in turn.patterns)
        yield from (value for values in turn.entities.values() for value in values)


def _filled_case(case: Case, fill: Callable[[str], str], pattern: Callable[[Pattern], Pattern]) -> Case:
    def patterns(each: Iterable[Pattern]) -> tuple[Pattern, ...]:
        return tuple(map(pattern, each))

    def turn(each: CaseTurn) -> CaseTurn:
        entities = {name: tuple(map(fill, values)) for name, values in each.entities.items()}
        return replace(each, user=fill(each.user), entities=entities, patterns=patterns(each.patterns))

    return replace(
        case,
        turns=tuple(map(turn, case.turns)),
        context=tuple(map(fill, case.context)),
        must=patterns(case.must),
        must_not=patterns(case.must_not),
    )


@cache
def _faker(locale: str) -> "Faker":
    from faker import Faker

    return Faker(locale)
