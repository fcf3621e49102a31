# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark with the real peers, in its small form: that all of it works, and what does not depend on speed."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from bench import __main__ as bench
from interop.peers import find

# About thirty plays: 205 s on two cores at a load of 20.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> t.Any:
    for tool in ("flux", "cosign", "registry"):
        find(tool)
    output = tmp_path_factory.mktemp("bench")
    assert bench.main(["--quick", "--output", str(output)]) == 0
    assert (output / "bench.svg").read_text().lstrip().startswith("<")
    return json.loads((output / "bench.json").read_text())


def test_every_row_is_measured(document: t.Any) -> None:
    assert len(document["rows"]) == 9
    for row in document["rows"]:
        assert row["ours"]["wall"]["min"] > 0
        assert row["theirs"]["wall"]["min"] > 0
    assert "unknown" not in document["versions"].values()


def test_what_is_unchanged_sends_no_upload_request(document: t.Any) -> None:
    conditions = [each for row in document["rows"] for each in row.get("conditions", [])]
    uploads = [each for each in conditions if each["what"].startswith("upload requests")]
    assert len(uploads) == 2
    assert all(each["value"] == 0 for each in uploads)


def test_the_layer_is_at_most_a_tenth_larger_than_that_of_flux(document: t.Any) -> None:
    (size,) = [
        each
        for row in document["rows"]
        for each in row.get("conditions", [])
        if each["what"] == "times the size of the layer"
    ]
    assert 0.5 < size["value"] <= 1.1


@pytest.mark.parametrize("words", [["nonsense"], ["calls", "nonsense"]])
def test_unknown_groups_are_refused(words: list[str], tmp_path: Path) -> None:
    assert bench.main([*words, "--output", str(tmp_path)]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["few", "few=", "few=0", "many=-1", "other=1"])
def test_scales_that_are_none_are_refused(words: str) -> None:
    with pytest.raises(SystemExit, match="not one of runs, few"):
        bench.main(["--set", words])
