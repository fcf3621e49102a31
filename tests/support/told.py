# SPDX-License-Identifier: GPL-3.0-or-later
"""A Progress that remembers what it was told."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class Phase:
    """One piece of work, from its start to the next one's. Bytes that were taken back are not in `sent`."""

    what: str
    total: int | None
    unit: str
    done: int = 0
    size: int = 0
    sent: int = 0
    waits: list[tuple[str, str, float, float]] = field(default_factory=list)


class Told:
    """`phases` in order."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self._lock = threading.Lock()

    def start(self, what: str, total: int | None, unit: str) -> None:
        self.phases.append(Phase(what, total, unit))

    def expect(self, amount: int) -> None:
        with self._lock:
            self.phases[-1].size += amount

    def advance(self, amount: int) -> None:
        with self._lock:
            self.phases[-1].done += amount

    def transfer(self, amount: int) -> None:
        with self._lock:
            self.phases[-1].sent += amount

    def waiting(self, name: str, words: str, spent: float, limit: float) -> None:
        self.phases[-1].waits.append((name, words, spent, limit))

    def finish(self) -> None:
        pass
