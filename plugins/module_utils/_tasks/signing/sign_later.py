# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode can say of signing with a key that is yet to be made: which signatures there would be, and no more.

A key that does not exist has signed nothing, so each wanted signature is missing. Nobody has to be asked for that.
"""

from __future__ import annotations

import typing as t

from .._case import Outcome, would_fail

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._shared.errors import GitopsError
    from .sign import SignRequest


class SignLater:
    """The use-case of cosign_sign in check mode where there is no key file yet; `missing` is what a run would say."""

    def __init__(self, requests: t.Sequence[SignRequest], missing: GitopsError) -> None:
        self._requests = requests
        self._missing = missing

    def plan(self) -> None:
        """Nothing is looked at: not the registry either, which an earlier task may be to start."""

    def predict(self, plan: None) -> Outcome:
        """Every signature, as one that would be made."""
        del plan
        signed = [(request.reference, name) for request in self._requests for name in request.formats]
        listed = [
            {
                "reference": str(request.reference),
                "digest": request.reference.digest,
                "key": None,
                "formats": list(request.formats),
                "signed": list(request.formats),
                "present": [],
            }
            for request in self._requests
        ]
        return Outcome(
            changed=True,
            values={"signatures": listed, "key": None, "key_version": None, "public_key": None},
            actions=[f"would sign {reference} ({name})" for reference, name in signed],
            diff={
                "before": "".join(f"{reference}: no {name} signature\n" for reference, name in signed),
                "after": "".join(f"{reference}: {name} signature\n" for reference, name in signed),
            },
            warnings=would_fail(self._missing),
        )

    def apply(self, plan: None) -> t.NoReturn:
        """Not without a key."""
        del plan
        raise self._missing
