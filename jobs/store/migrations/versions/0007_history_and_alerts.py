"""History, alerts and digests"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    op.create_table(
        "history",
        sa.Column("run_id", TEXT(), nullable=False),
        sa.Column("metric", TEXT(), nullable=False),
        sa.Column("part", TEXT(), nullable=False),
        sa.Column("workspace_id", TEXT(), nullable=False),
        sa.Column("subject", TEXT(), nullable=False),
        sa.Column("assistant", TEXT(), nullable=False),
        sa.Column("variant", TEXT(), nullable=False),
        sa.Column("scheduled", sa.Boolean(), nullable=False),
        sa.Column("at", TIME(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("unscored", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "metric", "part"),
    )
    op.create_index("ix_history_metric_at", "history", ["workspace_id", "metric", "part", "at"])
    op.create_index("ix_history_at", "history", ["workspace_id", "at"])
    op.create_index("ix_history_of_all", "history", ["metric", "part", "at"])
    op.create_table(
        "tally",
        sa.Column("workspace_id", TEXT(), nullable=False),
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("first", TEXT(), nullable=False),
        sa.Column("second", TEXT(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "name", "first", "second"),
    )
    op.create_table(
        "incident",
        sa.Column("id", TEXT(), nullable=False),
        sa.Column("workspace_id", TEXT(), nullable=False),
        sa.Column("rule", TEXT(), nullable=False),
        sa.Column("subject", TEXT(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=True),
        sa.Column("state", TEXT(), nullable=False),
        sa.Column("severity", TEXT(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("channel_id", TEXT(), nullable=True),
        sa.Column("since", TIME(), nullable=False),
        sa.Column("opened_at", TIME(), nullable=True),
        sa.Column("cleared_at", TIME(), nullable=True),
        sa.Column("snoozed_until", TIME(), nullable=True),
        sa.Column("snoozed_by", TEXT(), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "rule", "subject", "live"),
    )
    op.create_index("ix_incident_opened", "incident", ["workspace_id", "opened_at"])
    op.create_table(
        "digest",
        sa.Column("workspace_id", TEXT(), nullable=False),
        sa.Column("kind", TEXT(), nullable=False),
        sa.Column("day", TEXT(), nullable=False),
        sa.Column("channel_id", TEXT(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "day", "channel_id"),
    )
    op.create_index("ix_digest_created", "digest", ["workspace_id", "created_at"])


def downgrade() -> None:
    for table in ("digest", "incident", "tally", "history"):
        op.drop_table(table)
