# SPDX-License-Identifier: GPL-3.0-or-later
"""A key in cosign's format that a URI names: `env://` and `k8s://` hold what a file would."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class KeyFile:
    """PEM of the private and of the public key, as far as they are there; `where` begins messages.

    `passphrase` is None where it is not kept beside the key.
    """

    where: str
    private: bytes = field(repr=False)
    public: bytes
    passphrase: bytes | None = field(default=None, repr=False)
