# SPDX-License-Identifier: GPL-3.0-or-later
"""How an exchange fails: in a few words for people, and whether trying again could help."""

from __future__ import annotations

import http.client
import socket
import ssl


class Broken(Exception):
    """The exchange broke off; `cause` says how, `final` that trying again is pointless. Never leaves this package."""

    def __init__(self, cause: str, *, final: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.final = final


class NotConnected(Exception):
    """No connection came about; the one argument is the cause."""


class ProxyFailed(Exception):
    """The proxy, not the peer, is what failed; the one argument is the cause."""


def explain(error: Exception, timeout: float) -> str:
    """The cause of a failed exchange in a few words, without addresses, queries or object names."""
    cause = error.args[0] if isinstance(error, (NotConnected, ProxyFailed)) else error
    if isinstance(error, ProxyFailed):
        return f"proxy: {explain(cause, timeout)}"
    if isinstance(cause, socket.gaierror):
        return "the name does not resolve"
    if isinstance(error, NotConnected) and isinstance(cause, TimeoutError):
        return f"no connection within {timeout:g} s"
    return _explain_cause(cause, timeout)


def _explain_cause(cause: BaseException, timeout: float) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"TLS: the certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        hint = " (no TLS there? plain HTTP is the option insecure)" if cause.reason == "WRONG_VERSION_NUMBER" else ""
        return f"TLS: {str(cause.reason or 'handshake failed').replace('_', ' ').lower()}{hint}"
    words: tuple[tuple[type[BaseException], str], ...] = (
        (TimeoutError, f"no answer for {timeout:g} s"),
        (http.client.RemoteDisconnected, "it closed the connection without an answer"),
        (http.client.IncompleteRead, "the answer broke off"),
        (http.client.HTTPException, "the answer is not HTTP"),
    )
    known = next((text for kind, text in words if isinstance(cause, kind)), "")
    # No text of unknown errors: it can hold a header of ours, or anything of the peer's.
    system = cause.strerror if isinstance(cause, OSError) else None
    return known or (system or type(cause).__name__).lower()


def is_final(error: Exception) -> bool:
    """Whether trying again is pointless: a certificate, a name that does not exist, a proxy that says no."""
    if isinstance(error, (NotConnected, ProxyFailed)):
        return is_final(error.args[0])
    if isinstance(error, socket.gaierror):
        return error.errno != socket.EAI_AGAIN
    refused_by_proxy = isinstance(error, OSError) and str(error).startswith("Tunnel connection failed: 4")
    broke_off = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))
    return (isinstance(error, ssl.SSLError) and not broke_off) or refused_by_proxy
