# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that talks to a registry; documented by the fragment `_registry`."""

from __future__ import annotations

import typing as t

from .._http.settings import HttpSettings
from .._http.tls import make_tls
from .._registry.client import Registries
from .._registry.settings import ConnectionSettings
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Params, Register
from .registry_login import DOCKER_CONFIG, LOGIN, check_readable, credential_store, registry_option
from .run import register_secret

if t.TYPE_CHECKING:  # pragma: no cover
    from .task import Task

REGISTRY = LOGIN.merge(
    ArgumentSpec(
        options={
            "identity_token": registry_option("str", "IDENTITY_TOKEN", no_log=True),
            "docker_config": DOCKER_CONFIG,
            "ca_path": registry_option("path", "CA_PATH"),
            "client_cert": registry_option("path", "CLIENT_CERT"),
            "client_key": registry_option("path", "CLIENT_KEY", no_log=False),
            "insecure": registry_option("bool", "INSECURE"),
            "timeout": registry_option("int", "TIMEOUT", default=30),
            "deadline": registry_option("int", "DEADLINE", default=300),
            "retries": registry_option("int", "RETRIES", default=3),
            "concurrency": registry_option("int", "CONCURRENCY", default=4),
        }
    )
)

_RANGES = {"timeout": (1, 3600), "deadline": (1, 86400), "retries": (0, 20), "concurrency": (1, 32)}


def registries(module: Task) -> Registries:
    """The registries of a task, from its options; InvalidOption before anything is sent."""
    return build(module.params, register_secret(module))


def build(params: Params, register: Register) -> Registries:
    """As `registries`, from options that are parsed already."""
    store = credential_store(params, register)
    return Registries(_settings(params), store, register)


def _settings(params: Params) -> ConnectionSettings:
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
            check_readable(name, path)
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


def services(params: Params) -> HttpSettings:
    """The same for services that are no registry: the authorities of `ca_path`, and nothing of who we are there."""
    settings = _settings(params)
    return HttpSettings(
        ca_path=settings.ca_path,
        timeout=settings.timeout,
        deadline=settings.deadline,
        retries=settings.retries,
        concurrency=settings.concurrency,
    )
