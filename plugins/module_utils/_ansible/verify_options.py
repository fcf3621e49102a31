# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of cosign_verify, and what they mean."""

from __future__ import annotations

import typing as t

from .._cosign.policy import AnyOf, AtLeast, Keys
from .._shared.errors import InvalidOption
from .._shared.scrub import keep_to_ourselves
from .._tasks.signing.verify import Policy
from .argspec import ArgumentSpec, Params, Register
from .flux_version import FLUX_VERSION, flux_version
from .identity_options import IDENTITIES, identities
from .public_key_options import public_keys, public_keys_option
from .references import ANNOTATIONS, REFERENCES, annotation_map

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.keys import PublicKey
    from .._cosign.policy import Trust

VERIFY = REFERENCES.merge(
    IDENTITIES,
    public_keys_option(),
    ArgumentSpec(
        options={
            "threshold": {"type": "int", "default": 1},
            "annotations": ANNOTATIONS,
            "flux_version": FLUX_VERSION,
            "report_only": {"type": "bool", "default": False},
        }
    ),
)


def policy(params: Params, register: Register = keep_to_ourselves) -> Policy:
    """What must hold. A key that Flux cannot verify with is refused when the answer is to be Flux's."""
    keys = [given.public for given in public_keys(params, register)] if params["public_keys"] else []
    trust = _trust(keys, params)
    version = flux_version(params)
    for number, key in enumerate(keys):
        if version is not None and not key.flux_verifiable:
            raise InvalidOption(f"public_keys[{number}]", key.flux_reason)
    said = annotation_map("annotations", params["annotations"])
    return Policy(AtLeast(params["threshold"], trust), said, version)


def _trust(keys: list[PublicKey], params: Params) -> Trust:
    """Keys and identities, any of which will do. A threshold counts both, and asks for no more than there can be."""
    named = identities(params)
    trusts: list[Trust] = [Keys(keys)] if keys else []
    trusts += [named] if named else []
    if not trusts:
        raise InvalidOption("public_keys", "whom to trust is missing: give public keys, or an identity with its issuer")
    most = (len(Keys(keys)) if keys else 0) + (named.most if named else 0)
    if not 1 <= params["threshold"] <= most:
        what = "different keys" if named is None else "different keys and identities"
        raise InvalidOption("threshold", f"it must be between 1 and {most:g}, the number of {what}")
    return trusts[0] if len(trusts) == 1 else AnyOf(trusts)
