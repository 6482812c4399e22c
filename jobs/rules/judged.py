"""Rules with a judge: what only a model can tell is asked once the rules have said what they need to know."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from jobs.judge import Judgements, JudgeModel, answer_questions
from jobs.rules.values import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.recorded import Recorded
    from jobs.rules.check import RulesReport
    from jobs.rules.files import Rule
    from jobs.run_models import ConversationModels
    from jobs.settings import Settings

MOST_QUESTIONS = 2_000
"""Asked about one run or folder; whatever is beyond stays unscored."""
MOST_ROUNDS = 5
"""An answer may lead a rule to its next question, which ``and`` and ``or`` had kept from being asked."""


class Asks(Protocol):
    @property
    def questions(self) -> frozenset[Question]: ...


FoundT = TypeVar("FoundT", bound=Asks)


async def until_answered(
    check: Callable[[Mapping[Question, Any]], Awaitable[FoundT]], judge: JudgeModel | None
) -> FoundT:
    """What ``check`` finds with the judge's answers to its questions; without a judge, or an answer, as it is."""
    answers: dict[Question, Any] = {}
    asked: set[Question] = set()
    found = await check(answers)
    for _ in range(MOST_ROUNDS):
        new = sorted(found.questions - asked, key=lambda each: (each.kind, each.about, each.material))
        new = new[: MOST_QUESTIONS - len(asked)]
        if judge is None or not new:
            return found
        asked.update(new)
        answers |= await answer_questions(new, judge)
        found = await check(answers)
    return found


def judge_model(models: "ConversationModels", settings: "Settings", judgements: Judgements) -> JudgeModel | None:
    """The judge of the settings, on those models; None without one. Raises ConfigurationError: it cannot be used."""
    if settings.convotest_judge_model is None:
        return None
    return JudgeModel(models.model(), model=settings.convotest_judge_model, judgements=judgements)


def check_with_judge(rules: "Sequence[Rule]", recordings: "Sequence[Recorded]", settings: "Settings") -> "RulesReport":
    """The report of a terminal's command, which has no run: the judge of the settings is asked, if they name one."""
    from jobs.rules.check import check_rules

    async def work() -> "RulesReport":
        async def check(answers: Mapping[Question, Any]) -> "RulesReport":
            return check_rules(rules, recordings, answers=answers)

        from jobs.chat_model import Providers
        from jobs.clock import SystemClock
        from jobs.model import RunId
        from jobs.pricing import PRICES_FILE, Prices
        from jobs.run_models import ModelPool

        clock = SystemClock()
        prices = Prices.load(settings.profiles_dir / Path(PRICES_FILE).name)
        providers = Providers(client=settings.convotest_chat_client, clock=clock)
        async with aclosing(ModelPool(settings, providers=providers, prices=prices, clock=clock)) as pool:
            if not pool.configured:
                return await until_answered(check, None)
            await pool.prepare()
            models = pool.of_run(RunId("rules")).conversation()
            return await until_answered(check, judge_model(models, settings, Judgements()))

    if settings.convotest_judge_model is None:
        return check_rules(rules, recordings)
    return asyncio.run(work())
