"""A judge's agreement with people: kappa beside the raw share, and the bias."""

import random
from typing import Any, cast

import pytest
from sklearn import metrics

from jobs.feedback.agreement import judge_agreement, stars_of_score


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_the_textbook(seed: int) -> None:
    chance = random.Random(seed)
    people = [chance.randint(1, 5) for _ in range(60)]
    scores = [min(1.0, max(0.0, (stars - 1) / 4 + chance.gauss(0, 0.3))) for stars in people]
    agreement = judge_agreement(list(zip(scores, people, strict=True)))

    judged = [stars_of_score(score) for score in scores]
    assert agreement is not None
    assert agreement.kappa == pytest.approx(
        cast(Any, metrics).cohen_kappa_score(judged, people, weights="quadratic", labels=[1, 2, 3, 4, 5])
    )
    assert agreement.same == sum(a == b for a, b in zip(judged, people, strict=True)) / 60
    assert agreement.bias == pytest.approx(sum(judged) / 60 - sum(people) / 60)


def test_ninety_percent_of_the_same_can_be_no_agreement_at_all() -> None:
    agreement = judge_agreement([(1.0, 5)] * 18 + [(0.0, 5), (1.0, 1)])
    assert agreement is not None
    assert (agreement.same, agreement.enough) == (0.9, False)
    assert agreement.kappa == pytest.approx(-0.0526, abs=1e-3)


def test_where_kappa_is_not_defined_it_is_none() -> None:
    agreement = judge_agreement([(1.0, 5)] * 40)
    assert agreement is not None
    assert (agreement.kappa, agreement.same, agreement.enough) == (None, 1.0, True)
    assert judge_agreement([]) is None


def test_scores_are_laid_on_five_stars() -> None:
    assert [stars_of_score(score) for score in (0, 0.1, 0.13, 0.5, 0.87, 0.88, 1)] == [1, 1, 2, 3, 4, 5, 5]
    with pytest.raises(ValueError, match=r"0\.\.1"):
        stars_of_score(4)
