# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode can say of a key that is yet to be made: it has signed nothing, so all that is wanted is missing.

Nobody has to be asked for that.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._case import Outcome, would_fail

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._shared.errors import GitopsError
    from .attest import AttestRequest
    from .sign import SignRequest


@dataclass(frozen=True)
class _Wanted:
    """What would be made for a reference: its `name` among the actions, and `what` it is in the diff."""

    reference: str
    name: str
    what: str


class Later:
    """The use-case in check mode where there is no key file yet; `missing` is what a run would say."""

    def __init__(
        self, verb: str, wanted: t.Sequence[_Wanted], listed: t.Mapping[str, t.Any], missing: GitopsError
    ) -> None:
        self._verb = verb
        self._wanted = wanted
        self._listed = listed
        self._missing = missing

    def plan(self) -> None:
        """Nothing is looked at: not the registry either, which an earlier task may be to start."""

    def predict(self, plan: None) -> Outcome:
        """All of it, as what would be made."""
        del plan
        return Outcome(
            changed=True,
            values={**self._listed, "key": None, "key_version": None, "public_key": None},
            actions=[f"would {self._verb} {one.reference} ({one.name})" for one in self._wanted],
            diff={
                "before": "".join(f"{one.reference}: no {one.what}\n" for one in self._wanted),
                "after": "".join(f"{one.reference}: {one.what}\n" for one in self._wanted),
            },
            warnings=would_fail(self._missing),
        )

    def apply(self, plan: None) -> t.NoReturn:
        """Not without a key."""
        del plan
        raise self._missing


def sign_later(requests: t.Sequence[SignRequest], missing: GitopsError) -> Later:
    """What cosign_sign can say."""
    wanted = [_Wanted(str(one.reference), name, f"{name} signature") for one in requests for name in one.formats]
    listed = [
        {**_base(one), "formats": list(one.formats), "signed": list(one.formats), "present": []} for one in requests
    ]
    return Later("sign", wanted, {"signatures": listed}, missing)


def attest_later(requests: t.Sequence[AttestRequest], missing: GitopsError) -> Later:
    """What cosign_attest can say."""
    kinds = [(str(one.reference), one.kind.uri) for one in requests]
    wanted = [_Wanted(reference, kind, f"attestation of type {kind}") for reference, kind in kinds]
    listed = [{**_base(one), "predicate_type": one.kind.uri, "present": False} for one in requests]
    return Later("attest", wanted, {"attestations": listed}, missing)


def _base(request: SignRequest | AttestRequest) -> dict[str, t.Any]:
    return {"reference": str(request.reference), "digest": request.reference.digest, "key": None}
