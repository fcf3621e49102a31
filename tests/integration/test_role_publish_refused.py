# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role publish refuses by its first task, before anything is called, in the words of its options."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from support.twin import HEAD, Twin

STEP = "Make sure that each artifact has a repository, a tag and a path"
GOOD = {"reference": "oci://registry.test:5000/app", "tag": "1.0.0", "path": "."}


@pytest.fixture
def publish(tmp_path: Path) -> t.Callable[..., str]:
    """The sentence that the role ends with; "" where it does not."""
    twin = Twin(tmp_path)

    def run(*artifacts: dict[str, t.Any]) -> str:
        text = f"{HEAD}  roles:\n    - role: proven.gitops.publish\n"
        ran = twin.play(text, {"publish_artifacts": list(artifacts), "publish_privatekey_path": "cosign.key"})
        if ran.code == 0:
            return ""
        assert twin.calls == []
        return str(ran.result(STEP)["msg"])

    return run


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tag": "1.0 1"}, 'no tag can be called "1.0 1"'),
        ({"tag": ""}, 'no tag can be called ""'),
        ({"tag": "1.0\n"}, 'no tag can be called "1.0\\n"'),
        ({"tag": "-1"}, 'no tag can be called "-1"'),
        ({"tag": "x" * 129}, "no tag can be called"),
        ({"tag": '1.0","reference":"evil:5000/x/y","path":"/some/dir'}, 'called "1.0\\",\\"reference\\":'),
        ({"tag": 1.10}, "put 1.1 in quotes"),
        ({"tag": True}, "put True in quotes"),
        ({"reference": "oci://registry.test/app:1.0"}, "must name the repository alone"),
        ({"reference": f"registry.test/app@sha256:{'a' * 64}"}, "must name the repository alone"),
        ({"path": ""}, "a path is empty"),
    ],
)
def test_one_sentence(publish: t.Callable[..., str], wrong: dict[str, t.Any], said: str) -> None:
    message = publish({**GOOD}, {**GOOD, **wrong})
    assert message.startswith("publish_artifacts: ")
    assert said in message


def test_nothing_to_publish_and_what_is_right(publish: t.Callable[..., str]) -> None:
    assert publish() == "publish_artifacts: nothing to publish, the list is empty"
    good = [{**GOOD, "reference": reference} for reference in ("registry.test:5000/a/b", "oci://[::1]:5000/a")]
    assert publish(GOOD, *good, {**GOOD, "tag": "_x.Y-1" + "z" * 122}) == ""
