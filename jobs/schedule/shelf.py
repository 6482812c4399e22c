"""The shelf of what can be scheduled, and what every installation does by itself."""

from jobs.digest.scheduled import DIGEST, REVIEW, WEEKLY
from jobs.errors import RequestError
from jobs.feedback.privacy import RETENTION
from jobs.maintenance import TIDY
from jobs.regression.scheduled import REGRESS
from jobs.schedule.use_case import SystemJob, UseCase
from jobs.shelf import Shelf, unknown

USE_CASES: Shelf[UseCase] = Shelf("schedule", [REGRESS, DIGEST, WEEKLY, REVIEW])
SYSTEM_JOBS: Shelf[SystemJob] = Shelf("job", [RETENTION, TIDY])


def find_use_case(word: str) -> UseCase:
    """The use case that people call so; raises RequestError with the nearest."""
    by_word = {name: each for each in USE_CASES.values() for name in (each.name, *each.words)}
    if word.casefold() not in by_word:
        raise RequestError(unknown("schedule", word, by_word))
    return by_word[word.casefold()]
