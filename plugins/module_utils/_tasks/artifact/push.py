# SPDX-License-Identifier: GPL-3.0-or-later
"""Push artifacts, only where what is there is not the same already."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import tempfile
import typing as t
from dataclasses import dataclass, field, replace

from ..._artifact.annotations import CONTENT
from ..._artifact.compress import Compressor
from ..._artifact.contents import Contents
from ..._artifact.limits import UnsafeArchive
from ..._registry.errors import RegistryError, is_not_started
from ..._registry.uploads import upload_blob
from ..._shared.digest import of_bytes
from ..._shared.errors import GitopsError
from .. import batch
from .._case import Outcome, would_fail
from . import difference, file_lists
from .tag import TagExists

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._artifact.layer import Layer
    from ..._oci.descriptor import Descriptor, Manifest
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress
    from .form import Blob, Form
    from .ledger import Ledger

_SMALL = 1 << 20  # bytes


@dataclass(frozen=True)
class PushRequest:
    """One artifact to push. `compare_with` is a tag, for a reference without one.

    `created` is stamped on a new artifact only.
    """

    reference: Reference
    form: Form
    created: str | None = None
    compare_with: str | None = None
    move: bool = False

    @property
    def compared(self) -> Reference | None:
        """The mutable reference to compare with, if any."""
        tag = self.compare_with or self.reference.tag or self.form.tag
        return self.reference.with_tag(tag) if tag else None


@dataclass
class PushItem:
    """The plan for one artifact. `state` is pushed, unchanged, or adopted (there already, made by another tool)."""

    request: PushRequest
    state: t.Literal["pushed", "unchanged", "adopted"]
    manifest: Manifest
    layer: Layer
    blobs: tuple[Blob, ...] = ()  # what else the manifest refers to
    described: t.Mapping[str, t.Any] = field(default_factory=dict)
    packed: str | None = None
    previous: str | None = None
    learned: Contents | None = None  # what the layer of `manifest` holds, where that is news to the ledger
    warnings: tuple[str, ...] = ()
    blocked: GitopsError | None = None  # why a run would fail now, though an earlier task may mend it
    names: tuple[str, str] = ("", "")  # with diff: those that go or change, and those that come or change

    def describe(self) -> dict[str, t.Any]:
        """The entry of `artifacts` in the result."""
        reference = self.request.reference.with_digest(self.manifest.digest)
        return {
            "reference": str(reference),
            "url": reference.url,
            "tag": self.request.reference.tag,
            "digest": self.manifest.digest,
            "state": self.state,
            "previous_digest": self.previous,
            "annotations": dict(self.manifest.annotations),
            "layer_digest": self.layer.descriptor.digest,
            "layer_size": self.layer.descriptor.size,
            "content_digest": self.layer.content_digest,
            "content_size": self.layer.content_size,
            "files": self.layer.walk.files,
            **self.described,
        }


Plan = list[PushItem | GitopsError]


class Push:
    """The use-case of oci_push. Temporary files (the packed layers) live in `workdir` from plan to apply."""

    def __init__(
        self,
        requests: t.Sequence[PushRequest],
        registries: Registries,
        progress: Progress,
        *,
        workdir: str | None,
        ledger: Ledger,
        concurrency: int = 4,
        with_names: bool = False,
    ) -> None:
        self._requests = requests
        self._registries = registries
        self._progress = progress
        self._batch = batch.Batch(progress, concurrency)
        self._workdir = workdir  # None: pack for the digest only, as check mode does
        self._ledger = ledger
        self._with_names = with_names  # say which files come, go and change: what is there is read for it

    def plan(self) -> Plan:
        """Look at every tree before the first request: a path that is missing or empty stops the task."""
        for request in self._requests:
            request.form.check()
        with Compressor() as compressor:
            planned = self._batch.each("packed", lambda one: self._plan_item(one, compressor), self._requests)
        self._progress.finish()
        return planned

    def predict(self, plan: Plan) -> Outcome:
        """What would be pushed."""
        outcome = self._outcome(plan, "would push")
        outcome.warnings += would_fail(*(item.blocked for item in plan if isinstance(item, PushItem)))
        return outcome

    def apply(self, plan: Plan) -> Outcome:
        """Upload layer, config and manifest of what is new, in this order."""
        size = sum(item.layer.descriptor.size for item in plan if isinstance(item, PushItem) and item.packed)
        try:
            done = self._batch.each("pushed", self._apply_item, plan, size)
        finally:
            for item in plan:
                if isinstance(item, PushItem):
                    self._discard(item)
        self._progress.finish()
        self._ledger.note(
            {item.layer.descriptor.digest: item.learned for item in done if isinstance(item, PushItem) and item.learned}
        )
        return self._outcome(done, "pushed")

    def _plan_item(self, request: PushRequest, compressor: Compressor) -> PushItem:
        try:
            return self._planned(request, compressor)
        finally:
            request.form.close()

    def _planned(self, request: PushRequest, compressor: Compressor) -> PushItem:
        try:
            item = self._look(request, compressor)
        except RegistryError as error:
            # Only check mode goes on: an earlier task may be to start the registry.
            if not is_not_started(error) or self._workdir is not None:
                raise
            item = replace(self._made(request, compressor), blocked=error)
        item.described = request.form.describe(item.layer)
        item.warnings = tuple(request.form.warnings(item.layer, new=item.state == "pushed"))
        return item

    def _look(self, request: PushRequest, compressor: Compressor) -> PushItem:
        reference = request.reference
        registry = self._registries.get(reference.host)
        found = _found(registry, request.compared) if request.compared else None
        item = self._known(request, found) or self._packed(request, found, registry, compressor)
        if item.state != "pushed":
            self._discard(item)
        elif reference.tag and found and found.digest != item.manifest.digest and not request.move:
            self._discard(item)
            raise TagExists(reference, found.digest, difference.in_words(found.manifest, item.manifest))
        if item.state == "pushed" and self._with_names:
            item.names = _names(registry, request, found, item.layer.content_size)
        return item

    def _known(self, request: PushRequest, found: _Found | None) -> PushItem | None:
        """What is there, where the ledger knows what its layer holds, and that is the tree: nothing is compressed.

        Only where the manifest could be ours at all is the tree read for it.
        """
        form = request.form
        there = form.layer_of(found.manifest) if found and found.manifest else None
        if not found or not found.manifest or not there or not form.may_be(found.manifest):
            return None
        known = self._ledger.find(there.digest)
        if known is None or form.refusal(found.manifest, known.diff_id) is not None:
            return None
        layer = form.measure(found.manifest)
        if layer is None or layer.content_digest != known.digest:
            return None
        return PushItem(request, _state(found.manifest), found.manifest, layer, previous=found.digest)

    def _packed(
        self, request: PushRequest, found: _Found | None, registry: Registry, compressor: Compressor
    ) -> PushItem:
        """The tree as an artifact of our own, or what is there where that turns out to be the same."""
        item = self._made(request, compressor)
        item.previous = found.digest if found else None
        there = request.form.layer_of(found.manifest) if found and found.manifest else None
        same = _same(registry, item, found.manifest, there) if found and found.manifest and there else None
        if found and found.manifest and there and same:
            item.layer = replace(item.layer, descriptor=there)
            item.manifest, item.state, item.learned = found.manifest, _state(found.manifest), same
        elif request.reference.tag is None and registry.look(request.reference.repository, item.manifest.digest):
            item.state = "unchanged"
        return item

    def _made(self, request: PushRequest, compressor: Compressor) -> PushItem:
        """The tree as an artifact of our own."""
        layer, packed = self._pack(request.form, compressor)
        made = request.form.manifest(layer, request.created)
        ours = Contents(layer.content_digest, layer.content_digest)
        return PushItem(request, "pushed", made, layer, request.form.blobs(), packed=packed, learned=ours)

    def _pack(self, form: Form, compressor: Compressor) -> tuple[Layer, str | None]:
        if self._workdir is None:
            return form.pack(compressor, lambda piece: self._progress.transfer(len(piece))), None
        with contextlib.ExitStack() as undo:
            handle, path = tempfile.mkstemp(prefix="layer-", dir=self._workdir)
            undo.callback(os.unlink, path)
            with os.fdopen(handle, "wb") as target:

                def write(piece: bytes) -> None:
                    target.write(piece)
                    self._progress.transfer(len(piece))

                layer = form.pack(compressor, write)
            undo.pop_all()
        return layer, path

    @staticmethod
    def _discard(item: PushItem) -> None:
        if item.packed:
            os.unlink(item.packed)
            item.packed = None

    def _apply_item(self, item: PushItem) -> PushItem:
        if item.state == "pushed" and item.packed:
            reference, path = item.request.reference, item.packed
            registry = self._registries.get(reference.host)
            layer = item.layer.descriptor
            # Where nothing was found the layer is hardly there: to ask costs more than to send a small one in vain.
            new = item.previous is None and layer.size <= _SMALL
            count = self._progress.transfer
            upload_blob(registry, reference.repository, layer, lambda: _open(path), count, new=new)
            for blob, content in item.blobs:
                upload_blob(registry, reference.repository, blob, functools.partial(io.BytesIO, content))
            pointer = reference.tag or item.manifest.digest
            registry.put_manifest(reference.repository, pointer, item.manifest.raw, item.manifest.media_type)
        return item

    def _outcome(self, done: Plan, verb: str) -> Outcome:
        names = [str(request.reference) for request in self._requests]
        refusal = self._ledger.refusal
        artifacts: list[dict[str, t.Any]] = []
        before: list[str] = []
        after: list[str] = []
        actions: list[str] = []
        for name, item in zip(names, done, strict=True):
            if isinstance(item, GitopsError):
                artifacts.append({"reference": name, "state": "failed", "failure": item.as_failure()})
                continue
            artifacts.append(item.describe())
            if item.state == "pushed":
                before.append(f"{name}: {item.previous or 'absent'}\n{item.names[0]}")
                after.append(f"{name}: {item.manifest.digest}\n{item.names[1]}")
                actions.append(f"{verb} {name} as {item.manifest.digest}")
        values: dict[str, t.Any] = {"artifacts": artifacts}
        if len(artifacts) == 1:
            values["artifact"] = artifacts[0]
        return Outcome(
            changed=bool(actions),
            values=values,
            actions=actions,
            diff={"before": "".join(before), "after": "".join(after)},
            failure=batch.failure(names, done),
            warnings=[*_warnings(done), *([f"cache_dir: {refusal}, and is not used"] if refusal else [])],
        )


def _open(path: str) -> t.BinaryIO:
    return open(path, "rb")


@dataclass(frozen=True)
class _Found:
    digest: str
    manifest: Manifest | None


def _found(registry: Registry, reference: Reference) -> _Found | None:
    """What the registry has there now; `manifest` is None when it is something that can never be ours."""
    answer = registry.look(reference.repository, reference.pointer)
    if answer is None:
        return None
    return _Found(of_bytes(answer[0]), difference.parsed(answer[0], str(reference)))


def _names(registry: Registry, request: PushRequest, found: _Found | None, size: int) -> tuple[str, str]:
    """What a diff says of files; nothing where what is there cannot be read."""
    there: file_lists.Digests | None = None
    layer = request.form.layer_of(found.manifest) if found and found.manifest else None
    if layer:
        there = file_lists.names_there(registry, request.reference.repository, layer, size)
    if found and there is None:
        return "", ""
    return file_lists.as_lines(there or {}, request.form.names())


def _warnings(done: Plan) -> t.Iterator[str]:
    for item in done:
        if isinstance(item, PushItem):
            yield from (f"{item.request.reference}: {text}" for text in item.warnings)


def _state(found: Manifest) -> t.Literal["unchanged", "adopted"]:
    return "unchanged" if CONTENT in found.annotations else "adopted"


def _same(registry: Registry, item: PushItem, found: Manifest, layer: Descriptor) -> Contents | None:
    """What the layer of `found` holds, if that and all else is the same: by its digest, else by its content.

    The recorded content digest can only rule out: that it matches is proven by reading the layer, since anybody who
    may push can claim it, and what is unchanged here will be signed.
    """
    form = item.request.form
    if not form.may_be(found):
        return None
    held, ours = item.learned, item.layer.descriptor
    if layer.digest == ours.digest and layer.size != ours.size:
        return None
    if layer.digest != ours.digest:
        held = _contents(registry, item, found, layer)
        if held is None or held.digest != item.layer.content_digest:
            return None
    return held if form.refusal(found, held.diff_id if held else None) is None else None


def _contents(registry: Registry, item: PushItem, found: Manifest, layer: Descriptor) -> Contents | None:
    """What the layer of `found` really holds; None where that cannot be what we have packed."""
    if found.annotations.get(CONTENT, item.layer.content_digest) != item.layer.content_digest:
        return None
    largest = 2 * item.layer.descriptor.size + _SMALL
    if layer.size > largest:  # no compressor makes that of the same files
        return None
    request = item.request
    try:
        return request.form.contents(registry.stream_blob(request.reference.repository, layer, largest), item.layer)
    except UnsafeArchive:
        return None
