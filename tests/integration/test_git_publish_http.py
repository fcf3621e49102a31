# SPDX-License-Identifier: GPL-3.0-or-later
"""git_publish over HTTP and HTTPS, against git's own server: who gets the token, and what each refusal says."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
import typing as t
from pathlib import Path

import pytest
from support.certificates import Authority
from support.git_server import GIT, Bare, Fault, GitHttpServer, git_http_server
from support.publishing import Publisher, publish

__all__ = ["publish"]

# Not a word that any other process of this machine has on its command line.
TOKEN = "kestrel-7f3a9c/s3cret+%41"
USERS = {"git": TOKEN, "ann": "anns-own-secret"}
FILES = [{"path": "clusters/one/app.yaml", "content": "a: 1\n"}]


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    (tmp_path / "served").mkdir()
    return Bare.create(tmp_path / "served" / "fleet.git", {"README.md": "hello\n"})


@pytest.fixture
def server(bare: Bare) -> t.Iterator[GitHttpServer]:
    with git_http_server(bare.path.parent, users=USERS) as running:
        yield running


def test_check_run_check_run(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    options: dict[str, t.Any] = {"repository": server.url("fleet.git"), "token": TOKEN, "files": FILES}
    before = bare.tip()
    planned = publish(check=True, **options)
    assert (planned["changed"], planned["commit"], bare.tip()) == (True, None, before)
    done = publish(**options)
    assert (done["changed"], done["commit"]) == (True, bare.tip())
    pushes = [request for request in server.requests if request.phase == "push"]
    assert [request.user for request in pushes] == [("git", TOKEN)]
    for check in (True, False):
        again = publish(check=check, **options)
        assert (again["changed"], again["commit"]) == (False, bare.tip())
    assert [request for request in server.requests if request.phase == "push"] == pushes


def test_an_empty_repository(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    empty = Bare.create(bare.path.parent / "empty.git")
    done = publish(repository=server.url("empty.git"), token=TOKEN, files=FILES)
    assert (done["changed"], done["commit"]) == (True, empty.tip())


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ({"username": "ann", "token": "anns-own-secret"}, {}),
        ({"username": "ann", "password": "anns-own-secret\n"}, {}),
        ({}, {"PROVEN_GIT_USERNAME": "ann", "PROVEN_GIT_TOKEN": "anns-own-secret"}),
        ({}, {"GIT_USERNAME": "ann", "GIT_TOKEN": "anns-own-secret"}),
        ({"username": "ann"}, {"GIT_PASSWORD": "anns-own-secret"}),
    ],
)
def test_credentials(
    publish: Publisher,
    server: GitHttpServer,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, t.Any],
    variables: dict[str, str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert publish(repository=server.url("fleet.git"), files=FILES, **options)["changed"]
    assert server.requests[-1].user == ("ann", "anns-own-secret")


def test_username_in_the_address(publish: Publisher, server: GitHttpServer) -> None:
    url = server.url("fleet.git").replace("://", "://ann@")
    assert publish(repository=url, token="anns-own-secret", files=FILES)["changed"]
    assert server.requests[-1].user == ("ann", "anns-own-secret")


def test_the_users_own_credentials_where_none_are_given(publish: Publisher, server: GitHttpServer) -> None:
    netrc = Path(os.environ["HOME"], ".netrc")
    netrc.write_text("machine 127.0.0.1 login ann password anns-own-secret\n")
    netrc.chmod(0o600)
    assert publish(repository=server.url("fleet.git"), files=FILES)["changed"]
    assert server.requests[-1].user == ("ann", "anns-own-secret")


def test_and_never_beside_a_token(publish: Publisher, server: GitHttpServer) -> None:
    netrc = Path(os.environ["HOME"], ".netrc")
    netrc.write_text("machine 127.0.0.1 login ann password anns-own-secret\n")
    netrc.chmod(0o600)
    assert publish(repository=server.url("fleet.git"), token=TOKEN, files=FILES)["changed"]
    assert {request.user for request in server.requests if request.authorization} == {("git", TOKEN)}


@pytest.mark.parametrize(
    ("options", "tried"),
    [
        ({"token": "a-wrong-one"}, "tried: the option token, with the user name git"),
        ({"token": "a-wrong-one", "username": "bob"}, "tried: the option token, with the user name bob"),
        ({}, "tried: no token was given; git's own credential helpers and ~/.netrc"),
    ],
)
def test_wrong_or_no_credentials(
    publish: Publisher, bare: Bare, server: GitHttpServer, options: dict[str, t.Any], tried: str
) -> None:
    before = bare.tip()
    failed = publish(repository=server.url("fleet.git"), files=FILES, **options)
    assert failed["failure"]["code"] == "authentication_failed"
    assert tried in failed["msg"]
    assert server.url("fleet.git") in failed["msg"]
    assert "a-wrong-one" not in str(failed)
    assert bare.tip() == before


def test_no_right_to_push(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    server.at("push-refs", lambda: Fault(403, body=f"{TOKEN} may not push\n".encode()))
    failed = publish(repository=server.url("fleet.git"), token=TOKEN, files=FILES)
    assert failed["failure"]["code"] == "authentication_failed"
    assert "HTTP 403" in failed["msg"]
    assert TOKEN not in str(failed)
    assert bare.log() == ["by another"]


def test_a_protected_branch(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    bare.hook("pre-receive", f"echo 'GL-HOOK-ERR: main is protected, even from {TOKEN}' >&2; exit 1")
    failed = publish(repository=server.url("fleet.git"), token=TOKEN, files=FILES)
    assert failed["failure"]["code"] == "push_declined"
    assert "main is protected, even from ***" in failed["msg"]
    assert TOKEN not in str(failed)
    assert [request.phase for request in server.requests].count("push") == 1


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (Fault(404), "repository_not_found", "there is no repository"),
        (Fault(503), "unreachable", "returned error: 503"),
        (Fault(429), "unreachable", "returned error: 429"),
        (
            Fault(200, {"Content-Type": "text/html"}, b"<html>\nlog in</html>\n"),
            "repository_not_found",
            "no repository",
        ),
    ],
)
def test_answers_that_are_none(publish: Publisher, server: GitHttpServer, fault: Fault, code: str, said: str) -> None:
    server.at("fetch-refs", lambda: fault, times=2)
    failed = publish(repository=server.url("fleet.git"), token=TOKEN, files=FILES)
    assert failed["failure"]["code"] == code
    assert said in failed["msg"]


def test_a_server_that_is_down(publish: Publisher) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    failed = publish(repository=f"http://127.0.0.1:{port}/fleet.git", token=TOKEN, files=FILES)
    assert failed["failure"]["code"] == "unreachable"
    assert f"http://127.0.0.1:{port}/fleet.git cannot be reached (after " in failed["msg"]


def test_a_name_that_does_not_resolve(publish: Publisher) -> None:
    failed = publish(repository="https://git.invalid/fleet.git", token=TOKEN, files=FILES)
    assert failed["failure"]["code"] == "unreachable"
    assert "git.invalid" in failed["msg"]


def test_a_server_that_does_not_answer(publish: Publisher, server: GitHttpServer) -> None:
    release = threading.Event()
    server.at("fetch-refs", lambda: Fault(503, stall=release), times=2)
    started = time.monotonic()
    failed = publish(repository=server.url("fleet.git"), token=TOKEN, files=FILES, timeout=1)
    release.set()
    assert failed["failure"]["code"] == "unreachable"
    assert "within the timeout of 1 s" in failed["msg"]
    assert time.monotonic() - started < 10


def test_a_token_over_plain_http(publish: Publisher, server: GitHttpServer) -> None:
    failed = publish(repository="http://git.invalid/fleet.git", token=TOKEN, files=FILES)
    assert failed["failure"]["code"] == "invalid_option"
    assert "unencrypted to git.invalid" in failed["msg"]
    allowed = publish(repository="http://git.invalid/fleet.git", token=TOKEN, files=FILES, insecure=True)
    assert allowed["failure"]["code"] == "unreachable"


def test_no_proxy_sees_the_token_on_loopback(
    publish: Publisher, server: GitHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert publish(repository=server.url("fleet.git"), token=TOKEN, files=FILES)["changed"]


def test_a_redirect_of_a_renamed_repository(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    server.moved["old-name.git"] = server.url("fleet.git")
    done = publish(repository=server.url("old-name.git"), token=TOKEN, files=FILES)
    assert done["changed"]
    assert done["commit"] == bare.tip()


def test_a_redirect_elsewhere_does_not_take_the_token_along(
    publish: Publisher, bare: Bare, server: GitHttpServer
) -> None:
    with git_http_server(bare.path.parent, users=USERS) as other:
        server.moved["fleet.git"] = other.url("fleet.git")
        failed = publish(repository=server.url("fleet.git"), token=TOKEN, files=FILES)
        assert failed["failure"]["code"] == "authentication_failed"
        assert other.requests
        assert {request.authorization for request in other.requests} == {""}


def test_a_redirect_to_the_file_system(publish: Publisher, bare: Bare, server: GitHttpServer) -> None:
    server.moved["fleet.git"] = f"file://{bare.path}"
    failed = publish(repository=server.url("fleet.git"), token=TOKEN, files=FILES)
    assert failed["failed"]
    assert bare.log() == ["by another"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def tls(authority: Authority, *hosts: str, expired: bool = False) -> ssl.SSLContext:
    pair = authority.server(*hosts, expired=expired)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.privatekey)
    return context


def test_https_with_a_private_authority(publish: Publisher, bare: Bare, authority: Authority) -> None:
    with git_http_server(bare.path.parent, users=USERS, tls=tls(authority, "localhost")) as server:
        url = server.url("fleet.git", host="localhost")
        options: dict[str, t.Any] = {"repository": url, "token": TOKEN, "files": FILES}
        failed = publish(**options)
        assert failed["failure"]["code"] == "certificate_refused"
        assert f"the certificate of localhost:{server.port}" in failed["msg"]
        assert "ca_path" in failed["msg"]
        assert [request for request in server.requests if request.authorization] == []
        done = publish(ca_path=str(authority.certificate), **options)
        assert (done["changed"], done["commit"]) == (True, bare.tip())


@pytest.mark.parametrize(("host", "expired"), [("other.example", False), ("localhost", True)])
def test_https_with_a_certificate_that_does_not_fit(
    publish: Publisher, bare: Bare, authority: Authority, host: str, expired: bool
) -> None:
    with git_http_server(bare.path.parent, users=USERS, tls=tls(authority, host, expired=expired)) as server:
        url = server.url("fleet.git", host="localhost")
        options: dict[str, t.Any] = {"repository": url, "token": TOKEN, "files": FILES}
        failed = publish(ca_path=str(authority.certificate), **options)
        assert failed["failure"]["code"] == "certificate_refused"
        assert publish(validate_certs=False, **options)["changed"]


def test_the_users_configuration_cannot_turn_verification_off(
    publish: Publisher, bare: Bare, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    with git_http_server(bare.path.parent, tls=tls(authority, "localhost")) as server:
        url = server.url("fleet.git", host="localhost")
        Path(os.environ["HOME"], ".gitconfig").write_text(
            f'[http]\nsslVerify = false\n[http "{url}"]\nsslVerify = false\n'
        )
        assert publish(repository=url, files=FILES)["failure"]["code"] == "certificate_refused"


class Watched:
    """A git in front of the real one on PATH that writes down what it and everything below it can be seen with."""

    def __init__(self, directory: Path) -> None:
        self.record = directory / "record"
        program = directory / "bin" / "git"
        program.parent.mkdir()
        # After the real git, each file of the private copy is looked at; the credential's own is where it belongs.
        program.write_text(
            f"#!/bin/sh\n"
            f'printf "argv: %s\\n" "$*" >> "{self.record}"\n'
            f'env | grep -v "^PATH=" | sed "s/^/env: /" >> "{self.record}"\n'
            f'{GIT} "$@"\n'
            f"code=$?\n"
            f'grep -r . . --exclude=credential 2>/dev/null | sed "s/^/file: /" >> "{self.record}"\n'
            f"exit $code\n"
        )
        program.chmod(0o755)
        self.path = f"{program.parent}:{os.environ['PATH']}"
        self.command_lines: set[str] = set()
        self._done = threading.Event()

    def watch(self) -> None:
        """The command lines of every process of this machine, as anybody can read them."""
        while not self._done.is_set():
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    try:
                        self.command_lines.add(
                            (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                        )
                    except OSError:
                        continue
            time.sleep(0.01)

    def stop(self) -> None:
        self._done.set()


@pytest.mark.parametrize("succeeds", [True, False])
def test_the_token_is_nowhere(
    publish: Publisher,
    bare: Bare,
    server: GitHttpServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    succeeds: bool,
) -> None:
    watched = Watched(tmp_path)
    monkeypatch.setenv("PATH", watched.path)
    # Whoever starts the task may have asked git to write down what it sends, and gives the token in the environment.
    for name in ("GIT_TRACE", "GIT_TRACE_CURL", "GIT_CURL_VERBOSE", "GIT_TRACE_PACKET"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("GIT_TRACE_REDACT", "0")
    monkeypatch.setenv("PROVEN_GIT_TOKEN", TOKEN)
    if not succeeds:
        server.at("push", lambda: Fault(500, body=TOKEN.encode()))
    watcher = threading.Thread(target=watched.watch)
    watcher.start()
    try:
        result = publish(repository=server.url("fleet.git"), files=FILES, attempts=1)
    finally:
        watched.stop()
        watcher.join()
    assert result.get("changed", False) is succeeds
    assert ("git", TOKEN) in {request.user for request in server.requests if request.authorization}
    record = watched.record.read_text(errors="replace")
    assert "argv: push" in record
    assert "env: GIT_CONFIG_COUNT" in record
    assert "file: " in record
    assert any("push" in line for line in watched.command_lines)
    output = capfd.readouterr()
    served = "\n".join(path.read_text(errors="replace") for path in bare.path.rglob("*") if path.is_file())
    for seen in (record, *watched.command_lines, str(result), output.out, output.err, served):
        assert "kestrel-7f3a9c" not in seen
