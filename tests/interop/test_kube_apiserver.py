# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_oci_source on a real kube-apiserver with Flux's own CRDs."""

from __future__ import annotations

import copy
import json
import secrets
import typing as t
import urllib.error

import pytest
from interop.flux_manifests import flux_definitions
from interop.kube_api import ADMIN, NOBODY, KubeApi

if t.TYPE_CHECKING:  # pragma: no cover
    from pathlib import Path

    from interop.conftest import Ours
    from interop.peers import Home

MODULE = "flux_oci_source"
SOURCE_GROUP, APPLIER_GROUP = "source.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1"
Object = dict[str, t.Any]


@pytest.fixture(scope="module")
def definitions() -> list[Object]:
    return flux_definitions()


@pytest.fixture
def api(server: KubeApi, definitions: list[Object]) -> KubeApi:
    server.with_flux(definitions)
    return server


@pytest.fixture
def namespace(api: KubeApi) -> str:
    """A new one in each test."""
    name = f"test-{secrets.token_hex(4)}"
    api.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    return name


class Declare(t.Protocol):
    def __call__(self, *, fails: bool = False, check: bool = False, **options: t.Any) -> Object: ...


@pytest.fixture
def declare(api: KubeApi, namespace: str, ours: Ours) -> Declare:
    def run(*, fails: bool = False, check: bool = False, **options: t.Any) -> Object:
        given: Object = {
            "target": "cluster",
            "kubeconfig": api.kubeconfig(),
            "namespace": namespace,
            "name": "app",
            "url": "oci://ghcr.io/org/app",
            **options,
        }
        return ours(
            MODULE, fails=fails, check=check, **{key: value for key, value in given.items() if value is not None}
        )

    return run


def _path(namespace: str, group: str = SOURCE_GROUP, plural: str = "ocirepositories", name: str = "app") -> str:
    return f"/apis/{group}/namespaces/{namespace}/{plural}/{name}"


def _found(api: KubeApi, path: str) -> Object | None:
    try:
        return t.cast("Object", api.call("GET", path))
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return None


EVERYTHING: Object = {
    "labels": {"team": "a"},
    "annotations": {"note": "text: with colon"},
    "ref": {"semver": ">=1.0", "semver_filter": "^v"},
    "timeout": "90s",
    "layer_selector": {"media_type": "application/x", "operation": "extract"},
    "ignore": "*.md\n",
    "provider": "generic",
    "secret_ref": "login",
    "service_account_name": "sa",
    "cert_secret_ref": "tls",
    "proxy_secret_ref": "proxy",
    "insecure": False,
    "suspend": True,
    "verify": {
        "match_oidc_identity": [{"issuer": r"^https://issuer\.example$", "subject": r"^https://git\.example/org/.*$"}],
        "trusted_root_secret_ref": "root",
    },
    "kustomization": {
        "labels": {"team": "a"},
        "annotations": {"note": "x"},
        "retry_interval": "2m",
        "wait": False,
        "force": True,
        "suspend": False,
        "service_account_name": "sa",
        "target_namespace": "web",
        "depends_on": [{"name": "base", "namespace": "infra"}, {"name": "other"}],
        "health_checks": [{"api_version": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "web"}],
        "post_build": {
            "substitute": {"a": "1"},
            "substitute_from": [{"kind": "ConfigMap", "name": "vars", "optional": True}],
        },
    },
}


@pytest.mark.parametrize("options", [{}, {"kustomization": {}}, EVERYTHING], ids=["default", "story", "everything"])
def test_check_run_check_run(api: KubeApi, namespace: str, declare: Declare, options: Object) -> None:
    predicted = declare(check=True, **options)
    assert predicted["changed"]
    assert _found(api, _path(namespace)) is None
    done = declare(**options)
    assert done["changed"]
    assert (done["actions"], done["resources"]) == (predicted["actions"], predicted["resources"])
    for manifest in done["manifests"]:
        group, plural = manifest["apiVersion"], f"{manifest['kind'].lower()}s".replace("ys", "ies")
        live = _found(api, _path(namespace, group, plural))
        assert live is not None
        assert live["spec"].items() >= manifest["spec"].items()
        [entry] = live["metadata"]["managedFields"]
        assert (entry["manager"], entry["operation"]) == ("proven.gitops", "Apply")
    for check in (True, False):
        again = declare(check=check, **options)
        assert not again["changed"], again
        assert again["diff"] == []
        assert [one["change"] for one in again["resources"]] == ["unchanged"] * len(again["resources"])


def test_absent_check_run_check_run(api: KubeApi, namespace: str, declare: Declare) -> None:
    declare(kustomization={})
    gone: Object = {"state": "absent", "kustomization": {}}
    assert declare(check=True, **gone)["changed"]
    assert _found(api, _path(namespace)) is not None
    assert declare(**gone)["changed"]
    assert _found(api, _path(namespace)) is None
    assert _found(api, _path(namespace, APPLIER_GROUP, "kustomizations")) is None
    for check in (True, False):
        assert not declare(check=check, **gone)["changed"]


def test_absent_takes_only_what_it_names(api: KubeApi, namespace: str, declare: Declare) -> None:
    declare(kustomization={})
    declare(state="absent")
    assert _found(api, _path(namespace)) is None
    assert _found(api, _path(namespace, APPLIER_GROUP, "kustomizations")) is not None


def test_an_object_with_a_finalizer_is_deleted_once(api: KubeApi, namespace: str, declare: Declare) -> None:
    """As under a running source-controller, which puts one on every source."""
    declare()
    merge = "application/merge-patch+json"
    api.call("PATCH", _path(namespace), {"metadata": {"finalizers": ["finalizers.fluxcd.io"]}}, merge)
    assert declare(state="absent")["changed"]
    assert not declare(state="absent")["changed"]
    assert "is being deleted" in declare(fails=True)["msg"]
    api.call("PATCH", _path(namespace), {"metadata": {"finalizers": None}}, merge)
    assert declare()["changed"]


def test_a_change_is_shown_and_applied(api: KubeApi, namespace: str, declare: Declare) -> None:
    declare(labels={"a": "1"}, timeout="30s")
    changed = declare(check=True, labels={"a": "2"}, interval="10m")
    [diff] = changed["diff"]
    assert "interval: 5m" in diff["before"]
    assert "interval: 10m" in diff["after"]
    assert 'a: "2"' in diff["after"]
    declare(labels={"a": "2"}, interval="10m")
    live = _found(api, _path(namespace))
    assert live is not None
    assert live["metadata"]["labels"] == {"a": "2"}
    assert (live["spec"]["interval"], live["spec"]["timeout"]) == ("10m", "60s")


def test_verification_cannot_be_lost_by_leaving_it_out(api: KubeApi, namespace: str, declare: Declare) -> None:
    declare(unverified=True)
    assert declare()["changed"]
    live = _found(api, _path(namespace))
    assert live is not None
    assert live["spec"]["verify"] == {"provider": "cosign", "secretRef": {"name": "cosign-pub"}}
    done = declare(unverified=True)
    assert [one["change"] for one in done["resources"]] == ["updated"]


def _theirs(namespace: str, **spec: t.Any) -> Object:
    return {
        "apiVersion": SOURCE_GROUP,
        "kind": "OCIRepository",
        "metadata": {"name": "app", "namespace": namespace},
        "spec": {"url": "oci://ghcr.io/org/app", "interval": "5m", **spec},
    }


def test_a_field_of_somebody_else_is_a_conflict(api: KubeApi, namespace: str, declare: Declare) -> None:
    api.apply(_path(namespace), _theirs(namespace, interval="7m"), "somebody")
    for check in (True, False):
        refused = declare(fails=True, check=check)
        assert refused["failure"]["code"] == "conflict"
        assert refused["failure"]["details"]["fields"] == {".spec.interval": "somebody"}
        assert "force_conflicts" in refused["msg"]
    assert declare(force_conflicts=True)["changed"]
    assert not declare()["changed"]


@pytest.mark.parametrize("manager", ["kubectl", "kubectl-edit", "flux"])
def test_a_field_that_a_person_set_gives_way(api: KubeApi, namespace: str, declare: Declare, manager: str) -> None:
    declare()
    patch = {"spec": {"interval": "7m", "verify": None}}
    api.call("PATCH", f"{_path(namespace)}?fieldManager={manager}", patch, "application/merge-patch+json")
    assert declare(check=True)["changed"]
    assert declare()["changed"]
    live = _found(api, _path(namespace))
    assert live is not None
    assert (live["spec"]["interval"], "verify" in live["spec"]) == ("5m", True)
    assert not declare()["changed"]


def test_a_field_with_two_managers_is_not_taken_from_the_one_who_stays(
    api: KubeApi, namespace: str, declare: Declare
) -> None:
    for manager in ("argocd", "kubectl"):
        api.apply(_path(namespace), _theirs(namespace, interval="7m"), manager)
    refused = declare(fails=True)
    assert refused["failure"]["details"]["fields"] == {".spec.interval": "argocd"}


def test_what_comes_from_git_is_to_be_changed_there(api: KubeApi, namespace: str, declare: Declare) -> None:
    api.apply(_path(namespace), _theirs(namespace, interval="7m"), "kustomize-controller")
    assert "git repository" in declare(fails=True)["msg"]


def test_an_equal_object_of_somebody_else_is_taken_over_once(api: KubeApi, namespace: str, declare: Declare) -> None:
    api.apply(_path(namespace), _theirs(namespace, ref={"semver": "*"}), "somebody")
    options: Object = {"unverified": True}
    assert [one["change"] for one in declare(**options)["resources"]] == ["updated"]
    assert not declare(**options)["changed"]


def test_what_somebody_else_suspended_stays_suspended(api: KubeApi, namespace: str, declare: Declare) -> None:
    declare()
    api.call(
        "PATCH", f"{_path(namespace)}?fieldManager=flux", {"spec": {"suspend": True}}, "application/merge-patch+json"
    )
    done = declare()
    assert not done["changed"]
    assert any("spec.suspend is set by flux" in str(warning) for warning in done["warnings"])


@pytest.mark.parametrize(
    "spec",
    [
        {"verify": {"provider": "cosign", "matchOIDCIdentity": [{"issuer": ".*", "subject": ".*"}]}},
        {"ref": {"digest": "sha256:" + "0" * 64}},
        {"insecure": True},
    ],
    ids=["verify", "ref", "insecure"],
)
def test_what_somebody_else_adds_to_the_proof_is_refused(
    api: KubeApi, namespace: str, declare: Declare, spec: Object
) -> None:
    declare()
    api.apply(_path(namespace), _theirs(namespace, **spec), "somebody")
    refused = declare(fails=True, check=True)
    assert refused["failure"]["code"] == "conflict"
    assert "what Flux verifies" in refused["msg"]


def test_a_field_that_the_crd_does_not_have_is_not_dropped(api: KubeApi, namespace: str, declare: Declare) -> None:
    """Before Flux 2.9 there is no trustedRootSecretRef; an API server drops such a field, and says nothing."""
    [definition] = [one for one in flux_definitions() if one["spec"]["names"]["plural"] == "ocirepositories"]
    older = copy.deepcopy(definition)
    for version in older["spec"]["versions"]:
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        del spec["properties"]["verify"]["properties"]["trustedRootSecretRef"]
    root: Object = {"verify": EVERYTHING["verify"]}
    api.install([older])
    try:
        refused = _eventually(lambda: declare(fails=True, **root))
    finally:
        api.install([definition])
    assert refused["failure"]["code"] == "rejected"
    assert ".spec.verify.trustedRootSecretRef: field not declared in schema" in refused["msg"]
    assert _found(api, _path(namespace)) is None


def _eventually(attempt: t.Callable[[], Object]) -> Object:
    """A changed CRD is served a moment after it is stored."""
    for _turn in range(50):
        try:
            return attempt()
        except AssertionError:
            continue
    return attempt()


def test_a_namespace_that_is_missing(api: KubeApi, declare: Declare) -> None:
    predicted = declare(namespace="not-yet", check=True)
    assert predicted["changed"]
    assert any("no namespace not-yet" in str(warning) for warning in predicted["warnings"])
    assert declare(namespace="not-yet", fails=True)["failure"]["code"] == "no_namespace"
    assert not declare(namespace="not-yet", state="absent")["changed"]


def test_who_may_not(api: KubeApi, declare: Declare) -> None:
    refused = declare(kubeconfig=api.kubeconfig(NOBODY, name="nobody"), fails=True)
    assert refused["failure"]["code"] == "forbidden"
    assert "ocirepositories" in refused["msg"]
    assert "nobody" in refused["msg"]


def test_who_may_read_only(api: KubeApi, namespace: str, declare: Declare) -> None:
    """The dry run asks for the same right as the change, so check mode finds it out."""
    role = {"metadata": {"name": namespace}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}]}
    subject = {"kind": "User", "name": "nobody", "apiGroup": "rbac.authorization.k8s.io"}
    reference = {"kind": "Role", "name": namespace, "apiGroup": "rbac.authorization.k8s.io"}
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    api.call("POST", f"{rbac}/roles", role)
    api.call(
        "POST", f"{rbac}/rolebindings", {"metadata": {"name": namespace}, "subjects": [subject], "roleRef": reference}
    )
    reader = api.kubeconfig(NOBODY, name="nobody")
    assert "not allowed to patch" in declare(kubeconfig=reader, check=True, fails=True)["msg"]
    declare()
    assert "not allowed to delete" in declare(kubeconfig=reader, state="absent", check=True, fails=True)["msg"]


def test_credentials_that_nobody_knows(api: KubeApi, declare: Declare) -> None:
    refused = declare(kubeconfig=api.kubeconfig("wrong-token", name="wrong"), fails=True)
    assert refused["failure"]["code"] == "unauthorized"
    assert "wrong-token" not in json.dumps(refused)


def test_options_instead_of_a_kubeconfig(api: KubeApi, declare: Declare) -> None:
    options: Object = {"kubeconfig": None, "host": api.host, "ca_cert": str(api.ca), "api_key": ADMIN}
    assert declare(**options)["changed"]
    assert "not trusted" in declare(kubeconfig=_without_ca(api), fails=True)["msg"]


def _without_ca(api: KubeApi) -> str:
    path = api.kubeconfig(name="trusts-nobody")
    with open(path, encoding="utf-8") as source:
        document = json.load(source)
    del document["clusters"][0]["cluster"]["certificate-authority"]
    with open(path, "w", encoding="utf-8") as target:
        json.dump(document, target)
    return path


def test_a_cluster_without_flux(server: KubeApi, ours: Ours) -> None:
    server.reset()
    options: Object = {"target": "cluster", "kubeconfig": server.kubeconfig(), "name": "app"}
    predicted = ours(MODULE, check=True, url="oci://ghcr.io/org/app", **options)
    assert any("install Flux" in str(warning) for warning in predicted["warnings"])
    refused = ours(MODULE, fails=True, url="oci://ghcr.io/org/app", **options)
    assert refused["failure"]["code"] == "not_installed"
    assert not ours(MODULE, state="absent", **options)["changed"]


def test_a_file_of_ours_means_the_same_to_kubectl(
    api: KubeApi, namespace: str, ours: Ours, home: Home, tmp_path: Path
) -> None:
    """Go's YAML parser is not Python's: what one takes for a string, the other might take for a number."""
    dest = tmp_path / "sync.yaml"
    texts = {"a": "y", "b": "1e3", "c": "0o17", "d": "12e4567", "e": "1_000", "f": "null", "g": "NO", "h": "0x1F"}
    options: Object = {
        "namespace": namespace,
        "labels": texts,
        "annotations": {"n": "a: b # c\n\td ", "o": "été\u2028", "p": " x", "q": "*", "r": "1:30", "s": "=", "t": ".5"},
        "ignore": "# docs\n/*\n!/deploy\n",
        "kustomization": {"post_build": {"substitute": texts}},
    }
    rendered = ours(MODULE, dest=str(dest), name="app", url="oci://ghcr.io/org/app", **options)
    arguments = ("--kubeconfig", api.kubeconfig(), "create", "--dry-run=server", "-o", "json", "-f", str(dest))
    documents = home.cli("kubectl")(*arguments).replace("\n}\n{", "\n}\0{").split("\0")
    for text, manifest in zip(documents, rendered["manifests"], strict=True):
        read = json.loads(text)
        assert read["metadata"].get("labels") == manifest["metadata"].get("labels")
        assert read["metadata"].get("annotations", {}) == manifest["metadata"].get("annotations", {})
        assert read["spec"].items() >= manifest["spec"].items()
