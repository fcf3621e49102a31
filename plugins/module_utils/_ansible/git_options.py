# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that works with a git repository; documented by the fragment `_git_access`."""

from __future__ import annotations

from .._git.access import Access, check
from .._git.address import Address, parse_address, password_in
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Params, Register, variable
from .git_login import https_options, ssh_options, token_of, token_options

_PREFIX = "PROVEN_GIT_"

GIT_ACCESS = ArgumentSpec(options={"repository": variable("str", f"{_PREFIX}REPOSITORY", required=True)}).merge(
    token_options(_PREFIX, {"username": ("GIT_USERNAME",), "token": ("GIT_TOKEN", "GIT_PASSWORD")}),
    ssh_options(_PREFIX),
    https_options(_PREFIX, timeout=120),
)


def address_and_access(params: Params, register_secret: Register) -> tuple[Address, Access]:
    """Where the repository is and how to get in. Raises InvalidOption before anything is sent."""
    text = params["repository"].strip()
    for password in sorted({password_in(text), password_in(text, written=True)}):
        register_secret(password)  # the refusal shows the task's options
    try:
        address = parse_address(text)
    except ValueError as error:
        raise InvalidOption("repository", str(error)) from error
    access = Access(
        username=params["username"] or "",
        token=token_of(params, register_secret),
        privatekey_path=params["privatekey_path"] or "",
        privatekey_content=params["privatekey_content"] or "",
        known_hosts_path=params["known_hosts_path"] or "",
        known_hosts=params["known_hosts"] or "",
        ca_path=params["ca_path"] or "",
        validate_certs=params["validate_certs"],
        insecure=params["insecure"],
    )
    check(address, access)
    return address, access
