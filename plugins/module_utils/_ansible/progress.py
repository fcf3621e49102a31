# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress as the module tells it: into the file that its action plugin made, if there is one."""

from __future__ import annotations

import os
import stat
import threading
import time
import typing as t

from .._shared.report import MAGIC, VARIABLE, Snapshot
from .._tasks._case import QUIET

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible.module_utils.basic import AnsibleModule

    from .._tasks._case import Progress

_PAUSE = 0.1  # seconds between two writes that only count bytes


def progress(module: AnsibleModule) -> Progress:
    """Where to report to. Whatever is wrong with the file, the task's work goes on without it."""
    path = os.environ.pop(VARIABLE, "")  # no concern of what the module starts
    if not path:
        return QUIET
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:  # another user's, as after become, or another host's
        return QUIET
    # We may be root, and the path is somebody's word: nothing but a file of ours is written to.
    if stat.S_ISREG(os.fstat(descriptor).st_mode) and os.pread(descriptor, len(MAGIC), 0) == MAGIC:
        return FileProgress(descriptor, module.no_log_values)
    os.close(descriptor)
    return QUIET


class FileProgress:
    """The Progress that keeps a file up to date. `secrets` may grow while it works; none gets into the file."""

    def __init__(self, descriptor: int, secrets: t.Collection[str]) -> None:
        self._descriptor = descriptor
        self._secrets = secrets
        self._lock = threading.Lock()
        self._state = Snapshot()
        self._written = 0.0
        self._first = 0.0

    def start(self, what: str, total: int | None, unit: str) -> None:
        with self._lock:
            now = time.monotonic()
            self._first = self._first or now
            self._state = Snapshot(what, unit, total=-1 if total is None else total, began=now, first=self._first)
            self._write()

    def expect(self, amount: int) -> None:
        with self._lock:
            self._state.size += amount
            self._write()

    def advance(self, amount: int) -> None:
        with self._lock:
            self._state.done += amount
            self._state.name = self._state.words = ""
            self._state.limit = 0
            self._write()

    def transfer(self, amount: int) -> None:
        with self._lock:
            self._state.sent += amount
            if time.monotonic() - self._written >= _PAUSE:
                self._write()

    def waiting(self, name: str, words: str, spent: float, limit: float) -> None:
        with self._lock:
            self._state.name, self._state.words = self._hide(name), self._hide(words)
            self._state.waited, self._state.limit = time.monotonic() - spent, limit
            self._write()

    def finish(self) -> None:
        with self._lock:
            self._state = Snapshot()
            self._write()

    def _hide(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "********")
        return text

    def _write(self) -> None:
        if self._descriptor < 0:
            return
        self._written = time.monotonic()
        try:
            os.pwrite(self._descriptor, self._state.encode(), 0)
        except OSError:  # a full disk is no reason for the task to fail
            os.close(self._descriptor)
            self._descriptor = -1
