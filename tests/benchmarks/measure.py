"""What several benchmarks measure with."""

import math
import os
import platform
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tests.e2e.process import Home


def machine() -> str:
    load = os.getloadavg()[0]
    return f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores, load {load:.1f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def playing(home: Home) -> int:
    """Conversations that are being played right now."""
    return int(query(home, "select count(*) from conversation where state = 'playing'")[0][0])


def finished(home: Home) -> int:
    return int(query(home, "select count(*) from conversation where state = 'done'")[0][0])


def last_finished_at(home: Home) -> float:
    """When the last conversation was finished, in seconds since 1970."""
    [[text]] = query(home, "select max(finished_at) from conversation")
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def query(home: Home, sql: str) -> list[Any]:
    """Rows of an installation's SQLite file."""
    with closing(sqlite3.connect(home.database_url.removeprefix("sqlite:///"), timeout=10)) as connection:
        return connection.execute(sql).fetchall()


@dataclass(frozen=True, kw_only=True)
class PeakMemory:
    """Resident memory of a process and of the largest of its children, at their highest."""

    own_mb: float
    child_mb: float

    @classmethod
    def of(cls, pid: int) -> "PeakMemory":
        children = psutil.Process(pid).children(recursive=True)
        return cls(own_mb=_peak_mb(pid), child_mb=max((_peak_mb(each.pid) for each in children), default=0.0))


def _peak_mb(pid: int) -> float:
    """Linux keeps the highest value; elsewhere it is the present one."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        [kilobytes] = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(kilobytes) * 1024 / 1e6
    return psutil.Process(pid).memory_info().rss / 1e6
