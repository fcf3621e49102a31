# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that are killed with SIGKILL, at a task and a moment that the test chooses."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from support import playbook

START_SECONDS = 600.0  # for the play to come to the task
PARTS = 3


def chosen() -> slice:
    """Of the steps: `KILLED=all` of them, or every third, from `KILLED=0`, 1 or 2 on; the commit chooses by default."""
    word = os.environ.get("KILLED", "")
    if word == "all":
        return slice(None)
    if not word:
        head = ["git", "rev-parse", "HEAD"]
        done = subprocess.run(head, cwd=playbook.ROOT, capture_output=True, text=True, check=False)
        word = str(int(done.stdout.strip() or "0", 16) % PARTS)
    return slice(int(word), None, PARTS)


@dataclass(frozen=True)
class Death:
    """Where a play dies. `after` is in seconds from the task's start; None: when the task is done, before the next one.

    `whole` takes the modules and what they have started along, as a machine that loses its power does; else only
    ansible-playbook itself dies, and a module that runs goes on by itself to its end.
    """

    task: str
    after: float | None
    whole: bool


@dataclass(frozen=True)
class Event:
    """A task that starts, or is ok. `at` is in seconds."""

    event: str
    task: str
    at: float


def events(record: Path) -> list[Event]:
    """What the callback `halt` has written so far; a line that is not whole yet is left out."""
    if not record.exists():
        return []
    lines = record.read_text(encoding="utf-8").split("\n")[:-1]
    return [Event(**json.loads(line)) for line in lines]


def run_and_kill(command: t.Sequence[str], death: Death, scratch: Path) -> bool:
    """Run `ansible-playbook ...` until it dies as told; False where it came to its end before that."""
    record = scratch / "halt.jsonl"
    record.unlink(missing_ok=True)
    log = scratch / "killed.log"
    environment = {**os.environ, **playbook.environment(record), "ANSIBLE_CALLBACKS_ENABLED": "halt"}
    environment["HALT_RECORD"] = str(record)
    if death.after is None:
        environment["HALT_AFTER"] = death.task
    with log.open("wb") as output:
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            reached = _wait(running, record, death)
        finally:
            kill(running, whole=death.whole)
    if not reached and running.returncode != -signal.SIGKILL:
        assert running.returncode == 0, log.read_text(errors="replace")[-4000:]
    return reached


def _wait(running: subprocess.Popen[bytes], record: Path, death: Death) -> bool:
    """Until the moment has come, or the play has ended."""
    end = time.monotonic() + START_SECONDS
    event = "start" if death.after is not None else "ok"
    while running.poll() is None:
        assert time.monotonic() < end, f"the play did not come to: {death.task}"
        for one in events(record):
            if one.event == event and one.task == death.task:
                time.sleep(max(0.0, one.at + (death.after or 0.0) - time.monotonic()))
                return running.poll() is None
        time.sleep(0.01)
    return False


def kill(running: subprocess.Popen[bytes], *, whole: bool) -> None:
    """All at once: a child that is killed later would see its parent die, and clean up."""
    family = _family(running.pid) if whole else {running.pid}
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    for pid in (_family(running.pid) if whole else family) | family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.wait()


def _family(root: int) -> set[int]:
    """A process and all that it has started, as far as they are its descendants still."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in listing.splitlines())}
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family
