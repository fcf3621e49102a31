# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files on disk that a task names, keys above all, read without surprises."""

from __future__ import annotations

import os
import stat

from ..._cosign.pem import MAX_FILE
from ..._shared.errors import InvalidOption


def read_key_file(path: str, option: str) -> bytes:
    """The bytes of a key file; InvalidOption names the option where it cannot be read or cannot be one."""
    content = read_if_present(path, option)
    if content is None:
        raise InvalidOption(option, f"{path} does not exist", path=path)
    return content


def read_if_present(path: str, option: str, most: int = MAX_FILE, what: str = "key") -> bytes | None:
    """As read_key_file, but None where nothing is there. A link is followed (Kubernetes mounts Secrets as links).

    For another `what` than a key, of `most` bytes, too.
    """
    try:
        # A named pipe would block; nothing but a regular file is read.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if os.path.islink(path):
            raise InvalidOption(option, f"{path} is a link to nothing", path=path) from None
        return None
    except OSError as error:
        raise InvalidOption(option, f"{path} cannot be read: {error.strerror}", path=path) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise InvalidOption(option, f"{path} is not a regular file", path=path)
        if found.st_size > most:
            raise InvalidOption(option, f"{path} has {found.st_size} bytes, which no {what} has", path=path)
        with open(descriptor, "rb", closefd=False) as source:
            return source.read(most + 1)
    finally:
        os.close(descriptor)
