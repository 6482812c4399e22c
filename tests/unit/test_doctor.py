"""What the doctor finds, that it says how to get it, and that it shows no secret."""

import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from jobs.doctor import Finding, examine, exit_code
from jobs.errors import UpstreamError
from jobs.settings import Settings
from jobs.store.database import parse_database_url, upgrade

BOT_TOKEN = "xoxb-123456789012-abcdefABCDEF"
CATALOGUE = "assistants: {a: {connector: demo, variants: {v: {api_key: 'env:A_KEY'}}}}"


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, and no setting but a port that is free."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVOTEST_PORT", "0")


async def findings() -> dict[str, Finding]:
    return {each.subject: each for each in await examine(environment={})}


async def finding(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> Finding:
    monkeypatch.setenv(name, value)
    return (await findings())[name]


async def test_every_setting_is_looked_at() -> None:
    found = await findings()
    assert {name.upper() for name in Settings.model_fields} <= set(found)


async def test_nothing_is_missing_to_play_in_the_terminal_of_an_empty_machine() -> None:
    found = tuple((await findings()).values())
    assert exit_code(found) == 0
    assert all(each.fix for each in found if each.status != "ok")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-123456789012-abc"),
        ("SLACK_SIGNING_SECRET", "not-hex"),
        ("SLACK_APP_TOKEN", "xoxb-123456789012-abc"),
        ("SLACK_CLIENT_ID", "1234.5678"),
        ("SLACK_API_URL", "https://slack.com/"),
        ("OPENAI_API_KEY", "two words"),
        ("OPENAI_BASE_URL", "api.openai.com"),
        ("CONVOTEST_SIMULATOR", "llm"),
        ("CONVOTEST_SIMULATOR", "robot"),
        ("CONVOTEST_PORT", "http"),
        ("CONVOTEST_CONCURRENCY", "0"),
        ("CONVOTEST_APPROVERS", "@ann"),
        ("CONVOTEST_SECRET_KEY", "short"),
        ("CONVOTEST_LOG_LEVEL", "LOUD"),
    ],
)
async def test_a_bad_setting_is_a_problem_with_its_mend(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = await finding(name, value, monkeypatch)
    assert bad.status == "problem"
    assert bad.fix
    assert exit_code(tuple((await findings()).values())) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", BOT_TOKEN),
        ("SLACK_SIGNING_SECRET", "0123456789abcdef0123456789abcdef"),
        ("SLACK_APP_TOKEN", "xapp-1-A012-3456-abcdef"),
        ("OPENAI_API_KEY", "sk-0123456789abcdef"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9000/v1"),
        ("CONVOTEST_APPROVERS", "U012AB3CD, W012AB3CE"),
        ("CONVOTEST_SECRET_KEY", "0123456789abcdef" * 4),
    ],
)
async def test_a_good_setting_is_fine(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await finding(name, value, monkeypatch)).status == "ok"


async def test_no_secret_is_shown_not_even_a_bad_one(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = {name: f"hunter2-{name}" for name, field in Settings.model_fields.items() if _is_secret(field.annotation)}
    assert len(planted) >= 6
    for name, value in planted.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("CONVOTEST_DATABASE_URL", "postgresql://bot:hunter2@127.0.0.1:1/x")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:hunter2@api.example.com/v1")
    assert "hunter2" not in str([each.to_json() for each in await examine(environment={})])


def _is_secret(annotation: object) -> bool:
    return annotation == SecretStr | None


async def test_slack_is_asked_only_with_a_token_and_its_answer_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    async def identity(token: str, api_url: str) -> str:
        asked.append((token, api_url))
        return "workspace 'Acme' knows us as 'convotest'"

    assert "Slack" not in {each.subject for each in await examine(slack_identity=identity, environment={})}
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    found = {each.subject: each for each in await examine(slack_identity=identity, environment={})}
    assert found["Slack"].message == "workspace 'Acme' knows us as 'convotest'"
    assert asked == [(BOT_TOKEN, "https://slack.com/api/")]


async def test_a_token_that_slack_refuses_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    async def identity(token: str, api_url: str) -> str:
        raise UpstreamError(f"Slack refuses {token} (invalid_auth)", permanent=True)

    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    found = {each.subject: each for each in await examine(slack_identity=identity, environment={})}
    assert found["Slack"].status == "problem"
    assert found["Slack"].message == "Slack refuses [redacted] (invalid_auth)"


async def test_the_doctor_makes_no_database() -> None:
    assert (await findings())["database"].status == "ok"
    assert not Path("convotest.db").exists()


async def test_a_database_of_this_version_is_fine_and_an_empty_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("old.db").touch()
    monkeypatch.setenv("CONVOTEST_DATABASE_URL", "sqlite:///old.db")
    before = (await findings())["database"]
    assert (before.status, "convotest db upgrade" in before.fix) == ("warning", True)
    upgrade(parse_database_url("sqlite:///old.db"))
    assert (await findings())["database"].message == "sqlite, reachable and up to date"


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/at/all.db", "mysql://x/y", "postgresql://127.0.0.1:1/x", "sqlite:///not-a-database.txt"],
)
async def test_a_database_that_cannot_be_used_is_a_problem(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("not-a-database.txt").write_text("just text, long enough to be read as a header of something else")
    monkeypatch.setenv("CONVOTEST_DATABASE_URL", url)
    found = (await findings())["database"]
    assert found.status == "problem"
    assert found.fix


async def test_broken_files_and_unset_references_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("mine")
    folder.mkdir()
    monkeypatch.setenv("CONVOTEST_PROFILES", "mine")
    (folder / "broken.yaml").write_text("test_name: [")
    (folder / "assistants.yaml").write_text(CATALOGUE)
    found = await findings()
    assert found["profiles"].status == "warning"
    assert "broken.yaml" in found["profiles"].message
    assert "a@v" in found
    (folder / "assistants.yaml").write_text("assistants: {a: {connector: dmeo, variants: {v: {}}}}")
    assert (await findings())["assistants"].status == "problem"


async def test_profiles_that_are_nowhere_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOTEST_PROFILES", "nowhere")
    assert (await findings())["profiles"].status == "problem"


async def test_a_port_in_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("CONVOTEST_PORT", str(port))
        assert (await findings())[f"port {port}"].status == "warning"
