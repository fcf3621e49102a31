# SPDX-License-Identifier: GPL-3.0-or-later
"""cosign_verify: every verdict entered, against the embedded registry with and without the referrers API."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from support.artifacts import client
from support.registry import RunningRegistry, registry, running_registry
from support.signing import Key, artifact, either, keys, plant_bundle, plant_raw, sign, verdict, verify

from ansible_collections.proven.gitops.plugins.module_utils._cosign import bundle, bundle_writer, simple_signing
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Hook, Response

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["either", "keys", "registry"]


class TestVerdicts:
    @pytest.mark.fault("S34")
    def test_a_signature_moved_from_another_digest(
        self, run_module: RunModule, either: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        signed, victim = artifact(either), artifact(either, b"kind: Evil\n")
        sign(run_module, signed, keys[0], format="legacy")
        remote = client(either.address)
        image = remote.get_manifest("team/app", simple_signing.tag_for(signed.partition("@")[2]))
        assert image is not None
        remote.put_manifest("team/app", simple_signing.tag_for(victim.partition("@")[2]), *image)
        assert verdict(run_module, victim, keys[0]) == "tampered"

    @pytest.mark.fault("S17")
    def test_a_bundle_about_another_digest(
        self, run_module: RunModule, either: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        victim = artifact(either)
        plant_bundle(either, victim, keys[0], bundle_writer.build_statement("sha256:" + "1" * 64, {}))
        assert verdict(run_module, victim, keys[0]) == "tampered"

    @pytest.mark.fault("S34")
    def test_a_bundle_listed_for_another_digest(
        self, run_module: RunModule, tmp_path: Path, keys: tuple[Key, ...]
    ) -> None:
        """Where there is no referrers API, whoever may push writes the list."""
        with running_registry(tmp_path, referrers=False) as registry:
            signed, victim = artifact(registry), artifact(registry, b"kind: Evil\n")
            sign(run_module, signed, keys[0])
            remote = client(registry.address)
            index = remote.get_manifest("team/app", _fallback_tag(signed))
            assert index is not None
            remote.put_manifest("team/app", _fallback_tag(victim), *index)
            assert verdict(run_module, victim, keys[0]) == "tampered"
            assert verdict(run_module, victim, keys[1]) == "wrong_key"

    @pytest.mark.fault("S39")
    def test_a_referrer_of_another_digest_does_not_count(
        self, run_module: RunModule, tmp_path: Path, keys: tuple[Key, ...]
    ) -> None:
        """Its statement is right and its subject is not: cosign and Flux do not look, we do, and sign properly."""
        with running_registry(tmp_path, referrers=False) as registry:
            reference, other = artifact(registry), artifact(registry, b"kind: B\n")
            plant_bundle(registry, other, keys[0], bundle_writer.build_statement(reference.partition("@")[2], {}))
            remote = client(registry.address)
            index = remote.get_manifest("team/app", _fallback_tag(other))
            assert index is not None
            remote.put_manifest("team/app", _fallback_tag(reference), *index)
            assert verdict(run_module, reference, keys[0]) == "malformed"
            assert verdict(run_module, reference, keys[0], flux_version="2.9") == "verified"
            assert sign(run_module, reference, keys[0])["changed"]
            assert verdict(run_module, reference, keys[0]) == "verified"

    @pytest.mark.fault("S5", "S35")
    def test_another_predicate_is_no_signature_except_for_flux(
        self, run_module: RunModule, either: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        reference = artifact(either)
        statement = bundle_writer.build_statement(reference.partition("@")[2], {})
        other = statement.replace(bundle.SIGN_PREDICATE.encode(), b"https://spdx.dev/Document")
        plant_bundle(either, reference, keys[0], other)
        assert verdict(run_module, reference, keys[0]) == "unsigned"
        assert verdict(run_module, reference, keys[0], flux_version="2.9") == "verified"
        assert verdict(run_module, reference, keys[0], flux_version="2.7") == "unsigned"

    def test_garbage(self, run_module: RunModule, either: RunningRegistry, keys: tuple[Key, ...]) -> None:
        reference = artifact(either)
        plant_raw(either, reference, b'{"not": "a bundle"}')
        assert verdict(run_module, reference, keys[0]) == "malformed"
        sign(run_module, reference, keys[0], format="legacy")
        assert verdict(run_module, reference, keys[0]) == "verified", "one valid signature is enough"
        assert verdict(run_module, reference, keys[0], flux_version="2.9") == "verified", (
            "nor does garbage hide it from Flux"
        )

    @pytest.mark.fault("S36")
    def test_a_foreign_bundle_hides_legacy_signatures_from_flux(
        self, run_module: RunModule, either: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        reference = artifact(either)
        sign(run_module, reference, keys[1])
        warned = sign(run_module, reference, keys[0], format="legacy")
        assert any("hides" in str(warning) for warning in warned["warnings"])
        assert verdict(run_module, reference, keys[0]) == "verified"
        assert verdict(run_module, reference, keys[0], flux_version="2.9") == "wrong_key"
        assert verdict(run_module, reference, keys[0], flux_version="2.7") == "verified"

    @pytest.mark.fault("S40")
    def test_bytes_that_do_not_match_their_digest(
        self, run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        reference = artifact(registry)
        sign(run_module, reference, keys[0], format="legacy")
        layer = verify(run_module, reference, keys[0])["verdicts"][0]["signatures"][0]["digest"]
        path = Path(registry.store.blob_path(layer))
        content = path.read_bytes()
        for changed in (content.replace(b"sha256", b"sha512"), content + b"\n"):
            path.write_bytes(changed)
            assert verdict(run_module, reference, keys[0]) == "tampered"

    def test_the_artifact_itself_was_exchanged(
        self, run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        reference = artifact(registry)
        sign(run_module, reference, keys[0])
        path = Path(registry.store.blob_path(reference.partition("@")[2]))
        path.write_bytes(path.read_bytes() + b" ")
        assert verdict(run_module, reference, keys[0]) == "tampered"

    @pytest.mark.fault("R16a")
    def test_what_could_not_be_asked_is_never_unsigned(
        self, run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        reference = artifact(registry)
        sign(run_module, reference, keys[0], format="legacy")
        registry.hooks.append(FailReferrers())
        refused = verify(run_module, reference, keys[0], retries=0, report_only=True)
        assert refused["failed"], "report_only excuses refusals, not silence"
        assert refused["verdicts"][0]["verdict"] == "unreachable"

    def test_report_only(self, run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]) -> None:
        result = verify(run_module, artifact(registry), keys[0], report_only=True)
        assert not result.get("failed", False)
        assert not result["verified"]
        assert result["verdicts"][0]["verdict"] == "unsigned"

    def test_an_artifact_that_is_not_there(
        self, run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        """An answer, not a silence: asking again does not help, so it is neither `unreachable` nor `unsigned`."""
        absent = "sha256:" + "0" * 64
        for missing in (":v9", f"@{absent}", f"/other@{absent}"):
            failed = verify(run_module, f"{registry.address}/team/app{missing}", keys[0])
            assert failed["failed"]
            assert failed["verdicts"][0]["verdict"] == failed["failure"]["details"]["verdict"] == "not_found"
            assert failed["msg"].startswith("not_found: the registry has no such artifact"), "the cause comes first"
        listed = verify(run_module, f"{registry.address}/team/app:v9", keys[0], report_only=True)
        assert not listed.get("failed", False)
        assert (listed["verified"], listed["verdicts"][0]["verified"]) == (False, False)

    @pytest.mark.fault("R16a")
    def test_what_hides_everything_is_not_not_found(
        self, run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        """Only the registry's own 404 for the artifact says that it is not there."""
        reference = artifact(registry)
        for status in (401, 403, 410, 500):
            registry.hooks[:] = [Answers(status)]
            assert verdict(run_module, reference, keys[0], retries=0, report_only=True) == "unreachable"

    def test_a_batch_keeps_every_verdict(
        self, run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        good, bad = artifact(registry), artifact(registry, b"kind: B\n")
        sign(run_module, good, keys[0])
        result = run_module("cosign_verify", references=[bad, good], public_keys=[{"path": keys[0].pub}])
        assert [item["verdict"] for item in result["verdicts"]] == ["unsigned", "verified"]
        assert result["failure"]["details"]["failures"][0]["details"]["verdict"] == "unsigned"

    @pytest.mark.fault("R16a")
    def test_a_host_that_is_two_registries(
        self, run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
    ) -> None:
        """What one repository lacks, another may have: nothing is unsigned before its own API was asked."""
        references = [artifact(registry, content) for content in (b"kind: A\n", b"kind: B\n", b"kind: C\n")]
        without = NoReferrers(references[0].partition("@")[2])
        registry.hooks.append(without)
        for reference in references[:2]:
            assert sign(run_module, reference, keys[0])["signatures"][0]["signed"] == ["bundle"]
        options: dict[str, t.Any] = {"public_keys": [{"path": keys[0].pub}], "concurrency": 1, "report_only": True}
        result = run_module("cosign_verify", references=references, **options)
        assert [item["verdict"] for item in result["verdicts"]] == ["verified", "verified", "unsigned"]
        registry.hooks.insert(0, FailReferrers(references[2].partition("@")[2]))
        result = run_module("cosign_verify", references=references, retries=0, **options)
        assert [item["verdict"] for item in result["verdicts"]] == ["verified", "verified", "unreachable"]

    def test_an_absent_api_is_asked_for_once_where_all_is_found(
        self, run_module: RunModule, tmp_path: Path, keys: tuple[Key, ...]
    ) -> None:
        with running_registry(tmp_path, referrers=False) as registry:
            references = [artifact(registry, f"kind: K{number}\n".encode()) for number in range(5)]
            for reference in references:
                sign(run_module, reference, keys[0])
            registry.requests.clear()
            options: dict[str, t.Any] = {"public_keys": [{"path": keys[0].pub}], "concurrency": 1}
            assert run_module("cosign_verify", references=references, **options)["verified"]
            assert sum("/referrers/" in str(request) for request in registry.requests) == 1


def _fallback_tag(reference: str) -> str:
    return reference.partition("@")[2].replace(":", "-")


class Answers(Hook):
    """A registry that answers every request for a manifest with one status."""

    def __init__(self, status: int) -> None:
        self._status = status

    def before(self, request: t.Any) -> t.Any:
        return Response(self._status, {}, b"") if "/manifests/" in request.target else None


class FailReferrers(Hook):
    """A registry that throttles the referrers API and nothing else, as seen in the wild."""

    def __init__(self, digest: str = "") -> None:
        self._target = f"/referrers/{digest}"

    def before(self, request: t.Any) -> t.Any:
        return Response(503, {}, b"busy") if self._target in request.target else None


class NoReferrers(Hook):
    """A registry that has no referrers API for one digest."""

    def __init__(self, digest: str) -> None:
        self._digest = digest

    def before(self, request: t.Any) -> t.Any:
        return Response(404, {}, b"") if f"/referrers/{self._digest}" in request.target else None

    def after(self, request: t.Any, response: Response) -> Response:
        response.headers.pop("OCI-Subject", None)
        return response
