# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs, among a module's options: a private key, a key in a store, or an identity, as one family."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._kms.errors import NoSuchKey
from .._shared.errors import GitopsError, InvalidOption
from . import keyless_options
from .key_options import KEYS, PRIVATE_KEY, missing_key, signer
from .registry_options import services

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.signatory import Named
    from .._cosign.signer import Signer
    from .argspec import Params, Register

SIGNER = PRIVATE_KEY.merge(keyless_options.KEYLESS)


@dataclass(frozen=True)
class WhoSigns:
    """The signer of a task, and what says by which name its signatures are known."""

    signer: Signer
    named: Named


class MissingSigner(Exception):
    """In check mode: a key that is not there, which an earlier task of the play may be the one to make."""

    def __init__(self, reason: GitopsError) -> None:
        super().__init__(reason.message)
        self.reason = reason


def who_signs(params: Params, register: Register, formats: t.Collection[str], *, check_mode: bool) -> WhoSigns:
    """By SIGNER's options; the key is decrypted, and nobody is asked for a certificate yet.

    `formats` are those that are to be written. InvalidOption and the errors of keys, key stores and tokens, before
    anything is sent to a registry; MissingSigner in check mode alone.
    """
    if keyless_options.wanted(params, KEYS):
        keyless = keyless_options.signer(params, services(params), register)
        keyless.check_format(formats)
        return WhoSigns(keyless, keyless)
    if not any(params[name] for name in KEYS):
        raise InvalidOption(
            KEYS[1],
            "who signs is missing: give a private key, an identity token, or keyless for the identity of a CI job",
        )
    key, named = _key(params, register, check_mode=check_mode)
    if not params["transparency_log"]:
        return WhoSigns(key, named)
    logged = keyless_options.logged(key, named, params, services(params), register)
    logged.check_format(formats)
    return WhoSigns(logged, logged)


def _key(params: Params, register: Register, *, check_mode: bool) -> tuple[Signer, Named]:
    missing = missing_key(params) if check_mode else None
    if missing is not None:
        raise MissingSigner(missing)
    try:
        return signer(params, register)
    except NoSuchKey as error:
        if check_mode:
            raise MissingSigner(error) from None
        raise
