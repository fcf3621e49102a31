# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Key Vault and Managed HSM over their REST interface: `azurekms://HOST/KEY[/VERSION]`.

azure-identity finds the credentials; for two requests its sister library is not worth its weight.
Sources: Key Vault REST reference 7.4, Get Key, Sign; RFC 7518 (JWK; ES256 is r and s); sigstore, …/kms/azure (URIs).
"""

from __future__ import annotations

import logging
import re
import threading
import time
import typing as t

from .._shared import base64
from .._shared.requirements import third_party
from .._shared.shapes import mapping, text
from . import ecdsa, errors
from .rest import Rest
from .store import StoredKey
from .within import within

with third_party():
    import azure.core.exceptions
    import azure.identity
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Access, Named

logging.getLogger("azure").addHandler(logging.NullHandler())  # what it says of each try would go to standard error

_CLOUDS = ("azure.net", "azure.cn", "usgovcloudapi.net")
_HOSTS = "|".join(re.escape(f"{kind}.{cloud}") for kind in ("vault", "managedhsm") for cloud in _CLOUDS)
_URI = re.compile(
    rf"(?P<host>[a-zA-Z0-9-]{{1,63}}\.(?P<audience>{_HOSTS}))/(?P<key>[a-zA-Z0-9-]{{1,127}})"
    r"(?:/(?P<version>[a-z0-9]{0,64}))?",
    re.ASCII,
)
_QUERY = "api-version=7.4"
_SPARE = 300  # seconds before its end at which a token is no longer used


class Azure:
    """One version of a key."""

    def __init__(self, named: Named, access: Access, endpoint: str = "") -> None:
        self.named, self._access = named, access
        found = _URI.fullmatch(named.rest)
        if found is None:
            # To any other host a token for all of somebody's vaults would go.
            raise named.invalid("it must be azurekms://NAME.vault.azure.net/KEY, with or without /VERSION")
        self._key, self._version = found["key"], found["version"] or ""
        self._scope = f"https://{found['audience']}/.default"
        self._algorithm = ""
        self._token: t.Any = None
        self._lock = threading.Lock()
        self._rest = Rest(named, endpoint or f"https://{found['host'].lower()}", access, self._authorization)

    def public_key(self) -> StoredKey:
        path = f"/keys/{self._key}{f'/{self._version}' if self._version else ''}"
        key = mapping(self._rest.get(f"{path}?{_QUERY}").get("key"))
        version = re.fullmatch(rf"https://[^/]+/keys/{re.escape(self._key)}/([a-z0-9]{{1,64}})", text(key.get("kid")))
        if version is None or self._version not in ("", version[1]):
            raise self.named.bad("gives no key of the version that was asked for")
        public = self.named.load_key(self._jwk(key))
        self._version = version[1]
        self._algorithm = "ES256" if public.kind == "ecdsa-p256" else "RS256"
        operations = key.get("key_ops")
        allowed = not isinstance(operations, list) or "sign" in operations
        return StoredKey(public, self._version, "" if allowed else "its key_ops do not allow to sign")

    def sign(self, digest: bytes) -> bytes:
        document = {"alg": self._algorithm, "value": _encode(digest)}
        answer = self._rest.send("POST", f"/keys/{self._key}/{self._version}/sign?{_QUERY}", document)
        if not text(answer.get("kid")).endswith(f"/keys/{self._key}/{self._version}"):
            raise self.named.bad("gives no signature by the version that was asked for")
        signature = self._decoded(answer.get("value"))
        return ecdsa.der(signature, self.named) if self._algorithm == "ES256" else signature

    def creator(self) -> t.Callable[[], None]:
        raise self.named.invalid("keys are not made in Key Vault by this module: use az keyvault key create")

    def _jwk(self, key: t.Mapping[str, t.Any]) -> t.Any:
        """The public key of a JWK (RFC 7518, 6); `-HSM` behind its type says where it is kept."""
        kind = text(key.get("kty")).removesuffix("-HSM")
        try:
            if kind == "EC" and key.get("crv") == "P-256":
                x, y = (int.from_bytes(self._decoded(key.get(name)), "big") for name in ("x", "y"))
                return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
            if kind == "RSA":
                modulus, exponent = (int.from_bytes(self._decoded(key.get(name)), "big") for name in ("n", "e"))
                return rsa.RSAPublicNumbers(exponent, modulus).public_key()
        except ValueError:
            raise self.named.bad("gives a public key that is none") from None
        raise self.named.bad("has a key that is neither EC P-256 nor RSA, and no other signs with SHA-256")

    def _decoded(self, value: object) -> bytes:
        try:
            return base64.decode_either(value if isinstance(value, str) else "=")
        except base64.NotBase64:
            raise self.named.bad("gives what is not base64url") from None

    def _authorization(self) -> t.Mapping[str, str]:
        with self._lock:
            if self._token is None or self._token.expires_on - time.time() < _SPARE:
                self._token = self._asked()
            return {"Authorization": f"Bearer {self._token.token}"}

    def _asked(self) -> t.Any:
        http = self._access.http
        more = {"connection_timeout": http.timeout, "read_timeout": http.timeout, "retry_total": http.retries}

        def ask() -> t.Any:
            return azure.identity.DefaultAzureCredential(**more).get_token(self._scope)

        try:
            return within(http.deadline, self.named, "azure-identity", ask)
        except (azure.core.exceptions.AzureError, ValueError) as error:
            # A library's own words can hold what it was given.
            text = f"{self.named.where}: azure-identity has no usable credentials ({type(error).__name__})"
            raise errors.Forbidden(f"{text}: see DefaultAzureCredential", key=self.named.uri) from None


def _encode(data: bytes) -> str:
    return base64.encode(data).rstrip("=").replace("+", "-").replace("/", "_")
