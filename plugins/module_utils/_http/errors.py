# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong in an HTTP exchange. Each port makes them its own errors, in one place."""

from __future__ import annotations

from .._shared.errors import GitopsError


class HttpError(GitopsError):
    """Any failure of an exchange. `details` holds `peer`, whom the message blames, where that is known."""

    code = "http_error"


class Unreachable(HttpError):
    """No usable answer came: name, connection, TLS, time, or a server that kept failing. `details.cause` says which."""

    code = "unreachable"


class BadAnswer(HttpError):
    """An answer that breaks the protocol, or leads to where it may not."""

    code = "bad_answer"


class TooLong(BadAnswer):
    """More bytes than were asked for, or than anybody should send."""
