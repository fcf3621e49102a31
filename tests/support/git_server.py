# SPDX-License-Identifier: GPL-3.0-or-later
"""Bare repositories, and git's own smart HTTP server (git-http-backend) behind Python's HTTP server, open to faults.

    bare = Bare.create(tmp_path / "fleet.git", {"README.md": "hello\n"})
    with git_http_server(tmp_path, users={"ann": "token"}) as server:
        server.at("push", lambda: Fault(503))            # answered instead of git, once
        server.at("push", lambda: Fault(drop=True))      # git does its work, and the answer gets lost
        server.at("push", lambda: bare.publish({…}))     # somebody else is faster
        ... server.url("fleet.git") ...

The phases of an exchange are `fetch-refs` and `fetch`, `push-refs` and `push`.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import threading
import typing as t
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

if t.TYPE_CHECKING:  # pragma: no cover
    import ssl

# Tests put a git of their own in front of it on PATH.
GIT = shutil.which("git") or "git"

_PHASES = {
    ("GET", "service=git-upload-pack"): "fetch-refs",
    ("GET", "service=git-receive-pack"): "push-refs",
    ("POST", "git-upload-pack"): "fetch",
    ("POST", "git-receive-pack"): "push",
}


def git(*arguments: str, stdin: bytes = b"", environment: t.Mapping[str, str] | None = None) -> str:
    """A git of the test's own, as somebody called Other, untouched by any configuration of this machine."""
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Other",
        "GIT_AUTHOR_EMAIL": "other@example.com",
        "GIT_COMMITTER_NAME": "Other",
        "GIT_COMMITTER_EMAIL": "other@example.com",
        "LC_ALL": "C",
    }
    done = subprocess.run([GIT, *arguments], input=stdin, capture_output=True, check=False, env=settings)
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout.decode().strip()


@dataclass(frozen=True)
class Bare:
    """A bare repository, read and written behind the server's back."""

    path: Path

    @classmethod
    def create(cls, path: Path, files: t.Mapping[str, str] | None = None, *, branch: str = "main") -> Bare:
        git("init", "--quiet", "--bare", f"--initial-branch={branch}", str(path))
        bare = cls(path)
        if files:
            bare.publish(files, branch=branch)
        return bare

    def git(self, *arguments: str, stdin: bytes = b"", environment: t.Mapping[str, str] | None = None) -> str:
        return git("--git-dir", str(self.path), *arguments, stdin=stdin, environment=environment)

    def publish(self, files: t.Mapping[str, str], *, branch: str = "main", mode: str = "100644") -> str:
        """Somebody else's commit on the branch; its object name."""
        index = {"GIT_INDEX_FILE": str(self.path / f"index-{threading.get_ident()}")}
        parent = self.tip(branch)
        self.git("read-tree", *([parent] if parent else ["--empty"]), environment=index)
        lines = [f"{mode} {self.blob(text)}\t{name}\n" for name, text in files.items()]
        self.git("update-index", "--index-info", stdin="".join(lines).encode(), environment=index)
        tree = self.git("write-tree", environment=index)
        commit = self.git("commit-tree", tree, *(["-p", parent] if parent else []), "-m", "by another")
        self.git("update-ref", f"refs/heads/{branch}", commit, parent or "0" * 40)
        return commit

    def blob(self, text: str) -> str:
        return self.git("hash-object", "-w", "--stdin", stdin=text.encode())

    def tip(self, branch: str = "main") -> str:
        """The branch's commit; empty when there is no such branch."""
        return self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def log(self, branch: str = "main", form: str = "%s") -> list[str]:
        """The commits' subjects, the newest first."""
        return self.git("log", f"--format={form}", branch).splitlines() if self.tip(branch) else []

    def files(self, branch: str = "main") -> dict[str, str]:
        """Path to content, of the whole tree."""
        names = self.git("ls-tree", "-r", "-z", "--name-only", branch).split("\0") if self.tip(branch) else []
        return {name: self.read(name, branch) for name in names if name}

    def read(self, path: str, branch: str = "main") -> str:
        """A file's content, to the last line break."""
        command = [GIT, "--git-dir", str(self.path), "cat-file", "blob", f"{branch}:{path}"]
        return subprocess.run(command, capture_output=True, check=True).stdout.decode()

    def mode(self, path: str, branch: str = "main") -> str:
        return self.git("ls-tree", branch, "--", path).split()[0]

    def hook(self, name: str, script: str) -> None:
        """A hook of the server's side."""
        file = self.path / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)


@dataclass(frozen=True)
class Fault:
    """An answer in git's place, when `status` is given; `drop` closes the connection after git has done its work."""

    status: int = 0
    headers: t.Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    stall: threading.Event | None = None


Action = t.Callable[[], object]


@dataclass(frozen=True)
class Request:
    phase: str
    path: str
    authorization: str

    @property
    def user(self) -> tuple[str, str]:
        """User name and password."""
        encoded = self.authorization.partition(" ")[2]
        name, _colon, password = base64.b64decode(encoded).decode().partition(":")
        return name, password


class GitHttpServer:
    """A server that serves until the end of its `with` block; `requests` has what was asked, in order.

    `moved` redirects: from the name of a repository to the address of another, to anybody who asks.
    """

    def __init__(self, root: Path, users: t.Mapping[str, str], tls: ssl.SSLContext | None) -> None:
        self.root = root
        self.users = dict(users)
        self.requests: list[Request] = []
        self.moved: dict[str, str] = {}
        self._actions: dict[str, list[Action]] = defaultdict(list)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.scheme = "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self.scheme = "https"

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def url(self, repository: str, *, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}/{repository}"

    def at(self, phase: str, action: Action, *, times: int = 1) -> None:
        """Do something when a request of that phase comes; a Fault that it returns is what the client gets."""
        self._actions[phase] += [action] * times

    def next_action(self, phase: str) -> object:
        with self._lock:
            actions = self._actions[phase]
            action = actions.pop(0) if actions else None
        return action() if action else None

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.02)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def git_http_server(
    root: Path, *, users: t.Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> t.Iterator[GitHttpServer]:
    """Serve the bare repositories under `root`; with `users` (name to token), to them alone."""
    server = GitHttpServer(root, users or {}, tls)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: GitHttpServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def owner(self) -> GitHttpServer:
        return t.cast("_Server", self.server).owner

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        what = parts.query if method == "GET" else parts.path.rpartition("/")[2]
        phase = _PHASES.get((method, what), "other")
        request = Request(phase, self.path, self.headers.get("Authorization", ""))
        self.owner.requests.append(request)
        body = self._body()
        repository, _slash, rest = self.path.removeprefix("/").partition("/")
        if repository in self.owner.moved:
            self._answer(301, {"Location": f"{self.owner.moved[repository]}/{rest}"}, b"")
            return
        if self.owner.users and not self._may(request):
            self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"who are you?\n")
            return
        fault = self.owner.next_action(phase)
        if not isinstance(fault, Fault):
            fault = Fault()
        if fault.stall is not None:
            fault.stall.wait(20)
        if fault.status:
            self._answer(fault.status, fault.headers, fault.body)
            return
        status, headers, answer = self._backend(method, parts.path, parts.query, body)
        if fault.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(status, headers, answer)

    def _may(self, request: Request) -> bool:
        if not request.authorization:
            return False
        name, password = request.user
        return self.owner.users.get(name) == password

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _backend(self, method: str, path: str, query: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self.owner.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": "somebody",
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run([GIT, "http-backend"], input=body, capture_output=True, check=False, env=environment)
        head, _blank, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        return int(headers.pop("Status", "200").split()[0]), headers, answer

    def _answer(self, status: int, headers: t.Mapping[str, str], body: bytes) -> None:
        with contextlib.suppress(OSError):  # the client may be gone, which some tests want
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
