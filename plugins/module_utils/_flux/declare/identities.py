# SPDX-License-Identifier: GPL-3.0-or-later
"""Several identities as the one that Flux takes for bundles: alternatives inside one anchored pattern.

Source: cosign 3.1.3, pkg/cosign/verify.go, verificationOptions ("multiple identities are not supported").
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from .source import Identity


def joined(identities: t.Sequence[Identity]) -> tuple[Identity, ...]:
    """One identity where all of them have the same issuer (or subject); else as they are.

    Two patterns side by side would otherwise let each issuer vouch for the subjects of another.
    """
    if len(identities) < 2:
        return tuple(identities)
    issuers = [*dict.fromkeys(one.issuer for one in identities)]
    subjects = [*dict.fromkeys(one.subject for one in identities)]
    if len(issuers) > 1 and len(subjects) > 1:
        return tuple(identities)
    return (type(identities[0])(_alternation(issuers), _alternation(subjects)),)


def _alternation(patterns: t.Sequence[str]) -> str:
    """Any of `patterns`, each in a group of its own, so that its flags and alternatives stay its own."""
    return patterns[0] if len(patterns) == 1 else "^(?:" + "|".join(_inner(one) for one in patterns) + ")$"


def _inner(pattern: str) -> str:
    """A pattern without the anchors that stand around all of it; as it is where that cannot be told at a glance."""
    inner = pattern.removeprefix("^").removesuffix("$")
    plain = f"^{inner}$" == pattern and not inner.endswith("\\") and not set(inner) & set("|^$(")
    return inner if plain else f"(?:{pattern})"
