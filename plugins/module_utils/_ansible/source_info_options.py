# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of flux_source_info, and what they mean."""

from __future__ import annotations

from .._flux.kinds import KINDS, VERIFIABLE
from .._tasks.flux.source_info import FluxSourceInfo, Query
from .argspec import ArgumentSpec, Params, Register
from .flux_version import FLUX_VERSION, flux_version
from .kube_options import check_names, kube_client

SOURCE_INFO = ArgumentSpec(
    options={
        "name": {"type": "str"},
        "namespace": {"type": "str"},
        "label_selector": {"type": "str"},
        "kinds": {"type": "list", "elements": "str", "choices": list(VERIFIABLE), "default": ["OCIRepository"]},
        "public_keys": {"type": "bool", "default": True},
        "flux_version": FLUX_VERSION,
    }
)


def flux_source_info(params: Params, register_secret: Register) -> FluxSourceInfo:
    """The use-case that the options mean. Raises InvalidOption."""
    name, namespace = params["name"], params["namespace"]
    check_names(name, namespace)
    query = Query(
        kinds=tuple(KINDS[kind] for kind in dict.fromkeys(params["kinds"])),
        name=name or "",
        namespace=namespace or "",
        label_selector=params["label_selector"] or "",
        with_keys=params["public_keys"],
        version=flux_version(params),
    )
    return FluxSourceInfo(kube_client(params, register_secret), query)
