# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and the services of Sigstore; each message names the service."""

from __future__ import annotations

from .._shared.errors import GitopsError


class SigstoreError(GitopsError):
    """Any failure of a service. `details` holds `service`, its address, where one was asked."""

    code = "sigstore_error"


class Unreachable(SigstoreError):
    """No usable answer came: name, connection, TLS, time, or a service that kept failing."""

    code = "unreachable"


class Refused(SigstoreError):
    """The service does not take what it was sent; its own words are in the text."""

    code = "refused"


class BadAnswer(SigstoreError):
    """An answer that is not what this kind of service gives, or that the trusted root does not prove."""

    code = "bad_answer"


class NoToken(SigstoreError):
    """No identity token, or none that can still be used."""

    code = "no_identity_token"


class WrongClock(SigstoreError):
    """This machine's clock says another time than the service's."""

    code = "wrong_clock"
