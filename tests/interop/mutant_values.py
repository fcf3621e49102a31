# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and media types, as JSON's and semantic versions' readers may take them or not."""

from __future__ import annotations

from interop.stored import BUNDLE

PREFIX = BUNDLE.partition(".v0.3")[0]

INTEGERS = (
    *(
        "1",
        "0",
        "-0",
        '"1"',
        '"-1"',
        '"01"',
        '"1e3"',
        "1e3",
        "1.0",
        '"1.0"',
        "1.5",
        "1.5e1",
        "15e-1",
        "10e-1",
        '"10e-1"',
    ),
    *(
        "1e-1",
        "0e5",
        "0.0",
        "-1",
        '"+1"',
        '" 1"',
        '"1 "',
        '"1 x"',
        '"1,"',
        '"1]"',
        '"1x"',
        '"1.x"',
        '""',
        "true",
        "null",
    ),
    *("9223372036854775807", "9223372036854775808", '"-9223372036854775808"', "1e18", "1e19", "1e400", "0e99999999999"),
    *(
        "1E+2",
        '"1E+2"',
        "1e",
        '"1e"',
        '"1e,"',
        "1e+",
        '"0x1"',
        '"1_000"',
        "[]",
        "{}",
        "0.5e1",
        "100000000000000000000e-2",
    ),
    *('"1\\n"', '"\\u00a01"', '"1\\u2003"', '"1\\u001c"', '"\\uff11"', "1." + "0" * 5000, "1" + "0" * 5000 + "e-5000"),
)
MEDIA_TYPES = (
    *(f"{PREFIX}.{version}+json" for version in ("v0.3", "v0.3.0", "v0.3.1", "v0.3.10", "v0.3.01", "v0.30", "v00.3")),
    *(
        f"{PREFIX}.{version}+json"
        for version in ("v0.3.1-rc1", "v0.3.0-rc1", "v0.3-rc1", "v0.4", "v0.4.0-rc1", "v0.4.0")
    ),
    *(
        f"{PREFIX}.{version}+json"
        for version in ("v0.3.1+a", "v0.3.0+a.b-1", "v0.3.1+", "v0.3.1-", "v0.3.1-01", "v0.3.1-0a")
    ),
    *(
        f"{PREFIX}.{version}+json"
        for version in ("v0.4.0-a.1.b+c", "v0.4.0-a..b", "v0", "v1", "v0.2", "v0.1", "v0.2.9", "")
    ),
    *(
        f"{PREFIX}{rest}"
        for rest in ("+json;version=0.3", "+json;version=0.2", "+json;version=0.4", "+json", ".v0.3", "")
    ),
    *(BUNDLE + "\n", " " + BUNDLE, BUNDLE.upper(), "application/json", f"{PREFIX}.v0.3.{'9' * 30}+json"),
)
