# SPDX-License-Identifier: GPL-3.0-or-later
"""The transit engine of Vault and OpenBao: `hashivault://KEY`, `openbao://KEY`.

Sources: Vault, api-docs/secret/transit; sigstore, pkg/signature/kms/hashivault (what cosign asks of it).
"""

from __future__ import annotations

import os
import re
import typing as t

from .._shared import base64
from .._shared.shapes import mapping, number
from .rest import Rest
from .store import StoredKey

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Access, Named

_KEY = re.compile(r"\w(?:[\w.-]*\w)?", re.ASCII)
_MOUNT = re.compile(r"[\w-]+(?:/[\w-]+)*", re.ASCII)
_SIGNATURE = re.compile(r"vault:v([1-9][0-9]{0,8}):([A-Za-z0-9+/=]{1,2048})")


class Vault:
    """One key of a transit engine."""

    def __init__(self, named: Named, access: Access) -> None:
        self.named = named
        self._version = 0
        mount = os.environ.get("TRANSIT_SECRET_ENGINE_PATH") or "transit"
        if not _KEY.fullmatch(named.rest):
            raise named.invalid(f"it must be {named.scheme}NAME, the name of a key in the transit engine")
        if not _MOUNT.fullmatch(mount):
            raise named.invalid("TRANSIT_SECRET_ENGINE_PATH is not the path of a secrets engine")
        token = access.token or _token_of_file()
        if not access.address:
            raise named.invalid("no server is named: give key_store.address, or set VAULT_ADDR")
        if not token:
            raise named.invalid("no token is given: give key_store.token, or set VAULT_TOKEN")
        access.register_secret(token)
        namespace = os.environ.get("VAULT_NAMESPACE")
        headers = {"X-Vault-Token": token, **({"X-Vault-Namespace": namespace} if namespace else {})}
        self._rest = Rest(named, access.address, access, lambda: headers)
        self._engine = f"/v1/{mount}"

    def public_key(self) -> StoredKey:
        data = mapping(self._rest.get(f"{self._engine}/keys/{self.named.rest}").get("data"))
        version = number(data.get("latest_version"))
        pem = mapping(mapping(data.get("keys")).get(str(version))).get("public_key")
        if not isinstance(pem, str) or not pem:
            raise self.named.bad("gives no public key: only a key that signs has one")
        self._version = version
        return StoredKey(self.named.load(pem.encode("utf-8", "replace")), str(version))

    def sign(self, digest: bytes) -> bytes:
        document = {
            "input": base64.encode(digest),
            "prehashed": True,
            "key_version": self._version,
            "signature_algorithm": "pkcs1v15",
        }
        answer = self._rest.send("PUT", f"{self._engine}/sign/{self.named.rest}/sha2-256", document)
        found = _SIGNATURE.fullmatch(str(mapping(answer.get("data")).get("signature")))
        if found is None or int(found[1]) != self._version:
            raise self.named.bad(f"gives no signature by version {self._version} of the key")
        try:
            return base64.decode(found[2])
        except base64.NotBase64:
            raise self.named.bad("gives a signature that is not base64") from None

    def creator(self) -> t.Callable[[], None]:
        def create() -> None:
            self._rest.send("PUT", f"{self._engine}/keys/{self.named.rest}", {"type": "ecdsa-p256"}, repeat=False)

        return create


def _token_of_file() -> str:
    """What `vault login` left."""
    try:
        with open(os.path.expanduser("~/.vault-token"), encoding="utf-8") as file:
            return file.read(4096).strip()
    except (OSError, UnicodeDecodeError):
        return ""
