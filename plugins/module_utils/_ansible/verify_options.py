# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of cosign_verify to a policy."""

from __future__ import annotations

from .._cosign.policy import AtLeast, Keys
from .._flux.version import FluxVersion
from .._shared.errors import InvalidOption
from .._tasks.signing.verify import Policy
from .predicate_options import age, asked
from .public_key_options import public_key
from .references import Params, annotation_map


def policy(params: Params) -> Policy:
    """What must hold. A key that Flux cannot verify with is refused when the answer is to be Flux's."""
    keys = [public_key(item, f"public_keys[{number}]") for number, item in enumerate(params["public_keys"])]
    trust = Keys(keys)
    if not 1 <= params["threshold"] <= len(trust):
        raise InvalidOption("threshold", f"it must be between 1 and {len(trust)}, the number of different keys")
    version = FluxVersion.parse(params["flux_version"]) if params["flux_version"] else None
    for number, key in enumerate(keys):
        if version is not None and not key.flux_verifiable:
            raise InvalidOption(f"public_keys[{number}]", key.flux_reason)
    said = annotation_map("annotations", params["annotations"])
    return Policy(AtLeast(params["threshold"], trust), said, version, age(params), asked(params))
