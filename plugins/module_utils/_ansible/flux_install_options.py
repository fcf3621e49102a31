# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules flux_components and flux_sync, and what they mean."""

from __future__ import annotations

import typing as t

from .._flux.declare import install_manifests
from .._flux.declare import sync as sync_manifests
from .._flux.declare.sync import Sync
from .._shared.errors import InvalidOption
from .._tasks._case import QUIET
from .._tasks.flux import components as flux_components
from .._tasks.flux import uninstall as flux_uninstall
from .._tasks.flux.components import FluxComponents
from .._tasks.flux.sync import FluxSync
from .._tasks.flux.uninstall import FluxUninstall
from .argspec import ArgumentSpec, Params, Register
from .kube_options import FORCE_CONFLICTS, check_names, kube_client

if t.TYPE_CHECKING:  # pragma: no cover
    from .._tasks._case import Progress, UseCase

COMPONENTS = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "src": {"type": "path"},
        "content": {"type": "str"},
        "namespace": {"type": "str", "default": "flux-system"},
        "when_synced": {"type": "str", "choices": ["fail", "keep"], "default": "fail"},
        "keep_namespace": {"type": "bool", "default": False},
        "force_conflicts": FORCE_CONFLICTS,
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
    },
    mutually_exclusive=(("src", "content"),),
    required_if=(("state", "present", ("src", "content"), True),),
)

SYNC = ArgumentSpec(
    options={
        "target": {"type": "str", "choices": ["none", "cluster"], "default": "none"},
        "url": {"type": "str", "required": True},
        "branch": {"type": "str", "default": Sync.branch},
        "path": {"type": "str", "default": Sync.path},
        "interval": {"type": "str", "default": Sync.interval},
        "secret_ref": {"type": "str", "default": Sync.secret_ref, "no_log": False},
        "namespace": {"type": "str", "default": Sync.namespace},
        "force_path": {"type": "bool", "default": False},
        "force_conflicts": FORCE_CONFLICTS,
    }
)


def flux_install(params: Params, register_secret: Register, progress: Progress = QUIET) -> UseCase[t.Any]:
    """The use-case that the options mean. Raises InvalidOption before anything is asked of the cluster."""
    check_names(namespace=params["namespace"])
    manifests = tuple(_manifests(params))
    for one in manifests:
        _hide(one, register_secret)
    cluster = kube_client(params, register_secret)
    if params["state"] == "absent":
        return FluxUninstall(
            flux_uninstall.Wanted(
                params["namespace"],
                manifests,
                params["keep_namespace"],
                params["force_conflicts"],
                params["wait_timeout"],
            ),
            cluster,
            progress,
        )
    return FluxComponents(
        flux_components.Wanted(
            manifests,
            params["namespace"],
            params["when_synced"],
            params["force_conflicts"],
            params["wait"],
            params["wait_timeout"],
        ),
        cluster,
        progress,
    )


def flux_sync(params: Params, register_secret: Register) -> FluxSync:
    """The use-case that the options mean. Raises InvalidOption before anything is asked of the cluster."""
    options = ("url", "branch", "path", "interval", "secret_ref", "namespace")
    sync = sync_manifests.declare(*(params[name] for name in options))
    cluster = kube_client(params, register_secret) if params["target"] == "cluster" else None
    return FluxSync(sync, cluster, force_path=params["force_path"], force=params["force_conflicts"])


def _hide(manifest: install_manifests.Manifest, register_secret: Register) -> None:
    """A Secret among the manifests is one in the task's arguments, which its result repeats."""
    if manifest["kind"] == "Secret":
        for part in ("data", "stringData"):
            for value in (manifest.get(part) or {}).values():
                register_secret(str(value))


def _manifests(params: Params) -> list[install_manifests.Manifest]:
    if params["content"] is not None:
        return install_manifests.load(params["content"], "content")
    if params["src"] is None:
        return []
    try:
        with open(params["src"], encoding="utf-8") as source:
            text = source.read(install_manifests.MAX_LENGTH + 1)
    except OSError as error:
        raise InvalidOption("src", f"{params['src']}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidOption("src", f"{params['src']}: is no text") from None
    return install_manifests.load(text, "src")
