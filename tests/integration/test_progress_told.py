# SPDX-License-Identifier: GPL-3.0-or-later
"""What the use-cases report of their work, to a Progress that remembers it."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from support.artifacts import client
from support.flux_api import FluxApi
from support.flux_case import Case, FakeClock, target
from support.flux_status import FIRST, recorded
from support.registry import RunningRegistry, registry
from support.told import Told

from ansible_collections.proven.gitops.plugins.module_utils._artifact.archive import Limits
from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Tree
from ansible_collections.proven.gitops.plugins.module_utils._cosign.policy import Keys
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Disconnect, Hook, Request, Response
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Manifest
from ansible_collections.proven.gitops.plugins.module_utils._oci.reference import Reference
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registries
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
from ansible_collections.proven.gitops.plugins.module_utils._shared.report import VARIABLE, Snapshot
from ansible_collections.proven.gitops.plugins.module_utils._tasks.artifact.flux_form import FluxForm
from ansible_collections.proven.gitops.plugins.module_utils._tasks.artifact.ledger import Ledger
from ansible_collections.proven.gitops.plugins.module_utils._tasks.artifact.pull import Pull, PullRequest
from ansible_collections.proven.gitops.plugins.module_utils._tasks.artifact.push import Push, PushRequest
from ansible_collections.proven.gitops.plugins.module_utils._tasks.artifact.tag import Tag, TagRequest
from ansible_collections.proven.gitops.plugins.module_utils._tasks.signing.sign import Sign, SignRequest
from ansible_collections.proven.gitops.plugins.module_utils._tasks.signing.verify import Policy, Verify
from ansible_collections.proven.gitops.plugins.plugin_utils.progress_line import decode

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["registry"]

NAMES = ("a", "b", "c")


class BreakOnce(Hook):
    """Cuts the first upload of a large blob in its middle."""

    def __init__(self) -> None:
        self.broken = False

    def before(self, request: Request) -> Response | None:
        if request.method == "PUT" and "/blobs/" in request.target and not self.broken:
            self.broken = True
            raise Disconnect
        return None


def registries() -> Registries:
    return Registries(ConnectionSettings(), CredentialStore(None, None, {}))


def push(registry: RunningRegistry, directory: Path, told: Told) -> list[Reference]:
    requests = []
    for name in NAMES:
        tree = directory / name
        tree.mkdir()
        (tree / "random.yaml").write_bytes(os.urandom(300_000))
        reference = Reference.parse(f"{registry.address}/team/{name}")
        requests.append(PushRequest(reference, FluxForm(Tree(str(tree), Ignore()), {})))
    case = Push(requests, registries(), told, workdir=str(directory), ledger=Ledger(None), concurrency=2)
    outcome = case.apply(case.plan())
    assert outcome.failure is None
    return [Reference.parse(item["reference"]) for item in outcome.values["artifacts"]]


@pytest.mark.parametrize("broken", [False, True])
def test_push(registry: RunningRegistry, tmp_path: Path, broken: bool) -> None:
    """Also where bytes have to be sent twice."""
    hook = BreakOnce()
    if broken:
        registry.hooks.append(hook)
    told = Told()
    references = push(registry, tmp_path, told)
    size = 0
    for reference in references:
        answer = client(registry.address).get_manifest(reference.repository, reference.pointer)
        assert answer is not None
        size += Manifest.parse(answer[0], str(reference)).layers[0].size
    assert hook.broken == broken
    packed, pushed = told.phases
    assert (packed.what, packed.done, packed.total, packed.sent) == ("packed", 3, 3, size)
    assert (pushed.what, pushed.done, pushed.total, pushed.sent, pushed.size) == ("pushed", 3, 3, size, size)


def test_pull(registry: RunningRegistry, tmp_path: Path) -> None:
    references = push(registry, tmp_path, Told())
    told = Told()
    requests = [PullRequest(one, str(tmp_path / f"to-{number}")) for number, one in enumerate(references)]
    case = Pull(requests, registries(), Limits(), told, workdir=str(tmp_path), concurrency=2)
    assert case.apply(case.plan()).failure is None
    pulled, unpacked = told.phases
    assert (pulled.what, pulled.done, pulled.total) == ("pulled", 3, 3)
    assert pulled.sent == pulled.size > 600_000
    assert (unpacked.what, unpacked.done, unpacked.total) == ("unpacked", 3, 3)


def test_sign_verify_and_tag_count_what_fails_as_well(registry: RunningRegistry, tmp_path: Path) -> None:
    references = [*push(registry, tmp_path, Told()), Reference.parse(f"{registry.address}/no/such@sha256:{'0' * 64}")]
    told, key = Told(), SigningKey.generate()
    sign = Sign([SignRequest(one, ("bundle",)) for one in references], registries(), key, {}, told)
    assert sign.apply(sign.plan()).failure is not None
    verify = Verify(references, registries(), Policy(Keys([key.public])), told)
    assert verify.apply(verify.plan()).failure is not None
    tag = Tag([TagRequest(one, ("v1",)) for one in references], registries(), told, move=False)
    assert tag.apply(tag.plan()).failure is not None
    assert [(phase.what, phase.done, phase.total) for phase in told.phases] == [
        ("looked at", 4, 4),
        ("signed", 4, 4),
        ("judged", 4, 4),
        ("looked at", 4, 4),
        ("tagged", 4, 4),
    ]


def test_reconcile_says_what_flux_says() -> None:
    with FluxApi() as api:
        api.put(recorded("verified"))
        api.answers("ocirepositories", recorded("fetching"), recorded("fetching"), recorded("verified"))
        told = Told()
        case = Case(api, FakeClock(), told)(target(expected=FIRST), request="always", timeout=60)
        outcome = case.apply(case.plan())
    assert outcome.failure is None
    [phase] = told.phases
    assert (phase.what, phase.done, phase.total) == ("reconciled", 1, 1)
    names, words, spent, limits = zip(*phase.waits, strict=True)
    assert set(names) == {"OCIRepository flux-system/app"}
    assert set(limits) == {60.0}
    assert all(": " in text for text in words)
    assert spent[0] == 0
    assert list(spent) == sorted(spent)


def test_a_module_reports_to_the_file_that_it_is_handed(
    run_module: RunModule, registry: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references = [str(one) for one in push(registry, tmp_path, Told())]
    public = tmp_path / "cosign.pub"
    public.write_bytes(SigningKey.generate().public.pem)
    last = {}
    tasks: dict[str, dict[str, t.Any]] = {
        "oci_tag": {"artifacts": [{"reference": one, "tags": ["v1"]} for one in references]},
        "oci_pull": {"artifacts": [{"reference": one, "dest": str(tmp_path / one[-8:])} for one in references]},
        "oci_artifact_info": {"references": references},
        "cosign_verify": {
            "references": references,
            "public_keys": [{"path": str(public)}],
            "report_only": True,
        },
    }
    for name, options in tasks.items():
        file = tmp_path / name
        file.write_bytes(Snapshot().encode())
        monkeypatch.setenv(VARIABLE, str(file))
        result = run_module(name, **options)
        assert not result.get("failed"), result
        last[name] = decode(file.read_bytes())
    said = {name: (found.what, found.done, found.total) if found else None for name, found in last.items()}
    assert said == {
        "oci_tag": ("tagged", 3, 3),
        "oci_pull": ("unpacked", 3, 3),
        "oci_artifact_info": ("looked at", 3, 3),
        "cosign_verify": ("judged", 3, 3),
    }
