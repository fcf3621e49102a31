# SPDX-License-Identifier: GPL-3.0-or-later
"""When anything is shown at all, and what becomes of it."""

from __future__ import annotations

import threading
import time
import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._shared.report import Snapshot
from ansible_collections.proven.gitops.plugins.plugin_utils.progress_line import LiveLine, Meter
from ansible_collections.proven.gitops.plugins.plugin_utils.progress_watch import watch

PUSHING = Snapshot("pushed", "artifacts", 1, 3)


def watched(seconds: float, read: t.Callable[[float], bytes]) -> list[str]:
    """What is shown of a task that takes so long; `read` gets the time since its start."""
    written: list[str] = []
    stop, start = threading.Event(), time.monotonic()
    watcher = threading.Thread(
        target=watch,
        args=(
            lambda: read(time.monotonic() - start),
            Meter("x"),
            LiveLine(written.append, lambda: 80),
            stop,
        ),
    )
    watcher.start()
    time.sleep(seconds)
    stop.set()
    watcher.join(1)
    assert not watcher.is_alive()
    return written


def test_short_work_is_not_even_looked_at() -> None:
    looks: list[float] = []

    def read(now: float) -> bytes:
        looks.append(now)
        return PUSHING.encode()

    assert watched(1.0, read) == []
    assert looks == []


def test_longer_work_is_shown_and_leaves_nothing() -> None:
    written = watched(2.7, lambda _now: PUSHING.encode())
    assert written[0].startswith("\rx: pushed 1 of 3 artifacts")
    assert written[-1] == "\r\x1b[K"


def test_the_time_that_a_module_takes_to_start_is_not_its_work() -> None:
    start = time.monotonic()

    def read(now: float) -> bytes:
        return Snapshot("pushed", "artifacts", 1, 3, first=start + 60).encode() if now > 1 else Snapshot().encode()

    assert watched(2.7, read) == []


def test_what_cannot_be_read_changes_nothing() -> None:
    """It may be read while it is written, or not at all; the last state stays."""

    def read(now: float) -> bytes:
        if now < 2.2:
            return PUSHING.encode()
        if now < 2.5:
            return b"torn"
        raise OSError("gone")

    written = watched(3.0, read)
    assert len(written) >= 3
    assert all("pushed 1 of 3" in text for text in written[:-1])


def test_the_line_goes_when_the_work_is_done() -> None:
    """The module may still be busy leaving."""
    written = watched(3.2, lambda now: (PUSHING if now < 2.4 else Snapshot()).encode())
    assert written.count("\r\x1b[K") == 1
