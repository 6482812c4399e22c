"""What people write: scored where that means something, grouped where something sets groups apart."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from jobs.feedback import report
from jobs.feedback.language import is_english
from jobs.feedback.rating import Kind
from jobs.feedback.report import read_comments
from jobs.feedback.themes import find_phrases, find_themes
from jobs.store.votes import Comment

ENGLISH = (
    "It forgot my drinks and then apologised twice.",
    "Too slow",
    "Great!",
    "great service",
    "I waited for ten minutes and nobody answered",
    "Perfect, thank you so much",
    "The answer was wrong.",
    "It didn’t understand me at all",
    "love it",
    "ordering took ages",
    "Works as expected",
    "the bot is dumb",
    "Why can't I talk to a person?",
    "awesome",
    "My pizza was cold when it arrived",
    "no",
)
OTHERS = (
    "Die Pizza war kalt",
    "Leider hat der Bot mich nicht verstanden",
    "Sehr gut, danke!",
    "schnell und freundlich",
    "Le service est trop lent",
    "Très bien, merci",
    "La respuesta fue incorrecta",
    "No me gusta nada",
    "muy lento",
    "Il servizio è molto lento",
    "non funziona",
    "O atendimento foi muito bom",
    "Het antwoord was niet goed",
    "とても良い",
    "Очень медленно",
    "خدمة سيئة للغاية",
    "很好",
    "12345 !!!",
    "👍👍",
    "xyzzy",
)


def a_comment(text: str, value: int | None = None, *, kind: Kind = "comment", second: int = 0) -> Comment:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    return Comment(text=text, source="live", kind=kind, value=value, at=at)


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_recognised(text: str) -> None:
    assert is_english(text, {"awesome", "great"})


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_not_english_is_not_scored(text: str) -> None:
    assert not is_english(text, {"awesome", "great", "die", "war"})


def test_the_rating_beats_the_text_and_other_languages_are_unscored() -> None:
    sentiment = read_comments(
        [
            a_comment("Oh great, it lost my order again, just wonderful", 1, kind="stars"),
            a_comment("terrible taste, lovely pizza", 5, kind="stars"),
            a_comment("hm", 3, kind="stars"),
            a_comment("fine", -1, kind="thumb"),
            a_comment("This was a wonderful, quick answer"),
            a_comment("It was awful and I hate it"),
            a_comment("Das war leider nicht gut"),
        ]
    ).sentiment

    assert sentiment is not None
    assert (sentiment.positive, sentiment.neutral, sentiment.negative, sentiment.unscored) == (2, 1, 3, 1)
    assert (sentiment.n, sentiment.rated) == (6, 4)
    assert sentiment.mean is not None


def test_three_comments_are_listed_with_the_phrase_they_share() -> None:
    texts = ("It took for ages.", "took ages to answer!", "Nice pizza")
    words = read_comments([a_comment(text) for text in texts])

    assert [(each.text, each.comments) for each in words.phrases] == [("took ages", 2)]
    assert [each.text for each in words.telling] == list(texts)
    assert words.themes == ()
    assert any("listed" in note for note in words.notes)


def test_a_phrase_does_not_cross_comments_and_counts_each_comment_once() -> None:
    assert find_phrases(["the drinks cold", "pizza warm", "drinks cold"][:2]) == ()
    [phrase] = find_phrases(["cold pizza cold pizza", "a cold pizza"])
    assert (phrase.text, phrase.comments) == ("cold pizza", 2)


SUBJECTS = {
    "slow": "slow waiting minutes took long forever loading pause delay ages",
    "order": "wrong order drinks forgot size toppings mixed delivered different missing",
    "polite": "friendly polite nice kind helpful smile warm welcome cheerful courteous",
    "price": "price expensive coupon discount charged twice refund money bill total",
}


def planted(number: int, seed: int) -> tuple[list[str], list[str]]:
    chance = random.Random(seed)
    subjects = [chance.choice(list(SUBJECTS)) for _ in range(number)]
    return [f"it was {' '.join(chance.sample(SUBJECTS[each].split(), 5))} to me" for each in subjects], subjects


@pytest.mark.parametrize(("number", "seed"), [(40, 1), (120, 2), (700, 3)])
def test_planted_themes_are_found_and_their_number_too(number: int, seed: int) -> None:
    texts, subjects = planted(number, seed)
    themes = find_themes(texts)

    assert len(themes) == len(SUBJECTS)
    assert all(len({subjects[place] for place in theme.members}) == 1 for theme in themes)
    assert sum(len(theme.members) for theme in themes) == number
    assert all(set(theme.terms) <= set(SUBJECTS[subjects[theme.members[0]]].split()) for theme in themes)


def test_themes_come_with_their_mean_rating_and_the_telling_comment_is_a_complaint() -> None:
    texts, subjects = planted(60, 4)
    stars = {"slow": 1, "order": 4, "polite": 5, "price": 4}
    words = read_comments(
        [a_comment(text, stars[each], kind="stars") for text, each in zip(texts, subjects, strict=True)]
    )

    by_mean = {theme.mean: theme for theme in words.themes}
    assert set(by_mean) == {1, 4, 5}
    assert by_mean[1].negative == by_mean[1].size == subjects.count("slow")
    assert sum(theme.share for theme in words.themes) == pytest.approx(1)
    assert len(words.telling) == 3
    assert words.telling[0].text == by_mean[1].sample


@pytest.mark.parametrize(
    "texts", [["same words here"] * 20, ["the and of"] * 20, ["!!!"] * 20, [""] * 20, ["ok"] * 14 + ["no"]]
)
def test_comments_without_anything_to_tell_apart_have_no_themes(texts: list[str]) -> None:
    words = read_comments([a_comment(text) for text in texts])
    assert words.themes == ()
    assert words.n == len(texts)


def test_of_very_many_comments_a_fair_sample_is_read_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST_READ", 500)
    monkeypatch.setattr(report, "MOST_GROUPED", 100)
    comments = [a_comment(text, second=place) for place, text in enumerate(planted(20_000, 5)[0])]

    total, taken = report._sampled(comments)  # pyright: ignore[reportPrivateUsage]  # the sample itself is looked at
    words = read_comments(taken, total=total)

    places = [int((comment.at - comments[0].at).total_seconds()) for comment in taken]
    assert (total, len(set(places))) == (20_000, 500)
    assert 8_500 < sum(places) / 500 < 11_500
    assert places == sorted(places)
    assert words.n == 20_000
    assert "sentiment and phrases are of a sample of 500 of 20000 comments" in words.notes
    assert "themes are of a sample of 100 of 20000 comments" in words.notes
