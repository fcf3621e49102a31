# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secret with a private Sigstore's trusted root, for `spec.verify.trustedRootSecretRef`.

Source: source-controller, docs/spec/v1/ocirepositories.md, "Trusted root secret reference".
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from ..._cosign import trusted_root
from ..._shared import shapes, strict_json

if t.TYPE_CHECKING:  # pragma: no cover
    from .secret_data import Data


@dataclass(frozen=True)
class TrustedRootFile:
    """A trusted root under the name that Flux looks for."""

    type: t.ClassVar[str] = "Opaque"
    root: trusted_root.TrustedRoot

    @property
    def data(self) -> Data:
        return {trusted_root.KEY: self.root.raw}

    def equal(self, name: str, value: bytes) -> bool:
        del name
        return bool(_read(value) == _read(self.root.raw))

    def shown(self, name: str, value: bytes) -> str:
        """Nothing of it is secret, but it is long: what it is for, and its digest."""
        if name != trusted_root.KEY:
            return "(hidden)"
        logs = [shapes.text(log.get("baseUrl")) for log in shapes.mappings(shapes.mapping(_read(value)).get("tlogs"))]
        return f"trusted root of {', '.join(logs) or 'no log'}, sha256:{hashlib.sha256(value).hexdigest()}"


def _read(value: bytes) -> t.Any:
    try:
        return strict_json.load_object(value, "Secret")
    except strict_json.MalformedJson:
        return value
