# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions. The lists agree with Masterminds/semver 3.5.0."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.semver_range import (
    InvalidRange,
    check,
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
