# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a task's environment goes on to the programs that it starts."""

from __future__ import annotations

import contextlib
import os
import typing as t

# The variables of our own options, and of kubernetes.core's: they hold secrets that no child process needs.
OURS = ("PROVEN_", "COSIGN_", "K8S_AUTH_")
_SECRETS = frozenset(
    ("GIT_TOKEN", "GIT_PASSWORD", "DOCKER_AUTH_CONFIG", "SIGSTORE_ID_TOKEN", "VAULT_TOKEN", "BAO_TOKEN")
)


def without_secrets(environment: t.Mapping[str, str]) -> dict[str, str]:
    """All of it but the variables that can give an option a secret."""
    return {name: value for name, value in environment.items() if not is_secret(name)}


@contextlib.contextmanager
def own_without_secrets() -> t.Iterator[None]:
    """This process without them for a moment, for a program that a library starts by itself. Before any thread."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if is_secret(name)}
    try:
        yield
    finally:
        os.environ.update(taken)


def is_secret(name: str) -> bool:
    """Whether a variable is one by which a task is given secrets."""
    return name.startswith(OURS) or name in _SECRETS
