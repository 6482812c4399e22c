"""``/metrics``: read by Prometheus' own parser; rules and dashboard are checked and their expressions run."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bot.http_metrics import MetricsPage, add_metrics_route, render
from jobs.alerts.incident import Finding
from jobs.alerts.lifecycle import raise_now
from jobs.bundle import Ports
from jobs.feedback.rating import About, Rating, Vote
from jobs.model import Announcement, Place, RunRequest, WorkspaceId
from jobs.runs import close_finished, start_run
from jobs.simulate.run import play_shard, shards_of
from jobs.store._rows import table_of
from jobs.store.tables import ActionRow
from jobs.testing import MovableClock, testing_ports

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations"
RULES, DASHBOARD = OPERATIONS / "prometheus-rules.yml", OPERATIONS / "grafana-dashboard.json"
TEAM = WorkspaceId("T1")
METRIC = re.compile(r"\b(?:convotest_\w+|test_executions_total|response_quality_score|conversation_duration_seconds_\w+"
                    r"|user_satisfaction_\w+|optimization_improvements_total)\b")  # fmt: skip


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncGenerator[Ports]:
    async with testing_ports(tmp_path, clock=MovableClock()) as opened:
        yield opened


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here; Debian has it in the package prometheus")
    return found


async def play(ports: Ports) -> None:
    request = RunRequest(target="pizza", assistant="pizza@good", n=5, seed=7, workspace_id=TEAM, key="schedule:x:1")
    run = await start_run(request, ports)
    await ports.store.runs.mark_running(run.id)
    for shard in shards_of(run):
        await play_shard(run.id, shard, ports)
    found = await ports.store.runs.get(run.id)
    assert found is not None
    await close_finished(found, ports)


async def add_verified_action(ports: Ports) -> None:
    now = ports.clock.now()
    row: dict[str, Any] = {
        "id": "a1", "workspace_id": TEAM, "assistant": "pizza", "kind": "prompt", "state": "verified",
        "fingerprint": "f", "version": 1, "hash": "h", "proposer": "U1", "content": {}, "progress": {},
        "created_at": now, "expires_at": now, "changed_at": now,
    }  # fmt: skip
    await ports.store.writer.run(lambda connection: connection.execute(table_of(ActionRow).insert(), row) and None)


async def page(ports: Ports) -> str:
    return render(await MetricsPage(ports).observe()).decode()


async def samples(ports: Ports) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(await page(ports)) for sample in family.samples]


def value(found: list[Sample], name: str, **labels: str) -> float | None:
    return next((each.value for each in found if each.name == name and each.labels == labels), None)


async def test_an_installation_without_runs_shows_zeros_and_invents_no_scores(ports: Ports) -> None:
    found = await samples(ports)

    assert value(found, "convotest_runs_unfinished") == 0
    assert value(found, "convotest_incidents_open", severity="high") == 0
    assert not [each for each in found if each.name in ("response_quality_score", "user_satisfaction_score")]


async def test_what_was_played_said_and_found_is_shown_under_the_names_people_know(ports: Ports) -> None:
    began = ports.clock.now()
    await play(ports)
    for number, stars in enumerate((5, 4, 3)):
        rating = Rating(
            workspace_id=TEAM, key=f"k{number}", source="api", vote=Vote(kind="stars", value=stars),
            at=ports.clock.now(), about=About(external_id="c", assistant="pizza"), member_id=f"U{number}",
        )  # fmt: skip
        await ports.store.feedback.add([rating])
    await add_verified_action(ports)
    place = Place(workspace_id=TEAM, channel_id="C1")
    finding = Finding(rule="r", subject="s", severity="high", metric="", sentence="x")
    await raise_now(TEAM, finding, place, ports)

    found = await samples(ports)

    assert value(found, "test_executions_total", test_type="simulation", result="passed") == 5
    assert value(found, "response_quality_score", metric_type="quality") is not None
    assert value(found, "conversation_duration_seconds_count", user_type="none") == 5
    assert value(found, "conversation_duration_seconds_bucket", user_type="none", le="+Inf") == 5
    assert value(found, "user_satisfaction_score", assistant_id="pizza") == 4
    assert value(found, "optimization_improvements_total", improvement_type="prompt") == 1
    assert value(found, "convotest_incidents_open", severity="high") == 1
    assert value(found, "convotest_outbox_waiting") == 1
    assert value(found, "convotest_last_night_timestamp_seconds", suite="pizza") == began.timestamp()


async def test_buckets_of_a_histogram_add_up(ports: Ports) -> None:
    await play(ports)

    buckets = [each for each in await samples(ports) if each.name == "conversation_duration_seconds_bucket"]

    counts = [each.value for each in buckets]
    assert counts == sorted(counts) and counts[-1] == 5


async def test_ages_are_those_of_what_waits(ports: Ports) -> None:
    clock = ports.clock
    assert isinstance(clock, MovableClock)
    await ports.store.outbox.add(
        Announcement(key="k", kind="notice", place=Place(workspace_id=TEAM, channel_id="C1"), ref={"text": "x"})
    )
    clock.move(90)

    assert value(await samples(ports), "convotest_outbox_oldest_seconds") == 90


async def test_the_route_says_what_format_it_speaks(ports: Ports) -> None:
    app = web.Application()
    add_metrics_route(app, ports)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/metrics")

        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "convotest_writer_waiting" in await answer.text()


# --- rules and dashboard ----------------------------------------------------------------------------------------------


def rules() -> list[dict[str, Any]]:
    document: Any = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard_expressions() -> Iterator[str]:
    document: Any = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in document["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m")


async def shown_names(ports: Ports) -> set[str]:
    names: set[str] = set()
    for family in text_string_to_metric_families(await page(ports)):
        names |= {family.name, f"{family.name}_total", *(sample.name for sample in family.samples)}
        names |= {f"{family.name}{end}" for end in ("_bucket", "_sum", "_count") if family.type == "histogram"}
    return names


async def test_rules_and_dashboard_ask_for_nothing_that_is_not_shown(ports: Ports) -> None:
    await play(ports)
    asked = {name for expr in (*dashboard_expressions(), *(rule["expr"] for rule in rules()))
             for name in METRIC.findall(expr)}  # fmt: skip

    assert len(asked) > 10
    assert asked <= await shown_names(ports)


def test_prometheus_accepts_the_rules(promtool: str) -> None:
    checked = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


async def test_prometheus_accepts_the_page(promtool: str, ports: Ports) -> None:
    await play(ports)

    checked = await asyncio.to_thread(
        subprocess.run,
        [promtool, "check", "metrics"],
        input=await page(ports),
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


async def test_every_expression_of_the_dashboard_is_run_by_prometheus(promtool: str, tmp_path: Path) -> None:
    """As rules of a unit test of Prometheus' own over invented series: an expression that cannot be evaluated fails."""
    expressions = [*dashboard_expressions()]
    groups = [{"name": "d", "rules": [{"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(expressions)]}]
    series = {name for expr in expressions for name in METRIC.findall(expr)}
    labels = '{severity="high",le="+Inf",test_type="t",result="passed",metric_type="quality",user_type="novice"}'
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": f"{name}{labels}", "values": "1+1x60"} for name in sorted(series)],
                "promql_expr_test": [],
            }
        ],
    }
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test), encoding="utf-8")

    for arguments in (["check", "rules", "rules.yml"], ["test", "rules", "test.yml"]):
        ran = await asyncio.to_thread(
            subprocess.run, [promtool, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_an_alert_of_prometheus_fires_when_it_should(promtool: str) -> None:
    """The cases stand beside the rules."""
    ran = subprocess.run(
        [promtool, "test", "rules", str(OPERATIONS / "prometheus-rules.test.yml")], capture_output=True, text=True,
        check=False, cwd=OPERATIONS,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
