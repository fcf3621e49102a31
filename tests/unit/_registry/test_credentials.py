# SPDX-License-Identifier: GPL-3.0-or-later
"""Where credentials are found: options, Docker's and Podman's files, helpers that are real processes."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._registry import docker_config
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import Credentials, CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import CredentialsError

CANARY = "c4n4ry-p4ssw0rd"


def auth(user: str, password: str = CANARY) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def login(credentials: Credentials) -> tuple[str, str]:
    return credentials.username, credentials.password


class Home:
    """A user's files and programs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "bin").mkdir()
        self.environ = {"HOME": str(path), "PATH": f"{path / 'bin'}:{os.environ['PATH']}"}

    def write(self, name: str, value: t.Any) -> str:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
        return str(path)

    def docker(self, value: t.Any) -> str:
        return self.write(".docker/config.json", value)

    def helper(self, name: str, script: str) -> None:
        path = self.path / "bin" / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def store(self, **more: t.Any) -> CredentialStore:
        return CredentialStore(environ=self.environ, **more)

    def find(self, host: str = "r.example", repository: str = "org/app") -> Credentials:
        return self.store().find(host, repository)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_nothing_anywhere_is_anonymous(home: Home) -> None:
    found = home.find()
    assert found.anonymous
    assert found.source == "no credentials were given or found"


def test_explicit_ones_win_and_no_file_is_read(home: Home) -> None:
    home.docker(b"not JSON at all")
    mine = Credentials("me", CANARY, source="option username")
    assert home.store(explicit=mine).find("r.example", "a") is mine


def test_secrets_are_not_in_repr() -> None:
    assert CANARY not in repr(Credentials("u", CANARY, CANARY, CANARY))


def test_docker_config_of_home_and_of_the_environment(home: Home) -> None:
    path = home.docker({"auths": {"r.example": auth("home")}})
    assert login(home.find()) == ("home", CANARY)
    assert home.find().source == path
    home.write("elsewhere/config.json", {"auths": {"r.example": auth("elsewhere")}})
    home.environ["DOCKER_CONFIG"] = str(home.path / "elsewhere")
    assert home.find().username == "elsewhere"


def test_the_text_of_a_configuration_comes_first(home: Home) -> None:
    home.docker({"auths": {"r.example": auth("file"), "other.example": auth("file")}})
    home.environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"r.example": auth("inline")}})
    assert home.find().username == "inline"
    assert home.find().source == "the environment variable DOCKER_AUTH_CONFIG"
    assert home.find("other.example").username == "file"


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("REGISTRY_AUTH_FILE", "{home}/podman.json", "podman.json"),
        ("XDG_RUNTIME_DIR", "{home}/run", "run/containers/auth.json"),
        ("XDG_CONFIG_HOME", "{home}/cfg", "cfg/containers/auth.json"),
        ("", "", ".config/containers/auth.json"),
    ],
)
def test_podmans_files(home: Home, variable: str, value: str, name: str) -> None:
    home.docker({"auths": {"unrelated.example": auth("docker")}})
    path = home.write(name, {"auths": {"r.example": auth("podman")}})
    if variable:
        home.environ[variable] = value.format(home=home.path)
    assert login(home.find()) == ("podman", CANARY)
    assert home.find().source == path


def test_the_option_replaces_every_place(home: Home) -> None:
    home.docker({"auths": {"r.example": auth("home")}})
    home.environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"r.example": auth("inline")}})
    path = home.write("given/config.json", {"auths": {"other.example": auth("given")}})
    for option in (path, os.path.dirname(path)):
        store = home.store(docker_config=option)
        assert store.find("r.example", "a").anonymous
        assert store.find("other.example", "a").username == "given"


@pytest.mark.parametrize(
    ("repository", "user"),
    [("org/app", "app"), ("org/app/sub", "app"), ("org/other", "org"), ("x", "host"), ("orgx", "host")],
)
def test_the_longest_path_decides(home: Home, repository: str, user: str) -> None:
    home.docker({"auths": {"r.example": auth("host"), "r.example/org": auth("org"), "r.example/org/app": auth("app")}})
    assert home.find(repository=repository).username == user


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "docker.io/org"])
def test_docker_hubs_names(home: Home, host: str, key: str) -> None:
    home.docker({"auths": {key: auth("hub")}})
    assert home.find(host).username == "hub"


@pytest.mark.parametrize("key", ["https://r.example", "https://r.example/v1/", "http://r.example/v2/"])
def test_a_key_that_is_an_url(home: Home, key: str) -> None:
    home.docker({"auths": {key: auth("url")}})
    assert home.find().username == "url"


@pytest.mark.parametrize("key", ["r.example:5000", "r.example.evil", "https://r.example:5000", "*.example", "example"])
def test_another_registrys_key_is_not_ours(home: Home, key: str) -> None:
    home.docker({"auths": {key: auth("other")}})
    assert home.find().anonymous


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"username": "u", "password": CANARY}, Credentials("u", CANARY)),
        ({"auth": base64.encodebytes(f"u:{'p' * 100}".encode()).decode()}, Credentials("u", "p" * 100)),
        (auth("u", "with:colon"), Credentials("u", "with:colon")),
        (auth("u", f"{CANARY}\0\0"), Credentials("u", CANARY)),
        (auth("ü", "pässword"), Credentials("ü", "pässword")),
        ({"identitytoken": CANARY}, Credentials(identity_token=CANARY)),
        ({**auth("u", ""), "identitytoken": CANARY}, Credentials("u", "", CANARY)),
        ({"registrytoken": CANARY}, Credentials(registry_token=CANARY)),
        (auth("<token>"), Credentials(identity_token=CANARY)),
    ],
)
def test_what_an_entry_may_hold(home: Home, entry: dict[str, str], expected: Credentials) -> None:
    path = home.docker({"auths": {"r.example": entry}})
    found = home.find()
    assert found == Credentials(
        expected.username, expected.password, expected.identity_token, expected.registry_token, source=path
    )


def test_an_empty_entry_is_none(home: Home) -> None:
    home.docker({"auths": {"r.example": {}, "https://r.example": {"auth": ""}}})
    assert home.find().anonymous


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        f'{{"auths": {{"r.example": {{"auth": "{CANARY}"}}}}}}'.encode(),
        f'{{"{CANARY}": 1, "{CANARY}": 2}}'.encode(),
        b'{"auths": []}',
        b'{"auths": {"r.example": "x"}}',
        b'{"auths": {"r.example": {"username": 5}}}',
        b'{"auths": {"r.example": {"auth": "%s"}}}' % base64.b64encode(b"no colon"),
        b'{"auths": {"r.example": {"auth": "\\u00e9"}}}',
        b'{"credHelpers": {"r.example": "../../bin/evil"}}',
        b'{"credHelpers": {"r.example": ["x"]}}',
        b'{"credsStore": "a b"}',
        b'{"credsStore": "-x"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b" " * (docker_config._FILE_LIMIT + 1),
    ],
    ids=range(16),
)
def test_a_broken_file_is_named_and_not_shown(home: Home, content: bytes) -> None:
    path = home.docker(content)
    with pytest.raises(CredentialsError) as caught:
        home.find()
    assert caught.value.message.startswith(path)
    assert CANARY not in caught.value.message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_empty_file_is_no_error(home: Home) -> None:
    home.docker(b"\n")
    assert home.find().anonymous


def test_what_cannot_be_read_is_named(home: Home) -> None:
    (home.path / ".docker" / "config.json").mkdir(parents=True)
    with pytest.raises(CredentialsError, match=r"config\.json: Is a directory"):
        home.find()


def test_netrc_is_never_read(home: Home) -> None:
    home.write(".netrc", f"machine r.example login evil password {CANARY}".encode())
    home.environ["NETRC"] = str(home.path / ".netrc")
    assert home.find().anonymous


# Helpers


def answer(user: str = "helper", secret: str = CANARY) -> str:
    return f"""cat > "$HOME/asked"; echo '{json.dumps({"ServerURL": "x", "Username": user, "Secret": secret})}'"""


def test_the_registrys_own_helper(home: Home) -> None:
    home.helper("own", f'echo "$0 $@" > "$HOME/argv"; {answer()}')
    home.helper("all", answer("all"))
    path = home.docker({"credHelpers": {"r.example": "own"}, "credsStore": "all", "auths": {"r.example": auth("file")}})
    found = home.find()
    assert login(found) == ("helper", CANARY)
    assert found.source == f"the helper docker-credential-own of {path}"
    assert (home.path / "asked").read_text() == "r.example"
    assert (home.path / "argv").read_text() == f"{home.path}/bin/docker-credential-own get\n"
    assert home.find("other.example").username == "all"


def test_docker_hub_by_the_name_that_helpers_know(home: Home) -> None:
    home.helper("all", answer())
    home.docker({"credsStore": "all"})
    assert home.find("docker.io").username == "helper"
    assert (home.path / "asked").read_text() == "https://index.docker.io/v1/"


def test_a_helper_may_give_an_identity_token(home: Home) -> None:
    home.helper("all", answer("<token>"))
    home.docker({"credsStore": "all"})
    found = home.find()
    assert (found.username, found.identity_token) == ("", CANARY)


NOT_FOUND = "cat > /dev/null; echo 'credentials not found in native keychain'; exit 1"


def test_a_helper_that_knows_nothing(home: Home) -> None:
    home.helper("all", NOT_FOUND)
    home.docker({"credsStore": "all", "auths": {"r.example": auth("file")}})
    assert home.find().username == "file"
    home.docker({"credHelpers": {"r.example": "all"}, "auths": {"r.example": auth("file")}})
    assert home.find().anonymous  # as docker: its helper decides alone


def test_a_store_that_is_not_installed_is_said_where_it_matters(home: Home) -> None:
    home.docker({"credsStore": "desktop", "auths": {"other.example": auth("file")}})
    assert home.find("other.example").username == "file"
    assert "docker-credential-desktop" in home.find().source


def test_a_helper_of_the_registry_that_is_not_installed(home: Home) -> None:
    path = home.docker({"credHelpers": {"r.example": "ecr-login"}})
    with pytest.raises(CredentialsError, match="docker-credential-ecr-login is not installed") as caught:
        home.find()
    assert path in caught.value.message


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (f"echo {CANARY}; exit 3", "failed with status 3"),
        (f"echo '{CANARY}'", "no valid answer"),
        ("echo '{}'", "no valid answer"),
        ("""echo '{"Username": 1, "Secret": "x"}'""", "no valid answer"),
        ("""echo '{"Username": "u", "Username": "v", "Secret": "x"}'""", "no valid answer"),
        ("exec cat /dev/zero", "more than"),
        ("kill -9 $$", "status -9"),
    ],
)
def test_a_helper_that_fails(home: Home, script: str, reason: str) -> None:
    home.helper("all", script)
    home.docker({"credsStore": "all"})
    with pytest.raises(CredentialsError, match=reason) as caught:
        home.find()
    assert CANARY not in caught.value.message


def test_a_helper_that_is_no_program(home: Home) -> None:
    home.helper("all", "")
    (home.path / "bin" / "docker-credential-all").write_bytes(b"\x7fELF?")
    home.docker({"credsStore": "all"})
    with pytest.raises(CredentialsError, match="cannot be run"):
        home.find()


def test_a_helper_that_answers_without_listening(home: Home) -> None:
    home.helper("all", f"exec 0<&-; {answer().partition(';')[2]}")
    home.docker({"credsStore": "all"})
    assert home.find().username == "helper"


def test_a_helper_that_hangs_is_ended_with_its_children(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_config, "_HELPER_SECONDS", 0.3)
    home.helper("all", 'sleep 60 & echo $! > "$HOME/child"; wait')
    home.docker({"credsStore": "all"})
    start = time.monotonic()
    with pytest.raises(CredentialsError, match=r"did not answer within 0\.3 s"):
        home.find()
    assert time.monotonic() - start < 5
    child = Path("/proc") / (home.path / "child").read_text().strip() / "stat"
    for _turn in range(100):
        if not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.02)
    else:
        pytest.fail("the helper's child is still running")


def test_a_helper_is_asked_once_by_all_threads(home: Home) -> None:
    home.helper("all", f'echo x >> "$HOME/count"; sleep 0.1; {answer()}')
    home.docker({"credsStore": "all"})
    store = home.store()
    found: list[Credentials] = []
    threads = [threading.Thread(target=lambda: found.append(store.find("r.example", "a"))) for _turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {login(credentials) for credentials in found} == {("helper", CANARY)}
    assert (home.path / "count").read_text() == "x\n"


def test_a_helper_is_asked_once_for_a_registry(home: Home) -> None:
    """It cannot know of repositories; a batch of a thousand must not start it a thousand times."""
    home.helper("all", f'echo x >> "$HOME/count"; {answer()}')
    home.docker({"credsStore": "all"})
    store = home.store()
    for number in range(3):
        assert login(store.find("r.example", f"team/app-{number}")) == ("helper", CANARY)
    assert (home.path / "count").read_text() == "x\n"
    store.find("other.example", "a")
    assert (home.path / "count").read_text() == "x\nx\n"


def test_a_broken_file_is_named_for_every_repository(home: Home) -> None:
    """Read once does not mean: an error the first time, and no credentials afterwards."""
    home.docker({"auths": []})
    store = home.store()
    for repository in ("a", "b"):
        with pytest.raises(CredentialsError, match="auths is not an object"):
            store.find("r.example", repository)
