# SPDX-License-Identifier: GPL-3.0-or-later
"""A private directory that never outlives the task."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:  # pragma: no cover
    import types


@contextlib.contextmanager
def private_directory(parent: str | None = None) -> t.Iterator[Path]:
    """A new directory, mode 0700, under `parent`; it is removed on the way out, also when the task is told to end."""
    with _ending_by_exception():
        path = tempfile.mkdtemp(prefix="proven-gitops-git-", dir=parent)
        try:
            yield Path(path)
        finally:
            shutil.rmtree(path, ignore_errors=True)


def write_private(path: Path, content: bytes) -> Path:
    """A new file that only its owner can read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(content)
    return path


@contextlib.contextmanager
def _ending_by_exception() -> t.Iterator[None]:
    """SIGTERM and SIGHUP (a cancelled job) unwind the stack, as Ctrl-C does, instead of ending the process at once."""
    if threading.current_thread() is not threading.main_thread():  # only there can handlers be set
        yield
        return
    caught = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in caught:
            signal.signal(number, _leave)
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, frame: types.FrameType | None) -> t.NoReturn:
    del frame
    raise SystemExit(128 + number)
