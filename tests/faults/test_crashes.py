# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are killed with SIGKILL at any step, and run again: what comes of it is as if nothing was."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from support import module_process
from support.faulty import Fault, faulty_registry, spoil
from support.git_server import Bare, GitHttpServer, git_http_server
from support.signing import Key, keys
from support.use_cases import Place, Pull, Push, SignBundle, SignLegacy, Tag, UseCase, first, outcome

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Request, Response
from ansible_collections.proven.gitops.plugins.module_utils._shared import files, inside

if t.TYPE_CHECKING:
    from conftest import RunModule
    from support.registry import RunningRegistry

__all__ = ["keys"]

pytestmark = pytest.mark.one_version

WRITERS: tuple[type[UseCase], ...] = (Push, SignBundle, SignLegacy, Tag, Pull)
WHEN = ["before", "after"]


class Victim:
    """A process that is killed when somebody calls `die`, also where it has not been started yet at that moment."""

    def __init__(self) -> None:
        self.running: subprocess.Popen[str] | None = None

    def die(self, *_ignored: object) -> None:
        end = time.monotonic() + 10
        while self.running is None and time.monotonic() < end:
            time.sleep(0.01)
        assert self.running is not None
        self.running.kill()
        self.running.wait()


def _deadly(victim: Victim, number: int, when: str) -> Fault:
    if when == "before":
        return Fault(".*", "", skip=number, answer=lambda _request: _no_answer(victim))
    return Fault(".*", "", skip=number, change=lambda _request, answer: _late_answer(victim, _request, answer))


def _no_answer(victim: Victim) -> Response:
    victim.die()
    return Response(500)


def _late_answer(victim: Victim, _request: Request, answer: Response) -> Response:
    victim.die()
    return answer


def _requests(registry: RunningRegistry, case: UseCase) -> int:
    """How many the use-case makes when all is well; it is done afterwards."""
    registry.requests.clear()
    result = module_process.finish(module_process.start(case.module, **case.arguments()))
    made = len(registry.requests)  # to see whether it is done takes some more
    assert result is not None
    assert outcome(case, result) == "done"
    return made


def _prepared(kind: type[UseCase], registry: RunningRegistry, directory: Path, key: Key, run: RunModule) -> UseCase:
    directory.mkdir()
    case = kind(Place(registry, directory, key, run))
    case.prepare()
    return case


def _digest(result: dict[str, t.Any]) -> str:
    """Of the artifact, by whatever name the module returns it."""
    if "artifact" in result:
        return str(result["artifact"]["digest"])
    listed = [one for value in result.values() if isinstance(value, list) for one in value if isinstance(one, dict)]
    return str(next(one["digest"] for one in listed if "digest" in one))


@pytest.mark.fault("X1a", "X1b")
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("kind", first(WRITERS, Push, Tag), ids=lambda kind: kind.name.replace(" ", "-"))
def test_killed_at_any_request(
    kind: type[UseCase], when: str, run_module: RunModule, keys: tuple[Key, ...], tmp_path: Path
) -> None:
    with faulty_registry(tmp_path / "whole") as registry:
        case = _prepared(kind, registry, tmp_path / "first", keys[0], run_module)
        total = _requests(registry, case)
        wanted = _digest(case.run())
    for number in range(total):
        with faulty_registry(tmp_path / f"registry{number}") as registry:
            case = _prepared(kind, registry, tmp_path / f"place{number}", keys[0], run_module)
            victim = Victim()
            spoil(registry, _deadly(victim, number, when))
            victim.running = module_process.start(case.module, **case.arguments())
            assert module_process.finish(victim.running) is None
            spoil(registry)
            result = case.run()
            assert outcome(case, result) == "done", (number, result)
            assert _digest(result) == wanted
            assert not case.run()["changed"]


def _written(directory: str, name: str) -> None:
    inside.write(directory, name, [b"new"], new=False)


def _replaced(directory: str, name: str) -> None:
    files.write_atomically(f"{directory}/{name}", [b"new"], 0o600)


@pytest.mark.fault("X4")
@pytest.mark.parametrize("write", [_written, _replaced])
@pytest.mark.parametrize(
    ("call", "content"), [("write", b"old"), ("fsync", b"old"), ("rename", b"old"), ("done", b"new")]
)
def test_killed_in_a_file(tmp_path: Path, write: t.Callable[[str, str], None], call: str, content: bytes) -> None:
    """With some of it written, with all of it, before it has its name, and after."""
    (tmp_path / "a.yaml").write_bytes(b"old")
    child = os.fork()
    if child == 0:
        _die_at(call)
        write(str(tmp_path), "a.yaml")
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert (tmp_path / "a.yaml").read_bytes() == content
    assert [one.name for one in tmp_path.iterdir() if not one.name.startswith(".")] == ["a.yaml"]


def _die_at(call: str) -> None:
    def die(*_arguments: object, **_options: object) -> t.NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    names = {"write": ["fchmod", "fsync"], "fsync": ["fsync"], "rename": ["replace", "rename"], "done": []}
    for name in names[call]:
        setattr(os, name, die)


PHASES = ["fetch-refs", "fetch", "push-refs", "push"]


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare.create(tmp_path / "served" / "fleet.git", {"README.md": "hello\n"})


@pytest.fixture
def server(bare: Bare) -> t.Iterator[GitHttpServer]:
    with git_http_server(bare.path.parent, users={"git": "token"}) as running:
        yield running


@pytest.mark.fault("X3")
@pytest.mark.parametrize("phase", PHASES)
def test_killed_at_an_exchange(bare: Bare, server: GitHttpServer, run_module: RunModule, phase: str) -> None:
    options: dict[str, t.Any] = {
        "repository": server.url("fleet.git"),
        "token": "token",
        "files": [{"path": "ours.yaml", "content": "a: 1\n"}],
        "commit_message": "ours",
    }
    victim = Victim()
    server.at(phase, victim.die)
    victim.running = module_process.start("git_publish", **options)
    assert module_process.finish(victim.running) is None
    again = run_module("git_publish", **options)
    assert again["commit"] == bare.tip()
    assert bare.log() == ["ours", "by another"]
    assert bare.files() == {"README.md": "hello\n", "ours.yaml": "a: 1\n"}
    assert bare.git("fsck", "--strict", "--no-dangling") == ""
    assert not run_module("git_publish", **options)["changed"]


@pytest.mark.fault("X3")
def test_killed_when_the_push_has_arrived(bare: Bare, server: GitHttpServer, run_module: RunModule) -> None:
    """The server has taken the commit, and nobody was there to hear it."""
    options: dict[str, t.Any] = {"repository": server.url("fleet.git"), "token": "token", "commit_message": "ours"}
    files = [{"path": "ours.yaml", "content": "a: 1\n"}]
    mark = bare.path / "arrived"
    bare.hook("post-receive", f"touch '{mark}'; sleep 5")
    running = module_process.start("git_publish", files=files, **options)
    end = time.monotonic() + 60
    while not mark.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    running.kill()
    assert module_process.finish(running) is None
    again = run_module("git_publish", files=files, **options)
    assert (again["changed"], again["commit"]) == (False, bare.tip())
    assert bare.log() == ["ours", "by another"]
