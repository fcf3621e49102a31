# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarded imports of third-party packages.

A module must be importable where a package is missing (to print its documentation, and for the import sanity test),
and must then say which one, by its name on PyPI.

    with third_party():
        import urllib3

Or, where that would take long and is seldom needed: `expect("urllib3")` at first, and the import later.

At the start of a task `_ansible/run.py` calls `check()`, which raises for the first package that was not there.
"""

from __future__ import annotations

import importlib.util
import typing as t

from .errors import MissingRequirement

if t.TYPE_CHECKING:  # pragma: no cover
    import types

# Import name -> name on PyPI, where the two differ.
_DISTRIBUTIONS = {"nacl": "PyNaCl", "yaml": "PyYAML", "zlib_ng": "zlib-ng"}

_missing: list[str] = []


class _Guard:
    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> bool:
        if not isinstance(error, ImportError):
            return False
        name = (error.name or "unknown").partition(".")[0]
        if name == "ansible_collections":  # a fault of ours, never a missing package
            return False
        _missing.append(_DISTRIBUTIONS.get(name, name))
        return True


def third_party() -> _Guard:
    """A context in which an import of a missing package is noted instead of raised."""
    return _Guard()


def expect(name: str) -> None:
    """Note a package that is missing, without the time that its import takes: it may not be needed in the end."""
    if importlib.util.find_spec(name) is None:
        _missing.append(_DISTRIBUTIONS.get(name, name))


def check() -> None:
    """Raise MissingRequirement for the first package whose guarded import failed."""
    if _missing:
        raise MissingRequirement(_missing[0])
