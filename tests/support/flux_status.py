# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as Flux's own controllers left them: recorded from source-controller 1.9.6 and kustomize-controller 1.9.5."""

from __future__ import annotations

import copy
import functools
import json
import typing as t
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "unit" / "_flux" / "vectors"
FIRST = "sha256:0065e4d638e06f3648896751494526c0a629fbc0bc6bfcc0c2961b7a18f3750b"  # the artifact of the OCIRepository
MOVED = "sha256:679474a0ceeb1e6fb40c6765b2ecd738df8b205eb525133a41c60eb5998efe91"  # what its tag was moved to
APPLIED = "sha256:8802b03c4a616f5277135285f4761610da455d966ed253320952872bfbafd420"  # what the Kustomization applied
COMMIT = "sha1:5b052cbc8a7e807ad52cb149e816dbc989058ea8"

Object = dict[str, t.Any]


@functools.cache
def states(plural: str) -> dict[str, Object]:
    """Every recorded state of `ocirepositories`, `kustomizations` or `gitrepositories`."""
    return t.cast("dict[str, Object]", json.loads((VECTORS / f"{plural}.json").read_text(encoding="utf-8")))


def recorded(
    state: str, plural: str = "ocirepositories", *, name: str = "app", namespace: str = "flux-system"
) -> Object:
    """A copy of one of them, under that name."""
    value = copy.deepcopy(states(plural)[state])
    value["metadata"] |= {"name": name, "namespace": namespace}
    return value


def requested(value: Object, token: str, *, handled: bool = True) -> Object:
    """The same object with a request, and with the answer to it."""
    changed = copy.deepcopy(value)
    changed["metadata"].setdefault("annotations", {})["reconcile.fluxcd.io/requestedAt"] = token
    if handled:
        changed["status"]["lastHandledReconcileAt"] = token
    return changed
