# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole tasks against a registry where something is wrong: each knows how to begin, to run, and when it is done.

`outcome` is the only question that faults leave: "done" (complete and right), or the code of a clear error.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.artifacts import client, flux_tar, put
from support.signing import PASSPHRASE, Key, artifact, count, sign

if t.TYPE_CHECKING:  # pragma: no cover
    from conftest import Result, RunModule
    from support.registry import RunningRegistry

FILES = {"a.yaml": b"kind: A\n", "sub/b.yaml": b"kind: B\n"}
REPOSITORY = "team/app"


@dataclass
class Place:
    """Where a task works: a registry, a directory of its own, and the key."""

    registry: RunningRegistry
    directory: Path
    key: Key
    run_module: RunModule


class UseCase:
    """One module at work."""

    name: t.ClassVar[str]
    module: t.ClassVar[str]

    def __init__(self, place: Place) -> None:
        self.place = place

    def prepare(self) -> None:
        """Before anything goes wrong."""

    def arguments(self) -> dict[str, t.Any]:
        raise NotImplementedError

    def complete(self, result: Result) -> bool:
        """Whether it is done and right: by the result, and by what is there."""
        raise NotImplementedError

    def run(self, **options: t.Any) -> Result:
        return self.place.run_module(self.module, **self.arguments(), **options)


class Push(UseCase):
    name, module = "push", "oci_push"

    def prepare(self) -> None:
        for path, content in FILES.items():
            file = self.place.directory / "tree" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def arguments(self) -> dict[str, t.Any]:
        reference = f"{self.place.registry.address}/{REPOSITORY}:v1"
        return {"reference": reference, "path": str(self.place.directory / "tree")}

    def complete(self, result: Result) -> bool:
        remote = client(self.place.registry.address)
        found = remote.resolve(REPOSITORY, "v1")
        digest, layer = result["artifact"]["digest"], result["artifact"]["layer_digest"]
        return found is not None and found.digest == digest and remote.has_blob(REPOSITORY, layer)


class _OfArtifact(UseCase):
    reference: str

    def prepare(self) -> None:
        self.reference = artifact(self.place.registry)

    def arguments(self) -> dict[str, t.Any]:
        return {"reference": self.reference}


class SignBundle(_OfArtifact):
    name, module, form = "sign a bundle", "cosign_sign", "bundle"

    def arguments(self) -> dict[str, t.Any]:
        key = {"privatekey_path": self.place.key.path, "privatekey_passphrase": PASSPHRASE}
        return {**super().arguments(), "format": self.form, **key}

    def complete(self, result: Result) -> bool:
        del result
        return count(self.place.registry, self.reference)[self.form] == 1


class SignLegacy(SignBundle):
    name, module, form = "sign legacy", "cosign_sign", "legacy"


class Verify(_OfArtifact):
    name, module, form, formats = "verify", "cosign_verify", "both", ["bundle", "legacy"]

    def prepare(self) -> None:
        super().prepare()
        sign(self.place.run_module, self.reference, self.place.key, format=self.form)

    def arguments(self) -> dict[str, t.Any]:
        return {**super().arguments(), "public_keys": [{"path": self.place.key.pub}]}

    def complete(self, result: Result) -> bool:
        verdict = result["verdicts"][0]
        return bool(verdict["verdict"] == "verified" and verdict["formats"] == self.formats)


class VerifyBundle(Verify):
    """Of an artifact that has no other signature than a bundle."""

    name, form, formats = "verify a bundle", "bundle", ["bundle"]


class VerifyLegacy(Verify):
    """Of an artifact that has no other signature than a legacy one."""

    name, form, formats = "verify legacy", "legacy", ["legacy"]


class VerifyPastBundles(Verify):
    """Of an artifact with both, whose bundle cannot be seen."""

    name, formats = "verify past bundles", ["legacy"]


class VerifyPastLegacy(Verify):
    """Of an artifact with both, whose legacy signature cannot be read."""

    name, formats = "verify past legacy", ["bundle"]


class VerifyAsFlux(Verify):
    """As Flux does, which takes no legacy signature where it cannot see whether there is a bundle."""

    name = "verify as Flux"

    def arguments(self) -> dict[str, t.Any]:
        return {**super().arguments(), "flux_version": "2.10"}


class Tag(_OfArtifact):
    name, module = "tag", "oci_tag"

    def arguments(self) -> dict[str, t.Any]:
        return {**super().arguments(), "tags": ["v1", "v2"]}

    def complete(self, result: Result) -> bool:
        found = [client(self.place.registry.address).resolve(REPOSITORY, tag) for tag in ("v1", "v2")]
        return [item and item.digest for item in found] == [result["artifacts"][0]["digest"]] * 2


class Pull(_OfArtifact):
    name, module = "pull", "oci_pull"

    def prepare(self) -> None:
        registry = self.place.registry
        put(registry.address, REPOSITORY, "v1", [flux_tar(FILES)], {})
        self.reference = f"{registry.address}/{REPOSITORY}:v1"

    @property
    def dest(self) -> Path:
        return self.place.directory / "out"

    def arguments(self) -> dict[str, t.Any]:
        return {**super().arguments(), "dest": str(self.dest)}

    def complete(self, result: Result) -> bool:
        return bool(result["changed"]) and self.files() == FILES

    def files(self) -> dict[str, bytes]:
        found = [path for path in self.dest.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.dest)): path.read_bytes() for path in found}


class Info(Verify):
    name, module = "info", "oci_artifact_info"

    @staticmethod
    def faults(result: Result) -> dict[str, str | None]:
        """Each format with what is wrong with it."""
        return {item["format"]: item["fault"] for item in result["artifacts"][0]["signatures"]}

    def prepare(self) -> None:
        super().prepare()
        self.place.run_module("oci_tag", reference=self.reference, tags=["v1"])

    def arguments(self) -> dict[str, t.Any]:
        return {"reference": self.reference}

    def complete(self, result: Result) -> bool:
        [found] = result["artifacts"]
        formats = sorted(item["format"] for item in found["signatures"])
        return found["tags"] == ["v1"] and formats == ["bundle", "legacy"]


ALL: tuple[type[UseCase], ...] = (Push, SignBundle, SignLegacy, Verify, Tag, Pull, Info)


def first(values: t.Iterable[t.Any], *quick: t.Any) -> list[t.Any]:
    """The values as parameters of a test: `quick` ones for `make test`, the others for `make faults` only."""
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in values]


def sampled(some: int, every: int = 1, night: int = 0) -> pytest.MarkDecorator:
    """A parameter `step`: `some` is that of `make test`, `every` that of `make faults`, which needs no sample then.

    `night` is one that `make nightly` alone takes beside them.
    """
    values = [
        pytest.param(some, marks=pytest.mark.sample, id="some"),
        pytest.param(every, marks=pytest.mark.slow, id="all"),
    ]
    values += [pytest.param(night, marks=[pytest.mark.slow, pytest.mark.nightly], id="each")] if night else []
    return pytest.mark.parametrize("step", values)


def outcome(case: UseCase, result: Result) -> str:
    """ "done", or the failure's code (a verdict's where there is one); AssertionError for anything in between."""
    if not result.get("failed", False):
        assert case.complete(result), result
        return "done"
    failure = result["failure"]
    assert failure["code"] != "bug", result
    assert result["msg"], result
    assert result["msg"].isprintable(), result
    if isinstance(case, Pull):
        assert not case.dest.exists(), "an error leaves no file behind"
    return str(failure["details"].get("verdict") or failure["code"])
