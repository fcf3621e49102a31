# SPDX-License-Identifier: GPL-3.0-or-later
"""Gitea as one process: git over HTTP and SSH with users, tokens and branch protection, and an OCI registry."""

from __future__ import annotations

import json
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from support.plain_client import Answer, PlainClient, basic

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.peers import Cli

USER, PASSWORD = "lab", "lab-password"
_SETTINGS = """
APP_NAME = interop
RUN_MODE = prod
WORK_PATH = {work}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
{static}
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
OFFLINE_MODE = true
START_SSH_SERVER = true
BUILTIN_SSH_SERVER_USER = git
SSH_DOMAIN = 127.0.0.1
SSH_LISTEN_HOST = 127.0.0.1
SSH_LISTEN_PORT = {ssh}
SSH_PORT = {ssh}
[database]
DB_TYPE = sqlite3
PATH = {work}/gitea.db
[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2_v1
[repository]
DEFAULT_BRANCH = main
[log]
LEVEL = error
"""


@dataclass(frozen=True)
class Gitea:
    """`api("GET", "/user")` asks as the administrator."""

    address: str
    ssh_port: int

    def api(self, method: str, path: str, document: t.Any = None, authorization: str | None = None) -> Answer:
        client = PlainClient(self.address, authorization=authorization or basic(USER, PASSWORD))
        body = None if document is None else json.dumps(document)
        return client.call(method, f"/api/v1{path}", body, Content_Type="application/json")

    def create(self, path: str, document: t.Any) -> t.Any:
        """POST something new; what Gitea made of it."""
        answer = self.api("POST", path, document)
        assert answer.status == 201, answer
        return answer.json

    def repository(self, name: str, *, empty: bool = False) -> str:
        """A new repository's clone URL."""
        self.create("/user/repos", {"name": name, "auto_init": not empty, "default_branch": "main"})
        return f"http://{self.address}/{USER}/{name}.git"

    def token(self, name: str, *scopes: str) -> str:
        return str(self.create(f"/users/{USER}/tokens", {"name": name, "scopes": list(scopes)})["sha1"])

    def read(self, repository: str, path: str, branch: str = "main") -> bytes | None:
        """A file as Gitea serves it."""
        answer = self.api("GET", f"/repos/{USER}/{repository}/raw/{quote(path)}?ref={quote(branch)}")
        return answer.body if answer.status == 200 else None

    def commits(self, repository: str, branch: str = "main") -> list[dict[str, t.Any]]:
        """The newest first; none in an empty repository."""
        answer = self.api("GET", f"/repos/{USER}/{repository}/commits?sha={quote(branch)}&limit=50")
        return list(answer.json) if answer.status == 200 else []


def write_settings(cli: Cli, work: Path, port: int, ssh: int) -> Path:
    """Settings, database and the administrator of a new Gitea; the settings' file."""
    work.mkdir()
    static = _static_files(cli)
    file = work / "app.ini"
    line = f"STATIC_ROOT_PATH = {static}" if static else ""
    file.write_text(_SETTINGS.format(work=work, static=line, port=port, ssh=ssh))
    cli("migrate", "-c", str(file), cwd=work)
    who = ("--username", USER, "--password", PASSWORD, "--email", "lab@example.org")
    cli("admin", "user", "create", "-c", str(file), *who, "--admin", "--must-change-password=false", cwd=work)
    return file


def _static_files(cli: Cli) -> str | None:
    """Templates and locales of a Gitea that was built from its Go module; a release's binary has them inside."""
    built = subprocess.run(["go", "version", "-m", cli.program], capture_output=True, text=True, check=False).stdout
    lines = [line.split() for line in built.splitlines()]
    module = next((f"{line[1]}@{line[2]}" for line in lines if line[:2] == ["mod", "code.gitea.io/gitea"]), None)
    if module is None or "bindata" in built:
        return None
    answer = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, check=True)
    return str(json.loads(answer.stdout)["Dir"])
