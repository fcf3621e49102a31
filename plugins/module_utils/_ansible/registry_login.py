# SPDX-License-Identifier: GPL-3.0-or-later
"""The login at a registry among a module's options, given or found in the files of Docker and podman."""

from __future__ import annotations

import os
import typing as t

from .._registry.credentials import Credentials, CredentialStore
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Option, Params, Register, variables

registry_option = variables("PROVEN_REGISTRY_")

LOGIN = ArgumentSpec(
    options={
        "username": registry_option("str", "USERNAME"),
        "password": registry_option("str", "PASSWORD", no_log=True),
    }
)
DOCKER_CONFIG: t.Final[Option] = registry_option("path", "DOCKER_CONFIG")


def credential_store(params: Params, register: Register) -> CredentialStore:
    """Where the login comes from: LOGIN and perhaps `identity_token`, else `docker_config`, else the user's files.

    InvalidOption before any of them is read.
    """
    for name in ("password", "identity_token"):  # not the username: masking "ci" would blot it out of every word
        register(params.get(name) or "")
    explicit = _explicit(params)
    docker_config = params.get("docker_config") or None
    if docker_config is not None:
        check_readable("docker_config", docker_config)
    return CredentialStore(explicit, docker_config)


def check_readable(option: str, path: str) -> None:
    """InvalidOption where there is no such file, or not for us."""
    if not os.path.exists(path):
        raise InvalidOption(option, f"{path} does not exist")
    if not os.access(path, os.R_OK):
        raise InvalidOption(option, f"{path} cannot be read")


def _explicit(params: Params) -> Credentials | None:
    # An empty variable is an unset one: what fills it may have had nothing to fill in.
    username, password, token = (params.get(name) or "" for name in ("username", "password", "identity_token"))
    if token and password:
        raise InvalidOption("identity_token", "it stands in the place of a password; give one of them")
    if username and not (password or token):
        missing = (
            "or an identity_token belongs to it, and neither"
            if "identity_token" in params
            else "belongs to it, and none"
        )
        raise InvalidOption("username", f"a password {missing} is given")
    if password and not username:
        raise InvalidOption("password", "a username belongs to it, and none is given")
    if ":" in username:
        raise InvalidOption("username", "it must not hold a colon")
    if token:
        return Credentials(identity_token=token, source="option identity_token")
    return Credentials(username, password, source="option username") if username else None
