# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs on PATH that do nothing but write down how they were called, and a Gitea that knows one user."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import sys
import threading
import typing as t
from pathlib import Path

_PROGRAM = """#!{python}
import json, os, sys
with open({record!r}, "a") as sink:
    sink.write(json.dumps([[os.path.basename(sys.argv[0]), *sys.argv[1:]], dict(os.environ)]) + "\\n")
print("a-token" if "generate-access-token" in sys.argv else "")
"""


class Programs:
    """`seen()` has the argument list and the environment of each call."""

    def __init__(self, home: Path, *names: str) -> None:
        self.directory = home / "bin"
        self._record = home / "called"
        self.directory.mkdir()
        for name in names:
            path = self.directory / name
            path.write_text(_PROGRAM.format(python=sys.executable, record=str(self._record)))
            path.chmod(0o755)
        for name in (
            "chmod",
            "echo",
            "env",
            "id",
            "ls",
            "mkdir",
            "rm",
            "sh",
            "sleep",
            "uname",
        ):  # what Ansible itself needs
            (self.directory / name).symlink_to(f"/bin/{name}")

    @property
    def path(self) -> str:
        """PATH with these programs alone, and those of the virtual environment."""
        return os.pathsep.join([str(self.directory), str(Path(sys.executable).parent)])

    def seen(self) -> list[tuple[list[str], dict[str, str]]]:
        lines = self._record.read_text().splitlines() if self._record.exists() else []
        return list(map(json.loads, lines))


class Gitea(http.server.ThreadingHTTPServer):
    """Its API, as far as a user gets a password by it. `asked` lists method, path and body."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.asked: list[tuple[str, str, dict[str, t.Any]]] = []
        self.login = ""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Api(http.server.BaseHTTPRequestHandler):
    server: Gitea

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}")
        self.server.asked.append((self.command, self.path, body))
        given = self.headers.get("Authorization") or ""
        status = 200
        if self.command == "PATCH":
            status = 200 if given == "token a-token" else 401
            login = f"{body['login_name']}:{body['password']}".encode()
            self.server.login = f"Basic {base64.b64encode(login).decode()}"
        elif not self.path.endswith("/version"):
            known = given == self.server.login
            status = 401 if not known else 204 if self.command == "DELETE" else 200
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, *given: t.Any) -> None:
        """Not into the test's output."""


@contextlib.contextmanager
def gitea() -> t.Iterator[Gitea]:
    """Such a Gitea, running."""
    with Gitea() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
