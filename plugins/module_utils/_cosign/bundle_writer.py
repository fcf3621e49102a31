# SPDX-License-Identifier: GPL-3.0-or-later
"""What cosign 3.1 writes for a signature by a key: statement, bundle, and the OCI referrer that holds it.

Sources as in bundle.py, and cosign's pkg/oci/remote.
"""

from __future__ import annotations

import typing as t

from .._artifact.annotations import CREATED
from .._oci.descriptor import EMPTY, EMPTY_BYTES, Descriptor, Manifest
from .._shared import base64, strict_json
from .._shared.digest import check_syntax, hexadecimal, of_bytes
from .._shared.errors import InvalidOption
from . import bundle as bundles

if t.TYPE_CHECKING:  # pragma: no cover
    from .signer import Material

CONTENT_ANNOTATION = "dev.sigstore.bundle.content"
PREDICATE_ANNOTATION = "dev.sigstore.bundle.predicateType"


def build_statement(digest: str, annotations: t.Mapping[str, str]) -> bytes:
    """The bytes to sign: "this digest is signed", as cosign 3.1 writes it."""
    value = {
        "_type": bundles.STATEMENT_TYPE,
        "subject": [
            {
                "digest": {"sha256": hexadecimal(check_syntax(digest))},
                "annotations": {key: annotations[key] for key in sorted(annotations)},
            }
        ],
        "predicateType": bundles.SIGN_PREDICATE,
        "predicate": {},
    }
    try:
        return strict_json.compact(value)
    except UnicodeEncodeError:
        raise InvalidOption("annotations", "not valid Unicode text") from None


def build_attestation(repository: str, digest: str, predicate_type: str, predicate: t.Mapping[str, t.Any]) -> bytes:
    """The bytes to sign where something else is said of a digest, as `cosign attest` 3.1 writes it.

    `repository` is `host/repository`, which names the subject; no verifier looks at it.
    """
    return strict_json.compact(
        {
            "_type": bundles.ATTESTATION_TYPE,
            "subject": [{"name": repository, "digest": {"sha256": hexadecimal(check_syntax(digest))}}],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def build_bundle(statement: bytes, signature: bytes, material: Material) -> bytes:
    """A bundle with the signature over `pae(bundles.PAYLOAD_TYPE, statement)`, and what goes with it."""
    return strict_json.compact(
        {
            "mediaType": bundles.MEDIA_TYPE,
            "verificationMaterial": _material(material),
            "dsseEnvelope": {
                "payload": base64.encode(statement),
                "payloadType": bundles.PAYLOAD_TYPE,
                "signatures": [{"sig": base64.encode(signature)}],
            },
        }
    )


def _material(material: Material) -> dict[str, t.Any]:
    if material.certificate is None:
        value: dict[str, t.Any] = {"publicKey": {"hint": material.hint}}
    else:
        value = {"certificate": {"rawBytes": base64.encode(material.certificate)}}
    if material.log_entries:
        value["tlogEntries"] = [dict(entry) for entry in material.log_entries]
    if material.timestamps:
        stamps = [{"signedTimestamp": base64.encode(stamp)} for stamp in material.timestamps]
        value["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    return value


def build_referrer(
    bundle: bytes, subject: Descriptor, predicate_type: str, created: str | None
) -> tuple[bytes, Manifest]:
    """The manifest that attaches a bundle to `subject`: its config's bytes (`{}`) and the manifest.

    `created` is RFC 3339 in UTC, or None to leave it out.
    """
    annotations = {CONTENT_ANNOTATION: "dsse-envelope", PREDICATE_ANNOTATION: predicate_type}
    if created is not None:
        annotations[CREATED] = created
    config = Descriptor(EMPTY, of_bytes(EMPTY_BYTES), len(EMPTY_BYTES), artifact_type=bundles.MEDIA_TYPE)
    manifest = Manifest.build(
        config,
        [Descriptor.of(bundles.MEDIA_TYPE, bundle)],
        annotations=annotations,
        subject=Descriptor(subject.media_type, subject.digest, subject.size),
        artifact_type=bundles.MEDIA_TYPE,
    )
    return EMPTY_BYTES, manifest
