# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks what may differ between releases of Python and ansible-core: `make versions` tries it on another pair of them.

It is found out, not written down, so that a new test is not forgotten: whole directories, and of the unit tests those
that import a library whose behaviour has changed between releases, by themselves, by their fixtures or by their
subject. A test that knows better says `pytest.mark.versions` itself, or `one_version` where what takes its time is
neither Python's nor ansible-core's: processes that are killed or run side by side, and programs like docker.
"""

from __future__ import annotations

import ast
import functools
import typing as t
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PLUGINS = TESTS.parent / "plugins"
# What runs modules: ansible-core reads their arguments, packs them and starts them, and they speak over real sockets.
WHOLE = ("integration", "faults")
# ansible-core itself; archives, HTTP, TLS, keys, and what looks into modules.
_LIBRARIES = (
    "ansible ast cryptography email gzip http importlib kubernetes nacl oras socketserver ssl tarfile zipfile zlib"
)
SENSITIVE = frozenset(_LIBRARIES.split())
_OURS = "ansible_collections.proven.gitops.plugins."


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "versions: may differ between releases of Python and ansible-core")
    config.addinivalue_line("markers", "one_version: does not, for all that it runs modules")


# Before -m is looked at.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_sensitive(item.path):
            item.add_marker(pytest.mark.versions)


@functools.cache
def is_sensitive(path: Path) -> bool:
    """Whether a file of tests is in a directory of `WHOLE`, or imports what is sensitive, itself or at one remove."""
    if path.is_relative_to(TESTS) and path.relative_to(TESTS).parts[0] in WHOLE:
        return True
    own = [path, *(one for one in [path.with_name("conftest.py")] if one.is_file())]
    names = {name for file in own for name in _imported(file)}
    subjects = {file for name in names for file in _files(name)}
    return any(name.partition(".")[0] in SENSITIVE for file in [*own, *subjects] for name in _imported(file))


@functools.cache
def _imported(path: Path) -> frozenset[str]:
    """The modules, of others and by their whole name; `from a import b` counts as `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _files(name: str) -> t.Iterator[Path]:
    """Of ours: `support.wire.Wire` is of `tests/support/wire.py`."""
    root, rest = (PLUGINS, name.removeprefix(_OURS)) if name.startswith(_OURS) else (TESTS, name)
    parts = rest.split(".")
    for length in (len(parts), len(parts) - 1):
        file = root.joinpath(*parts[:length]).with_suffix(".py") if length else root
        if file.is_file():
            yield file
