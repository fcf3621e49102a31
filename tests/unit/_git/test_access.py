# SPDX-License-Identifier: GPL-3.0-or-later
"""What git is told about credentials and trust: asked of git itself where it can answer."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._git.access import Access, check, connect, ssh_command
from ansible_collections.proven.gitops.plugins.module_utils._git.address import parse_address
from ansible_collections.proven.gitops.plugins.module_utils._git.errors import GitUnavailable
from ansible_collections.proven.gitops.plugins.module_utils._git.program import Git
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import Scrubber

TOKEN = "canary-s3cret'; exit"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    directory = tmp_path / "it's private"
    directory.mkdir()
    return Git.locate(directory, Scrubber())


def credential(git: Git, url: str, access: Access, asked: str) -> dict[str, str]:
    """What git would send to `asked` when it was told about `url`."""
    connection = connect(parse_address(url), access, git)
    result = git.run(
        "credential",
        "fill",
        stdin=f"url={asked}\n\n".encode(),
        config=connection.config,
        environment=connection.environment,
    )
    return dict(line.split("=", 1) for line in result.text.splitlines())


def keygen(path: Path, *arguments: str, passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-N", passphrase, "-f", str(path), *arguments], check=True)
    return path


def test_the_token_is_given_to_its_origin(git: Git) -> None:
    answer = credential(git, "https://h.example:8443/a/b.git", Access(token=TOKEN), "https://h.example:8443/a/b.git")
    assert (answer["username"], answer["password"]) == ("git", TOKEN)


@pytest.mark.parametrize(
    "asked",
    [
        "https://other.example:8443/a/b.git",
        "https://h.example/a/b.git",
        "http://h.example:8443/a/b.git",
        "https://h.example.evil:8443/a/b.git",
    ],
)
def test_the_token_is_given_to_nobody_else(git: Git, asked: str) -> None:
    assert "password" not in credential(git, "https://h.example:8443/a/b.git", Access(token=TOKEN), asked)


@pytest.mark.parametrize(
    ("url", "access", "username"),
    [
        ("https://h/x", Access(token=TOKEN), "git"),
        ("https://ann@h/x", Access(token=TOKEN), "ann"),
        ("https://ann@h/x", Access(token=TOKEN, username="bob"), "bob"),
    ],
)
def test_username(git: Git, url: str, access: Access, username: str) -> None:
    assert credential(git, url, access, "https://h/x")["username"] == username


def test_the_token_is_in_one_private_file_only(git: Git) -> None:
    connection = connect(parse_address("https://h/x"), Access(token=TOKEN), git)
    assert TOKEN not in repr(connection)
    assert TOKEN not in repr(Access(token=TOKEN))
    file = git.directory / "credential"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert TOKEN in file.read_text()


def test_the_users_helpers_and_headers_take_no_part_beside_a_token(git: Git) -> None:
    helper = "!f() { echo username=mallory; echo password=wrong; }; f"
    Path(os.environ["HOME"], ".gitconfig").write_text(
        f'[credential]\n  helper = "{helper}"\n[credential "https://h"]\n  helper = "{helper}"\n'
        '[http "https://h/x"]\n  extraHeader = "Authorization: Basic d3Jvbmc="\n'
    )
    assert credential(git, "https://h/x", Access(token=TOKEN), "https://h/x")["password"] == TOKEN
    connection = connect(parse_address("https://h/y"), Access(), git)
    result = git.run("credential", "fill", stdin=b"url=https://h/y\n\n", config=connection.config)
    assert "password=wrong" in result.text  # without a token, they do


@pytest.mark.parametrize(
    ("url", "access", "name", "value"),
    [
        ("https://h/a=b", Access(), "http.sslVerify", "true"),
        ("https://h/a=b", Access(validate_certs=False), "http.sslVerify", "false"),
        ("https://h/a=b", Access(), "http.followRedirects", "initial"),
        ("https://h/a=b", Access(token=TOKEN), "http.extraHeader", ""),
        ("http://127.0.0.1:3000/a", Access(token=TOKEN), "http.proxy", ""),
    ],
)
def test_http_settings(git: Git, url: str, access: Access, name: str, value: str) -> None:
    Path(os.environ["HOME"], ".gitconfig").write_text(
        f'[http]\n  {name[5:]} = x\n[http "{url}"]\n  {name[5:]} = "{"false" if value == "true" else "x"}"\n'
    )
    connection = connect(parse_address(url), access, git)
    result = git.run("config", "--get-urlmatch", name, url, config=connection.config)
    assert (result.exit_code, result.text) == (0, value)


def test_ca_path(git: Git, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("certificates")
    connection = connect(parse_address("https://h/x"), Access(ca_path=str(ca)), git)
    assert connection.environment["GIT_SSL_CAINFO"] == str(ca)


@pytest.mark.parametrize(
    ("url", "protocols"),
    [
        ("https://h/x", "https"),
        ("http://h/x", "http:https"),
        ("/srv/x", "file"),
        ("file:///srv/x", "file"),
        ("h:x", "ssh"),
    ],
)
def test_only_the_addresses_own_protocol_is_allowed(git: Git, url: str, protocols: str) -> None:
    assert connect(parse_address(url), Access(), git).environment["GIT_ALLOW_PROTOCOL"] == protocols


@pytest.mark.parametrize(
    "config",
    [
        '[url "{evil}"]\n  insteadOf = {good}\n  pushInsteadOf = {good}\n',
        '[url "{evil}"]\n  insteadOf = {directory}/good.git\n',
        '[url "{evil}"]\n  pushInsteadOf = /\n  insteadOf = /\n',
        '[url "{evil}"]\n  insteadOf = proven\n  pushInsteadOf = proven.gitops.\n',
        '[remote "{good}"]\n  url = {evil}\n',
        '[remote "{good}"]\n  pushurl = {evil}\n',
    ],
)
def test_an_address_is_not_rewritten(git: Git, tmp_path: Path, config: str) -> None:
    """What was checked is what is read and written, whatever the user's configuration makes of that address."""
    names = {"good": f"{tmp_path}/good.git", "evil": f"{tmp_path}/evil.git", "directory": str(tmp_path)}
    for name in ("good", "evil"):
        git.run("init", "--quiet", "--bare", names[name])
    git.run("init", "--quiet", ".")
    tree = git.run("write-tree").text
    commit = git.run("-c", "user.name=a", "-c", "user.email=a@h", "commit-tree", "-m", "x", tree).text
    Path(os.environ["HOME"], ".gitconfig").write_text(config.format(**names))
    connection = connect(parse_address(names["good"]), Access(), git)
    given: dict[str, t.Any] = {"config": connection.config, "environment": connection.environment}
    pushed = git.run("push", "--porcelain", connection.url, f"{commit}:refs/heads/main", **given)
    assert pushed.exit_code == 0, pushed.stderr
    assert Path(names["good"], "refs/heads/main").exists()
    assert not Path(names["evil"], "refs/heads/main").exists()
    listed = git.run("ls-remote", connection.url, **given)
    assert listed.text.split() == [commit, "refs/heads/main"]


def test_git_speaks_of_the_address_and_not_of_the_name_that_stands_for_it(git: Git, tmp_path: Path) -> None:
    for url in (f"{tmp_path}/none.git", "https://127.0.0.1:1/x", "ssh://git@127.0.0.1:1/x"):
        connection = connect(parse_address(url), Access(), git)
        git.run("init", "--quiet", ".")
        for arguments in (("fetch", connection.url, "main"), ("push", connection.url, "HEAD:refs/heads/main")):
            result = git.run(*arguments, config=connection.config, environment=connection.environment)
            assert result.exit_code != 0
            assert "proven.gitops" not in result.stderr


def test_a_token_over_plain_http() -> None:
    address = parse_address("http://git.example.com/x")
    with pytest.raises(InvalidOption, match=r"repository: the token would travel unencrypted to git\.example\.com"):
        check(address, Access(token=TOKEN))
    check(address, Access(token=TOKEN, insecure=True))
    check(address, Access())
    check(parse_address("http://localhost/x"), Access(token=TOKEN))


@pytest.mark.parametrize("option", ["token", "username"])
def test_line_breaks_would_break_gits_protocol(option: str) -> None:
    given: dict[str, t.Any] = {option: "a\npassword=b"}
    with pytest.raises(InvalidOption, match=f"{option}: must not hold line breaks"):
        check(parse_address("https://h/x"), Access(**given))


def test_a_user_id_that_passwd_does_not_know(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container of OpenShift. ssh refuses to start then, and says so itself."""
    for name in ("ssh", "ssh-keygen"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'No user exists for uid 1000670000' >&2\nexit 255\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(InvalidOption, match=r"no entry in passwd: No user exists for uid 1000670000"):
        connect(parse_address("h:x"), Access(privatekey_content="key"), git)


@pytest.mark.parametrize(
    ("url", "option"), [("https://h/x", "ca_path"), ("h:x", "privatekey_path"), ("h:x", "known_hosts_path")]
)
def test_files_that_are_not_there(url: str, option: str) -> None:
    given: dict[str, t.Any] = {option: "/nonexistent/file"}
    with pytest.raises(InvalidOption, match=f"{option}: cannot read /nonexistent/file: No such file"):
        check(parse_address(url), Access(**given))


def test_ssh_command_with_nothing_given() -> None:
    assert ssh_command("/usr/bin/ssh", None, None) == [
        "/usr/bin/ssh",
        *("-o", "BatchMode=yes"),
        *("-o", "StrictHostKeyChecking=yes"),
        *("-o", "UpdateHostKeys=no"),
        *("-o", "ClearAllForwardings=yes"),
        *("-o", "ControlMaster=no"),
    ]


def test_ssh_command_with_key_and_known_hosts() -> None:
    assert ssh_command("/usr/bin/ssh", Path("/a b/100%/key"), Path("/a b/100%/hosts")) == [
        "/usr/bin/ssh",
        *("-F", "none"),
        *("-o", "BatchMode=yes"),
        *("-o", "StrictHostKeyChecking=yes"),
        *("-o", "UpdateHostKeys=no"),
        *("-o", "ClearAllForwardings=yes"),
        *("-o", "ControlMaster=no"),
        *("-o", 'UserKnownHostsFile="/a b/100%%/hosts"'),
        *("-o", "GlobalKnownHostsFile=/dev/null"),
        *("-o", 'IdentityFile="/a b/100%%/key"'),
        *("-o", "IdentitiesOnly=yes"),
        *("-o", "IdentityAgent=none"),
        *("-o", "PreferredAuthentications=publickey"),
    ]


def test_ssh_understands_the_command_as_it_is_meant(tmp_path: Path) -> None:
    odd = tmp_path / "a b"
    key, hosts = odd / "key", odd / "known hosts"
    command = ssh_command("ssh", key, hosts)
    shown = subprocess.run(
        [*command, "-G", "git.example.com"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert f"identityfile {key}" in [line.replace('"', "") for line in shown]
    assert "stricthostkeychecking true" in shown
    assert "batchmode yes" in shown
    assert "identityagent none" in shown
    assert [line.replace('"', "") for line in shown if line.startswith("userknownhostsfile")] == [
        f"userknownhostsfile {hosts}"
    ]


def test_ssh_settings(git: Git, tmp_path: Path) -> None:
    key = keygen(tmp_path / "key", "-t", "ed25519")
    # As it comes out of a variable or a Windows editor: without the last line break, with the wrong ones.
    content = key.read_text().rstrip().replace("\n", "\r\n")
    access = Access(privatekey_content=content, known_hosts="h.example ssh-ed25519 AAAA")
    connection = connect(parse_address("ssh://git@h.example/x"), access, git)
    assert connection.environment["GIT_SSH_VARIANT"] == "ssh"
    assert connection.environment["HOME"] == str(git.directory / "home")
    assert connection.tried == "the option privatekey_content as git"
    command = shlex.split(connection.environment["GIT_SSH_COMMAND"])
    identity = git.directory / "identity"
    assert f'IdentityFile="{identity}"' in command
    assert identity.read_bytes() == key.read_bytes()
    assert stat.S_IMODE(identity.stat().st_mode) == 0o600
    assert (git.directory / "known_hosts").read_text() == "h.example ssh-ed25519 AAAA\n"


@pytest.mark.parametrize("form", ["OPENSSH", "PEM", "PKCS8"])
def test_a_key_with_a_passphrase(git: Git, tmp_path: Path, form: str) -> None:
    kind = ("-t", "ed25519") if form == "OPENSSH" else ("-t", "ecdsa", "-m", form)
    key = keygen(tmp_path / "key", *kind, passphrase="s3cret")
    with pytest.raises(InvalidOption, match="privatekey_path: the key is protected by a passphrase"):
        connect(parse_address("h:x"), Access(privatekey_path=str(key)), git)


def test_a_key_that_others_may_read(git: Git, tmp_path: Path) -> None:
    key = keygen(tmp_path / "key", "-t", "ed25519")
    key.chmod(0o644)
    with pytest.raises(InvalidOption, match=r"privatekey_path: others may read .*chmod 600"):
        connect(parse_address("h:x"), Access(privatekey_path=str(key)), git)


def test_something_else_than_a_key(git: Git) -> None:
    with pytest.raises(InvalidOption, match="privatekey_content: is not a private key"):
        connect(parse_address("h:x"), Access(privatekey_content="hello"), git)


def test_no_ssh(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitUnavailable, match=r"the program ssh is needed for an SSH address .*openssh-client"):
        connect(parse_address("h:x"), Access(), git)
