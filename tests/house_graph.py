# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about what imports what: circles inside a room, and the packages that a module needs in the end.

`read` gives the text of a file of the collection by its path, or None where there is none.
"""

from __future__ import annotations

import ast
import typing as t

import house_rules as rules

Read = t.Callable[[str], str | None]


def _statements(nodes: t.Iterable[ast.AST], *, inside: bool) -> t.Iterator[ast.AST]:
    """What runs at the import of a file, with `inside` what functions do too; never what only type checkers see."""
    for node in nodes:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _statements(node.orelse, inside=inside)
        elif inside or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from _statements(ast.iter_child_nodes(node), inside=inside)


def own_imports(path: str, read: Read, *, inside: bool = False) -> list[str]:
    """The files of ours that a file imports."""
    text = read(path)
    found: list[str] = []
    for node in _statements(ast.parse(text or "").body, inside=inside):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for one in rules.imports(ast.unparse(node), path):
                target = _file(one.name, read)
                if target and target != path:
                    found.append(target)
    return found


def _file(name: str, read: Read) -> str | None:
    if not name.startswith(f"{rules.COLLECTION}."):
        return None
    place = name.removeprefix(f"{rules.COLLECTION}.").replace(".", "/")
    candidates = (f"{place}.py", f"{place.rpartition('/')[0]}.py")
    return next((one for one in candidates if read(one) is not None), None)


def circles(paths: t.Iterable[str], read: Read) -> list[str]:
    """Files that import each other in a ring: neither can be read, tested or moved without the other."""
    graph = {path: own_imports(path, read, inside=True) for path in paths}
    done: set[str] = set()
    found: list[str] = []

    def visit(path: str, above: tuple[str, ...]) -> None:
        if path in above:
            found.append(" imports ".join((*above[above.index(path) :], path)))
        elif path not in done:
            for other in graph.get(path, []):
                visit(other, (*above, path))
            done.add(path)

    for path in sorted(graph):
        visit(path, ())
    return found


def needed(path: str, read: Read) -> set[str]:
    """Import names of the packages without which the module at `path`, or what it imports, says that one is missing."""
    seen: set[str] = set()
    waiting, found = [path], set()
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            found |= _guarded(read(current) or "")
            waiting += own_imports(current, read, inside=True)
    return found


def _guarded(text: str) -> set[str]:
    """What stands in `with third_party():`, and what `expect` is told."""
    found: set[str] = set()
    for node in _statements(ast.parse(text).body, inside=False):
        if isinstance(node, ast.With) and ast.unparse(node.items[0].context_expr) == "third_party()":
            found |= rules.third_party_imports("\n".join(ast.unparse(one) for one in node.body))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("expect", "requirements.expect"):
            found.add(str(ast.literal_eval(node.args[0])))
    return found


def requirements_are_documented(
    path: str, documented: t.Iterable[str], read: Read, names: t.Mapping[str, str]
) -> list[str]:
    """Each package by its name on PyPI, in `requirements` of the documentation; `names` has that of each import."""
    said = {line.replace(",", " ").split()[0].lower() for line in documented}
    wanted = {names.get(one, one) for one in needed(path, read)}
    absent = sorted(one for one in wanted if one.lower() not in said)
    left = sorted((said & {one.lower() for one in names.values()}) - {one.lower() for one in wanted})
    return [f"{path}: its documentation does not require {one}" for one in absent] + [
        f"{path}: its documentation requires {one}, which nothing imports" for one in left
    ]
