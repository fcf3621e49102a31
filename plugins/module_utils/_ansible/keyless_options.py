# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of keyless signing; plugins/doc_fragments/_keyless.py documents them."""

from __future__ import annotations

import datetime
import functools
import os
import typing as t

from .._cosign import signing_config
from .._shared import requirements
from .._shared.errors import InvalidOption
from .._tasks.signing.key_reading import read_key_file
from .argspec import ArgumentSpec, Params, Register, variable
from .trusted_root_options import PUBLIC_GOOD, document, root

if t.TYPE_CHECKING:  # pragma: no cover
    from .._http.settings import HttpSettings
    from .._sigstore.signer import KeylessSigner, Services
    from .._sigstore.token import IdentityToken


_TOKEN, _TOKEN_PATH = "oidc_identity_token", "oidc_identity_token_path"
_VARIABLE = "SIGSTORE_ID_TOKEN"

KEYLESS = ArgumentSpec(
    options={
        "keyless": {"type": "bool"},
        _TOKEN: variable("str", _VARIABLE, no_log=True),
        _TOKEN_PATH: {"type": "path", "no_log": False},
        "trusted_root": {"type": "raw", "default": PUBLIC_GOOD},
        "signing_config": {"type": "raw", "default": PUBLIC_GOOD},
    },
    mutually_exclusive=((_TOKEN, _TOKEN_PATH),),
)


def wanted(params: Params, keys: t.Collection[str]) -> bool:
    """Whether to sign keyless. `keys` are the options that name a private key; one that was given decides."""
    given = [name for name in keys if params[name]]
    if params["keyless"] is not None:
        return bool(params["keyless"])
    token = params[_TOKEN_PATH] or (params[_TOKEN] and params[_TOKEN] != os.environ.get(_VARIABLE))
    if token and given:
        raise InvalidOption(_TOKEN, f"{given[0]} is given as well; sign with a key or keyless")
    return bool(token or (params[_TOKEN] and not given))


def signer(params: Params, settings: HttpSettings, register: Register) -> KeylessSigner:
    """The signer. Nobody is asked for anything yet."""
    requirements.need("sigstore")
    from .._sigstore.signer import KeylessSigner

    now = datetime.datetime.now(datetime.UTC)
    config = signing_config.parse(document(params["signing_config"], "signing_config"), "signing_config", now)
    services = _services(config, settings, register)
    return KeylessSigner(services, functools.partial(_token, params, register), root(params))


def _services(config: signing_config.SigningConfig, settings: HttpSettings, register: Register) -> Services:
    from .._sigstore.service import Service
    from .._sigstore.signer import Services

    if config.fulcio is None:
        raise InvalidOption("signing_config", "no Fulcio in it is valid today")
    if not config.logs:
        raise InvalidOption("signing_config", "no transparency log in it is valid today")
    return Services(
        Service("Fulcio", config.fulcio.url, settings, register),
        tuple((Service("Rekor", log.url, settings, register), log.version) for log in config.logs),
        tuple(Service("time stamp authority", one.url, settings, register) for one in config.timestamps),
    )


def _token(params: Params, register: Register) -> IdentityToken:
    from .._sigstore.errors import NoToken
    from .._sigstore.token import parse

    now = datetime.datetime.now(datetime.UTC)
    if params[_TOKEN_PATH]:
        raw = read_key_file(params[_TOKEN_PATH], _TOKEN_PATH).decode("utf-8", "replace").strip()
        register(raw)
        return parse(raw, f"{_TOKEN_PATH}: {params[_TOKEN_PATH]}", now)
    if params[_TOKEN]:
        return parse(params[_TOKEN], _TOKEN, now)
    raise NoToken(f"{_TOKEN}: none is given")
