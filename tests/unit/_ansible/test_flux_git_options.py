# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH key of flux_git_secret: what of it is masked, and what is returned."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._ansible.flux_git_options import flux_git_secret
from ansible_collections.proven.gitops.plugins.module_utils._flux.secrets.git_secret import SshKey
from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import MASK, Scrubber

HOSTS = "git.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJVuGcuDvzp0K7zwoLKmk0r1Fp3lVAuPPLlIfi8GmhM/"
GIVEN: dict[str, t.Any] = {
    "state": "present",
    "name": "flux-system",
    "namespace": "flux-system",
    "type": "ssh",
    "known_hosts": HOSTS,
    "known_hosts_path": None,
    "privatekey_path": None,
    "key_algorithm": "ecdsa",
    "force_conflicts": False,
}


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("by_path", [False, True])
def test_the_public_key_of_a_given_rsa_key_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any, by_path: bool, number: int
) -> None:
    """It shares lines with the private key in one of three."""
    key = SshKey.generate("rsa")
    private = key.private.decode()
    (tmp_path / f"id{number}").write_text(private)
    given = {"privatekey_path": str(tmp_path / f"id{number}")} if by_path else {"privatekey_content": private}
    scrubber = Scrubber()

    def register(secret: str) -> None:
        scrubber.add(secret)

    monkeypatch.setattr(f"{flux_git_secret.__module__}.kube_client", lambda *_given: None)
    flux_git_secret({**GIVEN, "privatekey_content": None, **given}, register)
    assert scrubber.hide(key.public.decode()) == key.public.decode()
    lines = private.strip().splitlines()
    assert [scrubber.hide(line) for line in lines[-4:-2]] == [MASK, MASK]
