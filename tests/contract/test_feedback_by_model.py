"""What a model adds to the feedback report, against a provider on this machine."""

import json
import random
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from jobs.chat_model import Providers
from jobs.chat_model.loopback import Answer, Call, LoopbackProvider
from jobs.clock import SystemClock
from jobs.feedback.ask_report import ReportRequest, feedback_report
from jobs.feedback.given import GivenFeedback
from jobs.feedback.record import ratings_of
from jobs.model import LOCAL_WORKSPACE
from jobs.pricing import Prices
from jobs.run_models import ModelPool
from jobs.settings import Settings
from jobs.testing import testing_ports

SUBJECTS = (
    ["slow", "waiting", "minutes", "answer", "took", "long", "forever", "loading"],
    ["wrong", "pizza", "order", "drinks", "forgot", "size", "toppings", "mixed"],
)


def answer(call: Call) -> Answer | str:
    """Names themes by their first word, and takes every comment for a complaint but the last."""
    question = str(call.messages[0]["content"])
    entries = json.loads(call.last.split("\n")[1])
    if "title" in question:
        answers = [f"About {each['text'].split()[1].rstrip(',')} things" for each in entries]
    else:
        answers = ["negative"] * (len(entries) - 1) + ["positive"]
    return json.dumps({"answers": [{"number": place, "answer": text} for place, text in enumerate(answers)]})


@pytest.mark.parametrize("broken", [False, True])
async def test_titles_and_tones_come_from_the_model_and_without_it_the_report_says_so(
    tmp_path: Path, broken: bool
) -> None:
    chance = random.Random(2)
    texts = [" ".join([*chance.sample(SUBJECTS[place % 2], 5), f"{place}@example.com"]) for place in range(24)]
    calls: list[str] = []

    def recorded(call: Call) -> Answer | str:
        calls.append(call.last)
        return "no json" if broken else answer(call)

    async with LoopbackProvider(answer=recorded) as provider:
        settings = Settings(
            openai_base_url=provider.base_url,
            openai_api_key=SecretStr("k"),
            convotest_judge_model="judge-model",
        )
        clock = SystemClock()
        pool = ModelPool(settings, providers=Providers(client="lean", clock=clock), prices=Prices(), clock=clock)
        async with testing_ports(tmp_path, clock=clock, settings=settings) as ports, aclosing(pool):
            ports = replace(ports, models=pool)
            given = [GivenFeedback(feedback_text=text, user_id=f"u{place}") for place, text in enumerate(texts)]
            ratings, _ = await ratings_of(
                given, store=ports.store, clock=clock, workspace_id=LOCAL_WORKSPACE, source="api"
            )
            await ports.store.feedback.add(ratings)

            words = (await feedback_report(ReportRequest(), ports)).words

    mood: Any = words.sentiment
    assert not any("@example.com" in call for call in calls)
    if broken:
        assert words.read_by is None
        assert "could not read the comments" in words.notes[-1]
    else:
        assert (mood.negative, mood.positive, mood.unscored, words.read_by) == (23, 1, 0, "judge-model")
        assert all(str(theme.title).startswith("About ") for theme in words.themes)
        assert words.themes
