"""Columns that many tables have."""

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, UTCDateTime


def json_column() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


def time_column(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(UTCDateTime(), nullable=nullable))
