# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, signatures and bundles that the real cosign 2.6.5 and 3.1.3 made, and keys of our own."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

VECTORS = Path(__file__).parent / "vectors"
Vectors = dict[str, t.Any]


def _load(name: str) -> Vectors:
    return t.cast(Vectors, json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def key_files() -> Vectors:
    """{name: {private, public, passphrase, made_by}} of throw-away keys that cosign wrote."""
    return _load("keys")


@pytest.fixture(scope="session")
def legacy_vectors() -> Vectors:
    """{name: {digest, name, key, manifest, config, payloads}} of `.sig` images that cosign wrote."""
    return _load("legacy")


@pytest.fixture(scope="session")
def bundle_vectors() -> Vectors:
    """{name: {digest, size, media_type, index, referrers: [{manifest, bundle}]}} of referrers that cosign wrote."""
    return _load("bundles")


@pytest.fixture(scope="session")
def public_keys(key_files: Vectors) -> dict[str, PublicKey]:
    """The public half of each key file."""
    return {name: PublicKey.load(files["public"].encode(), name) for name, files in key_files.items()}


@pytest.fixture(scope="session")
def signing_keys(key_files: Vectors) -> dict[str, SigningKey]:
    """The private half of each key file; decrypted once, for it takes a third of a second each."""
    return {
        name: SigningKey.load(files["private"].encode(), files["passphrase"].encode(), name)
        for name, files in key_files.items()
    }


@pytest.fixture(scope="session")
def ours() -> SigningKey:
    """A key of ours."""
    return SigningKey.generate()


@pytest.fixture(scope="session")
def stranger() -> SigningKey:
    """A key of somebody else."""
    return SigningKey.generate()
