# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_reconcile and flux_source_info with a real source-controller and a real kustomize-controller."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from interop.kube_api import ADMIN, NOBODY
from support.git_server import Bare, git_http_server

from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours
    from interop.cosign import Keys
    from interop.flux_cluster import Flux
    from interop.places import Place

FAST = 10.0  # seconds in which a refusal has to be known; the flux CLI waits for 300
Object = dict[str, t.Any]


@dataclass
class App:
    """An application: its repository, what is declared of it in a namespace, and our modules' way to both."""

    ours: Ours
    space: Flux
    keys: Keys
    tree: Path
    repository: str

    def write(self, text: str) -> None:
        """Another ConfigMap in the manifests."""
        metadata = f"metadata: {{name: app, namespace: {self.space.namespace}}}"
        (self.tree / "app.yaml").write_text(f"apiVersion: v1\nkind: ConfigMap\n{metadata}\ndata: {{text: {text}}}\n")

    def publish(self, keys: Keys | None = None, *, sign: bool = True) -> str:
        """Push what was written, sign it, and let the tag point to it; the digest."""
        pushed = self.ours("oci_push", reference=f"oci://{self.repository}", path=str(self.tree))
        reference = str(pushed["artifact"]["reference"])
        if sign:
            self.sign(reference, keys)
        self.ours("oci_tag", reference=reference, tags=["1.0.0"], move=True)
        return reference.partition("@")[2]

    def sign(self, reference: str, keys: Keys | None = None) -> None:
        self.ours("cosign_sign", reference=reference, **(keys or self.keys).options)

    def declare(self, **options: t.Any) -> Object:
        """The OCIRepository and, if asked for, the Kustomization."""
        given: Object = {"ref": {"tag": "1.0.0"}, "insecure": True, "allow_loopback": True, "interval": "10m"}
        url = f"oci://{self.repository}"
        return self.ours("flux_oci_source", **self.cluster, target="cluster", url=url, **{**given, **options})

    def reconcile(self, *, fails: bool = False, check: bool = False, **options: t.Any) -> Object:
        given = {"wait_timeout": 30, "wait_sleep": 0.2, **self.cluster, **options}
        if "resources" in options:
            del given["name"]
        return self.ours("flux_reconcile", fails=fails, check=check, **given)

    def info(self, **options: t.Any) -> Object:
        [found] = self.ours("flux_source_info", **{**self.cluster, **options})["sources"]
        return t.cast("Object", found)

    @property
    def cluster(self) -> Object:
        return {"kubeconfig": self.space.api.kubeconfig(), "namespace": self.space.namespace, "name": "app"}

    def applied(self) -> str:
        """What the workload says."""
        path = f"/api/v1/namespaces/{self.space.namespace}/configmaps/app"
        return str(self.space.api.call("GET", path)["data"]["text"])


@pytest.fixture
def app(ours: Ours, space: Flux, keys: Keys, embedded: Place, tmp_path: Path) -> App:
    tree = tmp_path / "manifests"
    tree.mkdir()
    space.secret("cosign-pub", {"cosign.pub": keys.public.read_bytes()})
    found = App(ours, space, keys, tree, embedded.repository())
    found.write("one")
    return found


def test_the_whole_story_and_again(app: App) -> None:
    digest = app.publish()
    app.declare(kustomization={})
    options: Object = {"resources": [{"name": "app", "expected_digest": digest}], "require_verification": True}
    options["resources"].append({"kind": "Kustomization", "name": "app", "expected_digest": digest})
    done = app.reconcile(**options)
    source, applier = done["resources"]
    assert (source["verified"], source["reason"], source["digest"]) == (True, "Succeeded", digest)
    assert source["message"] == f"verified signature of revision 1.0.0@{digest}"
    assert (applier["reason"], applier["digest"]) == ("ReconciliationSucceeded", digest)
    assert app.applied() == "one"
    live = app.space.get("ocirepositories")
    assert source["last_handled"] == live["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"]
    for check in (True, False):
        assert not app.reconcile(check=check, **options)["changed"]
    assert not app.declare(kustomization={})["changed"]


def test_check_mode_asks_nothing(app: App) -> None:
    app.publish()
    app.declare()
    app.space.settled()
    before = app.space.get("ocirepositories")["metadata"]
    predicted = app.reconcile(check=True)
    assert predicted["changed"]
    assert app.space.get("ocirepositories")["metadata"]["resourceVersion"] == before["resourceVersion"]


def test_of_a_key_one_sees_the_fingerprint(app: App) -> None:
    digest = app.publish()
    app.declare()
    app.reconcile(expected_digest=digest)
    found = app.info()
    public = PublicKey.load(app.keys.public.read_bytes(), "test")
    assert (found["verdict"], found["digest"], found["key_secret"]) == ("verified", digest, "cosign-pub")
    assert found["public_keys"] == [
        {"name": "cosign.pub", "fingerprint": public.fingerprint, "kind": "ecdsa-p256", "fault": None}
    ]
    assert found["ref"] == {"tag": "1.0.0"}
    assert not found["stale"]


@pytest.mark.parametrize("case", ["unsigned", "another key", "no .pub in the Secret", "no Secret"])
def test_what_is_not_proven_is_refused_at_once(case: str, app: App, other_keys: Keys) -> None:
    digest = app.publish(other_keys, sign=case == "another key")
    if case == "no .pub in the Secret":
        app.space.secret("cosign-pub", {"cosign.txt": app.keys.public.read_bytes()})
    app.declare(**({"verify": {"secret_ref": "absent"}} if case == "no Secret" else {}))
    begin = time.monotonic()
    failed = app.reconcile(fails=True, expected_digest=digest, wait_timeout=300)
    assert time.monotonic() - begin < FAST
    assert failed["failure"]["code"] == "refused"
    assert failed["failure"]["details"]["reason"] == "VerificationError"
    expected = 'secrets "absent" not found' if case == "no Secret" else "no matching signatures were found for"
    assert expected in failed["msg"]
    assert ("module flux_secret" in failed["msg"]) is ("Secret" in case)
    assert ("ends in .pub" in failed["msg"]) is (case == "no .pub in the Secret")
    found = app.info()
    assert (found["verdict"], found["revision"]) == ("refused", None)
    reasons = [one["rule"] for one in found["findings"]]
    assert ("keys-missing" in reasons) is ("Secret" in case)


def test_a_tag_that_was_moved_and_the_way_back(app: App) -> None:
    first = app.publish()
    app.declare(kustomization={})
    both: Object = {"kind": "Kustomization", "with_source": True}
    app.reconcile(expected_digest=first, **both)
    app.write("two")
    second = app.publish(sign=False)
    begin = time.monotonic()
    failed = app.reconcile(fails=True, **both)
    assert time.monotonic() - begin < FAST
    source, applier = failed["resources"]
    assert (source["state"], source["verified"], source["digest"]) == ("refused", False, first)
    assert applier["failure"]["code"] == "source_failed"
    assert second in source["message"]
    assert f"it keeps 1.0.0@{first}" in failed["msg"]
    assert app.applied() == "one"
    found = app.info()
    assert (found["verdict"], found["digest"]) == ("refused", first)
    assert "advertises-another" in [one["rule"] for one in found["findings"]]
    app.sign(f"{app.repository}@{second}")
    done = app.reconcile(expected_digest=second, **both)
    assert [one["digest"] for one in done["resources"]] == [second, second]
    assert app.applied() == "two"
    assert app.info()["verdict"] == "verified"


def test_a_request_leaves_no_trace_of_the_refusal_before(app: App) -> None:
    """Signed just now: what Flux said until then is not what it says of this request."""
    digest = app.publish(sign=False)
    app.declare()
    app.space.settled(status="False")
    app.sign(f"{app.repository}@{digest}")
    assert app.reconcile(expected_digest=digest)["resources"][0]["verified"]


def test_a_key_that_was_replaced(app: App, other_keys: Keys) -> None:
    """Since Flux 2.10 the artifact is verified again; before, the verdict stays, and we say what it is worth."""
    digest = app.publish()
    app.declare()
    app.reconcile(expected_digest=digest)
    time.sleep(1.1)  # Kubernetes notes times in seconds
    app.space.secret("cosign-pub", {"cosign.pub": other_keys.public.read_bytes()})
    live = app.space.get("ocirepositories")
    if "sourceVerificationFingerprint" in live["status"]:
        assert app.reconcile(fails=True, request="always")["failure"]["code"] == "refused"
        return
    assert app.reconcile(request="always", expected_digest=digest)["resources"][0]["verified"]
    found = app.info()
    assert (found["verdict"], found["verifies_again"]) == ("verified", None)
    assert "keys-changed" in [one["rule"] for one in found["findings"]]


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        ({"ref": {"tag": "9.9.9"}}, "not_ready", "OCIArtifactPullFailed"),
        ({"ref": {"semver": ">=5"}}, "not_ready", "ReadOperationFailed"),
        ({"secret_ref": "absent"}, "not_ready", "AuthenticationFailed"),
        ({"layer_selector": {"media_type": "application/x"}}, "not_ready", "OCIArtifactLayerOperationFailed"),
    ],
    ids=["tag", "range", "login", "layer"],
)
def test_what_waiting_cannot_mend_fails_at_once(app: App, options: Object, code: str, reason: str) -> None:
    app.publish()
    app.declare(**options)
    begin = time.monotonic()
    failed = app.reconcile(fails=True, wait_timeout=300)
    assert time.monotonic() - begin < FAST
    assert (failed["failure"]["code"], failed["failure"]["details"]["reason"]) == (code, reason)


def test_what_may_pass_is_waited_for(app: App) -> None:
    app.repository = "127.0.0.1:9/app"
    app.declare()
    failed = app.reconcile(fails=True, wait_timeout=2)
    assert failed["failure"]["code"] == "timed_out"
    assert "connection refused" in failed["msg"]
    assert app.info()["verdict"] == "unknown"


def test_manifests_that_cannot_be_built(app: App) -> None:
    first = app.publish()
    app.declare(kustomization={})
    both: Object = {"kind": "Kustomization", "with_source": True}
    app.reconcile(expected_digest=first, **both)
    (app.tree / "app.yaml").write_text("kind: [\n")
    second = app.publish()
    failed = app.reconcile(fails=True, expected_digest=second, wait_timeout=300, **both)
    source, applier = failed["resources"]
    assert (source["state"], applier["state"], applier["reason"]) == ("ready", "failed", "BuildFailed")
    assert applier["digest"] == first


def test_verification_that_was_switched_off(app: App) -> None:
    digest = app.publish(sign=False)
    app.declare(unverified=True)
    done = app.reconcile(expected_digest=digest)
    assert (done["ready"], done["resources"][0]["verified"]) == (True, None)
    assert (
        "asks for no signature" in app.reconcile(fails=True, expected_digest=digest, require_verification=True)["msg"]
    )
    found = app.info()
    assert (found["verdict"], [one["rule"] for one in found["findings"]]) == ("off", ["verify-off"])


def test_what_is_suspended_is_not_waited_for(app: App) -> None:
    app.publish()
    app.declare()
    app.reconcile()
    app.declare(suspend=True, verify={"secret_ref": "other"})
    assert any("is suspended" in str(warning) for warning in app.reconcile(check=True)["warnings"])
    assert app.reconcile(fails=True)["failure"]["code"] == "suspended"
    found = app.info()
    assert (found["verdict"], found["stale"], found["suspended"]) == ("unknown", True, True)


def test_what_is_missing(app: App) -> None:
    assert app.reconcile(fails=True)["failure"]["code"] == "not_found"
    assert app.reconcile(fails=True, namespace="no-such")["failure"]["code"] == "no_namespace"
    assert app.ours("flux_source_info", **app.cluster)["sources"] == []


def test_a_commit_and_the_objects_that_it_declares(app: App, tmp_path: Path) -> None:
    """The fleet's repository first: what it declares is there when its turn comes, and Flux keeps our requests."""
    digest = app.publish()
    rendered = app.ours(
        "flux_oci_source",
        target="none",
        name="app",
        namespace=app.space.namespace,
        url=f"oci://{app.repository}",
        allow_loopback=True,
        insecure=True,
        ref={"tag": "1.0.0"},
        kustomization={},
    )
    bare = Bare.create(tmp_path / "fleet.git", {"clusters/app.yaml": rendered["content"]})
    with git_http_server(tmp_path) as server:
        app.space.apply("gitrepositories", "GitRepository", _repository(server.url("fleet.git")), "fleet")
        applier = {"interval": "10m", "path": "./clusters", "prune": True}
        reference = {"sourceRef": {"kind": "GitRepository", "name": "fleet"}}
        app.space.apply("kustomizations", "Kustomization", {**applier, **reference}, "fleet")
        fleet = {"kind": "Kustomization", "name": "fleet", "with_source": True}
        workload = {"kind": "Kustomization", "name": "app", "with_source": True, "expected_digest": digest}
        done = app.reconcile(resources=[{**fleet, "expected_digest": bare.tip()}, workload])
        assert [one["name"] for one in done["resources"]] == ["fleet", "fleet", "app", "app"]
        assert app.applied() == "one"
        asked = app.space.get("ocirepositories")["metadata"]["annotations"]
        commit = bare.publish(
            {
                "clusters/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: "
                f"{app.space.namespace}}}\n"
            }
        )
        done = app.reconcile(resources=[{**fleet, "expected_digest": commit}, workload])
    assert [one["requested"] for one in done["resources"]] == [True, True, False, False]
    kept = app.space.get("ocirepositories")["metadata"]["annotations"]
    assert kept == asked


def _repository(url: str) -> Object:
    return {"interval": "10m", "url": url, "ref": {"branch": "main"}}


def test_who_may_only_read(app: App) -> None:
    digest = app.publish()
    app.declare()
    rules = [{"apiGroups": ["source.toolkit.fluxcd.io"], "resources": ["*"], "verbs": ["get", "list"]}]
    app.space.grant("nobody", rules)
    reader = app.space.api.kubeconfig(NOBODY, name="nobody")
    refused = app.reconcile(fails=True, kubeconfig=reader)
    assert refused["failure"]["code"] == "forbidden"
    assert "annotations" not in app.space.get("ocirepositories")["metadata"]
    assert app.reconcile(kubeconfig=reader, request="never", expected_digest=digest)["ready"]
    found = app.info(kubeconfig=reader)
    assert (found["verdict"], found["public_keys"]) == ("verified", None)
    assert "keys-unread" in [one["rule"] for one in found["findings"]]
    assert ADMIN not in str(refused)
