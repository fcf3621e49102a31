# SPDX-License-Identifier: GPL-3.0-or-later
"""WWW-Authenticate, as registries write it and as they had better not."""

from __future__ import annotations

import time

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._registry.challenge import Challenge, choose, parse

BEARER = Challenge("bearer", {"realm": "https://a/token", "service": "r", "scope": "repository:x:pull,push"})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['Bearer realm="https://a/token",service="r",scope="repository:x:pull,push"'], [BEARER]),
        (['bearer  Realm = "https://a/token" , SERVICE=r,scope="repository:x:pull,push"'], [BEARER]),
        (['Basic realm="x"'], [Challenge("basic", {"realm": "x"})]),
        (["Basic"], [Challenge("basic")]),
        (["Negotiate, Basic realm=x"], [Challenge("negotiate"), Challenge("basic", {"realm": "x"})]),
        (['Negotiate YWJj==, Basic realm="x"'], [Challenge("negotiate"), Challenge("basic", {"realm": "x"})]),
        (
            ['Bearer realm="https://a/token",service="r",scope="repository:x:pull,push",Basic realm="a, b"'],
            [BEARER, Challenge("basic", {"realm": "a, b"})],
        ),
        (
            ["Basic realm=x", "Bearer realm=y"],
            [Challenge("basic", {"realm": "x"}), Challenge("bearer", {"realm": "y"})],
        ),
        (["Bearer realm=https://a:1/token"], [Challenge("bearer", {"realm": "https://a:1/token"})]),
        ([r'Basic realm="a\"b\\c"'], [Challenge("basic", {"realm": 'a"b\\c'})]),
        (['Bearer realm="first",realm="second"'], [Challenge("bearer", {"realm": "first"})]),
        (['Bearer realm="never closed'], [Challenge("bearer")]),
        ([""], []),
        ([",,,"], []),
        (['"quoted"'], []),
        ([], []),
    ],
)
def test_parses(headers: list[str], expected: list[Challenge]) -> None:
    assert parse(headers) == expected


def test_prefers_bearer_wherever_it_stands() -> None:
    basic = Challenge("basic", {"realm": "x"})
    assert choose([basic, BEARER]) == BEARER
    assert choose([Challenge("negotiate"), basic]) == basic
    assert choose([Challenge("bearer"), basic]) == basic  # without a realm there is nobody to ask
    assert choose([Challenge("negotiate")]) is None


@pytest.mark.parametrize(
    "text", ["a=" * 100_000, "Bearer " + 'a="b",' * 50_000, "Bearer " + '"\\' * 50_000, "," * 200_000]
)
def test_hostile_length_costs_nothing(text: str) -> None:
    start = time.monotonic()
    parse([text])
    assert time.monotonic() - start < 1
