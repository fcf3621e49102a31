# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of CONTRIBUTING.md that a program can check.

A rule takes sources as text and gives one sentence for each violation, so that each can be tried on a bad example.
`tests/unit/test_house_rules.py` applies them to the checkout, and tries them.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
import typing as t

import yaml

FILE_LINES = 400
FUNCTION_LINES = 40
MODULE_LINES = 60

LICENCE = "SPDX-" + "License-Identifier: "  # in two, lest this line is taken for one
COLLECTION = "ansible_collections.proven.gitops"
UTILS = f"{COLLECTION}.plugins.module_utils"
DOCUMENTS = ("DOCUMENTATION", "EXAMPLES", "RETURN")
# The action groups beside `all`, and the documentation fragment with the options that their modules share.
GROUPS = {"registry": "_registry", "git": "_git_access", "cluster": "_kube"}
RESERVED = frozenset({"results", "items", "keys"})  # ansible-core and Jinja read a meaning of their own into these
ATTRIBUTES = frozenset({"check_mode", "diff_mode", "idempotent", "platform", "action_group"})
ROLE_ATTRIBUTES = ATTRIBUTES - {"action_group"}

SHARED = frozenset({"_shared"})  # every room may import it
PURE = frozenset({"_oci", "_artifact", "_cosign", "_flux", "_helm"})
WIRE = frozenset({"_http"})  # the one HTTP client, under the ports
PORTS = frozenset({"_chartrepo", "_registry", "_git", "_githost", "_kube", "_kind", "_kms", "_sigstore"})
# Who may import whom; a room may always import itself and what is shared.
ALLOWED: dict[str, frozenset[str]] = {
    **dict.fromkeys(SHARED, frozenset()),
    "_oci": frozenset(),
    **dict.fromkeys(PURE - {"_oci"}, PURE),
    **dict.fromkeys(WIRE, frozenset()),
    **dict.fromkeys(PORTS, PURE | WIRE),
    "_embedded": frozenset(),
    "_tasks": PURE | PORTS | {"_embedded"},
    "_ansible": PURE | WIRE | PORTS | {"_tasks"},
    "modules": PORTS | {"_ansible", "_tasks"},
    "action": PURE | PORTS | {"_ansible", "_tasks"},
    "plugin_utils": frozenset(),
    "doc_fragments": frozenset(),
}
SEES_ANSIBLE = frozenset({"_ansible", "modules", "action", "plugin_utils"})
HTTP = frozenset(
    {"http", "urllib3", "requests", "aiohttp", "httpx", "socket", "ssl", "kubernetes", "oras", "urllib.request"}
)
SECRET_NAME = re.compile(r"(password|passphrase|token|secret|privatekey_content)$")


@functools.cache
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


class Import(t.NamedTuple):
    line: int
    name: str  # in full, also where the statement is relative
    relative: bool = False


def room_of(path: str) -> str:
    """`plugins/module_utils/_git/x.py` is in `_git`, `plugins/modules/x.py` in `modules`."""
    parts = path.removesuffix(".py").split("/")
    return parts[2] if parts[1] == "module_utils" else parts[1]


def imports(text: str, path: str = "") -> list[Import]:
    """Every module that is imported, also inside functions; `from a import b` counts as `a.b`.

    `path` is the file's from the root of the collection, by which relative imports are read.
    """
    found = []
    for node in ast.walk(_tree(text)):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(part for part in (_package(path, node.level), node.module) if part)
            found += [Import(node.lineno, f"{base}.{alias.name}", node.level > 0) for alias in node.names]
    return found


def _package(path: str, level: int) -> str:
    """What the dots of a relative import stand for in that file."""
    if not level:
        return ""
    return ".".join([*COLLECTION.split("."), *path.split("/")[:-1]][: len(path.split("/")) + 3 - level])


def _is(name: str, packages: t.Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def names_its_licence(path: str, text: str) -> list[str]:
    head = text.splitlines()[:5]
    return [] if any(LICENCE in line for line in head) else [f"{path}: no SPDX line at its top"]


def file_is_short(path: str, text: str) -> list[str]:
    count = len(text.splitlines())
    return [f"{path}: {count} lines, {FILE_LINES} are the most"] if count > FILE_LINES else []


def functions_are_short(path: str, text: str) -> list[str]:
    found = []
    for node in ast.walk(_tree(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES:
                found.append(f"{path}:{node.lineno}: {node.name} has {count} lines, {FUNCTION_LINES} are the most")
    return found


def documents(text: str) -> dict[str, t.Any]:
    """DOCUMENTATION, EXAMPLES and RETURN of a module, parsed."""
    return {name: yaml.safe_load(ast.literal_eval(node.value)) for name, node in _documents(text)}


def _documents(text: str) -> t.Iterator[tuple[str, ast.Assign]]:
    for node in _tree(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in DOCUMENTS:
            yield node.targets[0].id, node


def module_is_thin(path: str, text: str) -> list[str]:
    """Lines of code without the documentation, comments and blank lines."""
    count = sum(1 for line in _code(text).values() if line.strip() and not line.lstrip().startswith("#"))
    return [f"{path}: {count} lines of code, {MODULE_LINES} are the most"] if count > MODULE_LINES else []


def _code(text: str) -> dict[int, str]:
    """The lines that are no documentation of a module, by their numbers."""
    lines = dict(enumerate(text.splitlines(), 1))
    for _name, node in _documents(text):
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            del lines[number]
    return lines


def pure_code_is_pure(path: str, text: str) -> list[str]:
    room = room_of(path)
    found = []
    for line, name, _relative in imports(text, path):
        if room not in SEES_ANSIBLE and _is(name, ["ansible"]):
            found.append(f"{path}:{line}: {room} imports {name}: only {', '.join(sorted(SEES_ANSIBLE))} know Ansible")
        if room in PURE | SHARED and _is(name, HTTP):
            found.append(f"{path}:{line}: {room} is pure, and imports {name}")
    return found


def dependencies_point_one_way(path: str, text: str) -> list[str]:
    room = room_of(path)
    if room not in ALLOWED:
        return [f"{path}: {room} is no room of the house; say in tests/house_rules.py what it may import"]
    allowed = ALLOWED[room] | SHARED | {room}
    found = []
    for line, name, _relative in imports(text, path):
        if not _is(name, [UTILS]):
            continue
        other = name.removeprefix(f"{UTILS}.").split(".")[0]
        if other not in allowed:
            found.append(f"{path}:{line}: {room} may not import {other}")
    return found


def own_imports_are_relative(path: str, text: str) -> list[str]:
    """They say how far a file reaches, and fit on a line."""
    return [
        f"{path}:{line}: {name} is ours: import it relative to this file"
        for line, name, relative in imports(text, path)
        if _is(name, [COLLECTION]) and not relative
    ]


def names_say_something(path: str, text: str) -> list[str]:
    """No variable is called `_`; ansible-test's pylint says the same, minutes later."""
    named = [node for node in ast.walk(_tree(text)) if isinstance(node, ast.Name) and node.id == "_"]
    return [f"{path}:{line}: a variable is called _" for line in sorted({node.lineno for node in named})]


def broad_excepts(path: str, text: str) -> list[str]:
    if path == "plugins/module_utils/_ansible/run.py":
        return []
    found = []
    for node in ast.walk(_tree(text)):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(name is None or ast.unparse(name) in ("Exception", "BaseException") for name in caught):
                found.append(f"{path}:{node.lineno}: only _ansible/run.py catches every exception")
    return found


def use_cases_say_what_they_do(path: str, text: str) -> list[str]:
    """Every public class and function of a use-case has a docstring: what it takes, gives and raises."""
    if room_of(path) != "_tasks":
        return []
    bodies = [_tree(text).body, *(node.body for node in _tree(text).body if isinstance(node, ast.ClassDef))]
    return [
        f"{path}:{node.lineno}: {node.name} has no docstring"
        for body in bodies
        for node in body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_" and not ast.get_docstring(node)
    ]


# A concept that stands once: what a second copy would say, and the files and rooms where it may be said. The first is
# the one to use; the others have a reason of their own, or are still to be merged into it. None may be added.
ONCE: dict[str, tuple[str, ...]] = {
    r"\b(?:b64decode|standard_b64decode|a2b_base64|decodebytes)\b": ("_shared/base64.py",),
    # A registry is started to stay, which is no run.
    r"^\s*(?:import|from) subprocess\b": ("_shared/process.py", "_tasks/local/registry_process.py"),
    # Whether the registry answers that a task started on this machine.
    r"^\s*(?:import|from) (?:urllib3|requests|httpx|aiohttp|ssl|socket|http\.client)\b": (
        "_http/",
        "_tasks/local/registry_process.py",
    ),
    r"\.is_loopback\b(?!\()": ("_shared/addresses.py",),
    # The peer that was connected to, and the networks of NO_PROXY.
    r"^\s*(?:import|from) ipaddress\b": (
        "_shared/addresses.py",
        "_http/",
    ),
    r"\bms\|s\|m\b|\bms\|s\|h\b|\bh\|m\|s\b|\"ms\": ?1": ("_flux/durations.py",),
    r"\bFluxVersion\([0-9]|[\"']2\.(?:[6-9]|1[0-9])[\"']": ("_flux/version.py", "_flux/kinds.py"),
    r"\btoolkit\.fluxcd\.io/v[0-9]": ("_flux/kinds.py",),
    r"\byaml\.(?:safe_)?dump": ("_flux/declare/manifest_yaml.py",),
    # A lock of the kernel's is asked for again and again in a process that has no other work.
    r"\btime\.sleep\(": ("_shared/waiter.py", "_registry/locks.py"),
    # The families of options: each with its specification and its reader.
    r"[\"']references[\"']: ?\{": ("_ansible/references.py",),
    r"[\"']artifacts[\"']: ?\{": ("_ansible/artifacts.py",),
    r"\(\"path\", \"content\"\)": ("_ansible/public_key_options.py",),
    r"\bPROVEN_REGISTRY_": ("_ansible/registry_login.py",),
    r"\bFluxVersion\.parse\(params": ("_ansible/flux_version.py",),
    r"\bnames\.wrong_subdomain\(": ("_ansible/kube_options.py", "_flux/"),
}
INDEPENDENT = "_embedded"  # it shares nothing, so that it is an independent oracle for our tests


def concepts_stand_once(path: str, text: str) -> list[str]:
    """A second copy is the one that is not hardened. Documentation of modules may name what it likes."""
    if room_of(path) in (INDEPENDENT, "doc_fragments"):
        return []
    lines = _code(text) if room_of(path) == "modules" else dict(enumerate(text.splitlines(), 1))
    return [
        f"{path}:{number}: {found.group().strip()} belongs into {places[0]}; use what is there"
        for pattern, places in ONCE.items()
        if not any(place in path for place in places)
        for number, line in lines.items()
        if (found := re.search(pattern, line))
    ]


def returned_names(path: str, text: str) -> list[str]:
    """No documented return value, at any depth, has a reserved name."""
    return [f"{path}: RETURN documents {name}" for name in _names(documents(text).get("RETURN")) if name in RESERVED]


def _names(values: t.Any) -> t.Iterator[str]:
    for name, value in (values or {}).items():
        yield name
        yield from _names(value.get("contains"))


def outcome_names(path: str, text: str) -> list[str]:
    """No literal key of `Outcome(values={…})` is a reserved name."""
    found = []
    for node in ast.walk(_tree(text)):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Outcome")):
            continue
        for word in node.keywords:
            if word.arg == "values" and isinstance(word.value, ast.Dict):
                names = [key.value for key in word.value.keys if isinstance(key, ast.Constant)]
                found += [f"{path}:{node.lineno}: an outcome returns {name}" for name in names if name in RESERVED]
    return found


def fragment(name: str, read: t.Callable[[str], str]) -> dict[str, t.Any]:
    """A documentation fragment such as `proven.gitops._registry.connection`; `read` gives the text of `_registry`."""
    file, _dot, part = name.removeprefix("proven.gitops.").partition(".")
    for node in ast.walk(_tree(read(file))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == (part or "documentation").upper():
            return t.cast("dict[str, t.Any]", yaml.safe_load(ast.literal_eval(node.value)))
    raise KeyError(name)


def full_documentation(text: str, read: t.Callable[[str], str]) -> dict[str, t.Any]:
    """DOCUMENTATION with the attributes and options of its fragments."""
    own = documents(text)["DOCUMENTATION"]
    parts = [fragment(name, read) for name in own.get("extends_documentation_fragment", [])]
    merged = dict(own)
    for section in ("attributes", "options"):
        merged[section] = {}
        for part in [*parts, own]:
            for name, value in (part.get(section) or {}).items():
                merged[section][name] = {**merged[section].get(name, {}), **value}
    return merged


def attributes_are_documented(path: str, documentation: dict[str, t.Any], wanted: frozenset[str]) -> list[str]:
    attributes = documentation.get("attributes") or {}
    return [
        f"{path}: the attribute {name} is not documented, or without its support"
        for name in sorted(wanted)
        if not (attributes.get(name, {}).get("support") and attributes[name].get("description"))
    ]


def action_group_is_complete(name: str, group: t.Iterable[str], modules: t.Iterable[str]) -> list[str]:
    """`modules` are those that belong there: all, or those with the options of the group's fragment."""
    missing, left = set(modules) - set(group), set(group) - set(modules)
    found = [f"meta/runtime.yml: {module} is not in the action group {name}" for module in sorted(missing)]
    return found + [f"meta/runtime.yml: {module} does not belong in the action group {name}" for module in sorted(left)]


def extends(text: str, fragment: str) -> bool:
    """Whether a module has the options of a documentation fragment."""
    return f"proven.gitops.{fragment}" in documents(text)["DOCUMENTATION"].get("extends_documentation_fragment", [])


def membership_is_documented(path: str, documentation: dict[str, t.Any], groups: t.Iterable[str]) -> list[str]:
    """The attribute action_group lists the groups that the module is in."""
    wanted = [f"proven.gitops.{name}" for name in groups]
    listed = documentation["attributes"]["action_group"].get("membership")
    return [] if listed == wanted else [f"{path}: documents the action groups {listed}, and is in {wanted}"]


def secrets_have_an_environment(
    path: str, options: t.Mapping[str, t.Any], documented: t.Mapping[str, t.Any], above: str = ""
) -> list[str]:
    """Every secret option is no_log, falls back to a variable, and its documentation names that variable."""
    found = []
    for name, option in options.items():
        described = documented.get(name) or {}
        full = f"{above}{name}"
        if option.get("no_log"):
            found += _fallback(path, full, option, described)
        elif option.get("type", "str") in ("str", "raw") and SECRET_NAME.search(name) and "no_log" not in option:
            found.append(f"{path}: {full} is not no_log")
        inner = described.get("suboptions") or {}
        found += secrets_have_an_environment(path, option.get("options") or {}, inner, f"{full}.")
    return found


def _fallback(path: str, name: str, option: t.Mapping[str, t.Any], described: t.Mapping[str, t.Any]) -> list[str]:
    _strategy, variables = option.get("fallback") or (None, [])
    if not variables:
        return [f"{path}: {name} is a secret without an environment fallback"]
    prose = str(described.get("description"))
    return [f"{path}: {name} does not document {variable}" for variable in variables if variable not in prose]


def third_party_imports(text: str) -> set[str]:
    """First names of what is neither Python's own, nor Ansible's, nor ours."""
    first = {name.split(".")[0] for _line, name, relative in imports(text) if not relative}
    return first - sys.stdlib_module_names - {"ansible", "ansible_collections", "__future__"}


def requirement_names(text: str) -> set[str]:
    """The distributions that a requirements file names, in lower case."""
    lines = [line.strip() for line in text.splitlines()]
    return {re.split(r"[<>=~!\[; ]", line)[0].lower() for line in lines if line and line[0] not in "#-"}
