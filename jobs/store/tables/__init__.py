"""The tables, one file a subject. Rows never leave `jobs/store`: repositories turn them into values of `jobs.model`."""

from jobs.store.tables.experiments import ExperimentResultRow, ExperimentRow, ExperimentRunRow
from jobs.store.tables.feedback import AnsweredRequestRow, ApiTokenRow, ExampleRow, RatingRow
from jobs.store.tables.runs import ConversationRow, RunRow, TurnRow
from jobs.store.tables.slack import AuditRow, DeliveryRow, OutboxRow, WorkspaceSettingsRow
from jobs.store.tables.work import VariantRow, WorkerRow

__all__ = [
    "AnsweredRequestRow",
    "ApiTokenRow",
    "AuditRow",
    "ConversationRow",
    "DeliveryRow",
    "ExampleRow",
    "ExperimentResultRow",
    "ExperimentRow",
    "ExperimentRunRow",
    "OutboxRow",
    "RatingRow",
    "RunRow",
    "TurnRow",
    "VariantRow",
    "WorkerRow",
    "WorkspaceSettingsRow",
]
