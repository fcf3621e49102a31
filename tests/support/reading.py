# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading hostile bytes: a value, or the one error that may come."""

from __future__ import annotations

import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError

V = t.TypeVar("V")


def read_or_refuse(read: t.Callable[[], V], *errors: type[GitopsError]) -> tuple[V | None, GitopsError | None]:
    """What `read` gives, or which of `errors` it raised; any other is a bug, and goes through."""
    try:
        return read(), None
    except errors as error:
        return None, error
