# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of cosign_verify to a policy."""

from __future__ import annotations

import typing as t

from .._cosign.policy import AtLeast, Keys
from .._flux.version import FluxVersion
from .._shared.errors import InvalidOption
from .._shared.scrub import keep_to_ourselves
from .._tasks.signing.verify import Policy
from .argspec import ArgumentSpec
from .key_store_options import KEY_STORE, stored_keys
from .public_key_options import ONE_OF, OPTIONS, public_key
from .references import Params, annotation_map

PUBLIC_KEYS = ArgumentSpec(
    options={
        "public_keys": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "no_log": False,
            "options": OPTIONS,
            "required_one_of": [ONE_OF],
            "mutually_exclusive": [ONE_OF],
        }
    }
).merge(KEY_STORE)


def policy(params: Params, register: t.Callable[[str], None] = keep_to_ourselves) -> Policy:
    """What must hold. A key that Flux cannot verify with is refused when the answer is to be Flux's."""
    stored = stored_keys(params, register)
    keys = [public_key(item, f"public_keys[{number}]", stored) for number, item in enumerate(params["public_keys"])]
    trust = Keys(keys)
    if not 1 <= params["threshold"] <= len(trust):
        raise InvalidOption("threshold", f"it must be between 1 and {len(trust)}, the number of different keys")
    version = FluxVersion.parse(params["flux_version"]) if params["flux_version"] else None
    for number, key in enumerate(keys):
        if version is not None and not key.flux_verifiable:
            raise InvalidOption(f"public_keys[{number}]", key.flux_reason)
    said = annotation_map("annotations", params["annotations"])
    return Policy(AtLeast(params["threshold"], trust), said, version)
