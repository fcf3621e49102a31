# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that works with a git repository; documented by the fragment `_git_access`."""

from __future__ import annotations

from .argspec import ArgumentSpec, variable

GIT_ACCESS = ArgumentSpec(
    options={
        "repository": variable("str", "PROVEN_GIT_REPOSITORY", required=True),
        "username": variable("str", "PROVEN_GIT_USERNAME", "GIT_USERNAME"),
        "token": variable("str", "PROVEN_GIT_TOKEN", "GIT_TOKEN", "GIT_PASSWORD", no_log=True, aliases=["password"]),
        "privatekey_path": variable("path", "PROVEN_GIT_PRIVATEKEY_PATH", no_log=False),
        "privatekey_content": variable("str", "PROVEN_GIT_PRIVATEKEY_CONTENT", no_log=True),
        "known_hosts_path": variable("path", "PROVEN_GIT_KNOWN_HOSTS_PATH"),
        "known_hosts": variable("str", "PROVEN_GIT_KNOWN_HOSTS"),
        "ca_path": variable("path", "PROVEN_GIT_CA_PATH"),
        "validate_certs": variable("bool", "PROVEN_GIT_VALIDATE_CERTS", default=True),
        "insecure": variable("bool", "PROVEN_GIT_INSECURE", default=False),
        "timeout": variable("int", "PROVEN_GIT_TIMEOUT", default=120),
    },
    mutually_exclusive=(("privatekey_path", "privatekey_content"), ("known_hosts_path", "known_hosts")),
)
