# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the benchmark happens: one home, one registry on loopback, one key pair, for both sides."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from bench import measure
from bench.measure import Sample
from interop import places
from interop.peers import Home
from support.plain_client import PlainClient

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import MANIFEST

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "benchmark"
# Where the registry keeps its data, so that no disk is measured on either side.
_MEMORY = "/dev/shm"
_REQUEST = re.compile(rb'"([A-Z]+) (/v2/[^ "]*) HTTP/')
_MODULES = "ansible_collections.proven.gitops.plugins.modules"


@dataclass(frozen=True)
class Requests:
    """What the registry was asked in some time, by its own log."""

    lines: tuple[tuple[str, str], ...]

    @property
    def uploads(self) -> int:
        """Those that write: uploads of blobs, manifests, tags."""
        return sum(method not in ("GET", "HEAD") for method, _path in self.lines)

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True)
class World:
    """`address` of the registry; `environment` is that of every command of either side."""

    directory: Path
    address: str
    environment: t.Mapping[str, str]
    log: Path

    @property
    def key(self) -> Path:
        return self.directory / "cosign.key"

    @property
    def pub(self) -> Path:
        return self.directory / "cosign.pub"

    def prefix(self) -> str:
        """A new part of the registry, as `host:port/path`."""
        return f"{self.address}/bench-{secrets.token_hex(4)}"

    def command(self, *command: str) -> Sample:
        return measure.run(command, self.environment)

    def play(self, tasks: t.Sequence[t.Mapping[str, t.Any]], **variables: t.Any) -> Sample:
        """A play on this host with these tasks, from the start of ansible-playbook to its end."""
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **variables},
            "tasks": list(tasks),
        }
        with tempfile.NamedTemporaryFile("w", suffix=".json", dir=self.directory, encoding="utf-8") as file:
            json.dump([play], file)
            file.flush()
            return self.command(str(Path(sys.executable).with_name("ansible-playbook")), file.name)

    def module(self, name: str, **options: t.Any) -> Sample:
        """The process of one module, as a task starts it."""
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        return measure.run([sys.executable, "-m", f"{_MODULES}.{name}"], self.environment, arguments)

    def layer_size(self, reference: str) -> int:
        """The bytes of the one layer of `host:port/repository:tag`."""
        repository, _colon, tag = reference.partition("/")[2].rpartition(":")
        client = PlainClient(self.address, repository)
        with contextlib.closing(client.connection):
            manifest = client.manifest("GET", tag, accept=MANIFEST).json
        return int(manifest["layers"][0]["size"])

    @contextlib.contextmanager
    def counted(self) -> t.Iterator[list[Requests]]:
        """What the registry was asked within the block is the one entry of the list after it."""
        self._settle()
        start = self.log.stat().st_size
        found: list[Requests] = []
        yield found
        self._settle()
        with self.log.open("rb") as file:
            file.seek(start)
            lines = [(method.decode(), path.decode()) for method, path in _REQUEST.findall(file.read())]
        found.append(Requests(tuple(lines)))

    def _settle(self) -> None:
        """Wait until the log has not grown for a while: a line is written after its answer."""
        size = -1
        while size != self.log.stat().st_size:
            size = self.log.stat().st_size
            time.sleep(0.3)


@contextlib.contextmanager
def world() -> t.Iterator[World]:
    """A world that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as scratch,
        tempfile.TemporaryDirectory(prefix="bench-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as stored,
    ):
        directory, data = Path(scratch), Path(stored)
        home = Home.make(directory / "home")
        key = SigningKey.generate()
        (directory / "cosign.key").write_bytes(key.encrypted_pem(PASSPHRASE.encode()))
        (directory / "cosign.key").chmod(0o600)
        (directory / "cosign.pub").write_bytes(key.public.pem)
        with places.distribution(home.cli("registry"), data) as place:
            log = data / "server.log"
            yield World(directory, place.address, _environment(home, directory), log)


def _environment(home: Home, directory: Path) -> dict[str, str]:
    cache = {"PROVEN_CACHE_DIR": str(directory / "cache"), "XDG_CACHE_HOME": str(directory / "xdg")}
    ansible = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "ansible" / "tmp"),
        "ANSIBLE_REMOTE_TMP": str(directory / "ansible" / "tmp"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }
    # A module's own code is compiled each time, as it is in the archive that Ansible sends.
    python = {"PYTHONPATH": str(ROOT / "build" / "collections"), "PYTHONDONTWRITEBYTECODE": "1"}
    peers = home.cli("registry").environment
    signing = {"COSIGN_PASSWORD": PASSPHRASE, "COSIGN_YES": "true", "PATH": os.environ["PATH"]}
    return {**peers, **signing, **ansible, **python, **cache}
