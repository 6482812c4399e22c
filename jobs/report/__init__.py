"""A run as its readers want it: figures, JSON, table, CI results, page, files."""

from jobs.report.as_csv import to_csv
from jobs.report.as_html import to_html
from jobs.report.as_json import to_json
from jobs.report.as_junit import to_junit
from jobs.report.as_text import to_text, transcript_markdown, transcript_text
from jobs.report.build import RunReport, build_report, exit_code
from jobs.report.summary import (
    Comparison,
    GateVerdict,
    Group,
    MetricSummary,
    ResponseTimes,
    RunSummary,
    dump_summary,
    load_summary,
)

__all__ = [
    "Comparison",
    "GateVerdict",
    "Group",
    "MetricSummary",
    "ResponseTimes",
    "RunReport",
    "RunSummary",
    "build_report",
    "dump_summary",
    "exit_code",
    "load_summary",
    "to_csv",
    "to_html",
    "to_json",
    "to_junit",
    "to_text",
    "transcript_markdown",
    "transcript_text",
]
