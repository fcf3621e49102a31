# SPDX-License-Identifier: GPL-3.0-or-later
"""How a repository is reached: credentials and trust, brought to git without any of them on a command line or in a URL.

Credentials that are given explicitly are used alone: the personal git and SSH configuration of the user (credential
helpers, ~/.netrc, other keys) takes no part in that connection. Where none are given, it does, as on the command line.
"""

from __future__ import annotations

import os
import secrets
import shlex
import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

from .._shared.errors import InvalidOption
from .._shared.process import Command
from . import program
from .workspace import write_private

if t.TYPE_CHECKING:  # pragma: no cover
    from .address import Address
    from .program import Config, Git

# The forges ask for some user name beside an access token and most of them ignore which; it is Flux's default too.
DEFAULT_USERNAME = "git"


@dataclass(frozen=True)
class Access:
    """What a user gave to get in, in the names of the options. Only what fits the address's scheme is used."""

    username: str = ""
    token: str = ""
    privatekey_path: str = ""
    privatekey_content: str = ""
    known_hosts_path: str = ""
    known_hosts: str = ""
    ca_path: str = ""
    validate_certs: bool = True
    insecure: bool = False

    def __repr__(self) -> str:  # the default one would show the secrets, in a traceback for example
        return f"Access(username={self.username!r})"


@dataclass(frozen=True)
class Connection:
    """An address and the settings with which git commands reach it; `tried` names the credentials for an error.

    `url` is what git is given, and nothing to show: the settings turn it into the address.
    """

    address: Address
    config: Config
    environment: t.Mapping[str, str]
    tried: str
    url: str = ""


def username_for(address: Address, access: Access) -> str:
    """The user name that goes with the token."""
    return access.username or address.username or DEFAULT_USERNAME


def check(address: Address, access: Access) -> None:
    """Raise InvalidOption for what cannot work or would give a secret away, before anything is sent."""
    if address.over_http:
        _check_http(address, access)
    elif address.scheme == "ssh":
        for option in ("privatekey_path", "known_hosts_path"):
            _check_readable(option, getattr(access, option))


def _check_http(address: Address, access: Access) -> None:
    for option in ("token", "username"):
        if any(ord(character) < 32 for character in getattr(access, option)):
            raise InvalidOption(option, "must not hold line breaks or control characters")
    if access.token and address.scheme == "http" and not (address.loopback or access.insecure):
        raise InvalidOption(
            "repository",
            f"the token would travel unencrypted to {address.host}: use https://, or insecure=true if that is meant",
        )
    _check_readable("ca_path", access.ca_path)


def _check_readable(option: str, path: str) -> None:
    if not path:
        return
    try:
        with open(path, "rb") as stream:
            stream.read(1)
    except OSError as error:
        raise InvalidOption(option, f"cannot read {path}: {error.strerror}") from error


def connect(address: Address, access: Access, git: Git) -> Connection:
    """The connection for an address; what it needs in files lies in git's private directory.

    Raises InvalidOption for a key that cannot be used and GitUnavailable when there is no ssh.
    """
    check(address, access)
    # git is given a name that nobody can guess, which stands for the address as it was checked. A configuration that
    # knows the address could rewrite it (url.<base>.insteadOf) or be a remote of that name (remote.<address>.url), and
    # would come first.
    url = f"proven.gitops.{secrets.token_hex(16)}:"
    config: Config = tuple((f"url.{address.url}.{name}", url) for name in ("insteadOf", "pushInsteadOf"))
    return replace(_reached(address, access, git, config), url=url)


def _reached(address: Address, access: Access, git: Git, config: Config) -> Connection:
    if address.over_http:
        return _over_http(address, access, git, config)
    if address.scheme == "ssh":
        return _over_ssh(address, access, git, config)
    return Connection(address, config, {"GIT_ALLOW_PROTOCOL": "file"}, "the file system's permissions")


def _over_http(address: Address, access: Access, git: Git, config: Config) -> Connection:
    scope = f"http.{address.url}"
    config += (
        (f"{scope}.sslVerify", "true" if access.validate_certs else "false"),
        # A renamed repository's redirect is followed when asking, never with what is pushed; and the credential is
        # bound to the origin that was given, so it is not offered elsewhere.
        (f"{scope}.followRedirects", "initial"),
    )
    environment = {"GIT_ALLOW_PROTOCOL": "https" if address.scheme == "https" else "http:https"}
    if access.ca_path:
        environment["GIT_SSL_CAINFO"] = os.path.abspath(access.ca_path)
    if address.scheme == "http" and address.loopback:
        config += ((f"{scope}.proxy", ""),)
    username = username_for(address, access)
    if access.token:
        config += (*_credential(address, username, access.token, git.directory), (f"{scope}.extraHeader", ""))
        environment.update(_isolated(git.directory))
        return Connection(address, config, environment, f"the option token, with the user name {username}")
    if access.username or address.username:
        config += ((f"credential.{address.origin}.username", username),)
    return Connection(address, config, environment, "no token was given; git's own credential helpers and ~/.netrc")


def _credential(address: Address, username: str, token: str, directory: Path) -> Config:
    answer = write_private(directory / "credential", f"username={username}\npassword={token}\n".encode())
    # A shell snippet, as gitcredentials(7) allows: a script of our own would fail where /tmp is mounted noexec.
    helper = f'!f() {{ test "$1" = get && cat {shlex.quote(str(answer))}; }}; f'
    return (("credential.helper", ""), (f"credential.{address.origin}.helper", helper))


def _isolated(directory: Path) -> dict[str, str]:
    home = directory / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    return {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "GIT_CONFIG_GLOBAL": os.devnull}


def _over_ssh(address: Address, access: Access, git: Git, config: Config) -> Connection:
    ssh = program.find("ssh", "for an SSH address", "openssh-client")
    identity = _identity(access, git)
    environment = {
        "GIT_ALLOW_PROTOCOL": "ssh",
        "GIT_SSH_COMMAND": shlex.join(ssh_command(ssh, identity, _known_hosts(access, git.directory))),
        "GIT_SSH_VARIANT": "ssh",
    }
    user = f" as {address.username}" if address.username else ""
    if identity is None:
        tried = f"no private key was given; the user's own SSH configuration, keys and agent{user}"
        return Connection(address, config, environment, tried)
    environment.update(_isolated(git.directory))
    option = "privatekey_path" if access.privatekey_path else "privatekey_content"
    return Connection(address, config, environment, f"the option {option}{user}")


def ssh_command(ssh: str, identity: Path | None, known_hosts: Path | None) -> list[str]:
    """The argument vector of ssh, to which git adds the host and its own command (ssh_config(5) has the options)."""
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "ClearAllForwardings=yes"]
    # A master process that outlives the task would hold our pipes open.
    options += ["ControlMaster=no"]
    if known_hosts is not None:
        options += [f"UserKnownHostsFile={_ssh_path(known_hosts)}", "GlobalKnownHostsFile=/dev/null"]
    arguments = [ssh]
    if identity is not None:
        arguments += ["-F", "none"]
        # Not -i, which looks for the file before it turns %% into %.
        options += [f"IdentityFile={_ssh_path(identity)}"]
        options += ["IdentitiesOnly=yes", "IdentityAgent=none", "PreferredAuthentications=publickey"]
    for option in options:
        arguments += ["-o", option]
    return arguments


def _ssh_path(path: Path) -> str:
    # ssh expands % in the value of an option, and splits it at blanks.
    text = os.path.abspath(path).replace("%", "%%")
    return f'"{text}"'


def _known_hosts(access: Access, directory: Path) -> Path | None:
    if access.known_hosts:
        return write_private(directory / "known_hosts", _as_lines(access.known_hosts))
    return Path(access.known_hosts_path) if access.known_hosts_path else None


def _identity(access: Access, git: Git) -> Path | None:
    if access.privatekey_path:
        identity, option = Path(access.privatekey_path), "privatekey_path"
    elif access.privatekey_content:
        identity, option = git.directory / "identity", "privatekey_content"
        write_private(identity, _as_lines(access.privatekey_content))
    else:
        return None
    _check_key(identity, option, git)
    return identity


def _as_lines(text: str) -> bytes:
    # OpenSSH refuses a key whose last line end got lost, as it does in many a variable.
    return (text.strip().replace("\r\n", "\n") + "\n").encode()


def _check_key(path: Path, option: str, git: Git) -> None:
    """With a key that needs a passphrase, ssh would only say that permission was denied."""
    keygen = program.find("ssh-keygen", "to check a private key", "openssh-client")
    command = Command((keygen, "-y", "-P", "", "-f", os.path.abspath(path)), git.environment, timeout=30)
    result = git.start(command)
    if result.exit_code == 0:
        return
    said = result.stderr.lower()
    if "passphrase" in said:
        reason = (
            "the key is protected by a passphrase: give one without, or load it into ssh-agent and omit this option"
        )
    elif "permissions" in said:
        reason = f"others may read {path}, so ssh would ignore it: chmod 600"
    elif "no user exists" in said:
        reason = f"ssh does not run for a user id that has no entry in passwd: {result.reason}"
    else:
        reason = "is not a private key that OpenSSH can read"
    raise InvalidOption(option, reason)
