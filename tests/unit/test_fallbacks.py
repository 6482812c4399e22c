"""When an assistant did not understand: told by itself, declared, paraphrased, learnt."""

import pytest

from jobs.fallbacks import FallbackEar, fallbacks_in, is_fallback, lost_in_a_row
from jobs.model import Turn
from jobs.simulate.llm import ANOTHER_TOPIC, LlmUser
from tests.unit.test_judge import JudgingModel
from tests.unit.test_llm_simulator import SCENARIO

DECLARED = "Sorry, it is loud in here, could you repeat that louder?"


def bot(text: str, *, fallback: bool | None = None) -> Turn:
    return Turn(speaker="assistant", text=text, fallback=fallback)


def user(text: str) -> Turn:
    return Turn(speaker="user", text=text)


@pytest.mark.parametrize(
    "text",
    [
        "Sorry, it's loud in here. Could you repeat that louder?",
        "I'm afraid I couldn't quite follow what you said.",
        "Hmm, I cannot make sense of that.",
        "We are having trouble understanding your message.",
        "I could not interpret your request, try asking in different words.",
        "Could you phrase that differently?",
        "Please repeat your question.",
        "Das habe ich leider nicht ganz verstanden.",
        "No lo entendí, ¿puedes reformular?",
    ],
)
def test_the_declared_text_and_its_paraphrases_are_recognised(text: str) -> None:
    assert is_fallback(bot(text), DECLARED)


@pytest.mark.parametrize(
    "text",
    [
        "One large pizza. Is that right?",
        "I understand, no olives then.",
        "We do not have anchovies today.",
        "You can say yes or no.",
        "I can't take orders for tomorrow.",
    ],
)
def test_an_answer_that_says_no_is_an_answer(text: str) -> None:
    assert not is_fallback(bot(text), DECLARED)


def test_what_the_assistant_marks_once_is_known_afterwards_without_its_mark() -> None:
    ear = FallbackEar(None)

    assert not FallbackEar(None).hears(bot("Beep boop, wrong key!"), "a pizza")
    assert ear.hears(bot("Beep boop, wrong key!", fallback=True), "a pizza")
    assert ear.hears(bot("Beep boop - wrong key"), "two colas")
    assert not ear.hears(bot("Two colas, fine."), "two colas")


def test_the_same_answer_to_three_different_utterances_in_a_row_is_none() -> None:
    menu = "Welcome to Pizza! Choose a size from our menu."
    turns = (
        *(user("how long does it take"), bot(menu)),
        *(user("and what is the price"), bot(menu)),
        *(user("hello? the price please"), bot(menu)),
        *(user("do you hear me"), bot("It takes 20 minutes.")),
        *(user("ok"), bot(menu)),
    )

    assert fallbacks_in(turns, None) == (False, False, True, False, True)


def test_asking_the_same_thrice_may_be_answered_the_same_thrice() -> None:
    turns = [turn for _ in range(4) for turn in (user("how much is it?"), bot("That is $9."))]

    assert not any(fallbacks_in(turns, None))


def test_real_answers_end_a_row_of_lost_ones() -> None:
    lost = [user("a"), bot("I don't understand")]

    assert lost_in_a_row([*lost, *lost, user("b"), bot("Sure."), *lost], None) == 1
    assert lost_in_a_row([*lost, *lost, *lost], None) == 3


async def test_a_customer_who_is_a_model_is_told_to_change_the_topic_after_three_fallbacks() -> None:
    chat = JudgingModel(None)
    customer = LlmUser(SCENARIO, chat=chat, model="m")
    lost = [user("a small pizza"), bot("Sorry, I did not understand.")]

    for turns in ([*lost, *lost], [*lost, *lost, *lost], [*lost, *lost, *lost, user("cola"), bot("A cola, fine.")]):
        await customer.speak(turns)

    told = [ANOTHER_TOPIC in str(request.messages[0]["content"]) for request in chat.requests]
    assert told == [False, True, False]
