# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and a server that has charts."""

from __future__ import annotations

import contextlib
import typing as t

from .._http import errors as http
from .._shared.errors import GitopsError


class DownloadError(GitopsError):
    """Any failure of a download. `details` holds `url`, without its query."""

    code = "download_error"


class Unreachable(DownloadError):
    """No usable answer came."""

    code = "unreachable"


class Refused(DownloadError):
    """The server answers that it will not, or has no such thing."""

    code = "refused"


class BadAnswer(DownloadError):
    """An answer that is too long, breaks off, or leads to where it may not."""

    code = "bad_answer"


@contextlib.contextmanager
def of_http(url: str) -> t.Iterator[None]:
    """Within this block an error of HTTP is one of a download."""
    try:
        yield
    except http.Unreachable as error:
        details = {name: error.details[name] for name in ("cause", "attempts", "seconds") if name in error.details}
        raise Unreachable(error.message, url=url, **details) from None
    except http.HttpError as error:
        raise BadAnswer(error.message, url=url) from None
