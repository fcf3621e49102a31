# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module with what YAML, templates and surveys make of a value: a clear refusal, or a meaning."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
from support.canaries import MODULES, options
from support.every_option import bases, every, put

from ansible_collections.proven.gitops.plugins.module_utils._ansible import run as guard
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._tasks._case import Outcome

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

ODD: tuple[t.Any, ...] = (
    *("", " ", "x", "\0", "a\nb", "\u2028", "ünï", "9" * 40, "x" * 5000, "\ud800", "a\udcff", "../..", "{{ x }}"),
    *(True, -1, 0, 1.10, 10**30, float("nan"), float("inf")),
    *([], [None], [[]], [{}], ["x"], [1.10], {}, {"a": None}, {"a": 1.10}, {"a": {"b": []}}, {"a": "\ud800"}),
)


class Read:
    """The use-case after its options were read; nothing is asked of anybody."""

    def plan(self) -> None: ...

    def predict(self, plan: None) -> Outcome:
        del plan
        return Outcome()

    apply = predict


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    key = SigningKey.generate()
    return key.encrypted_pem(b"").decode(), key.public.pem.decode()


@pytest.fixture
def read(
    monkeypatch: pytest.MonkeyPatch, run_module: RunModule, tmp_path: Path, pair: tuple[str, str]
) -> t.Callable[[str, dict[str, t.Any]], Result]:
    """The result of reading a task's options and of nothing more."""

    def reading(module: t.Any, build: t.Callable[[], t.Any]) -> t.NoReturn:
        def built() -> Read:
            build()
            return Read()

        guard.run(module, built)

    for name in MODULES:
        module = importlib.import_module(f"ansible_collections.proven.gitops.plugins.modules.{name}")
        monkeypatch.setattr(module, "run", reading)
    monkeypatch.chdir(tmp_path)
    return lambda module, task: run_module(module, check=True, **task)


@pytest.fixture
def tasks(tmp_path: Path, pair: tuple[str, str]) -> dict[str, list[dict[str, t.Any]]]:
    (tmp_path / "cosign.key").write_text(pair[0])
    return bases(tmp_path, str(tmp_path / "cosign.key"), pair[1])


Reader = t.Callable[[str, dict[str, t.Any]], "Result"]
Tasks = dict[str, list[dict[str, t.Any]]]


@pytest.mark.parametrize("module", MODULES)
def test_the_tasks_are_valid(read: Reader, tasks: Tasks, module: str) -> None:
    for task in tasks[module]:
        assert "failed" not in read(module, task), task


@pytest.mark.parametrize("module", MODULES)
def test_whatever_is_given_is_refused_by_name_or_means_something(read: Reader, tasks: Tasks, module: str) -> None:
    wrong = []
    for name, where, _option in every():
        for value in ODD if name == module else ():
            result = read(module, put(tasks[module][0], module, where, value))
            code = result.get("failure", {}).get("code", "")
            if result.get("failed") and (code == "bug" or not _named(result["msg"], module, where)):
                wrong.append(f"{'.'.join(where)}={str(value)[:40]!r}: {result['msg'][:200]}")
    assert not wrong, "\n".join(wrong)


def _named(message: str, module: str, where: tuple[str, ...]) -> bool:
    """Whether the message says which option it is about: the one that was given, or one that goes with it."""
    known = {one[-1] for name, one, _option in every() if name == module}
    return where[-1] in message or where[0] in message or any(one in message for one in known if len(one) > 3)


@pytest.mark.parametrize("module", MODULES)
def test_a_null_is_not_given(read: Reader, tasks: Tasks, module: str) -> None:
    task = tasks[module][0]
    for name, option in options(module).items():
        without = {key: value for key, value in task.items() if key != name}
        null, missing = read(module, {**without, name: None}), read(module, without)
        assert (null.get("failed"), null.get("msg")) == (missing.get("failed"), missing.get("msg")), name
        assert not option.get("required") or name in null["msg"]


@pytest.mark.parametrize("module", MODULES)
def test_every_variable_may_be_empty(read: Reader, tasks: Tasks, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for option in options(module).values():
        for name in option["fallback"][1] if "fallback" in option else ():
            if name != "COSIGN_PASSWORD":  # which is an empty passphrase then
                monkeypatch.setenv(name, "")
    for task in tasks[module]:
        assert "failed" not in read(module, task), task
