"""The files around the code say what the code does."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]


def text_of(name: str) -> str:
    return (TOP / name).read_text(encoding="utf-8")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_and_no_index_is_named() -> None:
    lines = [line for line in text_of("constraints.txt").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    pinned = {canonical(line.partition("==")[0]) for line in lines}
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    named = {canonical(re.split(r"[\[<>=~! ]", each)[0]) for each in asked}
    assert named <= pinned


def test_make_has_a_target_for_everything_one_does() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    assert {"demo", "test", "check", "bench", "chaos", "lint", "format", "types", "imports", "clean", "help"} <= targets


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    script = TOP / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"^step make test$", script.read_text(), re.MULTILINE)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert "make test" in text_of("README.md")


def test_hooks_run_only_what_make_installs() -> None:
    hooks = yaml.safe_load(text_of(".pre-commit-config.yaml"))
    assert {repo["repo"] for repo in hooks["repos"]} == {"local"}
    assert all(hook["entry"].startswith("make ") for repo in hooks["repos"] for hook in repo["hooks"])


def test_the_image_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    dockerfile = text_of("Dockerfile")
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", dockerfile, re.MULTILINE)
    assert "HEALTHCHECK" in dockerfile
    assert "/healthz" in dockerfile
    assert dockerfile.count("FROM python:3.11-slim") == 2


def test_the_image_gets_what_the_package_is_built_from_and_nothing_else() -> None:
    lines = [line for line in text_of(".dockerignore").splitlines() if line]
    assert lines[0] == "*"
    wanted = {line[1:] for line in lines if line.startswith("!")}
    assert wanted == {"bot", "jobs", "profiles", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"}


def test_the_composition_has_no_password_in_it() -> None:
    services = yaml.safe_load(text_of("compose.yaml"))["services"]
    assert set(services) == {"bot", "worker", "postgres"}
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert services["bot"]["environment"]["CONVOTEST_DATABASE_URL"].startswith("postgresql://convotest:${POSTGRES_PASS")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_files_that_the_guides_name_exist(name: str) -> None:
    named = re.findall(r"`((?:bot|jobs|docs|profiles)/[\w./-]+)`", text_of(name))
    assert [each for each in named if not (TOP / each).exists()] == []
