# SPDX-License-Identifier: GPL-3.0-or-later
"""git_host_repository on the scripted wires of Gitea, GitHub and GitLab: what is sent is what their APIs document."""

from __future__ import annotations

import json
import ssl
import typing as t
from dataclasses import dataclass

import pytest
from support.certificates import Authority
from support.wire import Wire

if t.TYPE_CHECKING:  # pragma: no cover
    from pathlib import Path

    from conftest import Result, RunModule

TOKEN = "canary-token"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOtherOtherOtherOtherOtherOtherOtherOther1"
Value = dict[str, t.Any]


@dataclass(frozen=True)
class Dialect:
    """One host's words."""

    provider: str
    root: str
    authorization: tuple[str, str]
    repository: str
    keys: str
    page: str
    user: Value
    mine: str
    group: str
    theirs: str
    new: Value

    def found(self, *, private: bool = True) -> Value:
        if self.provider == "gitlab":
            urls = {"http_url_to_repo": "https://h/fleet/clusters.git", "ssh_url_to_repo": "git@h:fleet/clusters.git"}
            return {"visibility": "private" if private else "public", "default_branch": "main", **urls}
        urls = {"clone_url": "https://h/fleet/clusters.git", "ssh_url": "git@h:fleet/clusters.git"}
        return {"private": private, "default_branch": "main", **urls}

    def key(self, identity: int, title: str, key: str, *, read_only: bool = True) -> Value:
        access = {"can_push": not read_only} if self.provider == "gitlab" else {"read_only": read_only}
        return {"id": identity, "title": title, "key": f"{key} a comment", **access}

    def sent(self, title: str, key: str) -> bytes:
        access = {"can_push": False} if self.provider == "gitlab" else {"read_only": True}
        return _json({"title": title, "key": key, **access})


_NEW = {"name": "clusters", "private": True, "description": "", "auto_init": False}
DIALECTS = [
    Dialect(
        "gitea",
        "/api/v1",
        ("Authorization", f"token {TOKEN}"),
        "/repos/fleet/clusters",
        "/repos/fleet/clusters/keys",
        "limit=50",
        {"login": "fleet"},
        "/user/repos",
        "",
        "/orgs/fleet/repos",
        {**_NEW, "default_branch": "main"},
    ),
    Dialect(
        "github",
        "/api/v3",
        ("Authorization", f"Bearer {TOKEN}"),
        "/repos/fleet/clusters",
        "/repos/fleet/clusters/keys",
        "per_page=50",
        {"login": "Fleet"},
        "/user/repos",
        "",
        "/orgs/fleet/repos",
        _NEW,
    ),
    Dialect(
        "gitlab",
        "/api/v4",
        ("PRIVATE-TOKEN", TOKEN),
        "/projects/fleet%2Fclusters",
        "/projects/fleet%2Fclusters/deploy_keys",
        "per_page=50",
        {"username": "fleet"},
        "/projects",
        "/groups/fleet",
        "/projects",
        {
            "name": "clusters",
            "path": "clusters",
            "description": "",
            "visibility": "private",
            "initialize_with_readme": False,
            "default_branch": "main",
        },
    ),
]


def _json(value: t.Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@pytest.fixture(params=DIALECTS, ids=lambda one: one.provider)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return t.cast("Dialect", request.param)


@pytest.fixture
def wire() -> t.Iterator[Wire]:
    with Wire() as running:
        yield running


class Ask(t.Protocol):
    def __call__(self, *, fails: bool = False, check: bool = False, **options: t.Any) -> Result: ...


@pytest.fixture
def ask(run_module: RunModule, wire: Wire) -> Ask:
    def run(*, fails: bool = False, check: bool = False, **options: t.Any) -> Result:
        given = {"url": wire.url, "owner": "fleet", "name": "clusters", "token": TOKEN, **options}
        result = run_module("git_host_repository", check=check, **given)
        assert bool(result.get("failed")) is fails, result
        assert "exception" not in result, result
        assert TOKEN not in json.dumps(result)
        return result

    return run


@dataclass
class Script:
    """What the host is asked, in the words of a dialect."""

    wire: Wire
    dialect: Dialect

    def find(self, status: int = 200, **more: t.Any) -> None:
        name, value = self.dialect.authorization
        body = _json(self.dialect.found(**more)) if status == 200 else b'{"message":"Not Found"}'
        target = self.dialect.root + self.dialect.repository
        self.wire.expect("GET", target, status=status, body=body, sent={name: value, "User-Agent": "proven.gitops"})

    def keys(self, *listed: Value) -> None:
        target = f"{self.dialect.root}{self.dialect.keys}?{self.dialect.page}&page=1"
        self.wire.expect("GET", target, body=_json(list(listed)))

    def create(self, *, mine: bool = True, **more: t.Any) -> None:
        user = self.dialect.user if mine else {"login": "somebody", "username": "somebody"}
        self.wire.expect("GET", f"{self.dialect.root}/user", body=_json(user))
        if not mine and self.dialect.group:
            self.wire.expect("GET", self.dialect.root + self.dialect.group, body=b'{"id":7}')
        path = self.dialect.mine if mine else self.dialect.theirs
        new = self.dialect.new if mine or not self.dialect.group else {**self.dialect.new, "namespace_id": 7}
        given = {"status": 201, "body": _json(self.dialect.found()), **more}
        self.wire.expect("POST", self.dialect.root + path, sent_body=_json(new), **given)

    def add(self, title: str, key: str, **more: t.Any) -> None:
        target, body = self.dialect.root + self.dialect.keys, self.dialect.sent(title, key)
        self.wire.expect("POST", target, sent_body=body, **{"status": 201, "body": b"{}", **more})

    def remove(self, identity: int, status: int = 204) -> None:
        self.wire.expect("DELETE", f"{self.dialect.root}{self.dialect.keys}/{identity}", status=status)


@pytest.fixture
def script(wire: Wire, dialect: Dialect) -> Script:
    return Script(wire, dialect)


@pytest.mark.parametrize("mine", [True, False], ids=["user", "group"])
def test_check_run_check_run(script: Script, dialect: Dialect, ask: Ask, mine: bool) -> None:
    options: Value = {"provider": dialect.provider, "deploy_keys": [{"title": "one", "key": KEY}]}
    script.find(404)
    predicted = ask(check=True, **options)
    script.find(404)
    script.create(mine=mine)
    script.add("one", KEY)
    done = ask(**options)
    assert done["actions"] == predicted["actions"] == ["create the repository fleet/clusters", "add the deploy key one"]
    assert (done["changed"], done["diff"]) == (True, predicted["diff"])
    assert done["repository"]["created"]
    assert done["repository"]["clone_url"] == "https://h/fleet/clusters.git"
    assert done["deploy_keys"] == [{"title": "one", "read_only": True, "change": "added"}]
    for check in (True, False):
        script.find()
        script.keys(dialect.key(1, "one", KEY), dialect.key(2, "two", OTHER))
        again = ask(check=check, **options)
        assert (again["changed"], again["actions"]) == (False, [])


def test_a_key_is_told_by_itself_and_not_by_its_title(script: Script, dialect: Dialect, ask: Ask) -> None:
    options: Value = {"provider": dialect.provider, "deploy_keys": [{"title": "one", "key": f"{KEY} me@here"}]}
    script.find()
    script.keys(dialect.key(1, "another title", KEY))
    assert not ask(**options)["changed"]
    script.find()
    script.keys(dialect.key(1, "one", OTHER), dialect.key(2, "other", OTHER))
    script.remove(1)
    script.add("one", KEY)
    assert ask(**options)["deploy_keys"][0]["change"] == "replaced"
    script.find()
    script.keys(dialect.key(3, "one", KEY, read_only=False))  # it could push
    script.remove(3, status=404)
    script.add("one", KEY)
    assert ask(**options)["changed"]


def test_removing_keys(script: Script, dialect: Dialect, ask: Ask) -> None:
    options: Value = {
        "provider": dialect.provider,
        "create": False,
        "deploy_keys": [{"title": "one", "state": "absent"}],
    }
    for check in (True, False):
        script.find()
        script.keys(dialect.key(1, "one", KEY), dialect.key(2, "two", OTHER))
        if not check:
            script.remove(1)
        assert ask(check=check, **options)["actions"] == ["remove the deploy key one"]
    script.find()
    script.keys(dialect.key(2, "two", OTHER))
    assert not ask(**options)["changed"]
    script.find(404)  # no repository, no key
    assert not ask(**options)["changed"]


def test_a_repository_that_has_to_be_there(script: Script, dialect: Dialect, ask: Ask) -> None:
    options: Value = {"provider": dialect.provider, "create": False, "deploy_keys": [{"title": "one", "key": KEY}]}
    script.find(404)
    assert any("no such repository" in str(warning) for warning in ask(check=True, **options)["warnings"])
    script.find(404)
    assert ask(fails=True, **options)["failure"]["code"] == "not_found"


def test_somebody_else_was_faster(script: Script, dialect: Dialect, ask: Ask) -> None:
    script.find(404)
    script.create(status=409, body=b'{"message":"already exists"}')
    script.find()
    assert ask(provider=dialect.provider)["changed"]
    script.find(404)
    script.create(status=422, body=_json({"message": f"no repository for {TOKEN}", "errors": ["quota"]}))
    script.find(404)
    refused = ask(provider=dialect.provider, fails=True)
    assert refused["failure"]["code"] == "rejected"
    assert "no repository for *** ['quota']" in refused["msg"]


def test_a_public_repository_stays_so(script: Script, dialect: Dialect, ask: Ask) -> None:
    script.find(private=False)
    done = ask(provider=dialect.provider)
    assert (done["changed"], done["repository"]["private"]) == (False, False)
    assert any("is public" in str(warning) for warning in done["warnings"])


def test_a_list_in_pages(script: Script, dialect: Dialect, ask: Ask) -> None:
    script.find()
    script.keys(*[dialect.key(number, f"key {number}", OTHER) for number in range(50)])
    target = f"{dialect.root}{dialect.keys}?{dialect.page}&page=2"
    script.wire.expect("GET", target, body=_json([dialect.key(99, "one", KEY)]))
    assert not ask(provider=dialect.provider, deploy_keys=[{"title": "one", "key": KEY}])["changed"]


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (403, "unauthorized"), (301, "rejected")])
def test_refusals(wire: Wire, ask: Ask, status: int, code: str) -> None:
    wire.expect("GET", status=status, headers={"Location": "http://127.0.0.1:9/"}, body=b'{"message":"no"}')
    assert ask(provider="gitea", fails=True)["failure"]["code"] == code


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"private":true}', b"[1]", b'{"a":1,"a":2}'])
def test_answers_that_no_host_gives(wire: Wire, ask: Ask, body: bytes) -> None:
    wire.expect("GET", body=body)
    assert ask(provider="gitea", fails=True)["failure"]["code"] == "bad_answer"


def test_reading_is_tried_again_and_writing_is_not(script: Script, dialect: Dialect, ask: Ask) -> None:
    target = dialect.root + dialect.repository
    script.wire.expect("GET", target, status=503)
    script.wire.expect("GET", target, reset=True)
    script.find()
    script.keys()
    script.add("one", KEY, status=503, body=b"")
    refused = ask(provider=dialect.provider, deploy_keys=[{"title": "one", "key": KEY}], fails=True)
    assert refused["failure"]["code"] == "unreachable"
    assert "503 Service Unavailable" in refused["msg"]


def test_an_answer_without_an_end(wire: Wire, ask: Ask) -> None:
    wire.expect("GET", body=b'"' + b"x" * (4 * 1024 * 1024 + 1) + b'"')
    assert ask(provider="gitea", fails=True)["failure"]["code"] == "bad_answer"


def test_a_host_that_is_silent_or_not_there(wire: Wire, ask: Ask) -> None:
    assert "connection refused" in ask(provider="gitea", url="http://127.0.0.1:9", fails=True)["msg"]

    def dawdle() -> t.Iterator[bytes]:
        wire.wait(5)
        yield b"{}"

    for _each in range(3):
        wire.expect("GET", body=dawdle)
    assert "no answer for 1 s" in ask(provider="gitea", timeout=1, fails=True)["msg"]


def test_a_password_instead_of_a_token(wire: Wire, ask: Ask) -> None:
    body = _json(DIALECTS[0].found())
    wire.expect(
        "GET", "/api/v1/repos/fleet/clusters", body=body, sent={"Authorization": "Basic bGFiOmNhbmFyeS10b2tlbg=="}
    )
    assert not ask(provider="gitea", username="lab")["changed"]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_tls(run_module: RunModule, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server("localhost"))
    options: Value = {"provider": "gitea", "owner": "fleet", "name": "clusters", "token": TOKEN}
    with Wire(context, "localhost") as wire:
        wire.expect("GET", body=_json(DIALECTS[0].found()))
        assert not run_module("git_host_repository", url=wire.url, ca_path=str(authority.certificate), **options).get(
            "failed"
        )
        refused = run_module("git_host_repository", url=wire.url, **options)
        assert (refused["failure"]["code"], "not trusted" in refused["msg"]) == ("unreachable", True)
        wire.expect("GET", body=_json(DIALECTS[0].found()))
        assert not run_module("git_host_repository", url=wire.url, validate_certs=False, **options).get("failed")


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"url": "http://git.example.com"}, "url"),
        ({"url": "https://user:canary@git.example.com"}, "url"),
        ({"url": "ftp://git.example.com"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": None}, "url"),
        ({"token": ""}, "token"),
        ({"owner": "a/b"}, "owner"),
        ({"owner": "../x"}, "owner"),
        ({"name": ".."}, "name"),
        ({"name": "a/b"}, "name"),
        ({"provider": "github", "username": "lab"}, "username"),
        ({"deploy_keys": [{"title": "x", "key": "not a key"}]}, "deploy_keys[0].key"),
        ({"ca_path": "/nowhere"}, "ca_path"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_bad_options_before_anything_is_sent(ask: Ask, options: Value, option: str) -> None:
    given = {"provider": "gitea", **options}
    refused = ask(fails=True, **given)
    assert refused["failure"]["details"]["option"] == option


def test_the_public_hosts_are_known(run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a proxy that answers nothing: what is asked for is seen."""
    with Wire() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        for provider, address in (("github", "api.github.com:443"), ("gitlab", "gitlab.com:443")):
            proxy.expect("CONNECT", address, status=403)
            result = run_module("git_host_repository", provider=provider, owner="fleet", name="clusters", token=TOKEN)
            assert result["failure"]["code"] == "unreachable"
