# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that talks to a registry; documented by the fragment `_registry`."""

from __future__ import annotations

import os
import typing as t

from .._http.settings import HttpSettings
from .._http.tls import make_tls
from .._registry.client import Registries
from .._registry.credentials import Credentials, CredentialStore
from .._registry.settings import ConnectionSettings
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, variables
from .run import register_secret

if t.TYPE_CHECKING:  # pragma: no cover
    from .task import Task

_option = variables("PROVEN_REGISTRY_")


REGISTRY = ArgumentSpec(
    options={
        "username": _option("str", "USERNAME"),
        "password": _option("str", "PASSWORD", no_log=True),
        "identity_token": _option("str", "IDENTITY_TOKEN", no_log=True),
        "docker_config": _option("path", "DOCKER_CONFIG"),
        "ca_path": _option("path", "CA_PATH"),
        "client_cert": _option("path", "CLIENT_CERT"),
        "client_key": _option("path", "CLIENT_KEY", no_log=False),
        "insecure": _option("bool", "INSECURE"),
        "timeout": _option("int", "TIMEOUT", default=30),
        "deadline": _option("int", "DEADLINE", default=300),
        "retries": _option("int", "RETRIES", default=3),
        "concurrency": _option("int", "CONCURRENCY", default=4),
    },
)

_RANGES = {"timeout": (1, 3600), "deadline": (1, 86400), "retries": (0, 20), "concurrency": (1, 32)}


def registries(module: Task) -> Registries:
    """The registries of a task, from its options; InvalidOption before anything is sent."""
    return build(module.params, register_secret(module))


def build(params: t.Mapping[str, t.Any], register: t.Callable[[str], None]) -> Registries:
    """As `registries`, from options that are parsed already."""
    for name in ("password", "identity_token"):  # not the username: masking "ci" would blot it out of every word
        register(params.get(name) or "")
    credentials = _credentials(params)
    docker_config = params.get("docker_config") or None
    if docker_config is not None:
        _check_readable("docker_config", docker_config)
    return Registries(_settings(params), CredentialStore(credentials, docker_config), register)


def _credentials(params: t.Mapping[str, t.Any]) -> Credentials | None:
    # An empty variable is an unset one: what fills it may have had nothing to fill in.
    username, password, token = (params.get(name) or "" for name in ("username", "password", "identity_token"))
    if token and password:
        raise InvalidOption("identity_token", "it stands in the place of a password; give one of them")
    if username and not (password or token):
        raise InvalidOption("username", "a password or an identity_token belongs to it, and neither is given")
    if password and not username:
        raise InvalidOption("password", "a username belongs to it, and none is given")
    if ":" in username:
        raise InvalidOption("username", "it must not hold a colon")
    if token:
        return Credentials(identity_token=token, source="option identity_token")
    return Credentials(username, password, source="option username") if username else None


def _settings(params: t.Mapping[str, t.Any]) -> ConnectionSettings:
    defaults = ConnectionSettings()
    numbers: dict[str, int] = {}
    for name, (lowest, highest) in _RANGES.items():
        value = params.get(name)
        numbers[name] = int(getattr(defaults, name) if value is None else value)
        if not lowest <= numbers[name] <= highest:
            raise InvalidOption(name, f"{value} is not between {lowest} and {highest}")
    files = {name: params.get(name) or None for name in ("ca_path", "client_cert", "client_key")}
    for name, path in files.items():
        if path is not None:
            _check_readable(name, path)
    if files["client_key"] and not files["client_cert"]:
        raise InvalidOption("client_key", "a client_cert belongs to it, and none is given")
    settings = ConnectionSettings(
        insecure=params.get("insecure"),
        ca_path=files["ca_path"],
        client_cert=files["client_cert"],
        client_key=files["client_key"],
        timeout=numbers["timeout"],
        deadline=numbers["deadline"],
        retries=numbers["retries"],
        concurrency=numbers["concurrency"],
    )
    if any(files.values()):
        make_tls(settings)  # says now what is wrong with a file
    return settings


def services(params: t.Mapping[str, t.Any]) -> HttpSettings:
    """The same for services that are no registry: the authorities of `ca_path`, and nothing of who we are there."""
    settings = _settings(params)
    return HttpSettings(
        ca_path=settings.ca_path,
        timeout=settings.timeout,
        deadline=settings.deadline,
        retries=settings.retries,
        concurrency=settings.concurrency,
    )


def _check_readable(option: str, path: str) -> None:
    if not os.path.exists(path):
        raise InvalidOption(option, f"{path} does not exist")
    if not os.access(path, os.R_OK):
        raise InvalidOption(option, f"{path} cannot be read")
