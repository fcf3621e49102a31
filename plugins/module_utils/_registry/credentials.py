# SPDX-License-Identifier: GPL-3.0-or-later
"""Who we are at a registry, and where that was found. Never ~/.netrc: it knows hosts, not registries.

Sources: docker/cli cli/config (config.json, credential helpers); containers-auth.json(5) for keys with a path.
"""

from __future__ import annotations

import os
import threading
import typing as t
from pathlib import Path

from .._oci.reference import api_host
from .docker_config import DockerConfig
from .errors import CredentialsError
from .identity import ANONYMOUS, Credentials

__all__ = ["CredentialStore", "Credentials"]

HUB = "https://index.docker.io/v1/"


class CredentialStore:
    """Explicit credentials, else those of Docker's and Podman's files and helpers. Thread-safe.

    `explicit` is sent to whatever registry a task names. `docker_config` (a config.json, or the directory of one)
    replaces all files. The first file that knows the repository decides.
    """

    def __init__(
        self,
        explicit: Credentials | None = None,
        docker_config: str | None = None,
        environ: t.Mapping[str, str] | None = None,
    ) -> None:
        self._explicit = explicit
        self._docker_config = docker_config
        self._environ = dict(os.environ if environ is None else environ)
        self._found: dict[tuple[str, str], Credentials] = {}
        self._configs: list[DockerConfig] = []
        self._unread: t.Iterator[DockerConfig] | None = None
        self._lock = threading.Lock()

    def find(self, host: str, repository: str) -> Credentials:
        """The credentials for a repository, or anonymous ones; CredentialsError for a broken file or helper."""
        if self._explicit is not None and not self._explicit.anonymous:
            return self._explicit
        # A helper may ask the user or a cloud: once, not once for each thread.
        with self._lock:
            if (host, repository) not in self._found:
                self._found[host, repository] = self._search(host, repository)
            return self._found[host, repository]

    def _search(self, host: str, repository: str) -> Credentials:
        names = _names(host)
        notes: list[str] = []
        for config in self._read():
            found = config.find(names, repository, notes)
            if found is not None:
                return found
        return Credentials(source="; ".join([ANONYMOUS, *notes]))

    def _read(self) -> t.Iterator[DockerConfig]:
        """The configurations, each read once, and not before it is needed."""
        yield from self._configs
        if self._unread is None:
            self._unread = DockerConfig.read_all(self._files(), self._environ, inline=self._docker_config is None)
        try:
            for config in self._unread:
                self._configs.append(config)
                yield config
        except CredentialsError:  # a generator that has raised would say next time that there is nothing more
            self._configs, self._unread = [], None
            raise

    def _files(self) -> list[Path]:
        if self._docker_config is not None:
            path = Path(self._docker_config).expanduser()
            return [path / "config.json" if path.is_dir() else path]
        environ = self._environ
        home = Path(environ.get("HOME") or os.path.expanduser("~"))
        runtime = environ.get("XDG_RUNTIME_DIR")
        named = environ.get("REGISTRY_AUTH_FILE")
        return [
            Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json",
            *([Path(named)] if named else []),
            (Path(runtime) / "containers" if runtime else Path(f"/run/containers/{os.getuid()}")) / "auth.json",
            Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json",
        ]


def _names(host: str) -> tuple[str, ...]:
    """What files and helpers may call a registry; the first is what docker itself asks a helper for."""
    if api_host(host) != host or host == "registry-1.docker.io":
        return (HUB, "docker.io", "index.docker.io", "registry-1.docker.io")
    return (host,)
