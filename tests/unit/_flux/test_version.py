# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Flux version is, and what each can read."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.version import (
    NEWEST,
    OLDEST_SUPPORTED,
    FluxVersion,
    reads_bundles,
    reads_bundles_over_plain_http,
    signature_formats,
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
    ("text", "bundles", "plain_http", "formats"),
    [
        ("2.7.5", False, False, ("legacy",)),
        ("2.8", True, False, ("bundle", "legacy")),
        ("2.8.8", True, False, ("bundle", "legacy")),
        ("2.9", True, True, ("bundle", "legacy")),
        ("2.10.1", True, True, ("bundle", "legacy")),
    ],
)
def test_knows_what_each_release_reads(text: str, bundles: bool, plain_http: bool, formats: tuple[str, ...]) -> None:
    version = FluxVersion.parse(text)
    assert reads_bundles(version) is bundles
    assert reads_bundles_over_plain_http(version) is plain_http
    assert signature_formats(version) == formats
