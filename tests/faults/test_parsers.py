# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever bytes come: each parser reads them or raises its one error, and what it has read keeps its promises."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import json
import re
import tarfile
import typing as t
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.json_fuzz import json_values, mutate
from support.reading import read_or_refuse

from ansible_collections.proven.gitops.plugins.module_utils._artifact import gunzip
from ansible_collections.proven.gitops.plugins.module_utils._artifact.archive import Archive
from ansible_collections.proven.gitops.plugins.module_utils._artifact.limits import Limits, UnsafeArchive
from ansible_collections.proven.gitops.plugins.module_utils._cosign import pem as pem_text
from ansible_collections.proven.gitops.plugins.module_utils._cosign.encrypted import WrongPassphrase
from ansible_collections.proven.gitops.plugins.module_utils._cosign.pem import UnreadableKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._http import urls
from ansible_collections.proven.gitops.plugins.module_utils._http.errors import BadAnswer
from ansible_collections.proven.gitops.plugins.module_utils._http.urls import Origin
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import (
    INDEX,
    MANIFEST,
    Descriptor,
    MalformedManifest,
    Manifest,
    build_index,
    parse_index,
)
from ansible_collections.proven.gitops.plugins.module_utils._registry import challenge
from ansible_collections.proven.gitops.plugins.module_utils._registry.docker_config import DockerConfig
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import CredentialsError
from ansible_collections.proven.gitops.plugins.module_utils._shared import strict_json
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import InvalidDigest, check_syntax
from ansible_collections.proven.gitops.plugins.module_utils._shared.strict_json import MalformedJson

DIGEST = "sha256:" + "a1" * 32
CANARY = "canary-secret"
many = settings(max_examples=100)  # `make fuzz` tries as many again and again


words = st.sampled_from(
    f"""schemaVersion mediaType config layers Layers manifests subject annotations artifactType digest size data urls
    {MANIFEST} {INDEX} {DIGEST} auths credHelpers credsStore auth username password identitytoken registrytoken
    r.example https://r.example/v1/ kdf name scrypt params N r p salt cipher nonce ciphertext nacl/secretbox
    AA==""".split()
)
values = json_values(words, max_leaves=16)


@st.composite
def damaged(draw: st.DrawFn, document: bytes) -> bytes:
    """A document with one value replaced, or with one place of its bytes."""
    if draw(st.booleans()):
        return mutate(document, draw(st.integers(0, 999)), draw(values))
    where = draw(st.integers(0, len(document)))
    return document[:where] + draw(st.binary(max_size=4)) + document[where + draw(st.integers(0, 4)) :]


@pytest.mark.fault("P2")
@many
@given(values | st.from_regex(r"(sha256|sha512|md5|SHA256)?:?[0-9a-fA-F./]{0,130}\n?", fullmatch=True))
def test_digests(value: object) -> None:
    found, error = read_or_refuse(lambda: check_syntax(value), InvalidDigest)
    if error is not None:
        assert error.message.isprintable()
        return
    assert found == value
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", str(value), re.ASCII)


@pytest.mark.fault("P10")
@many
@given(damaged(json.dumps({"a": [1, 2.5, "é", None, True], "b": {"c": "\u2028", "d": "\\ud800"}}).encode()))
def test_json_has_one_reading(raw: bytes) -> None:
    try:
        value = strict_json.loads(raw, "it")
    except MalformedJson:
        return
    # Whoever reads it again, from bytes of ours, finds the same.
    assert json.loads(strict_json.compact(value)) == json.loads(raw)


LAYER = Descriptor.of("application/x", b"layer", {"a": "b"})
IMAGE = Manifest.build(LAYER, [LAYER], annotations={"x": "y"}, subject=LAYER, artifact_type="application/y")
LIST = build_index([IMAGE.descriptor, LAYER])


@pytest.mark.fault("P11")
@many
@given(damaged(IMAGE.raw))
def test_manifests(raw: bytes) -> None:
    try:
        found = Manifest.parse(raw)
    except (MalformedManifest, MalformedJson):
        return
    assert found.raw == raw
    assert found.digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    for descriptor in (found.config, *found.layers, *([found.subject] if found.subject else [])):
        assert check_syntax(descriptor.digest)
        assert 0 <= descriptor.size < 2**63
    assert "manifests" not in json.loads(raw)


@pytest.mark.fault("P11")
@many
@given(damaged(LIST))
def test_lists_of_referrers(raw: bytes) -> None:
    with contextlib.suppress(MalformedManifest, MalformedJson):
        for entry in parse_index(raw):
            assert check_syntax(entry.digest)
            assert 0 <= entry.size < 2**63


CONFIG = {
    "auths": {
        "r.example": {"auth": base64.b64encode(f"user:{CANARY}".encode()).decode()},
        "https://r.example/team": {"username": "u", "password": CANARY, "identitytoken": CANARY},
    },
    "credHelpers": {"h.example": "none"},
    "credsStore": "none",
}


@pytest.mark.fault("P8")
@many
@given(damaged(json.dumps(CONFIG).encode()), st.sampled_from(["team/app", "x", ""]))
def test_docker_configurations(raw: bytes, repository: str) -> None:
    """No helper can be found: what is tried here is the file."""
    notes: list[str] = []

    def find() -> object:
        return DockerConfig("config.json", raw, {"PATH": "/nonexistent"}).find(("r.example",), repository, notes)

    found, error = read_or_refuse(find, CredentialsError)
    if error is not None:
        assert CANARY not in json.dumps(error.as_failure())
        assert error.message.startswith("config.json")
    assert CANARY not in repr(found)
    assert CANARY not in " ".join(notes)


token = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@pytest.mark.fault("P9")
@many
@given(st.dictionaries(token.map(str.lower), printable, min_size=1, max_size=5), st.text(max_size=20))
def test_challenges_that_are_written_are_read(parameters: dict[str, str], rest: str) -> None:
    escaped = {name: re.sub(r'(["\\])', r"\\\1", value) for name, value in parameters.items()}
    text = "Bearer " + ",".join(f'{name}="{value}"' for name, value in escaped.items())
    assert challenge.parse([text]) == [challenge.Challenge("bearer", parameters)]
    challenge.choose(challenge.parse([text + rest, rest]))


@pytest.mark.fault("P9")
@many
@given(st.lists(st.text(max_size=40) | st.from_regex(r'(Bearer|Basic)( [a-z]="?[^"]{0,5}"?,?){0,2}'), max_size=2))
def test_any_challenge(headers: list[str]) -> None:
    found = challenge.parse(headers)
    chosen = challenge.choose(found)
    assert chosen is None or (chosen in found and chosen.scheme in ("bearer", "basic"))


addresses = st.text(max_size=40) | st.from_regex(
    r"(https?:|HTTP:|ftp:|)(//)?(user(:x)?@)?"
    r"(r\.example|10\.0\.0\.1|127\.0\.0\.1|\[::1\]|\[::ffff:7f00:1\]|169\.254\.169\.254|localhost|0|2130706433)?"
    r"(:[0-9]{0,6})?(/[a-z./\\%?#@]{0,9})?",
    fullmatch=True,
)
HOME = Origin("https", "r.example", 443)


@pytest.mark.fault("P13")
@settings(max_examples=200)
@given(addresses)
def test_locations(location: str) -> None:
    try:
        url = urls.join("https://r.example/v2/a/", location, "it")
        target = Origin.of(url, "it")
        urls.check_hop(HOME, HOME, target, "it")
    except BadAnswer:
        return
    assert url.isascii()
    assert url.isprintable()
    parts = urlsplit(url)
    assert (parts.scheme, (parts.hostname or "").lower(), parts.username) == ("https", target.host, None)
    assert not target.loopback
    assert target.address is None or not target.address.is_link_local


@pytest.mark.fault("P13")
@settings(max_examples=200)
@given(addresses, st.booleans())
def test_realms(realm: str, plain_http: bool) -> None:
    try:
        target = challenge.check_realm(HOME, realm, plain_http=plain_http)
    except BadAnswer:
        return
    assert target.scheme == "https" or plain_http
    assert not target.loopback
    assert target.address is None or target.address.is_global


@pytest.mark.fault("P13")
@many
@given(st.lists(addresses.map(lambda url: f'<{url}>; rel="next"') | st.text(max_size=40), max_size=3))
def test_links(links: list[str]) -> None:
    with contextlib.suppress(BadAnswer):
        url = urls.next_page("https://r.example/v2/a", links, "it")
        assert url is None or Origin.of(url, "it") == HOME


@pytest.fixture(scope="module")
def sealed() -> t.Iterator[bytes]:
    """A key file; deriving its key costs nothing here, since what is tried is the reader."""
    real = hashlib.scrypt
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashlib, "scrypt", lambda password, **more: real(password, **{**more, "n": 2}))
        yield SigningKey.generate().encrypted_pem(b"pass")


@pytest.mark.fault("P5")
@many
@given(data=st.data())
def test_private_key_files(sealed: bytes, data: st.DataObject) -> None:
    label, document = pem_text.read_pem(sealed, "key")
    pem = pem_text.write_pem(label, data.draw(damaged(document)))
    passphrase = data.draw(st.sampled_from([b"pass", b"", b"pass\n"]))
    found, error = read_or_refuse(lambda: SigningKey.load(pem, passphrase, "key"), UnreadableKey, WrongPassphrase)
    if found is None:
        assert error is not None
        assert error.message.isprintable()
        return
    # An authenticated cipher: it opens only as what it was, by who knows the passphrase.
    assert passphrase == b"pass"
    assert found.public.pem == SigningKey.load(sealed, b"pass", "key").public.pem


@pytest.mark.fault("P7")
@many
@given(st.lists(st.binary(max_size=100), min_size=1, max_size=3), st.integers(0, 400), st.binary(max_size=3))
def test_gzip_streams(contents: list[bytes], where: int, change: bytes) -> None:
    raw = b"".join(gzip.compress(content) for content in contents)
    raw = raw[:where] + change + raw[where + len(change) :] if where < len(raw) else raw + change
    try:
        found = b"".join(gunzip.Gunzip(Limits()).inflate([raw]))
    except UnsafeArchive:
        return
    assert found == gzip.decompress(raw)


kinds = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"\0"])
paths = st.text(max_size=12) | st.from_regex(r"[./a-c]{1,12}|[ab]{90,160}(/[ab]{1,90})?", fullmatch=True)
members = st.lists(st.tuples(paths, kinds, st.binary(max_size=40), paths), max_size=5)


@pytest.mark.fault("P6")
@settings(max_examples=60)
@given(members, st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), st.data())
def test_archives_beside_pythons_own_reader(
    wanted: list[tuple[str, bytes, bytes, str]], style: int, data: st.DataObject
) -> None:
    """What we read, Python reads as well, with the same names and bytes: nothing is there for one of us only."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=style) as archive:
        for name, kind, content, target in wanted:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            info.size = len(content) if info.isreg() else 0
            with contextlib.suppress(ValueError, UnicodeEncodeError):
                archive.addfile(info, io.BytesIO(content))
    raw = bytearray(buffer.getvalue())
    for _turn in range(data.draw(st.integers(0, 2))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    ours = Archive([gzip.compress(bytes(raw), 1)])
    try:
        found = {member.name: b"".join(ours.content()) for member in ours if member.kind == "file"}
    except UnsafeArchive:
        return
    with tarfile.open(fileobj=io.BytesIO(bytes(raw)), mode="r:") as archive:
        files = [member for member in archive.getmembers() if member.isreg()]
        theirs = {_plain(member.name): archive.extractfile(member).read() for member in files}  # type: ignore[union-attr]
    assert found == theirs


def _plain(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))
