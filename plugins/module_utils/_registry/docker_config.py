# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's config.json and Podman's auth.json, and the credential helpers that they name."""

from __future__ import annotations

import re
import shutil
import typing as t
from pathlib import Path

from .._shared import base64, process, strict_json
from .._shared.environment import without_secrets
from .._shared.strict_json import MalformedJson
from .errors import CredentialsError
from .identity import Credentials

_FILE_LIMIT = 1024 * 1024  # bytes
_HELPER_LIMIT = 64 * 1024  # bytes
_HELPER_SECONDS = 30.0
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z", re.ASCII)
_INLINE = "DOCKER_AUTH_CONFIG"  # the file's text itself, as in Docker's and GitLab's CI
_TOKEN_USER = "<token>"  # noqa: S105 - the user name by which a helper says that its secret is an identity token


class DockerConfig:
    """One file; its content is never part of a message."""

    def __init__(self, source: str, text: bytes, environ: t.Mapping[str, str]) -> None:
        self.source = source
        self._environ = environ
        self._answers: dict[tuple[str, str], Credentials | None] = {}
        try:
            value = strict_json.load_object(text, source) if text.strip() else {}
        except MalformedJson:
            raise CredentialsError(f"{source}: not valid JSON, one key one value", source=source) from None
        self._auths = self._table(value, "auths")
        self._helpers = self._table(value, "credHelpers")
        self._store = value.get("credsStore") or ""

    @classmethod
    def read_all(
        cls, files: t.Iterable[Path], environ: t.Mapping[str, str], *, inline: bool
    ) -> t.Iterator[DockerConfig]:
        """Those that exist, one after the other, read when asked for."""
        if inline and environ.get(_INLINE):
            yield cls(f"the environment variable {_INLINE}", environ[_INLINE].encode(), environ)
        for path in files:
            text = _read(path)
            if text is not None:
                yield cls(str(path), text, environ)

    def find(self, names: t.Sequence[str], repository: str, notes: list[str]) -> Credentials | None:
        """The credentials for a repository of the registry that goes by `names`; None where this file knows none.

        Order as in docker: the registry's own helper decides alone; then the store for all; then the file's entries.
        """
        for name in names:
            if name in self._helpers:
                return self._answer(self._helpers[name], name)
        if self._store:
            if self._missing(self._store):
                notes.append(f"the helper docker-credential-{self._store} of {self.source} is not installed")
            elif (found := self._answer(self._store, names[0])) is not None:
                return found
        for entry in self._entries(names, repository):
            found = self._read_entry(entry)
            if not found.anonymous:
                return found
        return None

    def _table(self, value: dict[str, t.Any], key: str) -> dict[str, t.Any]:
        table = {} if value.get(key) is None else value[key]
        if not isinstance(table, dict):
            raise CredentialsError(f"{self.source}: {key} is not an object", source=self.source)
        return table

    def _entries(self, names: t.Sequence[str], repository: str) -> t.Iterator[t.Any]:
        """Entries by the longest path first (podman), then by name, then by a name written as an URL (old docker)."""
        parts = repository.split("/") if repository else []
        keys = [f"{name}/{'/'.join(parts[:n])}" for n in range(len(parts), 0, -1) for name in names]
        for key in [*keys, *names]:
            if key in self._auths:
                yield self._auths[key]
        for key, entry in self._auths.items():
            scheme, separator, rest = key.partition("://")
            if separator and scheme in ("http", "https") and rest.partition("/")[0] in names:
                yield entry

    def _read_entry(self, entry: t.Any) -> Credentials:
        if not isinstance(entry, dict):
            raise CredentialsError(f"{self.source}: an entry of auths is not an object", source=self.source)
        texts = {
            key: entry.get(key) or "" for key in ("auth", "username", "password", "identitytoken", "registrytoken")
        }
        if not all(isinstance(text, str) for text in texts.values()):
            raise CredentialsError(f"{self.source}: a value in auths is not text", source=self.source)
        username, password = texts["username"], texts["password"]
        if texts["auth"]:
            username, password = self._decode(texts["auth"])
        return _credentials(username, password, self.source, texts["identitytoken"], texts["registrytoken"])

    def _decode(self, auth: str) -> tuple[str, str]:
        try:
            text = base64.decode(auth).decode("utf-8")
        except ValueError:
            text = ""
        username, colon, password = text.partition(":")
        if not colon:
            raise CredentialsError(f"{self.source}: an auth is not the base64 of user:password", source=self.source)
        return username, password.strip("\0")  # as docker: old versions padded

    def _missing(self, name: t.Any) -> bool:
        return shutil.which(self._program(name), path=self._environ.get("PATH")) is None

    def _program(self, name: t.Any) -> str:
        if not isinstance(name, str) or not _HELPER_NAME.match(name):
            raise CredentialsError(f"{self.source}: the name of a credential helper is not valid", source=self.source)
        return f"docker-credential-{name}"

    def _answer(self, name: t.Any, server: str) -> Credentials | None:
        """A helper speaks for a whole registry: it is asked once, not for each repository."""
        program = self._program(name)
        if (program, server) not in self._answers:
            self._answers[program, server] = self._ask(name, server)
        return self._answers[program, server]

    def _ask(self, name: t.Any, server: str) -> Credentials | None:
        """What a helper says, by docker-credential-helpers' protocol: the server on stdin, JSON on stdout."""
        program = self._program(name)
        path = shutil.which(program, path=self._environ.get("PATH"))
        if path is None:
            raise CredentialsError(f"{self.source}: its helper {program} is not installed", source=self.source)
        output, status = _run([path, "get"], server.encode(), self._environ, f"{self.source}: its helper {program}")
        if status != 0:
            # The one message of the protocol; what else it prints may hold anything.
            if b"credentials not found" in output.lower():
                return None
            raise CredentialsError(
                f"{self.source}: its helper {program} failed with status {status}", source=self.source
            )
        try:
            value = strict_json.load_object(output, program)
            username, secret = value["Username"], value["Secret"]
        except (MalformedJson, KeyError):
            username = secret = None
        if not isinstance(username, str) or not isinstance(secret, str):
            raise CredentialsError(f"{self.source}: its helper {program} gives no valid answer", source=self.source)
        found = _credentials(username, secret, f"the helper {program} of {self.source}")
        return None if found.anonymous else found


def _credentials(username: str, secret: str, source: str, identity: str = "", registry: str = "") -> Credentials:
    if username == _TOKEN_USER:
        return Credentials(identity_token=identity or secret, source=source)
    return Credentials(username, secret, identity, registry, source)


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CredentialsError(f"{path}: {error.strerror}", source=str(path)) from None
    if len(text) > _FILE_LIMIT:
        raise CredentialsError(f"{path}: larger than {_FILE_LIMIT} bytes", source=str(path))
    return text


def _run(argv: list[str], data: bytes, environ: t.Mapping[str, str], what: str) -> tuple[bytes, int]:
    """Output and status of a helper: bounded in time and size, and ended with all that it started."""
    command = process.Command(tuple(argv), without_secrets(environ), data, _HELPER_SECONDS, _HELPER_LIMIT)
    try:
        result = process.run(command, lambda text: text)
    except process.CannotRun as error:
        reason = error.message.removeprefix(f"cannot run {argv[0]}: ")
        raise CredentialsError(f"{what} cannot be run: {reason}") from None
    except process.TooMuchOutput:
        raise CredentialsError(f"{what} printed more than {_HELPER_LIMIT} bytes") from None
    if result.timed_out:
        raise CredentialsError(f"{what} did not answer within {_HELPER_SECONDS:g} s")
    return result.stdout, result.exit_code
