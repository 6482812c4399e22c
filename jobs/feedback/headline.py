"""The headline of the feedback alone: what people said of conversations that were not simulated, counted."""

from jobs.feedback.csat import Figures
from jobs.feedback.rating import HEADLINE_SOURCES
from jobs.store.votes import Scope, open_feedback_reader


def headline_figures(database_url: str, scope: Scope) -> Figures:
    """The votes in the scope, without reading a word of what was written; to be called through the helper."""
    stars: dict[int, int] = {}
    thumbs = {1: 0, -1: 0}
    with open_feedback_reader(database_url) as reader:
        for each in reader.vote_counts(scope):
            if each.source in HEADLINE_SOURCES:
                counts = stars if each.kind == "stars" else thumbs
                counts[each.value] = counts.get(each.value, 0) + each.n
    return Figures(stars=stars, up=thumbs[1], down=thumbs[-1])
