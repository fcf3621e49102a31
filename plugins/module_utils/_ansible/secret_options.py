# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of flux_secret, and what they mean."""

from __future__ import annotations

import os
import typing as t

from .._cosign.keys import PublicKey
from .._flux import names
from .._flux.secrets.secret_data import Content, RegistryLogin, TrustedKeys, check_key_name, registry_of, server_key
from .._flux.secrets.trust import SUFFIX
from .._flux.version import FluxVersion
from .._registry.credentials import CredentialStore
from .._shared.errors import InvalidOption
from .._tasks.flux.secret import FluxSecret
from .argspec import ArgumentSpec, variable
from .key_store_options import KEY_STORE, Stored, stored_keys
from .kube_options import FORCE_CONFLICTS, kube_client
from .public_key_options import ONE_OF, OPTIONS, public_key

Params = t.Mapping[str, t.Any]
Register = t.Callable[[str], None]

FLUX_SECRET = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "flux-system"},
        "public_keys": {
            "type": "list",
            "elements": "dict",
            "no_log": False,
            "options": {"name": {"type": "str"}, **OPTIONS},
            "mutually_exclusive": [ONE_OF],
            "required_one_of": [ONE_OF],
        },
        "registry": {"type": "str"},
        "credentials_from": {"type": "str"},
        "username": variable("str", "PROVEN_REGISTRY_USERNAME"),
        "password": variable("str", "PROVEN_REGISTRY_PASSWORD", no_log=True),
        "docker_config": variable("path", "PROVEN_REGISTRY_DOCKER_CONFIG"),
        "flux_version": {"type": "str"},
        "force_conflicts": FORCE_CONFLICTS,
    },
    mutually_exclusive=(("public_keys", "registry"),),
    required_if=(("state", "present", ("public_keys", "registry"), True),),
).merge(KEY_STORE)


def flux_secret(params: Params, register: Register) -> FluxSecret:
    """The use-case that the options mean. InvalidOption before anything is asked of the cluster."""
    for option, wrong in (("name", names.wrong_subdomain), ("namespace", names.wrong_label_name)):
        reason = wrong(params[option])
        if reason:
            raise InvalidOption(option, reason)
    version = FluxVersion.parse(params["flux_version"]) if params["flux_version"] else None
    content: Content | None = None
    if params["state"] == "present":
        content = _login(params, register) if params["registry"] is not None else _trusted(params, register)
    client = kube_client(params, register)
    force = params["force_conflicts"]
    return FluxSecret(client, params["namespace"], params["name"], content, version=version, force=force)


def _trusted(params: Params, register: Register) -> TrustedKeys:
    found: dict[str, PublicKey] = {}
    stored = stored_keys(params, register)
    for number, item in enumerate(params["public_keys"]):
        where = f"public_keys[{number}]"
        name = check_key_name(item["name"] or _default_name(item["path"]), f"{where}.name")
        if name in found:
            raise InvalidOption(f"{where}.name", f"{name} is there twice: give each key a name of its own")
        found[name] = _public_key(item, where, stored, register)
    return TrustedKeys(found)


def _default_name(path: str | None) -> str:
    if path is None:
        return f"cosign{SUFFIX}"
    name = os.path.basename(path)
    return name if name.endswith(SUFFIX) else f"{os.path.splitext(name)[0]}{SUFFIX}"


def _public_key(item: Params, where: str, stored: Stored, register: Register) -> PublicKey:
    try:
        return public_key(item, where, stored, "; only public keys go to a cluster")
    except InvalidOption:
        # It may be a private key: the task's result repeats its arguments, and must not repeat that.
        register(item["content"] or "")
        raise


def _login(params: Params, register: Register) -> RegistryLogin:
    registry_of(params["registry"], "registry")
    server = server_key(params["registry"])
    username, password = params["username"] or "", params["password"] or ""
    register(password)
    if bool(username) != bool(password):
        given, missing = ("username", "password") if username else ("password", "username")
        raise InvalidOption(given, f"a {missing} belongs to it, and none is given")
    if not username:
        username, password = _found(params, register)
    if ":" in username:
        raise InvalidOption("username", "it must not hold a colon")
    login = RegistryLogin(server, username, password)
    for secret in login.secrets:
        register(secret)
    return login


def _found(params: Params, register: Register) -> tuple[str, str]:
    """User name and password from Docker's or podman's configuration: this registry's entry, and nothing else of it."""
    option = "credentials_from" if params["credentials_from"] else "registry"
    place = registry_of(params[option], option)
    found = CredentialStore(None, params["docker_config"] or None).find(place.host, place.repository)
    for secret in (found.password, found.identity_token, found.registry_token):
        register(secret)
    if found.anonymous:
        raise InvalidOption(option, f"{place.host}: {found.source}; give username and password")
    if not found.username:
        raise InvalidOption(
            option, f"{found.source} has only a token for {place.host}, which expires: give username and password"
        )
    return found.username, found.password
