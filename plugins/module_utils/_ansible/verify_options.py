# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of cosign_verify to a policy."""

from __future__ import annotations

import os

from .._cosign.keys import PublicKey
from .._cosign.pem import UnreadableKey
from .._flux.version import FluxVersion
from .._shared.errors import InvalidOption
from .._tasks.signing.key_reading import read_key_file
from .._tasks.signing.verify import Policy
from .references import Params, annotation_map


def policy(params: Params) -> Policy:
    """What must hold. A key that Flux cannot verify with is refused when the answer is to be Flux's."""
    keys = tuple(_public_key(number, item) for number, item in enumerate(params["public_keys"]))
    distinct = {key.fingerprint for key in keys}
    if not 1 <= params["threshold"] <= len(distinct):
        raise InvalidOption("threshold", f"it must be between 1 and {len(distinct)}, the number of different keys")
    version = FluxVersion.parse(params["flux_version"]) if params["flux_version"] else None
    for number, key in enumerate(keys):
        if version is not None and not key.flux_verifiable:
            raise InvalidOption(f"public_keys[{number}]", key.flux_reason)
    return Policy(keys, params["threshold"], annotation_map("annotations", params["annotations"]), version)


def _public_key(number: int, item: Params) -> PublicKey:
    where = f"public_keys[{number}]"
    if item["content"] is not None:
        pem = item["content"].encode()
    else:
        path = os.path.expanduser(item["path"])
        pem = read_key_file(path, where)
        where = f"{where} ({path})"
    try:
        return PublicKey.load(pem, where)
    except UnreadableKey as error:
        raise InvalidOption("public_keys", error.message) from None
