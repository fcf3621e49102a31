# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that declare an OCIRepository and a Kustomization, and what they mean. Defaults are the declaration's."""

from __future__ import annotations

import os

from .._flux.declare.source import Kustomization, Source, declare
from .._flux.rules.verify import PROVIDERS
from .._flux.version import NEWEST
from .._shared.errors import InvalidOption
from .._tasks.flux.source import FluxSource, Nowhere, Target
from .._tasks.flux.source_file import FileTarget
from .argspec import ArgumentSpec, Option, Params, Register
from .flux_version import FLUX_VERSION, flux_version
from .given import Rules
from .kube_options import FORCE_CONFLICTS, kube_client

_TEXT: Option = {"type": "str"}
_FLAG: Option = {"type": "bool"}
_MAP: Option = {"type": "dict"}
_NEEDED: Option = {"type": "str", "required": True}
# The name of a Secret, not a secret.
_SECRET: Option = {"type": "str", "no_log": False}


def _dict(**options: Option) -> Option:
    return {"type": "dict", "options": options}


def _list(**options: Option) -> Option:
    return {"type": "list", "elements": "dict", "options": options}


def _text(default: str | None) -> Option:
    return {"type": "str", "default": default}


_KUSTOMIZATION = _dict(
    name=_TEXT,
    namespace=_TEXT,
    labels=_MAP,
    annotations=_MAP,
    interval=_text(Kustomization.interval),
    retry_interval=_TEXT,
    timeout=_text(Kustomization.timeout),
    path=_text(Kustomization.path),
    prune={"type": "bool", "default": Kustomization.prune},
    wait={"type": "bool", "default": Kustomization.wait},
    force=_FLAG,
    suspend=_FLAG,
    service_account_name=_TEXT,
    target_namespace=_TEXT,
    depends_on=_list(name=_NEEDED, namespace=_TEXT),
    health_checks=_list(api_version=_TEXT, kind=_NEEDED, name=_NEEDED, namespace=_TEXT),
    post_build=_dict(
        substitute=_MAP,
        substitute_from=_list(
            kind={"type": "str", "required": True, "choices": ["ConfigMap", "Secret"]}, name=_NEEDED, optional=_FLAG
        ),
    ),
)

FLUX_SOURCE = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "target": {"type": "str", "choices": ["file", "cluster", "none"]},
        "dest": {"type": "path"},
        "force_conflicts": FORCE_CONFLICTS,
        "flux_version": FLUX_VERSION,
        "name": _NEEDED,
        "namespace": _text(Source.namespace),
        "labels": _MAP,
        "annotations": _MAP,
        "url": _TEXT,
        "allow_loopback": {"type": "bool", "default": Source.allow_loopback},
        "ref": _dict(tag=_TEXT, semver=_TEXT, semver_filter=_TEXT, digest=_TEXT),
        "interval": _text(Source.interval),
        "timeout": _TEXT,
        "layer_selector": _dict(media_type=_TEXT, operation={"type": "str", "choices": ["extract", "copy"]}),
        "ignore": _TEXT,
        "provider": {"type": "str", "choices": ["generic", "aws", "azure", "gcp"]},
        "secret_ref": _SECRET,
        "service_account_name": _TEXT,
        "cert_secret_ref": _SECRET,
        "proxy_secret_ref": _SECRET,
        "insecure": _FLAG,
        "suspend": _FLAG,
        "verify": _dict(
            provider={"type": "str", "choices": list(PROVIDERS), "default": PROVIDERS[0]},
            secret_ref=_SECRET,
            match_oidc_identity=_list(issuer=_NEEDED, subject=_NEEDED),
            trusted_root_secret_ref=_SECRET,
        ),
        "unverified": {"type": "bool", "default": False},
        "signature_format": {
            "type": "str",
            "choices": ["auto", "bundle", "legacy", "both"],
            "default": Source.signature_format,
        },
        "kustomization": _KUSTOMIZATION,
    },
    required_one_of=(("dest", "target"),),
    required_if=(("state", "present", ("url",)), ("target", "file", ("dest",))),
    rules=Rules(
        may_be_empty=frozenset(
            (
                "verify.match_oidc_identity",  # refused with the reason, which matters more
                *(f"kustomization.{name}" for name in ("depends_on", "health_checks", "post_build.substitute_from")),
            )
        )
    ),
)


def flux_source(params: Params, register_secret: Register) -> FluxSource:
    """The use-case that the options mean. Raises InvalidOption."""
    if params["unverified"] and params["verify"] is not None:
        raise InvalidOption("unverified", "verify says how to verify: give one of the two")
    version = flux_version(params) or NEWEST
    present = params["state"] == "present"
    source = declare(params, unverified=params["unverified"])
    return FluxSource(source, version, _target(params, register_secret, present), present=present)


def _target(params: Params, register_secret: Register, present: bool) -> Target:
    chosen = params["target"] or "file"
    if params["dest"] is not None and chosen != "file":
        raise InvalidOption("dest", f"a file is written with target=file only, not with target={chosen}")
    if chosen == "file":
        return FileTarget(os.path.abspath(params["dest"]))
    if chosen == "none":
        if not present:
            raise InvalidOption("target", "with none there is nowhere to remove anything from")
        return Nowhere()
    from .._tasks.flux.source_cluster import ClusterTarget

    return ClusterTarget(kube_client(params, register_secret), force=params["force_conflicts"])
