# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files differ between a tree and an artifact that is there."""

from __future__ import annotations

import hashlib
import typing as t

from ..._artifact import tarball
from ..._artifact.archive import Archive
from ..._artifact.limits import Limits
from ..._shared.errors import GitopsError

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._artifact.tree import Tree
    from ..._oci.descriptor import Descriptor
    from ..._registry.client import Registry

Digests = dict[str, str]  # name -> a digest of name, kind and content

_SHOWN_NAMES = 500
_MAX_ENTRIES = 100_000


def names_here(tree: Tree) -> Digests:
    """The entries of a tree."""
    return dict(tarball.digests(tree.entries()))


def names_there(registry: Registry, repository: str, layer: Descriptor, size: int) -> Digests | None:
    """The entries of an artifact in the registry; None where it cannot be read, or is far larger than `size` bytes."""
    limits = Limits(content=4 * size + (64 << 20), entries=_MAX_ENTRIES)
    try:
        pieces = registry.stream_blob(repository, layer, limits.packed)
        return dict(_digests(Archive(pieces, limits)))
    except GitopsError:
        return None


def _digests(archive: Archive) -> t.Iterator[tuple[str, str]]:
    for member in archive:
        directory = member.kind == "directory"
        digest = hashlib.sha256(tarball.header(member.name, member.size, directory=directory))
        for piece in archive.content():
            digest.update(piece)
        digest.update(tarball.padding(member.size))
        yield f"{member.name}/" if directory else member.name, digest.hexdigest()


def as_lines(before: Digests, after: Digests) -> tuple[str, str]:
    """Both sides of a diff: the names that go or change, and those that come or change."""
    return _lines(before, after), _lines(after, before)


def _lines(these: Digests, those: Digests) -> str:
    names = sorted(name for name, digest in these.items() if those.get(name) != digest)
    more = f"  and {len(names) - _SHOWN_NAMES} more\n" if len(names) > _SHOWN_NAMES else ""
    return "".join(f"  {name} ({these[name][:12]})\n" for name in names[:_SHOWN_NAMES]) + more
