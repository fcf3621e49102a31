# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module git_host_repository, and what they mean."""

from __future__ import annotations

import re

from .._githost.hosts import PROVIDERS, Credentials, DeployKey, Place, bare, connect
from .._shared.errors import InvalidOption
from .._tasks.git.host import GitHostRepository, Wanted, WantedKey
from .argspec import ArgumentSpec, Params, Register, variable
from .git_login import https_options, token_of, token_options
from .given import Rules

_OWNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_KEY = re.compile(r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*")

_PREFIX = "PROVEN_GIT_HOST_"

GIT_HOST = ArgumentSpec(
    options={
        "provider": {"type": "str", "choices": sorted(PROVIDERS), "required": True},
        "url": variable("str", f"{_PREFIX}URL"),
        "owner": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "create": {"type": "bool", "default": True},
        "private": {"type": "bool", "default": True},
        "description": {"type": "str", "default": ""},
        "default_branch": {"type": "str", "default": "main"},
        "deploy_keys": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "no_log": False,
            "options": {
                "title": {"type": "str", "required": True},
                "key": {"type": "str", "no_log": False},
                "read_only": {"type": "bool", "default": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            },
            "required_if": [("state", "present", ("key",))],
        },
    },
    rules=Rules(may_be_empty=frozenset({"deploy_keys"})),
).merge(token_options(_PREFIX), https_options(_PREFIX, timeout=30))


def git_host_repository(params: Params, register_secret: Register) -> GitHostRepository:
    """The use-case that the options mean. Raises InvalidOption before anything is sent."""
    token = token_of(params, register_secret)
    if not re.fullmatch(r"[\x20-\x7e]*", token):
        raise InvalidOption("token", "it holds characters that cannot be sent, such as a line feed")
    if params["timeout"] < 1:
        raise InvalidOption("timeout", "must be at least 1 second")
    if not _OWNER.fullmatch(params["owner"]) or ("/" in params["owner"] and params["provider"] != "gitlab"):
        raise InvalidOption("owner", f"{params['owner'][:80]!r} is no owner of repositories")
    if not _NAME.fullmatch(params["name"]) or params["name"] in (".", ".."):
        raise InvalidOption("name", f"{params['name'][:80]!r} is no repository's name")
    if params["username"] and params["provider"] != "gitea":
        raise InvalidOption("username", f"{params['provider']} takes tokens only")
    wanted = Wanted(
        Place(params["owner"], params["name"]),
        params["create"],
        params["private"],
        params["description"],
        params["default_branch"],
        tuple(_key(number, one) for number, one in enumerate(params["deploy_keys"])),
    )
    host = connect(
        params["provider"],
        params["url"] or "",
        Credentials(token, params["username"] or ""),
        ca_path=params["ca_path"] or "",
        validate_certs=params["validate_certs"],
        insecure=params["insecure"],
        timeout=float(params["timeout"]),
        register_secret=register_secret,
    )
    return GitHostRepository(wanted, host)


def _key(number: int, one: Params) -> WantedKey:
    key = bare(one["key"] or "")
    if one["state"] == "present" and not _KEY.fullmatch(key):
        raise InvalidOption(f"deploy_keys[{number}].key", "is no public key as OpenSSH writes it")
    return WantedKey(DeployKey(one["title"], key, one["read_only"]), one["state"] == "present")
