# SPDX-License-Identifier: GPL-3.0-or-later
"""A place for each use-case to fail in."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
import typing as t
from pathlib import Path

import pytest
from support.faulty import Fault, faulty_registry, spoil
from support.signing import Key, keys
from support.use_cases import Place, UseCase, outcome

from ansible_collections.proven.gitops.plugins.module_utils._embedded.credentials import Credentials
from ansible_collections.proven.gitops.plugins.module_utils._embedded.main import make_authenticator

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["keys"]

_REGISTRY = ("referrers", "tls")
LOGIN = {"username": "canary-user", "password": "canary-password"}
_CREDENTIALS = Credentials.create(LOGIN["username"], LOGIN["password"], cost=2)


class Attempt:
    """`attempt(Verify, Fault(…), retries=0)` prepares a use-case, runs it while these things go wrong: its outcome.

    `auth` is how the registry wants to be asked meanwhile. `seconds` is what the last run took, `requests` how many the
    registry answered in it (`writes` of them to change something), `result` what came of it,
    `case` the use-case.
    """

    def __init__(self, run_module: RunModule, directory: Path, key: Key) -> None:
        self._run_module = run_module
        self._directory = directory
        self._key = key
        self._number = 0
        self.seconds = 0.0
        self.requests = 0
        self.writes = 0
        self.result: Result = {}
        self.case: t.Any = None
        self.digests: set[str] = set()
        self._limit = 0

    def __call__(self, kind: type[UseCase], /, *faults: Fault, **options: t.Any) -> str:
        self._number += 1
        directory = self._directory / str(self._number)
        directory.mkdir()
        registry_options = {name: options.pop(name) for name in _REGISTRY if name in options}
        auth = options.pop("auth", None)
        with faulty_registry(directory, **registry_options) as registry:
            case = self.case = kind(Place(registry, directory, self._key, self._run_module))
            case.prepare()
            open_door = registry.server.api.authenticator
            if auth is not None:
                registry.server.api.authenticator = make_authenticator(auth, _CREDENTIALS)
                options |= LOGIN
            spoil(registry, *faults)
            result = self._timed(case, options)
            self.requests = len(registry.requests)
            self.writes = len(registry.writes())
            self.result = result
            missed = [fault for fault in faults if not fault.happened]
            assert not missed, f"what was to go wrong did not: {missed}"
            spoil(registry)
            registry.server.api.authenticator = open_door
            return outcome(case, result)

    def _timed(self, case: UseCase, options: dict[str, t.Any]) -> Result:
        began = time.monotonic()
        if self._limit:
            tracemalloc.start()
        try:
            result = case.run(**options)
            assert not self._limit or tracemalloc.get_traced_memory()[1] < self._limit
        finally:
            tracemalloc.stop()
            self.seconds = time.monotonic() - began
        return result

    @contextlib.contextmanager
    def memory(self, limit: int) -> t.Iterator[None]:
        """Fail where a run in this block has more than `limit` bytes in use at once, the registry's own included."""
        self._limit = limit
        yield
        self._limit = 0

    @staticmethod
    def pause(seconds: float) -> None:
        """For a registry that takes its time."""
        time.sleep(seconds)

    def everywhere(
        self, kind: type[UseCase], make: t.Callable[[int], Fault], step: int = 1, **options: t.Any
    ) -> dict[int, str]:
        """The outcome for each request of the use-case (or for every `step`-th) when things go wrong from there."""
        assert self(kind, **options) == "done"
        return {number: self(kind, make(number), **options) for number in range(0, self.requests, step)}


@pytest.fixture
def attempt(run_module: RunModule, tmp_path: Path, keys: tuple[Key, ...]) -> Attempt:
    return Attempt(run_module, tmp_path, keys[0])
