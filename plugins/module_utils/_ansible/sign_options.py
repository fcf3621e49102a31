# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of cosign_sign to its use-case: which key, which digests, and in which format each."""

from __future__ import annotations

import typing as t

from .._flux.version import NEWEST, FluxVersion, reads_bundles, reads_bundles_over_plain_http
from .._shared.addresses import is_loopback
from .._shared.errors import InvalidOption
from .._tasks._case import QUIET
from .._tasks.signing.sign import Sign, SignRequest
from .key_options import signing_key
from .references import Params, annotation_map, digest_references

if t.TYPE_CHECKING:  # pragma: no cover
    from .._oci.reference import Reference
    from .._registry.client import Registries
    from .._tasks._case import Progress
    from .._tasks.signing.signatures import Format


def sign(params: Params, registries: Registries, progress: Progress = QUIET) -> Sign:
    """The use-case, with the key decrypted; options are checked in the order that costs least."""
    version = FluxVersion.parse(params["flux_version"]) if params["flux_version"] else NEWEST
    wanted = digest_references(params)
    said = annotation_map("annotations", params["annotations"])
    requests = [
        SignRequest(item, _formats(params["format"], version, _finds_bundles(item, version, registries)))
        for item in wanted
    ]
    return Sign(
        requests,
        registries,
        signing_key(params),
        said,
        progress,
        created=None,
        flux_reads_bundles=reads_bundles(version),
        concurrency=params["concurrency"],
    )


def _finds_bundles(reference: Reference, version: FluxVersion, registries: Registries) -> bool:
    """Whether this Flux finds a bundle in the registry of `reference` (source-controller #2061)."""
    if registries.get(reference.host).plain_http and not is_loopback(reference.host):
        return reads_bundles_over_plain_http(version)
    return reads_bundles(version)


def _formats(wanted: str, version: FluxVersion, finds_bundles: bool) -> tuple[Format, ...]:
    if wanted == "auto":
        return ("bundle",) if finds_bundles else ("legacy",)
    if wanted == "both":
        return ("bundle", "legacy")
    if wanted == "bundle" and not finds_bundles:
        raise InvalidOption("format", f"Flux {version} does not find a bundle there; use legacy, both or auto")
    return ("bundle",) if wanted == "bundle" else ("legacy",)
