# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs on the way up: whole, flat in memory, and with credentials only at home (facts/faults.md R3, R10)."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest
from support.registry import running_registry
from support.wire import Wire
from support.wire_client import LOGIN, Authority, Connect

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Descriptor, Manifest
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import (
    BadAnswer,
    Refused,
    Unauthorized,
    Unreachable,
)
from ansible_collections.proven.gitops.plugins.module_utils._registry.uploads import SourceChanged, upload_blob
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes

DATA = bytes(range(256)) * 1000
BLOB = Descriptor.of("application/octet-stream", DATA)
PATH = f"/v2/a/blobs/{BLOB.digest}"
START = "/v2/a/blobs/uploads/"
DIGEST = BLOB.digest.replace(":", "%3A")


def source() -> t.BinaryIO:
    return io.BytesIO(DATA)


# Up


def start(wire: Wire, location: str | None = "/up/1?state=x", status: int = 202) -> None:
    wire.expect("HEAD", PATH, status=404)
    headers = {} if location is None else {"Location": location}
    wire.expect("POST", START, status=status, headers=headers, sent={"Content-Length": "0"})


def put(wire: Wire, target: str = f"/up/1?state=x&digest={DIGEST}", **more: t.Any) -> None:
    wire.expect("PUT", target, **{"status": 201, **more})


def test_uploads_in_one_piece(wire: Wire, connect: Connect) -> None:
    start(wire)
    sent = {"Content-Length": "256000", "Content-Type": "application/octet-stream", "Transfer-Encoding": None}
    put(wire, sent=sent, sent_body=DATA, headers={"Docker-Content-Digest": BLOB.digest})
    amounts: list[int] = []
    assert upload_blob(connect(wire), "a", BLOB, source, amounts.append) is True
    assert sum(amounts) == len(DATA)
    assert len(amounts) > 1


def test_what_is_there_is_not_sent(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", PATH)
    amounts: list[int] = []
    assert upload_blob(connect(wire), "a", BLOB, source, amounts.append) is False
    assert amounts == [len(DATA)]


def test_an_empty_blob_is_sent(wire: Wire, connect: Connect) -> None:
    empty = Descriptor.of("x", b"")
    wire.expect("HEAD", f"/v2/a/blobs/{empty.digest}", status=404)
    wire.expect("POST", START, status=202, headers={"Location": "/up"})
    wire.expect("PUT", f"/up?digest={empty.digest.replace(':', '%3A')}", status=201, sent={"Content-Length": "0"})
    assert upload_blob(connect(wire), "a", empty, lambda: io.BytesIO(b""))


def test_every_source_is_closed(wire: Wire, connect: Connect) -> None:
    opened: list[t.BinaryIO] = []

    def open_one() -> t.BinaryIO:
        opened.append(io.BytesIO(DATA))
        return opened[-1]

    for _turn in range(2):
        start(wire)
        put(wire, status=500)
    start(wire)
    put(wire)
    assert upload_blob(connect(wire), "a", BLOB, open_one)
    assert [file.closed for file in opened] == [True, True, True]


@pytest.mark.fault("R3b")
@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}, {"raw": b""}, {"reset": True, "read": 1000}])
def test_a_broken_upload_starts_anew(wire: Wire, connect: Connect, fault: dict[str, t.Any]) -> None:
    start(wire, "/up/1?state=x")
    put(wire, **fault)
    start(wire, "/up/2")
    put(wire, f"/up/2?digest={DIGEST}", sent_body=DATA)
    amounts: list[int] = []
    assert upload_blob(connect(wire), "a", BLOB, source, amounts.append)
    assert sum(amounts) == len(DATA)  # what the first attempt had counted was taken back


def test_a_lost_answer_is_not_a_lost_blob(wire: Wire, connect: Connect) -> None:
    start(wire)
    put(wire, raw=b"")
    wire.expect("HEAD", PATH)
    amounts: list[int] = []
    assert upload_blob(connect(wire), "a", BLOB, source, amounts.append) is True
    assert sum(amounts) == len(DATA)


def test_an_upload_that_always_breaks(wire: Wire, connect: Connect) -> None:
    for _turn in range(3):
        start(wire)
        put(wire, reset=True)
    amounts: list[int] = []
    with pytest.raises(Unreachable, match="3 attempts") as caught:
        upload_blob(connect(wire), "a", BLOB, source, amounts.append)
    assert wire.host in caught.value.message
    assert sum(amounts) == 0


def test_retry_after_of_an_upload_is_heeded(wire: Wire, connect: Connect) -> None:
    start(wire)
    put(wire, status=429, headers={"Retry-After": "60"})
    with pytest.raises(Unreachable, match="it asks to wait 60 s"):
        upload_blob(connect(wire), "a", BLOB, source)


@pytest.mark.fault("R12a")
def test_an_expired_token_in_the_middle(wire: Wire, connect: Connect) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="{wire.url}/token"'}
    wire.expect("GET", "/v2/", status=401, headers=challenge)
    wire.expect("GET", None, body=b'{"token": "first"}')
    start(wire)
    put(wire, status=401, headers=challenge, sent={"Authorization": "Bearer first"})
    wire.expect("GET", None, body=b'{"token": "second"}')
    put(wire, sent={"Authorization": "Bearer second"}, sent_body=DATA)
    amounts: list[int] = []
    assert upload_blob(connect(wire, LOGIN), "a", BLOB, source, amounts.append)
    assert sum(amounts) == len(DATA)


def test_refused_while_it_is_sent(wire: Wire, connect: Connect) -> None:
    """The registry answers and closes before it has read the body: its reason must not be lost in the noise."""
    big = Descriptor.of("x", bytes(8_000_000))
    wire.expect("HEAD", f"/v2/a/blobs/{big.digest}", status=404, always=True)
    wire.expect("POST", START, status=202, headers={"Location": "/up"}, always=True)
    refusal: dict[str, t.Any] = {"status": 413, "read": 1000, "body": b'{"errors": [{"code": "SIZE_INVALID"}]}'}
    wire.expect("PUT", None, always=True, **refusal)
    with pytest.raises((Refused, Unreachable)):
        upload_blob(connect(wire, retries=1), "a", big, lambda: io.BytesIO(bytes(big.size)))


def test_refused_after_it_was_sent(wire: Wire, connect: Connect) -> None:
    start(wire)
    put(wire, status=400, body=b'{"errors": [{"code": "DIGEST_INVALID", "message": "no"}]}')
    with pytest.raises(Refused, match="DIGEST_INVALID: no"):
        upload_blob(connect(wire), "a", BLOB, source)


def test_not_allowed_to_push(wire: Wire, connect: Connect) -> None:
    start(wire, None, 403)
    with pytest.raises(Unauthorized, match="POST /v2/a/blobs/uploads/: 403 Forbidden"):
        upload_blob(connect(wire), "a", BLOB, source)


def test_a_registry_that_stored_another_digest(wire: Wire, connect: Connect) -> None:
    start(wire)
    put(wire, headers={"Docker-Content-Digest": of_bytes(b"x")})
    with pytest.raises(BadAnswer, match="another digest"):
        upload_blob(connect(wire), "a", BLOB, source)


@pytest.mark.parametrize("data", [DATA + b"x", DATA[:-1], b""], ids=["longer", "shorter", "empty"])
def test_a_source_that_has_changed(wire: Wire, connect: Connect, data: bytes) -> None:
    start(wire)
    wire.expect("PUT", None, always=True, status=201)
    with pytest.raises(SourceChanged, match="no longer 256000 bytes"):
        upload_blob(connect(wire), "a", BLOB, lambda: io.BytesIO(data))


def test_a_source_that_cannot_be_read(wire: Wire, connect: Connect) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    start(wire)
    wire.expect("PUT", None, always=True, status=201)
    with pytest.raises(SourceChanged, match="Input/output error"):  # a bad disk is no bad network: no second try
        upload_blob(connect(wire), "a", BLOB, Broken)


# Where to, R10


def test_an_absolute_location_at_home(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
    start(wire, f"{wire.url}/up/1?state=x")
    put(wire)
    assert upload_blob(connect(wire, LOGIN), "a", BLOB, source)
    assert "Authorization" in wire.seen[-1].headers


@pytest.mark.fault("R10")
def test_a_location_elsewhere_gets_no_credentials(connect: Connect) -> None:
    """CVE-2026-50151: also where only the port differs (GHSA-vh4v-2xq2-g5cg)."""
    with Wire() as home, Wire() as elsewhere:
        home.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
        start(home, f"{elsewhere.url}/up")
        elsewhere.expect("PUT", f"/up?digest={DIGEST}", status=201, sent={"Authorization": None}, sent_body=DATA)
        assert upload_blob(connect(home, LOGIN), "a", BLOB, source)


@pytest.mark.fault("R10")
def test_a_challenge_of_a_location_elsewhere_is_not_answered(connect: Connect) -> None:
    with Wire() as home, Wire() as elsewhere:
        home.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
        start(home, f"{elsewhere.url}/up")
        elsewhere.expect("PUT", None, status=401, headers={"WWW-Authenticate": "Basic"})
        with pytest.raises(BadAnswer, match="answers 401"):
            upload_blob(connect(home, LOGIN), "a", BLOB, source)
        assert len(elsewhere.seen) == 1


@pytest.mark.fault("R10")
@pytest.mark.usefixtures("names")
def test_no_location_from_https_to_http(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("r.test"), "r.test") as home, Wire(name="r.test") as plain:
        start(home, f"{plain.url}/up")
        with pytest.raises(BadAnswer, match="upload location: it leads from https to plain http"):
            upload_blob(connect(home, ca_path=authority.ca_path), "a", BLOB, source)
    assert plain.seen == []


@pytest.mark.fault("R10")
@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    "location",
    [None, "", "http://169.254.169.254/", "http://localhost:2375/", "ftp://x/", "http://u:p@x/", "http://a b/"],
)
def test_locations_that_get_nothing(wire: Wire, connect: Connect, location: str | None) -> None:
    start(wire, location)
    with pytest.raises(BadAnswer, match="upload location"):
        upload_blob(connect(f"home.test:{wire.host.partition(':')[2]}", insecure=True), "a", BLOB, source)


# Memory and threads

UPLOAD = """
import resource, sys
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Descriptor, Manifest
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registries
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
from ansible_collections.proven.gitops.plugins.module_utils._registry.uploads import upload_blob
host, path, digest, size = sys.argv[1:]
blob = Descriptor("application/octet-stream", digest, int(size))
registry = Registries(ConnectionSettings(), CredentialStore(environ={})).get(host)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert upload_blob(registry, "a", blob, lambda: open(path, "rb"))
for piece in registry.stream_blob("a", blob, blob.size):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_flat(tmp_path: Path) -> None:
    size = 64 * 1024 * 1024
    path = tmp_path / "blob"
    with path.open("wb") as file:
        file.truncate(size)
    with path.open("rb") as file:
        digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with running_registry(tmp_path) as registry:
        argv = [sys.executable, "-c", UPLOAD, registry.address, str(path), digest, str(size)]
        output = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True, timeout=60).stdout
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(output) * unit < 8 * 1024 * 1024


def test_many_threads_share_one_client(tmp_path: Path, connect: Connect) -> None:
    with running_registry(tmp_path, username="alice", password="correct horse", auth="bearer") as running:
        registry = connect(running.address, LOGIN, timeout=20, deadline=60)
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                data = os.urandom(1000) * (number + 1)
                blob = Descriptor.of("x", data)
                assert upload_blob(registry, "a", blob, lambda: io.BytesIO(data))
                assert registry.get_blob("a", blob, len(data)) == data
                manifest = Manifest.build(blob, [blob])
                registry.put_manifest("a", f"t{number}", manifest.raw, manifest.media_type)
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        tokens = [seen.target for seen in running.requests if seen.target.startswith("/token")]
        assert len(tokens) == len(set(tokens))
