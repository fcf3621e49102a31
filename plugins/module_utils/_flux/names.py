# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, labels and durations as Kubernetes and Flux read them: each function says why a text is wrong, or nothing."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*", re.ASCII)
_QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", re.ASCII)
_MILLISECONDS = {"ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}
_MAX_MILLISECONDS = float(2**63 // 10**6)  # Go counts durations as nanoseconds in an int64


def wrong_label_name(text: str) -> str | None:
    """Why `text` is no RFC 1123 label (namespaces, and names that become label values)."""
    if len(text) <= 63 and _LABEL.fullmatch(text):
        return None
    return f"{text[:80]!r} is not a name of at most 63 lower-case letters and digits, with '-' only between them"


def wrong_subdomain(text: str) -> str | None:
    """Why `text` is no RFC 1123 subdomain (names of objects)."""
    if len(text) <= 253 and _SUBDOMAIN.fullmatch(text):
        return None
    return f"{text[:80]!r} is not a name of lower-case letters and digits, with '-' and '.' only between them"


def wrong_key(text: str) -> str | None:
    """Why `text` is no key of a label or an annotation: `[prefix/]name`."""
    prefix, slash, name = text.rpartition("/")
    if slash and wrong_subdomain(prefix):
        return f"the key {text[:80]!r} has a prefix that is not a DNS name"
    if len(name) > 63 or not _QUALIFIED.fullmatch(name):
        return f"the key {text[:80]!r} is not at most 63 letters and digits, with '-', '_' and '.' only between them"
    return None


def wrong_label_value(text: str) -> str | None:
    """Why `text` is no value of a label."""
    if len(text) <= 63 and (not text or _QUALIFIED.fullmatch(text)):
        return None
    return f"the value {text[:80]!r} is not at most 63 letters and digits, with '-', '_' and '.' only between them"


def wrong_duration(text: str, units: str = "ms s m h") -> str | None:
    """Why `text` is no duration above zero in `units`, as Flux's resources take it: `90s`, `1h30m`, `1.5h`."""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return f"{text[:80]!r} is not a duration such as '90s', '5m' or '1h30m'"
    for _other, unit in parts:
        if unit not in units.split():
            return f"{text[:80]!r}: here Flux takes no unit but {units}"
    total = sum(float(number) * _MILLISECONDS[unit] for number, unit in parts)
    if not 0 < total < _MAX_MILLISECONDS:
        return f"{text[:80]!r} is not above zero, or beyond 292 years"
    return None
