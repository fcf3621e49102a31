# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program that a task starts is not told."""

from __future__ import annotations

from support.canaries import inputs

from ansible_collections.proven.gitops.plugins.module_utils._shared.environment import is_secret, without_secrets


def test_every_variable_of_a_secret_option_is_kept_back() -> None:
    names = {name for options in inputs().values() for variables in options.values() for name in variables}
    assert names
    assert {name for name in names if not is_secret(name)} == set()


def test_what_programs_need_goes_on() -> None:
    kept = {"PATH": "/bin", "HOME": "/home/ann", "AWS_PROFILE": "ci", "DOCKER_CONFIG": "/c", "KUBECONFIG": "/k"}
    assert without_secrets({**kept, "COSIGN_PASSWORD": "x", "DOCKER_AUTH_CONFIG": "{}"}) == kept
