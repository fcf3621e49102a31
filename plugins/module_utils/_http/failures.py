# SPDX-License-Identifier: GPL-3.0-or-later
"""How an exchange fails: in a few words for people, and whether trying again could help."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from .settings import HttpSettings

# OpenSSL's numbers for "nobody whom we trust has signed it".
_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})


class Broken(Exception):
    """The exchange broke off; `cause` says how, `final` that trying again is pointless. A port never lets it out."""

    def __init__(self, cause: str, *, final: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.final = final


class NotConnected(Exception):
    """No connection came about; the one argument is the cause."""


class ProxyFailed(Exception):
    """The proxy, not the peer, is what failed; the one argument is the cause."""


class ProxyRefused(Exception):
    """The proxy answers, and lets nothing through; the one argument is its status."""

    @classmethod
    def of(cls, error: BaseException) -> t.Self | None:
        """From what http.client raises for a CONNECT that fails: its status is nowhere but in the text."""
        found = re.match(r"Tunnel connection failed: ([0-9]{3})\b", str(error))
        return cls(int(found[1])) if found else None


# The two causes by which a peer may be one that is yet to be started.
REFUSED, UNKNOWN_NAME = "connection refused", "the name does not resolve"
FAILURES = (NotConnected, ProxyFailed, ProxyRefused, http.client.HTTPException, OSError, ValueError)


def explain(error: BaseException, settings: HttpSettings) -> str:
    """The cause of a failed exchange in a few words, without addresses, queries or object names."""
    if isinstance(error, ProxyRefused):
        hint = ": it wants a user name and a password" if error.args[0] == 407 else ""
        return f"proxy: it answers {error.args[0]}{hint}"
    if isinstance(error, ProxyFailed):
        return f"proxy: {explain(error.args[0], settings)}"
    cause = error.args[0] if isinstance(error, NotConnected) else error
    if isinstance(cause, socket.gaierror):
        return UNKNOWN_NAME
    if isinstance(error, NotConnected) and isinstance(cause, TimeoutError):
        return f"no connection within {settings.timeout:g} s"
    return _explain_cause(cause, settings)


def _explain_cause(cause: BaseException, settings: HttpSettings) -> str:
    if isinstance(cause, ssl.SSLError):
        return _explain_tls(cause, settings)
    words: tuple[tuple[type[BaseException], str], ...] = (
        (ConnectionRefusedError, REFUSED),
        (TimeoutError, f"no answer for {settings.timeout:g} s"),
        (http.client.RemoteDisconnected, "it closed the connection without an answer"),
        (http.client.IncompleteRead, "the answer broke off"),
        (http.client.HTTPException, "the answer is not HTTP"),
        # http.client's words for it would show the header, which may be a token.
        (ValueError, "a header or an address of ours holds characters that cannot be sent"),
    )
    known = next((text for kind, text in words if isinstance(cause, kind)), "")
    # No text of unknown errors: it can hold a header of ours, or anything of the peer's.
    system = cause.strerror if isinstance(cause, OSError) else None
    return known or (system or type(cause).__name__).lower()


def _explain_tls(cause: ssl.SSLError, settings: HttpSettings) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        unknown = cause.verify_code in _UNKNOWN_AUTHORITY
        hint = f" (the option {settings.ca_option} names an authority to trust)" if unknown else ""
        return f"TLS: the certificate is not trusted: {cause.verify_message}{hint}"
    no_tls = cause.reason == "WRONG_VERSION_NUMBER" and settings.insecure_option
    hint = f" (no TLS there? plain HTTP is the option {settings.insecure_option})" if no_tls else ""
    return f"TLS: {str(cause.reason or 'handshake failed').replace('_', ' ').lower()}{hint}"


def is_final(error: BaseException) -> bool:
    """Whether trying again is pointless: a certificate, a name that does not exist, a proxy that says no."""
    if isinstance(error, (NotConnected, ProxyFailed)):
        return is_final(error.args[0])
    if isinstance(error, ProxyRefused):
        return bool(400 <= error.args[0] < 500)
    if isinstance(error, socket.gaierror):
        return error.errno != socket.EAI_AGAIN
    broke_off = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))
    unsendable = isinstance(error, ValueError) and not isinstance(error, OSError)
    return (isinstance(error, ssl.SSLError) and not broke_off) or unsendable
