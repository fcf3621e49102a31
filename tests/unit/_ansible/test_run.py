# SPDX-License-Identifier: GPL-3.0-or-later
"""The last guard, and the door through which every result leaves."""

from __future__ import annotations

import contextlib
import io
import json
import typing as t
from base64 import b64encode

import pytest
from ansible.module_utils.testing import patch_module_args
from support.canaries import WITH_INVOCATION

from ansible_collections.proven.gitops.plugins.module_utils._ansible.argspec import ArgumentSpec
from ansible_collections.proven.gitops.plugins.module_utils._ansible.run import register_secret, run
from ansible_collections.proven.gitops.plugins.module_utils._oci.reference import Reference
from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import forms
from ansible_collections.proven.gitops.plugins.module_utils._tasks._case import Outcome

SECRET = "canary/7f3a+9%"
SPEC = ArgumentSpec(
    options={
        "token": {"type": "str", "no_log": True},
        "url": {"type": "str"},
        "map": {"type": "dict"},
        "count": {"type": "int"},
    }
)


class Case:
    """A use-case that says, or fails with, what it is told."""

    def __init__(self, error: Exception | None = None, **values: t.Any) -> None:
        self.error, self.values = error, values

    def plan(self) -> None:
        if self.error is not None:
            raise self.error
        Reference.parse(t.cast(str, self.values.get("parsed", "r.example/a")))

    def predict(self, plan: None) -> Outcome:
        return self.apply(plan)

    def apply(self, plan: None) -> Outcome:
        del plan
        return Outcome(values=self.values, warnings=[f"beware of {SECRET}"])


def result(case: Case, *, verbosity: int = 0, registered: str = "", **options: t.Any) -> tuple[dict[str, t.Any], str]:
    """The parsed result, and the text as it was printed."""
    output = io.StringIO()
    arguments = {**options, "_ansible_verbosity": verbosity, **WITH_INVOCATION}

    def main() -> t.NoReturn:
        module = SPEC.create_module()
        register_secret(module)(registered)
        run(module, lambda: case)

    with patch_module_args(arguments), contextlib.redirect_stdout(output), pytest.raises(SystemExit):
        main()
    return json.loads(output.getvalue()), output.getvalue()


def test_the_text_of_an_unexpected_exception_is_not_shown() -> None:
    found, text = result(Case(ValueError(f"Invalid header value b'Bearer {SECRET}\\n'")))
    assert found["msg"].startswith("unexpected ValueError at ")
    assert found["failure"]["code"] == "bug"
    assert "Invalid header" not in text


def test_where_it_arose_is_the_innermost_line_of_ours() -> None:
    found, _text = result(Case(parsed=None))
    assert "at module_utils/_oci/reference.py:" in found["msg"]


def test_with_vvv_there_is_the_traceback_scrubbed() -> None:
    found, text = result(Case(ValueError(f"bad {SECRET}")), verbosity=3, token=SECRET)
    trace = "\n".join(found["failure"]["details"]["traceback"])
    assert "Traceback" in trace
    assert "ValueError: bad ***" in trace
    assert SECRET not in text


@pytest.mark.parametrize(
    ("options", "registered"), [({"token": SECRET}, ""), ({}, SECRET), ({"url": f"http://u:{SECRET}@h/"}, "")]
)
def test_what_leaves_has_no_secret_in_any_encoding(options: dict[str, t.Any], registered: str) -> None:
    login = b64encode(f"user:{SECRET}".encode()).decode()
    values: dict[str, t.Any] = {
        "said": [f"it was {SECRET}", login, "canary%2F7f3a%2B9%25"],
        "by_name": {f"x {SECRET}": 1},
    }
    found, text = result(Case(**values), registered=registered, **options)
    for form in (SECRET, login[8:-2], "canary%2F7f3a"):
        assert form not in text
    assert "beware of" in str(found["warnings"])


def test_a_secret_is_registered_once() -> None:
    """Not each form of it as one more secret, which has its forms: a key of 50 lines took 4,000 masks."""
    lines = [f"{number:064x}" for number in range(50)]
    key = "\n".join(("-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"))
    with patch_module_args({"token": key, "url": f"https://u:{SECRET}@h/"}):
        module = SPEC.create_module()
    assert forms(key) | forms(SECRET) | {key} <= module.no_log_values
    assert len(module.no_log_values) <= len(forms(key) | forms(SECRET)) + 10


def test_a_secret_is_masked_where_the_options_are_refused() -> None:
    refused: tuple[dict[str, t.Any], ...] = (
        {"map": f"http://u:{SECRET}@h/"},
        {"count": SECRET, "token": SECRET},
        {"none": f"u:{SECRET}@h"},
    )
    for options in refused:
        _found, text = result(Case(), **options)
        assert "failed" in text
        assert SECRET not in text
