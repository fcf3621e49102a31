# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of cosign_attest, and what they mean: who says what of which digests."""

from __future__ import annotations

import datetime
import os
import typing as t

from .._cosign import predicates
from .._cosign.bundle import SIGN_PREDICATE
from .._shared.errors import InvalidOption
from .._shared.scrub import keep_to_ourselves
from .._tasks._case import QUIET
from .._tasks.signing.attest import Attest, AttestRequest
from .._tasks.signing.bundle_format import BundleFormat
from .._tasks.signing.key_reading import read_if_present
from .._tasks.signing.later import attest_later
from .argspec import ArgumentSpec, Params, Register
from .references import REFERENCES, digest_references
from .signer_options import SIGNER, MissingSigner, who_signs

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.predicates import Kind, Predicate
    from .._registry.client import Registries
    from .._tasks._case import Progress, UseCase

_STATEMENT: t.Final[dict[str, t.Any]] = {
    "predicate_type": {"type": "str"},
    "predicate": {"type": "dict"},
    "predicate_path": {"type": "path"},
}
ATTEST = ArgumentSpec(
    options={
        **REFERENCES.options,
        **_STATEMENT,
        "attestations": {
            "type": "list",
            "elements": "dict",
            "options": {
                "reference": {"type": "str", "required": True},
                **_STATEMENT,
                "predicate_type": {"type": "str", "required": True},
            },
            "required_one_of": [("predicate", "predicate_path")],
            "mutually_exclusive": [("predicate", "predicate_path")],
        },
    },
    required_one_of=(("reference", "references", "attestations"),),
    mutually_exclusive=(
        ("reference", "references", "attestations"),
        ("predicate", "predicate_path"),
        *(("attestations", name) for name in _STATEMENT),
    ),
).merge(SIGNER)


def attest(
    params: Params,
    registries: Registries,
    progress: Progress = QUIET,
    *,
    check_mode: bool = False,
    register: Register = keep_to_ourselves,
) -> UseCase[t.Any]:
    """The use-case, with the key decrypted; options are checked in the order that costs least."""
    requests = _requests(params)
    try:
        who = who_signs(params, register, (BundleFormat.name,), check_mode=check_mode)
    except MissingSigner as error:
        return attest_later(requests, error.reason)
    return Attest(requests, registries, who.signer, progress, named=who.named, concurrency=params["concurrency"])


def _requests(params: Params) -> list[AttestRequest]:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if params["attestations"]:
        found = []
        for number, item in enumerate(params["attestations"]):
            where = f"attestations[{number}]."
            [reference] = digest_references({"reference": item["reference"]}, where)
            found.append(AttestRequest(reference, *_said(item, where, now)))
        return found
    if params["predicate_type"] is None:
        raise InvalidOption("predicate_type", "it is missing: say what kind of statement it is")
    if params["predicate"] is None and params["predicate_path"] is None:
        raise InvalidOption("predicate", "one of it and predicate_path must be given")
    wanted = digest_references(params)
    kind, predicate = _said(params, "", now)
    return [AttestRequest(reference, kind, predicate) for reference in wanted]


def _said(item: Params, where: str, now: str) -> tuple[Kind, Predicate]:
    kind = predicates.kind_of(item["predicate_type"], f"{where}predicate_type")
    if kind.uri == SIGN_PREDICATE:
        raise InvalidOption(f"{where}predicate_type", "that is a signature, which cosign_sign makes")
    if item["predicate"] is not None:
        return kind, predicates.from_data(kind, item["predicate"], f"{where}predicate", now)
    option, path = f"{where}predicate_path", os.path.expanduser(item["predicate_path"])
    content = read_if_present(path, option, predicates.MAX_PREDICATE, "predicate")
    if content is None:
        raise InvalidOption(option, f"{path} does not exist", path=path)
    return kind, predicates.from_text(kind, content, option, now)
