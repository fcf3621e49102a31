# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook prove on the twin, with programs that only write down how they were called. The real ones: tests/e2e."""

from __future__ import annotations

import json
import re
import shlex
import typing as t
from pathlib import Path

import pytest
from support.playbook import Ran
from support.programs import Programs, gitea
from support.twin import Twin

NEEDED = ("docker", "kind", "git", "flux")
PASSWORD = "canary-password"
TEXT = "- ansible.builtin.import_playbook: proven.gitops.prove\n"

Variables = dict[str, t.Any]


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    return Twin(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "kept 'here'"


def prove(twin: Twin, programs: Programs, home: Path, *arguments: str, **more: t.Any) -> Ran:
    given = {f"prove_{name}": value for name, value in {"dir": str(home), **more}.items()}
    return twin.play(TEXT, given, *arguments, PATH=programs.path)


@pytest.mark.parametrize("missing", [("docker",), ("flux", "kind")], ids="+".join)
def test_what_is_missing_is_told_before_anything_is_made(
    twin: Twin, home: Path, tmp_path: Path, missing: tuple[str, ...]
) -> None:
    programs = Programs(tmp_path, *(name for name in NEEDED if name not in missing))
    ran = prove(twin, programs, home)
    assert ran.code != 0
    said = str(ran.result("Make sure that they are all there")["msg"])
    words = {"docker": "Docker does not answer", "flux": "the flux CLI is not on PATH", "kind": "kind is not on PATH"}
    assert [name for name, word in words.items() if word in said] == sorted(missing)
    assert (twin.calls, home.exists()) == ([], False)


def test_absent_where_docker_does_not_answer(twin: Twin, home: Path, tmp_path: Path) -> None:
    programs = Programs(tmp_path, "git")
    home.mkdir()
    (home / "mine").touch()
    assert prove(twin, programs, home, state="absent").code == 0  # nothing was made
    assert (home / "mine").exists()
    (home / "made.json").write_text(json.dumps({"cluster": "one", "git_server": "git"}))
    refused = prove(twin, programs, home, state="absent")
    assert refused.code != 0
    assert "kind delete cluster --name one" in refused.result("Make sure that nothing is left behind")["msg"]
    assert home.exists()
    forgotten = prove(twin, programs, home, state="absent", forget="true")
    assert forgotten.code == 0, forgotten.output
    assert "kind delete cluster --name one" in forgotten.result("Say what may be left where it does not")["msg"]
    assert (twin.calls, home.exists()) == ([], False)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tag": "1.0 1"}, 'prove_tag (TAG of make): "1.0 1" is no tag'),
        ({"git_name": "a|b"}, 'prove_git_name: "a|b" is no name of a container'),
        ({"git_username": "a\nGIT_PASSWORD=b"}, "prove_git_username: must be one line"),
        ({"git_token": "a\nb"}, "prove_git_token: must be one line"),
    ],
)
def test_refused_at_once(twin: Twin, home: Path, tmp_path: Path, wrong: Variables, said: str) -> None:
    ran = prove(twin, Programs(tmp_path, *NEEDED), home, **wrong)
    assert ran.code != 0
    assert said in str(ran.results[-1][2]["msg"])
    assert (twin.calls, home.exists()) == ([], False)


@pytest.mark.parametrize("given", [True, False], ids=["a password", "no password"])
def test_the_password_of_the_git_server(twin: Twin, home: Path, tmp_path: Path, given: bool) -> None:
    """In no argument list, no environment, and nothing that -vvvv shows."""
    programs = Programs(tmp_path, *NEEDED)
    with gitea() as server:
        login = {"git_token": PASSWORD} if given else {}
        ran = prove(twin, programs, home, "-vvvv", "--diff", git_port=server.port, show="false", **login)
    assert ran.code == 0, ran.output
    password = PASSWORD if given else (home / "git.password").read_text()
    (patched,) = [body for method, _path, body in server.asked if method == "PATCH"]
    assert (patched["login_name"], patched["password"]) == ("fleet", password)
    assert server.asked[-1][0] == "DELETE"
    assert password not in json.dumps(programs.seen())
    shown = ran.output.replace(json.dumps({"prove_git_token": PASSWORD})[1:-1], "")  # the test's own argument
    assert password not in shown
    secret = (home / "git.env").read_text()
    assert secret == f"GIT_USER=fleet\nGIT_PASSWORD={password}\n"
    assert (home / "git.env").stat().st_mode & 0o777 == 0o600
    (begun,) = [argv for argv, _environment in programs.seen() if argv[:2] == ["docker", "run"]]
    assert f"--env-file={home}/git.env" in begun


def test_the_evidence_and_what_it_says_to_type(twin: Twin, home: Path, tmp_path: Path) -> None:
    programs = Programs(tmp_path, *NEEDED)
    manifests = tmp_path / "my $app"
    manifests.mkdir()
    own = {"repository": "https://git.test/fleet", "git_token": PASSWORD}
    given = {"manifests": str(manifests), "tag": "main-3f2a1c", "kustomize": "./overlays/prod", "move": "yes"}
    ran = prove(twin, programs, home, **own, **given)
    assert ran.code == 0, ran.output
    (declared,) = twin.options("flux_oci_source")
    assert (declared["ref"], declared["kustomization"]) == ({"tag": "main-3f2a1c"}, {"path": "./overlays/prod"})
    assert all(one["move"] is True for one in twin.options("oci_tag"))
    evidence = (home / "evidence.txt").read_text()
    assert len(re.findall("deployment  app/app", evidence)) == 1
    assert len(re.findall("pod         app-", evidence)) == 2
    commands = [shlex.split(line, comments=True) for line in evidence.partition("type next")[2].splitlines()[2:]]
    assert commands[0] == ["export", f"KUBECONFIG={home}/kubeconfig"]
    again, stop = (json.loads(command[-1]) for command in commands[2:])
    assert again == {"prove_dir": str(home), **{f"prove_{name}": value for name, value in given.items()}}
    assert stop == {"prove_dir": str(home), "prove_state": "absent"}
    prove(twin, programs, home, **own, **given, make="true")
    again = shlex.split((home / "evidence.txt").read_text().splitlines()[-2], comments=True)
    assert again[:4] == ["make", "quickstart", "CLUSTER=kind", f"MANIFESTS={tmp_path}/my $$app"]
    assert again[4:] == ["TAG=main-3f2a1c", "KUSTOMIZE=./overlays/prod", "MOVE=yes"]


def test_a_version_is_followed_by_the_range(twin: Twin, home: Path, tmp_path: Path) -> None:
    ran = prove(twin, Programs(tmp_path, *NEEDED), home, repository="https://git.test/fleet", tag="v1.2.3")
    assert ran.code == 0, ran.output
    assert "ref" not in twin.options("flux_oci_source")[0]
