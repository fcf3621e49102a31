# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Cloud KMS over its REST interface: `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K[/versions/N]`.

google-auth finds the credentials. The vendor's library would bring grpc and protobuf for two requests.
Sources: Cloud KMS REST reference, cryptoKeyVersions.{list,getPublicKey,asymmetricSign}; sigstore, …/kms/gcp (the URIs).
"""

from __future__ import annotations

import re
import threading
import typing as t

from .._shared import base64
from .._shared.requirements import third_party
from .._shared.shapes import mappings
from . import errors
from .google_wire import Wire
from .rest import Rest
from .store import StoredKey

with third_party():
    import google.auth
    import google.auth.exceptions

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Access, Named

ENDPOINT = "https://cloudkms.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/cloudkms"
_PART = r"[A-Za-z0-9:._-]{1,100}"
_KEY = rf"projects/{_PART}/locations/{_PART}/keyRings/{_PART}/cryptoKeys/{_PART}"
_URI = re.compile(rf"(?P<key>{_KEY})(?:/(?:cryptoKeyVersions|versions)/(?P<version>[0-9]{{1,10}}))?", re.ASCII)
_VERSION = re.compile(r".*/cryptoKeyVersions/([0-9]{1,10})")
_SIGNING = re.compile(r"EC_SIGN_P256_SHA256|RSA_SIGN_PKCS1_(?:2048|3072|4096)_SHA256")


class Google:
    """One version of a key."""

    def __init__(self, named: Named, access: Access, endpoint: str = ENDPOINT) -> None:
        self.named = named
        found = _URI.fullmatch(named.rest)
        if found is None:
            raise named.invalid(
                "it must be gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K, with or without /versions/N"
            )
        self._key, self._version = found["key"], found["version"] or ""
        self._wire = Wire(access)
        self._credentials: t.Any = None
        self._lock = threading.Lock()
        self._rest = Rest(named, endpoint, access, self._authorization)

    def public_key(self) -> StoredKey:
        version = self._version or self._newest()
        self._version = version
        answer = self._rest.get(f"/v1/{self._name}/publicKey")
        pem, algorithm = answer.get("pem"), str(answer.get("algorithm"))[:60]
        if not isinstance(pem, str) or answer.get("name", self._name) != self._name:
            raise self.named.bad("gives no public key of the version that was asked for")
        refusal = "" if _SIGNING.fullmatch(algorithm) else f"{algorithm} is not ECDSA or RSA PKCS#1 v1.5 by SHA-256"
        return StoredKey(self.named.load(pem.encode("utf-8", "replace")), version, refusal)

    def sign(self, digest: bytes) -> bytes:
        document = {"digest": {"sha256": base64.encode(digest)}}
        answer = self._rest.send("POST", f"/v1/{self._name}:asymmetricSign", document)
        if answer.get("name", self._name) != self._name:
            raise self.named.bad("gives a signature by another version than was asked for")
        try:
            return base64.decode(answer.get("signature"))
        except base64.NotBase64:
            raise self.named.bad("gives no signature") from None

    def creator(self) -> t.Callable[[], None]:
        raise self.named.invalid("keys are not made in Cloud KMS by this module: use gcloud kms keys create")

    @property
    def _name(self) -> str:
        return f"{self._key}/cryptoKeyVersions/{self._version}"

    def _newest(self) -> str:
        """The number of the newest version that is enabled."""
        answer = self._rest.get(f"/v1/{self._key}/cryptoKeyVersions?filter=state%3DENABLED&pageSize=1000")
        found = [_VERSION.fullmatch(str(one.get("name"))) for one in mappings(answer.get("cryptoKeyVersions"))]
        numbers = [int(one[1]) for one in found if one]
        if answer.get("nextPageToken"):
            raise self.named.invalid("it has more than 1000 versions: say which one, as /versions/N")
        if not numbers:
            raise errors.NoSuchKey(f"{self.named.where}: no version of the key is enabled", key=self.named.uri)
        return str(max(numbers))

    def _authorization(self) -> t.Mapping[str, str]:
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials, _project = google.auth.default(
                        scopes=[_SCOPE],
                        request=self._wire,  # type: ignore[arg-type]  # a function would do, too
                    )
                if not self._credentials.valid:
                    self._credentials.refresh(self._wire)
            except google.auth.exceptions.GoogleAuthError as error:
                # A library's own words can hold what it was given.
                text = f"{self.named.where}: google-auth has no usable credentials ({type(error).__name__})"
                raise errors.Forbidden(f"{text}: see Application Default Credentials", key=self.named.uri) from None
            return {"Authorization": f"Bearer {self._credentials.token}"}
