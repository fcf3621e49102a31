# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that write to one place at the same moment: each outcome is complete, or a clear error."""

from __future__ import annotations

import functools
import threading
import typing as t
from pathlib import Path

import pytest
from support import module_process
from support.artifacts import client
from support.git_server import Bare, git_http_server
from support.registry import RunningRegistry, registry, running_registry
from support.signing import PASSPHRASE, Key, artifact, count, either, sign, verify

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Hook, Request, Response

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["either", "registry"]

pytestmark = pytest.mark.one_version

COUNT = 20
PUBLISHERS = 6
Result = dict[str, t.Any]


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> list[Key]:
    directory = tmp_path_factory.mktemp("signers")
    return [Key.make(directory, str(number)) for number in range(COUNT)]


class Gate(Hook):
    """Holds the first request to `target` of each process, until all have come."""

    def __init__(self, processes: int, method: str, target: str) -> None:
        self._barrier = threading.Barrier(processes)
        self._method, self._target = method, target
        self._left = processes
        self._lock = threading.Lock()

    def before(self, request: Request) -> Response | None:
        if request.method == self._method and request.target.endswith(self._target):
            with self._lock:
                mine = self._left > 0
                self._left -= mine
            if mine:
                self._barrier.wait(90)
        return None


def _at_once(registry: RunningRegistry, reference: str, keys: t.Sequence[Key], *hosts: Path) -> list[Result]:
    """Sign in both formats, by a process for each key, each on a host of its own if `hosts` are given."""
    registry.hooks.append(Gate(len(keys), "GET", f"/manifests/{reference.partition('@')[2]}"))
    running = []
    for number, key in enumerate(keys):
        mine = {"PROVEN_LOCK_DIR": str(hosts[number])} if hosts else {}
        options = {"privatekey_path": key.path, "privatekey_passphrase": PASSPHRASE, "format": "both"}
        running.append(module_process.start("cosign_sign", environment=mine, reference=reference, **options))
    done = [module_process.finish(one) for one in running]
    registry.hooks.clear()
    return [one for one in done if one is not None]


@pytest.mark.slow
@pytest.mark.fault("W1")
@pytest.mark.timeout(300)
def test_signers_on_one_host(either: RunningRegistry, run_module: RunModule, signers: list[Key]) -> None:
    reference = artifact(either)
    done = _at_once(either, reference, signers)
    assert [one.get("msg") for one in done] == [None] * COUNT
    assert count(either, reference) == {"legacy": COUNT, "bundle": COUNT}
    for key in signers:
        assert verify(run_module, reference, key)["verdicts"][0]["formats"] == ["bundle", "legacy"]


@pytest.mark.slow
@pytest.mark.fault("W2")
def test_one_signer_many_times(either: RunningRegistry, signers: list[Key]) -> None:
    reference = artifact(either)
    done = _at_once(either, reference, [signers[0]] * COUNT)
    assert sorted(one["changed"] for one in done) == [False] * (COUNT - 1) + [True]
    assert count(either, reference) == {"legacy": 1, "bundle": 1}


def _hosts(directory: Path) -> list[Path]:
    """Processes whose locks are in different places do not hear of each other, as on different hosts."""
    found = [directory / f"host{number}" for number in range(COUNT)]
    for one in found:
        one.mkdir(mode=0o700)
    return found


@pytest.mark.fault("W3", "W4")
@pytest.mark.slow
@pytest.mark.parametrize("referrers", [True, False], ids=["referrers", "tags"])
def test_signers_on_many_hosts(
    run_module: RunModule,
    signers: list[Key],
    tmp_path: Path,
    record_property: t.Callable[[str, object], None],
    referrers: bool,
) -> None:
    """With one tag for all of them a registry that cannot compare and swap may lose what was read back already."""
    with running_registry(tmp_path, referrers=referrers) as registry:
        reference = artifact(registry)
        done = _at_once(registry, reference, signers, *_hosts(tmp_path))
        failed = [one["failure"]["code"] for one in done if one.get("failed")]
        there = count(registry, reference)
        record_property("signatures", {**there, "failed": failed})
        assert set(failed) <= {"signature_lost", "busy"}
        if referrers:
            assert there["bundle"] == COUNT
        again = [sign(run_module, reference, key, format="both") for key in signers]
        assert count(registry, reference) == {"legacy": COUNT, "bundle": COUNT}
        assert sum(one["changed"] for one in again) <= 2 * COUNT - sum(there.values())
        for key in signers:
            assert verify(run_module, reference, key)["verdicts"][0]["formats"] == ["bundle", "legacy"]


@pytest.mark.fault("W5")
def test_pushes_to_one_tag(registry: RunningRegistry, tmp_path: Path) -> None:
    running = []
    registry.hooks.append(Gate(PUBLISHERS, "PUT", "/manifests/v1"))
    for number in range(PUBLISHERS):
        tree = tmp_path / f"tree{number}"
        tree.mkdir()
        (tree / "a.yaml").write_text(f"kind: A{number}\n")
        reference = f"{registry.address}/team/app:v1"
        running.append(module_process.start("oci_push", reference=reference, path=str(tree)))
    done = [module_process.finish(one) for one in running]
    artifacts = [one["artifact"] for one in done if one is not None]
    assert len({one["digest"] for one in artifacts}) == PUBLISHERS
    remote = client(registry.address)
    visible = remote.resolve("team/app", "v1")
    assert visible is not None
    assert visible.digest in {one["digest"] for one in artifacts}
    for one in artifacts:
        assert remote.resolve("team/app", one["digest"]) is not None
        assert remote.has_blob("team/app", one["layer_digest"])


@pytest.mark.fault("W6")
def test_publishers_of_one_branch(tmp_path: Path) -> None:
    bare = Bare.create(tmp_path / "served" / "fleet.git", {"README.md": "hello\n"})
    barrier = threading.Barrier(PUBLISHERS)
    with git_http_server(bare.path.parent, users={"git": "token"}) as server:
        server.at("push-refs", functools.partial(_meet, barrier), times=PUBLISHERS)
        running = []
        for number in range(PUBLISHERS):
            files = [{"path": f"{number}.yaml", "content": f"a: {number}\n"}]
            options: dict[str, t.Any] = {"repository": server.url("fleet.git"), "token": "token", "files": files}
            running.append(module_process.start("git_publish", commit_message=f"add {number}", **options))
        done = [module_process.finish(one) for one in running]
    complete = [number for number, one in enumerate(done) if one is not None and not one.get("failed")]
    codes = {one["failure"]["code"] for one in done if one is not None and one.get("failed")}
    assert codes <= {"branch_moved"}
    assert sorted(bare.log()) == ["add " + str(number) for number in complete] + ["by another"]
    assert bare.git("rev-list", "--merges", "main") == ""
    assert set(bare.files()) == {"README.md", *(f"{number}.yaml" for number in complete)}
    assert {one["commit"] for one in done if one is not None and "commit" in one} <= set(bare.log(form="%H"))
    assert bare.git("fsck", "--strict", "--no-dangling") == ""


def _meet(barrier: threading.Barrier) -> None:
    barrier.wait(90)
