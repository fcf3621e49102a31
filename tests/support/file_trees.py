# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories to pack, and what of them is packed."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Tree

MANIFESTS = {"a.yaml": b"kind: A\n", "sub/b.yaml": b"kind: B\n"}


def manifests_in(directory: Path) -> Path:
    """A directory with MANIFESTS in it."""
    root = directory / "manifests"
    (root / "sub").mkdir(parents=True)
    for name, content in MANIFESTS.items():
        (root / name).write_bytes(content)
    return root


def make(root: Path, *names: str) -> Path:
    """Files with their own name as content; a name with a slash at its end is a directory."""
    for name in names:
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text(name)
    return root


def listed(root: Path | str, *ignored: str, resolve: bool = False) -> list[str]:
    """The entries' names, directories with a slash at the end."""
    entries = Tree(str(root), Ignore(ignored), resolve).entries()
    return [entry.name if entry.source else f"{entry.name}/" for entry in entries]
