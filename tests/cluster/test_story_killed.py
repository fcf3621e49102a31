# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole story, killed with SIGKILL at every step that changes something, and run again: it converges.

A first run tells the steps, and how long each takes. Then everything is taken away, and each further run dies at the
next step: in turn early in it, in its middle, near its end, and when it is done and nobody has been told. Every second
time only ansible-playbook dies, and the module that runs goes on by itself while the next run begins.
"""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest
from cluster.story import APP, Story
from support.killing import Death, events, run_and_kill
from support.playbook import command as ansible_playbook

if t.TYPE_CHECKING:
    from conftest import RunModule

pytestmark = pytest.mark.timeout(2700)
_MOMENTS = (0.3, 0.6, 0.9, None)  # of a step's duration
PLAY = "proven.gitops.prove"


def _steps(story: Story, record: Path) -> dict[str, float]:
    """The tasks that change something on an empty machine, in their order, and how long each takes."""
    environment = {"ANSIBLE_CALLBACKS_ENABLED": "record,halt", "HALT_RECORD": str(record)}
    done = story.play(environment=environment)
    seen = events(record)
    starts = {one.task: one.at for one in seen if one.event == "start"}
    ends = {one.task: one.at for one in seen if one.event == "ok"}
    return {task: ends[task] - starts[task] for task in dict.fromkeys(done.changed)}


def _deaths(steps: dict[str, float]) -> t.Iterator[Death]:
    moments = itertools.cycle(_MOMENTS)
    wholes = itertools.cycle([True, True, False, False, True])
    for task, seconds in steps.items():
        part = next(moments)
        yield Death(task, None if part is None else part * seconds, next(wholes))


def _state(story: Story, run_module: RunModule) -> dict[str, t.Any]:
    """All that has to be the same, however often a run was killed."""
    secrets = story.kubectl("get", "secrets", "--namespace=flux-system")["items"]
    source = story.kubectl("get", "ocirepository", APP, "--namespace=flux-system")
    [artifact] = run_module("oci_artifact_info", reference=f"{story.repository}:1.0.0")["artifacts"]
    lines = story.evidence().splitlines()
    return {
        "digest": artifact["digest"],
        "evidence": next(line.split()[1] for line in lines if line.strip().startswith("digest")),
        "signatures": len(artifact["signatures"]),
        "commits": story.commits(),
        "files": sorted(str(one.relative_to(story.home)) for one in story.home.rglob("*")),
        "containers": sorted(story.left()),
        "secrets": {one["metadata"]["name"]: sorted(one["data"]) for one in secrets},
        "verified": {
            one["type"]: (one["status"], one["reason"])
            for one in source["status"]["conditions"]
            if one["type"] in ("Ready", "SourceVerified")
        },
    }


def test_killed_at_every_step(story: Story, run_module: RunModule, tmp_path: Path) -> None:
    steps = _steps(story, tmp_path / "halt.jsonl")
    wanted = _state(story, run_module)
    assert wanted["signatures"] == 1
    assert wanted["verified"] == {"Ready": ("True", "Succeeded"), "SourceVerified": ("True", "Succeeded")}
    story.play(prove_state="absent")
    assert story.left() == []
    command = ansible_playbook(PLAY, story.variables)
    reached = {death: run_and_kill(command, death, tmp_path) for death in _deaths(steps)}
    # A step that the run before has brought to its end by itself is no longer one that takes its time.
    assert sum(reached.values()) >= 0.8 * len(steps), reached
    story.play()
    assert _state(story, run_module) == wanted
    assert story.play("--check").changed == []
    assert story.play().changed == []
