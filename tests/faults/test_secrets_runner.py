# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays of test_secrets.py by ansible-runner, whose events AWX keeps: not one canary in its artifacts."""

from __future__ import annotations

import contextlib
import json

import pytest
from support.secret_groups import GROUPS
from support.secret_plays import Place, by_runner


@pytest.mark.slow
@pytest.mark.fault("C6")
@pytest.mark.parametrize("name", GROUPS)
def test_job_events(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = Place(tmp_path_factory.mktemp("run") / "here")  # short: Ansible has a socket below it
    with contextlib.ExitStack() as stack:
        group = GROUPS[name](place, stack)
        output, files = by_runner(place, group.cases)
    events = [
        json.loads(content) for path, content in files.items() if "/job_events/" in path and path.endswith(".json")
    ]
    refused = [event for event in events if event["event"] == "runner_on_failed"]
    assert len(refused) == sum(case.fails for case in group.cases), output[-3000:]
    assert [event for event in events if place.canaries.found(json.dumps(event))] == []
    # Of its own environment ansible-runner notes everything, also the variables that we gave it to hand on.
    command = json.loads(files["run/command"])
    for variable in place.variables:
        del command["env"][variable]
    files["run/command"] = json.dumps(command).encode()
    assert [path for path, content in files.items() if place.canaries.found(content)] == []
    assert place.canaries.found(output) == []
