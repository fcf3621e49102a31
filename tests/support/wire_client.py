# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of clients need besides a wire: credentials, and certificates of a CA of their own."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import typing as t
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import Credentials

if t.TYPE_CHECKING:
    from support.wire import Wire

    from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry

LOGIN = Credentials("alice", "correct horse", source="option username")


class Connect(t.Protocol):
    """`connect(wire, credentials, retries=1)`: a client of its own connections and tokens."""

    def __call__(self, wire: Wire | str, credentials: Credentials | None = None, **settings: t.Any) -> Registry: ...


@dataclass
class Authority:
    """A CA of this run, and what it signed."""

    directory: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def ca_path(self) -> str:
        return self._write("ca.pem", self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names: str, alternatives: bool = True) -> tuple[str, str]:
        """Certificate and key files for DNS names and addresses; without `alternatives` for a common name alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(names, key, self.key, self.certificate.subject, alternatives)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return (
            self._write(f"{names[0]}.pem", certificate.public_bytes(serialization.Encoding.PEM)),
            self._write(f"{names[0]}-key.pem", pem),
        )

    def server(self, *names: str, client_ca: bool = False, alternatives: bool = True) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(*names, alternatives=alternatives))
        if client_ca:
            context.load_verify_locations(self.ca_path)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _write(self, name: str, data: bytes) -> str:
        path = self.directory / name
        path.write_bytes(data)
        return str(path)


def _certificate(
    names: t.Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None = None,
    alternatives: bool = True,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    others: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    if issuer is None:
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def make_authority(directory: Path) -> Authority:
    """A new CA that keeps its files in `directory`."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(directory, key, _certificate(["Test CA"], key, key))
