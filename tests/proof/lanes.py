# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps side by side: one lane works while the other waits.

The steps of a lane run one after the other, whatever became of those before; a step that `needs` one that failed is not
run, and has failed too. What a step says goes to build/log/STEP.log, and is shown in one piece when it ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from proof.table import Case, Row, read, write

END_LINES = 30


@dataclass(frozen=True)
class Step:
    """Commands of one lane, each of them run whatever became of the others.

    `after` are steps of other lanes that must have ended, and `needs` those that must have passed. `minutes` is what it
    takes at most, None for one that is run however late it is, and `shorter` is run where there is no time for that.
    One that is `quiet` shows its last lines only; one that is `apart` has a process group of its own, with all that it
    starts.
    """

    name: str
    lane: str
    commands: tuple[tuple[str, ...], ...]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    minutes: float | None = None
    shorter: Step | None = None
    quiet: bool = False
    apart: bool = False


@dataclass
class _Done:
    """What became of a step; `ended` is set when it is known."""

    ended: threading.Event = field(default_factory=threading.Event)
    row: Row | None = None
    good: bool = False


class Lanes:
    """`Lanes(steps, directory, limit).run()` gives a row for each step, in their order.

    After `limit` minutes none begins that would end later; it is left out, and its row says so. `say` prints.
    """

    def __init__(
        self, steps: t.Sequence[Step], directory: Path, limit: float, say: t.Callable[[str], None] | None = None
    ) -> None:
        self._steps = steps
        self._directory = directory
        self._limit = limit
        self._say = say or _print
        self._began = time.monotonic()
        self._done = {step.name: _Done() for step in steps}
        self._running: dict[int, Step] = {}
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def run(self) -> list[Row]:
        """Until all lanes are through; whoever is still running is ended where this is interrupted."""
        lanes = dict.fromkeys(step.lane for step in self._steps)
        threads = [threading.Thread(target=self._lane, args=(lane,), daemon=True) for lane in lanes]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            self._stop()
        return [done.row or Row(name, (Case(name, "failed", "nobody knows"),)) for name, done in self._done.items()]

    def _lane(self, name: str) -> None:
        for step in self._steps:
            if step.lane == name and not self._stopped:
                done = self._done[step.name]
                try:
                    done.row, done.good = self._step(step)
                finally:
                    done.ended.set()

    def _step(self, step: Step) -> tuple[Row, bool]:
        for name in (*step.after, *step.needs):
            self._done[name].ended.wait()
        missing = [name for name in step.needs if not self._done[name].good]
        if missing:
            reason = f"not run, for want of: {', '.join(missing)}"
            self._tell(step, reason)
            return Row(step.name, (Case(step.name, "failed", reason),), note=reason), False
        if step.minutes is None or self.seconds / 60 + step.minutes <= self._limit:
            return self._execute(step)
        reason = f"LEFT OUT after {self.seconds / 60:.0f} minutes: it takes {step.minutes:.0f}"
        if step.shorter is None:
            self._tell(step, reason)
            return Row(step.name, (), note=reason), True
        row, good = self._step(step.shorter)
        return replace(
            row, note=row.note or f"IN PART: {reason}, and {' '.join(step.shorter.commands[0])} is there"
        ), good

    def _execute(self, step: Step) -> tuple[Row, bool]:
        log, junit = self._directory / "log" / f"{step.name}.log", self._directory / "junit" / f"{step.name}.xml"
        log.parent.mkdir(parents=True, exist_ok=True)
        junit.unlink(missing_ok=True)
        self._tell(step, "began")
        began, cpu, cases = time.monotonic(), 0.0, []
        with log.open("wb") as output:
            for command in step.commands:
                status, used = self._call(step, command, output)
                cpu += used
                why = f"it ended with status {status}"
                cases.append(Case(" ".join(command), "failed" if status else "passed", why if status else ""))
        seconds = time.monotonic() - began
        row, good = _row(step, cases, junit, seconds)
        words = "passed" if good else "FAILED"
        self._tell(step, f"{words} after {seconds / 60:.1f} minutes", _shown(log, END_LINES if step.quiet else None))
        return Row(step.name, row.cases, seconds / 60, cpu / 60), good

    def _call(self, step: Step, command: t.Sequence[str], output: t.BinaryIO) -> tuple[int, float]:
        """Its status, and the seconds of processor that it and all its children took."""
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0 if step.apart else None
        )
        self._running[process.pid] = step
        try:
            _pid, status, usage = os.wait4(process.pid, 0)
        finally:
            del self._running[process.pid]
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage.ru_utime + usage.ru_stime

    def _stop(self) -> None:
        self._stopped = True
        for pid, step in list(self._running.items()):
            self._tell(step, "STOPPED", _shown(self._directory / "log" / f"{step.name}.log", END_LINES))
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if step.apart else os.kill)(pid, signal.SIGTERM)

    def _tell(self, step: Step, what: str, text: str = "") -> None:
        with self._lock:
            self._say(f"\n==== {step.name}: {what} ({time.strftime('%T')})\n{text}")


def _row(step: Step, cases: list[Case], junit: Path, seconds: float) -> tuple[Row, bool]:
    """The step's own junit file, or one that is made of its commands."""
    failed = [case for case in cases if case.outcome == "failed"]
    if not junit.exists():
        write(junit, step.name, cases, seconds)
        return read(junit), not failed
    try:
        row = read(junit)
    except ValueError as error:
        return Row(step.name, (*cases, Case(junit.name, "failed", str(error)))), False
    # It may have failed with nothing in the file that did: a crash, or a fault that no test has tried.
    more = () if row.failures else tuple(failed)
    return Row(step.name, (*row.cases, *more)), not (failed or row.failures)


def _shown(log: Path, lines: int | None) -> str:
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text if lines is None else "".join(text.splitlines(keepends=True)[-lines:])


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
