# SPDX-License-Identifier: GPL-3.0-or-later
"""The use-case of flux_reconcile with an API server on real sockets, and with a clock that takes no time."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from support.flux_api import FluxApi

from ansible_collections.proven.gitops.plugins.module_utils._flux.kinds import KINDS
from ansible_collections.proven.gitops.plugins.module_utils._kube.access import ClusterAccess, connect
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._kube.transport import Transport
from ansible_collections.proven.gitops.plugins.module_utils._tasks._case import QUIET, Outcome, Progress
from ansible_collections.proven.gitops.plugins.module_utils._tasks.flux.reconcile import FluxReconcile, Policy
from ansible_collections.proven.gitops.plugins.module_utils._tasks.flux.wait import Target


class FakeClock:
    """Sleeps at once."""

    def __init__(self) -> None:
        self.time = 0.0
        self.tokens = 0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds

    def token(self) -> str:
        self.tokens += 1
        return f"token-{self.tokens}"


@dataclass
class Case:
    """`case(target(), wait=False)` is the use-case with that policy."""

    api: FluxApi
    clock: FakeClock
    progress: Progress = QUIET

    def __call__(self, *targets: Target, **policy: t.Any) -> FluxReconcile:
        access = ClusterAccess(host=self.api.url, api_key="t0ken", timeout=5)
        client = KubeClient(Transport(connect(access, lambda secret: None), wait=self.clock.sleep))
        return FluxReconcile(client, targets, Policy(**policy), self.clock, self.progress)


def target(kind: str = "OCIRepository", name: str = "app", expected: str = "", *, with_source: bool = False) -> Target:
    """An object in flux-system."""
    return Target(KINDS[kind], "flux-system", name, expected, with_source)


def run(case: FluxReconcile) -> Outcome:
    """As a task outside check mode."""
    return case.apply(case.plan())


def failure(outcome: Outcome) -> tuple[str, str]:
    """Code and message of the failure that there has to be."""
    assert outcome.failure is not None
    return outcome.failure.code, outcome.failure.message
