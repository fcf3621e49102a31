# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that works with a git repository; documented by the fragment `_git_access`."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.parameters import env_fallback

from .argspec import ArgumentSpec, Option


def _option(kind: str, *variables: str, **more: t.Any) -> Option:
    return {"type": kind, "fallback": (env_fallback, list(variables)), **more}


GIT_ACCESS = ArgumentSpec(
    options={
        "repository": _option("str", "PROVEN_GIT_REPOSITORY", required=True),
        "username": _option("str", "PROVEN_GIT_USERNAME", "GIT_USERNAME"),
        "token": _option("str", "PROVEN_GIT_TOKEN", "GIT_TOKEN", "GIT_PASSWORD", no_log=True, aliases=["password"]),
        "privatekey_path": _option("path", "PROVEN_GIT_PRIVATEKEY_PATH", no_log=False),
        "privatekey_content": _option("str", "PROVEN_GIT_PRIVATEKEY_CONTENT", no_log=True),
        "known_hosts_path": _option("path", "PROVEN_GIT_KNOWN_HOSTS_PATH"),
        "known_hosts": _option("str", "PROVEN_GIT_KNOWN_HOSTS"),
        "ca_path": _option("path", "PROVEN_GIT_CA_PATH"),
        "validate_certs": _option("bool", "PROVEN_GIT_VALIDATE_CERTS", default=True),
        "insecure": _option("bool", "PROVEN_GIT_INSECURE", default=False),
        "timeout": _option("int", "PROVEN_GIT_TIMEOUT", default=120),
    },
    mutually_exclusive=(("privatekey_path", "privatekey_content"), ("known_hosts_path", "known_hosts")),
)
