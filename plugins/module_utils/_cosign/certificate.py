# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a certificate of Fulcio names: identity, issuer, and what else its extensions claim. Nothing is verified here.

Source: fulcio, docs/oid-info.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._shared.requirements import third_party

with third_party():
    from cryptography import x509
    from cryptography.x509 import ObjectIdentifier

_ARC = "1.3.6.1.4.1.57264.1."
_ISSUER_V1, _ISSUER_V2, _OTHER_NAME = f"{_ARC}1", f"{_ARC}8", f"{_ARC}7"
# What cosign's own flags ask for (--certificate-github-workflow-*): the older extensions, whose value is bare text.
GITHUB = {
    "github_workflow_trigger": f"{_ARC}2",
    "github_workflow_sha": f"{_ARC}3",
    "github_workflow_name": f"{_ARC}4",
    "github_workflow_repository": f"{_ARC}5",
    "github_workflow_ref": f"{_ARC}6",
}
_UTF8_STRING = 0x0C
_LONG = 0x80


class UnnamedCertificate(ValueError):
    """A certificate that does not say whom it was issued to, or by whose word, or says so twice."""


@dataclass(frozen=True)
class Identity:
    """`name` (an e-mail address or a URI) by the word of `issuer`; `claims` by the names of GITHUB."""

    name: str
    issuer: str
    claims: t.Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} ({self.issuer})"


def identity_of(certificate: x509.Certificate) -> Identity:
    """Whom it names; UnnamedCertificate where that cannot be said for certain."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        values = {one.oid.dotted_string: _bytes(one.value) for one in certificate.extensions}
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise UnnamedCertificate("without a readable name") from None
    found = [text for name in names if (text := _name(name)) is not None]
    if len(found) != 1 or len(list(names)) != 1 or not found[0]:
        raise UnnamedCertificate(f"with {len(list(names))} names, of which {len(found)} are identities")
    issuer = _issuer(values)
    claims = {claim: _text(values[oid]) for claim, oid in GITHUB.items() if oid in values}
    return Identity(found[0], issuer, claims)


def _issuer(values: t.Mapping[str, bytes]) -> str:
    """The issuer that both extensions agree on. One with white space in it is none, and could be taken for more."""
    said = [_utf8_string(values[_ISSUER_V2])] if _ISSUER_V2 in values else []
    said += [_text(values[_ISSUER_V1])] if _ISSUER_V1 in values else []
    if not said or len(set(said)) != 1 or not said[0] or said[0].split() != [said[0]]:
        raise UnnamedCertificate("without an issuer")
    return said[0]


def _name(name: x509.GeneralName) -> str | None:
    if isinstance(name, (x509.RFC822Name, x509.UniformResourceIdentifier)):
        return name.value
    if isinstance(name, x509.OtherName) and name.type_id == ObjectIdentifier(_OTHER_NAME):
        return _utf8_string(name.value)
    return None


def _bytes(value: x509.ExtensionType) -> bytes:
    return value.value if isinstance(value, x509.UnrecognizedExtension) else b""


def _utf8_string(der: bytes) -> str:
    """The text of a DER UTF8String that fills `der`."""
    if len(der) < 2 or der[0] != _UTF8_STRING:
        raise UnnamedCertificate("with an extension that is not text")
    length, start = der[1], 2
    if length & _LONG:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    if start + length != len(der):
        raise UnnamedCertificate("with an extension that is cut off")
    return _text(der[start:])


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnnamedCertificate("with an extension that is not text") from None
