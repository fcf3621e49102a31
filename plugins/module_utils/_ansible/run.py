# SPDX-License-Identifier: GPL-3.0-or-later
"""From a use-case to a task's result: the one place where errors become `fail_json`."""

from __future__ import annotations

import errno
import traceback
import typing as t

from ansible.module_utils.basic import missing_required_lib

from .._shared import requirements
from .._shared.errors import GitopsError, MissingRequirement

if t.TYPE_CHECKING:  # pragma: no cover
    from .._tasks._case import Outcome, UseCase
    from .task import Task

P = t.TypeVar("P")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # the machine's state, and nobody's bug, wherever it strikes
_OURS = "/proven/gitops/plugins/"
_VERBOSE = 3  # -vvv


def register_secret(module: Task) -> t.Callable[[str], None]:
    """A sink for secrets derived while working (tokens, decoded passwords): all output from then on masks them."""
    return module.register


def run(module: Task, build: t.Callable[[], UseCase[P]]) -> t.NoReturn:
    """Plan, then predict (check mode) or apply, then leave through exit_json or fail_json."""
    try:
        requirements.check()
        case = build()
        plan = case.plan()
        outcome = case.predict(plan) if module.check_mode else case.apply(plan)
    except MissingRequirement as error:
        module.fail_json(msg=missing_required_lib(error.package), failure=error.as_failure())
    except GitopsError as error:
        module.fail_json(msg=error.message, failure=error.as_failure())
    except Exception as error:  # noqa: BLE001 - the outermost guard: a bug must still leave as a task's failure
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            message = f"{error.filename or 'a file of this task'}: {error.strerror}"
            module.fail_json(msg=message, failure={"code": "unwritable_file", "message": message, "details": {}})
        _bug(module, error)
    _leave(module, outcome)


def _bug(module: Task, error: Exception) -> t.NoReturn:
    """Its type and where it arose, never its text: a library's own words can hold what it was given.

    The traceback has that text, and is for the one who asks for it by -vvv; the secrets in it are masked.
    """
    frames = [one for one in traceback.extract_tb(error.__traceback__) if _OURS in one.filename]
    place = f"{frames[-1].filename.rpartition(_OURS)[2]}:{frames[-1].lineno}" if frames else "an unknown place"
    message = f"unexpected {type(error).__name__} at {place}: a bug of proven.gitops (with -vvv it says more)"
    trace = module.hide("".join(traceback.format_exception(error))) if module._verbosity >= _VERBOSE else None
    details = {"traceback": trace.splitlines()} if trace else {}
    module.fail_json(msg=message, exception=trace, failure={"code": "bug", "message": message, "details": details})


def _leave(module: Task, outcome: Outcome) -> t.NoReturn:
    for warning in outcome.warnings:
        module.warn(module.hide(warning))  # core masks no warning
    result: dict[str, t.Any] = {"changed": outcome.changed, "actions": outcome.actions, **outcome.values}
    if outcome.diff is not None and module._diff:
        result["diff"] = outcome.diff
    if outcome.failure is not None:
        module.fail_json(msg=outcome.failure.message, failure=outcome.failure.as_failure(), **result)
    module.exit_json(**result)
