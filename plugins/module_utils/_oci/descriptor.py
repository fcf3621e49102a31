# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors and manifests, read from hostile JSON and written as canonical bytes.

Sources: OCI image-spec 1.1, descriptor.md and manifest.md; distribution-spec 1.1, "Referrers".
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._shared import strict_json
from .._shared.digest import InvalidDigest, check_syntax, of_bytes
from .._shared.errors import GitopsError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
EMPTY = "application/vnd.oci.empty.v1+json"
EMPTY_BYTES = b"{}"

Json = dict[str, t.Any]

# As in go-containerregistry's structs and the image specification.
_DESCRIPTOR_FIELDS = frozenset(
    ("mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType")
)
_DOCUMENT_FIELDS = frozenset(
    ("schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations", "manifests")
)
_MAX_SIZE = 2**63 - 1


class MalformedManifest(GitopsError):
    """A manifest, index or descriptor that does not follow the image specification."""

    code = "malformed_manifest"


@dataclass(frozen=True)
class Descriptor:
    """What a manifest says of a blob or of another manifest: media type, digest, size in bytes."""

    media_type: str
    digest: str
    size: int
    annotations: t.Mapping[str, str] = field(default_factory=dict)
    artifact_type: str | None = None

    @classmethod
    def parse(cls, value: object, where: str) -> Descriptor:
        """From a JSON value of the wire; MalformedManifest names `where`."""
        if not isinstance(value, dict):
            raise MalformedManifest(f"{where}: a descriptor is an object")
        _no_lookalikes(value, _DESCRIPTOR_FIELDS, where)
        media_type, size, artifact_type = value.get("mediaType"), value.get("size"), value.get("artifactType")
        if not isinstance(media_type, str) or not media_type:
            raise MalformedManifest(f"{where}: mediaType is missing")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE:
            raise MalformedManifest(f"{where}: size is not a number of bytes")
        if artifact_type is not None and not isinstance(artifact_type, str):
            raise MalformedManifest(f"{where}: artifactType is not a string")
        try:
            digest = check_syntax(value.get("digest"))
        except InvalidDigest as error:
            raise MalformedManifest(f"{where}: {error.message}") from None
        return cls(media_type, digest, size, parse_annotations(value.get("annotations"), where), artifact_type or None)

    @classmethod
    def of(cls, media_type: str, data: bytes, annotations: t.Mapping[str, str] | None = None) -> Descriptor:
        """The descriptor of bytes in memory."""
        return cls(media_type, of_bytes(data), len(data), dict(annotations or {}))

    def as_json(self) -> Json:
        """In the key order of go-containerregistry (pkg/v1/manifest.go), which cosign and flux write."""
        value: Json = {"mediaType": self.media_type, "size": self.size, "digest": self.digest}
        if self.annotations:
            value["annotations"] = dict(self.annotations)
        if self.artifact_type:
            value["artifactType"] = self.artifact_type
        return value


@dataclass(frozen=True)
class Manifest:
    """An image manifest as stored: the exact bytes, and what they say."""

    raw: bytes
    digest: str
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: t.Mapping[str, str]
    subject: Descriptor | None = None
    artifact_type: str | None = None

    @classmethod
    def parse(cls, raw: bytes, where: str = "manifest") -> Manifest:
        """From the wire. An index, or a document that claims to be both (CVE-2021-41190), is a MalformedManifest."""
        value = strict_json.load_object(raw, where)
        check_kind(value, where)
        if "manifests" in value:
            raise MalformedManifest(f"{where}: an index, where an image manifest is expected")
        layers = value.get("layers")
        if not isinstance(layers, list):
            raise MalformedManifest(f"{where}: layers is not a list")
        subject = value.get("subject")
        artifact_type = value.get("artifactType")
        if artifact_type is not None and not isinstance(artifact_type, str):
            raise MalformedManifest(f"{where}: artifactType is not a string")
        return cls(
            raw=raw,
            digest=of_bytes(raw),
            media_type=value.get("mediaType") or MANIFEST,
            config=Descriptor.parse(value.get("config"), f"{where}: config"),
            layers=tuple(Descriptor.parse(layer, f"{where}: layer {n}") for n, layer in enumerate(layers)),
            annotations=parse_annotations(value.get("annotations"), where),
            subject=None if subject is None else Descriptor.parse(subject, f"{where}: subject"),
            artifact_type=artifact_type or None,
        )

    @classmethod
    def build(
        cls,
        config: Descriptor,
        layers: t.Sequence[Descriptor],
        *,
        annotations: t.Mapping[str, str] | None = None,
        subject: Descriptor | None = None,
        artifact_type: str | None = None,
    ) -> Manifest:
        """A new OCI manifest; the same arguments give the same bytes."""
        value: Json = {"schemaVersion": 2, "mediaType": MANIFEST}
        if artifact_type:
            value["artifactType"] = artifact_type
        value["config"] = config.as_json()
        value["layers"] = [layer.as_json() for layer in layers]
        if subject:
            value["subject"] = subject.as_json()
        if annotations:
            value["annotations"] = {key: annotations[key] for key in sorted(annotations)}
        raw = strict_json.compact(value)
        return cls(raw, of_bytes(raw), MANIFEST, config, tuple(layers), dict(annotations or {}), subject, artifact_type)

    @property
    def descriptor(self) -> Descriptor:
        """This manifest as a subject or an index entry names it."""
        return Descriptor(self.media_type, self.digest, len(self.raw), artifact_type=self.artifact_type)


def check_kind(value: Json, where: str) -> None:
    """MalformedManifest unless the document is schema 2, and an image or an index by its fields and mediaType alike."""
    _no_lookalikes(value, _DOCUMENT_FIELDS, where)
    version, media_type = value.get("schemaVersion"), value.get("mediaType")
    if version != 2 or not isinstance(version, int):
        raise MalformedManifest(f"{where}: schemaVersion is not 2")
    image, index = ("layers" in value or "config" in value), "manifests" in value
    if image and index:
        raise MalformedManifest(f"{where}: both an image and an index")
    allowed = (INDEX, DOCKER_INDEX) if index else (MANIFEST, DOCKER_MANIFEST)
    if media_type is not None and media_type not in allowed:
        raise MalformedManifest(f"{where}: the mediaType is not that of an {'index' if index else 'image'}")


def _no_lookalikes(value: Json, fields: t.Collection[str], where: str) -> None:
    if key := strict_json.lookalike(value, fields):
        raise MalformedManifest(f"{where}: the field {key[:80]!r} differs from a known one only in case")


def parse_annotations(value: object, where: str) -> dict[str, str]:
    """A map of strings; MalformedManifest otherwise. A missing map is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise MalformedManifest(f"{where}: annotations are not a map of strings")
    return t.cast("dict[str, str]", value)


def parse_index(raw: bytes, where: str = "index") -> tuple[Descriptor, ...]:
    """The entries of an image index of the wire."""
    value = strict_json.load_object(raw, where)
    check_kind(value, where)
    manifests = value.get("manifests")
    if not isinstance(manifests, list):
        raise MalformedManifest(f"{where}: manifests is not a list")
    return tuple(Descriptor.parse(entry, f"{where}: manifest {n}") for n, entry in enumerate(manifests))


def build_index(entries: t.Iterable[Descriptor]) -> bytes:
    """An image index, its entries sorted by digest as go-containerregistry writes the referrers fallback tag."""
    ordered = sorted(entries, key=lambda entry: entry.digest)
    return strict_json.compact(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry.as_json() for entry in ordered]}
    )
