# SPDX-License-Identifier: GPL-3.0-or-later
"""git_publish against Gitea: tokens and their scopes, protected branches, an empty repository, SSH, many at once."""

from __future__ import annotations

import base64
import secrets
import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from interop.gitea import PASSWORD, USER, Gitea
from interop.peers import find

from ansible_collections.proven.gitops.plugins.module_utils._git.access import Access
from ansible_collections.proven.gitops.plugins.module_utils._git.address import parse_address
from ansible_collections.proven.gitops.plugins.module_utils._git.tree import File
from ansible_collections.proven.gitops.plugins.module_utils._git.workspace import private_directory
from ansible_collections.proven.gitops.plugins.module_utils._tasks.git.publish import GitPublish, Publication

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours

PATH, CONTENT = "clusters/my cluster/größe-sync.yaml", "kind: Kustomization\n"
FILES = [{"path": PATH, "content": CONTENT}]


@pytest.fixture
def name() -> str:
    return f"fleet-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def token(gitea: Gitea) -> str:
    """An access token that may write to repositories, and nothing else."""
    return gitea.token("publisher", "write:repository")


def _messages(gitea: Gitea, name: str, count: int) -> list[str]:
    """The commits' messages, the newest first. Gitea notices only after a push that a repository is no longer empty."""
    deadline = time.monotonic() + 10
    while len(commits := gitea.commits(name)) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    return [entry["commit"]["message"].strip() for entry in commits]


@pytest.mark.parametrize("empty", [False, True], ids=["with a commit", "empty"])
def test_check_run_check_run(empty: bool, gitea: Gitea, name: str, token: str, ours: Ours) -> None:
    before = [] if empty else ["Initial commit"]
    options: dict[str, t.Any] = {"repository": gitea.repository(name, empty=empty), "token": token}
    wanted = {**options, "files": FILES, "commit_message": "Deliver"}
    assert ours("git_publish", check=True, **wanted)["changed"]
    assert _messages(gitea, name, len(before)) == before
    commit = ours("git_publish", **wanted)["commit"]
    for check in (True, False):
        again = ours("git_publish", check=check, **wanted)
        assert (again["changed"], again["commit"]) == (False, commit)
    assert _messages(gitea, name, len(before) + 1) == ["Deliver", *before]
    newest = gitea.commits(name)[0]
    assert (newest["sha"], newest["commit"]["author"]["name"]) == (commit, "proven.gitops")
    assert gitea.read(name, PATH) == CONTENT.encode()
    assert ours("git_publish", files=[{"path": PATH, "state": "absent"}], **options)["changed"]
    assert gitea.read(name, PATH) is None


def test_a_branch_of_its_own(gitea: Gitea, name: str, token: str, ours: Ours) -> None:
    url = gitea.repository(name)
    ours("git_publish", repository=url, token=token, files=FILES, branch="proposals/app-2")
    assert gitea.read(name, PATH, "proposals/app-2") == CONTENT.encode()
    assert gitea.read(name, PATH) is None
    assert gitea.read(name, "README.md", "proposals/app-2") is not None


def test_a_password_works_as_well(gitea: Gitea, name: str, ours: Ours) -> None:
    assert ours("git_publish", repository=gitea.repository(name), username=USER, password=PASSWORD, files=FILES)[
        "changed"
    ]


def test_what_gitea_refuses(gitea: Gitea, name: str, token: str, ours: Ours) -> None:
    """Each refusal with a code of its own, without the token, and with the branch as it was."""
    url = gitea.repository(name)
    rule = {"rule_name": "main", "branch_name": "main", "enable_push": False}
    reader = gitea.token(f"reader-{name}", "read:repository")
    cases = [
        (url, "0" * 40, "authentication_failed"),
        (url, reader, "authentication_failed"),
        (url.replace(name, "absent"), token, "repository_not_found"),
    ]
    for repository, secret, code in cases:
        failed = ours("git_publish", fails=True, repository=repository, token=secret, files=FILES)
        assert failed["failure"]["code"] == code
        assert secret not in str(failed)
    gitea.create(f"/repos/{USER}/{name}/branch_protections", rule)
    failed = ours("git_publish", fails=True, repository=url, token=token, files=FILES)
    assert failed["failure"]["code"] == "push_declined"
    assert "protected" in failed["msg"]
    assert token not in str(failed)
    assert _messages(gitea, name, 1) == ["Initial commit"]


def test_four_at_once(gitea: Gitea, name: str, token: str) -> None:
    """Every commit gets there, one on top of the other, whoever is late."""
    address = parse_address(gitea.repository(name))

    def publish(number: int) -> t.Any:
        files = (File(f"clusters/app-{number}.yaml", f"number: {number}\n".encode()),)
        with private_directory() as directory:
            case = GitPublish(Publication(address, files, access=Access(token=token)), directory)
            return case.apply(case.plan())

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(publish, range(4)))
    assert all(outcome.failure is None for outcome in outcomes)
    assert len(gitea.commits(name)) == 1 + len(outcomes)
    assert {outcome.values["commit"] for outcome in outcomes} == {entry["sha"] for entry in gitea.commits(name)[:-1]}
    for number in range(4):
        assert gitea.read(name, f"clusters/app-{number}.yaml") == f"number: {number}\n".encode()


@pytest.fixture(scope="module")
def deploy_key(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key that Gitea knows."""
    file = tmp_path_factory.mktemp("ssh") / "deploy"
    subprocess.run([find("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    gitea.create("/user/keys", {"title": "deploy", "key": file.with_suffix(".pub").read_text()})
    return file


def test_ssh(gitea: Gitea, name: str, deploy_key: Path, ours: Ours) -> None:
    gitea.repository(name)
    scan = [find("ssh-keyscan"), "-p", str(gitea.ssh_port), "127.0.0.1"]
    known = subprocess.run(scan, check=True, capture_output=True, text=True).stdout
    options: dict[str, t.Any] = {
        "repository": f"ssh://git@127.0.0.1:{gitea.ssh_port}/{USER}/{name}.git",
        "privatekey_path": str(deploy_key),
        "files": FILES,
    }
    stranger = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(32)).decode()
    wrong = f"[127.0.0.1]:{gitea.ssh_port} ssh-ed25519 {stranger}\n"
    refused = ours("git_publish", fails=True, known_hosts=wrong, **options)
    assert refused["failure"]["code"] == "host_key_refused"
    assert [ours("git_publish", known_hosts=known, **options)["changed"] for _turn in range(2)] == [True, False]
    assert gitea.read(name, PATH) == CONTENT.encode()
