# SPDX-License-Identifier: GPL-3.0-or-later
"""A Vault with a transit engine and nothing else: it signs with real keys, and refuses what Vault refuses.

    with FakeVault("token") as vault:
        vault.add("release", "ecdsa-p256")
        ... VAULT_ADDR=vault.url ...

Source: Vault, api-docs/secret/transit, and builtin/logical/transit/path_{keys,sign_verify}.go for what it refuses.
"""

from __future__ import annotations

import base64
import http.server
import json
import threading
import typing as t

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

_SHA256 = Prehashed(hashes.SHA256())
_CURVES: dict[str, type[ec.EllipticCurve]] = {"ecdsa-p256": ec.SECP256R1, "ecdsa-p384": ec.SECP384R1}
_FIELDS = {"input", "prehashed", "key_version", "signature_algorithm", "hash_algorithm", "context"}


class _Refused(Exception):
    def __init__(self, status: int, *reasons: str) -> None:
        super().__init__(status)
        self.status, self.reasons = status, reasons


def _generate(kind: str) -> t.Any:
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    if kind.startswith("rsa-"):
        return rsa.generate_private_key(65537, int(kind[4:]))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    raise _Refused(400, f"unknown key type {kind}")


class FakeVault:
    """One server on a port of this machine. `versions` of a key are its private keys, the first is version 1."""

    def __init__(self, token: str = "canary-vault-token", mount: str = "transit") -> None:
        self.token, self.mount = token, mount
        self.kinds: dict[str, str] = {}
        self.versions: dict[str, list[t.Any]] = {}
        self.asked: list[str] = []
        self.namespaces: list[str | None] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, name: str, kind: str = "ecdsa-p256") -> None:
        """A key, or the next version of one that is there."""
        self.kinds.setdefault(name, kind)
        self.versions.setdefault(name, []).append(_generate(kind))

    def public_pem(self, name: str, version: int) -> bytes:
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        key = self.versions[name][version - 1].public_key()
        return t.cast(bytes, key.public_bytes(serialization.Encoding.PEM, info))

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(self, *_more: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, token: str | None, body: bytes) -> t.Any:
        """The document that Vault answers with; None for no content."""
        self.asked.append(f"{method} {path}")
        if token != self.token:
            raise _Refused(403, "permission denied", f"invalid token {token}")  # hostile: it says the token back
        root = f"/v1/{self.mount}/"
        if not path.startswith(root):
            raise _Refused(404, f"no handler for route {path!r}")
        what, _slash, rest = path.removeprefix(root).partition("/")
        if what == "keys":
            return self._key(rest) if method == "GET" else self._create(rest, json.loads(body or b"{}"))
        if what == "sign" and method in ("PUT", "POST"):
            name, _slash, algorithm = rest.partition("/")
            return self._sign(name, algorithm, json.loads(body))
        if what == "verify" and method in ("PUT", "POST"):
            return self._verify(rest.partition("/")[0], json.loads(body))
        raise _Refused(405, "unsupported operation")

    def _key(self, name: str) -> t.Any:
        if name not in self.versions:
            raise _Refused(404)
        kind, listed = self.kinds[name], {}
        for number, key in enumerate(self.versions[name], 1):
            public = key.public_key()
            text = self.public_pem(name, number).decode()
            if kind == "ed25519":
                raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
                text = base64.b64encode(raw).decode()
            listed[str(number)] = {"creation_time": "2026-11-01T00:00:00Z", "name": kind, "public_key": text}
        return {"data": {"name": name, "type": kind, "latest_version": len(listed), "keys": listed}}

    def _create(self, name: str, document: t.Any) -> None:
        if name not in self.versions:  # an existing key stays as it is, and nothing is said of it
            self.add(name, document.get("type", "aes256-gcm96"))

    def _sign(self, name: str, algorithm: str, document: t.Any) -> t.Any:
        if name not in self.versions:
            raise _Refused(400, "signing key not found")
        strange = set(document) - _FIELDS
        if strange or algorithm != "sha2-256" or document.get("prehashed") is not True:
            raise _Refused(400, f"a request that is not prehashed SHA-256: {sorted(strange)} {algorithm}")
        digest = base64.b64decode(document["input"], validate=True)
        if len(digest) != 32:
            raise _Refused(400, "invalid input length")
        version = int(document.get("key_version", 0)) or len(self.versions[name])
        if not 1 <= version <= len(self.versions[name]):
            raise _Refused(400, "cannot sign with this version")
        key, kind = self.versions[name][version - 1], self.kinds[name]
        if kind.startswith("rsa-"):
            if document.get("signature_algorithm") != "pkcs1v15":
                raise _Refused(400, "pss is not what cosign asks for")
            signature = key.sign(digest, padding.PKCS1v15(), _SHA256)
        elif kind == "ed25519":
            raise _Refused(400, "hash algorithm not supported for ed25519ph")
        else:
            signature = key.sign(digest, ec.ECDSA(_SHA256))
        return {
            "data": {"key_version": version, "signature": f"vault:v{version}:{base64.b64encode(signature).decode()}"}
        }

    def _verify(self, name: str, document: t.Any) -> t.Any:
        """What cosign asks, and we do not."""
        _vault, version, signature = document["signature"].split(":")
        key = self.versions[name][int(version[1:]) - 1].public_key()
        digest = base64.b64decode(document["input"], validate=True)
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(base64.b64decode(signature), digest, padding.PKCS1v15(), _SHA256)
            else:
                key.verify(base64.b64decode(signature), digest, ec.ECDSA(_SHA256))
        except InvalidSignature:
            return {"data": {"valid": False}}
        return {"data": {"valid": True}}

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        vault = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                vault.namespaces.append(self.headers.get("X-Vault-Namespace"))
                try:
                    found = vault.answer(self.command, self.path, self.headers.get("X-Vault-Token"), body)
                    status = 204 if found is None else 200
                except _Refused as refused:
                    status, found = refused.status, {"errors": list(refused.reasons)}
                content = b"" if found is None else json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = _serve  # noqa: N815  (the names that http.server calls)

            def log_message(self, *_arguments: t.Any) -> None:
                """Nothing."""

        return Handler
