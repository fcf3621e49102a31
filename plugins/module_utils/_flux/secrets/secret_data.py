# SPDX-License-Identifier: GPL-3.0-or-later
"""The two Secrets that a verified source needs, as data: the public keys that prove, and the login that fetches.

Sources: source-controller, docs/spec/v1/ocirepositories.md (every data key that ends in `.pub` is a public key, and any
one of them may have signed); Kubernetes, `kubernetes.io/dockerconfigjson`.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..._cosign.keys import PublicKey
from ..._cosign.pem import UnreadableKey
from ..._oci.reference import Reference, api_host
from ..._shared import base64, strict_json
from ..._shared.errors import InvalidOption
from ..._shared.strict_json import MalformedJson
from .trust import SUFFIX

LOGIN_FILE = ".dockerconfigjson"
HIDDEN = "(hidden)"
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}", re.ASCII)
_HUB = "https://index.docker.io/v1/"

Data = t.Mapping[str, bytes]


class Content(t.Protocol):
    """What a Secret is to hold. `type` is the Secret's, `data` its values."""

    type: t.ClassVar[str]

    @property
    def data(self) -> Data: ...

    def equal(self, name: str, value: bytes) -> bool:
        """Whether `value` says the same as ours under `name`, though perhaps in other bytes."""

    def shown(self, name: str, value: bytes) -> str:
        """What may be seen of a value."""


@dataclass(frozen=True)
class TrustedKeys:
    """Public keys, each under a name that ends in `.pub`; `origins` has the URIs of those that a key store gave."""

    type: t.ClassVar[str] = "Opaque"
    keys: t.Mapping[str, PublicKey]
    origins: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Data:
        return {name: key.pem for name, key in self.keys.items()}

    def equal(self, name: str, value: bytes) -> bool:
        return _fingerprint(value) == self.keys[name].fingerprint

    def replaced(self, live: Data) -> list[str]:
        """How the Secret differs from the key stores, a sentence each."""
        return [
            f"{name} is {self.shown(name, live[name])} in the cluster, and {self.keys[name].fingerprint} in {origin}"
            for name, origin in self.origins.items()
            if name in live and not self.equal(name, live[name])
        ]

    def shown(self, name: str, value: bytes) -> str:
        return (_fingerprint(value) or "(not a public key)") if name.endswith(SUFFIX) else HIDDEN


@dataclass(frozen=True)
class RegistryLogin:
    """A user name and a password for one registry, or for one path in it."""

    type: t.ClassVar[str] = "kubernetes.io/dockerconfigjson"
    server: str
    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """What Docker's configuration calls `auth`."""
        return base64.encode(f"{self.username}:{self.password}".encode())

    @property
    def data(self) -> Data:
        entry = {"username": self.username, "password": self.password, "auth": self.basic}
        return {LOGIN_FILE: strict_json.compact({"auths": {self.server: entry}})}

    @property
    def secrets(self) -> list[str]:
        """Every form in which the password could be seen."""
        whole = self.data[LOGIN_FILE]
        return [self.password, self.basic, whole.decode(), base64.encode(whole)]

    def equal(self, name: str, value: bytes) -> bool:
        del name
        return _logins(value) == [(self.server, self.username, self.password)]

    def shown(self, name: str, value: bytes) -> str:
        logins = _logins(value) if name == LOGIN_FILE else []
        return (
            ", ".join(f"{server} as {username}, password {HIDDEN}" for server, username, _password in logins) or HIDDEN
        )


def fingerprints(data: Data) -> set[str]:
    """The keys that Flux would find in a Secret with this data."""
    return {_fingerprint(value) for name, value in data.items() if name.endswith(SUFFIX)} - {""}


def check_key_name(name: str, option: str) -> str:
    """`name` itself; InvalidOption where Flux would not look at it, or a Secret cannot have it."""
    if not _DATA_KEY.fullmatch(name):
        raise InvalidOption(option, f"{name[:80]!r} is not a key of a Secret: letters, digits, '-', '_' and '.'")
    if not name.endswith(SUFFIX) or name == SUFFIX:
        raise InvalidOption(option, f"{name!r} must end in {SUFFIX}: Flux takes no other key of the Secret for a key")
    return name


def registry_of(text: str, option: str) -> Reference:
    """`host[:port]` or `host[:port]/path`, as a Reference; without a path, to any of its repositories."""
    bare = text.removeprefix("oci://")
    reference = Reference.parse(bare if "/" in bare else f"{bare}/any")
    if reference.tag or reference.digest:
        raise InvalidOption(option, f"{text[:80]!r} must be host[:port], or host[:port]/path, without a tag")
    return reference


def server_key(text: str) -> str:
    """The key of `auths` for a registry: what Flux's keychain looks for; Docker Hub has a name of its own."""
    bare = text.removeprefix("oci://")
    host = bare.partition("/")[0]
    return _HUB if api_host(host) != host or host == "registry-1.docker.io" else bare


def _fingerprint(value: bytes) -> str:
    try:
        return PublicKey.load(value, "Secret").fingerprint
    except UnreadableKey:
        return ""


def _logins(value: bytes) -> list[tuple[str, str, str]]:
    """Server, user name and password of each entry; the password only for comparison."""
    try:
        auths = strict_json.load_object(value, "Secret").get("auths")
    except MalformedJson:
        return []
    found = []
    for server, entry in auths.items() if isinstance(auths, dict) else []:
        login = entry if isinstance(entry, dict) else {}
        found.append((server, str(login.get("username", "")), str(login.get("password", ""))))
    return found
