# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts where everybody can have an account, and with it an identity: a pattern has to name whose."""

from __future__ import annotations

import re

# How many segments of the path belong to one account. The first part are hosts of subjects, the second of issuers.
_ACCOUNTS = {
    "bitbucket.org": 1,
    "buildkite.com": 1,
    "circleci.com": 4,  # api/v2/projects/<id>
    "codeberg.org": 1,
    "dev.azure.com": 1,
    "g.codefresh.io": 1,
    "git.sr.ht": 1,
    "gitea.com": 1,
    "gitee.com": 1,
    "github.com": 1,
    "gitlab.com": 1,
    "container.googleapis.com": 3,  # v1/projects/<project>
    "login.microsoftonline.com": 1,
    "oidc.circleci.com": 2,  # org/<id>
    "securetoken.google.com": 1,
    "storage.googleapis.com": 1,
    "sts.windows.net": 1,
    "token.actions.githubusercontent.com": 1,
}
_BY_PATTERN = (
    (re.compile(r"oidc\.eks\.[a-z0-9-]+\.amazonaws\.com"), 2),  # id/<cluster>
    (re.compile(r"(?:cognito-idp|s3)\.[a-z0-9-]+\.amazonaws\.com|s3\.amazonaws\.com"), 1),
)

# Their tokens say which file of which branch ran, and a branch may be called x@example.com.
BUILD_ISSUERS = frozenset(
    {
        "agent.buildkite.com",
        "gitlab.com",
        "oidc.circleci.com",
        "oidc.codefresh.io",
        "token.actions.githubusercontent.com",
    }
)

# Where everybody can have an address.
PUBLIC_MAIL = frozenset(
    {
        "163.com",
        "aol.com",
        "fastmail.com",
        "gmail.com",
        "gmx.at",
        "gmx.ch",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hey.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mac.com",
        "mail.com",
        "mail.ru",
        "mailbox.org",
        "me.com",
        "msn.com",
        "outlook.com",
        "pm.me",
        "posteo.de",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "t-online.de",
        "tuta.com",
        "tutanota.com",
        "users.noreply.github.com",
        "web.de",
        "yahoo.com",
        "yandex.com",
        "yandex.ru",
        "ymail.com",
        "zoho.com",
    }
)

# Below them everybody can register a name: com, co.uk, com.au.
_SUFFIX = re.compile(r"(?:(?:ac|co|com|edu|go|gob|gov|ne|net|or|org)\.)?[a-z]{2}|[a-z0-9-]+|(?:github|gitlab)\.io")


def account_segments(host: str) -> int:
    """How many segments of a path name an account there; 0 where a whole host is somebody's own."""
    name = host.partition(":")[0].rstrip(".")
    found = next((count for pattern, count in _BY_PATTERN if pattern.fullmatch(name)), 0)
    return _ACCOUNTS.get(name, found)


def is_registered(domain: str) -> bool:
    """Whether `domain` is somebody's own, and not one below which everybody can register a name."""
    return _SUFFIX.fullmatch(domain) is None
