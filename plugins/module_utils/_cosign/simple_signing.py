# SPDX-License-Identifier: GPL-3.0-or-later
"""The legacy signature: a "simple signing" payload as a layer of the image under the tag `sha256-<hex>.sig`.

Sources: sigstore, pkg/signature/payload/payload.go; cosign, specs/SIGNATURE_SPEC.md; containers/image,
signature/internal/sigstore_payload.go, whose strict reading is followed here.
"""

from __future__ import annotations

import base64
import binascii
import typing as t
from dataclasses import dataclass, field

from ansible_collections.proven.gitops.plugins.module_utils._artifact import strict_json
from ansible_collections.proven.gitops.plugins.module_utils._artifact.descriptor import Descriptor, Manifest
from ansible_collections.proven.gitops.plugins.module_utils._artifact.digest import (
    InvalidDigest,
    check_syntax,
    hexadecimal,
)
from ansible_collections.proven.gitops.plugins.module_utils._errors import GitopsError, InvalidOption

MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
CONFIG_MEDIA_TYPE = "application/vnd.oci.image.config.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate"

MAX_PAYLOAD = 1 << 20  # bytes; a payload without huge annotations takes 250
MAX_SIGNATURE = 16384  # base64 characters; RSA-8192 takes 1366
MAX_LAYERS = 1000  # of one signature image, as cosign has it (CVE-2023-46737)

_TYPE = "cosign container image signature"
_EPOCH = "0001-01-01T00:00:00Z"
# Go's encoding/json escapes these for HTML's sake.
_GO_ESCAPES = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"})
_HUB, _HUB_ALIASES = "index.docker.io", ("docker.io", "index.docker.io")


class MalformedSignature(GitopsError):
    """Bytes that do not follow the rules of the signature format that they claim."""

    code = "malformed_signature"


@dataclass(frozen=True)
class Claim:
    """What a payload says: the image digest, the repository it was signed in, and annotations (JSON values)."""

    digest: str
    identity: str
    annotations: t.Mapping[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LegacySignature:
    """One layer of a signature image: the payload's bytes, and the annotations, which hold the signature."""

    payload: bytes
    annotations: t.Mapping[str, str]

    @classmethod
    def of(cls, payload: bytes, signature: bytes) -> LegacySignature:
        """A signature by a key: nothing but the signature in the annotations."""
        return cls(payload, {SIGNATURE_ANNOTATION: base64.b64encode(signature).decode()})

    @property
    def layer(self) -> Descriptor:
        """The descriptor of the payload with the annotations."""
        return Descriptor.of(MEDIA_TYPE, self.payload, self.annotations)


def tag_for(digest: str) -> str:
    """The tag, in the image's own repository, under which its legacy signatures are."""
    return f"sha256-{hexadecimal(check_syntax(digest))}.sig"


def identity_of(repository_name: str) -> str:
    """`host/repository` as cosign writes it into payloads: Docker Hub under its full name."""
    host, _separator, repository = repository_name.partition("/")
    if host not in _HUB_ALIASES:
        return repository_name
    return f"{_HUB}/{repository if '/' in repository else 'library/' + repository}"


def build_payload(repository_name: str, digest: str, annotations: t.Mapping[str, str]) -> bytes:
    """The bytes to sign, the very ones that cosign would sign; `repository_name` is `host/repository`."""
    value = {
        "critical": {
            "identity": {"docker-reference": identity_of(repository_name)},
            "image": {"docker-manifest-digest": check_syntax(digest)},
            "type": _TYPE,
        },
        "optional": {key: annotations[key] for key in sorted(annotations)} or None,
    }
    try:
        return strict_json.compact(value).decode().translate(_GO_ESCAPES).encode()
    except UnicodeEncodeError:
        raise InvalidOption("annotations", "not valid Unicode text") from None


def parse_payload(raw: bytes) -> Claim:
    """The claim of a payload whose signature was checked before; MalformedSignature for anything out of the ordinary.

    Stricter than cosign, which believes a payload of any type with the right digest at the right place.
    """
    if len(raw) > MAX_PAYLOAD:
        raise MalformedSignature(f"the payload has more than {MAX_PAYLOAD} bytes")
    try:
        value = strict_json.load_object(raw, "payload")
        _only(value, {"critical", "optional"}, "payload")
        critical = _object(value, "critical", {"identity", "image", "type"})
        identity = _object(critical, "identity", {"docker-reference"}).get("docker-reference")
        digest = check_syntax(_object(critical, "image", {"docker-manifest-digest"}).get("docker-manifest-digest"))
    except (strict_json.MalformedJson, InvalidDigest) as error:
        raise MalformedSignature(error.message) from None
    optional = value.get("optional")
    if critical.get("type") != _TYPE:
        raise MalformedSignature(f"the payload's critical.type is not {_TYPE!r}")
    if not isinstance(identity, str):
        raise MalformedSignature("the payload's docker-reference is not a string")
    if optional is not None and not isinstance(optional, dict):
        raise MalformedSignature("the payload's optional is not an object")
    return Claim(digest, identity, optional or {})


def parse_signature(text: object) -> bytes:
    """The signature in a layer's annotation; MalformedSignature where it is missing or not base64."""
    if not isinstance(text, str) or not text:
        raise MalformedSignature(f"no signature in the annotation {SIGNATURE_ANNOTATION}")
    if len(text) > MAX_SIGNATURE:
        raise MalformedSignature("the signature is longer than any key could make it")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedSignature(f"the annotation {SIGNATURE_ANNOTATION} is not base64") from None


def build_image(layers: t.Sequence[Descriptor]) -> tuple[bytes, Manifest]:
    """The signature image with these payload layers, in this order: its config's bytes and its manifest."""
    config = strict_json.compact(
        {
            "architecture": "",
            "created": _EPOCH,
            "history": [{"created": _EPOCH} for _each in layers],
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "config": {},
        }
    )
    return config, Manifest.build(Descriptor.of(CONFIG_MEDIA_TYPE, config), layers)


def _object(value: dict[str, t.Any], name: str, members: set[str]) -> dict[str, t.Any]:
    member = value.get(name)
    if not isinstance(member, dict):
        raise MalformedSignature(f"the payload's {name} is not an object")
    _only(member, members, name)
    return member


def _only(value: dict[str, t.Any], members: set[str], where: str) -> None:
    unknown = sorted(set(value) - members)
    if unknown:
        raise MalformedSignature(f"unknown member {unknown[0][:80]!r} in {where}")
