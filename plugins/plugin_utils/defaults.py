# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of every module that a role of ours calls: what the play says in `module_defaults` holds in there.

A role hands its options on as `"{{ publish_username | default(omit) }}"`. ansible-core takes an omitted option away
together with the play's default for it, so a role could not leave anything to the play. In our own roles an omitted
option is one that was not given. In all other tasks it stays what it is everywhere in Ansible.
"""

from __future__ import annotations

import typing as t

from ansible.executor.module_common import _apply_action_arg_defaults
from ansible.plugins.action.normal import ActionModule as NormalAction

_OUR_ROLES = "proven.gitops."


class DefaultsAction(NormalAction):
    """What Ansible does with any module, with the play's defaults for what one of our roles leaves open."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        role = self._task._role
        if role is not None and role.get_name().startswith(_OUR_ROLES):
            action = self._task.resolved_action or self._task.action
            self._task.args = _apply_action_arg_defaults(action, self._task, self._task.args, self._templar)
        return t.cast("dict[str, t.Any]", super().run(tmp, task_vars))  # type: ignore[no-untyped-call]
