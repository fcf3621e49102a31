# SPDX-License-Identifier: GPL-3.0-or-later
"""The git program: which one, since which version, and the surroundings in which each of its commands runs."""

from __future__ import annotations

import os
import re
import shutil
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .._shared import process
from .._shared.environment import without_secrets
from .._shared.process import Command, Result
from .._shared.scrub import Scrubber
from .errors import GitError, GitUnavailable

# GIT_CONFIG_COUNT came with it; an older git would ignore every setting below without a word.
MINIMUM = (2, 31)

Config = tuple[tuple[str, str], ...]

# Of git's own variables these say who the user is and where the configuration lies. All others (GIT_DIR, GIT_TRACE_…)
# belong to whatever started the task.
_KEPT = frozenset(
    (
        *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),
        *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
    )
)

# What would make git behave otherwise.
_DROPPED = ("GIT_", "SSH_ASKPASS", "LANGUAGE")

# What the user's or the system's configuration must not change.
_CONFIG: Config = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("core.autocrlf", "false"),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("i18n.commitEncoding", "UTF-8"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.fsckObjects", "true"),
    ("fetch.prune", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("transfer.bundleURI", "false"),
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.pushOption", ""),
)


def find(name: str, purpose: str, package: str) -> str:
    """The absolute path of a program on PATH; raises GitUnavailable that says what it is for and what brings it."""
    found = shutil.which(name)
    if found is None:
        raise GitUnavailable(
            f"the program {name} is needed {purpose} and is not on PATH (package {package})", program=name
        )
    return os.path.abspath(found)


def base_environment(inherited: t.Mapping[str, str]) -> dict[str, str]:
    """Surroundings in which git speaks English, asks nobody anything and works on no repository by accident."""
    passed = without_secrets(inherited)
    kept = {name: value for name, value in passed.items() if name in _KEPT or not name.startswith(_DROPPED)}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_LITERAL_PATHSPECS": "1",
    }


@dataclass(frozen=True)
class Git:
    """git with one private directory to work in. `run` never raises for a failing command: its Result says so."""

    binary: str
    directory: Path
    environment: t.Mapping[str, str]
    scrub: Scrubber

    @classmethod
    def locate(cls, directory: Path, scrub: Scrubber, inherited: t.Mapping[str, str] | None = None) -> Git:
        """The git on PATH. Raises GitUnavailable when there is none, or one that is too old."""
        binary = find("git", "to work with a repository", "git")
        environment = base_environment(os.environ if inherited is None else inherited)
        git = cls(binary, directory, environment, scrub)
        git._check_version()
        return git

    def _check_version(self) -> None:
        result = self.run("version", timeout=30)
        match = re.match(r"git version (\d+)\.(\d+)", result.text)
        if result.exit_code != 0 or match is None:
            raise GitUnavailable(f"{self.binary} does not run: {result.stderr.strip()[-500:]}", program="git")
        if (int(match[1]), int(match[2])) < MINIMUM:
            wanted = ".".join(map(str, MINIMUM))
            raise GitUnavailable(
                f"{self.binary} is {result.text}, and git {wanted} or newer is needed",
                program="git",
                version=result.text,
            )

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        config: Config = (),
        environment: t.Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> Result:
        """One git command; `config` and `environment` come on top of what every command gets."""
        settings = {**self.environment, **_as_environment(_CONFIG + config), **(environment or {})}
        return self.start(Command((self.binary, *arguments), settings, stdin, timeout))

    def start(self, command: Command) -> Result:
        """A command of git's or ssh's, in the private directory. Raises GitUnavailable and GitError."""
        try:
            return process.run(command, self.scrub.lines, self.directory)
        except process.CannotRun as error:
            raise GitUnavailable(error.message) from None
        except process.TooMuchOutput as error:
            raise GitError(error.message) from None


def _as_environment(config: Config) -> dict[str, str]:
    # Not `-c`: there a name cannot hold "=", which addresses may.
    pairs = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (name, value) in enumerate(config):
        pairs[f"GIT_CONFIG_KEY_{number}"] = name
        pairs[f"GIT_CONFIG_VALUE_{number}"] = value
    return pairs
