# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and a Kubernetes API; each message says what to do about it."""

from __future__ import annotations

from .._shared.errors import GitopsError


class KubeError(GitopsError):
    """Any failure of an operation on a cluster. `details` holds `host`, the API server's address."""

    code = "kube_error"


class Unreachable(KubeError):
    """No usable answer came: name, connection, TLS, time, or a server that kept failing (5xx, 429)."""

    code = "unreachable"


class Unauthorized(KubeError):
    """401: the API server does not know the credentials."""

    code = "unauthorized"


class Forbidden(KubeError):
    """403: it knows them, and they are not allowed to do this."""

    code = "forbidden"


class NotInstalled(KubeError):
    """The API server does not serve this kind of object: its CRD is not there, or not in this version."""

    code = "not_installed"


class NoNamespace(KubeError):
    """The namespace that the object is to be in does not exist."""

    code = "no_namespace"


class Conflict(KubeError):
    """Somebody else manages what was to be changed. `details.fields` has the fields and their managers, if known."""

    code = "conflict"


class Rejected(KubeError):
    """The API server does not take the object; its reasons are in the text."""

    code = "rejected"


class BadAnswer(KubeError):
    """An answer that is not what a Kubernetes API gives."""

    code = "bad_answer"
