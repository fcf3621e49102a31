# SPDX-License-Identifier: GPL-3.0-or-later
"""A deadline for libraries that have none: what they do goes on in a thread of its own, and is left behind."""

from __future__ import annotations

import threading
import time
import typing as t

from .errors import Unreachable

if t.TYPE_CHECKING:  # pragma: no cover
    import types

    from .store import Named

R = t.TypeVar("R")


class _Caught:
    """Keeps what is raised within, for the thread that waits to raise it."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> bool:
        self.error = error
        return True


def within(seconds: float, named: Named, what: str, work: t.Callable[[], R]) -> R:
    """What `work` gives or raises; Unreachable, which says that `what` was waited for, where it takes longer."""
    caught, results = _Caught(), list[R]()

    def run() -> None:
        with caught:
            results.append(work())

    start = time.monotonic()
    thread = threading.Thread(target=run, daemon=True)  # an HSM that hangs must not keep the task from its end
    thread.start()
    thread.join(seconds)
    if caught.error is not None:
        raise caught.error
    if not results:
        text = f"{named.where}: {what} gave no answer in {time.monotonic() - start:.1f} s"
        raise Unreachable(text, key=named.uri, cause="no answer in time")
    return results[0]
