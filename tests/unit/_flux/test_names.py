# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, labels and durations."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux import names


@pytest.mark.parametrize("text", ["a", "flux-system", "0", "a" * 63])
def test_label_names(text: str) -> None:
    assert names.wrong_label_name(text) is None


@pytest.mark.parametrize("text", ["", "A", "a.b", "-a", "a-", "a_b", "a" * 64, "a\n", "é"])
def test_wrong_label_names(text: str) -> None:
    assert "is not a name" in (names.wrong_label_name(text) or "")


@pytest.mark.parametrize("text", ["a", "a.b-c.d", "0.0", "a" * 253])
def test_subdomains(text: str) -> None:
    assert names.wrong_subdomain(text) is None


@pytest.mark.parametrize("text", ["", ".a", "a.", "a..b", "A", "a/b", "../a", "a" * 254])
def test_wrong_subdomains(text: str) -> None:
    assert "is not a name" in (names.wrong_subdomain(text) or "")


@pytest.mark.parametrize("text", ["a", "App", "app.kubernetes.io/name", "x_y.z"])
def test_keys(text: str) -> None:
    assert names.wrong_key(text) is None


@pytest.mark.parametrize("text", ["", "/a", "a/", "A.io/x", "a/b/c", "-a", "a" * 64, "a b"])
def test_wrong_keys(text: str) -> None:
    assert "key" in (names.wrong_key(text) or "")


def test_label_values() -> None:
    assert names.wrong_label_value("") is None
    assert names.wrong_label_value("v1.2_3-x") is None
    for wrong in ("a b", "-a", "a" * 64, "a/b"):
        assert "value" in (names.wrong_label_value(wrong) or "")
