# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask Flux to reconcile one object, and wait until it has answered this very request."""

from __future__ import annotations

import re
import time
import typing as t
from dataclasses import dataclass

from ..._flux.kinds import KUSTOMIZATION, Kind
from ..._flux.status import conditions, inventory
from ..._flux.status.conditions import Reading
from ..._flux.status.judgement import Judgement, judge
from ..._kube import pods, waiter
from ..._kube.client import KubeClient
from ..._kube.errors import Forbidden, NoNamespace
from ..._kube.waiter import Sight
from ..._shared.errors import GitopsError
from ..._shared.object_id import ObjectId
from .._case import QUIET

if t.TYPE_CHECKING:  # pragma: no cover
    from .._case import Progress

Object = dict[str, t.Any]

AGAIN = 10.0  # seconds after which a request is repeated, while Flux is held up: its own pauses grow to 15 minutes
SETTLE = 30.0  # seconds that a registry, a mirror or a git host gets to show everybody what was published
_HEALTH = re.compile(r"health ?check", re.IGNORECASE)


class NotReady(GitopsError):
    """An object is not as it is to be. `details` has the object, `reason`, `revision`, `digest` and `conditions`."""

    code = "not_ready"


class Refused(NotReady):
    """Flux does not take the artifact: its signature is missing, or is by nobody that is trusted."""

    code = "refused"


class Elsewhere(NotReady):
    """Flux was given another digest than the expected one."""

    code = "elsewhere"


class TimedOut(NotReady):
    """It was not decided in time. `details.conditions` are those that were seen last."""

    code = "timed_out"


class Suspended(NotReady):
    """The object is suspended, so Flux does not look at it."""

    code = "suspended"


class NotFound(NotReady):
    """There is no such object, or it is going away."""

    code = "not_found"


class SourceFailed(NotReady):
    """What the object takes from has failed, in this very task."""

    code = "source_failed"


@dataclass(frozen=True)
class Target:
    """An object, the digest that it is to be at (or empty), and whether its source comes first."""

    kind: Kind
    namespace: str
    name: str
    expected: str = ""
    with_source: bool = False

    @property
    def id(self) -> ObjectId:
        """What identifies it."""
        return ObjectId(self.kind.api_version, self.kind.name, self.namespace, self.name)

    def __str__(self) -> str:
        return str(self.id)


class Clock(waiter.Clock, t.Protocol):
    """Time, and the tokens of requests."""

    def token(self) -> str:
        """A text that no request has had before."""


class SystemClock(waiter.SystemClock):
    """The real one. A token is the time in RFC 3339, as the flux CLI writes it; Flux only compares it."""

    def token(self) -> str:
        """The time, to the nanosecond."""
        seconds, rest = divmod(time.time_ns(), 10**9)
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"


@dataclass(frozen=True)
class Pace:
    """How long to wait for each object, and between two looks at it, in seconds; `ask` whether requests are made."""

    timeout: float = 300.0
    pause: float = 1.0
    ask: bool = True


@dataclass
class Result:
    """What became of one object. `error` is why it is not ready."""

    target: Target
    reading: Reading | None = None
    judgement: Judgement | None = None
    requested: bool = False
    duration: float = 0.0
    error: GitopsError | None = None


def look(client: KubeClient, target: Target) -> tuple[Object, Reading]:
    """The object as it is. Raises NotFound, NoNamespace, Suspended and KubeError's kinds."""
    live = client.get(client.locate(target.id))
    if live is None:
        raise _missing(client, target)
    reading = conditions.read(live, target.kind)
    if reading.deleting:
        raise NotFound(f"{target} is being deleted")
    if reading.static:
        raise NotReady(f"{target} is of type oci: Flux has nothing to do for it, its HelmCharts are what it reconciles")
    if reading.suspended:
        raise Suspended(f"{target} is suspended: Flux does not look at it until spec.suspend is taken away")
    return live, reading


def _missing(client: KubeClient, target: Target) -> GitopsError:
    try:
        namespace = client.get(client.locate(ObjectId("v1", "Namespace", "", target.namespace)))
    except Forbidden:  # it may well be there
        namespace = {}
    if namespace is None:
        return NoNamespace(f"{target}: there is no namespace {target.namespace}: make it first", host=client.host)
    return NotFound(f"there is no {target}: declare it first", host=client.host)


class Wait:
    """One object on its way from a request to a verdict."""

    def __init__(
        self,
        client: KubeClient,
        target: Target,
        pace: Pace,
        clock: Clock,
        progress: Progress = QUIET,
        *,
        must_verify: bool,
    ) -> None:
        self._client = client
        self._target = target
        self._pace = pace
        self._clock = clock
        self._progress = progress
        self._must_verify = must_verify
        self._token = ""
        self._before = ""
        self._asked_at = 0.0
        self._end = 0.0
        self._elsewhere_since: float | None = None

    def ask(self, handled: str) -> Object:
        """Write a request; `handled` is the last one that had been answered before. The object with it."""
        self._token, self._before, self._asked_at = self._clock.token(), handled, self._clock.now()
        address, token = self._client.locate(self._target.id), {conditions.REQUESTED_AT: self._token}
        live = self._client.annotate(address, token, dry_run=False)
        if live is None:
            raise _missing(self._client, self._target)
        return live

    def until_decided(self, expected: str) -> tuple[Reading, Judgement]:
        """The verdict, or what was seen last when the time was over. Raises what `look` does."""
        pace = self._pace
        self._end = self._clock.now() + pace.timeout
        wait = waiter.Waiter(pace.timeout, pause=pace.pause, clock=self._clock, tell=self._progress.waiting)
        return wait.until(lambda: self._see(expected)).value

    def _see(self, expected: str) -> Sight[tuple[Reading, Judgement]]:
        live, reading = look(self._client, self._target)
        judgement, now = self.judge(reading, expected), self._clock.now()
        if judgement.state == "elsewhere" and self._elsewhere_since is None:
            self._elsewhere_since = now
        elif judgement.state == "retrying":
            self._elsewhere_since = None
        held_up = self._held_up(live, judgement)
        words = held_up or f"{judgement.reason}: {judgement.message}"
        if held_up:
            said = f"{judgement.message}: {held_up}" if judgement.state == "failed" else held_up
            judgement = Judgement(judgement.state, judgement.reason, said)
        done = judgement.state in ("ready", "refused", "failed") or self._is_settled(self._elsewhere_since, now)
        if not done and now < self._end:
            self._ask_again(reading, judgement, now)
        return Sight((reading, judgement), done, str(self._target), words)

    def _held_up(self, live: Object, judgement: Judgement) -> str:
        """What the pods say that Flux waits for: of a health check, Flux says no more than that it is running."""
        checking = _HEALTH.search(f"{judgement.reason} {judgement.message}")
        if self._target.kind is not KUSTOMIZATION or judgement.state == "ready" or not checking:
            return ""
        applied = [*inventory.entries(live), *inventory.checked(live)]
        return pods.held_up(self._client, dict.fromkeys(one for one in applied if pods.is_workload(one)))

    def judge(self, reading: Reading, expected: str) -> Judgement:
        """What a reading means, unless it is of a time before the request."""
        if self._token and not reading.answers(self._token, self._before):
            busy = reading.current(conditions.RECONCILING)
            doing = busy.message if busy else "is its controller running?"
            return Judgement("working", "NotHandled", f"Flux has not answered the request yet: {doing}")
        return judge(reading, expected, must_verify=self._must_verify)

    def _is_settled(self, since: float | None, now: float) -> bool:
        """Whether a source had long enough to see what was published. Others follow their sources, and may be late."""
        asking = self._pace.ask and self._target.kind.is_source
        return asking and since is not None and now - since >= SETTLE

    def _ask_again(self, reading: Reading, judgement: Judgement, now: float) -> None:
        held_up = judgement.state in ("retrying", "elsewhere")
        if self._token and held_up and now - self._asked_at >= AGAIN:
            self.ask(reading.handled)


def error_of(
    target: Target, reading: Reading, judgement: Judgement, timeout: float, hint: t.Callable[[], str]
) -> NotReady | None:
    """Why an object is not ready, as a sentence for people and as data for programs. `hint` is asked at a time-out."""
    if judgement.state == "ready":
        return None
    details: dict[str, t.Any] = {
        "kind": target.kind.name,
        "namespace": target.namespace,
        "name": target.name,
        "state": judgement.state,
        "reason": judgement.reason,
        "revision": reading.revision,
        "digest": reading.digest,
        "expected_digest": target.expected,
        "conditions": [one.as_value() for one in reading.conditions.values()],
    }
    if judgement.state == "refused":
        kept = f"it keeps {reading.revision}" if reading.revision else "it has nothing else"
        return Refused(f"{target}: Flux refuses it: {judgement.reason}: {judgement.message}; {kept}", **details)
    if judgement.state == "failed":
        return NotReady(f"{target}: {judgement.reason}: {judgement.message}", **details)
    if judgement.state == "elsewhere" and target.kind.is_source:
        return Elsewhere(f"{target}: {judgement.message}", **details)
    return TimedOut(
        f"{target}: not ready within {timeout:g} s: {judgement.message}. {_last_seen(reading, judgement)}{hint()}",
        timeout=timeout,
        **details,
    )


def _last_seen(reading: Reading, judgement: Judgement) -> str:
    """The conditions, each message once: controllers write one and the same into several."""
    said, parts = judgement.message, []
    for one in reading.conditions.values():
        parts.append(one.head if one.message in said else str(one))
        said += one.message
    return f"Last seen: {'; '.join(parts) or 'no conditions'}"
