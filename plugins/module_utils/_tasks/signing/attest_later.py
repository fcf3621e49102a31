# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode can say of attesting with a key that is yet to be made: such a key has said nothing so far."""

from __future__ import annotations

import typing as t

from .._case import Outcome, would_fail

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._shared.errors import GitopsError
    from .attest import AttestRequest


class AttestLater:
    """The use-case of cosign_attest in check mode where there is no key file yet; `missing` is what a run would say."""

    def __init__(self, requests: t.Sequence[AttestRequest], missing: GitopsError) -> None:
        self._requests = requests
        self._missing = missing

    def plan(self) -> None:
        """Nothing is looked at: not the registry either, which an earlier task may be to start."""

    def predict(self, plan: None) -> Outcome:
        """That all of it would be attested."""
        del plan
        said = [(str(request.reference), request.kind.uri) for request in self._requests]
        listed = [
            {
                "reference": str(request.reference),
                "digest": request.reference.digest,
                "key": None,
                "predicate_type": request.kind.uri,
                "present": False,
            }
            for request in self._requests
        ]
        return Outcome(
            changed=True,
            values={"attestations": listed, "key": None, "public_key": None},
            actions=[f"would attest {reference} ({kind})" for reference, kind in said],
            diff={
                "before": "".join(f"{reference}: no attestation of type {kind}\n" for reference, kind in said),
                "after": "".join(f"{reference}: attestation of type {kind}\n" for reference, kind in said),
            },
            warnings=would_fail(self._missing),
        )

    def apply(self, plan: None) -> t.NoReturn:
        """Not without a key."""
        del plan
        raise self._missing
