# SPDX-License-Identifier: GPL-3.0-or-later
"""The task as Ansible's module, with what core leaves to each collection: one reading of what was given, and one door
through which everything leaves, `invocation` too, with no secret in it in any encoding.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._shared import secrets
from .._shared.scrub import Scrubber
from .given import Reader, Rules, secret_variables

try:
    from ansible.module_utils.secrets import (  # type: ignore[import-not-found,unused-ignore]
        register_secret as _core_register,
    )
except ImportError:  # before ansible-core 2.22 the module's own list is what masks
    _core_register = None

_OURS = re.compile(r"[a-z][a-z_]*\Z")  # names of options and return values: a password may well be "password"
_WITH_LOGIN = re.compile(r"(?i)(?:^|_)proxy\Z|\ADOCKER_AUTH_CONFIG\Z")


class Task(AnsibleModule):
    """One task. Secrets are known before anything can fail, and so before core checks an option."""

    def __init__(self, rules: Rules, **specification: t.Any) -> None:
        self._rules = rules
        self._scrubber = Scrubber()
        self._masked: set[str] = set()
        super().__init__(**specification)  # type: ignore[no-untyped-call]
        for value in set(self.no_log_values) - self._masked:  # what core has made of an option
            self.register(str(value))

    def register(self, secret: str) -> None:
        """From now on all output of the task masks this secret in every encoding."""
        for form in self._scrubber.add(secret):
            self.no_log_values.add(form)
            self._masked.add(form)
            if _core_register is not None:
                _core_register(form)

    def hide(self, text: str) -> str:
        """Text with the secrets known so far masked."""
        return self._scrubber.hide(text)

    def _load_params(self) -> None:
        super()._load_params()  # type: ignore[no-untyped-call]
        reader = Reader(self._rules, [], set())
        reader.read(self.argument_spec, self.params)
        by_variable = [value for name, value in os.environ.items() if _WITH_LOGIN.search(name)]
        for secret in reader.secrets | secret_variables(self.argument_spec) | secrets.find([self.params, by_variable]):
            self.register(secret)
        for refused in reader.refused:  # before core, which cannot even log some of it
            self.fail_json(msg=refused.message, failure=refused.as_failure())

    def _return_formatted(self, kwargs: dict[str, t.Any]) -> None:
        # Core masks values; a secret can have become the name of something as well.
        kwargs.setdefault("invocation", {"module_args": self.params})
        super()._return_formatted(self._masked_names(kwargs))  # type: ignore[no-untyped-call]

    def _masked_names(self, value: t.Any) -> t.Any:
        if isinstance(value, dict):
            return {self._name_of(key): self._masked_names(one) for key, one in value.items()}
        return [self._masked_names(one) for one in value] if isinstance(value, list) else value

    def _name_of(self, key: t.Any) -> t.Any:
        return self.hide(key) if isinstance(key, str) and not _OURS.match(key) else key
