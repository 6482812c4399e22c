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


@pytest.mark.parametrize("modules", ["bot.wiring, jobs.dispatcher", "jobs.cli"])
def test_starting_imports_nothing_heavy(modules: str) -> None:
    asked = f"import sys, {modules}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
