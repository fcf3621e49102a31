# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of cosign_sign, and what they mean: which key, which digests, and in which format each."""

from __future__ import annotations

import typing as t

from .._flux.version import NEWEST
from .._shared.errors import InvalidOption
from .._shared.scrub import keep_to_ourselves
from .._tasks._case import QUIET
from .._tasks.signing.formats import AUTO, BOTH, FORMATS, before, visible
from .._tasks.signing.later import sign_later
from .._tasks.signing.sign import Sign, SignRequest
from .argspec import ArgumentSpec, Params, Register
from .flux_version import FLUX_VERSION, flux_version
from .references import ANNOTATIONS, REFERENCES, annotation_map, digest_references
from .signer_options import SIGNER, MissingSigner, who_signs

if t.TYPE_CHECKING:  # pragma: no cover
    from .._flux.version import FluxVersion
    from .._oci.reference import Reference
    from .._registry.client import Registries
    from .._tasks._case import Progress, UseCase

SIGN = REFERENCES.merge(
    SIGNER,
    ArgumentSpec(
        options={
            "annotations": ANNOTATIONS,
            "format": {"type": "str", "choices": [*FORMATS, BOTH, AUTO], "default": next(iter(FORMATS))},
            "flux_version": FLUX_VERSION,
        }
    ),
)


def sign(
    params: Params,
    registries: Registries,
    progress: Progress = QUIET,
    *,
    check_mode: bool = False,
    register: Register = keep_to_ourselves,
) -> UseCase[t.Any]:
    """The use-case, with the key decrypted; options are checked in the order that costs least."""
    version = flux_version(params) or NEWEST
    wanted = digest_references(params)
    said = annotation_map("annotations", params["annotations"])
    requests = [_request(params["format"], item, version, registries) for item in wanted]
    formats = {name for request in requests for name in request.formats}
    try:
        who = who_signs(params, register, formats, check_mode=check_mode)
    except MissingSigner as error:
        return sign_later(requests, error.reason)
    return Sign(requests, registries, who.signer, said, progress, named=who.named, concurrency=params["concurrency"])


def _request(wanted: str, reference: Reference, version: FluxVersion, registries: Registries) -> SignRequest:
    """In which formats, and which others this Flux asks for first."""
    plain_http = registries.get(reference.host).plain_http
    seen = [form.name for form in visible(version, reference.host, plain_http=plain_http)]
    formats = {AUTO: tuple(seen[:1]), BOTH: tuple(FORMATS)}.get(wanted, (wanted,))
    if not set(formats) & set(seen):
        others = ", ".join([*seen, BOTH])
        raise InvalidOption("format", f"Flux {version} does not find a {wanted} there; use {others} or {AUTO}")
    hiding = tuple(form.name for form in before(formats, version, reference.host, plain_http=plain_http))
    return SignRequest(reference, formats, hiding)
