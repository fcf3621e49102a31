# SPDX-License-Identifier: GPL-3.0-or-later
"""From a use-case to a task's result: the one place where errors become `fail_json`."""

from __future__ import annotations

import errno
import typing as t

from ansible.module_utils.basic import missing_required_lib

from .._shared import requirements
from .._shared.errors import GitopsError, MissingRequirement

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible.module_utils.basic import AnsibleModule

    from .._tasks._case import Outcome, UseCase

P = t.TypeVar("P")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # the machine's state, and nobody's bug, wherever it strikes


def register_secret(module: AnsibleModule) -> t.Callable[[str], None]:
    """A sink for secrets derived while working (tokens, decoded passwords): all output from then on masks them."""
    try:
        from ansible.module_utils.secrets import (  # type: ignore[import-not-found,unused-ignore]
            register_secret as core_register,
        )
    except ImportError:  # before ansible-core 2.22 the module's own list is what masks
        core_register = None

    def register(secret: str) -> None:
        if secret:
            module.no_log_values.add(secret)
            if core_register is not None:
                core_register(secret)

    return register


def run(module: AnsibleModule, build: t.Callable[[], UseCase[P]]) -> t.NoReturn:
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
        module.fail_json(
            msg=f"unexpected {type(error).__name__}: {error}",
            exception=error,
            failure={"code": "bug", "message": str(error), "details": {}},
        )
    _leave(module, outcome)


def _leave(module: AnsibleModule, outcome: Outcome) -> t.NoReturn:
    for warning in outcome.warnings:
        module.warn(warning)
    result: dict[str, t.Any] = {"changed": outcome.changed, "actions": outcome.actions, **outcome.values}
    if outcome.diff is not None and module._diff:
        result["diff"] = outcome.diff
    if outcome.failure is not None:
        module.fail_json(msg=outcome.failure.message, failure=outcome.failure.as_failure(), **result)
    module.exit_json(**result)
