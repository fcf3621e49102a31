# SPDX-License-Identifier: GPL-3.0-or-later
"""git_publish while others push, and on connections that break: no commit gets lost, and no task claims what is not."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from support.git_server import Bare, Fault, GitHttpServer, git_http_server
from support.publishing import Publisher, publish

from ansible_collections.proven.gitops.plugins.module_utils._git import errors
from ansible_collections.proven.gitops.plugins.module_utils._git.address import parse_address
from ansible_collections.proven.gitops.plugins.module_utils._git.tree import File
from ansible_collections.proven.gitops.plugins.module_utils._git.workspace import private_directory
from ansible_collections.proven.gitops.plugins.module_utils._tasks._case import Outcome
from ansible_collections.proven.gitops.plugins.module_utils._tasks.git.publish import GitPublish, Publication

__all__ = ["publish"]

pytestmark = pytest.mark.one_version

FILES = [{"path": "ours.yaml", "content": "a: 1\n"}]


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    (tmp_path / "served").mkdir()
    return Bare.create(tmp_path / "served" / "fleet.git", {"README.md": "hello\n"})


@pytest.fixture
def server(bare: Bare) -> t.Iterator[GitHttpServer]:
    with git_http_server(bare.path.parent, users={"git": "token"}) as running:
        yield running


def run_case(url: str, *files: File, wait: t.Callable[[float], None] | None = None, **settings: t.Any) -> Outcome:
    """The use-case as the module runs it."""
    publication = replace(Publication(parse_address(url), files), **settings)
    with private_directory() as directory:
        case = GitPublish(publication, directory, wait=wait) if wait else GitPublish(publication, directory)
        return case.apply(case.plan())


# `push-refs`: the server's references are still to be read; `push`: they were read, so the server itself has to refuse.
@pytest.mark.parametrize("phase", ["push-refs", "push"])
def test_another_push_in_between(publish: Publisher, bare: Bare, server: GitHttpServer, phase: str) -> None:
    server.at(phase, lambda: bare.publish({"theirs.yaml": "b: 2\n", "ours.yaml": "by another\n"}))
    done = publish(repository=server.url("fleet.git"), token="token", files=FILES, commit_message="ours")
    assert (done["changed"], done["attempts"]) == (True, 2)
    assert done["commit"] == bare.tip()
    assert bare.log() == ["ours", "by another", "by another"]
    assert bare.files() == {"README.md": "hello\n", "theirs.yaml": "b: 2\n", "ours.yaml": "a: 1\n"}
    assert done["diff"][0]["before"] == "by another\n"  # of what was applied, not of what was first planned


def test_another_pushes_the_same_in_between(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    server.at("push-refs", lambda: bare.publish({"ours.yaml": "a: 1\n"}))
    done = publish(repository=server.url("fleet.git"), token="token", files=FILES)
    assert (done["changed"], done["commit"], done["files"]) == (False, bare.tip(), {"ours.yaml": "unchanged"})
    assert bare.log() == ["by another", "by another"]


def test_another_makes_the_branch_in_between(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    server.at("push", lambda: bare.publish({"theirs.yaml": "b: 2\n"}, branch="new"))
    done = publish(repository=server.url("fleet.git"), token="token", files=FILES, branch="new")
    assert (done["changed"], done["attempts"]) == (True, 2)
    assert bare.files("new") == {"theirs.yaml": "b: 2\n", "ours.yaml": "a: 1\n"}


def test_another_puts_something_in_the_way(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    server.at("push-refs", lambda: bare.publish({"ours.yaml/deep": "b: 2\n"}))
    failed = publish(repository=server.url("fleet.git"), token="token", files=FILES)
    assert failed["failure"]["code"] == "path_conflict"
    assert bare.log() == ["by another", "by another"]


def test_the_attempts_have_an_end(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    for number in range(5):
        server.at("push-refs", lambda number=number: bare.publish({"theirs.yaml": str(number)}))  # type: ignore[misc]
    failed = publish(repository=server.url("fleet.git"), token="token", files=FILES, attempts=3)
    assert failed["failure"]["code"] == "branch_moved"
    assert "nothing was pushed in 3 attempts" in failed["msg"]
    assert failed["failure"]["details"]["attempts"] == 3
    assert set(bare.log()) == {"by another"}
    assert len(bare.log()) == 4


def test_publishers_wait_a_random_and_bounded_time(bare: Bare) -> None:
    waits: list[float] = []
    bare.hook("pre-receive", "exit 0")
    lock = bare.path / "refs" / "heads" / "main.lock"
    lock.touch()
    with pytest.raises(errors.BranchMoved):
        run_case(str(bare.path), File("ours", b"x"), wait=waits.append)
    assert len(waits) == 10
    assert len(set(waits)) == 10
    assert max(waits) <= 5


def test_the_answer_to_a_push_gets_lost(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    server.at("push", lambda: Fault(drop=True))
    done = publish(repository=server.url("fleet.git"), token="token", files=FILES, commit_message="ours")
    assert (done["changed"], done["commit"], done["attempts"]) == (True, bare.tip(), 1)
    assert bare.log() == ["ours", "by another"]


def test_the_answer_gets_lost_and_another_goes_on_from_there(
    publish: Publisher, bare: Bare, server: GitHttpServer
) -> None:
    server.at("push", lambda: Fault(drop=True))
    # The first of them fetches the plan, so the third is the one that looks what became of the push.
    server.at("fetch-refs", lambda: None, times=2)
    server.at("fetch-refs", lambda: bare.publish({"theirs.yaml": "b: 2\n"}))
    asked = len(server.requests)
    done = publish(repository=server.url("fleet.git"), token="token", files=FILES, commit_message="ours")
    assert len(server.requests) > asked
    assert (done["changed"], done["commit"]) == (True, bare.tip())
    assert "ours" in bare.log()
    assert bare.files()["ours.yaml"] == "a: 1\n"


def test_a_push_that_did_not_arrive_is_tried_again(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    server.at("push", lambda: Fault(503))
    done = publish(repository=server.url("fleet.git"), token="token", files=FILES, commit_message="ours")
    assert (done["changed"], done["attempts"]) == (True, 2)
    assert bare.log() == ["ours", "by another"]


def test_a_push_that_never_arrives(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    server.at("push", lambda: Fault(503), times=5)
    failed = publish(repository=server.url("fleet.git"), token="token", files=FILES, attempts=2)
    assert failed["failure"]["code"] == "unreachable"
    assert "has nothing of what was pushed in 2 attempts" in failed["msg"]
    assert "returned error: 503" in failed["msg"]
    assert bare.log() == ["by another"]


def test_a_push_of_which_nobody_knows(bare: Bare, server: GitHttpServer) -> None:
    def drop_and_close() -> Fault:
        server.at("fetch-refs", lambda: Fault(503), times=50)
        return Fault(drop=True)

    server.at("push", drop_and_close)
    server.users.clear()
    with pytest.raises(errors.PushUnknown, match="it is not known whether the push of") as caught:
        run_case(server.url("fleet.git"), File("ours", b"x"), wait=lambda _each: None)
    assert caught.value.details["commit"] == bare.tip()
    assert caught.value.code == "push_unknown"


def test_a_timeout_of_a_push_that_arrived(publish: Publisher, bare: Bare) -> None:
    bare.hook("post-receive", "sleep 30")
    done = publish(repository=str(bare.path), files=FILES, timeout=1, commit_message="ours")
    assert (done["changed"], done["commit"]) == (True, bare.tip())
    assert bare.log() == ["ours", "by another"]


def test_all_commits_of_concurrent_publishers_survive(bare: Bare) -> None:
    publishers, rounds = 4, 2
    start = threading.Barrier(publishers)

    def work(number: int) -> list[str]:
        commits = []
        for turn in range(rounds):
            start.wait(30)
            outcome = run_case(
                str(bare.path), File(f"from-{number}/{turn}", b"%d" % turn), message=f"{number}-{turn}", attempts=50
            )
            assert outcome.changed
            commits.append(outcome.values["commit"])
        return commits

    with ThreadPoolExecutor(publishers) as pool:
        commits = [commit for found in pool.map(work, range(publishers)) for commit in found]
    expected = {f"{number}-{turn}" for number in range(publishers) for turn in range(rounds)}
    assert set(bare.log()) == {*expected, "by another"}
    assert len(bare.log()) == len(expected) + 1  # each once, in one line of history
    assert set(commits) < set(bare.log(form="%H"))
    assert set(bare.files()) == {"README.md"} | {
        f"from-{number}/{turn}" for number in range(4) for turn in range(rounds)
    }
    assert bare.git("fsck", "--strict", "--no-dangling") == ""


def test_all_write_one_file_and_each_write_is_a_commit(bare: Bare) -> None:
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(
            pool.map(lambda n: run_case(str(bare.path), File("one", b"%d" % n), message=str(n), attempts=50), range(4))
        )
    assert sorted(bare.log()) == ["0", "1", "2", "3", "by another"]
    last = bare.log()[0]
    assert bare.read("one") == last
    assert [outcome.values["commit"] for outcome in outcomes if outcome.values["commit"] == bare.tip()] == [bare.tip()]
