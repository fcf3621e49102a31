# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secret by which Flux gets into a git repository, as data: a login for HTTPS, or an SSH key with known hosts.

Sources: fluxcd/pkg, runtime/secrets and ssh; source-controller, docs/spec/v1/gitrepositories.md (secretRef).
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field

from ..._shared import base64
from ..._shared.errors import InvalidOption
from ..._shared.requirements import third_party

with third_party():
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

Data = t.Mapping[str, bytes]

IDENTITY, PUBLIC, KNOWN_HOSTS = "identity", "identity.pub", "known_hosts"
USERNAME, PASSWORD, CA = "username", "password", "ca.crt"
ALGORITHMS = ("ecdsa", "ed25519", "rsa")
_HIDDEN = "(hidden)"


@dataclass(frozen=True)
class SshKey:
    """A private key, PKCS #8 in PEM or as OpenSSH writes it, and its public key as a line of OpenSSH's."""

    private: bytes = field(repr=False)
    public: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it: `SHA256:…`."""
        blob = base64.decode(self.public.split()[1])
        return f"SHA256:{base64.encode(hashlib.sha256(blob).digest()).rstrip('=')}"

    @classmethod
    def generate(cls, algorithm: str) -> SshKey:
        """A new one: `ecdsa` on P-384, as the flux CLI makes it, `ed25519`, or `rsa` of 3072 bits."""
        key: t.Any
        if algorithm == "ed25519":
            key = ed25519.Ed25519PrivateKey.generate()
        elif algorithm == "rsa":
            key = rsa.generate_private_key(65537, 3072)
        else:
            key = ec.generate_private_key(ec.SECP384R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(private, _public(key))

    @classmethod
    def load(cls, private: bytes, option: str) -> SshKey:
        """An existing one. Raises InvalidOption, with nothing of the key in it."""
        reason = "is not an SSH private key"
        for load in (serialization.load_ssh_private_key, serialization.load_pem_private_key):
            try:
                return cls(private, _public(load(private, password=None)))
            except TypeError:
                reason = "is protected by a passphrase, which Flux could not enter: take it off, or make another key"
            except (ValueError, UnsupportedAlgorithm):  # of the other format, or of none
                continue
        raise InvalidOption(option, reason)


class GitCredentials(t.Protocol):
    """What such a Secret is to hold, given what it holds already."""

    def data(self, live: Data) -> Data: ...


@dataclass(frozen=True)
class Login:
    """A user name and a token or password, for HTTPS; `ca` is the PEM of authorities to trust, or empty."""

    username: str
    password: str = field(repr=False)
    ca: bytes = b""

    def data(self, live: Data) -> Data:
        del live
        found = {USERNAME: self.username.encode(), PASSWORD: self.password.encode()}
        return {**found, **({CA: self.ca} if self.ca else {})}


@dataclass(frozen=True)
class Identity:
    """A private key for SSH, and the host keys of the server. Without `key`, the one that is there, or a new one."""

    known_hosts: bytes
    key: SshKey | None = None
    algorithm: str = "ecdsa"

    def data(self, live: Data) -> Data:
        key = self.key or _kept(live) or SshKey.generate(self.algorithm)
        # A key that is the same in other bytes is the same.
        if IDENTITY in live and _public_of(live[IDENTITY]) == key.public:
            key = SshKey(live[IDENTITY], live.get(PUBLIC, key.public))
        return {IDENTITY: key.private, PUBLIC: key.public, KNOWN_HOSTS: self.known_hosts}


def public_key(data: Data) -> bytes:
    """The line of the public key in a Secret with this data; empty where there is no usable key."""
    return _public_of(data[IDENTITY]) if IDENTITY in data else b""


def shown(name: str, value: bytes) -> str:
    """What may be seen of a value."""
    if name == PUBLIC:
        return value.decode("utf-8", "replace").strip()
    if name in (KNOWN_HOSTS, CA):
        return f"sha256:{hashlib.sha256(value).hexdigest()[:16]}"
    return value.decode("utf-8", "replace") if name == USERNAME else _HIDDEN


def check_known_hosts(text: str, option: str) -> bytes:
    """Lines of a known_hosts file. InvalidOption where there is none: Flux believes no host key unseen."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in lines:
        words = line.split()
        if len(words) < 3 or (words[0].startswith("@") and len(words) < 4):
            raise InvalidOption(option, f"{line[:60]!r} is no line of a known_hosts file")
    if not lines:
        raise InvalidOption(option, "holds no host key, and Flux believes none that it was not given")
    return "".join(f"{line}\n" for line in lines).encode()


def _kept(live: Data) -> SshKey | None:
    public = public_key(live)
    return SshKey(live[IDENTITY], live.get(PUBLIC, public)) if public else None


def _public_of(private: bytes) -> bytes:
    try:
        return SshKey.load(private, "Secret").public
    except InvalidOption:
        return b""


def _public(key: t.Any) -> bytes:
    if not isinstance(key, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey)):
        raise ValueError("a kind of key that Flux does not know")
    line: bytes = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return line + b"\n"
