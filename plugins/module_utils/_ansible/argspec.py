# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specifications as values: options together with the constraints between them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.basic import AnsibleModule

Option = dict[str, t.Any]


@dataclass(frozen=True)
class ArgumentSpec:
    """Options and their constraints, in the words of AnsibleModule."""

    options: t.Mapping[str, Option] = field(default_factory=dict)
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
    required_if: tuple[tuple[t.Any, ...], ...] = ()
    required_by: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def merge(self, *others: ArgumentSpec) -> ArgumentSpec:
        """This specification and others as one; an option may be declared only once."""
        merged = self
        for other in others:
            twice = set(merged.options) & set(other.options)
            if twice:
                raise ValueError(f"declared twice: {sorted(twice)}")
            merged = ArgumentSpec(
                options={**merged.options, **other.options},
                mutually_exclusive=merged.mutually_exclusive + other.mutually_exclusive,
                required_together=merged.required_together + other.required_together,
                required_one_of=merged.required_one_of + other.required_one_of,
                required_if=merged.required_if + other.required_if,
                required_by={**merged.required_by, **other.required_by},
            )
        return merged

    def create_module(self, *, supports_check_mode: bool = True) -> AnsibleModule:
        """Parse the task's arguments; AnsibleModule itself fails the task on a violated constraint."""
        return AnsibleModule(
            argument_spec=dict(self.options),
            mutually_exclusive=self.mutually_exclusive,
            required_together=self.required_together,
            required_one_of=self.required_one_of,
            required_if=self.required_if,
            required_by=dict(self.required_by),
            supports_check_mode=supports_check_mode,
        )
