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
from .trusted_root_options import DOCUMENT, TUF_ROOT, document, root

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.signatory import Named
    from .._cosign.signer import Signer
    from .._http.settings import HttpSettings
    from .._sigstore.logged_signer import LoggedSigner
    from .._sigstore.services import Services
    from .._sigstore.signer import KeylessSigner
    from .._sigstore.token import IdentityToken


_TOKEN, _TOKEN_PATH = "oidc_identity_token", "oidc_identity_token_path"
_VARIABLE = "SIGSTORE_ID_TOKEN"

KEYLESS = ArgumentSpec(
    options={
        "keyless": {"type": "bool"},
        _TOKEN: variable("str", _VARIABLE, no_log=True),
        _TOKEN_PATH: {"type": "path", "no_log": False},
        "transparency_log": {"type": "bool", "default": False},
        "trusted_root": DOCUMENT,
        "signing_config": DOCUMENT,
        "tuf_root": TUF_ROOT,
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
    """The signer. Nobody is asked for a certificate yet."""
    requirements.need("sigstore")
    from .._sigstore.signer import KeylessSigner

    requirements.check()  # what is older than it should be lacks a part
    services = _services(params, settings, register)
    if services.fulcio is None:
        raise InvalidOption("signing_config", "no Fulcio in it is valid today")
    return KeylessSigner(services, functools.partial(_token, params, register), root(params, settings))


def logged(inner: Signer, named: Named, params: Params, settings: HttpSettings, register: Register) -> LoggedSigner:
    """A key's signer whose signatures go into a transparency log; `named` says whose the key is."""
    requirements.need("sigstore")
    from .._sigstore.logged_signer import LoggedSigner

    requirements.check()
    return LoggedSigner(inner, _services(params, settings, register), root(params, settings), named)


def _services(params: Params, settings: HttpSettings, register: Register) -> Services:
    from .._sigstore.service import Service
    from .._sigstore.services import Services

    now = datetime.datetime.now(datetime.UTC)
    config = signing_config.parse(document(params, "signing_config", settings), "signing_config", now)
    if not config.logs:
        raise InvalidOption("signing_config", "no transparency log in it is valid today")
    return Services(
        Service("Fulcio", config.fulcio.url, settings, register) if config.fulcio else None,
        tuple((Service("Rekor", log.url, settings, register), log.version) for log in config.logs),
        tuple(Service("time stamp authority", one.url, settings, register) for one in config.timestamps),
    )


def _token(params: Params, register: Register) -> IdentityToken:
    from .._sigstore import ambient
    from .._sigstore.token import parse

    now = datetime.datetime.now(datetime.UTC)
    if params[_TOKEN_PATH]:
        raw = read_key_file(params[_TOKEN_PATH], _TOKEN_PATH).decode("utf-8", "replace").strip()
        register(raw)
        return parse(raw, f"{_TOKEN_PATH}: {params[_TOKEN_PATH]}", now)
    if params[_TOKEN]:
        return parse(params[_TOKEN], _TOKEN, now)
    raw = ambient.detect()
    register(raw)
    return parse(raw, "keyless", now)
