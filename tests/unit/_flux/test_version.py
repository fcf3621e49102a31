# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Flux version is, and what each can read."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.version import (
    NEWEST,
    OLDEST_SUPPORTED,
    FluxVersion,
    finds_bundles,
    reads_bundles,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2.8", (2, 8, 0)), ("v2.9.5", (2, 9, 5)), ("2.10", (2, 10, 0)), (" 2.7.5 ", (2, 7, 5)), ("2.1.0", (2, 1, 0))],
)
def test_parses(text: str, expected: tuple[int, int, int]) -> None:
    version = FluxVersion.parse(text)
    assert (version.major, version.minor, version.patch) == expected


@pytest.mark.parametrize(
    "text", ["", "2", "latest", "2.x", "2.8.0-rc.1", "2.08", "2.8.0.1", "2.8\n2.9", "-2.8", "\uff12.8", "2.99999"]
)
def test_refuses_what_is_no_release(text: str) -> None:
    with pytest.raises(InvalidOption, match=r"^flux_version: "):
        FluxVersion.parse(text)


def test_names_the_trap_of_an_unquoted_number() -> None:
    with pytest.raises(InvalidOption, match="quotes"):
        FluxVersion.parse("2.1")


def test_is_ordered_by_number_not_by_text() -> None:
    assert (
        FluxVersion.parse("2.10") > FluxVersion.parse("2.9.5") > FluxVersion.parse("2.9") > FluxVersion.parse("2.8.8")
    )
    assert OLDEST_SUPPORTED < NEWEST


def test_prints_the_whole_version() -> None:
    assert str(FluxVersion.parse("v2.8")) == "2.8.0"


@pytest.mark.parametrize(
    ("text", "bundles", "anywhere"),
    [
        ("2.7.5", False, False),
        ("2.8", True, False),
        ("2.8.8", True, False),
        ("2.9", True, True),
        ("2.10.1", True, True),
    ],
)
def test_knows_what_each_release_reads(text: str, bundles: bool, anywhere: bool) -> None:
    version = FluxVersion.parse(text)
    assert reads_bundles(version) is bundles
    assert finds_bundles(version, "r.example", plain_http=False) is bundles
    assert finds_bundles(version, "localhost:5000", plain_http=True) is bundles
    assert finds_bundles(version, "r.example:5000", plain_http=True) is anywhere


@pytest.mark.parametrize(
    ("host", "found"),
    [
        *((host, True) for host in ("localhost:5000", "127.0.0.1", "127.0.0.1:5000", "[::1]:5000", "[::1]")),
        *((host, True) for host in ("10.1.2.3:5000", "172.16.0.1", "172.31.9.9:1", "192.168.1.1:80", "r.localhost")),
        *((host, True) for host in ("kind.registry.localhost:5001",)),
        *((host, False) for host in ("localhost", "127.0.0.2:5000", "172.32.0.1", "192.169.0.1", "11.0.0.1:5000")),
        *((host, False) for host in ("registry:5000", "xlocalhost:5000", "r.localhost.example", "[::2]:5000")),
        *((host, False) for host in ("100.64.0.1:5000", "127.0.0.1.example:5000", "[::ffff:10.0.0.1]:5000")),
    ],
)
def test_flux_2_8_speaks_plain_http_where_go_containerregistry_does(host: str, found: bool) -> None:
    assert finds_bundles(FluxVersion.parse("2.8"), host, plain_http=True) is found
