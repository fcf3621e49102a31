# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the property tests go on.

By default each tries the same examples every time, a minute in all: a test that fails one day in ten tells nobody
anything. With HYPOTHESIS_PROFILE=fuzz each tries new ones, again and again, FUZZ_SECONDS in all (`make fuzz`); what
fails is kept in build/cache/hypothesis, and tried first the next time.
"""

from __future__ import annotations

import os
import time
import typing as t

import hypothesis
import pytest
from hypothesis import HealthCheck

_SECONDS = 600.0
_slice = pytest.StashKey[float]()

# No deadline for one example: other work shares the cores.
_COMMON: dict[str, t.Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}
hypothesis.settings.register_profile("test", derandomize=True, database=None, **_COMMON)
hypothesis.settings.register_profile("fuzz", derandomize=False, print_blob=True, **_COMMON)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "test")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    count = sum(1 for item in session.items if item.get_closest_marker("hypothesis"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    seconds = float(os.environ.get("FUZZ_SECONDS") or _SECONDS)
    session.config.stash[_slice] = seconds * workers / max(1, count)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> t.Generator[None, object, object]:
    began = time.monotonic()
    result = yield
    if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" and pyfuncitem.get_closest_marker("hypothesis"):
        arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
        while time.monotonic() - began < pyfuncitem.config.stash[_slice]:
            pyfuncitem.obj(**arguments)
    return result
