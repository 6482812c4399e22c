"""A suite against its baseline, on a schedule."""

from dataclasses import replace

from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import RunRequest
from jobs.planning import plan_run
from jobs.regression.lifecycle import start_regression
from jobs.regression.regression import RegressionRequest
from jobs.schedule.schedule import Occasion, Schedule, ScheduleRequest
from jobs.schedule.use_case import UseCase


async def check(request: ScheduleRequest, ports: Ports) -> ScheduleRequest:
    """The request with the suite's own name; raises RequestError when it could not be played."""
    plan = await plan_run(
        RunRequest(
            target=request.options["suite"],
            assistant=request.options.get("assistant"),
            workspace_id=request.workspace_id,
        ),
        ports,
    )
    return replace(request, options={**request.options, "suite": plan.suite.stem})


async def begin(schedule: Schedule, occasion: Occasion, ports: Ports) -> None:
    try:
        await start_regression(
            RegressionRequest(
                suite=schedule.options["suite"],
                assistant=schedule.options.get("assistant"),
                started_by=occasion.asked_by or schedule.created_by,
                workspace_id=schedule.workspace_id,
                place=schedule.place,
                schedule_id=schedule.id,
                slot=occasion.slot,
                key=occasion.key,
            ),
            ports,
        )
    except RequestError as error:
        raise RequestError(f"{schedule.options['suite']!r} could not be started: {error}") from error


REGRESS = UseCase(
    name="regress",
    words=("nightly", "regression"),
    summary="play a suite and compare it with its baseline",
    options={
        "suite": "the suite (or profile) that is played",
        "assistant": "NAME or NAME@VARIANT; without it, the one that the suite is made for, as it is in force then",
    },
    required=("suite",),
    usual_cron="0 2 * * *",
    check=check,
    begin=begin,
)
