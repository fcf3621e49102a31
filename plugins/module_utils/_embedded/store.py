# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs, manifests and tags on disk.

    blobs/<algorithm>/<2 hex>/<hex>                      content, once for all repositories
    repositories/<name>/_blobs/<algorithm>/<hex>         this repository holds the blob (empty file)
    repositories/<name>/_manifests/<algorithm>/<hex>     … the manifest; the file holds its media type
    repositories/<name>/_tags/<tag>                      the digest that the tag names
    repositories/<name>/_referrers/<algorithm>/<subject hex>/<algorithm>-<hex>    the referrer's descriptor, as JSON
    incomplete/                                          what is still being written

A component of a repository's name never starts with an underscore, so these directories collide with no repository.
Every file appears under its name by a rename, complete: writers need no lock, and a crash leaves nothing half-written.
Nothing is synced to the device: the registry is made to be thrown away.

Callers pass names, tags and digests that `naming` has checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:  # pragma: no cover
    from pathlib import Path

Descriptor = dict[str, t.Any]


@dataclass(frozen=True)
class StoredManifest:
    """A manifest's exact bytes with the media type they were pushed as."""

    digest: str
    media_type: str
    content: bytes


class Store:
    """A registry's content below one directory, which is created with mode 0700."""

    def __init__(self, root: Path | str) -> None:
        self.root = os.path.abspath(os.fspath(root))
        self._temporary = f"{self.root}/incomplete"
        self._counter = itertools.count()
        for directory in (self.root, self._temporary):
            os.makedirs(directory, mode=0o700, exist_ok=True)

    # Files

    def discard_incomplete(self) -> None:
        """Remove what a process that was killed left behind; only while nobody else writes."""
        for entry in os.scandir(self._temporary):
            os.unlink(entry.path)

    def temporary_path(self) -> str:
        """A fresh name beside the content, from where a file can be renamed into place."""
        return f"{self._temporary}/{os.getpid()}-{next(self._counter)}"

    def _write(self, path: str, content: bytes) -> None:
        if _read(path) == content:  # ext4 syncs a file that is renamed over another: milliseconds for nothing
            return
        temporary = self.temporary_path()
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb", buffering=0) as file:
                _write_all(file, content)
            _rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    # Blobs

    def blob_path(self, digest: str) -> str:
        """Where a blob's content is, or would be."""
        algorithm, _colon, encoded = digest.partition(":")
        return f"{self.root}/blobs/{algorithm}/{encoded[:2]}/{encoded}"

    def blob_size(self, name: str, digest: str) -> int | None:
        """A blob's size in bytes; None where the repository does not hold it."""
        try:
            os.stat(self._link(name, "_blobs", digest))
            return os.stat(self.blob_path(digest)).st_size
        except FileNotFoundError:
            return None

    def open_blob(self, name: str, digest: str) -> t.BinaryIO | None:
        """A blob's content; None where the repository does not hold it."""
        if not os.path.exists(self._link(name, "_blobs", digest)):
            return None
        with contextlib.suppress(FileNotFoundError):
            return open(self.blob_path(digest), "rb", buffering=0)
        return None

    def adopt_blob(self, name: str, digest: str, temporary: str) -> None:
        """Move a complete file whose digest was checked into the store, as a blob of this repository."""
        _rename(temporary, self.blob_path(digest))
        self.link_blob(name, digest)

    def put_blob(self, name: str, content: bytes) -> str:
        """Store small content as a blob; its sha256 digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._write(self.blob_path(digest), content)
        self.link_blob(name, digest)
        return digest

    def link_blob(self, name: str, digest: str) -> None:
        """Make a stored blob one of this repository's."""
        self._write(self._link(name, "_blobs", digest), b"")

    def unlink_blob(self, name: str, digest: str) -> bool:
        """Take a blob from a repository. The content stays: other repositories may hold it."""
        return _unlink(self._link(name, "_blobs", digest))

    # Manifests

    def put_manifest(self, name: str, digest: str, media_type: str, content: bytes) -> None:
        """Store a manifest under a digest that the caller computed from these bytes."""
        self._write(self.blob_path(digest), content)
        self._write(self._link(name, "_manifests", digest), media_type.encode())

    def put_tag(self, name: str, tag: str, digest: str) -> None:
        """Let a tag name a digest, in one step for everyone who looks."""
        self._write(f"{self._repository(name)}/_tags/{tag}", digest.encode())

    def resolve(self, name: str, reference: str) -> str | None:
        """The digest that a tag names; a digest is itself. None for an unknown tag."""
        if ":" in reference:
            return reference
        content = _read(f"{self._repository(name)}/_tags/{reference}")
        return None if content is None else content.decode()

    def get_manifest(self, name: str, reference: str) -> StoredManifest | None:
        """A manifest by tag or digest; None where the repository does not hold it."""
        digest = self.resolve(name, reference)
        if digest is None:
            return None
        media_type = _read(self._link(name, "_manifests", digest))
        content = None if media_type is None else _read(self.blob_path(digest))
        if media_type is None or content is None:
            return None
        return StoredManifest(digest, media_type.decode(), content)

    def holds(self, name: str, digest: str) -> bool:
        """Whether the repository holds a manifest or a blob of this digest."""
        return any(os.path.exists(self._link(name, kind, digest)) for kind in ("_blobs", "_manifests"))

    def delete_manifest(self, name: str, digest: str) -> bool:
        """Remove a manifest, and the tags that name it."""
        if not _unlink(self._link(name, "_manifests", digest)):
            return False
        for tag in self.tags(name):
            if self.resolve(name, tag) == digest:
                self.delete_tag(name, tag)
        return True

    def delete_tag(self, name: str, tag: str) -> bool:
        return _unlink(f"{self._repository(name)}/_tags/{tag}")

    # Referrers

    def put_referrer(self, name: str, subject: str, descriptor: Descriptor) -> None:
        """Note that a manifest has a subject, whether or not that is there."""
        self._write(self._referrer(name, subject, descriptor["digest"]), json.dumps(descriptor).encode())

    def delete_referrer(self, name: str, subject: str, digest: str) -> None:
        _unlink(self._referrer(name, subject, digest))

    def referrers(self, name: str, subject: str) -> list[Descriptor]:
        """The descriptors of all manifests whose subject this is, by digest."""
        directory = self._link(name, "_referrers", subject)
        contents = (_read(f"{directory}/{entry}") for entry in _entries(directory))
        return [json.loads(content) for content in contents if content is not None]

    # Listings

    def tags(self, name: str) -> list[str]:
        """A repository's tags in lexical order."""
        return _entries(f"{self._repository(name)}/_tags")

    def has_repository(self, name: str) -> bool:
        """Whether anything was ever stored under this name."""
        return any(os.path.isdir(f"{self._repository(name)}/{kind}") for kind in ("_manifests", "_blobs", "_tags"))

    def repositories(self) -> list[str]:
        """The names of all repositories in lexical order."""
        top = f"{self.root}/repositories"
        found = []
        for directory, children, _files in os.walk(top):
            if any(child.startswith("_") for child in children):
                found.append(os.path.relpath(directory, top))
            children[:] = [child for child in children if not child.startswith("_")]
        return sorted(found)

    # Paths

    def _repository(self, name: str) -> str:
        return f"{self.root}/repositories/{name}"

    def _link(self, name: str, kind: str, digest: str) -> str:
        return f"{self._repository(name)}/{kind}/{digest.replace(':', '/')}"

    def _referrer(self, name: str, subject: str, digest: str) -> str:
        return f"{self._link(name, '_referrers', subject)}/{digest.replace(':', '-')}"


def _write_all(file: t.IO[bytes], content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def _rename(source: str, target: str) -> None:
    try:
        os.replace(source, target)
    except FileNotFoundError:  # the first file there
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        os.replace(source, target)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except FileNotFoundError:
        return None


def _unlink(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def _entries(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
