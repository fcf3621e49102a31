# SPDX-License-Identifier: GPL-3.0-or-later
"""A key pair in a Secret, as `cosign generate-key-pair k8s://NAMESPACE/SECRET` makes one.

Source: cosign, pkg/cosign/kubernetes/secret.go: cosign.key, cosign.pub and cosign.password.
"""

from __future__ import annotations

import typing as t

from ..._kms.errors import NoSuchKey
from ..._kms.key_file import KeyFile
from ..._kube import secrets
from ..._shared.object_id import ObjectId

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._kms.store import Named
    from ..._kube.client import KubeClient

KEY, PUBLIC, PASSWORD = "cosign.key", "cosign.pub", "cosign.password"


class KeySecret:
    """One Secret. Every method raises KubeError's kinds."""

    def __init__(
        self, named: Named, client: KubeClient, namespace: str, name: str, register: t.Callable[[str], None]
    ) -> None:
        self.named, self.client, self.register = named, client, register
        self.id = ObjectId("v1", "Secret", namespace, name)

    def key_file(self) -> KeyFile:
        """What it holds; NoSuchKey where it is not there."""
        live = self.client.get(self.client.locate(self.id))
        if live is None:
            raise NoSuchKey(f"{self.named.where}: there is no such Secret", key=self.named.uri)
        values = secrets.values_of(live)
        for name in (KEY, PASSWORD):
            self.register(values.get(name, b"").decode("utf-8", "replace"))
        return KeyFile(self.named.where, values.get(KEY, b""), values.get(PUBLIC, b""), values.get(PASSWORD))
