"""Schedules and baselines"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, time = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
    op.create_table(
        "schedule",
        sa.Column("id", text(), nullable=False),
        sa.Column("workspace_id", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("key", text(), nullable=False),
        sa.Column("use_case", text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("cron", text(), nullable=False),
        sa.Column("tz", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("channel_id", text(), nullable=True),
        sa.Column("direct_channel_id", text(), nullable=True),
        sa.Column("created_by", text(), nullable=False),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("active_since", time(), nullable=False),
        sa.Column("note", text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "name"),
    )
    op.create_index("ix_schedule_state", "schedule", ["state"])
    op.create_table(
        "occasion",
        sa.Column("schedule_id", text(), nullable=False),
        sa.Column("slot", text(), nullable=False),
        sa.Column("workspace_id", text(), nullable=False),
        sa.Column("due_at", time(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("claimed_until", time(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("note", text(), nullable=True),
        sa.Column("asked_by", text(), nullable=True),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("finished_at", time(), nullable=True),
        sa.PrimaryKeyConstraint("schedule_id", "slot"),
    )
    op.create_index("ix_occasion_state", "occasion", ["state"])
    op.create_index("ix_occasion_due_at", "occasion", ["due_at"])
    op.create_table(
        "baseline",
        sa.Column("workspace_id", text(), nullable=False),
        sa.Column("suite", text(), nullable=False),
        sa.Column("assistant", text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", text(), nullable=False),
        sa.Column("set_by", text(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.Column("set_at", time(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "suite", "assistant", "number"),
    )
    op.create_table(
        "regression",
        sa.Column("id", text(), nullable=False),
        sa.Column("workspace_id", text(), nullable=False),
        sa.Column("key", text(), nullable=False),
        sa.Column("suite", text(), nullable=False),
        sa.Column("assistant", text(), nullable=False),
        sa.Column("variant", text(), nullable=False),
        sa.Column("baseline", sa.Integer(), nullable=True),
        sa.Column("baseline_run_id", text(), nullable=True),
        sa.Column("run_id", text(), nullable=False),
        sa.Column("confirming_run_id", text(), nullable=True),
        sa.Column("schedule_id", text(), nullable=True),
        sa.Column("slot", text(), nullable=True),
        sa.Column("state", text(), nullable=False),
        sa.Column("verdict", text(), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.Column("channel_id", text(), nullable=True),
        sa.Column("started_by", text(), nullable=False),
        sa.Column("note", text(), nullable=True),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("finished_at", time(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "key"),
    )
    op.create_index("ix_regression_run_id", "regression", ["run_id"])
    op.create_index("ix_regression_confirming_run_id", "regression", ["confirming_run_id"])
    op.create_index("ix_regression_state", "regression", ["state"])
    op.create_index("ix_regression_workspace_suite", "regression", ["workspace_id", "suite", "created_at"])


def downgrade() -> None:
    for table in ("regression", "baseline", "occasion", "schedule"):
        op.drop_table(table)
