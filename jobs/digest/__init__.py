"""The shelf of the digest's sections: one file a subject; the order here is that of the message."""

from jobs.digest import actions, alerts, cost, regressions, review, satisfaction, themes, trends
from jobs.digest._digest import (
    KINDS,
    ConversationLink,
    Digest,
    DigestKind,
    DigestPart,
    Line,
    Tone,
    digest_from_json,
    digest_key,
    digest_to_json,
)
from jobs.digest._section import DigestScope, DigestSection
from jobs.shelf import Shelf

SECTIONS: Shelf[DigestSection] = Shelf(
    "section",
    [
        regressions.SECTION,
        alerts.SECTION,
        satisfaction.SECTION,
        themes.SECTION,
        trends.SECTION,
        cost.SECTION,
        actions.SECTION,
        review.SECTION,
    ],
)

__all__ = [
    "KINDS",
    "SECTIONS",
    "ConversationLink",
    "Digest",
    "DigestKind",
    "DigestPart",
    "DigestScope",
    "DigestSection",
    "Line",
    "Tone",
    "digest_from_json",
    "digest_key",
    "digest_to_json",
]
