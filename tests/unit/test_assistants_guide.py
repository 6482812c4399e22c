"""The examples of the guide to assistants can be copied as they stand."""

import re
from pathlib import Path

import pytest

from jobs.assistants import CONNECTORS, ConnectorPorts
from jobs.assistants.catalogue import read_catalogue
from jobs.clock import SystemClock
from jobs.settings import shipped_profiles

GUIDE = (Path(__file__).parents[2] / "docs" / "assistants.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_a_file_of_assistants_that_can_be_used(example: str, tmp_path: Path) -> None:
    path = tmp_path / "assistants.yaml"
    path.write_text(example, encoding="utf-8")
    ports = ConnectorPorts(
        clock=SystemClock(), profiles_dir=shipped_profiles(), environment={"SUPPORT_BOT_TOKEN": "a-secret"}
    )
    catalogue, problems = read_catalogue(path)
    variants = [variant for assistant in catalogue.assistants for variant in assistant.variants.values()]

    assert problems == ()
    assert variants
    for variant in variants:
        assert list(CONNECTORS[variant.connector].build(ports).check(variant.config)) == []


def test_every_connector_that_an_example_names_exists() -> None:
    named = set(re.findall(r"connector: (\w+)", "\n".join(EXAMPLES)))

    assert {"openai_chat", "http_json"} <= named <= set(CONNECTORS)
