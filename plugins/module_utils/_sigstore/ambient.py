# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity that a CI system gives its jobs, found as sigstore-python finds it: by the package `id`.

GitHub Actions, GitLab, Buildkite, CircleCI and Google Cloud. Nobody is ever asked in a browser.
"""

from __future__ import annotations

from .._http.failures import FAILURES
from .._shared.requirements import third_party
from .._shared.shapes import text
from .errors import NoToken
from .token import AUDIENCE

with third_party():
    import id as ambient


def detect() -> str:
    """A token for Sigstore; NoToken says that there is none, or why it could not be had."""
    try:
        found = ambient.detect_credential(AUDIENCE)
    except ambient.IdentityError as error:
        reason, body, _rest = text(str(error)).partition(", body=")  # which may be anything
        reason += ")" if body else ""
        raise NoToken(f"keyless: this CI system gives no identity token: {reason}") from None
    except (*FAILURES, OSError, ValueError) as error:
        raise NoToken(f"keyless: this CI system gives no identity token: {type(error).__name__}") from None
    if found is None:
        raise NoToken(
            "oidc_identity_token: none is given, and no CI system that gives its jobs an identity is found here"
        )
    return found
