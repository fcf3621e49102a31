# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and a Kubernetes API; each message says what to do about it."""

from __future__ import annotations

import typing as t

from .._shared.errors import GitopsError

# Field managers of Flux itself: what they apply is written again, whoever takes it over.
GITOPS: t.Final = frozenset({"kustomize-controller", "helm-controller"})


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
    """Somebody else manages what was to be changed. `details.fields` has the fields and their managers, if known.

    `owners` has a pair of field and manager for each claim: one field may have several managers.
    """

    code = "conflict"
    owners: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_fields(cls, what: str, owners: t.Iterable[tuple[str, str]], host: str) -> Conflict:
        """Others manage these fields of `what`, and set them to other values."""
        claims = tuple(sorted(owners))
        managers = {path: ", ".join(name for where, name in claims if where == path) for path, _name in claims}
        listing = ", ".join(f"{path} (by {names})" if names else path for path, names in list(managers.items())[:10])
        more = f" and {len(managers) - 10} more" if len(managers) > 10 else ""
        found = cls(f"{what}: others manage {listing}{more}; {_advice(claims)}", host=host, fields=managers)
        found.owners = claims
        return found


class Rejected(KubeError):
    """The API server does not take the object; its reasons are in the text."""

    code = "rejected"


class BadAnswer(KubeError):
    """An answer that is not what a Kubernetes API gives."""

    code = "bad_answer"


def _advice(claims: t.Iterable[tuple[str, str]]) -> str:
    if any(manager in GITOPS for _path, manager in claims):
        return "Flux applies it, from a git repository or a chart: change it there"
    return "change them there, or set force_conflicts to take them over"
