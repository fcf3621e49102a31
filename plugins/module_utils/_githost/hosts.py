# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories and deploy keys on Gitea (and Forgejo), GitHub and GitLab: one small port, three wires.

Sources: Gitea, /api/swagger; GitHub, docs.github.com/rest (repos, deploy-keys), version 2022-11-28; GitLab,
docs.gitlab.com/api (projects, deploy_keys).
"""

from __future__ import annotations

import base64
import typing as t
from dataclasses import dataclass, field
from urllib.parse import quote

from .._shared.errors import InvalidOption
from . import errors
from .transport import Settings, Transport, Value


@dataclass(frozen=True)
class Place:
    """A repository's owner (a user, an organization, or a path of GitLab's groups) and name."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True)
class Found:
    """A repository as the host describes it."""

    private: bool
    default_branch: str
    clone_url: str
    ssh_url: str


@dataclass(frozen=True)
class DeployKey:
    """A public key with access to one repository. `key` is `type base64`, without a comment; `id` the host's own."""

    title: str
    key: str
    read_only: bool = True
    id: str = ""

    @classmethod
    def of(cls, title: object, key: object, read_only: object, identity: object) -> DeployKey:
        return cls(str(title or ""), bare(str(key or "")), bool(read_only), str(identity or ""))


@dataclass(frozen=True)
class Credentials:
    """A token, or where the host takes that a user name and a password."""

    token: str = field(repr=False)
    username: str = ""


class Host(t.Protocol):
    """One repository's host. Every method raises HostError's kinds."""

    def find(self, place: Place) -> Found | None: ...

    def create(self, place: Place, *, private: bool, description: str, default_branch: str) -> Found: ...

    def deploy_keys(self, place: Place) -> list[DeployKey]: ...

    def add_key(self, place: Place, key: DeployKey) -> None: ...

    def remove_key(self, place: Place, identity: str) -> None: ...


def bare(key: str) -> str:
    """`type base64` of a public key's line: its comment says nothing."""
    return " ".join(key.split()[:2])


class Gitea:
    """Gitea and Forgejo; and, with other addresses, GitHub, whose API they follow."""

    _page = "limit"

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @classmethod
    def at(cls, url: str, credentials: Credentials) -> tuple[str, dict[str, str]]:
        """The API's address, and the headers that get in."""
        if credentials.username:
            pair = base64.b64encode(f"{credentials.username}:{credentials.token}".encode()).decode()
            return f"{url}/api/v1", {"Authorization": f"Basic {pair}"}
        return f"{url}/api/v1", {"Authorization": f"token {credentials.token}"}

    def find(self, place: Place) -> Found | None:
        try:
            return self._found(self._transport.get(self._path(place)))
        except errors.NotFound:
            return None

    def create(self, place: Place, *, private: bool, description: str, default_branch: str) -> Found:
        own = str(self._transport.get("/user").get("login")).casefold() == place.owner.casefold()
        document = {"name": place.name, "private": private, "description": description, "auto_init": False}
        path = "/user/repos" if own else f"/orgs/{quote(place.owner, safe='')}/repos"
        return self._found(self._transport.post(path, {**document, **self._branch(default_branch)}))

    def deploy_keys(self, place: Place) -> list[DeployKey]:
        listed = self._transport.pages(f"{self._path(place)}/keys", self._page)
        return [DeployKey.of(one.get("title"), one.get("key"), one.get("read_only"), one.get("id")) for one in listed]

    def add_key(self, place: Place, key: DeployKey) -> None:
        document = {"title": key.title, "key": key.key, "read_only": key.read_only}
        self._transport.post(f"{self._path(place)}/keys", document)

    def remove_key(self, place: Place, identity: str) -> None:
        self._transport.delete(f"{self._path(place)}/keys/{quote(identity, safe='')}")

    def _branch(self, name: str) -> dict[str, str]:
        return {"default_branch": name}

    def _path(self, place: Place) -> str:
        return f"/repos/{quote(place.owner, safe='')}/{quote(place.name, safe='')}"

    def _found(self, value: Value) -> Found:
        try:
            default = str(value.get("default_branch") or "")
            return Found(bool(value["private"]), default, str(value["clone_url"]), str(value["ssh_url"]))
        except (KeyError, TypeError):
            base = self._transport.base
            raise errors.BadAnswer(f"{base}: no repository is described", host=base) from None


class GitHub(Gitea):
    """github.com, and GitHub Enterprise Server at an address of its own."""

    _page = "per_page"

    @classmethod
    def at(cls, url: str, credentials: Credentials) -> tuple[str, dict[str, str]]:
        public = url in ("https://github.com", "https://api.github.com")
        headers = {
            "Authorization": f"Bearer {credentials.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        return "https://api.github.com" if public else f"{url}/api/v3", headers

    def _branch(self, name: str) -> dict[str, str]:
        del name
        return {}  # the first branch that is pushed becomes the default one


class GitLab:
    """gitlab.com, and GitLab at an address of its own."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @classmethod
    def at(cls, url: str, credentials: Credentials) -> tuple[str, dict[str, str]]:
        return f"{url}/api/v4", {"PRIVATE-TOKEN": credentials.token}

    def find(self, place: Place) -> Found | None:
        try:
            return self._found(self._transport.get(self._path(place)))
        except errors.NotFound:
            return None

    def create(self, place: Place, *, private: bool, description: str, default_branch: str) -> Found:
        document: dict[str, t.Any] = {
            "name": place.name,
            "path": place.name,
            "description": description,
            "visibility": "private" if private else "public",
            "initialize_with_readme": False,
            "default_branch": default_branch,
        }
        user = self._transport.get("/user")
        if str(user.get("username")).casefold() != place.owner.casefold():
            group = self._transport.get(f"/groups/{quote(place.owner, safe='')}")
            document["namespace_id"] = group.get("id")
        return self._found(self._transport.post("/projects", document))

    def deploy_keys(self, place: Place) -> list[DeployKey]:
        listed = self._transport.pages(f"{self._path(place)}/deploy_keys", "per_page")
        return [
            DeployKey.of(one.get("title"), one.get("key"), not one.get("can_push"), one.get("id")) for one in listed
        ]

    def add_key(self, place: Place, key: DeployKey) -> None:
        document = {"title": key.title, "key": key.key, "can_push": not key.read_only}
        self._transport.post(f"{self._path(place)}/deploy_keys", document)

    def remove_key(self, place: Place, identity: str) -> None:
        self._transport.delete(f"{self._path(place)}/deploy_keys/{quote(identity, safe='')}")

    def _path(self, place: Place) -> str:
        return f"/projects/{quote(str(place), safe='')}"

    def _found(self, value: Value) -> Found:
        try:
            default = str(value.get("default_branch") or "")
            urls = str(value["http_url_to_repo"]), str(value["ssh_url_to_repo"])
            return Found(value["visibility"] != "public", default, *urls)
        except (KeyError, TypeError):
            base = self._transport.base
            raise errors.BadAnswer(f"{base}: no project is described", host=base) from None


PROVIDERS: t.Mapping[str, type[Gitea | GitLab]] = {"gitea": Gitea, "github": GitHub, "gitlab": GitLab}
_PUBLIC = {"github": "https://github.com", "gitlab": "https://gitlab.com"}


def connect(provider: str, url: str, credentials: Credentials, **options: t.Any) -> Host:
    """The host at `url`, or the public one of this provider. `options` are those of Settings. Raises InvalidOption."""
    address = (url or _PUBLIC.get(provider, "")).rstrip("/")
    if not address:
        raise InvalidOption("url", f"is required: there is no one address of {provider}")
    if not credentials.token:
        raise InvalidOption("token", "is required to ask the host's API")
    kind = PROVIDERS[provider]
    base, headers = kind.at(address, credentials)
    return kind(Transport(Settings(base, headers, **options)))
