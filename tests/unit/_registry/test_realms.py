# SPDX-License-Identifier: GPL-3.0-or-later
"""Realms of challenges: which of them get credentials."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._http.errors import BadAnswer
from ansible_collections.proven.gitops.plugins.module_utils._http.urls import Origin
from ansible_collections.proven.gitops.plugins.module_utils._registry.challenge import check_realm


def origin(url: str) -> Origin:
    return Origin.of(url, "test")


@pytest.mark.parametrize(
    ("home", "realm", "plain_http"),
    [
        ("https://registry-1.docker.io", "https://auth.docker.io/token", False),
        ("https://r.example", "https://r.example:8443/token", False),
        ("https://10.0.0.5:5000", "https://10.0.0.5:5000/token", False),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/token", False),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token", False),
        ("http://127.0.0.1:5000", "https://auth.example/token", False),
        ("http://r.example", "http://r.example/token", True),
        ("http://r.example", "http://auth.example/token", True),
    ],
)
def test_realms_that_get_credentials(home: str, realm: str, plain_http: bool) -> None:
    assert check_realm(origin(home), realm, plain_http=plain_http) == origin(realm)


@pytest.mark.parametrize(
    ("home", "realm", "plain_http"),
    [
        ("https://r.example", "http://auth.example/token", False),
        ("https://r.example", "http://r.example/token", False),
        ("http://127.0.0.1:5000", "http://auth.example/token", False),
        ("https://r.example", "https://169.254.169.254/token", False),
        ("https://r.example", "https://127.0.0.1/token", False),
        ("https://r.example", "https://localhost/token", False),
        ("https://r.example", "https://10.0.0.1/token", False),
        ("https://r.example", "https://192.168.1.1/token", False),
        ("https://r.example", "https://[::1]/token", False),
        ("https://r.example", "https://[fd00::1]/token", False),
        ("https://r.example", "https://[::ffff:10.0.0.1]/token", False),
        ("http://r.example", "http://169.254.169.254/latest/", True),
        ("http://127.0.0.1:5000", "https://127.0.0.2/token", False),
        ("https://r.example", "https://user@auth.example/token", False),
        ("https://r.example", "gopher://auth.example/token", False),
        ("https://r.example", "/token", False),
    ],
)
def test_realms_that_get_nothing(home: str, realm: str, plain_http: bool) -> None:
    with pytest.raises(BadAnswer, match="realm"):
        check_realm(origin(home), realm, plain_http=plain_http)
