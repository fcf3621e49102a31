# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS: whom we trust, and who we are."""

from __future__ import annotations

import os
import re
import ssl
import typing as t

from .._shared.errors import InvalidOption
from .deadline import bind_tls

if t.TYPE_CHECKING:  # pragma: no cover
    from .settings import HttpSettings

_HASH_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+\Z")


def make_tls(settings: HttpSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer, the system's certificates and those of `ca_path`; InvalidOption for a file that is none."""
    context = _trusting(settings)
    context.set_alpn_protocols(["http/1.1"])
    # As Go: a certificate names its hosts in subjectAltName, a common name alone is none.
    context.hostname_checks_common_name = False
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    bind_tls(context)
    if settings.client_cert:
        try:
            # Without a password of its own OpenSSL would ask on the terminal.
            context.load_cert_chain(settings.client_cert, settings.client_key, password=lambda: "")
        except (OSError, ValueError) as error:
            where = (
                settings.client_cert if not settings.client_key else f"{settings.client_cert}, {settings.client_key}"
            )
            raise InvalidOption("client_cert", f"{where}: {_reason(error)}") from None
    return context


def _trusting(settings: HttpSettings) -> ssl.SSLContext:
    path, option = settings.ca_path, settings.ca_option
    if path is None:
        return ssl.create_default_context()
    file, folder = (None, path) if os.path.isdir(path) else (path, None)
    try:
        if settings.only_ca:
            context = ssl.create_default_context(cafile=file, capath=folder)
        else:
            context = ssl.create_default_context()
            context.load_verify_locations(file, folder)
    except (OSError, ValueError) as error:
        raise InvalidOption(option, f"{path}: {_reason(error)}") from None
    if folder and not any(_HASH_NAME.match(name) for name in os.listdir(folder)):
        # OpenSSL finds none of the certificates there, and does not say so.
        reason = "no certificate in this directory has a hash for its name: run openssl rehash there, or name one file"
        raise InvalidOption(option, f"{path}: {reason}")
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"not a usable PEM file ({(error.reason or 'no certificate in it').replace('_', ' ').lower()})"
    return (error.strerror if isinstance(error, OSError) else None) or "not usable"
