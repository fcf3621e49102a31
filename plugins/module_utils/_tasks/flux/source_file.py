# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared source as a file in a git work tree."""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

from ..._flux.declare import manifest_yaml
from ..._flux.declare.manifest_yaml import InvalidYaml
from ..._flux.kinds import KUSTOMIZATION, OCI_REPOSITORY
from ..._shared.errors import InvalidOption
from ..._shared.files import UnwritableFile, write_atomically
from .source import Change, Plan

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._shared.object_id import ObjectId
    from .source import Wanted

Document = dict[str, t.Any]


class FileTarget:
    """One file that holds the declared objects, and nothing else."""

    name = "file"

    def __init__(self, dest: str) -> None:
        self._path = Path(dest)

    def plan(self, wanted: Wanted) -> Plan:
        """Compare with the file. A file with anything else in it is refused: what is there is somebody's."""
        text = self._read()
        documents = [] if text is None else self._parse(text)
        self._check_ours(documents, wanted)
        # The same objects in another spelling (a formatter's, say) are no change.
        same = documents == list(wanted.manifests) if wanted.manifests else text is None
        changes = tuple((key, _change(key, documents, wanted)) for key in wanted.names)
        if same:
            return Plan(changes)
        verb = "remove" if not wanted.manifests else "write" if text is None else "rewrite"
        header = {"before_header": str(self._path), "after_header": str(self._path)}
        return Plan(
            changes,
            changed=True,
            actions=(f"{verb} {self._path}",),
            diff=({"before": text or "", "after": wanted.content, **header},),
            details=wanted.content,
        )

    def apply(self, plan: Plan) -> None:
        """Write the file, or remove it. Raises UnwritableFile."""
        if plan.details:
            write_atomically(str(self._path), [plan.details.encode()], 0o644)
            return
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise UnwritableFile(f"dest: {self._path}: {error.strerror}", path=str(self._path)) from None

    def _read(self) -> str | None:
        try:
            found = os.lstat(self._path)
            if not stat.S_ISREG(found.st_mode):
                raise InvalidOption("dest", f"{self._path} is a directory, a link or a device, not a file")
            if found.st_size > manifest_yaml.MAX_LENGTH:
                raise InvalidOption("dest", f"{self._path} is too large to be a source; it is left as it is")
            return self._path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            if not self._path.parent.is_dir():
                raise InvalidOption("dest", f"the directory {self._path.parent} does not exist") from None
            return None
        except (NotADirectoryError, PermissionError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise InvalidOption("dest", f"{self._path}: {reason}") from None

    def _parse(self, text: str) -> list[Document]:
        try:
            return manifest_yaml.load(text, str(self._path))
        except InvalidYaml as error:
            raise InvalidOption("dest", f"{error.message}; it is left as it is") from None

    def _check_ours(self, documents: list[Document], wanted: Wanted) -> None:
        for document in documents:
            if not _is_ours(document, wanted):
                what = f"{document.get('kind')} {(_dict(document.get('metadata'))).get('name')}"
                raise InvalidOption("dest", f"{self._path} also holds {what[:120]}: give the source a file of its own")


def _dict(value: object) -> Document:
    return value if isinstance(value, dict) else {}


def _is_ours(document: Document, wanted: Wanted) -> bool:
    """Whether a document is the source in any of its versions, or a Kustomization of it."""
    metadata, spec = _dict(document.get("metadata")), _dict(document.get("spec"))
    if OCI_REPOSITORY.describes(document):
        return bool(metadata.get("name") == wanted.source.name)
    if KUSTOMIZATION.describes(document):
        reference = _dict(spec.get("sourceRef"))
        return (reference.get("kind"), reference.get("name")) == (OCI_REPOSITORY.name, wanted.source.name)
    return False


def _change(key: ObjectId, documents: list[Document], wanted: Wanted) -> Change:
    before = next((one for one in documents if _is(one, key)), None)
    after = next((one for one in wanted.manifests if _is(one, key)), None)
    if before == after:
        return "unchanged"
    return "deleted" if after is None else "created" if before is None else "updated"


def _is(document: Document, key: ObjectId) -> bool:
    metadata = _dict(document.get("metadata"))
    found = (document.get("apiVersion"), document.get("kind"), metadata.get("namespace"), metadata.get("name"))
    return found == (key.api_version, key.kind, key.namespace, key.name)
