# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provenance file says: the name and version of a chart, and the SHA-256 of its archive.

Source: helm v4.3.1 pkg/provenance/sign.go; RFC 9580, "Cleartext Signature Framework".
"""

from __future__ import annotations

import re
import typing as t

from .._shared import strict_yaml
from .errors import InvalidChart
from .metadata import MAX_LENGTH as _METADATA

if t.TYPE_CHECKING:  # pragma: no cover
    from .metadata import Metadata

MAX_LENGTH = _METADATA + (64 << 10)
_SIGNED = re.compile(
    rb"-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:Hash: [^\r\n]*\r?\n)*\r?\n(.*?)\r?\n-----BEGIN PGP SIGNATURE-----\r?\n"
    rb"[^-]*-----END PGP SIGNATURE-----\s*\Z",
    re.DOTALL,
)
_PARTS = re.compile(rb"^\.\.\.[ \t]*\r?$\n", re.MULTILINE)


def signed_text(data: bytes, what: str) -> bytes:
    """The text that is signed, whoever signed it; InvalidChart where `data` is not one clear-signed message."""
    match = _SIGNED.match(data) if len(data) <= MAX_LENGTH else None
    if match is None:
        raise InvalidChart(f"{what}: not a provenance file, which is one text with an OpenPGP signature")
    return re.sub(rb"(?m)^- ", b"", match.group(1)) + b"\n"


def check(text: bytes, metadata: Metadata, digest: str, what: str) -> None:
    """InvalidChart unless the signed text is about this chart, and about the archive of that digest alone."""
    parts = _PARTS.split(text, maxsplit=1)
    try:
        about, sums = (strict_yaml.load_map(part, what, MAX_LENGTH) for part in (*parts, b"")[:2])
    except strict_yaml.MalformedYaml as error:
        raise InvalidChart(error.message) from None
    said = (about.get("name"), str(about.get("version")))
    if said != (metadata.name, metadata.version):
        raise InvalidChart(f"{what}: it is about {str(said[0])[:100]} {said[1][:100]}, another chart than this")
    listed = sums.get("files")
    name = f"{metadata.name}-{metadata.version}.tgz"
    if listed != {name: digest}:
        other = str(listed.get(name))[:100] if isinstance(listed, dict) else "nothing"
        raise InvalidChart(f"{what}: for {name} it says {other}, and the archive is {digest}")
