# SPDX-License-Identifier: GPL-3.0-or-later
"""Attestations of one type: bundles like signatures, that say something else.

cosign 2's tag `sha256-<hex>.att` is not read and not written: all writers share it, cosign 3 does not look at it where
an artifact has any bundle, and cosign 2.6 reads bundles too (docs/attestations.md has the flags).
"""

from __future__ import annotations

import typing as t

from ..._cosign import bundle, verdicts
from .bundle_format import BundleFormat

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.policy import Trust
    from .signatures import Stored


class AttestationFormat(BundleFormat):
    """What counts is a statement of the type `predicate_type`, and no other."""

    title = "attestation"
    most = bundle.MAX_ATTESTATION

    def __init__(self, predicate_type: str) -> None:
        self.predicate_type = predicate_type

    def judge(
        self, stored: Stored, digest: str, trust: Trust, annotations: t.Mapping[str, str], *, as_flux: bool
    ) -> verdicts.Finding:
        """See Format."""
        del as_flux  # Flux looks at no predicate
        return verdicts.judge_bundle(stored.content or b"", digest, trust, annotations, self.predicate_type, self.most)
