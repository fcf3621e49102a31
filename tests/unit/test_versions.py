# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests run on a second Python: those that may differ there, found out from what they import."""

from __future__ import annotations

from pathlib import Path

import pytest
import versions

PLUGINS = "ansible_collections.proven.gitops.plugins"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(versions, "TESTS", tmp_path / "tests")
    monkeypatch.setattr(versions, "PLUGINS", tmp_path / "plugins")
    return tmp_path


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import json\nimport re", False),
        ("import http.client", True),
        ("from ansible.module_utils.basic import AnsibleModule", True),
        ("def test():\n    from tarfile import open", True),
        ("import sslike", False),
        (f"from {PLUGINS}.module_utils._a.tars import Tar", True),
        (f"from {PLUGINS}.module_utils._a import tars", True),
        (f"import {PLUGINS}.module_utils._a.tars", True),
        (f"from {PLUGINS}.module_utils._a.names import Name", False),
        # What its subject's subject imports is tried by the tests of that.
        (f"from {PLUGINS}.module_utils._a.user import use", False),
        ("from support.server import serve", True),
    ],
)
def test_a_unit_test(checkout: Path, text: str, expected: bool) -> None:
    put(checkout / "plugins/module_utils/_a/tars.py", "from __future__ import annotations\nimport tarfile\n")
    put(checkout / "plugins/module_utils/_a/names.py", "from ...elsewhere import http\nfrom . import ssl\n")
    put(checkout / "plugins/module_utils/_a/user.py", f"from {PLUGINS}.module_utils._a.tars import Tar\n")
    put(checkout / "tests/support/server.py", "import http.server\n")
    assert versions.is_sensitive(put(checkout / "tests/unit/_a/test_x.py", text)) is expected


def test_fixtures_count(checkout: Path) -> None:
    put(checkout / "tests/unit/_a/conftest.py", "import ssl\n")
    assert versions.is_sensitive(put(checkout / "tests/unit/_a/test_x.py", "import json"))


@pytest.mark.parametrize("directory", versions.WHOLE)
def test_what_runs_modules_counts_as_a_whole(checkout: Path, directory: str) -> None:
    assert versions.is_sensitive(put(checkout / "tests" / directory / "deep" / "test_x.py", "import json"))


def test_the_directories_are_there() -> None:
    assert [name for name in versions.WHOLE if not (versions.TESTS / name).is_dir()] == []


def test_the_mark(request: pytest.FixtureRequest) -> None:
    """This file has it, for what it tests imports `ast`; one that speaks of version ranges has not."""
    assert request.node.get_closest_marker("versions") is not None
    [ranges] = versions.TESTS.glob("unit/**/test_semver_range.py")
    assert not versions.is_sensitive(ranges)
