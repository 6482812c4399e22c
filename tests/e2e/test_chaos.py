"""A bot that is killed in the middle of its work loses nothing and does nothing twice."""

from pathlib import Path

from tests.e2e.chaos import Plan, play_chaos


async def test_three_kills_and_failing_posts_lose_nothing_and_double_nothing(database_url: str, tmp_path: Path) -> None:
    plan = Plan(
        conversations=30,
        kills=3,
        seed=11,
        database_url=database_url,
        life_s=(0.2, 1.5),
        failing=0.2,
        quick=True,
        latency_ms=100,
        concurrency=5,
        patience_s=60,
    )

    findings = await play_chaos(plan, tmp_path)

    assert findings.broken_promises == {}
    assert findings.kills == 3
    assert findings.posts_failed > 0
