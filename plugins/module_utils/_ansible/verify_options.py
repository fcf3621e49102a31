# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of cosign_verify, and what they mean."""

from __future__ import annotations

import typing as t

from .._cosign.policy import AnyOf, AtLeast, Keys
from .._flux.version import TRUSTED_ROOT
from .._shared.errors import InvalidOption
from .._shared.scrub import keep_to_ourselves
from .._tasks.signing.verify import Policy
from .argspec import ArgumentSpec, Params, Register
from .flux_version import FLUX_VERSION, flux_version
from .identity_options import IDENTITIES, identities, logged
from .predicate_options import OF_TIME, PREDICATE, age, asked
from .public_key_options import public_keys, public_keys_option
from .references import ANNOTATIONS, REFERENCES, annotation_map
from .trusted_root_options import PUBLIC_GOOD

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.keys import PublicKey
    from .._cosign.policy import Trust
    from .._flux.version import FluxVersion

VERIFY = REFERENCES.merge(
    IDENTITIES,
    PREDICATE,
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
    keys = [given.public for given in public_keys(params, register)]
    trust = _trust(keys, params)
    version = flux_version(params)
    if version is not None:
        _check_flux(params, version, trust)
    for number, key in enumerate(keys):
        if version is not None and not key.flux_verifiable:
            raise InvalidOption(f"public_keys[{number}]", key.flux_reason)
    said = annotation_map("annotations", params["annotations"])
    return Policy(AtLeast(params["threshold"], trust), said, version, age(params), asked(params))


def _check_flux(params: Params, version: FluxVersion, trust: Trust) -> None:
    """What that Flux cannot be asked for."""
    if isinstance(trust, AnyOf):
        raise InvalidOption(
            "flux_version", "Flux asks for keys or for identities, and never for both: give one of them"
        )
    custom = params["trusted_root"] != PUBLIC_GOOD
    if custom and not params["public_keys"] and version < TRUSTED_ROOT:
        said = f"Flux before {TRUSTED_ROOT.release} verifies with the public-good root alone"
        raise InvalidOption("trusted_root", said)


def _trust(keys: list[PublicKey], params: Params) -> Trust:
    """Keys and identities, any of which will do. A threshold counts both, and asks for no more than there can be."""
    named = identities(params)
    if named is not None:
        named.timed = any(params[option] is not None for option in OF_TIME)
    trusts: list[Trust] = [logged(Keys(keys), params)] if keys else []
    trusts += [named] if named else []
    if not trusts:
        raise InvalidOption("public_keys", "whom to trust is missing: give public keys, or an identity with its issuer")
    most = (len(Keys(keys)) if keys else 0) + (named.most if named else 0)
    if not 1 <= params["threshold"] <= most:
        what = "different keys" if named is None else "different keys and identities"
        raise InvalidOption("threshold", f"it must be between 1 and {most:g}, the number of {what}")
    return trusts[0] if len(trusts) == 1 else AnyOf(trusts)
