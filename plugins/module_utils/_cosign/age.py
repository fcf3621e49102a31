# SPDX-License-Identifier: GPL-3.0-or-later
"""How old a signature may be, by the word of a log or a time stamp authority and by no other."""

from __future__ import annotations

from dataclasses import dataclass

_SKEW = 300.0  # seconds by which clocks may differ


@dataclass(frozen=True)
class Age:
    """Bounds in seconds, seen from `now` (Unix time); None is no bound."""

    now: float
    least: float | None = None
    most: float | None = None

    def refusal(self, time: float | None) -> str:
        """Why a signature made at `time` does not do; empty for one that does."""
        if time is None:
            return "valid, but no log or time stamp says when it was made, so its age is not known"
        age = self.now - time
        if age < -_SKEW:
            return f"valid, but its time is {-age:.0f} s in the future; look at the clocks"
        if self.least is not None and age < self.least:
            return f"valid, but {max(age, 0):.0f} s old, where min_age is {self.least:.0f} s"
        if self.most is not None and age > self.most:
            return f"valid, but {age:.0f} s old, where max_age is {self.most:.0f} s"
        return ""
