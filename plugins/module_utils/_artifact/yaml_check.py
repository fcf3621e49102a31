# SPDX-License-Identifier: GPL-3.0-or-later
"""Which YAML files of a tree do not parse, and where: what Flux would say of them only in the cluster.

Only the grammar is looked at, by libyaml, from which Flux's own reader descends: no object is made, so that neither
aliases nor tags cost anything. Where PyYAML or libyaml is missing, nothing is said.
"""

from __future__ import annotations

import posixpath
import typing as t

from . import tarball
from .ignore import Ignore

if t.TYPE_CHECKING:  # pragma: no cover
    from .tree import Entry, Tree

_IGNORED_BY = ".sourceignore"
_FILE, _TOTAL = 1 << 20, 2 << 20  # bytes: of one file, and of all that is read
_FOUND = 100


def broken(tree: Tree) -> list[str]:
    """`name:line: reason` of each file, in archive order. Helm's templates, and what Flux leaves out, do not count."""
    try:
        from yaml import CSafeLoader  # a tree without YAML, or without news, does not pay for it
    except ImportError:
        return []
    found: list[str] = []
    left = _TOTAL
    for entry in _manifests(tree):
        content = tarball.start(entry, _FILE + 1)
        left -= len(content)
        if left < 0 or len(found) == _FOUND:
            break
        fault = _fault(content, CSafeLoader) if len(content) <= _FILE else None
        if fault:
            found.append(f"{entry.name}{fault}")
    return found


def _manifests(tree: Tree) -> t.Iterator[Entry]:
    """The files that Flux may read as YAML. In archive order `Chart.yaml` and `.sourceignore` come before the rest."""
    charts: set[str] = set()
    ignored: list[tuple[str, Ignore]] = []
    for entry in tree.entries():
        directory, name = posixpath.split(entry.name)
        if entry.source is None:
            continue
        if name == _IGNORED_BY:
            lines = tarball.start(entry, _FILE).decode("utf-8", "replace")
            ignored.append((f"{directory}/" if directory else "", Ignore([lines])))
        elif name == "Chart.yaml":
            charts.add(posixpath.join(directory, "templates/"))
        if not name.endswith((".yaml", ".yml")) or any(entry.name.startswith(chart) for chart in charts):
            continue
        if not any(_covers(below, rules, entry.name) for below, rules in ignored):
            yield entry


def _covers(below: str, rules: Ignore, name: str) -> bool:
    return name.startswith(below) and rules.excludes(name.removeprefix(below), directory=False)


def _fault(content: bytes, loader: t.Any) -> str | None:
    """`:line: reason` where the text is not YAML."""
    import yaml

    try:
        for _event in yaml.parse(content, Loader=loader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return f"{f':{mark.line + 1}' if mark else ''}: {error.problem or error.context}"
    except (yaml.YAMLError, ValueError, RecursionError):  # bytes that are no text
        return ": not UTF-8 text"
    return None
