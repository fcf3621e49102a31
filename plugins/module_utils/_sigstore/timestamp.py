# SPDX-License-Identifier: GPL-3.0-or-later
"""A time stamp authority: its word on when a signature was there. Source: RFC 3161, 2.4 and 3.4."""

from __future__ import annotations

import typing as t

from .._shared.requirements import third_party

if t.TYPE_CHECKING:  # pragma: no cover
    from .service import Service

with third_party():
    from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response

_GRANTED = (0, 1)


def stamp(service: Service, signature: bytes) -> bytes:
    """The response (DER) for a signature. It is proven by whoever has the trusted root."""
    request = TimestampRequestBuilder().data(signature).nonce(nonce=True).build()
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    reply = service.post("", request.as_bytes(), headers)
    if not 200 <= reply.status < 300:
        raise service.refused(reply)
    try:
        response = decode_timestamp_response(reply.body)
        granted = response.status in _GRANTED
        ours = granted and response.tst_info.message_imprint.message == request.message_imprint.message
        same = ours and response.tst_info.nonce == request.nonce
    except ValueError:
        raise service.bad("no time stamp in its answer") from None
    if not same:
        raise service.bad("a time stamp of another signature" if granted else "it grants no time stamp")
    return reply.body
