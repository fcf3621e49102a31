# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted API server, and the client under test connected to it."""

from __future__ import annotations

import typing as t

import pytest
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._kube.access import ClusterAccess, connect
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._kube.transport import Transport


@pytest.fixture
def wire() -> t.Iterator[Wire]:
    with Wire() as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    """The pauses, in seconds, that were made between attempts."""
    return []


@pytest.fixture
def client(wire: Wire, pauses: list[float]) -> KubeClient:
    access = ClusterAccess(host=wire.url, api_key="t0ken", timeout=5)
    return KubeClient(Transport(connect(access, lambda secret: None), wait=pauses.append))
