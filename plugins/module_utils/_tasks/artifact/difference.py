# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between an artifact and the one that is there, in words and in names of files."""

from __future__ import annotations

import hashlib
import typing as t

from ..._artifact import tarball
from ..._artifact.archive import Archive
from ..._artifact.flux_artifact import CONTENT, CREATED
from ..._artifact.limits import Limits
from ..._oci.descriptor import MalformedManifest, Manifest
from ..._shared.errors import GitopsError
from ..._shared.strict_json import MalformedJson

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._artifact.tree import Tree
    from ..._registry.client import Registry

Digests = dict[str, str]  # name -> a digest of name, kind and content

_SHOWN_ANNOTATIONS = 3
_SHOWN_VALUE = 60
_SHOWN_NAMES = 500
_MAX_ENTRIES = 100_000


def parsed(raw: bytes, where: str) -> Manifest | None:
    """The manifest in `raw`; None where it is none, or an index."""
    try:
        return Manifest.parse(raw, where)
    except (MalformedManifest, MalformedJson):
        return None


def in_words(found: Manifest | None, wanted: Manifest | None) -> str:
    """How `found` differs from `wanted`: "the same files, but the annotation revision differs (1 → 2)"."""
    if found is None or wanted is None or not (found.layers and wanted.layers):
        return "another content"
    annotations = _annotations(found.annotations, wanted.annotations)
    if found.layers[0].digest == wanted.layers[0].digest:
        same = "the same files"
    elif found.annotations.get(CONTENT, "") == wanted.annotations.get(CONTENT):
        same = "the same files by its own annotation"
    else:
        return f"other files, and {annotations}" if annotations else "other files"
    return f"{same}, but {annotations or 'it is not packed as we pack them'}"


def _annotations(found: t.Mapping[str, str], wanted: t.Mapping[str, str]) -> str:
    """The annotations that differ, with both values; a time of creation that nobody asked for is no difference."""
    keys = sorted((found.keys() | wanted.keys()) - {CONTENT})
    keys = [key for key in keys if found.get(key) != wanted.get(key) and not (key == CREATED and key not in wanted)]
    shown = [f"{key[:100]} ({_value(found.get(key))} → {_value(wanted.get(key))})" for key in keys[:_SHOWN_ANNOTATIONS]]
    if not shown:
        return ""
    more = f" and {len(keys) - len(shown)} more" if len(keys) > len(shown) else ""
    word, verb = ("annotation", "differs") if len(keys) == 1 else ("annotations", "differ")
    return f"the {word} {', '.join(shown)}{more} {verb}"


def _value(value: str | None) -> str:
    if value is None:
        return "none"
    return value if len(value) <= _SHOWN_VALUE else f"{value[:_SHOWN_VALUE]}…"


def names_here(tree: Tree) -> Digests:
    """The entries of a tree."""
    return dict(tarball.digests(tree.entries()))


def names_there(registry: Registry, repository: str, manifest: Manifest, size: int) -> Digests | None:
    """The entries of an artifact in the registry; None where it cannot be read, or is far larger than `size` bytes."""
    limits = Limits(content=4 * size + (64 << 20), entries=_MAX_ENTRIES)
    try:
        pieces = registry.stream_blob(repository, manifest.layers[0], limits.packed)
        return dict(_digests(Archive(pieces, limits)))
    except (GitopsError, IndexError):
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
