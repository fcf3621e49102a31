# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module flux_git_secret, and what they mean.

Their variables are not those of git_publish: what pushes is one credential, what the cluster pulls with is another.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from .._flux import names
from .._flux.secrets import git_secret
from .._flux.secrets.git_secret import GitCredentials, Identity, Login, SshKey
from .._shared.errors import InvalidOption
from .._tasks.flux.git_secret import FluxGitSecret
from .argspec import ArgumentSpec, variables
from .kube_options import FORCE_CONFLICTS, kube_client

Params = t.Mapping[str, t.Any]
Register = t.Callable[[str], None]

_option = variables("PROVEN_FLUX_GIT_")


GIT_SECRET = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "default": "flux-system"},
        "namespace": {"type": "str", "default": "flux-system"},
        "type": {"type": "str", "choices": ["login", "ssh"], "default": "login"},
        "username": _option("str", "USERNAME", default="git"),
        "token": _option("str", "TOKEN", no_log=True, aliases=["password"]),
        "ca_path": _option("path", "CA_PATH"),
        "privatekey_path": _option("path", "PRIVATEKEY_PATH", no_log=False),
        "privatekey_content": _option("str", "PRIVATEKEY_CONTENT", no_log=True),
        "key_algorithm": {
            "type": "str",
            "choices": list(git_secret.ALGORITHMS),
            "default": Identity.algorithm,
            "no_log": False,
        },
        "known_hosts": _option("str", "KNOWN_HOSTS"),
        "known_hosts_path": _option("path", "KNOWN_HOSTS_PATH"),
        "force_conflicts": FORCE_CONFLICTS,
    },
    mutually_exclusive=(("privatekey_path", "privatekey_content"), ("known_hosts", "known_hosts_path")),
)


def flux_git_secret(params: Params, register_secret: Register) -> FluxGitSecret:
    """The use-case that the options mean. Raises InvalidOption before anything is asked of the cluster."""
    for option, wrong in (("name", names.wrong_subdomain), ("namespace", names.wrong_label_name)):
        reason = wrong(params[option])
        if reason:
            raise InvalidOption(option, reason)
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
    # A token read from a file ends with a line break.
    token = (params["token"] or "").strip()
    register_secret(token)
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
