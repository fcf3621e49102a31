# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a task is, as a line for people. Pure: the time is given, and what was read is not believed."""

from __future__ import annotations

import json
import typing as t
from collections import deque
from dataclasses import fields

from ..module_utils._shared.report import MAGIC, TEXT, Snapshot

_WINDOW = 5.0  # seconds that a rate is taken over
_BETWEEN_LINES = 10.0  # seconds


def decode(content: bytes) -> Snapshot | None:
    """What a module has written; None where that is nothing of ours, or was read while it was being written.

    Whatever it holds, texts come out short and in printable ASCII: exact in width, and the same in every locale.
    """
    if not content.startswith(MAGIC):
        return None
    try:
        values = json.loads(content[len(MAGIC) :])
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    found = Snapshot()
    for field in fields(Snapshot):
        value, default = values.get(field.name), getattr(found, field.name)
        if isinstance(default, str):
            clean = printable(value)[:TEXT] if isinstance(value, str) else default
        else:
            clean = type(default)(value) if _is_number(value) else default
        setattr(found, field.name, clean)
    return found


def _is_number(value: object) -> bool:
    """Also not NaN, and nothing that overflows."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1 <= value < 1 << 62


def printable(text: str) -> str:
    """Everything but printable ASCII replaced: no control sequence, no text that runs backwards."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


class Meter:
    """Makes lines of snapshots, seen one after the other. Times are of the monotonic clock, in seconds."""

    def __init__(self, head: str) -> None:
        self._head = printable(head)
        self._phase: tuple[str, float] | None = None
        self._samples: deque[tuple[float, int]] = deque()

    def line(self, seen: Snapshot, now: float) -> str:
        """One line, the most important first, for it may be cut."""
        began = seen.began if 0 < seen.began <= now else now
        rate = self._rate(seen, began, now)
        items = _counts(seen)
        if seen.sent > 0:
            items.append(f"{_size(rate)}/s")
        waited = seen.waited if seen.limit > 0 and 0 < seen.waited <= now else began
        limit = f" of {seen.limit:.0f}" if seen.limit > 0 else ""
        items.append(f"{now - waited:.0f}{limit} s")
        if seen.name:
            items.append(f"waiting for {seen.name}" + (f": {seen.words}" if seen.words else ""))
        return f"{self._head}: {', '.join(items)}"

    def _rate(self, seen: Snapshot, began: float, now: float) -> float:
        if self._phase != (seen.what, seen.began):
            self._phase = (seen.what, seen.began)
            self._samples = deque([(began, 0)])
        self._samples.append((now, seen.sent))
        while len(self._samples) > 2 and self._samples[1][0] <= now - _WINDOW:
            self._samples.popleft()
        start, sent = self._samples[0]
        return max(seen.sent - sent, 0) / (now - start) if now > start else 0.0


def _counts(seen: Snapshot) -> list[str]:
    """What is done of how much; of a single thing only how much of it."""
    items = []
    if seen.total > 1:
        items.append(f"{seen.done} of {seen.total} {seen.unit}")
    elif seen.total < 0 and seen.done > 0:
        items.append(f"{seen.done} {seen.unit}")
    if seen.sent > 0 or seen.size > 0:
        items.append(f"{_size(seen.sent)} of {_size(seen.size)}" if seen.size > 0 else _size(seen.sent))
    if items:
        return [f"{seen.what} {items[0]}", *items[1:]]
    return [] if seen.name else [f"{seen.what} {seen.done} of {max(seen.total, 1)}"]


def _size(number: float) -> str:
    """Bytes with the unit that leaves at most four digits before the point."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"


class LiveLine:
    """The last line of a terminal, drawn over and over, and erased at the end."""

    pause = 0.25  # seconds between two looks

    def __init__(self, write: t.Callable[[str], None], width: t.Callable[[], int]) -> None:
        self._write = write
        self._width = width
        self._drawn = False

    def show(self, line: str, now: float) -> None:
        """Draw `line`, cut to one row of the terminal: a row that wraps could not be erased."""
        del now
        self._write(f"\r{line[: max(self._width() - 1, 0)]}\x1b[K")
        self._drawn = True

    def clear(self) -> None:
        """Leave no trace."""
        if self._drawn:
            self._write("\r\x1b[K")
            self._drawn = False


class LogLines:
    """Whole lines, one now and then."""

    pause = 1.0

    def __init__(self, write: t.Callable[[str], None]) -> None:
        self._write = write
        self._due = float("-inf")

    def show(self, line: str, now: float) -> None:
        """Write `line`, unless there was one a moment ago."""
        if now >= self._due:
            self._write(line)
            self._due = now + _BETWEEN_LINES

    def clear(self) -> None:
        """Lines stay."""
