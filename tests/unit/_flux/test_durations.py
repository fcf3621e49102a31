# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, as Go reads and prints them."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux import durations


@pytest.mark.parametrize("text", ["5m", "1h30m", "90s", "500ms", "1.5h"])
def test_durations(text: str) -> None:
    assert durations.wrong(text) is None


@pytest.mark.parametrize(
    "text", ["", "5", "5 m", "m", "5m ", "-5m", "1d", ".5h", "5m\n", "0s", "9999999999999h", "\u0665m"]
)
def test_wrong_durations(text: str) -> None:
    assert durations.wrong(text) is not None


def test_units_of_a_field() -> None:
    assert "no unit but ms s m" in (durations.wrong("1h", "ms s m") or "")
    assert durations.wrong("1m30s", "ms s m") is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1m", "1m0s"),
        ("10m", "10m0s"),
        ("90s", "1m30s"),
        ("1h", "1h0m0s"),
        ("1h30m", "1h30m0s"),
        ("45s", "45s"),
        ("1.5h", "1h30m0s"),
        ("1500ms", "1.5s"),
        ("500ms", "500ms"),
    ],
)
def test_durations_as_go_writes_them(text: str, written: str) -> None:
    assert durations.as_go(text) == written
