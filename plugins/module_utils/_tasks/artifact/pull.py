# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack artifacts into directories; nothing is written before the whole archive was read and found safe."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import typing as t
from dataclasses import dataclass, field

from ..._artifact.archive import Archive, Limits
from ..._oci.descriptor import Descriptor, Manifest
from ..._registry.errors import NotFound
from ..._shared import inside
from ..._shared.errors import GitopsError, InvalidOption
from .. import batch
from .._case import QUIET, Outcome

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._oci.reference import Reference
    from ..._registry.client import Registries
    from .._case import Progress

_PIECE = 256 * 1024
_PACKED = ("tar+gzip", "tar.gzip")


class NotUnpackable(GitopsError):
    """An artifact without a gzipped tar as its first layer."""

    code = "not_unpackable"


@dataclass(frozen=True)
class PullRequest:
    """One artifact, and the directory that is to hold its files."""

    reference: Reference
    dest: str


@dataclass
class PullItem:
    """The plan for one artifact: the layer in a temporary file, and the names of what `dest` lacks or has otherwise."""

    request: PullRequest
    manifest: Manifest
    packed: str
    wanted: dict[str, str] = field(default_factory=dict)  # name -> "created" | "changed"
    skipped: list[str] = field(default_factory=list)
    count: int = 0

    def describe(self) -> dict[str, t.Any]:
        """The entry of `artifacts` in the result."""
        return {
            "reference": str(self.request.reference.with_digest(self.manifest.digest)),
            "digest": self.manifest.digest,
            "dest": self.request.dest,
            "annotations": dict(self.manifest.annotations),
            "entries": self.count,
            "written": sorted(self.wanted),
            "skipped_links": sorted(self.skipped),
        }


Plan = list[PullItem | GitopsError]


class Pull:
    """The use-case of oci_pull. Layers are kept in `workdir` from plan to apply."""

    def __init__(
        self,
        requests: t.Sequence[PullRequest],
        registries: Registries,
        limits: Limits,
        progress: Progress = QUIET,
        *,
        workdir: str,
        concurrency: int = 4,
    ) -> None:
        self._requests = requests
        self._registries = registries
        self._limits = limits
        self._progress = progress
        self._batch = batch.Batch(progress, concurrency)
        self._workdir = workdir

    def plan(self) -> Plan:
        """Fetch each layer, and compare it with its directory. InvalidOption where `dest` is no directory."""
        for request in self._requests:
            if os.path.lexists(request.dest) and not os.path.isdir(request.dest):
                raise InvalidOption("dest", f"{request.dest} is not a directory")
        return self._batch.each("pulled", self._plan_item, self._requests)

    def predict(self, plan: Plan) -> Outcome:
        """What is different."""
        return self._outcome(plan, "would write")

    def apply(self, plan: Plan) -> Outcome:
        """Unpack what is different, and remove what was fetched."""
        try:
            done = self._batch.each("unpacked", self._apply_item, plan)
        finally:
            for item in plan:
                if isinstance(item, PullItem):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(item.packed)
        return self._outcome(done, "wrote")

    def _plan_item(self, request: PullRequest) -> PullItem:
        reference = request.reference
        registry = self._registries.get(reference.host)
        answer = registry.get_manifest(reference.repository, reference.pointer)
        if answer is None:
            raise NotFound(f"reference: {reference} does not exist", reference=str(reference))
        manifest = Manifest.parse(answer[0], str(reference))
        layer = _packed_layer(manifest, reference)
        self._progress.expect(layer.size)
        with contextlib.ExitStack() as undo:
            handle, path = tempfile.mkstemp(prefix="pull-", dir=self._workdir)
            undo.callback(os.unlink, path)
            with os.fdopen(handle, "wb") as target:
                for piece in registry.stream_blob(reference.repository, layer, self._limits.packed):
                    target.write(piece)
                    self._progress.transfer(len(piece))
            item = PullItem(request, manifest, path)
            self._compare(item)
            undo.pop_all()
        return item

    def _compare(self, item: PullItem) -> None:
        """Read the whole archive: an unsafe member far behind must stop the task before the first file is written."""
        dest, archive = item.request.dest, Archive(_pieces(item.packed), self._limits)
        for member in archive:
            item.count += 1
            if member.kind == "link":
                item.skipped.append(member.name)
            elif member.kind == "directory":
                with inside.opened(dest, member.name) as directory:
                    if directory is None:
                        item.wanted[member.name] = "created"
            else:
                digest = hashlib.sha256()
                for piece in archive.content():
                    digest.update(piece)
                if inside.digest_of(dest, member.name) != digest.hexdigest():
                    item.wanted[member.name] = "changed" if inside.exists(dest, member.name) else "created"

    def _apply_item(self, item: PullItem) -> PullItem:
        archive = Archive(_pieces(item.packed), self._limits)
        for member in archive:
            if member.name not in item.wanted:
                continue
            if member.kind == "directory":
                with inside.opened(item.request.dest, member.name, create=True):
                    pass
            else:
                new = item.wanted[member.name] == "created"
                inside.write(item.request.dest, member.name, archive.content(), new=new)
        return item

    def _outcome(self, plan: Plan, verb: str) -> Outcome:
        names = [str(request.reference) for request in self._requests]
        listed: list[dict[str, t.Any]] = []
        actions: list[str] = []
        before, after = "", ""
        warnings: list[str] = []
        for name, item in zip(names, plan, strict=True):
            if isinstance(item, GitopsError):
                listed.append({"reference": name, "failure": item.as_failure()})
                continue
            listed.append(item.describe())
            if item.wanted:
                actions.append(f"{verb} {len(item.wanted)} entries of {name} to {item.request.dest}")
            if item.skipped:
                warnings.append(f"{name}: {len(item.skipped)} symbolic links were skipped, as Flux skips them")
            for entry, state in sorted(item.wanted.items()):
                before += f"{item.request.dest}/{entry}: {'absent' if state == 'created' else 'other content'}\n"
                after += f"{item.request.dest}/{entry}: {state} from {item.manifest.digest}\n"
        return Outcome(
            changed=bool(actions),
            values={"artifacts": listed},
            actions=actions,
            diff={"before": before, "after": after},
            failure=batch.failure(names, plan),
            warnings=warnings,
        )


def _packed_layer(manifest: Manifest, reference: Reference) -> Descriptor:
    """The first layer, as flux pulls it; NotUnpackable unless its media type says gzipped tar."""
    if not manifest.layers or not manifest.layers[0].media_type.endswith(_PACKED):
        raise NotUnpackable(f"{reference}: the first layer is not a gzipped tar", reference=str(reference))
    return manifest.layers[0]


def _pieces(path: str) -> t.Iterator[bytes]:
    with open(path, "rb") as source:
        while piece := source.read(_PIECE):
            yield piece
