# SPDX-License-Identifier: GPL-3.0-or-later
"""A trusted root: the certificate authorities, logs and time stamp authorities whose word a verifier takes. Pure.

Here it is only looked at for what it is; whoever verifies reads all of it (keyless_proof.py, Flux).
Source: sigstore/protobuf-specs, protos/sigstore_trustroot.proto, TrustedRoot.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._shared import shapes, strict_json
from .._shared.errors import InvalidOption

MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot"  # and a version, in one of two spellings
KEY = "trusted_root.json"  # what cosign and TUF call the file, and Flux the key of its Secret
MAX_SIZE = 1 << 20  # bytes; public-good's has 7 KiB


@dataclass(frozen=True)
class TrustedRoot:
    """A root as it was given: `raw` are its bytes, `logs` the addresses of its logs (empty for one without)."""

    raw: bytes = field(repr=False)
    logs: tuple[str, ...]
    authorities: int
    timestamp_authorities: int

    @property
    def flux_reason(self) -> str:
        """Why Flux does not verify with it, as half a sentence; empty where it does.

        Source: source-controller, internal/oci/cosign/cosign.go: it wants a log with a baseUrl.
        """
        return "" if any(self.logs) else "Flux wants a transparency log with a baseUrl in it, and there is none"


def parse(raw: bytes, option: str) -> TrustedRoot:
    """InvalidOption names what is there instead of a trusted root that somebody can verify with."""
    if len(raw) > MAX_SIZE:
        raise InvalidOption(option, f"more than {MAX_SIZE} bytes, which no trusted root has")
    try:
        value = strict_json.load_object(raw, "the trusted root")
    except strict_json.MalformedJson as error:
        raise InvalidOption(option, error.message) from None
    _check_type(value, option)
    logs = shapes.mappings(value.get("tlogs"))
    authorities = [one for one in shapes.mappings(value.get("certificateAuthorities")) if _certificates(one)]
    if not authorities:
        raise InvalidOption(option, "not a trusted root: no certificate authority is in it")
    if not logs:
        raise InvalidOption(option, "a trusted root without a transparency log, with which nothing is verified")
    stamps = [one for one in shapes.mappings(value.get("timestampAuthorities")) if _certificates(one)]
    return TrustedRoot(raw, tuple(shapes.text(log.get("baseUrl")) for log in logs), len(authorities), len(stamps))


def _check_type(value: t.Mapping[str, t.Any], option: str) -> None:
    found = shapes.text(value.get("mediaType"))
    if found.startswith(MEDIA_TYPE):
        return
    if "signingconfig" in found:
        raise InvalidOption(option, "a signing config, where the trusted root is expected")
    if "signed" in value and "signatures" in value:
        raise InvalidOption(option, "metadata of a TUF repository, where the trusted root (a target of it) is expected")
    raise InvalidOption(option, f"not a trusted root: its mediaType is {found[:100]!r}")


def _certificates(authority: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    return shapes.mappings(shapes.at(authority, "certChain", "certificates"))
