# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps the tiers have, and in which lane each runs.

Lane `work` keeps the processors busy; lanes `wait` and `e2e` wait for clusters most of their time; lane `lab` builds
the real peers. The newest Python is the one that the real peers are tried with, so that the oldest has everything else
in full, and the newest what may differ between the two.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from proof.lanes import Step

LINTERS = ("ruff", "mypy", "rules", "shell", "ansible-lint", "licences", "docs", "audit", "sanity")
# What sanity tells of an older ansible-core that the newest does not: the rest reads the same files the same way.
OLDER = "--test validate-modules --test import --test compile"
OLD_CORE = "2.19"
FUZZ_SECONDS = 3600


@dataclass(frozen=True)
class Machine:
    """The interpreters, and the program that builds the lab, where there is one."""

    oldest: str
    newest: str
    lab: str | None = None


def merge(machine: Machine) -> list[Step]:
    """All that has to hold before a change is taken."""
    old, new = _targets(machine)
    steps = [
        _environments(machine),
        Step("faults", "work", (old("faults"),), ("environments",)),
        Step("versions", "work", (new("versions"),), ("environments",)),
        Step("lint", "work", tuple(new(name) for name in LINTERS), ("environments",)),
        Step("sanity", "work", (old("sanity", f"ARGS={OLDER}"),), ("environments",)),
    ]
    if machine.lab is None:
        return steps
    ready = ("environments", "lab")
    # Where the lab had to be built first, which takes 50 minutes, there may be no time for all of it.
    whole = Step("cluster", "wait", (new("cluster"),), ready, minutes=28)
    short = replace(whole, commands=(new("cluster", "ARGS=-k 'not killed'"),), minutes=16)
    return [
        *steps,
        _lab(machine.lab),
        Step("interop", "work", (new("interop"),), ready, minutes=12),
        replace(whole, shorter=short),
        Step("e2e", "e2e", (new("e2e"),), ready, minutes=10),
    ]


def nightly(machine: Machine) -> list[Step]:
    """All that there is: each with everything, on both Pythons, with new examples, and measured."""
    old, new = _targets(machine)
    made = ("environments",)
    steps = [
        _environments(machine),
        Step("faults-oldest", "work", (old("faults", "STEP=faults-oldest", "ARGS=-m ''", "KILLED=all"),), made),
        Step("faults-newest", "work", (new("faults", "STEP=faults-newest", "ARGS=-m ''", "KILLED=all"),), made),
        Step("lint", "work", tuple(new(name) for name in LINTERS), made),
        Step("sanity", "work", (old("sanity"),), made),
    ]
    fuzz = Step("fuzz", "work", (new("fuzz", f"FUZZ_SECONDS={FUZZ_SECONDS}"),), made)
    if machine.lab is None:
        return [*steps, fuzz]
    ready = ("environments", "lab")
    return [
        *steps,
        _lab(machine.lab),
        Step("interop", "wait", (new("interop"),), ready),
        Step("cluster", "wait", (new("cluster", "KILLED=all"),), ready),
        Step("e2e", "wait", (new("e2e"),), ready),
        fuzz,
        # It measures: nothing runs beside it.
        Step("bench", "work", (new("bench"),), ready, after=("e2e",)),
    ]


def _environments(machine: Machine) -> Step:
    """First, since no lane may change what another one runs in."""
    kinds = ((machine.newest, "newest", "lint"), (machine.newest, "newest", "e2e"), (machine.oldest, OLD_CORE, "test"))
    made = tuple(("env", f"PYTHON={python}", f"ANSIBLE_CORE={core}", ".ci/venv", kind) for python, core, kind in kinds)
    return Step("environments", "work", made, quiet=True)


def _lab(program: str) -> Step:
    return Step("lab", "lab", (("nice", "-n", "10", program, "build"),), quiet=True, apart=True)


class _Make(t.Protocol):
    def __call__(self, name: str, /, *variables: str) -> tuple[str, ...]: ...


def _targets(machine: Machine) -> tuple[_Make, _Make]:
    """`make TARGET` on the oldest Python, and on the newest."""

    def make(python: str, core: str) -> _Make:
        more = [] if machine.lab is None else [f"LAB={machine.lab}"]

        def target(name: str, /, *variables: str) -> tuple[str, ...]:
            return ("make", name, f"PYTHON={python}", f"ANSIBLE_CORE={core}", *more, *variables)

        return target

    return make(machine.oldest, OLD_CORE), make(machine.newest, "newest")
