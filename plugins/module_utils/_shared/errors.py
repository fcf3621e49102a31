# SPDX-License-Identifier: GPL-3.0-or-later
"""The one root of every error this collection raises on purpose.

Each room derives its own errors from GitopsError; only `_ansible/run.py` turns them into a failed task.
"""

from __future__ import annotations

import typing as t


class GitopsError(Exception):
    """An expected failure.

    `message` is one sentence for a person: it names the option or the address at fault and the reason, never a secret.
    `details` is machine-readable: plain JSON values only, never a secret.
    """

    code: t.ClassVar[str] = "error"

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def as_failure(self) -> dict[str, t.Any]:
        """The `failure` value of a task's result: `{code, message, details}`."""
        return {"code": self.code, "message": self.message, "details": self.details}


class InvalidOption(GitopsError):
    """An option's value cannot be used; found before anything is sent."""

    code = "invalid_option"

    def __init__(self, option: str, reason: str, **details: t.Any) -> None:
        super().__init__(f"{option}: {reason}", option=option, **details)


class MissingRequirement(GitopsError):
    """A Python package that this operation needs is not installed."""

    code = "missing_requirement"

    def __init__(self, package: str, reason: str = "") -> None:
        super().__init__(f"the Python package {package} is required{' ' + reason if reason else ''}", package=package)
        self.package = package


def root_cause(error: BaseException) -> BaseException:
    """The innermost cause: urllib3 hands it on in the arguments or by `raise … from`."""
    for _turn in range(8):
        inner = next((arg for arg in reversed(error.args) if isinstance(arg, BaseException)), error.__cause__)
        if inner is None:
            break
        error = inner
    return error
