# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of cosign_verify to a policy."""

from __future__ import annotations

import typing as t

from .._cosign.policy import AnyOf, AtLeast, Keys
from .._flux.version import FluxVersion
from .._shared.errors import InvalidOption
from .._tasks.signing.verify import Policy
from .identity_options import identities
from .public_key_options import public_key
from .references import Params, annotation_map

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.keys import PublicKey
    from .._cosign.policy import Trust


def policy(params: Params) -> Policy:
    """What must hold. A key that Flux cannot verify with is refused when the answer is to be Flux's."""
    keys = [public_key(item, f"public_keys[{number}]") for number, item in enumerate(params["public_keys"] or [])]
    trust = _trust(keys, params)
    version = FluxVersion.parse(params["flux_version"]) if params["flux_version"] else None
    for number, key in enumerate(keys):
        if version is not None and not key.flux_verifiable:
            raise InvalidOption(f"public_keys[{number}]", key.flux_reason)
    said = annotation_map("annotations", params["annotations"])
    return Policy(AtLeast(params["threshold"], trust), said, version)


def _trust(keys: list[PublicKey], params: Params) -> Trust:
    """Keys and identities, any of which will do, but for a threshold that asks for more of them than there can be."""
    named = identities(params)
    trusts: list[Trust] = [Keys(keys)] if keys else []
    trusts += [named] if named else []
    if not trusts:
        raise InvalidOption("public_keys", "whom to trust is missing: give public keys, or an identity with its issuer")
    if params["threshold"] < 1:
        raise InvalidOption("threshold", "it is at least 1")
    most = len(Keys(keys)) if keys else 0
    if named is None and params["threshold"] > most:
        raise InvalidOption("threshold", f"it must be between 1 and {most}, the number of different keys")
    return trusts[0] if len(trusts) == 1 else AnyOf(trusts)
