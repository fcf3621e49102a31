# SPDX-License-Identifier: GPL-3.0-or-later
"""The house rules on the whole checkout, and each rule on an example that breaks it."""

from __future__ import annotations

import functools
import importlib
import os
import re
import typing as t
from pathlib import Path

import house_graph as graph
import house_rules as rules
import pytest
import yaml

from ansible_collections.proven.gitops.plugins.module_utils._ansible.argspec import ArgumentSpec
from ansible_collections.proven.gitops.plugins.module_utils._shared import requirements

ROOT = Path(__file__).resolve().parent.parent.parent
PYPI = {name: re.split("[<>=]", package)[0] for name, package in requirements.PACKAGES.items()}
DISTRIBUTIONS = {name: package.lower() for name, package in PYPI.items()}
ALWAYS = ("requirements.txt", "requirements-cluster.txt")
BOUNDS = {"python-dateutil<3"}  # what pip is only told lest it takes the wrong one
USED = (*ALWAYS, "requirements-keyless.txt", "requirements-keys.txt")  # all of what they name is imported
INSTALLED = (*USED, "requirements-policy.txt")  # by users, each for what it is for
CODE = (".py", ".yml", ".yaml", ".toml", ".cfg", ".txt", ".sh", ".j2")
NO_HEADER = ("changelogs/changelog.yaml", "LICENSES/GPL-3.0-or-later.txt")
TOP = (
    ".ci",
    ".github",
    "changelogs",
    "docs",
    "examples",
    "extensions",
    "meta",
    "playbooks",
    "plugins",
    "roles",
    "tests",
)


def _files(top: str, *suffixes: str) -> list[str]:
    found = []
    for directory, below, names in os.walk(ROOT / top):
        below[:] = [name for name in below if not name.startswith((".", "__pycache__")) and name != "build"]
        found += [os.path.relpath(os.path.join(directory, name), ROOT) for name in names if name.endswith(suffixes)]
    return sorted(found)


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@functools.cache
def _known(path: str) -> str | None:
    return _read(path) if (ROOT / path).is_file() else None


def _fragment(name: str) -> str:
    return _read(f"plugins/doc_fragments/{name}.py")


MODULES = [path for path in _files("plugins/modules", ".py") if not path.endswith("__init__.py")]
PLUGINS = _files("plugins", ".py")
PYTHON = PLUGINS + _files("tests", ".py")
SCRIPTS = [f".ci/{name}" for name in sorted(os.listdir(ROOT / ".ci"))] if (ROOT / ".ci").is_dir() else []
TEXTS = [path for top in TOP for path in _files(top, *CODE) if path not in NO_HEADER] + SCRIPTS
TEXTS += [path.name for path in ROOT.iterdir() if path.name == "Makefile" or path.suffix in CODE]
ROLES = _files("roles", "argument_specs.yml")


def _violations(rule: t.Callable[[str, str], list[str]], paths: t.Iterable[str]) -> list[str]:
    return [violation for path in paths for violation in rule(path, _read(path))]


def _options_of(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """The options that a module's main() parses its arguments with."""

    class Captured(Exception):
        pass

    captured: dict[str, t.Any] = {}

    def capture(spec: ArgumentSpec, **_more: t.Any) -> t.NoReturn:
        captured.update(spec.options)
        raise Captured

    monkeypatch.setattr(ArgumentSpec, "create_module", capture)
    name = Path(module).stem
    with pytest.raises(Captured):
        importlib.import_module(f"ansible_collections.proven.gitops.plugins.modules.{name}").main()
    return captured


@pytest.mark.parametrize(
    ("rule", "paths"),
    [
        (rules.names_its_licence, TEXTS),
        (rules.file_is_short, TEXTS),
        (rules.functions_are_short, PYTHON),
        (rules.module_is_thin, MODULES),
        (rules.pure_code_is_pure, PLUGINS),
        (rules.dependencies_point_one_way, PLUGINS),
        (rules.own_imports_are_relative, PLUGINS),
        (rules.names_say_something, PYTHON),
        (rules.broad_excepts, PLUGINS),
        (rules.concepts_stand_once, PLUGINS),
        (rules.use_cases_say_what_they_do, PLUGINS),
        (rules.returned_names, MODULES),
        (rules.outcome_names, PLUGINS),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_checkout(rule: t.Callable[[str, str], list[str]], paths: list[str]) -> None:
    assert paths
    found = _violations(rule, paths)
    assert not found, "\n".join(found)


def test_the_action_groups_are_complete() -> None:
    groups = yaml.safe_load(_read("meta/runtime.yml"))["action_groups"]
    assert set(groups) == {"all", *rules.GROUPS}
    assert rules.action_group_is_complete("all", groups["all"], [Path(path).stem for path in MODULES]) == []
    for name, fragment in rules.GROUPS.items():
        belong = [Path(path).stem for path in MODULES if rules.extends(_read(path), fragment)]
        assert rules.action_group_is_complete(name, groups[name], belong) == []


@pytest.mark.parametrize("path", MODULES)
def test_modules_document_their_action_groups(path: str) -> None:
    groups = yaml.safe_load(_read("meta/runtime.yml"))["action_groups"]
    mine = [name for name, modules in groups.items() if Path(path).stem in modules]
    assert rules.membership_is_documented(path, rules.full_documentation(_read(path), _fragment), mine) == []


@pytest.mark.parametrize("path", MODULES)
def test_modules_document_their_attributes(path: str) -> None:
    documentation = rules.full_documentation(_read(path), _fragment)
    assert rules.attributes_are_documented(path, documentation, rules.ATTRIBUTES) == []


def test_roles_document_their_attributes() -> None:
    entries = [(path, entry) for path in ROLES for entry in yaml.safe_load(_read(path))["argument_specs"].values()]
    for path, entry in entries:
        assert rules.attributes_are_documented(path, entry, rules.ROLE_ATTRIBUTES) == []


@pytest.mark.parametrize("path", MODULES)
def test_secrets_have_an_environment(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    documented = rules.full_documentation(_read(path), _fragment)["options"]
    assert rules.secrets_have_an_environment(path, _options_of(path, monkeypatch), documented) == []


def test_the_requirements_are_what_is_imported() -> None:
    imported = {name for path in PLUGINS for name in rules.third_party_imports(_read(path))}
    found = {DISTRIBUTIONS.get(name, name) for name in imported}
    names = {file: rules.requirement_names("\n".join(_lines(file))) for file in INSTALLED}
    assert set[str]().union(*(names[file] for file in USED)) <= found <= set[str]().union(*names.values())


@pytest.mark.parametrize("path", MODULES)
def test_modules_document_their_requirements(path: str) -> None:
    own = rules.documents(_read(path))["DOCUMENTATION"]
    parts = [rules.fragment(name, _fragment) for name in own.get("extends_documentation_fragment", [])]
    documented = [line for part in [*parts, own] for line in part.get("requirements", [])]
    assert graph.requirements_are_documented(path, documented, _known, PYPI) == []


def test_the_packages_that_are_named_when_missing_are_the_required_ones() -> None:
    named = set(requirements.PACKAGES.values())
    assert _lines(*USED) <= named <= _lines(*INSTALLED)


def test_no_files_import_each_other_in_a_ring() -> None:
    assert graph.circles(PLUGINS, _known) == []


def test_execution_environments_get_the_same_requirements() -> None:
    """Without what only some ways of signing need: who asks for one adds its file to the environment's definition."""
    assert _lines("meta/ee-requirements.txt") == _lines(*ALWAYS)


def _lines(*files: str) -> set[str]:
    return {line for file in files for line in _read(file).splitlines() if line and line[0] not in "#-"} - BOUNDS


# Each rule on an example that breaks it: a rule that cannot fail checks nothing.

UTILS = "from ansible_collections.proven.gitops.plugins.module_utils"
LONG = "def long() -> None:\n" + "    print()\n" * 40
THICK = "DOCUMENTATION = r'''\nmodule: x\n'''\n\n# why\n" + "a = 1\n" * 61


@pytest.mark.parametrize(
    ("rule", "path", "text", "expected"),
    [
        (rules.names_its_licence, "plugins/modules/x.py", "import os\n", "no SPDX line"),
        (rules.file_is_short, "plugins/modules/x.py", "a = 1\n" * 401, "401 lines"),
        (rules.functions_are_short, "plugins/modules/x.py", LONG, ":1: long has 41 lines"),
        (rules.functions_are_short, "tests/x.py", "class C:\n    async " + LONG.replace("\n", "\n    "), "long has 41"),
        (rules.module_is_thin, "plugins/modules/x.py", THICK, "61 lines of code"),
        (rules.pure_code_is_pure, "plugins/module_utils/_flux/x.py", "import ansible.errors", "_flux imports ansible"),
        (rules.pure_code_is_pure, "plugins/module_utils/_registry/x.py", "from ansible import errors", "know Ansible"),
        (rules.pure_code_is_pure, "plugins/module_utils/_cosign/x.py", "import urllib3", "is pure"),
        (rules.pure_code_is_pure, "plugins/module_utils/_artifact/x.py", "import urllib.request", "is pure"),
        (
            rules.pure_code_is_pure,
            "plugins/module_utils/_shared/errors.py",
            "def f():\n    import http.client",
            ":2: _shared",
        ),
        (
            rules.dependencies_point_one_way,
            "plugins/module_utils/_artifact/x.py",
            f"{UTILS}._registry.client import Registry",
            "_artifact may not import _registry",
        ),
        (
            rules.dependencies_point_one_way,
            "plugins/module_utils/_flux/declare/x.py",
            "from ..._oci import reference\nfrom ..._kube.client import KubeClient",
            ":2: _flux may not import _kube",
        ),
        (rules.concepts_stand_once, "plugins/module_utils/_kube/x.py", "import urllib3", "belongs into _http/"),
        (rules.use_cases_say_what_they_do, "plugins/module_utils/_tasks/x.py", "def f(): ...", "f has no docstring"),
        (
            rules.concepts_stand_once,
            "plugins/module_utils/_kube/x.py",
            "def f(a):\n    return a.is_loopback",
            ":2: .is_loopback belongs into _shared/addresses.py",
        ),
        (
            rules.own_imports_are_relative,
            "plugins/module_utils/_git/x.py",
            f"{UTILS}._git import errors",
            "import it relative",
        ),
        (
            rules.dependencies_point_one_way,
            "plugins/module_utils/_git/x.py",
            f"{UTILS} import _tasks",
            "_git may not import _tasks",
        ),
        (
            rules.dependencies_point_one_way,
            "plugins/module_utils/_tasks/x.py",
            f"if t.TYPE_CHECKING:\n    {UTILS}._ansible.run import run",
            ":2: _tasks may not import _ansible",
        ),
        (
            rules.dependencies_point_one_way,
            "plugins/module_utils/_ansible/x.py",
            f"{UTILS}._embedded.main import main",
            "_ansible may not import _embedded",
        ),
        (
            rules.broad_excepts,
            "plugins/module_utils/_git/x.py",
            "try:\n    f()\nexcept Exception:\n    pass",
            ":3: only",
        ),
        (
            rules.broad_excepts,
            "plugins/modules/x.py",
            "try:\n    f()\nexcept (OSError, BaseException):\n    pass",
            ":3:",
        ),
        (rules.broad_excepts, "plugins/modules/x.py", "try:\n    f()\nexcept:\n    pass", ":3: only"),
        *(
            (
                rules.concepts_stand_once,
                "plugins/module_utils/_kube/x.py",
                f"import os\n{line}",
                f":2: {found} belongs into",
            )
            for line, found in (
                ("import subprocess", "import subprocess"),
                ("    from urllib3 import PoolManager", "from urllib3"),
                ("import http.client", "import http.client"),
                ("import ipaddress", "import ipaddress"),
                ('PART = re.compile("([0-9]+)(ms|s|m|h)")', "ms|s|m"),
                ("OLD = version < FluxVersion(2, 8)", "FluxVersion(2"),
                ("if version == '2.10':", "'2.10'"),
                ('API = "source.toolkit.fluxcd.io/v1"', "toolkit.fluxcd.io/v1"),
                ("text = yaml.safe_dump(data)", "yaml.safe_dump"),
                ("    time.sleep(1)", "time.sleep("),
                ('OPTIONS = {"references": {"type": "list"}}', '"references": {'),
                ('username = variable("str", "PROVEN_REGISTRY_USERNAME")', "PROVEN_REGISTRY_"),
            )
        ),
        (
            rules.concepts_stand_once,
            "plugins/module_utils/_git/x.py",
            "import base64\nbase64.b64decode(text)",
            ":2: b64decode belongs into _shared/base64.py",
        ),
        (rules.returned_names, "plugins/modules/x.py", "RETURN = 'items: {type: list}'", "documents items"),
        (
            rules.returned_names,
            "plugins/modules/x.py",
            "RETURN = 'a: {contains: {keys: {type: str}}}'",
            "documents keys",
        ),
        (rules.outcome_names, "plugins/module_utils/_tasks/x.py", "Outcome(values={'results': []})", "returns results"),
    ],
)
def test_a_rule_can_fail(rule: t.Callable[[str, str], list[str]], path: str, text: str, expected: str) -> None:
    (violation,) = rule(path, text)
    assert violation.startswith(path)
    assert expected in violation


def test_a_rule_can_pass() -> None:
    text = f"# {rules.LICENCE}X\n{UTILS}._registry.client import Registry\n" + "def f():\n    return 1\n"
    path = "plugins/module_utils/_tasks/x.py"
    for rule in (rules.names_its_licence, rules.file_is_short, rules.functions_are_short, rules.broad_excepts):
        assert rule(path, text) == []
    assert rules.dependencies_point_one_way(path, text) == []
    assert (
        rules.broad_excepts("plugins/module_utils/_ansible/run.py", "try:\n    f()\nexcept Exception:\n    pass") == []
    )


def test_the_action_group_rule_can_fail() -> None:
    assert rules.action_group_is_complete("all", ["a", "b"], ["b", "c"]) == [
        "meta/runtime.yml: c is not in the action group all",
        "meta/runtime.yml: a does not belong in the action group all",
    ]
    documented = {"attributes": {"action_group": {"membership": ["proven.gitops.all"]}}}
    assert rules.membership_is_documented("x.py", documented, ["all"]) == []
    assert "x.py: documents the action groups" in rules.membership_is_documented("x.py", documented, ["all", "git"])[0]


def test_the_attributes_rule_can_fail() -> None:
    fragments = (
        "class ModuleDocFragment:\n    DOCUMENTATION = 'attributes: {platform: {description: d, support: full}}'\n"
    )
    fragments += "    GROUP = 'attributes: {action_group: {description: d, support: full}}'\n"
    text = "DOCUMENTATION = '{extends_documentation_fragment: [proven.gitops._a, proven.gitops._a.group],"
    text += " attributes: {check_mode: {description: d}, idempotent: {description: d, support: full}}}'\n"
    merged = rules.full_documentation(text, {"_a": fragments}.__getitem__)
    violations = rules.attributes_are_documented("x.py", merged, rules.ATTRIBUTES)
    assert [violation.split()[3] for violation in violations] == ["check_mode", "diff_mode"]


@pytest.mark.parametrize(
    ("options", "documented", "expected"),
    [
        ({"password": {"type": "str"}}, {}, "password is not no_log"),
        ({"key": {"type": "str", "no_log": True}}, {}, "key is a secret without an environment fallback"),
        (
            {"key": {"type": "str", "no_log": True, "fallback": (None, ["KEY"])}},
            {"key": {"description": ["What opens it."]}},
            "key does not document KEY",
        ),
        ({"inner": {"type": "dict", "options": {"token": {}}}}, {}, "inner.token is not no_log"),
    ],
)
def test_the_secrets_rule_can_fail(options: dict[str, t.Any], documented: dict[str, t.Any], expected: str) -> None:
    assert rules.secrets_have_an_environment("x.py", options, documented) == [f"x.py: {expected}"]


def test_the_requirements_rule_sees_imports_and_files() -> None:
    assert rules.third_party_imports("import os\ndef f():\n    import urllib3\nfrom nacl.secret import X") == {
        "urllib3",
        "nacl",
    }
    assert rules.requirement_names("# c\n-r other.txt\nPyYAML>=6\nzlib-ng==1.1.0\n") == {"pyyaml", "zlib-ng"}


HOUSE = "plugins/module_utils/_git/"
FILES = {
    f"{HOUSE}a.py": "from .b import x\nwith third_party():\n    import nacl.secret",
    f"{HOUSE}b.py": "def f():\n    from . import c\n",
    f"{HOUSE}c.py": "import typing as t\nif t.TYPE_CHECKING:\n    from .a import x\nexpect('urllib3')",
    f"{HOUSE}d.py": "from .e import x",
    f"{HOUSE}e.py": "def f():\n    from . import d",
}


def test_the_rule_of_circles_can_fail() -> None:
    """What only type checkers see is no import; what a function does is one."""
    assert graph.circles(FILES, FILES.get) == [f"{HOUSE}d.py imports {HOUSE}e.py imports {HOUSE}d.py"]


def test_the_rule_of_documented_requirements_can_fail() -> None:
    said = ["urllib3, with O(x) only", "git 2.31", "PyYAML"]
    names = {"nacl": "PyNaCl", "urllib3": "urllib3", "yaml": "PyYAML"}
    assert graph.requirements_are_documented(f"{HOUSE}a.py", said, FILES.get, names) == [
        f"{HOUSE}a.py: its documentation does not require PyNaCl",
        f"{HOUSE}a.py: its documentation requires pyyaml, which nothing imports",
    ]
