# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole story, killed with SIGKILL at steps that change something, and run again: it converges.

A first run tells the steps, and how long each takes. Then everything is taken away, and each further run dies at the
next step of those that were chosen: in turn early in it, in its middle, near its end, and when it is done and nobody
has been told. Every second time only ansible-playbook dies, and the module that runs goes on by itself while the next
run begins.
"""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest
from cluster.story import Story
from support.killing import PARTS, Death, chosen, run_and_kill
from support.playbook import command as ansible_playbook

if t.TYPE_CHECKING:
    from conftest import RunModule

pytestmark = pytest.mark.timeout(2700)
_MOMENTS = (0.3, 0.6, 0.9, None)  # of a step's duration
PLAY = "proven.gitops.prove"


def _deaths(steps: dict[str, float]) -> t.Iterator[Death]:
    moments = itertools.cycle(_MOMENTS)
    wholes = itertools.cycle([True, True, False, False, True])
    for task, seconds in steps.items():
        part = next(moments)
        yield Death(task, None if part is None else part * seconds, next(wholes))


def test_killed_at_its_steps(story: Story, run_module: RunModule, tmp_path: Path) -> None:
    """KILLED=all, or 0, 1 or 2, chooses the steps; make nightly takes all of them."""
    if not story.steps:  # the file before this one has not begun it
        story.begin()
        story.wanted = story.state(run_module)
    steps, wanted = story.steps, story.wanted
    assert wanted["signatures"] == 1
    assert wanted["verified"] == {"Ready": ("True", "Succeeded"), "SourceVerified": ("True", "Succeeded")}
    if story.left():
        story.play(prove_state="absent")
    assert story.left() == []
    story.write_manifests()
    deaths = list(_deaths(steps))[chosen()]
    assert len(deaths) >= len(steps) // PARTS > 0
    command = ansible_playbook(PLAY, story.variables)
    reached = {death: run_and_kill(command, death, tmp_path) for death in deaths}
    # A step that the run before has brought to its end by itself is no longer one that takes its time.
    assert sum(reached.values()) >= 0.8 * len(deaths), reached
    story.play()
    assert story.state(run_module) == wanted
    assert story.play().changed == []
