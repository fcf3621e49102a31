# SPDX-License-Identifier: GPL-3.0-or-later
"""How to get to a cluster: the options of a task, and what a kubeconfig or a pod's service account says beside them.

The kubernetes client reads kubeconfigs (contexts, exec plugins, OIDC) and makes the connection pool; of its generated
API nothing is used. Importing it takes most of a second, so this file is imported only where a cluster is the target.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .._http.proxy_choice import Proxy, login_of
from .._http.settings import HttpSettings
from .._http.tls import make_tls
from .._shared.addresses import is_ambiguous, is_loopback
from .._shared.environment import is_secret
from .._shared.errors import InvalidOption
from .._shared.requirements import third_party
from .._shared.scrub import Scrubber

with third_party():
    import kubernetes.client
    import kubernetes.config
    import yaml

RegisterSecret = t.Callable[[str], None]

RETRIES = 2
SILENCES = 4  # the deadline of an exchange, with its retries and pauses, in timeouts
_LATER = frozenset({429, 502, 503, 504})  # a 500 is an answer: its Status says what is wrong
_VISIBLE = re.compile(r"[\x21-\x7e]*")
_HEADER = re.compile(r"[\x20-\x7e]*")

DEFAULT_KUBECONFIG = "~/.kube/config"
_ENVIRONMENT = threading.Lock()


@dataclass(frozen=True)
class ClusterAccess:
    """Options of a task. What is None is left to the kubeconfig. `timeout` is in seconds, for each silence."""

    kubeconfig: str | None = None
    context: str | None = None
    host: str | None = None
    api_key: str | None = field(default=None, repr=False)
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    validate_certs: bool | None = None
    proxy: str | None = None
    timeout: float = 30.0

    @property
    def files(self) -> str | None:
        """The kubeconfig files to read, joined as KUBECONFIG joins them; None where there is none."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG")
        if named:
            return os.pathsep.join(os.path.expanduser(path) for path in named.split(os.pathsep))
        default = os.path.expanduser(DEFAULT_KUBECONFIG)
        return default if os.path.exists(default) else None


@dataclass(frozen=True)
class Connection:
    """A way to an API server. `headers` gives fresh credentials each time; `origin` says where they come from."""

    host: str
    origin: str
    settings: HttpSettings
    headers: t.Callable[[], dict[str, str]] = field(repr=False)
    register_secret: RegisterSecret = field(repr=False)


def connect(access: ClusterAccess, register_secret: RegisterSecret) -> Connection:
    """Load the configuration; nothing is sent to the cluster yet. Raises InvalidOption for what cannot be used."""
    if access.proxy:
        login_of(access.proxy, Scrubber(register_secret))
    _check_files(access)
    if access.host:
        _check_host(access.host, bool(access.api_key))
    configuration: t.Any = kubernetes.client.Configuration()
    configuration.proxy = None  # it has read the environment, in a way of its own; ours is that of _http
    origin = _load(access, configuration)
    for name, value in (
        ("host", access.host),
        ("ssl_ca_cert", access.ca_cert),
        ("cert_file", access.client_cert),
        ("key_file", access.client_key),
        ("verify_ssl", access.validate_certs),
        ("proxy", access.proxy or None),
    ):
        if value is not None:
            setattr(configuration, name, value)
    if api_key := _token(access.api_key):
        configuration.api_key = {"authorization": f"Bearer {api_key}"}
        configuration.refresh_api_key_hook = None
        origin = "the option api_key"

    def headers() -> dict[str, str]:
        with _without_secrets():  # which may run a plugin again
            settings = configuration.auth_settings().values()
        found = {one["key"]: one["value"] for one in settings if one["in"] == "header"}
        for value in found.values():
            register_secret(str(value).rpartition(" ")[2])
        return {name: _sendable(str(value), origin) for name, value in found.items() if value}

    host = str(configuration.host).rstrip("/")
    _check_host(host, bool(headers()))
    settings = _settings(configuration, access)
    if settings.proxy:
        Proxy.parse(settings.proxy, settings.proxy_option, Scrubber(register_secret))
    make_tls(settings)  # says now what is wrong with a file
    return Connection(host, origin, settings, headers, register_secret)


def _settings(configuration: t.Any, access: ClusterAccess) -> HttpSettings:
    """What a kubeconfig and the options say about the way to the API server."""
    return HttpSettings(
        ca_path=configuration.ssl_ca_cert or None,
        only_ca=True,
        client_cert=configuration.cert_file or None,
        client_key=configuration.key_file or None,
        verify=configuration.verify_ssl,
        server_name=getattr(configuration, "tls_server_name", None) or None,
        proxy=configuration.proxy or None,
        proxy_option="proxy" if access.proxy else "kubeconfig (its proxy-url)",
        timeout=access.timeout,
        deadline=access.timeout * SILENCES,
        retries=RETRIES,
        later=_LATER,
        kind="API server",
        ca_option="ca_cert",
        insecure_option="",
    )


def _token(api_key: str | None) -> str:
    """The token as it can be sent: what reads it from a file or a variable often leaves a line feed at its end."""
    token = (api_key or "").strip()
    if not _VISIBLE.fullmatch(token):
        raise InvalidOption("api_key", "a token is visible ASCII characters, with no blank or line feed between them")
    return token


def _sendable(value: str, origin: str) -> str:
    """The same for what a kubeconfig, a plugin or a pod's file gave."""
    value = value.strip()
    if not _HEADER.fullmatch(value):
        raise InvalidOption("kubeconfig", f"the credentials from {origin} hold characters that cannot be sent")
    return value


def _load(access: ClusterAccess, configuration: t.Any) -> str:
    """Fill `configuration` as kubectl would; where it came from."""
    if access.host and not access.kubeconfig and not access.context:
        return "the option client_cert" if access.client_cert else "no credentials"
    config: t.Any = kubernetes.config
    files = access.files
    in_pod = files is None and access.context is None and bool(os.environ.get("KUBERNETES_SERVICE_HOST"))
    origin = "the service account of this pod" if in_pod else f"the kubeconfig {files}"
    if files is None and not in_pod:
        raise InvalidOption(
            "kubeconfig",
            f"no cluster is named: there is no {DEFAULT_KUBECONFIG}, and neither kubeconfig nor host is given",
        )
    try:
        if in_pod:
            config.load_incluster_config(client_configuration=configuration)
        else:
            context = access.context or _current_context(str(files))
            with _without_secrets():
                config.load_kube_config(files, context, client_configuration=configuration, persist_config=False)
    except config.ConfigException as error:
        raise InvalidOption("context" if access.context else "kubeconfig", f"{origin}: {_one_line(error)}") from None
    except yaml.YAMLError:  # its text shows the lines around the fault, which can be a key
        raise InvalidOption("kubeconfig", f"{origin} is not valid YAML") from None
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise InvalidOption("kubeconfig", f"{origin} cannot be used ({type(error).__name__})") from None
    return origin


@contextlib.contextmanager
def _without_secrets() -> t.Iterator[None]:
    """A kubeconfig's plugin gets this process's environment from the client: not the secrets of the task in it."""
    with _ENVIRONMENT:
        hidden = {name: os.environ.pop(name) for name in list(os.environ) if is_secret(name)}
        try:
            yield
        finally:
            os.environ.update(hidden)


def _current_context(files: str) -> str | None:
    """The current context of several files: the first that names one, as for kubectl. The client takes the last."""
    paths = files.split(os.pathsep)
    if len(paths) == 1:
        return None
    for path in paths:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as source:
                document = yaml.safe_load(source) or {}
            if document.get("current-context"):
                return str(document["current-context"])
    return None


def _check_files(access: ClusterAccess) -> None:
    if access.client_key and not access.client_cert:
        raise InvalidOption("client_key", "a key without client_cert proves nothing")
    named = [("ca_cert", access.ca_cert), ("client_cert", access.client_cert), ("client_key", access.client_key)]
    named += [("kubeconfig", path) for path in (access.kubeconfig or "").split(os.pathsep) if path]
    for option, path in named:
        if path is not None and not os.access(os.path.expanduser(path), os.R_OK):
            raise InvalidOption(option, f"{path} is not there or cannot be read")


def _check_host(host: str, credentials: bool) -> None:
    try:
        parts = urlsplit(host)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        valid, parts = False, urlsplit("")
    if not valid or is_ambiguous(str(parts.hostname)) or parts.username or parts.query or parts.fragment:
        raise InvalidOption("host", "the API server's address must be https://host[:port], without credentials in it")
    if parts.scheme == "http" and credentials and not is_loopback(str(parts.hostname)):
        raise InvalidOption("host", f"{host} is plain HTTP, and the credentials would be read on the way")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
