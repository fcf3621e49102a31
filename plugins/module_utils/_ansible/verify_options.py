# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of cosign_verify, and what they mean."""

from __future__ import annotations

from .._cosign.policy import AtLeast, Keys
from .._shared.errors import InvalidOption
from .._tasks.signing.verify import Policy
from .argspec import ArgumentSpec, Params
from .flux_version import FLUX_VERSION, flux_version
from .predicate_options import PREDICATE, age, asked
from .public_key_options import public_keys, public_keys_option
from .references import ANNOTATIONS, REFERENCES, annotation_map

VERIFY = REFERENCES.merge(
    PREDICATE,
    ArgumentSpec(
        options={
            "public_keys": {**public_keys_option(), "required": True},
            "threshold": {"type": "int", "default": 1},
            "annotations": ANNOTATIONS,
            "flux_version": FLUX_VERSION,
            "report_only": {"type": "bool", "default": False},
        }
    ),
)


def policy(params: Params) -> Policy:
    """What must hold. A key that Flux cannot verify with is refused when the answer is to be Flux's."""
    keys = public_keys(params)
    trust = Keys(keys)
    if not 1 <= params["threshold"] <= len(trust):
        raise InvalidOption("threshold", f"it must be between 1 and {len(trust)}, the number of different keys")
    version = flux_version(params)
    for number, key in enumerate(keys):
        if version is not None and not key.flux_verifiable:
            raise InvalidOption(f"public_keys[{number}]", key.flux_reason)
    said = annotation_map("annotations", params["annotations"])
    return Policy(AtLeast(params["threshold"], trust), said, version, age(params), asked(params))
