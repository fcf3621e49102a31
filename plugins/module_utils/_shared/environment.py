# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a task's environment goes on to the programs that it starts. Pure."""

from __future__ import annotations

import typing as t

# The variables of our own options, and of kubernetes.core's: they hold secrets that no child process needs.
OURS = ("PROVEN_", "COSIGN_", "K8S_AUTH_")
_SECRETS = frozenset(
    ("GIT_TOKEN", "GIT_PASSWORD", "DOCKER_AUTH_CONFIG", "SIGSTORE_ID_TOKEN", "VAULT_TOKEN", "BAO_TOKEN")
)


def without_secrets(environment: t.Mapping[str, str]) -> dict[str, str]:
    """All of it but the variables that can give an option a secret."""
    return {name: value for name, value in environment.items() if not is_secret(name)}


def is_secret(name: str) -> bool:
    """Whether a variable is one by which a task is given secrets."""
    return name.startswith(OURS) or name in _SECRETS
