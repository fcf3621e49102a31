# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of flux_source_info, and what they mean."""

from __future__ import annotations

import typing as t

from .._flux import names
from .._flux.kinds import KINDS, VERIFIABLE
from .._flux.version import FluxVersion
from .._shared.errors import InvalidOption
from .._tasks.flux.source_info import FluxSourceInfo, Query
from .argspec import ArgumentSpec
from .kube_options import kube_client

Params = t.Mapping[str, t.Any]

SOURCE_INFO = ArgumentSpec(
    options={
        "name": {"type": "str"},
        "namespace": {"type": "str"},
        "label_selector": {"type": "str"},
        "kinds": {"type": "list", "elements": "str", "choices": list(VERIFIABLE), "default": ["OCIRepository"]},
        "public_keys": {"type": "bool", "default": True},
        "flux_version": {"type": "str"},
    }
)


def flux_source_info(params: Params, register_secret: t.Callable[[str], None]) -> FluxSourceInfo:
    """The use-case that the options mean. Raises InvalidOption."""
    name, namespace = params["name"], params["namespace"]
    for option, reason in (
        ("name", names.wrong_subdomain(name) if name is not None else None),
        ("namespace", names.wrong_label_name(namespace) if namespace is not None else None),
    ):
        if reason:
            raise InvalidOption(option, reason)
    query = Query(
        kinds=tuple(KINDS[kind] for kind in dict.fromkeys(params["kinds"])),
        name=name or "",
        namespace=namespace or "",
        label_selector=params["label_selector"] or "",
        with_keys=params["public_keys"],
        version=FluxVersion.parse(params["flux_version"]) if params["flux_version"] is not None else None,
    )
    return FluxSourceInfo(kube_client(params, register_secret), query)
