# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS: whom we trust, and who we are."""

from __future__ import annotations

import os
import ssl
import typing as t

from .._shared.errors import InvalidOption
from .deadline import bind_tls

if t.TYPE_CHECKING:  # pragma: no cover
    from .settings import ConnectionSettings


def make_tls(settings: ConnectionSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer, the system's certificates and those of `ca_path`; InvalidOption for a file that is none."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    bind_tls(context)
    if settings.ca_path:
        is_folder = os.path.isdir(settings.ca_path)
        try:
            context.load_verify_locations(**{"capath" if is_folder else "cafile": settings.ca_path})
        except (OSError, ValueError) as error:
            raise InvalidOption("ca_path", f"{settings.ca_path}: {_reason(error)}") from None
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


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"not a usable PEM file ({(error.reason or 'no certificate in it').replace('_', ' ').lower()})"
    return (error.strerror if isinstance(error, OSError) else None) or "not usable"
