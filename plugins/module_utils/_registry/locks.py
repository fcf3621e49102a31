# SPDX-License-Identifier: GPL-3.0-or-later
"""For what a registry cannot compare-and-swap: one writer at a time on this host, and several rounds between hosts.

The kernel's flock: it ends with its process however that ends, holds between threads as well as processes (each opens
the file anew), and needs no package on the host; filelock from PyPI would wrap the same call. Locks are a user's own.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import random
import stat
import tempfile
import threading
import time
import typing as t

from .errors import Busy

DIRECTORY_VARIABLE = "PROVEN_LOCK_DIR"
_PATIENCE = 600.0  # seconds; each operation under a lock has a deadline of its own
_PAUSE = 0.05  # seconds
ROUNDS = 8  # between hosts nothing but reading back tells whether a write was lost

_thread = threading.local()


@contextlib.contextmanager
def exclusive(name: str, patience: float = _PATIENCE) -> t.Iterator[None]:
    """Hold the lock `name` (any text, e.g. `host/repository@digest`); Busy after `patience` seconds.

    A thread that holds it may take it again.
    """
    held = _thread.__dict__.setdefault("held", set())
    if name in held:
        yield
        return
    path = os.path.join(_directory(), hashlib.sha256(name.encode()).hexdigest())
    descriptor = _acquire(path, name, time.monotonic() + patience)
    held.add(name)
    try:
        yield
    finally:
        held.discard(name)
        # Removed while held: who waits on this file sees that it is gone, and opens the next one.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.close(descriptor)


def rounds() -> t.Iterator[int]:
    """Rounds of read, write and read back; before all but the first there is a pause that is random and grows."""
    for number in range(ROUNDS):
        if number:
            time.sleep(random.uniform(0, _PAUSE * 2 ** (number - 1)))  # noqa: S311  (spreads writers, guards nothing)
        yield number


def _acquire(path: str, name: str, until: float) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if _try_lock(descriptor) and _is_current(descriptor, path):
                held, descriptor = descriptor, -1
                return held
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        if time.monotonic() >= until:
            raise Busy(f"another process of this host has been changing {name} for too long", name=name)
        time.sleep(_PAUSE)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise Busy(f"the lock file cannot be locked: {error.strerror}") from None
    return True


def _is_current(descriptor: int, path: str) -> bool:
    """Whether the locked file is still the one of that name: its holder before us has removed it otherwise."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _directory() -> str:
    """A directory of ours alone. Not $TMPDIR or $XDG_RUNTIME_DIR: two sessions of a user may differ in them."""
    base = "/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()  # noqa: S108 - owner and mode are checked
    path = os.environ.get(DIRECTORY_VARIABLE) or os.path.join(base, f"proven-gitops-{os.geteuid()}")
    try:
        os.makedirs(path, 0o700, exist_ok=True)
        found = os.lstat(path)
    except OSError as error:
        raise Busy(f"{path}: no place for lock files ({error.strerror}); {DIRECTORY_VARIABLE} names another") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise Busy(f"{path}: not a directory that only we can write to; {DIRECTORY_VARIABLE} names another")
    return path
