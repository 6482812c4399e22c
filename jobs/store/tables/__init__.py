"""The tables, one file a subject. Rows never leave `jobs/store`: repositories turn them into values of `jobs.model`."""

from jobs.store.tables.actions import (
    ActionRow,
    ActionVoteRow,
    InForceRow,
    MadeVariantRow,
    RolloutCustomerRow,
    RolloutRow,
    RolloutTrafficRow,
)
from jobs.store.tables.experiments import ExperimentResultRow, ExperimentRow, ExperimentRunRow
from jobs.store.tables.feedback import AnsweredRequestRow, ApiTokenRow, ExampleRow, RatingRow
from jobs.store.tables.history import DigestRow, HistoryRow, IncidentRow, TallyRow
from jobs.store.tables.imported import ImportedConversationRow
from jobs.store.tables.live import LiveConversationRow, LiveQuestionRow, LiveTurnRow
from jobs.store.tables.runs import ConversationRow, RunRow, TurnRow
from jobs.store.tables.schedules import BaselineRow, OccasionRow, RegressionRow, ScheduleRow
from jobs.store.tables.slack import AuditRow, DeliveryRow, OutboxRow, WorkspaceSettingsRow
from jobs.store.tables.uploads import UploadedFileRow
from jobs.store.tables.work import VariantRow, WorkerRow

__all__ = [
    "ActionRow",
    "ActionVoteRow",
    "AnsweredRequestRow",
    "ApiTokenRow",
    "AuditRow",
    "BaselineRow",
    "ConversationRow",
    "DeliveryRow",
    "DigestRow",
    "ExampleRow",
    "ExperimentResultRow",
    "ExperimentRow",
    "ExperimentRunRow",
    "HistoryRow",
    "ImportedConversationRow",
    "InForceRow",
    "IncidentRow",
    "LiveConversationRow",
    "LiveQuestionRow",
    "LiveTurnRow",
    "MadeVariantRow",
    "OccasionRow",
    "OutboxRow",
    "RatingRow",
    "RegressionRow",
    "RolloutCustomerRow",
    "RolloutRow",
    "RolloutTrafficRow",
    "RunRow",
    "ScheduleRow",
    "TallyRow",
    "TurnRow",
    "UploadedFileRow",
    "VariantRow",
    "WorkerRow",
    "WorkspaceSettingsRow",
]
