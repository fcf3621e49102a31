# SPDX-License-Identifier: GPL-3.0-or-later
"""A page in a browser does not reach a registry without a login, whatever name it gives to this machine's address."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._embedded.hosts import Names
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import ApiError

OURS = Names(["registry.example", "0.0.0.0"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:5000",
        "[::1]:5000",
        "192.168.1.7",
        "localhost:5000",
        "LOCALHOST",
        "localhost.:5000",
        "a.localhost:1",
        "kind-registry:5000",
        "registry.example:5000",
        "Registry.Example.",
        f"{socket.gethostname()}:5000",
    ],
)
def test_names_of_its_own(host: str) -> None:
    OURS.check(host, None)
    OURS.check(host, f"http://{host}")


@pytest.mark.fault("R19")
@pytest.mark.parametrize(
    "host",
    [
        "evil.example:5000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "xlocalhost.com",
        "1.2.3",
        "",
        "a b",
        ".",
    ],
)
def test_names_of_others(host: str) -> None:
    with pytest.raises(ApiError, match="not its own") as caught:
        OURS.check(host, None)
    assert caught.value.status == 403
    Names(None).check(host, None)


@pytest.mark.fault("R19")
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://127.0.0.1:5001", "http://x@127.0.0.1:5000"]
)
@pytest.mark.parametrize("names", [OURS, Names(None)])
def test_pages_of_others(origin: str, names: Names) -> None:
    with pytest.raises(ApiError, match="another place"):
        names.check("127.0.0.1:5000", origin)
