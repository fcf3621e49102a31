# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a version, strictly and loosely. The answers are Masterminds/semver's own (StrictNewVersion, NewVersion)."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._shared import semver


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
def test_versions_of_semver(tag: str, answer: bool) -> None:
    assert semver.is_version(tag) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1", True),
        ("v1.2", True),
        ("01.2.3", True),
        ("1.2.3-rc.1+build.5", True),
        ("18446744073709551615.0.0", True),
        ("18446744073709551616.0.0", False),
        ("1.2.3-01", False),
        ("1.2.3.4", False),
        ("", False),
        ("V1.2.3", False),
        ("1.2.3+" + "a" * 250, True),
        ("1.2.3+" + "a" * 251, False),
        ("\u0661.0.0", False),
    ],
)
def test_what_helm_takes_for_a_version(text: str, answer: bool) -> None:
    assert semver.is_loose(text) is answer


def test_versions_are_sorted_as_semver_does() -> None:
    """The example of section 11, with what the library of Flux takes besides."""
    before = "0.9.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1"
    versions = [*before.split(), "v1.0.0", "1.2.0", "1.10.0"]
    assert sorted(versions[5:] + versions[:5], key=lambda version: semver.precedence(version) or ()) == versions
    assert semver.precedence("1.0.0+b") == semver.precedence("v1.0.0+a")
    assert semver.precedence("latest") is None
