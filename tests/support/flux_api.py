# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server with Flux behind it, over real sockets: objects that answer requests as a test wants them to.

with FluxApi() as api:
    api.put(recorded("unsigned"))                        # as it is
    api.answers("ocirepositories", recorded("verified"))  # as it will be, once it is asked
    ... what is tested talks to api.url ...
    assert api.asked == ["ocirepositories/app"]
"""

from __future__ import annotations

import json
import typing as t
from urllib.parse import parse_qs, urlsplit

from support.flux_status import requested
from support.wire import Seen, Step, Wire

ASKED_AT = "reconcile.fluxcd.io/requestedAt"
Object = dict[str, t.Any]


class FluxApi(Wire):
    """`asked` lists the requests that were made, `tried` those that only a dry run made; `seen` has every exchange."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.tried: list[str] = []
        self.tokens: list[str] = []
        self.objects: dict[str, Object] = {}
        self.namespaces = {"flux-system"}
        self.faults: list[tuple[int, Object]] = []  # each is given once instead of the answer to a GET
        self._answers: dict[str, list[list[Object]]] = {}
        self._coming: dict[str, list[Object]] = {}

    def put(self, *values: Object, plural: str = "") -> None:
        """Objects as they are now."""
        for value in values:
            metadata = value["metadata"]
            self.objects[self._key(plural or _plural(value["kind"]), metadata["name"])] = value

    def answers(self, plural: str, *states: Object, name: str = "app") -> None:
        """What the next request for an object leads to, look by look. The last one has answered it, and stays.

        Each further call is about the request after that; the last call also about all later ones.
        """
        self._answers.setdefault(self._key(plural, name), []).append(list(states))

    @staticmethod
    def _key(plural: str, name: str) -> str:
        return f"{plural}/{name}"

    def take(self, seen: Seen) -> Step | None:
        with self._lock:
            self.seen.append(seen)
            parts = urlsplit(seen.target)
            key = "/".join(parts.path.split("/")[-2:])
            if parts.path.startswith("/api/v1/namespaces/") and parts.path.count("/") == 4:
                return self._namespace(key.rpartition("/")[2])
            if self.faults and seen.method == "GET":
                status, value = self.faults.pop(0)
                return _step(seen, status, value)
            if len(parts.path.partition("/namespaces/")[2].split("/")) != 3:
                return self._list(seen, parts.path, parse_qs(parts.query))
            if key not in self.objects:
                details = {"name": key.rpartition("/")[2], "kind": key.partition("/")[0]}
                return _step(seen, 404, {"kind": "Status", "message": f"{key} not found", "details": details})
            if seen.method == "PATCH":
                return self._ask(seen, key, "dryRun" in parse_qs(parts.query))
            if self._coming.get(key):
                self.objects[key] = self._coming[key].pop(0)
            return _step(seen, 200, self.objects[key])

    def _namespace(self, name: str) -> Step:
        there = name in self.namespaces
        status: Object = {"kind": "Status", "details": {"name": name, "kind": "namespaces"}}
        return Step("GET", None, 200 if there else 404, {}, json.dumps({} if there else status).encode(), {}, None)

    def _list(self, seen: Seen, path: str, query: t.Mapping[str, list[str]]) -> Step:
        """All of a kind; of the selectors, only the one for a name is obeyed."""
        plural = path.rpartition("/")[2]
        [name] = query.get("fieldSelector", ["metadata.name="])
        wanted = name.removeprefix("metadata.name=")
        inside = path.partition("/namespaces/")[2].partition("/")[0]
        listed = [
            value
            for key, value in self.objects.items()
            if key.startswith(f"{plural}/")
            and wanted in ("", value["metadata"]["name"])
            and inside in ("", value["metadata"]["namespace"])
        ]
        return _step(seen, 200, {"items": listed, "metadata": {}})

    def _ask(self, seen: Seen, key: str, dry_run: bool) -> Step:
        assert seen.headers["Content-Type"] == "application/merge-patch+json"
        [(name, token)] = json.loads(seen.body)["metadata"]["annotations"].items()
        assert name == ASKED_AT
        changed = requested(self.objects[key], token, handled=False)
        if dry_run:
            self.tried.append(key)
            return _step(seen, 200, changed)
        self.asked.append(key)
        self.tokens.append(token)
        self.objects[key] = changed
        following = self._answers.get(key)
        if following:
            *states, last = following.pop(0) if len(following) > 1 else following[0]
            self._coming[key] = [requested(one, token, handled=False) for one in states] + [requested(last, token)]
        return _step(seen, 200, changed)


def _plural(kind: str) -> str:
    return f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"


def _step(seen: Seen, status: int, value: Object) -> Step:
    return Step(seen.method, None, status, {}, json.dumps(value).encode(), {}, None)
