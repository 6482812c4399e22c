"""Suites: YAML files that name profiles, test cases and the limits that a run must keep."""

from jobs.suites.check import check_suite
from jobs.suites.draw import draw_suite, planned
from jobs.suites.files import find_target, list_suites, load_suite
from jobs.suites.suite import Suite, SuiteCase, SuiteProfile, alone

__all__ = [
    "Suite",
    "SuiteCase",
    "SuiteProfile",
    "alone",
    "check_suite",
    "draw_suite",
    "find_target",
    "list_suites",
    "load_suite",
    "planned",
]
