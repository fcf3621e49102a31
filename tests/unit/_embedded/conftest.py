# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry and a client that is connected to it."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from support.plain_client import PlainClient
from support.registry import RunningRegistry, registry

__all__ = ["client", "registry"]


@pytest.fixture
def client(registry: RunningRegistry) -> t.Iterator[PlainClient]:
    plain = PlainClient(registry.address)
    with contextlib.closing(plain.connection):
        yield plain
