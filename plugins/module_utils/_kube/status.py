# SPDX-License-Identifier: GPL-3.0-or-later
"""From a Kubernetes `Status` to an error that says what to do. Source: apimachinery, pkg/apis/meta/v1/types.go."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .._shared import strict_json
from .._shared.shapes import mapping, mappings
from .._shared.strict_json import MalformedJson
from . import errors

_CONTROL = re.compile(r"[^\x20-\x7e\u00a0-\uffff]+")
_MANAGER = re.compile(r'conflict with "([^"]*)"')


@dataclass(frozen=True)
class Status:
    """What an API server says of a request that failed."""

    code: int
    reason: str = ""
    message: str = ""
    kind: str = ""
    name: str = ""
    causes: tuple[tuple[str, str], ...] = field(default=())  # field and message of each

    @classmethod
    def parse(cls, code: int, body: bytes) -> Status:
        """The Status in `body`; only the code where something else is in it."""
        try:
            value = strict_json.load_object(body, "status")
        except MalformedJson:
            return cls(code)
        details = mapping(value.get("details"))
        return cls(
            code,
            _text(value.get("reason")),
            _text(value.get("message")),
            _text(details.get("kind")),
            _text(details.get("name")),
            tuple((_text(one.get("field")), _text(one.get("message"))) for one in mappings(details.get("causes"))),
        )


def _text(value: object) -> str:
    return _CONTROL.sub(" ", value)[:500].strip() if isinstance(value, str) else ""


def error_of(status: Status, what: str, verb: str, host: str, origin: str) -> errors.KubeError:
    """The error for a failed `verb` (patch, get, delete) on `what` (`OCIRepository flux-system/app`)."""
    said = status.message or f"HTTP {status.code}"
    simple: dict[int, tuple[type[errors.KubeError], str]] = {
        401: (errors.Unauthorized, f"{host} does not accept the credentials from {origin}: are they expired?"),
        403: (errors.Forbidden, f"{what}: not allowed to {verb} it, with the credentials from {origin}: {said}"),
        409: (errors.Conflict, f"{what}: it was changed meanwhile, run the task again: {said}"),
    }
    if status.code == 409 and status.causes:
        return errors.Conflict.of_fields(what, _owners(status), host)
    if status.code == 404:
        return _missing(status, what, host)
    if status.code in simple:
        kind, message = simple[status.code]
        return kind(message, host=host)
    # An apply with a field that the CRD does not have is a 500, whatever fieldValidation says.
    if 400 <= status.code < 500 or (status.code == 500 and "not declared in schema" in said):
        return errors.Rejected(f"{what}: the API server does not take it: {said}", host=host, status=status.code)
    if status.code >= 500:
        return errors.Unreachable(f"{host}: it answers {status.code} to {verb} {what}: {said}", host=host, cause=said)
    return errors.BadAnswer(
        f"{host} answers {status.code}, which no Kubernetes API does: is it one?", host=host, status=status.code
    )


def _missing(status: Status, what: str, host: str) -> errors.KubeError:
    if status.kind == "namespaces":
        return errors.NoNamespace(f"{what}: there is no namespace {status.name}: make it first", host=host)
    kind = what.partition(" ")[0]
    return errors.NotInstalled(
        f"{what}: {host} has no {kind} in this version of its API: install Flux 2.6 or newer there first, for example"
        " with the role proven.gitops.flux_install",
        host=host,
    )


def _owners(status: Status) -> list[tuple[str, str]]:
    found = []
    for path, message in status.causes:
        manager = _MANAGER.search(message)
        found.append((path, manager[1] if manager else ""))
    return found
