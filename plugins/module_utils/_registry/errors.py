# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and a registry, told apart as verdicts need it: absent, refused, wrong, not asked."""

from __future__ import annotations

import contextlib
import typing as t

from .._http import errors as http
from .._http.failures import REFUSED, UNKNOWN_NAME
from .._shared.errors import GitopsError


class RegistryError(GitopsError):
    """Any failure of a registry operation. `details` holds at least `registry` (host), where one was asked."""

    code = "registry_error"


class Unreachable(RegistryError):
    """No usable answer came: name, connection, TLS, time, or a registry that kept failing (5xx, 429)."""

    code = "unreachable"


def is_not_started(error: RegistryError) -> bool:
    """Whether nothing listens there, or there is no such name: an earlier task of the play may be to start it."""
    return isinstance(error, Unreachable) and error.details.get("cause") in (REFUSED, UNKNOWN_NAME)


class Unauthorized(RegistryError):
    """401 or 403 in the end. The message names the kind and the source of the credentials tried, never their values."""

    code = "unauthorized"


class NotFound(RegistryError):
    """The registry says that there is no such repository, manifest or blob."""

    code = "not_found"


class Refused(RegistryError):
    """Any other 4xx; the registry's own error code and message are in the text, masked and cut."""

    code = "refused"


class BadAnswer(RegistryError):
    """An answer that breaks the protocol or a promise: wrong digest, too many bytes, not parseable."""

    code = "bad_answer"


class TooLong(BadAnswer):
    """More bytes than were asked for, or than anybody should send."""


class Busy(RegistryError):
    """Others went on changing what we wanted to change: a process of this host by its lock, or other hosts."""

    code = "busy"


class CredentialsError(RegistryError):
    """A credentials file or helper that cannot be used; its name is in the message, its content never."""

    code = "credentials"


@contextlib.contextmanager
def of_http() -> t.Iterator[None]:
    """Within this block or function, an error of HTTP is raised as the registry's own."""
    try:
        yield
    except http.HttpError as error:
        kinds: dict[type[http.HttpError], type[RegistryError]] = {
            http.Unreachable: Unreachable,
            http.TooLong: TooLong,
            http.BadAnswer: BadAnswer,
        }
        details = dict(error.details)
        if "peer" in details:
            details["registry"] = str(details.pop("peer")).rpartition(" ")[2]
        raise kinds.get(type(error), RegistryError)(error.message, **details) from None
