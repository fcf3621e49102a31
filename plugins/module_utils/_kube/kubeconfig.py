# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says that the kubernetes client leaves out, in one version or in all: read here, or refused.

The client drops impersonation, takes the last of several current contexts, goes on without credentials where a plugin
fails or a user is missing, and before 37 does not know proxy-url.
Sources: client-go, tools/clientcmd/api/v1/types.go; transport/round_trippers.go (the headers of impersonation).
"""

from __future__ import annotations

import os
import re
import shutil
import typing as t
from dataclasses import dataclass
from urllib.parse import quote

from .._shared.errors import InvalidOption
from .._shared.requirements import third_party
from .._shared.shapes import mapping, mappings

with third_party():
    import yaml

Document = dict[str, t.Any]

_LIMIT = 4 * 1024 * 1024  # characters of a file
_IDENTITY = ("as", "as-uid", "as-groups", "as-user-extra")
_CREDENTIALS = ("exec", "auth-provider", "token", "tokenFile", "username", "client-certificate")
_SECRETS = ("token", "password", "client-key-data", "id-token", "refresh-token", "access-token", "client-secret")

_SECRET_VARIABLE = re.compile(r"token|secret|password|key|credential", re.IGNORECASE)


@dataclass(frozen=True)
class Kubeconfig:
    """One or several documents, each with the directory that its relative paths start from. The first one counts."""

    origin: str
    documents: tuple[tuple[str, Document], ...]

    @classmethod
    def of_files(cls, files: str) -> Kubeconfig:
        """Those of a list as KUBECONFIG has it; what is not there is passed over. Raises InvalidOption."""
        found = [
            (os.path.dirname(os.path.abspath(path)), _read(path)) for path in files.split(os.pathsep) if _is_there(path)
        ]
        if not found:
            raise InvalidOption("kubeconfig", f"{files} is not there")
        return cls(f"the kubeconfig {files}", tuple(found))

    @classmethod
    def of_value(cls, value: Document) -> Kubeconfig:
        """One that was given as data."""
        return cls("the option kubeconfig", ((os.getcwd(), value),))

    def context(self, name: str | None) -> str | None:
        """The name of the context: the given one, or the first current one, as for kubectl; None for none."""
        current = [str(one["current-context"]) for _where, one in self.documents if one.get("current-context")]
        return name or next(iter(current), None)

    def user(self, context: str | None) -> User:
        """Who the context says to be. Raises InvalidOption for a user that is nowhere."""
        _where, chosen = self._entry("contexts", context or "")
        name = mapping(chosen.get("context")).get("user")
        if not name:
            return User("", "", {}, self.origin)
        where, found = self._entry("users", str(name))
        if not found:
            raise InvalidOption(
                "kubeconfig", f"{self.origin}: the context {context} is for the user {name}, who is not in it"
            )
        return User(str(name), where, mapping(found.get("user")), self.origin)

    def cluster(self, context: str | None) -> Document:
        """The context's cluster; empty where there is none."""
        _where, chosen = self._entry("contexts", context or "")
        _where, found = self._entry("clusters", str(mapping(chosen.get("context")).get("cluster")))
        return mapping(found.get("cluster"))

    def _entry(self, what: str, name: str) -> tuple[str, Document]:
        for where, document in self.documents:
            for one in mappings(document.get(what)):
                if one.get("name") == name:
                    return where, one
        return "", {}


@dataclass(frozen=True)
class User:
    """One user of a kubeconfig, and the directory that its relative paths start from."""

    name: str
    directory: str
    entry: Document
    origin: str

    def check_plugin(self) -> None:
        """Raise InvalidOption where the program that gives the credentials is not there."""
        command = mapping(self.entry.get("exec")).get("command")
        if "exec" not in self.entry:
            return
        if not isinstance(command, str) or not command:
            raise InvalidOption("kubeconfig", f"{self.origin}: the exec plugin of the user {self.name} has no command")
        path = os.path.join(self.directory, command) if os.sep in command else command
        if shutil.which(path) is None:
            raise InvalidOption(
                "kubeconfig",
                f"{self.origin}: the exec plugin {command}, which gives the credentials of the user {self.name}, is not"
                " there: install it where this task runs",
            )

    def check_credentials(self, loaded: bool, said: str) -> None:
        """Raise InvalidOption where there were to be credentials and none came. `said` is what a plugin's end was."""
        kinds = [one for one in _CREDENTIALS if self.entry.get(one) or self.entry.get(f"{one}-data")]
        if loaded or not kinds:
            return
        command = mapping(self.entry.get("exec")).get("command")
        how = f"the exec plugin {command} gave none{said}" if kinds[0] == "exec" else f"{kinds[0]} gave none"
        raise InvalidOption("kubeconfig", f"{self.origin}: the user {self.name} has no credentials: {how}")

    def impersonation(self) -> dict[str, str]:
        """The headers that act as somebody else. Raises InvalidOption for what cannot be sent as it is meant."""
        known = {name: self.entry[name] for name in self.entry if name == "as" or str(name).startswith("as-")}
        for name in known:
            if name not in _IDENTITY:
                raise self._refused(str(name), "is not known here, and must not be passed over")
        if not any(known.values()):
            return {}
        if not known.get("as"):
            raise self._refused(", ".join(sorted(name for name in known if known[name])), "needs a user in as")
        headers = {"Impersonate-User": self._text("as", known["as"])}
        if known.get("as-uid"):
            headers["Impersonate-Uid"] = self._text("as-uid", known["as-uid"])
        headers |= _repeated("Impersonate-Group", self._texts("as-groups", known.get("as-groups")))
        extra = known.get("as-user-extra") or {}
        if not isinstance(extra, dict):
            raise self._refused("as-user-extra", "is no map of lists")
        for key, values in extra.items():
            name = f"Impersonate-Extra-{quote(str(key).lower(), safe='')}"
            headers |= _repeated(name, self._texts("as-user-extra", values))
        return headers

    def _texts(self, name: str, value: object) -> list[str]:
        if not isinstance(value, list | None):
            raise self._refused(name, "is no list")
        return [self._text(name, one) for one in value or []]

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
            raise self._refused(name, "has a value that is no text of visible ASCII characters")
        return value

    def _refused(self, name: str, why: str) -> InvalidOption:
        return InvalidOption("kubeconfig", f"{self.origin}: {name} of the user {self.name} {why}")


def secrets_of(value: object) -> t.Iterator[str]:
    """What is secret in a kubeconfig that was given as data, wherever it stands."""
    if isinstance(value, dict):
        variable = str(value.get("name"))  # of a plugin's environment
        for name, one in value.items():
            if isinstance(one, str) and (name in _SECRETS or (name == "value" and _SECRET_VARIABLE.search(variable))):
                yield one
            yield from secrets_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from secrets_of(one)


def _repeated(name: str, values: t.Sequence[str]) -> dict[str, str]:
    """One header for each value. A name's case means nothing, so that each has a spelling of its own in one mapping."""
    found: dict[str, str] = {}
    for number, value in enumerate(values):
        spelling = name
        for place, character in enumerate(name):
            if number >> place & 1:
                spelling = spelling[:place] + character.swapcase() + spelling[place + 1 :]
        found[spelling] = value
    return found


def _is_there(path: str) -> bool:
    return bool(path) and os.path.exists(os.path.expanduser(path))


def _read(path: str) -> Document:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as source:
            found = yaml.safe_load(source.read(_LIMIT))
    except yaml.YAMLError:  # its text shows the lines around the fault, which can be a key
        raise InvalidOption("kubeconfig", f"{path} is not valid YAML") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidOption("kubeconfig", f"{path} cannot be used ({type(error).__name__})") from None
    if found is None:
        raise InvalidOption("kubeconfig", f"{path} is empty")
    if not isinstance(found, dict):
        raise InvalidOption("kubeconfig", f"{path} cannot be used: it is no mapping")
    return found
