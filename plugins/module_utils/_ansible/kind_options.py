# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules kind_cluster and kind_registry, and what they mean."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from .._kind.docker import Docker
from .._kind.kind import Kind
from .._kind.registry import Declared
from .._shared.addresses import is_address
from .._shared.errors import InvalidOption
from .._tasks._case import QUIET
from .._tasks.local import kind_registry as registry_task
from .._tasks.local.kind_cluster import KindCluster, Wanted
from .._tasks.local.kind_registry import KindRegistry
from .argspec import ArgumentSpec, Params, variable

if t.TYPE_CHECKING:  # pragma: no cover
    from .._tasks._case import Progress

_STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}
_ON_DRIFT = {"type": "str", "choices": ["fail", "warn"], "default": "fail"}

CLUSTER = ArgumentSpec(
    options={
        "name": {"type": "str", "default": "kind"},
        "state": _STATE,
        "config": {"type": "dict", "default": {}},
        "image": {"type": "str"},
        "kubeconfig": {"type": "path", "required": True},
        "on_drift": _ON_DRIFT,
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
        "create_timeout": {"type": "int", "default": 900},
        "kind_path": variable("path", "PROVEN_KIND_PATH", default="kind"),
    }
)

REGISTRY = ArgumentSpec(
    options={
        "name": {"type": "str", "default": "kind-registry"},
        "state": _STATE,
        "cluster": {"type": "str", "default": "kind"},
        "image": {"type": "str", "default": "docker.io/library/registry:3"},
        "port": {"type": "int", "default": 5001},
        "listen_address": {"type": "str", "default": "127.0.0.1"},
        "on_drift": _ON_DRIFT,
        "wait_timeout": {"type": "int", "default": 60},
    }
)


def kind_cluster(params: Params, progress: Progress = QUIET) -> KindCluster:
    """The use-case that the options mean."""
    wanted = Wanted(
        name=params["name"],
        kubeconfig=Path(os.path.abspath(params["kubeconfig"])),
        state=params["state"],
        config=params["config"],
        image=params["image"] or None,
        on_drift=params["on_drift"],
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        create_timeout=params["create_timeout"],
    )
    return KindCluster(wanted, Docker(), Kind(params["kind_path"]), progress)


def kind_registry(params: Params, progress: Progress = QUIET) -> KindRegistry:
    """The use-case that the options mean. Raises InvalidOption."""
    address = params["listen_address"]
    if not is_address(address):
        raise InvalidOption("listen_address", f"{address!r} is not an IP address")
    registry = Declared(params["name"], params["image"], params["port"], address)
    wanted = registry_task.Wanted(
        registry, params["cluster"], params["state"], params["on_drift"], params["wait_timeout"]
    )
    return KindRegistry(wanted, Docker(), progress)
