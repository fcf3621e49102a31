# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom one trusts: keys, any of several, so many of them; never nobody."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign.policy import (
    AnyOf,
    AtLeast,
    EmptyTrust,
    Evidence,
    Keys,
)
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

ONE, TWO, THREE = (SigningKey.generate() for _each in range(3))
FIRST, SECOND, THIRD = (key.public.fingerprint for key in (ONE, TWO, THREE))


def by(key: SigningKey) -> Evidence:
    return Evidence(key.sign(b"x"), b"x")


def test_an_empty_trust_is_refused() -> None:
    for make in (lambda: Keys([]), lambda: AnyOf([]), lambda: AtLeast(0, Keys([ONE.public]))):
        with pytest.raises(EmptyTrust):
            make()


def test_more_than_there_are_is_refused() -> None:
    with pytest.raises(EmptyTrust, match="2 of 1 keys"):
        AtLeast(2, Keys([ONE.public, ONE.public]))


def test_keys() -> None:
    trust = Keys([ONE.public, TWO.public])
    assert trust.judge(by(TWO)).signer == SECOND
    assert trust.judge(by(THREE)).signer is None
    assert trust.judge(by(THREE)).reason == "not by any of the 2 given keys"
    assert trust.judge(Evidence(ONE.sign(b"x"), b"x", b"certificate")).signer is None
    assert trust.satisfied([SECOND, THIRD])
    assert not trust.satisfied([THIRD])
    assert trust.accepted([SECOND, THIRD]) == {SECOND}


def test_at_least_counts_different_signers_of_those_trusted() -> None:
    """CVE-2026-49834: one signer counted many times."""
    trust = AtLeast(2, Keys([ONE.public, TWO.public]))
    assert trust.judge(by(ONE)).signer == FIRST
    assert not trust.satisfied([FIRST, FIRST])
    assert not trust.satisfied([FIRST, THIRD])
    assert trust.satisfied([FIRST, SECOND])
    assert trust.lacking([FIRST]) == "signed by 1 of the given keys, where 2 are wanted"


def test_any_of_is_satisfied_by_each() -> None:
    trust = AnyOf([AtLeast(2, Keys([ONE.public, TWO.public])), Keys([THREE.public])])
    assert trust.judge(by(THREE)).signer == THIRD
    assert trust.judge(by(SigningKey.generate())).reason == "not by any of the 2 given keys; not by the given key"
    assert trust.satisfied([THIRD])
    assert trust.satisfied([FIRST, SECOND])
    assert not trust.satisfied([FIRST])
    assert trust.accepted([FIRST, THIRD, "x"]) == {FIRST, THIRD}
