# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret of each kind in every option that is none for secrets: nothing that a task gives back has it.

That is result, `invocation`, diff, progress and syslog; in check mode and run, with -vvv, whether the task goes on or
is refused. The options come from the specifications, so that a new one is tried at once.
"""

from __future__ import annotations

import base64
import errno
import json
import secrets
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.canaries import MODULES, WITH_INVOCATION, Canary
from support.every_option import Options, bases, every, put

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

if t.TYPE_CHECKING:
    from conftest import RunModule

_KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
_COSIGN = SigningKey.generate()


def _canary(kind: str) -> str:
    return Canary.make(kind).value


def _kinds() -> dict[str, tuple[str, list[str]]]:
    """What is put into an option, and the secrets in it."""
    one, two, three = _canary("one"), _canary("two"), f"cnry{secrets.token_hex(8)}"
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "stringData": {"a": one},
        "data": {"b": base64.b64encode(two.encode()).decode()},
    }
    lines = f"apiVersion: v1\nkind: Secret\nstringData:\n  key: |\n    {three}-first\n    {three}-second\n"
    auth = base64.b64encode(f"user:{one}".encode()).decode()
    return {
        "private key": (_KEY.decode(), [_KEY.decode()]),
        "encrypted key": (_COSIGN.encrypted_pem(b"x").decode(), [_COSIGN.encrypted_pem(b"x").decode()][:0]),
        "address": (f"https://user:{three}@host.example/path", [three]),
        "unescaped": (f"http://user:{three}#x@host.example:99999", [three]),
        "reference": (f"user:{three}@registry.example/app:v1", [three]),
        "manifest": (json.dumps(manifest), [one, two]),
        "lines": (lines, [f"{three}-first", f"{three}-second"]),
        "broken": (lines + "  - [", [f"{three}-first"]),
        "docker config": (json.dumps({"auths": {"r.example": {"auth": auth}}}), [one, auth]),
    }


def _value(option: t.Mapping[str, t.Any], text: str) -> t.Any:
    """The text in the shape that the option asks for."""
    return {"list": [text], "dict": {"name": text}}.get(option.get("type", "str"), text)


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Options]]:
    monkeypatch.chdir(tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "ssh", "ssh-keygen", "sh"):  # not docker: the machine's own containers are no concern of a test
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    (tmp_path / "cosign.key").write_bytes(_COSIGN.encrypted_pem(b""))
    return bases(tmp_path, str(tmp_path / "cosign.key"), _COSIGN.public.pem.decode())


def _nobody(*_arguments: t.Any, **_more: t.Any) -> t.NoReturn:
    raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody is there")


@pytest.mark.slow
@pytest.mark.fault("C9")
@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
@pytest.mark.parametrize("module", MODULES)
def test_no_secret_comes_back(
    module: str,
    check: bool,
    tasks: dict[str, list[Options]],
    run_module: RunModule,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    log: list[str] = []
    monkeypatch.setattr(AnsibleModule, "_log_to_syslog", lambda _self, message: log.append(str(message)))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr("socket.socket.connect", _nobody)
    monkeypatch.setattr("socket.getaddrinfo", _nobody)
    wrong = []
    for name, where, option in every():
        if name != module or option.get("no_log"):
            continue
        for kind, (text, hidden) in _kinds().items():
            task = put(tasks[module][0], module, where, _value(option, text))
            result = run_module(module, check=check, **task, **WITH_INVOCATION, _ansible_verbosity=3)
            out, err = capfd.readouterr()
            shown = json.dumps(result, ensure_ascii=False) + json.dumps(result) + "".join(log) + out + err
            assert "invocation" in result, result
            log.clear()
            wrong += [
                f"{'.'.join(where)}, {kind}: {result.get('msg')!s:.150}"
                for secret in hidden
                if Canary(kind, secret).inside(shown.encode())
            ]
    assert not wrong, "\n".join(wrong)
