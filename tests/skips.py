# SPDX-License-Identifier: GPL-3.0-or-later
"""On CI a skipped test is a failed test: what a run there leaves out, nobody would notice missing."""

from __future__ import annotations

import os
import typing as t

import pytest

Report = t.TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _strict(report: Report) -> Report:
    if report.skipped and os.environ.get("CI", "") not in ("", "0", "false"):
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else str(where)
        report.outcome = "failed"
        report.longrepr = f"skipped, which is a failure on CI: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> t.Generator[None, pytest.TestReport, pytest.TestReport]:
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> t.Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _strict((yield))
