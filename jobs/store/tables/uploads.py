"""Files that people sent to the bot."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import time_column


class UploadedFileRow(SQLModel, table=True):
    """One version of a profile or suite of a workspace; the highest version of a path is the one in force."""

    __tablename__ = "uploaded_file"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    kind: str
    content: str
    hash: str
    uploaded_by: str
    uploaded_at: datetime = time_column(nullable=False)
