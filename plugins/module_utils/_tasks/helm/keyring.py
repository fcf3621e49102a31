# SPDX-License-Identifier: GPL-3.0-or-later
"""Provenance files checked by gpgv, GnuPG's own program for signatures by the keys of one keyring."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..._helm import provenance
from ..._helm.errors import InvalidChart
from ..._shared import process
from ..._shared.errors import InvalidOption

_SECONDS = 30.0
_VALID = "[GNUPG:] VALIDSIG "


@dataclass(frozen=True)
class Keyring:
    """A file of public keys, as `gpg --export` writes it."""

    path: str

    def check(self) -> None:
        """InvalidOption where it cannot be used: what cannot be checked is refused."""
        if not os.access(self.path, os.R_OK):
            raise InvalidOption("keyring", f"{self.path} cannot be read")
        if shutil.which("gpgv") is None:
            raise InvalidOption("keyring", "the program gpgv (of GnuPG) checks it, and is not on PATH")

    def signed_text(self, data: bytes, what: str) -> bytes:
        """The text that a key of the ring has signed; InvalidChart where none has."""
        provenance.signed_text(data, what)  # one message, and nothing around it
        with tempfile.TemporaryDirectory(prefix="gpgv-") as home:
            arguments = ("gpgv", "--homedir", home, "--status-fd", "2", "--weak-digest", "SHA1")
            command = process.Command(
                (*arguments, "--keyring", os.path.abspath(self.path), "--output", "-", "-"),
                {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                stdin=data,
                timeout=_SECONDS,
                max_stdout=provenance.MAX_LENGTH,
            )
            done = process.run(command, lambda text: text, Path(home))
        if done.exit_code != 0 or _VALID not in done.stderr:
            raise InvalidChart(f"{what}: it is not signed by a key of the keyring {self.path}")
        return done.stdout
