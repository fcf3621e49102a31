# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of flux_reconcile, and what they mean."""

from __future__ import annotations

import re
import typing as t

from .._flux.kinds import KINDS
from .._shared.errors import InvalidOption
from .._tasks._case import QUIET
from .._tasks.flux.reconcile import FluxReconcile, Policy
from .._tasks.flux.wait import Target
from .argspec import ArgumentSpec, Option, Params, Register
from .kube_options import check_names, kube_client

if t.TYPE_CHECKING:  # pragma: no cover
    from .._tasks._case import Progress

DEFAULT_NAMESPACE = "flux-system"
_LENGTHS = {"sha1": 40, "sha256": 64, "sha512": 128}
_DIGEST = re.compile(r"(?:(sha1|sha256|sha512):)?([0-9a-f]+)", re.ASCII)
_WITHOUT_DIGEST = ("HelmChart",)

_OBJECT: dict[str, Option] = {
    "kind": {"type": "str", "choices": list(KINDS), "default": "OCIRepository"},
    "expected_digest": {"type": "str"},
    "with_source": {"type": "bool", "default": False},
}

RECONCILE = ArgumentSpec(
    options={
        **_OBJECT,
        "name": {"type": "str"},
        "namespace": {"type": "str", "default": DEFAULT_NAMESPACE},
        "resources": {
            "type": "list",
            "elements": "dict",
            "options": {**_OBJECT, "name": {"type": "str", "required": True}, "namespace": {"type": "str"}},
        },
        "request": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
        "require_verification": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
        "wait_sleep": {"type": "float", "default": 1.0},
    },
    required_one_of=(("name", "resources"),),
    mutually_exclusive=(("name", "resources"), ("expected_digest", "resources")),
)


def flux_reconcile(params: Params, register_secret: Register, progress: Progress = QUIET) -> FluxReconcile:
    """The use-case that the options mean. Raises InvalidOption."""
    if params["wait_timeout"] < 1:
        raise InvalidOption("wait_timeout", "must be at least 1 second")
    if not 0.05 <= params["wait_sleep"] <= 3600:
        raise InvalidOption("wait_sleep", "must be between 0.05 and 3600 seconds")
    targets = _targets(params)
    policy = Policy(
        request=params["request"],
        wait=params["wait"],
        must_verify=params["require_verification"],
        timeout=float(params["wait_timeout"]),
        pause=params["wait_sleep"],
    )
    return FluxReconcile(kube_client(params, register_secret), targets, policy, progress=progress)


def _targets(params: Params) -> list[Target]:
    if params["resources"] is None:
        return [_target(params, params["namespace"], "")]
    found: list[Target] = []
    for number, entry in enumerate(params["resources"]):
        where = f"resources[{number}]."
        target = _target(entry, entry["namespace"] or params["namespace"], where)
        if target.id in [other.id for other in found]:
            raise InvalidOption(where + "name", f"{target} is there twice")
        found.append(target)
    return found


def _target(entry: Params, namespace: str, where: str) -> Target:
    kind = KINDS[entry["kind"]]
    check_names(entry["name"], namespace, where)
    if entry["with_source"] and kind.is_source:
        raise InvalidOption(where + "with_source", f"a source such as {kind.name} takes from no other")
    expected = _digest(entry["expected_digest"], kind.name, where + "expected_digest")
    return Target(kind, namespace, entry["name"], expected, entry["with_source"])


def _digest(text: str | None, kind: str, option: str) -> str:
    """`sha256:…` as the revisions of Flux end in it; a bare commit is one, too."""
    if text is None:
        return ""
    if kind in _WITHOUT_DIGEST:
        raise InvalidOption(option, f"the revision of a {kind} holds no digest")
    match = _DIGEST.fullmatch(text.strip().lower())
    lengths = {length: name for name, length in _LENGTHS.items()}
    algorithm = (match[1] or lengths.get(len(match[2]), "")) if match else ""
    if match is None or len(match[2]) != _LENGTHS.get(algorithm):
        raise InvalidOption(option, f"{text[:80]!r} is neither a digest such as sha256:… nor a commit")
    return f"{algorithm}:{match[2]}"
