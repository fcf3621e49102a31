# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong once, at any request of any task: it is done in the end, and right."""

from __future__ import annotations

import typing as t

import pytest
from support.faulty import Fault
from support.use_cases import ALL, UseCase, first, sampled

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Response

if t.TYPE_CHECKING:
    from faults.conftest import Attempt

PAST = "Thu, 01 Jan 2026 00:00:00 GMT"
BUSY = {
    "429-seconds": Response(429, {"Retry-After": "0"}, b"slowly"),
    "429-date": Response(429, {"Retry-After": PAST}, b"slowly"),
    "429-nonsense": Response(429, {"Retry-After": "soon"}, b"slowly"),
    "408": Response(408),
    "500": Response(500, {}, b"<html>"),
    "502": Response(502),
    "503": Response(503, {"Retry-After": "0"}),
    "504": Response(504),
}
BREAKS: dict[str, dict[str, t.Any]] = {
    "reset-at-once": {"cut": 0, "ending": "reset"},
    "closed-at-once": {"cut": 0},
    "closed-in-the-status-line": {"cut": 12},
    "closed-in-the-head": {"cut": 17},
    "reset-in-the-head": {"cut": 60, "ending": "reset"},
    "closed-in-a-header": {"cut": 60},
}
each_case = pytest.mark.parametrize("case", ALL, ids=lambda case: case.name.replace(" ", "-"))


def _all_done(outcomes: dict[int, str]) -> None:
    assert outcomes
    assert outcomes == dict.fromkeys(outcomes, "done")


@pytest.mark.fault("R1a", "R1b", "R2a")
@pytest.mark.parametrize("name", first(BUSY, "429-seconds", "429-date", "503"))
@each_case
@sampled(3)  # of the requests of a task
def test_a_busy_registry(attempt: Attempt, case: type[UseCase], name: str, step: int) -> None:
    _all_done(attempt.everywhere(case, lambda number: Fault(".*", "", skip=number, answer=BUSY[name]), step))


@pytest.mark.fault("R3a", "R4a")
@pytest.mark.parametrize("name", first(BREAKS, "reset-at-once", "closed-in-the-head"))
@each_case
@sampled(3)  # of the requests of a task
def test_a_broken_connection(attempt: Attempt, case: type[UseCase], name: str, step: int) -> None:
    _all_done(attempt.everywhere(case, lambda number: Fault(".*", "", skip=number, **BREAKS[name]), step))
