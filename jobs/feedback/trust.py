"""Looks up how far the judge of a run agrees with the people who rated what it graded."""

from jobs.bundle import Ports
from jobs.feedback.agreement import Agreement, JudgeTrust, judge_agreement
from jobs.model import Run, WorkspaceId
from jobs.store.votes import open_feedback_reader


async def judge_trust(run: Run, ports: Ports) -> JudgeTrust | None:
    """The trust in the judge of a run, by all conversations that the same judge graded; None without a judge."""
    stamp = run.stamps.get("judge")
    if stamp is None:
        return None
    agreement = await ports.helper.call(read_agreement, ports.store.database_url, run.workspace_id, stamp)
    return JudgeTrust(agreement=agreement, floor=ports.settings.convotest_judge_floor)


def read_agreement(database_url: str, workspace_id: WorkspaceId, judge_stamp: str) -> dict[str, Agreement]:
    """The agreement of one judge with the people of a workspace, by metric."""
    with open_feedback_reader(database_url) as reader:
        pairs = reader.judged_and_rated(workspace_id, judge_stamp)
    found = {name: judge_agreement(some) for name, some in pairs.items()}
    return {name: agreement for name, agreement in found.items() if agreement}
