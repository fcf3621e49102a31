# SPDX-License-Identifier: GPL-3.0-or-later
"""Several identities as one, with RE2 as the judge of what the pattern means."""

from __future__ import annotations

import pytest
import re2

from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.identities import joined
from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.source import Identity

ISSUER = "^https://issuer\\.example$"


@pytest.mark.parametrize(
    ("subjects", "pattern"),
    [
        (["^a\\.b$", "^c.*$"], "^(?:a\\.b|c.*)$"),
        (["^a$", "^a$", "b"], "^(?:a|(?:b))$"),
        (["^(a|b)$", "(?i)^c$"], "^(?:(?:^(a|b)$)|(?:(?i)^c$))$"),
        (["^a\\$$", "^x|y$"], "^(?:(?:^a\\$$)|(?:^x|y$))$"),
        (["^a$"], "^a$"),
    ],
)
def test_subjects_of_one_issuer_are_alternatives(subjects: list[str], pattern: str) -> None:
    [one] = joined([Identity(ISSUER, subject) for subject in subjects])
    assert (one.issuer, one.subject) == (ISSUER, pattern)
    re2.compile(pattern)


def test_a_flag_of_one_alternative_stays_its_own() -> None:
    [one] = joined([Identity(ISSUER, "(?i)^me$"), Identity(ISSUER, "^you$")])
    assert [bool(re2.search(one.subject, text)) for text in ("ME", "you", "YOU", "me you")] == [
        True,
        True,
        False,
        False,
    ]


def test_issuers_of_one_subject_are_alternatives() -> None:
    [one] = joined([Identity("^https://a$", "^me$"), Identity("^https://b$", "^me$")])
    assert one == Identity("^(?:https://a|https://b)$", "^me$")


def test_no_issuer_comes_to_vouch_for_the_subjects_of_another() -> None:
    pair = (Identity("^https://a$", "^me$"), Identity("^https://b$", "^you$"))
    assert joined(pair) == pair
