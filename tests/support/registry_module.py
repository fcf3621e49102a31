# SPDX-License-Identifier: GPL-3.0-or-later
"""The module oci_registry in a data directory of the test's own, which is gone with its process when the test ends.

A test module imports the fixtures `run` and `data_dir`, and names them in its `__all__`.
"""

from __future__ import annotations

import contextlib
import json
import typing as t
from pathlib import Path

import pytest
from support.plain_client import PlainClient

from ansible_collections.proven.gitops.plugins.module_utils._embedded.datadir import MARKER
from ansible_collections.proven.gitops.plugins.module_utils._tasks.local.local_registry import LocalRegistry, Wanted

CANARY = "pass-canary-Word"

Options = dict[str, t.Any]
Result = dict[str, t.Any]


class Run(t.Protocol):
    """The module with a data directory of the test's own."""

    def __call__(self, *, check: bool = False, **options: t.Any) -> Result: ...


@pytest.fixture
def data_dir(tmp_path: Path) -> t.Iterator[Path]:
    path = tmp_path / "registry"
    yield path
    if (path / MARKER).exists():
        removal = LocalRegistry(Wanted("absent", path))
        removal.apply(removal.plan())


@pytest.fixture
def run(run_module: t.Callable[..., Result], data_dir: Path) -> Run:
    def run(*, check: bool = False, **options: t.Any) -> Result:
        result = run_module("oci_registry", check=check, **{"data_dir": str(data_dir), **options})
        assert CANARY not in json.dumps(result)
        return result

    return run


@contextlib.contextmanager
def client(result: Result, authorization: str | None = None) -> t.Iterator[PlainClient]:
    client = PlainClient(result["address"], authorization=authorization)
    with contextlib.closing(client.connection):
        yield client


def four_times(run: Run, **options: t.Any) -> Result:
    """Check mode, run, check mode again, run again: the result of the run that changed something."""
    predicted = run(check=True, **options)
    assert predicted["changed"]
    first = run(**options)
    assert first["changed"], first
    assert [action.removeprefix("would ").split()[0] for action in predicted["actions"]] == [
        action.split()[0] for action in first["actions"]
    ]
    for check in (True, False):
        again = run(check=check, **options)
        assert not again["changed"]
        assert again["actions"] == []
        assert again["diff"]["before"] == again["diff"]["after"]
        settled = json.loads(first["diff"]["after"])
        settled.pop("password", None)  # says only that it changes
        assert json.loads(again["diff"]["after"]) == settled
        assert {name: again[name] for name in ("address", "port", "pid")} == {
            name: first[name] for name in ("address", "port", "pid")
        }
    return first
