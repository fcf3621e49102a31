# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret is known by what it is; and what is none stays readable."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import Scrubber
from ansible_collections.proven.gitops.plugins.module_utils._shared.secrets import find

_KEY = ec.generate_private_key(ec.SECP256R1())
_ENCODING, _PRIVATE = serialization.Encoding, serialization.PrivateFormat
PEM = _KEY.private_bytes(_ENCODING.PEM, _PRIVATE.PKCS8, serialization.NoEncryption()).decode()
SEC1 = _KEY.private_bytes(_ENCODING.PEM, _PRIVATE.TraditionalOpenSSL, serialization.NoEncryption()).decode()
DER = _KEY.private_bytes(_ENCODING.DER, _PRIVATE.PKCS8, serialization.NoEncryption())
PUBLIC = _KEY.public_key().public_bytes(_ENCODING.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
SECRET = "hunter2/+ü%"
MANIFEST = f"""apiVersion: v1
kind: ConfigMap
data:
  greeting: hello world
---
apiVersion: v1
kind: Secret
stringData:
  password: "{SECRET}"
  file: |
    first line of it
    second line of it
data:
  token: {base64.b64encode(b"canary-in-data").decode()}
"""


@pytest.mark.parametrize(
    "value",
    [
        f"http://user:{SECRET}@host:1",
        "http://user:hunter2%2F%2B%C3%BC%25@host:1",
        f"user:{SECRET}@registry.example/app:v1",
        f"https://user:{SECRET}@git.example/x.git#frag",
        f"oci://user:{SECRET}@r.example/app@sha256:{'a' * 64}",
        f"see http://user:{SECRET}@host/x, which failed",
        {"kind": "Secret", "stringData": {"a": SECRET}},
        {"kind": "Secret", "data": {"a": base64.b64encode(SECRET.encode()).decode()}},
        json.dumps([{"kind": "Secret", "stringData": {"a": SECRET}}]),
        {"files": [{"content": MANIFEST}]},
        MANIFEST + "\n  broken: [",
        json.dumps({"auths": {"r": {"auth": base64.b64encode(f"me:{SECRET}".encode()).decode()}}}),
        {"auths": {"r": {"identitytoken": SECRET}}},
        {"kind": "Config", "users": [{"name": "u", "user": {"token": SECRET}}]},
        {
            "kind": "Secret",
            "data": {
                ".dockerconfigjson": base64.b64encode(
                    json.dumps({"auths": {"r": {"auth": base64.b64encode(f"me:{SECRET}".encode()).decode()}}}).encode()
                ).decode()
            },
        },
    ],
)
def test_a_secret_in_whatever_it_stands_in(value: t.Any) -> None:
    scrubber = Scrubber(secrets=find(value))
    assert SECRET not in scrubber.hide(f"it was {SECRET}.")


@pytest.mark.parametrize("password", ["a#b", "p/w/x", "99/99", "p@ss", "x y", "a?b", "\\back"])
def test_a_password_that_nobody_escaped(password: str) -> None:
    for address in (f"http://user:{password}@host:1", f"http://user:{password}@host:99999"):
        assert password not in Scrubber(secrets=find(address)).hide(address)


@pytest.mark.parametrize(
    "key", [PEM, SEC1, PEM.replace("\n", "\\n"), PEM.rstrip()[:-26], " \n" + PEM, PEM.encode().hex()]
)
def test_a_private_key(key: str) -> None:
    if not key.lstrip().startswith("-"):
        assert find(key) == set()  # nobody gives a key in hexadecimal
        return
    hidden = Scrubber(secrets=find({"public_keys": [{"content": key}]})).hide(PEM + SEC1)
    assert key.strip().replace("\\n", "\n").splitlines()[1] not in hidden


def test_a_private_key_without_its_armour() -> None:
    for text in (base64.b64encode(DER).decode(), base64.b64encode(PEM.encode()).decode()):
        assert text not in Scrubber(secrets=find(text)).hide(text)
    assert PEM.splitlines()[1] not in Scrubber(secrets=find(base64.b64encode(PEM.encode()).decode())).hide(PEM)


def test_every_line_of_a_manifest() -> None:
    hidden = Scrubber(secrets=find(MANIFEST)).hide(MANIFEST + " canary-in-data")
    for secret in (SECRET, "first line of it", "second line of it", "canary-in-data"):
        assert secret not in hidden
    assert "hello world" in hidden


@pytest.mark.parametrize("token", ["ghp_" + "a1" * 15, "glpat-" + "a1" * 10, "eyJhbGciOiJ9.eyJzdWIiOiIxIn0.c2ln"])
def test_a_token_that_says_what_it_is(token: str) -> None:
    assert find(f"value {token}") == {token}
    assert find(f"https://{token}:x-oauth-basic@github.com/a/b") >= {token}


@pytest.mark.parametrize(
    "value",
    [
        PUBLIC,
        base64.b64encode(b"public, long enough to be taken for a key of some kind").decode(),
        f"localhost:5000/team/app:v1@sha256:{'a' * 64}",
        f"ghcr.io/org/app:1.2.3@sha256:{'a' * 64}",
        f"oci://10.0.0.1:5000/app@sha256:{'a' * 64}",
        "https://host:8443/path",
        "ssh://git@github.com/org/repo.git",
        "git@github.com:org/repo.git",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@host",
        "Fix: mail bob@example.com",
        "^https://github.com/org/repo/.github/workflows/release.yml@refs/heads/main$",
        {"kind": "ConfigMap", "data": {"a": "plain"}},
        None,
        [1, True, None, 1.5],
    ],
)
def test_what_is_no_secret_stays_readable(value: t.Any) -> None:
    assert find(value) == set()


def test_the_pin_of_an_hsm_in_a_uri() -> None:
    uri = "pkcs11:token=t;object=o?module-path=/lib.so&pin-value=a%2Db&x=1"
    assert find({"key": uri}) >= {"a%2Db", "a-b"}
    assert "lib" not in "".join(find({"key": uri}))
