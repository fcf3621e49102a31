# SPDX-License-Identifier: GPL-3.0-or-later
"""Use-case of the module oci_registry: a small registry of this machine's own, started, stopped or removed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..._embedded import bundle
from ..._embedded.credentials import Credentials
from ..._embedded.datadir import Settings
from ..._shared.addresses import is_address, is_loopback
from ..._shared.errors import InvalidOption
from .._case import Outcome
from . import registry_process
from .registry_directory import RegistryDirectory

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._embedded.datadir import Running

_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Wanted:
    """The options. `state` is `started`, `stopped` or `absent`; port 0 is any free one; `wait_timeout` in seconds."""

    state: str
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    auth: str = "basic"
    referrers: bool = True
    allow_remote: bool = False
    names: t.Sequence[str] = ()
    wait_timeout: float = 30

    @property
    def remote(self) -> bool:
        """Whether others than this machine can reach it."""
        return not is_loopback(self.host)

    def check(self) -> None:
        """Raise InvalidOption for what cannot be had, before anything is looked at."""
        if self.wait_timeout <= 0:
            raise InvalidOption("wait_timeout", "is not a positive number of seconds")
        if not 0 <= self.port < 2**16:
            raise InvalidOption("port", f"{self.port} is not between 0 and 65535")
        if not _is_host(self.host):
            raise InvalidOption("host", f"{self.host!r} is neither an address nor a name")
        if self.remote and not self.allow_remote:
            reason = "is not a loopback address, so that others could push; set allow_remote to accept that"
            raise InvalidOption("host", f"{self.host} {reason}")
        for name in self.names:
            if not _is_host(name):
                raise InvalidOption("names", f"{name!r} is not a name (without a port)")
        self._check_credentials()

    def _check_credentials(self) -> None:
        if self.username is None or self.password is None:
            if self.auth == "bearer" or self.username is not None or self.password is not None:
                raise InvalidOption("auth", "needs both username and password")
            return
        if not self.username or ":" in self.username or not self.username.isprintable():
            raise InvalidOption("username", "is empty, or holds a colon or a control character")
        if not self.password:
            raise InvalidOption("password", "is empty")

    def settings(self, port: int) -> Settings:
        """What the server is to run with."""
        auth = "none" if self.username is None else self.auth
        digest = f"sha256:{hashlib.sha256(bundle.build()).hexdigest()}"
        return Settings(self.host, port, auth, self.username, self.referrers, digest, tuple(self.names))


@dataclass(frozen=True)
class Plan:
    """What is there, what shall be, and the steps between: `stop`, `start`, `remove`, in this order."""

    state: str
    present: bool
    running: Running | None
    settings: Settings | None
    wanted: Settings | None
    password_changed: bool
    steps: tuple[str, ...]


class LocalRegistry:
    """The use-case. A change holds the data directory's lock, and plans again under it: tasks may run in parallel."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._directory = RegistryDirectory(wanted.data_dir)

    def plan(self) -> Plan:
        """Raises InvalidOption for an option that cannot be used."""
        if self._wanted.state == "started":
            self._wanted.check()
        with _storage_errors(self._directory.path):
            self._directory.check()
            return self._plan()

    def predict(self, plan: Plan) -> Outcome:
        """What would be started, stopped or removed."""
        port = plan.wanted.port if plan.wanted else self._known_port(plan)
        return self._outcome(plan, None if plan.steps else plan.running, port, "would ")

    def apply(self, plan: Plan) -> Outcome:
        """Raises InvalidOption and RegistryProcessError."""
        if not plan.steps:
            return self._outcome(plan, plan.running, self._known_port(plan), "")
        with _storage_errors(self._directory.path):
            if "start" in plan.steps:
                self._directory.create()
            with self._directory.exclusively():
                return self._carry_out(replace(self._plan(), present=plan.present))

    # Plan

    def _plan(self) -> Plan:
        present = self._directory.is_ours()
        running = self._directory.running()
        settings = self._directory.settings()
        if self._wanted.state != "started":
            return Plan(self._wanted.state, present, running, settings, None, False, self._steps_down(running, present))
        known = (running.port if running else 0) or (settings.port if settings else 0)
        wanted = self._wanted.settings(self._wanted.port or known)
        password_changed = self._password_changed(wanted)
        same = settings is not None and replace(settings, port=known) == wanted and not password_changed
        if running and same and registry_process.answers(wanted.host, running.port):
            steps: tuple[str, ...] = ()
        else:
            steps = ("stop", "start") if running else ("start",)
        return Plan("started", present, running, settings, wanted, password_changed, steps)

    def _steps_down(self, running: Running | None, present: bool) -> tuple[str, ...]:
        stop = ("stop",) if running else ()
        remove = ("remove",) if self._wanted.state == "absent" and present else ()
        return (*stop, *remove)

    def _password_changed(self, wanted: Settings) -> bool:
        if wanted.auth == "none":
            return False
        credentials = self._directory.credentials()
        username, password = self._wanted.username or "", self._wanted.password or ""
        return credentials is None or not credentials.accepts(username, password)

    # Apply

    def _carry_out(self, plan: Plan) -> Outcome:
        running, left = plan.running, list[str]()
        if "stop" in plan.steps:
            registry_process.stop(self._directory)
            running = None
        if "start" in plan.steps and plan.wanted is not None:
            running = self._start(plan, plan.wanted)
        if "remove" in plan.steps:
            left = self._directory.remove()
        outcome = self._outcome(plan, running, running.port if running else self._known_port(plan), "")
        if left:
            outcome.warnings.append(f"{self._directory.path} was kept: it holds {', '.join(left)}, which is not ours")
        return outcome

    def _start(self, plan: Plan, wanted: Settings) -> Running:
        directory = self._directory
        directory.write_code(bundle.build())
        directory.write_settings(wanted)
        if wanted.auth == "none":
            directory.write_credentials(None)
        elif plan.password_changed:
            directory.write_credentials(Credentials.create(wanted.username or "", self._wanted.password or ""))
        running = registry_process.start(directory, wanted.host, self._wanted.wait_timeout)
        if running.port != wanted.port:
            directory.write_settings(replace(wanted, port=running.port))  # the next start uses it again
        return running

    # Result

    def _known_port(self, plan: Plan) -> int:
        if plan.state == "absent":
            return 0
        return (plan.running.port if plan.running else 0) or (plan.settings.port if plan.settings else 0)

    def _outcome(self, plan: Plan, running: Running | None, port: int, verb: str) -> Outcome:
        settings = plan.wanted or plan.settings
        address = _address(settings.host, port) if settings and port else None
        directory = self._directory
        return Outcome(
            changed=bool(plan.steps),
            values={
                "address": address,
                "url": f"http://{address}" if address else None,
                "pid": running.pid if running else None,
                "port": port or None,
                "data_dir": str(directory.path),
                "log": None if plan.state == "absent" else str(directory.log),
            },
            actions=_actions(plan, address, directory.path, verb),
            diff={"before": _before(plan), "after": _after(plan, port)},
            warnings=self._warnings(plan),
        )

    def _warnings(self, plan: Plan) -> list[str]:
        if plan.wanted is None or not self._wanted.remote:
            return []
        if plan.wanted.auth == "none":
            return [f"whoever reaches {self._wanted.host} can push to this registry: it has no authentication"]
        return [f"passwords for this registry travel in the clear: it listens on {self._wanted.host} without TLS"]


def _is_host(host: str) -> bool:
    return is_address(host) or _HOST_NAME.fullmatch(host) is not None


def _address(host: str, port: int) -> str:
    host = registry_process.local_host(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _actions(plan: Plan, address: str | None, path: Path, verb: str) -> list[str]:
    said = {
        "stop": f"stop process {plan.running.pid if plan.running else ''}",
        "start": f"start a registry at {address or 'a free port'}",
        "remove": f"remove {path}",
    }
    return [f"{verb}{said[step]}" for step in plan.steps]


def _before(plan: Plan) -> str:
    if not plan.present:
        return _state("absent", None, "")
    return _state("started" if plan.running else "stopped", plan.settings, "")


def _after(plan: Plan, port: int) -> str:
    settings = plan.wanted and replace(plan.wanted, port=port)
    if plan.state != "started":
        settings = None if plan.state == "absent" else plan.settings
    return _state(plan.state, settings, "changed" if plan.password_changed else "")


def _state(state: str, settings: Settings | None, password: str) -> str:
    shown: dict[str, t.Any] = {"state": state}
    if settings is not None:
        shown.update(settings.as_document())
    if password:
        shown["password"] = password
    return json.dumps(shown, indent=2, sort_keys=True) + "\n"


@contextlib.contextmanager
def _storage_errors(path: Path) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidOption("data_dir", f"{error.filename or path}: {error.strerror}") from error
