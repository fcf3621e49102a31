# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of flux_workload_info, and what they mean."""

from __future__ import annotations

import re

from .._flux import names
from .._shared.errors import InvalidOption
from .._tasks.flux.workloads import FluxWorkloads, Question
from .argspec import ArgumentSpec, Params, Register
from .given import Rules
from .kube_options import check_names, kube_client

_PORT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?", re.ASCII)
_PATH = re.compile(r"/?[A-Za-z0-9._~!$&'()*+,;=:@/-]*", re.ASCII)

WORKLOADS = ArgumentSpec(
    options={
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "flux-system"},
        "requests": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "namespace": {"type": "str", "required": True},
                "service": {"type": "str", "required": True},
                "port": {"type": "str", "required": True},
                "path": {"type": "str", "default": "/"},
            },
        },
    },
    rules=Rules(may_be_empty=frozenset({"requests"}), numbers=frozenset({"requests.port"})),
)


def flux_workloads(params: Params, register: Register) -> FluxWorkloads:
    """The use-case that the options mean. InvalidOption before anything is asked."""
    check_names(params["name"], params["namespace"])
    questions = [_question(number, one) for number, one in enumerate(params["requests"])]
    return FluxWorkloads(kube_client(params, register), params["namespace"], params["name"], questions)


def _question(number: int, one: Params) -> Question:
    """What goes into a path of the API server must not lead to another one."""
    where = f"requests[{number}]"
    check_names(namespace=one["namespace"], where=f"{where}.")
    reason = names.wrong_label_name(one["service"])
    if reason:
        raise InvalidOption(f"{where}.service", reason)
    if not _PORT.fullmatch(one["port"]):
        raise InvalidOption(f"{where}.port", f"{one['port'][:80]!r} is neither the number nor the name of a port")
    if not _PATH.fullmatch(one["path"]) or ".." in one["path"].split("/"):
        raise InvalidOption(f"{where}.path", f"{one['path'][:80]!r} is not a path such as '/healthz'")
    return Question(one["namespace"], one["service"], one["port"], one["path"])
