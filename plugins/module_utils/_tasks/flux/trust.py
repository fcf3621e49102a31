# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secret with the keys that a source trusts, as far as these credentials may read it."""

from __future__ import annotations

from ..._flux.secrets import trust
from ..._kube.client import KubeClient
from ..._kube.errors import Forbidden
from ..._shared.object_id import ObjectId


def read(client: KubeClient, namespace: str, name: str) -> trust.Trust:
    """What is in it; that it may not be read is an answer, too. Raises KubeError's other kinds."""
    try:
        return trust.read(client.get(client.locate(ObjectId("v1", "Secret", namespace, name))))
    except Forbidden:
        return trust.Trust(None)
