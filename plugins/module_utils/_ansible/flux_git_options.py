# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module flux_git_secret, and what they mean."""

from __future__ import annotations

from pathlib import Path

from .._flux.secrets import git_secret
from .._flux.secrets.git_secret import GitCredentials, Identity, Login, SshKey
from .._shared.errors import InvalidOption
from .._tasks.flux.git_secret import FluxGitSecret
from .argspec import ArgumentSpec, Params, Register, variable
from .git_login import ssh_options, token_of, token_options
from .kube_options import FORCE_CONFLICTS, check_names, kube_client

_PREFIX = "PROVEN_FLUX_GIT_"

GIT_SECRET = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "default": "flux-system"},
        "namespace": {"type": "str", "default": "flux-system"},
        "type": {"type": "str", "choices": ["login", "ssh"], "default": "login"},
        "ca_path": variable("path", f"{_PREFIX}CA_PATH"),
        "key_algorithm": {
            "type": "str",
            "choices": list(git_secret.ALGORITHMS),
            "default": Identity.algorithm,
            "no_log": False,
        },
        "force_conflicts": FORCE_CONFLICTS,
    },
).merge(token_options(_PREFIX, default="git"), ssh_options(_PREFIX))


def flux_git_secret(params: Params, register_secret: Register) -> FluxGitSecret:
    """The use-case that the options mean. Raises InvalidOption before anything is asked of the cluster."""
    check_names(params["name"], params["namespace"])
    credentials = None
    if params["state"] == "present":
        credentials = (
            _login(params, register_secret) if params["type"] == "login" else _identity(params, register_secret)
        )
    return FluxGitSecret(
        kube_client(params, register_secret),
        params["namespace"],
        params["name"],
        credentials,
        register_secret,
        force=params["force_conflicts"],
    )


def _login(params: Params, register_secret: Register) -> GitCredentials:
    token = token_of(params, register_secret)
    if not token:
        raise InvalidOption("token", "is required with type=login: the cluster would not get into the repository")
    if not params["username"] or ":" in params["username"]:
        raise InvalidOption("username", "is empty, or holds a colon")
    return Login(params["username"], token, _read(params, "ca_path") if params["ca_path"] else b"")


def _identity(params: Params, register_secret: Register) -> GitCredentials:
    text, option = params["known_hosts"], "known_hosts"
    if text is None and params["known_hosts_path"]:
        text, option = _read(params, "known_hosts_path").decode("utf-8", "replace"), "known_hosts_path"
    known_hosts = git_secret.check_known_hosts(text or "", option)
    private, option = (params["privatekey_content"] or "").encode(), "privatekey_content"
    if params["privatekey_path"]:
        private, option = _read(params, "privatekey_path"), "privatekey_path"
    if not private:
        return Identity(known_hosts, algorithm=params["key_algorithm"])
    register_secret(private.decode("utf-8", "replace"))
    return Identity(known_hosts, SshKey.load(private.rstrip() + b"\n", option))


def _read(params: Params, option: str) -> bytes:
    try:
        return Path(params[option]).read_bytes()
    except OSError as error:
        raise InvalidOption(option, f"{params[option]}: {error.strerror}") from None
