# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a signing config, and what they say of a signature: when it was there, and that it is logged."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._cosign.simple_signing_writer import NO_PROMISE
from .._shared.errors import InvalidOption
from . import rekor, timestamp
from .errors import BadAnswer

if t.TYPE_CHECKING:  # pragma: no cover
    from .service import Service

_TRIES = 3


@dataclass(frozen=True)
class Witnessed:
    """A signature with its log entries, and its time stamps (DER)."""

    signed: rekor.Signed
    entries: tuple[rekor.Entry, ...]
    timestamps: tuple[bytes, ...]


@dataclass(frozen=True)
class Services:
    """What signs: Fulcio (None where keys sign), logs with the version of their API, and time stamp authorities."""

    fulcio: Service | None
    logs: tuple[tuple[Service, int], ...]
    timestamps: tuple[Service, ...]

    def check_format(self, formats: t.Collection[str]) -> None:
        """InvalidOption for a format that these services cannot serve."""
        if "legacy" in formats and any(version != 1 for _service, version in self.logs):
            raise InvalidOption("format", NO_PROMISE)

    def witness(self, sign: t.Callable[[], rekor.Signed]) -> Witnessed:
        """Have a signature stamped and logged, in cosign's order: what cannot be stamped is not logged either.

        Rekor v2 does not say where it has an entry that it was sent before, by a request whose answer was lost: then
        `sign` is asked again, which gives another signature for ECDSA alone.
        """
        for _try in range(_TRIES):
            signed = sign()
            stamps = tuple(timestamp.stamp(service, signed.signature) for service in self.timestamps)
            try:
                entries = tuple(rekor.add(service, version, signed) for service, version in self.logs)
            except rekor.AlreadyLogged:
                continue
            return Witnessed(signed, entries, stamps)
        raise BadAnswer(f"{self.logs[0][0].name}: has this signature already, and does not say where")
