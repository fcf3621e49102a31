# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays with a canary in each secret input, and everything that could hold a copy of one afterwards.

Every module runs in check mode, for real, and where it is refused by a server that repeats all that it was sent.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from support import playbook
from support.canaries import Canaries, inputs
from support.watching import Process, Watch, recorders
from support.wire import Seen, Step, Wire

RECORDING = Path(__file__).with_name("recording")
Options = dict[str, t.Any]


@dataclass(frozen=True)
class Case:
    """A task. `fails`: it is refused, and only run once; else it is tried in check mode, and then run.

    `invalid`: it is refused before anything is sent.
    """

    module: str
    options: Options
    fails: bool = False
    invalid: bool = False

    def secrets(self) -> dict[str, t.Any]:
        """The secret options that it gives, by their names in the specification: `key_store.token` is one inside."""
        found = {name: _at(self.options, name) for name in inputs()[self.module]}
        return {name: value for name, value in found.items() if value is not None}


def _at(options: t.Any, name: str) -> t.Any:
    for part in name.split("."):
        options = options.get(part) if isinstance(options, dict) else None
    return options


@dataclass
class Place:
    """`given` is what we wrote ourselves, secrets and all; whatever comes to be below `work` is searched."""

    directory: Path
    canaries: Canaries = field(default_factory=Canaries.of_modules)
    variables: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in (self.given, self.work / "tmp", self.work / "home"):
            path.mkdir(parents=True)

    @property
    def given(self) -> Path:
        return self.directory / "given"

    @property
    def work(self) -> Path:
        return self.directory / "work"

    @property
    def served(self) -> Path:
        return self.directory / "served"

    def secret(self, module: str, option: str) -> str:
        """The canary of an option; an error where the specification knows no such secret."""
        return self.canaries[inputs()[module][option][0]].value

    def write(self, name: str, content: str | dict[str, t.Any]) -> Path:
        path = self.given / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        path.chmod(0o600)
        return path


@dataclass
class Evidence:
    """What a play left behind, where anybody may look."""

    place: Place
    code: int
    output: str
    results: list[dict[str, t.Any]]
    syslog: str
    started: str
    repositories: str
    processes: set[Process]

    def found(self, content: bytes | str) -> list[str]:
        return self.place.canaries.found(content)

    def files(self) -> dict[str, bytes]:
        """Everything below `work` but sockets and the like."""
        paths = [path for path in self.place.work.rglob("*") if path.is_file() and not path.is_symlink()]
        return {str(path.relative_to(self.place.work)): path.read_bytes() for path in paths}


def run(place: Place, cases: t.Sequence[Case], *, by_variable: bool = False) -> Evidence:
    """All of them in one play, with everything that shows more than usual; each has to end as it says."""
    play = _play(place, cases, by_variable)
    record, syslog, started = (place.directory / name for name in ("results", "syslog", "started"))
    for path in (record, syslog, started):
        path.touch()
    environment = surroundings(place, record, syslog, started) | (_by_variable(place, cases) if by_variable else {})
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    with Watch() as watch:
        done = subprocess.run(
            [program, str(play), "-vvvv", "--diff", "-e", f"@{place.given / 'secrets.json'}"],
            cwd=place.work,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    entries = [json.loads(line) for line in record.read_text().splitlines()]
    output = done.stdout + done.stderr
    _check_outcomes(entries, cases, output)
    return Evidence(
        place,
        done.returncode,
        output,
        entries,
        syslog.read_text(),
        started.read_text(),
        _repositories(place),
        watch.seen,
    )


def _repositories(place: Place) -> str:
    """Of those that programs worked in while the play ran, and of those that are served: configuration and reflogs."""
    seen = place.directory / "started.git"
    served = [path for path in place.served.rglob("*") if path.is_file()]
    return "".join(path.read_text(errors="surrogateescape") for path in [seen, *served] if path.exists())


def surroundings(place: Place, record: Path, syslog: Path, started: Path) -> dict[str, str]:
    """A user of the play's own; nothing of the one who runs the tests."""
    programs = place.directory / "bin"
    if not programs.exists():
        recorders(programs, started, place.programs)
    return {
        **playbook.environment(record),
        "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(RECORDING),
        "RECORD_SYSLOG": str(syslog),
        "HOME": str(place.work / "home"),
        "TMPDIR": str(place.work / "tmp"),
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(place.work / "facts"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
        **place.variables,
    }


def _by_variable(place: Place, cases: t.Sequence[Case]) -> dict[str, str]:
    """Every secret variable that there is: those of other modules, too, which these have no business to pass on."""
    optional = {variables[0] for case in cases for variables in inputs()[case.module].values()}
    used = {inputs()[case.module][name][0] for case in cases for name in case.secrets()}
    return {
        name: canary.value
        for name, canary in place.canaries.items()
        if name in used or (name not in optional and name.isupper())
    }


def _names(number: int, case: Case) -> list[tuple[str, str]]:
    """The mode and the task of each run of a case."""
    return [(mode, f"{number} {case.module} {mode}") for mode in (["refused"] if case.fails else ["check", "run"])]


def _play(place: Place, cases: t.Sequence[Case], by_variable: bool) -> Path:
    secrets: dict[str, str] = {}
    tasks: list[Options] = []
    results: list[str] = []
    for number, case in enumerate(cases):
        given = copy.deepcopy(case.options)
        for name, value in case.secrets().items():
            *above, last = name.split(".")
            place_of = _at(given, ".".join(above)) if above else given
            del place_of[last]
            if not by_variable:
                variable = f"secret_{number}_{name.replace('.', '_')}"
                secrets[variable] = value
                place_of[last] = f"{{{{ {variable} }}}}"
        for mode, name in _names(number, case):
            results.append(f"result_{number}_{mode}")
            task: Options = {"name": name, f"proven.gitops.{case.module}": given, "register": results[-1]}
            tasks.append({**task, "ignore_errors": True, "check_mode": mode == "check"})
    place.write("secrets.json", secrets)
    tasks += [{"name": f"show {name}", "ansible.builtin.debug": {"var": name}} for name in results[:1]]
    everything = f"{{{{ [{', '.join(results)}] }}}}"
    tasks.append({"name": "show", "ansible.builtin.debug": {"msg": everything}})
    tasks.append({"name": "keep", "ansible.builtin.set_fact": {"fact_results": everything, "cacheable": True}})
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    play["vars"] = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return place.write("play.yml", json.dumps([play]))


def _check_outcomes(entries: t.Sequence[dict[str, t.Any]], cases: t.Sequence[Case], output: str) -> None:
    """A canary that was never used proves nothing."""
    outcomes = {entry["task"]: (entry["outcome"], entry["result"]) for entry in entries}
    for number, case in enumerate(cases):
        for _mode, name in _names(number, case):
            assert name in outcomes, output[-3000:]
            outcome, result = outcomes[name]
            assert (outcome == "failed") is case.fails, (name, result)
            code = result.get("failure", {}).get("code")
            assert (code == "invalid_option") is case.invalid, (name, result)


class Echo(Wire):
    """A server that refuses everything with all that it was sent, in the words of any API. `heard` has it, too."""

    def __init__(self, scheme: str = "Basic") -> None:
        super().__init__()
        self._scheme = scheme
        self.heard = ""

    def take(self, seen: Seen) -> Step | None:
        said = f"{seen.method} {seen.target} {dict(seen.headers)} {seen.body.decode('utf-8', 'replace')}"
        self.heard += said
        status = 401 if "Authorization" not in seen.headers else 403
        if self._scheme == "Bearer" and not seen.target.startswith("/token"):
            status = 401
        ask = f'Bearer realm="{self.url}/token",service="here"' if self._scheme == "Bearer" else 'Basic realm="here"'
        errors = [{"code": "DENIED", "message": said, "detail": said}]
        body = {"kind": "Status", "message": said, "reason": said, "errors": errors, "error": said}
        headers = {"WWW-Authenticate": ask, "Content-Type": "application/json", "X-Said": seen.target}
        return Step(seen.method, None, status, headers, json.dumps(body).encode(), {}, None)


def by_runner(place: Place, cases: t.Sequence[Case]) -> tuple[str, dict[str, bytes]]:
    """The same by ansible-runner, as AWX runs it: what it prints, and all files that it writes about the play."""
    _play(place, cases, by_variable=False)
    place.write("env/extravars", (place.given / "secrets.json").read_text())
    place.write("project/play.yml", (place.given / "play.yml").read_text())
    artifacts = place.work / "artifacts"
    unused = [place.directory / name for name in ("results", "syslog", "started")]
    program = [sys.executable, "-m", "ansible_runner", "run", str(place.given), "-p", "play.yml", "-i", "run"]
    done = subprocess.run(
        [*program, "--artifact-dir", str(artifacts), "--cmdline=--diff", "-vvvv"],
        env=surroundings(place, *unused),
        capture_output=True,
        text=True,
        check=False,
    )
    files = {str(path.relative_to(artifacts)): path.read_bytes() for path in artifacts.rglob("*") if path.is_file()}
    return done.stdout + done.stderr, files
