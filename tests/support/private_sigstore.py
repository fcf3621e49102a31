# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Sigstore on free ports of this machine: issuer, CT log, Fulcio, Rekor v2, time stamp authority.

The programs are Sigstore's own, but for an issuer and a CT log that are made for tests (`sigstore-fakes`), and a log of
the older API (rekor_v1.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import typing as t
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from support.rekor_v1 import RekorV1, running_rekor_v1

PROGRAMS = ("sigstore-fakes", "fulcio", "rekor-tiles", "timestamp-server", "cosign3", "openssl")
_SINCE = "start-time=2020-01-01T00:00:00Z"
_PATIENCE = 20.0  # seconds
ME = "me@lab.example"
# There can be but one on a machine, since it has a second port that cannot be chosen.
_STAMPS = "http://127.0.0.1:3006/api/v1/timestamp"
_STAMP_SERVER = (
    *("serve", "--host", "127.0.0.1", "--port", "3006", "--scheme", "http"),
    *("--timestamp-signer", "memory", "--disable-ntp-monitoring"),
)


@dataclass(frozen=True)
class Sigstore:
    """Where it is, with the files that its users need. `config_v1` signs with the older log."""

    directory: Path
    issuer: str
    trusted_root: Path
    config: Path
    config_v1: Path
    rekor_v1: RekorV1

    def token(self, email: str = ME) -> str:
        with urllib.request.urlopen(f"{self.issuer}/token?email={email}") as answer:  # noqa: S310 - loopback
            return str(answer.read().decode())

    def signing(self, email: str = ME, *, v1: bool = False) -> dict[str, t.Any]:
        """Options of cosign_sign."""
        return {
            "oidc_identity_token": self.token(email),
            "trusted_root": str(self.trusted_root),
            "signing_config": str(self.config_v1 if v1 else self.config),
        }

    def verifying(self, email: str = ME) -> dict[str, t.Any]:
        """Options of cosign_verify."""
        return {
            "certificate_identity": email,
            "certificate_oidc_issuer": self.issuer,
            "trusted_root": str(self.trusted_root),
        }


def missing() -> list[str]:
    """The programs that are not on PATH."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def _ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _each in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextlib.contextmanager
def running_sigstore(directory: Path) -> t.Iterator[Sigstore]:
    """All of it, in a second; ended at the end."""
    issuer, ctlog, fulcio, fulcio_grpc, fulcio_metrics, rekor, rekor_grpc, rekor_metrics = _ports(8)
    _make_keys(directory, f"http://127.0.0.1:{issuer}")
    with contextlib.ExitStack() as stack:
        run = _runner(stack, directory)
        run("sigstore-fakes", "-dir", ".", "-oidc", f"127.0.0.1:{issuer}", "-ctlog", f"127.0.0.1:{ctlog}")
        _wait(f"http://127.0.0.1:{issuer}/keys")
        key = (
            "--fileca-cert",
            "ca.pem",
            "--fileca-key",
            "ca.key",
            "--fileca-key-passwd",
            "lab",
            "--fileca-watch=false",
        )
        log = ("--ct-log-url", f"http://127.0.0.1:{ctlog}/lab", "--ct-log-public-key-path", "ctlog.pub")
        grpc = ("--grpc-host", "127.0.0.1", "--grpc-port", str(fulcio_grpc), "--metrics-port", str(fulcio_metrics))
        old_grpc = ("--legacy-unix-domain-socket", f"@fulcio-{fulcio_grpc}")
        where = ("--host", "127.0.0.1", "--port", str(fulcio))
        run("fulcio", "serve", *where, *grpc, *old_grpc, "--ca", "fileca", *key, *log, "--config-path", "fulcio.yaml")
        ports = ("--http-port", str(rekor), "--grpc-port", str(rekor_grpc), "--http-metrics-port", str(rekor_metrics))
        store = ("--storage-dir", str(directory / "tiles"), "--signer-filepath", "rekor.key")
        pace = ("--checkpoint-interval", "1s", "--batch-max-age", "100ms")
        run("rekor-tiles", "serve", "--hostname", "127.0.0.1", *ports, *store, *pace)
        stack.enter_context(_stamp_server())
        _wait(f"http://127.0.0.1:{fulcio}/api/v2/trustBundle")
        (directory / "tsa.pem").write_bytes(_wait(f"{_STAMPS}/certchain"))
        old = stack.enter_context(running_rekor_v1())
        places = {"fulcio": fulcio, "ctfe": f"{ctlog}/lab", "rekor": rekor, "oidc": issuer}
        addresses = {name: f"http://127.0.0.1:{place}" for name, place in places.items()} | {"tsa": _STAMPS}
        yield _described(directory, addresses, old)


@contextlib.contextmanager
def _stamp_server() -> t.Iterator[None]:
    """Who comes first starts it, and who goes last ends it: workers share it. One that is there will do."""
    place = Path(tempfile.gettempdir())
    with (place / "proven-stamps.lock").open("w") as one, (place / "proven-stamps.users").open("a+") as users:
        with _alone(one):
            if not _answers(f"{_STAMPS}/certchain"):
                users.truncate(0)
                users.write(str(_detached("timestamp-server", *_STAMP_SERVER)))
                users.flush()
                _wait(f"{_STAMPS}/certchain")
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _alone(one), contextlib.suppress(BlockingIOError, ValueError, ProcessLookupError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                users.seek(0)
                os.kill(int(users.read()), signal.SIGKILL)
                users.truncate(0)


@contextlib.contextmanager
def _alone(lock: t.IO[str]) -> t.Iterator[None]:
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


def _detached(*words: str) -> int:
    """A program that outlives who started it: its process number."""
    no = subprocess.DEVNULL
    return subprocess.Popen(words, start_new_session=True, stdin=no, stdout=no, stderr=no).pid


def _make_keys(directory: Path, issuer: str) -> None:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)

    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.raw")
    openssl("pkcs8", "-topk8", "-in", "ca.raw", "-out", "ca.key", "-v2", "aes-256-cbc", "-passout", "pass:lab")
    uses = (
        "-addext",
        "basicConstraints=critical,CA:TRUE,pathlen:1",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    )
    subject = ("-days", "30", "-subj", "/O=lab/CN=lab-fulcio")
    openssl("req", "-x509", "-new", "-key", "ca.raw", "-sha256", *subject, "-out", "ca.pem", *uses)
    openssl("genpkey", "-algorithm", "ed25519", "-out", "rekor.key")
    openssl("pkey", "-in", "rekor.key", "-pubout", "-out", "rekor.pub")
    (directory / "tiles").mkdir()
    # As YAML: in JSON the same options have other names.
    issued = f"    issuer-url: {issuer}\n    client-id: sigstore\n    type: email\n"
    (directory / "fulcio.yaml").write_text(f"oidc-issuers:\n  {issuer}:\n{issued}")


def _runner(stack: contextlib.ExitStack, directory: Path) -> t.Callable[..., None]:
    def run(*words: str) -> None:
        output = stack.enter_context((directory / f"{words[0]}.log").open("wb"))
        process = subprocess.Popen(words, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        stack.callback(process.wait)
        stack.callback(process.kill)

    return run


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _wait(url: str) -> bytes:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
                return bytes(answer.read())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _described(directory: Path, at: dict[str, str], old: RekorV1) -> Sigstore:
    def cosign(*words: str) -> None:
        subprocess.run(["cosign3", *words], cwd=directory, check=True, capture_output=True)

    root, config = directory / "trusted_root.json", directory / "signing_config.json"
    cosign(
        *("trusted-root", "create", "--out", str(root)),
        f"--fulcio=url={at['fulcio']},certificate-chain=ca.pem,{_SINCE}",
        f"--ctfe=url={at['ctfe']},public-key=ctlog.pub,{_SINCE}",
        f"--rekor=url={at['rekor']},public-key=rekor.pub,{_SINCE},origin=127.0.0.1",
        f"--tsa=url={at['tsa']},certificate-chain=tsa.pem,{_SINCE}",
    )
    value = json.loads(root.read_text())
    value["tlogs"].append(old.trusted)
    root.write_text(json.dumps(value))
    who, one = f"{_SINCE},operator=lab", "api-version=1"
    services = [
        f"--{name}=url={at[key]},{one},{who}" for name, key in (("fulcio", "fulcio"), ("oidc-provider", "oidc"))
    ]
    services += [f"--tsa=url={at['tsa']},{one},{who}", "--tsa-config=ANY", "--rekor-config=ANY"]
    cosign(
        "signing-config", "create", "--out", str(config), *services, f"--rekor=url={at['rekor']},api-version=2,{who}"
    )
    older = directory / "signing_config_v1.json"
    cosign("signing-config", "create", "--out", str(older), *services, f"--rekor=url={old.url},{one},{who}")
    return Sigstore(directory, at["oidc"], root, config, older, old)
