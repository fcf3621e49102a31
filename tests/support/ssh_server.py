# SPDX-License-Identifier: GPL-3.0-or-later
"""A real SSH server in this process, which runs git's two server programs for one public key and nothing else.

with ssh_server(tmp_path) as server:
    ... server.url(bare.path), server.privatekey, server.known_hosts ...
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import threading
import typing as t
from dataclasses import dataclass
from pathlib import Path

import asyncssh

_PROGRAMS = ("git-upload-pack", "git-receive-pack")


@dataclass
class SshServer:
    """`commands` has what clients asked to run; the keys are files in OpenSSH's format."""

    port: int
    privatekey: Path
    known_hosts: str
    commands: list[str]

    def url(self, repository: Path, *, user: str = "git", host: str = "127.0.0.1") -> str:
        return f"ssh://{user}@{host}:{self.port}{repository}"


@contextlib.contextmanager
def ssh_server(directory: Path) -> t.Iterator[SshServer]:
    """Serve until the end of the `with` block."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    client_key = asyncssh.generate_private_key("ssh-ed25519")
    privatekey = directory / "client_ed25519"
    client_key.write_private_key(str(privatekey))
    privatekey.chmod(0o600)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    commands: list[str] = []

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            authorized_client_keys=asyncssh.import_authorized_keys(client_key.export_public_key().decode()),
            process_factory=lambda process: _serve(process, commands),
            encoding=None,
        )

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    port = acceptor.get_port()
    public = host_key.export_public_key().decode().strip()
    try:
        yield SshServer(port, privatekey, f"[127.0.0.1]:{port} {public}\n", commands)
    finally:
        asyncio.run_coroutine_threadsafe(_close(acceptor), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _close(acceptor: asyncssh.SSHAcceptor) -> None:
    acceptor.close()
    await acceptor.wait_closed()


async def _serve(process: asyncssh.SSHServerProcess[bytes], commands: list[str]) -> None:
    commands.append(process.command or "")
    program, *arguments = shlex.split(process.command or "")
    if program not in _PROGRAMS:
        process.stderr.write(b"only git is served\n")
        process.exit(1)
        return
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(program, *arguments, stdin=pipe, stdout=pipe, stderr=pipe)
    # An end of the channel sent when stdout ends would come before the last of stderr, and git would not wait for that.
    await process.redirect(stdin=child.stdin, stdout=child.stdout, send_eof=False)
    complaints = await t.cast("asyncio.StreamReader", child.stderr).read()
    process.stderr.write(complaints)
    await process.stdout.drain()
    process.exit(await child.wait())
    await process.wait_closed()
