"""The long-running process stays small: what only the helper process or a seldom command needs is not imported."""

import subprocess
import sys

import pytest

HEAVY = (
    "alembic",
    "faker",
    "genai_prices",
    "matplotlib",
    "numpy",
    "openai",
    "pandas",
    "phonenumbers",
    "playwright",
    "ruptures",
    "scipy",
    "sklearn",
    "statsmodels",
    "vaderSentiment",
)


LIGHT_HELP = (*HEAVY, "aiohttp", "dbos", "pydantic", "rich", "slack_sdk", "sqlalchemy", "yaml")
"""``--help`` does without these, too."""


@pytest.mark.parametrize(
    ("modules", "unwanted"), [("bot.wiring, jobs.dispatcher", (*HEAVY, "rich")), ("jobs.cli", LIGHT_HELP)]
)
def test_starting_imports_nothing_heavy(modules: str, unwanted: tuple[str, ...]) -> None:
    asked = f"import sys, {modules}; print(*sorted(set({unwanted!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
