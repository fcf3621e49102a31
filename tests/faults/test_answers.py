# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP answers byte for byte: whatever comes, it is an answer that keeps its promises, or one of the port's errors."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.reading import read_or_refuse
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Descriptor, Manifest
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import Credentials, CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import RegistryError
from ansible_collections.proven.gitops.plugins.module_utils._registry.referrers import list_referrers
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes

LAYER = Descriptor.of("application/x", b"layer")
RAW = Manifest.build(LAYER, [LAYER]).raw
PASSWORD = "canary-password"
some = settings(max_examples=60)

OK = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nDocker-Content-Digest: %s\r\nContent-Length: %d\r\n\r\n" % (
    json.loads(RAW)["mediaType"].encode(),
    of_bytes(RAW).encode(),
    len(RAW),
)
GOOD = OK + RAW
NONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(RAW), RAW)
_NO_API = re.compile(rb"HTTP/1\.\S*\s+(30[12378]|40[0456]|501)\b")
_FOUR = re.compile(rb"HTTP/1\.\S*\s+404\b")


class Raw:
    """A registry that answers everything with the same bytes."""

    def __init__(self, wire: Wire) -> None:
        for method in ("GET", "HEAD"):
            wire.expect(method, raw=b"", always=True)
        self._steps = wire._repeated
        settings = ConnectionSettings(timeout=2, deadline=2, retries=0)
        self.registry = Registry(wire.host, settings, CredentialStore(environ={"HOME": "/nonexistent"}))
        who = CredentialStore(Credentials("user", PASSWORD))
        self.known: t.Callable[[], Registry] = lambda: Registry(wire.host, settings, who)

    def answers(self, raw: bytes) -> None:
        self.registry.without_api.clear()  # what an answer before this one has taught
        for step in self._steps:
            step.raw = raw


@pytest.fixture(scope="module")
def raw() -> t.Iterator[Raw]:
    with Wire() as wire:
        yield Raw(wire)


def _spliced(*whole: bytes) -> st.SearchStrategy[bytes]:
    """One of these with a place cut, replaced or grown, or nothing like them."""
    pieces = st.sampled_from(
        [b"\r\n", b"\r\n\r\n", b"\n", b"\0", b" ", b":", b"404", b"100", b"9" * 30, b"-1", b"chunked"]
    )

    @st.composite
    def strategy(draw: st.DrawFn) -> bytes:
        text = draw(st.sampled_from(whole))
        where = draw(st.integers(0, min(len(text), 400)))
        return text[:where] + draw(pieces) + text[where + draw(st.integers(0, 6)) :]

    return strategy() | st.binary(max_size=60)


@pytest.mark.fault("P14")
@some
@given(answer=_spliced(GOOD, NONE, CHUNKED))
def test_a_manifest(raw: Raw, answer: bytes) -> None:
    raw.answers(answer)
    found, error = read_or_refuse(lambda: raw.registry.get_manifest("a", of_bytes(RAW)), RegistryError)
    if error is not None:
        assert error.message.isprintable()
    elif found is None:
        # "There is none" takes a whole head that says so.
        assert _FOUR.search(answer)
        assert re.search(rb"\r?\n\r?\n", answer)
    else:
        assert found[0] == RAW


INDEX = json.dumps(
    {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
).encode()
KIND = b"\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\n"
LISTED = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\nContent-Length: %d\r\n\r\n%s"


@pytest.mark.fault("P14", "P11")
@some
@given(answer=_spliced(LISTED % (len(INDEX), INDEX), NONE, GOOD))
def test_a_list_of_referrers(raw: Raw, answer: bytes) -> None:
    raw.answers(answer)
    found, error = read_or_refuse(lambda: list_referrers(raw.registry, "a", of_bytes(RAW)), RegistryError)
    if found is None:
        assert error is not None
        assert error.message.isprintable()
        return
    assert re.search(rb"\r?\n\r?\n", answer)
    # "No such API" takes a status that says so, or another kind of document (a web page, as GHCR has it).
    assert found.api or _NO_API.search(answer) or KIND not in answer


TOKEN = b'HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{"token": "abcdefghijkl","expires_in": 60}'
ASK = (
    b'HTTP/1.1 401 x\r\nWWW-Authenticate: Bearer realm="/token",service="%s"\r\nContent-Length: 0\r\n\r\n'
    % PASSWORD.encode()
)


@pytest.mark.fault("P15")
@some
@given(answer=_spliced(TOKEN, ASK, b"HTTP/1.1 403 x\r\n\r\nsorry, " + PASSWORD.encode()))
def test_a_refusal_or_a_token(raw: Raw, answer: bytes) -> None:
    raw.answers(answer)
    _found, error = read_or_refuse(lambda: raw.known().get_manifest("a", "v1"), RegistryError)
    if error is not None:
        assert PASSWORD not in json.dumps(error.as_failure())
