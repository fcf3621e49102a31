# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specifications as values: options together with the constraints between them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .given import Rules, environment, environment_or_empty
from .task import Task

Option = dict[str, t.Any]
Params = t.Mapping[str, t.Any]  # a task's options, or an item of one, as Ansible has parsed them
Register = t.Callable[[str], None]  # takes a secret, which all output masks from then on


def variable(kind: str, *names: str, **more: t.Any) -> Option:
    """An option that the first of these environment variables gives where the task does not."""
    return {"type": kind, "fallback": (environment, list(names)), **more}


def variables(prefix: str) -> t.Callable[..., Option]:
    """As `variable`, for a family of options whose variables begin alike."""

    def option(kind: str, *names: str, **more: t.Any) -> Option:
        return variable(kind, *(f"{prefix}{name}" for name in names), **more)

    return option


def passphrase(*names: str) -> Option:
    """A passphrase. Not required: core would turn a null into an empty one, where we refuse it."""
    return {"type": "str", "no_log": True, "fallback": (environment_or_empty, list(names))}


@dataclass(frozen=True)
class ArgumentSpec:
    """Options and their constraints, in the words of AnsibleModule."""

    options: t.Mapping[str, Option] = field(default_factory=dict)
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
    required_if: tuple[tuple[t.Any, ...], ...] = ()
    required_by: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)

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
                rules=merged.rules.and_those_of(other.rules),
            )
        return merged

    def create_module(self, *, supports_check_mode: bool = True) -> Task:
        """Parse the task's arguments; a violated rule or constraint fails the task, and names the option."""
        return Task(
            self.rules,
            argument_spec=dict(self.options),
            mutually_exclusive=self.mutually_exclusive,
            required_together=self.required_together,
            required_one_of=self.required_one_of,
            required_if=self.required_if,
            required_by=dict(self.required_by),
            supports_check_mode=supports_check_mode,
        )
