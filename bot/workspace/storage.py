"""Where a workspace outlives its process: JSON rows and file contents in one SQLite file."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

Kind = Literal["member", "channel", "message", "file", "home", "token"]

SCHEMA = """
create table if not exists entry (
    kind text not null, team text not null, key text not null, body text not null,
    primary key (kind, team, key)
) without rowid;
create table if not exists content (
    team text not null, file text not null, body blob not null, primary key (team, file)
);
"""


class Storage:
    """Committed before each call returns, so a killed process loses nothing that it has answered for."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute(
            "pragma synchronous = normal"
        )  # survives kill -9; only a power cut may lose the last rows
        self._database.executescript(SCHEMA)

    def put(self, kind: Kind, team: str, key: str, body: dict[str, Any]) -> None:
        self._database.execute("replace into entry values (?, ?, ?, ?)", (kind, team, key, json.dumps(body)))

    def delete(self, kind: Kind, team: str, key: str) -> None:
        self._database.execute("delete from entry where kind = ? and team = ? and key = ?", (kind, team, key))

    def load(self, kind: Kind, team: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rows of one kind in the order of their keys."""
        query = "select key, body from entry where kind = ? and team = ? order by key"
        for key, body in self._database.execute(query, (kind, team)).fetchall():
            yield key, json.loads(body)

    def put_content(self, team: str, file: str, content: bytes) -> None:
        self._database.execute("replace into content values (?, ?, ?)", (team, file, content))

    def content(self, team: str, file: str) -> bytes:
        row = self._database.execute("select body from content where team = ? and file = ?", (team, file)).fetchone()
        return bytes(row[0]) if row else b""

    def delete_content(self, team: str, file: str) -> None:
        self._database.execute("delete from content where team = ? and file = ?", (team, file))

    def close(self) -> None:
        self._database.close()
