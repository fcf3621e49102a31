# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of a transparency log's entry, as the reader of bundles parses and validates it: what it proves is a matter
of keyless verification, but where it is refused, the whole bundle is.

Sources: sigstore-go, pkg/tlog/entry.go; rekor, pkg/types/{dsse,hashedrekord,intoto} and pkg/generated/models;
rekor-tiles, api/proto/rekor/v2. The entry's `kindVersion` has to be there, and is compared with nothing.
"""

from __future__ import annotations

import json
import typing as t

from .._shared import base64, strict_json
from . import protojson as pj
from .bundle_schema import HASH_ALGORITHM
from .keys import PublicKey
from .malformed import MalformedSignature, UnreadSignature
from .pem import UnreadableKey

_KEY_DETAILS = (
    *(f"PKCS1_RSA_{padding}" for padding in ("PKCS1V5", "PSS")),
    *(f"PKIX_RSA_{padding}" for padding in ("PKCS1V5", "PSS")),
    *(f"PKIX_RSA_{padding}_{bits}_SHA256" for padding in ("PKCS1V15", "PSS") for bits in (2048, 3072, 4096)),
    *("PKIX_ECDSA_P256_HMAC_SHA_256", "PKIX_ECDSA_P256_SHA_256", "PKIX_ECDSA_P384_SHA_384", "PKIX_ECDSA_P521_SHA_512"),
    *("PKIX_ECDSA_P384_SHA_256", "PKIX_ECDSA_P521_SHA_256", "PKIX_ED25519", "PKIX_ED25519_PH"),
    *("LMS_SHA256", "LMOTS_SHA256", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "PUBLIC_KEY_DETAILS_UNSPECIFIED"),
)
_RAW = pj.message({"rawBytes": pj.binary})
_HASH_OUTPUT = pj.message({"algorithm": HASH_ALGORITHM, "digest": pj.binary})
_SIGNATURE = pj.message(
    {
        "content": pj.binary,
        "verifier": pj.message({"publicKey": _RAW, "x509Certificate": _RAW, "keyDetails": pj.enum(*_KEY_DETAILS)}),
    }
)
# The envelope of the deprecated dsseV002, which makes the entry one of Rekor v1, is not read.
_REKOR_V2 = {
    "kind": pj.string,
    "apiVersion": pj.string,
    "spec": pj.message({"hashedRekordV002": pj.message({"data": _HASH_OUTPUT, "signature": _SIGNATURE})}),
}

# Kinds that some build of a peer may know; which ones is decided by what it was linked with.
_OTHER_KINDS = frozenset({"alpine", "cose", "helm", "jar", "rekord", "rfc3161", "rpm", "tuf"})
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}

Json = dict[str, t.Any]


def check_body(body: bytes) -> None:
    """Return where the peers read it; UnreadSignature where they may, MalformedSignature where they do not."""
    try:
        if _is_rekor_v2(body):
            return
    except pj.UnreadMessage as error:
        raise UnreadSignature(error.message) from None
    value = _object(body)
    kind, version, spec = (value.get(name) for name in ("kind", "apiVersion", "spec"))
    if not isinstance(kind, str) or not isinstance(version, str):
        raise _malformed("without a kind or version")
    if kind in _OTHER_KINDS or (kind, version) == ("intoto", "0.0.1") or "+" in version:
        raise UnreadSignature("bundle: a log entry of a kind that is not read here")
    check = _CHECKS.get((kind, version))
    if check is None:
        raise _malformed("of an unknown kind")
    if not isinstance(spec, dict):
        raise _malformed("whose spec is not an object")
    check(spec)


def _is_rekor_v2(body: bytes) -> bool:
    try:
        value = pj.loads(body, _REKOR_V2, "bundle: the body of a log entry")
    except pj.UnreadMessage:
        raise
    except pj.MalformedMessage:
        return False
    return "hashedRekordV002" in value.get("spec", {}) and value.get("apiVersion") == "0.0.2"


def _object(body: bytes) -> Json:
    what = "bundle: the body of a log entry"
    try:
        value = strict_json.load_object(body, what)
    except strict_json.MalformedJson as error:
        raise (UnreadSignature if _go_may_read(body) else MalformedSignature)(error.message) from None
    if key := strict_json.lookalike(value, ("kind", "apiVersion", "spec")):
        raise UnreadSignature(f"{what}: the field {key[:80]!r} differs from a known one only in case")
    return value


def _go_may_read(body: bytes) -> bool:
    """Whether Go's encoding/json finds an object: it stops behind it, takes the last of two, and mends bad UTF-8."""
    try:
        value, _end = json.JSONDecoder(parse_constant=_no_constant).raw_decode(
            body.decode("utf-8", "replace").lstrip(" \t\r\n")
        )
    except json.JSONDecodeError:
        return False
    except (ValueError, RecursionError):  # a number of thousands of digits, a nesting of as many levels
        return True
    return isinstance(value, dict)


def _no_constant(name: str) -> t.NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON", name, 0)


def _dsse(spec: Json) -> None:
    if isinstance(spec.get("proposedContent"), dict):
        raise UnreadSignature("bundle: a log entry with proposed content")
    hashes = [_digest(spec.get(name)) for name in ("envelopeHash", "payloadHash")]
    signatures = _objects(spec.get("signatures"))
    for signature in signatures:
        text, verifier = signature.get("signature"), signature.get("verifier") or None
        if not isinstance(text, str) or not _is_padded(text) or _decoded(verifier) is None:
            raise _malformed("with a signature that is none")
    if None in hashes or not signatures:
        raise _malformed("that is not complete")


def _intoto(spec: Json) -> None:
    content = _member(spec, "content")
    envelope = _member(content, "envelope")
    if envelope.get("payload") not in (None, "") and isinstance(envelope["payload"], str):
        raise UnreadSignature("bundle: a log entry with an envelope in it")
    for name in ("hash", "payloadHash"):
        _digest(content.get(name))
    signatures = _objects(envelope.get("signatures"))
    if not isinstance(envelope.get("payloadType"), str) or not signatures:
        raise _malformed("that is not complete")
    for signature in signatures:
        if _decoded(signature.get("sig")) is None or _decoded(signature.get("publicKey")) is None:
            raise _malformed("with a signature that is none")


def _hashedrekord(spec: Json) -> None:
    signature, digest = _member(spec, "signature"), _digest(_member(spec, "data").get("hash"), _HEX_DIGITS)
    content = _decoded(signature.get("content"))
    pem = _decoded(_member(signature, "publicKey").get("content"))
    if digest is None or not content or not pem:
        raise _malformed("that is not complete")
    algorithm, text = digest
    if len(text) != _HEX_DIGITS[algorithm] or text.strip("0123456789abcdefABCDEF"):
        raise _malformed("with a digest that is none")
    try:
        key = PublicKey.load(pem.strip(), "log entry")
    except UnreadableKey as error:
        raise UnreadSignature(f"bundle: a log entry with another kind of key: {error.message}") from None
    if key.kind == "ed25519" or key.pem.strip() != pem.strip():
        raise UnreadSignature("bundle: a log entry with another kind of key")
    if not key.verify_digest(content, bytes.fromhex(text), algorithm):
        raise _malformed("whose signature is not by its key")


_CHECKS: t.Mapping[tuple[str, str], t.Callable[[Json], None]] = {
    ("dsse", "0.0.1"): _dsse,
    ("hashedrekord", "0.0.1"): _hashedrekord,
    ("intoto", "0.0.2"): _intoto,
}


def _digest(value: t.Any, algorithms: t.Container[str] = ("sha256",)) -> tuple[str, str] | None:
    """Algorithm and text; None where there is none."""
    if not isinstance(value, dict):
        return None
    algorithm, text = value.get("algorithm"), value.get("value")
    if not isinstance(algorithm, str) or algorithm not in algorithms or not isinstance(text, str):
        raise _malformed("with a digest that is none")
    return algorithm, text


def _decoded(value: t.Any) -> bytes | None:
    try:
        return base64.decode(value) if isinstance(value, str) else None
    except base64.NotBase64:
        raise _malformed("with a field that is not base64") from None


def _is_padded(text: str) -> bool:
    """As the model's pattern has it: base64 in one line."""
    try:
        return not set(text) & {"\r", "\n"} and bool(base64.decode(text))
    except base64.NotBase64:
        return False


def _objects(value: t.Any) -> list[Json]:
    """What is no object in a list is left out there."""
    return [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []


def _member(value: Json, name: str) -> Json:
    member = value.get(name)
    return member if isinstance(member, dict) else {}


def _malformed(how: str) -> MalformedSignature:
    return MalformedSignature(f"bundle: a log entry {how}")
