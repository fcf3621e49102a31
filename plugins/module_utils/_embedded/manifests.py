# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry must know of a manifest: what it points to, and what it is about.

Source: OCI image-spec v1.1 (manifest, image index), distribution-spec v1.1 ("Pushing manifests", "Listing referrers").
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .message import ApiError
from .naming import is_digest

MANIFEST_LIMIT = 4 * 1024 * 1024  # bytes; the size that the specification asks registries to accept at least

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_IMAGES = frozenset({OCI_MANIFEST, _DOCKER_MANIFEST})
_INDEXES = frozenset({OCI_INDEX, _DOCKER_LIST})

_Object = dict[str, t.Any]


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest or index. `children` are the digests that must be in the repository before it."""

    media_type: str
    children: tuple[str, ...]
    subject: str | None
    artifact_type: str
    annotations: dict[str, str]

    def descriptor(self, digest: str, size: int) -> _Object:
        """The descriptor that the referrers API lists for it."""
        described: _Object = {"mediaType": self.media_type, "digest": digest, "size": size}
        if self.artifact_type:
            described["artifactType"] = self.artifact_type
        if self.annotations:
            described["annotations"] = self.annotations
        return described


def parse_manifest(content: bytes, content_type: str) -> Manifest:
    """Read a pushed manifest. Raises MANIFEST_INVALID with what is wrong."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _IMAGES | _INDEXES:
        raise _invalid("Content-Type is not a manifest's media type")
    document = _document(content)
    if document.get("schemaVersion") != 2:
        raise _invalid("schemaVersion is not 2")
    if document.get("mediaType", media_type) != media_type:
        raise _invalid("mediaType and Content-Type disagree")
    config = _object(document.get("config", {}), "config")
    artifact_type = document.get("artifactType") or (config.get("mediaType") if media_type in _IMAGES else "")
    subject = document.get("subject")
    return Manifest(
        media_type,
        _children(document, media_type),
        None if subject is None else _digest(subject, "subject"),
        artifact_type if isinstance(artifact_type, str) else "",
        _annotations(document.get("annotations")),
    )


def _invalid(reason: str) -> ApiError:
    return ApiError("MANIFEST_INVALID", reason)


def _document(content: bytes) -> _Object:
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _invalid("not JSON, or with a key given twice") from error
    return _object(document, "the manifest")


def _unique(pairs: list[tuple[str, t.Any]]) -> _Object:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _children(document: _Object, media_type: str) -> tuple[str, ...]:
    if media_type in _INDEXES:
        return tuple(_digest(entry, "manifests") for entry in _array(document, "manifests"))
    layers = _array(document, "layers")
    stored = [entry for entry in layers if not _object(entry, "layers").get("urls")]  # the others live elsewhere
    return (_digest(document.get("config"), "config"), *(_digest(entry, "layers") for entry in stored))


def _array(document: _Object, field: str) -> list[t.Any]:
    value = document.get(field)
    if value is None and field in document:  # an empty list, as Go may write it
        return []
    if not isinstance(value, list):
        raise _invalid(f"{field} is not an array")
    return value


def _object(value: t.Any, field: str) -> _Object:
    if not isinstance(value, dict):
        raise _invalid(f"{field} is not an object")
    return value


def _digest(descriptor: t.Any, field: str) -> str:
    digest = _object(descriptor, field).get("digest")
    if not isinstance(digest, str) or not is_digest(digest):
        raise _invalid(f"{field} has no sha256 or sha512 digest")
    return digest


def _annotations(value: t.Any) -> dict[str, str]:
    annotations = _object({} if value is None else value, "annotations")
    if not all(isinstance(text, str) for text in annotations.values()):
        raise _invalid("annotations are not strings")
    return annotations
