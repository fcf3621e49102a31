# SPDX-License-Identifier: GPL-3.0-or-later
"""More signatures, and larger ones, than anybody means well: memory and time are bounded all the same."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.faulty import Fault, content, unframed
from support.signing import plant_raw
from support.use_cases import Info, SignBundle, UseCase, Verify, first

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Request, Response
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import MANIFEST

if t.TYPE_CHECKING:
    from faults.conftest import Attempt

MIB = 1 << 20
COUNT, SIZE = 12, 3 * MIB


class Flooded(Verify):
    """A good signature, and many a large bundle that is none."""

    def prepare(self) -> None:
        super().prepare()
        for number in range(COUNT):
            plant_raw(self.place.registry, self.reference, b'{"x": "%d%s"}' % (number, b" " * SIZE))

    def complete(self, result: t.Any) -> bool:
        return bool(result["verdicts"][0]["verdict"] == "verified")


class FloodedInfo(Flooded):
    """The same, looked at."""

    name, module = Info.name, Info.module

    def arguments(self) -> dict[str, t.Any]:
        return {"reference": self.reference}

    def complete(self, result: t.Any) -> bool:
        return len(result["artifacts"][0]["signatures"]) == COUNT + 2


@pytest.mark.fault("R16d", "S9")
@pytest.mark.parametrize("case", first([Flooded, FloodedInfo], Flooded), ids=lambda case: case.name)
def test_large_bundles_are_not_kept(attempt: Attempt, case: type[UseCase]) -> None:
    """Each within its own limit; all of them together are not held in memory."""
    with attempt.memory(COUNT * SIZE // 2):
        assert attempt(case) == "done"


@pytest.mark.fault("R16d", "S8")
@pytest.mark.parametrize("case", first([Verify, Info, SignBundle], Verify), ids=lambda case: case.name)
def test_many_signatures_share_one_deadline(attempt: Attempt, case: type[UseCase]) -> None:
    """A registry that takes its time for each of a thousand must not take all of our time."""
    entries = [{"mediaType": MANIFEST, "digest": f"sha256:{number:064x}", "size": 2} for number in range(1000)]
    listing = Fault("GET", "/referrers/", times=None, change=lambda request, answer: _index(request, answer, entries))
    slow = Fault("GET", "/manifests/sha256:0", times=None, meanwhile=lambda _registry: attempt.pause(0.05))
    assert attempt(case, listing, slow, deadline=1) == "unreachable"
    assert attempt.seconds < 8


def _index(_request: Request, answer: Response, entries: list[t.Any]) -> Response:
    document = {**json.loads(content(answer)), "manifests": entries}
    return Response(answer.status, unframed(answer), json.dumps(document).encode())
