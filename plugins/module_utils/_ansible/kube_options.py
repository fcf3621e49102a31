# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that talks to a Kubernetes API; documented by the fragment `_kube`.

Names, aliases and variables are those of kubernetes.core, so that what feeds its modules feeds these.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.parameters import env_fallback

from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Option

if t.TYPE_CHECKING:  # pragma: no cover
    from .._kube.client import KubeClient
    from .._kube.cluster import KubeCluster
    from .._kube.transport import Transport

Params = t.Mapping[str, t.Any]


def _option(kind: str, variable: str, **more: t.Any) -> Option:
    return {"type": kind, "fallback": (env_fallback, [f"K8S_AUTH_{variable}"]), **more}


KUBE = ArgumentSpec(
    options={
        "kubeconfig": _option("path", "KUBECONFIG"),
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


def kube_client(params: Params, register_secret: t.Callable[[str], None]) -> KubeClient:
    """The client that a task's options mean. Its packages are imported here: a task without a cluster needs none."""
    from .._kube.client import KubeClient

    return KubeClient(_transport(params, register_secret))


def kube_cluster(params: Params, register_secret: t.Callable[[str], None]) -> KubeCluster:
    """The same for objects of any kind."""
    from .._kube.cluster import KubeCluster

    return KubeCluster(_transport(params, register_secret))


def _transport(params: Params, register_secret: t.Callable[[str], None]) -> Transport:
    from .._kube.access import ClusterAccess, connect
    from .._kube.transport import Transport
    from .._shared import requirements

    requirements.check()
    if params["request_timeout"] < 1:
        raise InvalidOption("request_timeout", "must be at least 1 second")
    access = ClusterAccess(
        kubeconfig=params["kubeconfig"],
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
