# SPDX-License-Identifier: GPL-3.0-or-later
"""The legacy signature: a "simple signing" payload as a layer of the image under the tag `sha256-<hex>.sig`.

Sources: sigstore, pkg/signature/payload/payload.go; cosign, specs/SIGNATURE_SPEC.md; containers/image,
signature/internal/sigstore_payload.go, whose strict reading is followed here.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._shared import base64, strict_json
from .._shared.digest import InvalidDigest, check_syntax, hexadecimal
from .malformed import MalformedSignature

MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate"

MAX_PAYLOAD = 1 << 20  # bytes; a payload without huge annotations takes 250
MAX_SIGNATURE = 16384  # base64 characters; RSA-8192 takes 1366
MAX_LAYERS = 1000  # of one signature image, as cosign has it (CVE-2023-46737)

TYPE = "cosign container image signature"


@dataclass(frozen=True)
class Claim:
    """What a payload says: the image digest, the repository it was signed in, and annotations (JSON values)."""

    digest: str
    identity: str
    annotations: t.Mapping[str, t.Any] = field(default_factory=dict)


def tag_for(digest: str) -> str:
    """The tag, in the image's own repository, under which its legacy signatures are."""
    return f"sha256-{hexadecimal(check_syntax(digest))}.sig"


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
    if critical.get("type") != TYPE:
        raise MalformedSignature(f"the payload's critical.type is not {TYPE!r}")
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
        return base64.decode(text)
    except base64.NotBase64:
        raise MalformedSignature(f"the annotation {SIGNATURE_ANNOTATION} is not base64") from None


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
