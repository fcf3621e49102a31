# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that talks to a Kubernetes API; documented by the fragment `_kube`.

Names, aliases and variables are those of kubernetes.core, so that what feeds its modules feeds these.
"""

from __future__ import annotations

import os
import typing as t

from .._flux import names
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Option, Params, Register, variables

if t.TYPE_CHECKING:  # pragma: no cover
    from .._kube.client import KubeClient
    from .._kube.transport import Transport

_option = variables("K8S_AUTH_")


KUBE = ArgumentSpec(
    options={
        "kubeconfig": _option("raw", "KUBECONFIG"),
        "context": _option("str", "CONTEXT"),
        "host": _option("str", "HOST"),
        "api_key": _option("str", "API_KEY", no_log=True),
        "ca_cert": _option("path", "SSL_CA_CERT", aliases=["ssl_ca_cert"]),
        "client_cert": _option("path", "CERT_FILE", aliases=["cert_file"]),
        "client_key": _option("path", "KEY_FILE", aliases=["key_file"], no_log=False),
        "validate_certs": _option("bool", "VERIFY_SSL", aliases=["verify_ssl"]),
        "proxy": _option("str", "PROXY"),
        "request_timeout": _option("int", "REQUEST_TIMEOUT", default=30),
    }
)

# Whose fields are taken over without it, and why: the documentation fragment `_kube.force_conflicts`.
FORCE_CONFLICTS: t.Final[Option] = {"type": "bool", "default": False}


def check_names(name: str | None = None, namespace: str | None = None, where: str = "") -> None:
    """InvalidOption where an object cannot be called so; `where` is what stands before the two options' names."""
    for option, given, wrong in (
        ("name", name, names.wrong_subdomain),
        ("namespace", namespace, names.wrong_label_name),
    ):
        reason = wrong(given) if given is not None else None
        if reason:
            raise InvalidOption(where + option, reason)


def kube_client(params: Params, register_secret: Register) -> KubeClient:
    """The client that a task's options mean. Its packages are imported here: a task without a cluster needs none."""
    from .._kube.client import KubeClient

    return KubeClient(_transport(params, register_secret))


def _transport(params: Params, register_secret: Register) -> Transport:
    from .._http.proxy_choice import login_of
    from .._kube.access import ClusterAccess, connect
    from .._kube.transport import Transport
    from .._shared import requirements
    from .._shared.scrub import Scrubber

    requirements.check()
    login_of(params["proxy"] or "", Scrubber(register_secret))  # `invocation` shows the option
    if params["request_timeout"] < 1:
        raise InvalidOption("request_timeout", "must be at least 1 second")
    access = ClusterAccess(
        kubeconfig=_kubeconfig(params["kubeconfig"]),
        context=params["context"],
        host=params["host"],
        api_key=params["api_key"],
        ca_cert=params["ca_cert"],
        client_cert=params["client_cert"],
        client_key=params["client_key"],
        validate_certs=params["validate_certs"],
        proxy=params["proxy"],
        timeout=float(params["request_timeout"]),
    )
    return Transport(connect(access, register_secret))


def _kubeconfig(given: t.Any) -> str | dict[str, t.Any] | None:
    """A path, or what a file would hold, as kubernetes.core takes it."""
    if given is None or (isinstance(given, dict) and given):
        return given
    if not isinstance(given, str) or not given:
        raise InvalidOption("kubeconfig", "must be a path, or a mapping with what is in such a file")
    return os.path.expandvars(given)
