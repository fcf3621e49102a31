# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and the API of a git host; each message says what to do about it."""

from __future__ import annotations

from .._shared.errors import GitopsError


class HostError(GitopsError):
    """Any failure of an operation on a git host. `details` holds `host`, the API's address."""

    code = "host_error"


class Unreachable(HostError):
    """No usable answer came: name, connection, TLS, time, or a server that kept failing (5xx, 429)."""

    code = "unreachable"


class Unauthorized(HostError):
    """401 or 403: the host does not know the token, or it may not do this."""

    code = "unauthorized"


class NotFound(HostError):
    """404: there is no such thing, or none that this token may see."""

    code = "not_found"


class Rejected(HostError):
    """The host does not take what was asked for; its reasons are in the text."""

    code = "rejected"


class BadAnswer(HostError):
    """An answer that is not what this kind of host gives."""

    code = "bad_answer"
