# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a keyless signature is proven by a trusted root: chain, certificate transparency, log entry, time, signature.

All of that is done by the library `sigstore`, offline. It is slow to import (a second, 50 MiB), so this file is loaded
only where a certificate is there to be verified. Sources: sigstore-python 4.5, sigstore.verify; sigstore
architecture-docs, client-spec.md, section 4.
"""

from __future__ import annotations

import threading
import typing as t

from .._shared.errors import InvalidOption
from .._shared.requirements import third_party

if t.TYPE_CHECKING:  # pragma: no cover
    from .trusted_root import TrustedRoot as Given

with third_party():
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from sigstore.errors import CertValidationError
    from sigstore.errors import Error as SigstoreError
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore_models.trustroot import v1 as models

    # What the library, and those that it stands on, raise for bytes that they do not like.
    _REFUSALS = (
        SigstoreError,
        InvalidSignature,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.ExtensionNotFound,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    )

_SENTENCES = {
    "expired at time of signing": "the certificate was not valid when the signature was made",
    "failed to verify SCT": "no certificate transparency log of the trusted root vouches for the certificate",
    "invalid log entry": "the transparency log of the trusted root does not vouch for the entry",
    "not enough sources of verified time": "no time stamp and no log of the trusted root says when it was made",
    "no Timestamp Authorities": "it has a time stamp, and the trusted root has no time stamp authority",
    "bundle must contain an inclusion promise or signed timestamp": "it has no time stamp, and its log gives no time",
    "expected exactly one log entry": "it does not have exactly one entry of a transparency log",
    "does not match bundle": "the entry of the transparency log is about another signature",
    "is inconsistent": "the entry of the transparency log is about another signature",
}


class Unproven(Exception):
    """A signature that the trusted root does not prove; the text is half a sentence for a person."""


class _Anybody:
    """The library's policy. Who signed is compared when all else is proven, so that a refusal for it says as much."""

    def verify(self, cert: x509.Certificate) -> None:
        del cert


class Prover:
    """A trusted root, read once; thread-safe."""

    def __init__(self, root: Given) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._made: Verifier | None = None

    def prove_bundle(self, raw: bytes) -> x509.Certificate:
        """The certificate of a bundle with a DSSE envelope in it, whose signature is proven; Unproven says why not."""
        try:
            bundle = Bundle.from_json(raw)
            self._verifier().verify_dsse(bundle, _Anybody())
            return bundle.signing_certificate
        except _REFUSALS as error:
            raise Unproven(_reason(error)) from None

    def _verifier(self) -> Verifier:
        with self._lock:
            if self._made is None:
                self._made = _verifier(self._root)
            return self._made


def _verifier(root: Given) -> Verifier:
    try:
        return Verifier(trusted_root=TrustedRoot(models.TrustedRoot.from_json(root.raw)))
    except _REFUSALS as error:
        raise InvalidOption("trusted_root", f"not a trusted root: {_first_line(error)}") from None


def _reason(error: Exception) -> str:
    said = str(error)
    if isinstance(error, CertValidationError):
        if "not valid at validation time" in said:
            return "the certificate was not valid when the signature was made"
        return f"the certificate is not by an authority of the trusted root ({_first_line(error)})"
    for part, sentence in _SENTENCES.items():
        if part in said:
            return f"{sentence} ({_first_line(error)})"
    return _first_line(error) or type(error).__name__


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), "")
    return "".join(character for character in line if character.isprintable())[:200]
