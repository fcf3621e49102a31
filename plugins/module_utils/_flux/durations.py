# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as Go and Flux's resources write them: `90s`, `1h30m`, `1.5h`."""

from __future__ import annotations

import re

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", re.ASCII)
_MILLISECONDS = {"ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}
_MAX_MILLISECONDS = float(2**63 // 10**6)  # Go counts durations as nanoseconds in an int64


def milliseconds(text: str) -> float | None:
    """How long `text` is; None where it is no duration."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _MILLISECONDS[unit] for number, unit in parts)


def wrong(text: str, units: str = "ms s m h") -> str | None:
    """Why `text` is no duration above zero in `units`; None for a good one."""
    total = milliseconds(text)
    if total is None:
        return f"{text[:80]!r} is not a duration such as '90s', '5m' or '1h30m'"
    if not {unit for _number, unit in _PART.findall(text)} <= set(units.split()):
        return f"{text[:80]!r}: here Flux takes no unit but {units}"
    if not 0 < total < _MAX_MILLISECONDS:
        return f"{text[:80]!r} is not above zero, or beyond 292 years"
    return None


def as_go(text: str) -> str:
    """`1m` as Go prints it, `1m0s`. `text` is a duration that `wrong` has no objection to."""
    total = round(milliseconds(text) or 0)
    if total < 1000:
        return f"{total}ms"
    minutes, rest = divmod(total, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + seconds
