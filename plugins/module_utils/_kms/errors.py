# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and a key store; each message names the key's URI, with no secret in it."""

from __future__ import annotations

from .._shared.errors import GitopsError


class KeyStoreError(GitopsError):
    """Any failure of an operation of a key store. `details` holds `key`, the URI."""

    code = "key_store_error"


class Unreachable(KeyStoreError):
    """No usable answer came: name, connection, TLS, time, or a service that kept failing."""

    code = "unreachable"


class Forbidden(KeyStoreError):
    """The store does not take our credentials, or they may not do this; a wrong PIN too."""

    code = "forbidden"


class NoSuchKey(KeyStoreError):
    """The store has no such key, or shows it to nobody with these credentials."""

    code = "no_such_key"


class Rejected(KeyStoreError):
    """The store does not do what was asked for; its reason is in the text."""

    code = "rejected"


class BadAnswer(KeyStoreError):
    """An answer that is not what such a store gives, such as a signature that its own key does not verify."""

    code = "bad_answer"
