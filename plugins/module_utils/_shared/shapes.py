# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of foreign JSON by their shape: what is of another shape than expected counts as not there."""

from __future__ import annotations

import re
import typing as t

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
LONGEST = 2000  # characters of a text that are kept


def mapping(value: object) -> dict[str, t.Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, t.Any]]:
    """The objects in a list; none if it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """`value` on one line and of a bounded length if it is a text, else an empty one."""
    return _CONTROL.sub(" ", value)[:LONGEST].strip() if isinstance(value, str) else ""


def number(value: object, default: int = 0) -> int:
    """`value` if it is a whole number, else `default`."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def at(value: object, *path: str) -> t.Any:
    """What is at a path of keys; None where something is missing on the way."""
    for name in path:
        value = mapping(value).get(name)
    return value
