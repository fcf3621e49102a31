# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux's own install manifests, as `flux install --export` prints them."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
import yaml


def flux_manifests() -> Path:
    """The file."""
    path = os.environ.get("LAB_FLUX_MANIFESTS", "")
    if not path or not Path(path).exists():
        pytest.skip("LAB_FLUX_MANIFESTS names no file with Flux's install manifests")
    return Path(path)


def flux_definitions() -> list[dict[str, t.Any]]:
    """The CustomResourceDefinitions of source-controller and kustomize-controller."""
    documents = yaml.load_all(flux_manifests().read_text(encoding="utf-8"), yaml.CSafeLoader)
    return [one for one in documents if one and one["kind"] == "CustomResourceDefinition"]
