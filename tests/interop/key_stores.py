# SPDX-License-Identifier: GPL-3.0-or-later
"""Key stores of this machine: an HSM in software, and a KMS that speaks AWS's wire. Each with the variables for it."""

from __future__ import annotations

import contextlib
import ctypes.util
import os
import subprocess
import time
import typing as t
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from interop.peers import find
from interop.places import free_port

_LIBRARIES = ("/usr/lib/softhsm", "/usr/lib64/pkcs11", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib/pkcs11")
START_SECONDS = 20.0


@dataclass(frozen=True)
class Hsm:
    """softhsm2 with a token of that name; `variables` are those that its library reads when it is loaded."""

    library: str
    variables: t.Mapping[str, str]
    token: str = "release"
    pin: str = "canary-pin-2357"

    def uri(self, name: str, *, pin: str | None = None) -> str:
        given = self.pin if pin is None else pin
        secret = f"&pin-value={given}" if given else ""
        return f"pkcs11:token={self.token};object={name}?module-path={self.library}{secret}"

    def add(self, name: str, number: str, key: t.Any, directory: Path) -> None:
        """A key that was made elsewhere."""
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file = directory / f"{name}.pem"
        file.write_bytes(key.private_bytes(*form))
        what = ("--import", str(file), "--label", name, "--id", number)
        self.run(*what, "--token", self.token, "--pin", self.pin)

    def run(self, *arguments: str) -> None:
        environment = {**os.environ, **self.variables}
        done = subprocess.run(
            [find("softhsm2-util"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)


def software_hsm(directory: Path) -> Hsm:
    """With two tokens: `release`, and `other` for what must not log in."""
    find("softhsm2-util")
    places = [f"{folder}/libsofthsm2.so" for folder in _LIBRARIES]
    library = next((place for place in places if os.path.exists(place)), ctypes.util.find_library("softhsm2") or "")
    if not library:
        pytest.skip("libsofthsm2.so is not where it is known to be")
    (directory / "tokens").mkdir()
    config = directory / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {directory}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    hsm = Hsm(library, {"SOFTHSM2_CONF": str(config)})
    for token in (hsm.token, "other"):
        hsm.run("--init-token", "--free", "--label", token, "--pin", hsm.pin, "--so-pin", "canary-so-pin")
    return hsm


@dataclass(frozen=True)
class LocalKms:
    """local-kms; `variables` are those by which boto3 and cosign both find it."""

    port: int
    variables: t.Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        where = f"http://127.0.0.1:{self.port}"
        login = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "canary-aws-secret"}
        object.__setattr__(self, "variables", {**login, "AWS_REGION": "eu-west-2", "AWS_ENDPOINT_URL": where})


@contextlib.contextmanager
def local_kms(directory: Path) -> t.Iterator[LocalKms]:
    """While the block runs, with nothing in it at first."""
    kms = LocalKms(free_port())
    environment = {
        "PATH": os.environ["PATH"],
        "PORT": str(kms.port),
        "DATA_PATH": str(directory),
        "REGION": "eu-west-2",
    }
    process = subprocess.Popen(
        [find("local-kms")],
        cwd=directory,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(kms.port, process)
        yield kms
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "local-kms has ended"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
            continue
        return
    raise AssertionError("local-kms does not answer")
