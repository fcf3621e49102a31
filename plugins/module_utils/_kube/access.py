# SPDX-License-Identifier: GPL-3.0-or-later
"""How to get to a cluster: the options of a task, and what a kubeconfig or a pod's service account says beside them.

The kubernetes client reads kubeconfigs (contexts, exec plugins, OIDC) and makes the connection pool; of its generated
API nothing is used. Importing it takes most of a second, so this file is imported only where a cluster is the target.
"""

from __future__ import annotations

import contextlib
import logging
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
from .._shared.shapes import mapping, mappings
from .kubeconfig import Kubeconfig, secrets_of

with third_party():
    import kubernetes.client
    import kubernetes.config

RegisterSecret = t.Callable[[str], None]

RETRIES = 2
SILENCES = 4  # the deadline of an exchange, with its retries and pauses, in timeouts
_LATER = frozenset({429, 502, 503, 504})  # a 500 is an answer: its Status says what is wrong
_VISIBLE = re.compile(r"[\x21-\x7e]*")
_EXIT_CODE = re.compile(r"exec: process returned (-?[0-9]+)")
_HEADER = re.compile(r"[\x20-\x7e]*")

DEFAULT_KUBECONFIG = "~/.kube/config"
_ENVIRONMENT = threading.Lock()


@dataclass(frozen=True)
class ClusterAccess:
    """Options of a task. What is None is left to the kubeconfig. `timeout` is in seconds, for each silence."""

    kubeconfig: str | dict[str, t.Any] | None = field(default=None, repr=False)
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
        given = self.kubeconfig if isinstance(self.kubeconfig, str) else ""
        named = given or os.environ.get("KUBECONFIG")
        if named:
            return os.pathsep.join(os.path.expanduser(path) for path in named.split(os.pathsep))
        default = os.path.expanduser(DEFAULT_KUBECONFIG)
        return default if os.path.exists(default) else None

    @property
    def is_in_pod(self) -> bool:
        """Whether the service account of the pod is all that there is."""
        named = self.kubeconfig or self.context or self.files
        return not named and bool(os.environ.get("KUBERNETES_SERVICE_HOST"))

    def read(self) -> Kubeconfig:
        """The kubeconfig that is meant. Raises InvalidOption."""
        if isinstance(self.kubeconfig, dict):
            return Kubeconfig.of_value(self.kubeconfig)
        if self.files is None:
            text = f"no cluster is named: there is no {DEFAULT_KUBECONFIG}, and neither kubeconfig nor host is given"
            raise InvalidOption("kubeconfig", text)
        return Kubeconfig.of_files(self.files)


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
    _hide(access, register_secret)
    _check_files(access)
    if access.host:
        _check_host(access.host, bool(access.api_key))
    configuration: t.Any = kubernetes.client.Configuration()
    configuration.proxy = None  # it has read the environment, in a way of its own; ours is that of _http
    origin, impersonation = _load(access, configuration)
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
        sent = {name: _sendable(str(value), origin) for name, value in found.items() if value}
        return {**sent, **impersonation}

    host = str(configuration.host).rstrip("/")
    _check_host(host, bool(headers()))
    settings = _settings(configuration, access)
    if settings.proxy:
        Proxy.parse(settings.proxy, settings.proxy_option, Scrubber(register_secret))
    make_tls(settings)  # says now what is wrong with a file
    return Connection(host, origin, settings, headers, register_secret)


def _hide(access: ClusterAccess, register_secret: RegisterSecret) -> None:
    """What is secret in the options themselves, before anything can fail: a result repeats them."""
    scrubber = Scrubber(register_secret)
    if access.proxy:
        login_of(access.proxy, scrubber)
    if isinstance(access.kubeconfig, dict):
        for secret in secrets_of(access.kubeconfig):
            scrubber.add(secret)
        for entry in mappings(access.kubeconfig.get("clusters")):
            for name in ("server", "proxy-url"):
                login_of(str(mapping(entry.get("cluster")).get(name) or ""), scrubber)


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


def _load(access: ClusterAccess, configuration: t.Any) -> tuple[str, dict[str, str]]:
    """Fill `configuration` as kubectl would; where it came from, and the headers that act as somebody else."""
    if access.host and not access.kubeconfig and not access.context:
        return ("the option client_cert" if access.client_cert else "no credentials"), {}
    config: t.Any = kubernetes.config
    if access.is_in_pod:
        origin = "the service account of this pod"
        with _told(origin, "kubeconfig"):
            config.load_incluster_config(client_configuration=configuration)
        return origin, {}
    found = access.read()
    context = found.context(access.context)
    user = found.user(context)
    headers, given = user.impersonation(), bool(access.api_key or access.client_cert)
    if not given:
        user.check_plugin()
    with _told(found.origin, "context" if access.context else "kubeconfig"), _plugin_log() as log, _without_secrets():
        if isinstance(access.kubeconfig, dict):
            config.load_kube_config_from_dict(access.kubeconfig, context, configuration, persist_config=False)
        else:
            config.load_kube_config(access.files, context, configuration, persist_config=False)
        loaded = bool(configuration.auth_settings() or configuration.cert_file)
    if not given:
        user.check_credentials(loaded, _end_of_plugin(log))
    cluster = found.cluster(context)
    configuration.proxy = cluster.get("proxy-url") or None
    configuration.tls_server_name = cluster.get("tls-server-name") or None
    return found.origin, headers


@contextlib.contextmanager
def _told(origin: str, option: str) -> t.Iterator[None]:
    """What the client raises, as an error of ours."""
    try:
        yield
    except kubernetes.config.ConfigException as error:
        raise InvalidOption(option, f"{origin}: {_one_line(error)}") from None
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise InvalidOption("kubeconfig", f"{origin} cannot be used ({type(error).__name__})") from None


@contextlib.contextmanager
def _plugin_log() -> t.Iterator[list[str]]:
    """What the client logs meanwhile: of a plugin that fails, it tells nobody else."""
    said: list[str] = []
    logger, handler = logging.getLogger(), logging.Handler(logging.ERROR)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)


def _end_of_plugin(log: t.Iterable[str]) -> str:
    """How a plugin ended, in our words: what it printed itself can be anything, a secret too."""
    for line in log:
        code = _EXIT_CODE.match(line)
        if code:
            return f": it ended with exit code {code[1]}"
        if line.startswith("exec: "):
            return ": its answer is no ExecCredential with a token or a certificate"
    return ""


@contextlib.contextmanager
def _without_secrets() -> t.Iterator[None]:
    """A kubeconfig's plugin gets this process's environment from the client: not the secrets of the task in it."""
    with _ENVIRONMENT:
        hidden = {name: os.environ.pop(name) for name in list(os.environ) if is_secret(name)}
        try:
            yield
        finally:
            os.environ.update(hidden)


def _check_files(access: ClusterAccess) -> None:
    if access.client_key and not access.client_cert:
        raise InvalidOption("client_key", "a key without client_cert proves nothing")
    named = [("ca_cert", access.ca_cert), ("client_cert", access.client_cert), ("client_key", access.client_key)]
    if isinstance(access.kubeconfig, str):
        # In a list, what is not there is passed over, as in KUBECONFIG.
        paths = [path for path in access.kubeconfig.split(os.pathsep) if path]
        there = [path for path in paths if os.path.exists(os.path.expanduser(path))]
        named += [("kubeconfig", path) for path in there or paths]
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
