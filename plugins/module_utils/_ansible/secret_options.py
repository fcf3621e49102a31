# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of flux_secret, and what they mean."""

from __future__ import annotations

import os

from .._cosign import trusted_root
from .._cosign.keys import PublicKey
from .._flux.secrets.secret_data import Content, RegistryLogin, TrustedKeys, check_key_name, registry_of, server_key
from .._flux.secrets.trust import SUFFIX
from .._flux.secrets.trusted_root_data import TrustedRootFile
from .._flux.version import TRUSTED_ROOT, FluxVersion
from .._shared.errors import InvalidOption
from .._tasks.flux.secret import FluxSecret
from .argspec import ArgumentSpec, Params, Register
from .flux_version import FLUX_VERSION, flux_version
from .kube_options import FORCE_CONFLICTS, check_names, kube_client
from .public_key_options import public_keys, public_keys_option
from .registry_login import DOCKER_CONFIG, LOGIN, credential_store
from .trusted_root_file import given

FLUX_SECRET = LOGIN.merge(
    public_keys_option(name={"type": "str"}),
    ArgumentSpec(
        options={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "default": "flux-system"},
            "trusted_root": {"type": "raw"},
            "registry": {"type": "str"},
            "credentials_from": {"type": "str"},
            "docker_config": DOCKER_CONFIG,
            "flux_version": FLUX_VERSION,
            "force_conflicts": FORCE_CONFLICTS,
        },
        mutually_exclusive=(("public_keys", "registry", "trusted_root"),),
        required_if=(("state", "present", ("public_keys", "registry", "trusted_root"), True),),
    ),
)


def flux_secret(params: Params, register: Register) -> FluxSecret:
    """The use-case that the options mean. InvalidOption before anything is asked of the cluster."""
    check_names(params["name"], params["namespace"])
    version = flux_version(params)
    content: Content | None = None
    if params["state"] == "present":
        content = _content(params, version, register)
    client = kube_client(params, register)
    force = params["force_conflicts"]
    return FluxSecret(client, params["namespace"], params["name"], content, version=version, force=force)


def _content(params: Params, version: FluxVersion | None, register: Register) -> Content:
    if params["registry"] is not None:
        return _login(params, register)
    return _trusted(params, register) if params["public_keys"] is not None else _root(params, version)


def _root(params: Params, version: FluxVersion | None) -> TrustedRootFile:
    root = trusted_root.parse(given(params["trusted_root"], "trusted_root"), "trusted_root")
    if root.flux_reason:
        raise InvalidOption("trusted_root", root.flux_reason)
    if version is not None and version < TRUSTED_ROOT:
        raise InvalidOption("trusted_root", f"Flux before {TRUSTED_ROOT.release} verifies with no root but its own")
    return TrustedRootFile(root)


def _trusted(params: Params, register: Register) -> TrustedKeys:
    keys = public_keys(params, register, "; only public keys go to a cluster")
    found, origins = dict[str, PublicKey](), dict[str, str]()
    for number, (item, key) in enumerate(zip(params["public_keys"], keys, strict=True)):
        option = f"public_keys[{number}].name"
        name = check_key_name(item["name"] or _default_name(item["path"]), option)
        if name in found:
            raise InvalidOption(option, f"{name} is there twice: give each key a name of its own")
        found[name] = key.public
        if key.origin:
            origins[name] = key.origin
    return TrustedKeys(found, origins)


def _default_name(path: str | None) -> str:
    if path is None:
        return f"cosign{SUFFIX}"
    name = os.path.basename(path)
    return name if name.endswith(SUFFIX) else f"{os.path.splitext(name)[0]}{SUFFIX}"


def _login(params: Params, register: Register) -> RegistryLogin:
    """Only this registry's login: nothing else of Docker's or podman's configuration goes to the cluster."""
    registry_of(params["registry"], "registry")
    option = "credentials_from" if params["credentials_from"] else "registry"
    place = registry_of(params[option], option)
    found = credential_store(params, register).find(place.host, place.repository)
    for secret in (found.password, found.identity_token, found.registry_token):
        register(secret)
    if found.anonymous:
        raise InvalidOption(option, f"{place.host}: {found.source}; give username and password")
    if not found.username:
        raise InvalidOption(
            option, f"{found.source} has only a token for {place.host}, which expires: give username and password"
        )
    if ":" in found.username:
        raise InvalidOption("username", "it must not hold a colon")
    login = RegistryLogin(server_key(params["registry"]), found.username, found.password)
    for secret in login.secrets:
        register(secret)
    return login
