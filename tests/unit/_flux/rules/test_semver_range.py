# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions. The lists agree with Masterminds/semver 3.5.0."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.semver_range import (
    InvalidRange,
    check,
    is_version,
    precedence,
)


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "x",
        "1",
        "v1.2",
        "1.2.x",
        ">= 1.2.0, < 2.0.0",
        ">=1.2.0 <2",
        "=>1 , =<2",
        "~1.4 || ~> 2.1 || ^3",
        "!=1.5.0",
        "1.2 - 1.4.5",
        "1.0 - 2.0 || 4.x",
        ">=1.0.0-0",
        "1.2.3-rc.1+build.5",
        "  1.2.3  ",
        "01.2",
    ],
)
def test_takes_what_flux_parses(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "latest",
        "1.2.3.4",
        "1..2",
        ">1<2",
        "^^1",
        "1 ||",
        "|| 1",
        "1,,2",
        ">=",
        "1 -",
        "1.2.3-rc..1",
        "1.2.3-01",
        "1 - 99999999999999999999",
        "1" * 600,
        " || ".join(["1"] * 33),
    ],
)
def test_refuses_what_flux_does_not_parse(text: str) -> None:
    with pytest.raises(InvalidRange):
        check(text)


@pytest.mark.parametrize(
    ("tag", "answer"),
    [
        ("1.9.1", True),
        ("v1.9.1", True),
        ("1.0.0-rc.1", True),
        ("1.0.0_build.5", False),
        ("0.0.0", True),
        ("1.9", False),
        ("1", False),
        ("01.0.0", False),
        ("main-3f2a1c", False),
        ("latest", False),
        ("1.0.0-", False),
        ("1.0.0 ", False),
    ],
)
def test_what_a_range_can_select(tag: str, answer: bool) -> None:
    assert is_version(tag) is answer


def test_versions_are_sorted_as_semver_does() -> None:
    """The example of section 11, with what the library of Flux takes besides."""
    before = "0.9.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1"
    versions = [*before.split(), "v1.0.0", "1.2.0", "1.10.0"]
    assert sorted(versions[5:] + versions[:5], key=lambda version: precedence(version) or ()) == versions
    assert precedence("1.0.0+b") == precedence("v1.0.0+a")
    assert precedence("latest") is None
