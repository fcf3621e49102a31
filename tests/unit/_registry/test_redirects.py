# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a registry is, and where it may send us (facts/faults.md R11)."""

from __future__ import annotations

import json

import pytest
from support.wire import Wire
from support.wire_client import LOGIN, Authority, Connect

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import MANIFEST
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registries
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import BadAnswer, Unauthorized
from ansible_collections.proven.gitops.plugins.module_utils._registry.session import Session
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes

RAW = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "config": {}}).encode()
DIGEST = of_bytes(RAW)
TAG = "/v2/org/app/manifests/v1"


def headers(media_type: str = MANIFEST, digest: str | None = DIGEST, **more: str) -> dict[str, str]:
    found = {"Content-Type": media_type, **{name.replace("_", "-"): value for name, value in more.items()}}
    return found if digest is None else {**found, "Docker-Content-Digest": digest}


# Redirects, R11


@pytest.mark.fault("R11a")
def test_follows_a_redirect_without_credentials(connect: Connect) -> None:
    with Wire() as home, Wire() as elsewhere:
        home.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
        home.expect("GET", TAG, status=307, headers={"Location": f"{elsewhere.url}/store?signature=x"})
        elsewhere.expect("GET", "/store?signature=x", headers=headers(), body=RAW, sent={"Authorization": None})
        assert connect(home, LOGIN).get_manifest("org/app", "v1") == (RAW, MANIFEST)


@pytest.mark.fault("R11a")
def test_credentials_do_not_come_back_from_elsewhere(connect: Connect) -> None:
    with Wire() as home, Wire() as elsewhere:
        home.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
        home.expect("GET", TAG, status=302, headers={"Location": f"{elsewhere.url}/a"})
        elsewhere.expect("GET", "/a", status=302, headers={"Location": f"{home.url}/v2/org/secret/manifests/v1"})
        home.expect("GET", "/v2/org/secret/manifests/v1", status=401, sent={"Authorization": None})
        with pytest.raises(Unauthorized):
            connect(home, LOGIN).get_manifest("org/app", "v1")


def test_a_redirect_at_home_keeps_them(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
    wire.expect("GET", TAG, status=308, headers={"Location": "/v2/org/new/manifests/v1"})
    wire.expect("GET", "/v2/org/new/manifests/v1", headers=headers(), body=RAW)
    assert connect(wire, LOGIN).get_manifest("org/app", "v1") is not None
    assert "Authorization" in wire.seen[-1].headers


@pytest.mark.fault("R11a")
def test_a_challenge_from_elsewhere_is_not_answered(connect: Connect) -> None:
    with Wire() as home, Wire() as elsewhere:
        home.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
        home.expect("GET", TAG, status=302, headers={"Location": f"{elsewhere.url}/a"})
        elsewhere.expect("GET", "/a", status=401, headers={"WWW-Authenticate": 'Basic realm="give"'})
        with pytest.raises(BadAnswer, match=f"{elsewhere.host}, where it redirects, answers 401"):
            connect(home, LOGIN).get_manifest("org/app", "v1")


@pytest.mark.fault("R16a")
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_404_from_elsewhere_is_not_none(connect: Connect, method: str) -> None:
    with Wire() as home, Wire() as elsewhere:
        for verb in ("HEAD", "GET")[("HEAD", "GET").index(method) :]:
            home.expect(verb, TAG, status=302, headers={"Location": f"{elsewhere.url}/a"})
            elsewhere.expect(verb, "/a", status=404)
        registry = connect(home)
        with pytest.raises(BadAnswer, match="where it redirects, answers 404"):
            registry.resolve("org/app", "v1") if method == "HEAD" else registry.get_manifest("org/app", "v1")


@pytest.mark.fault("R11a")
@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/", "file:///etc/passwd", "https://localhost:1/", "", "https://u@x/"]
)
def test_redirects_that_are_not_followed(wire: Wire, connect: Connect, location: str) -> None:
    """The registry is `home.test`, so this machine is a foreign place to it."""
    wire.expect("GET", TAG, status=302, headers={"Location": location} if location else {})
    with pytest.raises(BadAnswer, match="redirect of"):
        connect(f"home.test:{wire.host.partition(':')[2]}", insecure=True).get_manifest("org/app", "v1")


@pytest.mark.fault("R11a")
@pytest.mark.usefixtures("names")
def test_no_redirect_from_https_to_http(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("r.test"), "r.test") as home, Wire(name="r.test") as plain:
        home.expect("GET", TAG, status=302, headers={"Location": f"{plain.url}{TAG}"})
        with pytest.raises(BadAnswer, match="from https to plain http"):
            connect(home, ca_path=authority.ca_path).get_manifest("org/app", "v1")
    assert plain.seen == []


@pytest.mark.fault("R11c")
def test_a_circle_ends(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", TAG, status=302, headers={"Location": TAG}, always=True)
    with pytest.raises(BadAnswer, match="more than 5 redirects"):
        connect(wire).get_manifest("org/app", "v1")
    assert len(wire.seen) == 6


# Names of registries


@pytest.mark.parametrize(
    ("host", "repository", "url"),
    [
        ("docker.io", "library/alpine", "https://registry-1.docker.io/v2/library/alpine/x"),
        ("docker.io", "org/app", "https://registry-1.docker.io/v2/org/app/x"),
        ("ghcr.io", "app", "https://ghcr.io/v2/app/x"),
        ("localhost:5000", "app", "http://localhost:5000/v2/app/x"),
        ("[::1]:5000", "app", "http://[::1]:5000/v2/app/x"),
        ("127.0.0.2", "app", "http://127.0.0.2/v2/app/x"),
        ("10.0.0.1:5000", "app", "https://10.0.0.1:5000/v2/app/x"),
    ],
)
def test_where_a_registry_is(connect: Connect, host: str, repository: str, url: str) -> None:
    session: Session = connect(host).session
    assert session.url(repository, "x") == url


def test_registries_are_made_once() -> None:
    registries = Registries(ConnectionSettings(), CredentialStore(environ={}))
    assert registries.get("a.example") is registries.get("a.example")
    assert registries.get("a.example") is not registries.get("b.example")
