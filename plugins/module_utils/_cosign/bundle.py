# SPDX-License-Identifier: GPL-3.0-or-later
"""The Sigstore bundle v0.3 around a signed in-toto statement, as a reader of hostile bytes.

Sources: sigstore/protobuf-specs, sigstore_bundle.proto; in-toto/attestation v1, statement.md; DSSE v1, protocol.md;
cosign, specs/BUNDLE_SPEC.md; sigstore-go, pkg/bundle/bundle.go, whose rules the reader follows.
"""

from __future__ import annotations

import re
import typing as t
import zlib
from dataclasses import dataclass, field

from . import protojson as pj
from .bundle_schema import BUNDLE, MAX_ENTRIES, STATEMENT, STATEMENT_NAMES
from .log_entry import check_body
from .malformed import MalformedSignature, UnreadSignature

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MEDIA_TYPE_PREFIX = "application/vnd.dev.sigstore.bundle"  # what cosign and Flux ask of a layer
SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
ATTESTATION_TYPE = "https://in-toto.io/Statement/v0.1"  # `cosign attest` still writes the older
_STATEMENT_TYPES = (STATEMENT_TYPE, ATTESTATION_TYPE)

MAX_BUNDLE = 16 << 20  # bytes; a signature takes 1 to 12 KiB, an attestation with an SBOM some MiB
MAX_ATTESTATION = 64 << 20  # bytes, where an attestation is what is asked for; cosign has no limit for bundles

# Version 0.3 and whatever comes before 0.4, as a semantic version: sigstore-go takes 0.3.1-rc1 and 0.4.0-rc1 for it.
_PRERELEASE = r"-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*"
_BUILD = r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
_V03 = re.compile(
    r"application/vnd\.dev\.sigstore\.bundle(\+json;version=0\.3|\.v0\.("
    rf"3|3\.0{_BUILD}|3\.[1-9][0-9]*({_PRERELEASE})?{_BUILD}|4\.0{_PRERELEASE}{_BUILD}"
    r")\+json)\Z",
    re.ASCII,
)
_MAX_MEDIA_TYPE = 200  # characters; the expression above goes back and forth in longer ones
_MAX_UNPROVEN = 1 << 18  # bytes; a signature's statement takes 300
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_HEX_DIGITS = "0123456789abcdefABCDEF"


@dataclass(frozen=True)
class Bundle:
    """A bundle as read: the signed envelope's parts and who is said to have signed. Nothing of it is verified.

    `hint` names a key (never to be trusted), `certificate` is the DER of a keyless signer; one of them is None.
    `raw` is all of it in JSON.
    """

    media_type: str
    payload: bytes
    payload_type: str
    signature: bytes
    hint: str | None
    certificate: bytes | None
    tlog_entries: int = 0
    timestamps: int = 0
    raw: bytes = field(default=b"", repr=False)

    @property
    def signed(self) -> bytes:
        """What the signature is over."""
        return pae(self.payload_type, self.payload)


@dataclass(frozen=True)
class Subject:
    """What a statement is about. `digest` is the sha256 digest, or None where the statement gives another kind only."""

    digest: str | None
    annotations: t.Mapping[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """An in-toto statement: subjects, and what is said of them. A signature is the type SIGN_PREDICATE.

    `predicate` are JSON values, their numbers as they were read.
    """

    predicate_type: str
    subjects: tuple[Subject, ...]
    predicate: t.Mapping[str, t.Any] = field(default_factory=dict)


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what the signature is over."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def parse_bundle(raw: bytes, most: int = MAX_BUNDLE) -> Bundle:
    """A bundle of the wire, by the rules of cosign's and Flux's reader; MalformedSignature says which one is broken.

    Like them, a bundle compressed by gzip is read; unlike them, never further than `most` bytes.
    """
    raw = _plain(raw, most)
    value = _read(raw)
    material = value["verificationMaterial"]
    hint, certificate = _signer(material)
    envelope = _envelope(value)
    timestamps = material.get("timestampVerificationData", {}).get("rfc3161Timestamps", [])
    if len(timestamps) > MAX_ENTRIES:
        raise MalformedSignature(f"bundle: more than {MAX_ENTRIES} time stamps")
    return Bundle(
        media_type=value["mediaType"],
        payload=envelope["payload"],
        payload_type=envelope["payloadType"],
        signature=envelope["signatures"][0]["sig"],
        hint=hint,
        certificate=certificate,
        tlog_entries=len(material.get("tlogEntries", [])),
        timestamps=len(timestamps),
        raw=raw,
    )


def is_readable(raw: bytes) -> bool:
    """Whether cosign 3 and Flux take these bytes for a bundle at all, however its verification ends.

    One such bundle hides every legacy signature of an artifact from them; what they cannot read, they skip. Where we
    stop reading before they do, or are stricter, the answer is yes: no is said only where they are known to refuse.
    """
    try:
        _read(_plain(raw, MAX_BUNDLE))
    except UnreadSignature:
        return True
    except MalformedSignature:
        return False
    return True


def _read(raw: bytes) -> dict[str, t.Any]:
    """What sigstore-go's NewBundle accepts, as a message with mediaType and verificationMaterial in it."""
    try:
        value = pj.loads(raw, BUNDLE, "bundle")
    except pj.UnreadMessage as error:
        raise UnreadSignature(error.message) from None
    except pj.MalformedMessage as error:
        raise MalformedSignature(error.message) from None
    media_type, material = value.get("mediaType", ""), value.get("verificationMaterial", {})
    _check_version(media_type)
    if len([name for name in ("publicKey", "certificate", "x509CertificateChain") if name in material]) != 1:
        raise MalformedSignature("bundle: not exactly one of publicKey and certificate in the verification material")
    if "x509CertificateChain" in material:
        raise MalformedSignature("bundle: a certificate chain, which version 0.3 does not allow")
    if ("dsseEnvelope" in value) == ("messageSignature" in value):
        raise MalformedSignature("bundle: not exactly one of dsseEnvelope and messageSignature")
    _check_log(material.get("tlogEntries", []))
    return value


def _check_version(media_type: str) -> None:
    if len(media_type) > _MAX_MEDIA_TYPE:
        raise UnreadSignature(f"bundle: a media type of more than {_MAX_MEDIA_TYPE} characters")
    if not _V03.match(media_type):
        raise MalformedSignature(f"bundle: the media type {media_type[:100]!r} is not that of version 0.3")


def _plain(raw: bytes, most: int) -> bytes:
    if raw.startswith(_ZSTD):
        raise UnreadSignature("bundle: compressed by zstd, which is not read here")
    if raw.startswith(_GZIP):
        stream = zlib.decompressobj(wbits=31)
        try:
            raw = stream.decompress(raw, most + 1)
        except zlib.error as error:
            kind = UnreadSignature if "header" in str(error) else MalformedSignature  # Go looks at less of the header
            raise kind(f"bundle: damaged compression: {error}") from None
        if stream.unused_data:
            raise UnreadSignature("bundle: more follows the compressed data")
        if len(raw) <= most and not stream.eof:
            raise MalformedSignature("bundle: the compressed data is cut off")
    if len(raw) > most:
        raise UnreadSignature(f"the bundle has more than {most} bytes")
    return raw


def _signer(material: dict[str, t.Any]) -> tuple[str | None, bytes | None]:
    if "publicKey" in material:
        return material["publicKey"].get("hint", ""), None
    certificate = material["certificate"].get("rawBytes")
    if not certificate:
        raise MalformedSignature("bundle: the certificate is empty")
    return None, certificate


def _check_log(entries: list[dict[str, t.Any]]) -> None:
    for entry in entries:
        proof, kind = entry.get("inclusionProof"), entry.get("kindVersion")
        if not entry.get("logId", {}).get("keyId") or kind is None or entry.get("logIndex", 0) < 0:
            raise MalformedSignature("bundle: an incomplete entry of a transparency log")
        if proof is not None and not proof.get("checkpoint", {}).get("envelope"):
            raise MalformedSignature("bundle: an inclusion proof without a checkpoint")
        check_body(entry.get("canonicalizedBody", b""))
    if entries and not any("inclusionProof" in entry for entry in entries):
        raise MalformedSignature("bundle: no inclusion proof in the entries of transparency logs")


def _envelope(value: dict[str, t.Any]) -> dict[str, t.Any]:
    envelope = value.get("dsseEnvelope")
    if envelope is None:
        raise MalformedSignature("bundle: not a DSSE envelope, which signatures of images are in")
    signatures = envelope.get("signatures", [])
    if len(signatures) != 1 or not signatures[0].get("sig"):
        raise MalformedSignature("bundle: not exactly one signature")
    if signatures[0].get("keyid"):
        raise MalformedSignature("bundle: the signature has a keyid, which cosign and Flux refuse")
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise MalformedSignature(f"bundle: the payload type is not {PAYLOAD_TYPE}")
    return {"payload": b"", **envelope}


def claimed_predicate_type(payload: bytes) -> str | None:
    """The type that a statement says it has, though nobody has proven it; None where it is too large to look at.

    MalformedSignature where it is no statement.
    """
    return None if len(payload) > _MAX_UNPROVEN else parse_statement(payload).predicate_type


def parse_statement(payload: bytes) -> Statement:
    """The statement of an envelope whose signature was checked before; MalformedSignature where it is not one.

    Its size is bounded by that of the bundle that it came in.
    """
    try:
        value = pj.loads(payload, STATEMENT, "statement", STATEMENT_NAMES, MAX_ATTESTATION)
    except pj.MalformedMessage as error:
        raise MalformedSignature(error.message) from None
    if value.get("_type") not in _STATEMENT_TYPES:
        raise MalformedSignature(f"statement: the type is not {STATEMENT_TYPE}")
    if not value.get("predicateType"):
        raise MalformedSignature("statement: no predicateType")
    subjects = value.get("subject", [])
    if not subjects:
        raise MalformedSignature("statement: no subject")
    found = tuple(_subject(subject) for subject in subjects)
    return Statement(value["predicateType"], found, value.get("predicate", {}))


def _subject(value: dict[str, t.Any]) -> Subject:
    digests = value.get("digest", {})
    if any(len(digest) % 2 or digest.strip(_HEX_DIGITS) for digest in digests.values()):
        raise MalformedSignature("statement: a digest that is not hexadecimal")
    # Lower case only, as cosign compares text; any other spelling then equals no digest that was asked for.
    sha256 = digests.get("sha256")
    return Subject(None if sha256 is None else f"sha256:{sha256}", value.get("annotations", {}))
