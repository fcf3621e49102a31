# SPDX-License-Identifier: GPL-3.0-or-later
"""Go's regular expressions (RE2 syntax), with which Flux matches identities and tags: are they valid, what do they pin?

Python's `re` is another language: it takes look-around and back-references that Go refuses, and refuses `\\z` and
`[[:alpha:]]` that Go takes. Source of the grammar: Go's regexp/syntax, with the Perl flags that regexp.Compile sets.
Not checked: whether the name in `\\p{Name}` is one that Go's Unicode tables know.

What an expansion leaves out makes it wider, never narrower: flags (also `i`: compare letters without their case),
word boundaries, and which characters `\\p{Name}` stands for.
"""

from __future__ import annotations

import enum
import itertools
import re
import typing as t
from dataclasses import dataclass

from ..._shared.errors import GitopsError
from .characters import ANY, ESCAPED, POSIX, Ranges, complement, merged

MAX_LENGTH = 2048  # characters; an identity or a tag filter is a line
MAX_DEPTH = 100  # nested groups
MAX_REPEAT = 1000  # Go's own limit for {n,m}
MAX_ALTERNATIVES = 256  # of an expansion; what is wider counts as a wildcard
MAX_WRITTEN_OUT = 64  # characters of a repetition that is expanded; what is longer counts as a wildcard
MAX_MEMBERS = 4  # of a class that counts as so many alternatives: [Oo]rg names its members, [a-z]rg anybody

_FLAGS = re.compile(r"[imsU]*(?:-[imsU]+)?(?=[:)])")
_NAME = re.compile(r"P?<([A-Za-z0-9_]+)>")
_REPEAT = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}")
_UNICODE = re.compile(r"[pP](?:[CLMNPSZ]|\{\^?[A-Za-z_]+\})")
_POSIX = re.compile(r"\[:(\^?)([a-z]+):\]")
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_CONTROL = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class InvalidPattern(GitopsError):
    """Text that Go's regexp.Compile refuses."""

    code = "invalid_pattern"


class Mark(enum.Enum):
    """What stands between the characters of an expanded pattern."""

    BEGIN = "^"  # beginning of the text
    END = "$"  # end of the text


@dataclass(frozen=True)
class Some:
    """Characters of a set: exactly one of them, or, with `many`, any number and also none."""

    characters: Ranges
    many: bool = False

    def may_be(self, character: str) -> bool:
        """Whether `character`, one without upper and lower case, is in the set."""
        return any(low <= ord(character) <= high for low, high in self.characters)


Token: t.TypeAlias = str | Mark | Some
Sequence: t.TypeAlias = tuple[Token, ...]


@dataclass(frozen=True)
class _Repeat:
    node: _Node
    least: int
    most: int | None


@dataclass(frozen=True)
class _Group:
    alternatives: tuple[tuple[_Node, ...], ...]


_Node: t.TypeAlias = "str | Mark | Some | _Repeat | _Group"


def expand(pattern: str) -> list[Sequence]:
    """Every way through `pattern`, as sequences of literal characters, sets of characters and marks.

    `^(a|b)$` gives `^a$` and `^b$`; what is optional is there and not there. Raises InvalidPattern.
    """
    if len(pattern) > MAX_LENGTH:
        raise InvalidPattern(f"longer than {MAX_LENGTH} characters")
    return _expand(_Parser(pattern).parse())


def check(pattern: str) -> None:
    """Raise InvalidPattern where Go would not compile `pattern`."""
    if len(pattern) > MAX_LENGTH:
        raise InvalidPattern(f"longer than {MAX_LENGTH} characters")
    _Parser(pattern).parse()


def _expand(node: _Node) -> list[Sequence]:
    if isinstance(node, (str, Mark)):
        return [(node,)]
    if isinstance(node, Some):
        few = sum(high - low + 1 for low, high in node.characters) <= MAX_MEMBERS
        return [(chr(code),) for low, high in node.characters for code in range(low, high + 1)] if few else [(node,)]
    if isinstance(node, _Repeat):
        return _repeated(node)
    found: list[Sequence] = []
    for alternative in node.alternatives:
        found += _product(alternative)
        if len(found) > MAX_ALTERNATIVES:
            return [_anything_of(node)]
    return found


def _repeated(node: _Repeat) -> list[Sequence]:
    ways = _expand(node.node)
    if node.most is None or node.most * max(map(len, ways), default=0) > MAX_WRITTEN_OUT:
        return [_anything_of(node.node)]
    if sum(len(ways) ** count for count in range(node.least, node.most + 1)) > MAX_ALTERNATIVES:
        return [_anything_of(node.node)]
    return [
        tuple(itertools.chain(*chosen))
        for count in range(node.least, node.most + 1)
        for chosen in itertools.product(ways, repeat=count)
    ]


def _product(nodes: tuple[_Node, ...]) -> list[Sequence]:
    ways: list[list[Token]] = [[]]
    for node in nodes:
        steps = _expand(node)
        if len(ways) * len(steps) > MAX_ALTERNATIVES:
            steps = [_anything_of(node)]
        if len(steps) == 1:
            for way in ways:
                way.extend(steps[0])
        else:
            ways = [[*way, *step] for way in ways for step in steps]
    return [tuple(way) for way in ways]


def _anything_of(node: _Node) -> Sequence:
    """Any number of the characters that `node` may consist of, in any order."""
    characters = merged(_characters(node))
    return (Some(characters, many=True),) if characters else ()


def _characters(node: _Node) -> t.Iterator[tuple[int, int]]:
    if isinstance(node, str):
        yield ord(node), ord(node)
    elif isinstance(node, Some):
        yield from node.characters
    elif isinstance(node, _Repeat):
        yield from _characters(node.node)
    elif isinstance(node, _Group):
        for one in itertools.chain(*node.alternatives):
            yield from _characters(one)


class _Parser:
    """A recursive descent over the pattern; each method consumes what it names."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.names: set[str] = set()
        self.lines = False  # flag m: ^ and $ match at lines, which anchors nothing

    def parse(self) -> _Group:
        group = self.alternatives(0)
        if self.at < len(self.text):
            raise self.error("unexpected )")
        return group

    def error(self, reason: str) -> InvalidPattern:
        return InvalidPattern(f"{reason} at character {self.at + 1}")

    def rest(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def take(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        match = expression.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def alternatives(self, depth: int) -> _Group:
        if depth > MAX_DEPTH:
            raise self.error("groups are nested too deeply")
        done: list[tuple[_Node, ...]] = []
        nodes: list[_Node] = []
        while self.at < len(self.text) and self.rest() != ")":
            if self.rest() == "|":
                self.at += 1
                done.append(tuple(nodes))
                nodes = []
                continue
            atom = self.atom(depth)
            if atom is not None:
                nodes += self.repeated(atom)
        return _Group((*done, tuple(nodes)))

    def repeated(self, atoms: list[_Node]) -> list[_Node]:
        """`atoms` with the operator behind them, which binds to the last one."""
        bounds = self.bounds()
        if bounds is None:
            return atoms
        if not atoms:
            raise self.error("nothing to repeat")
        if self.rest() == "?":
            self.at += 1
        if self.bounds() is not None:
            raise self.error("a repetition of a repetition (Go has no possessive quantifiers)")
        return [*atoms[:-1], _Repeat(atoms[-1], *bounds)]

    def bounds(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self.rest() in simple and self.rest():
            self.at += 1
            return simple[self.text[self.at - 1]]
        match = self.take(_REPEAT)
        if match is None:
            return None
        least = int(match[1])
        most = least if match[2] is None else int(match[3]) if match[3] else None
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise self.error(f"{match[0]} is out of order or beyond {MAX_REPEAT}")
        return least, most

    def atom(self, depth: int) -> list[_Node] | None:
        """One atom (several for a quotation); None where only flags were set."""
        char = self.rest()
        if char == "(":
            return self.group(depth)
        if char in "*+?":
            raise self.error("nothing to repeat")
        if self.take(_REPEAT):
            raise self.error("nothing to repeat")
        if char == "[":
            return [self.character_class()]
        self.at += 1
        if char == "\\":
            return self.escape()
        if char == ".":
            return [Some(ANY)]
        if char in "^$":
            return self.anchor(Mark.BEGIN if char == "^" else Mark.END)
        return [char]

    def anchor(self, mark: Mark) -> list[_Node]:
        return [_Group(((),))] if self.lines else [mark]

    def group(self, depth: int) -> list[_Node] | None:
        self.at += 1
        lines = self.lines
        if self.rest() == "?":
            self.at += 1
            if not self.named() and not self.flags():
                return None
        inner = self.alternatives(depth + 1)
        if self.rest() != ")":
            raise self.error("missing )")
        self.at += 1
        self.lines = lines
        return [inner]

    def named(self) -> bool:
        match = self.take(_NAME)
        if match is None:
            return False
        if match[1] in self.names:
            raise self.error(f"a second group named {match[1]}")
        self.names.add(match[1])
        return True

    def flags(self) -> bool:
        """Take the flags; whether a group follows them."""
        match = self.take(_FLAGS)
        if match is None:
            raise self.error("(? begins a construct that Go does not have, such as look-around,")
        on, _separator, off = match[0].partition("-")
        self.lines = "m" not in off and ("m" in on or self.lines)
        self.at += 1
        return self.text[self.at - 1] == ":"

    def escape(self) -> list[_Node]:
        if self.rest() == "Q":
            self.at += 1
            quoted, _mark, _rest = self.text[self.at :].partition("\\E")
            self.at = min(self.at + len(quoted) + 2, len(self.text))
            return list(quoted)
        if self.rest() in ("A", "z"):
            self.at += 1
            return [Mark.BEGIN if self.text[self.at - 1] == "A" else Mark.END]
        if self.rest() in ("b", "B"):
            self.at += 1
            return [_Group(((),))]
        return [_one_of(self.escaped() or ANY)]

    def escaped(self) -> Ranges | None:
        """What is behind a backslash, also inside a class; None for characters that are not looked up."""
        char = self.rest()
        if char and char in "dDsSwW":
            self.at += 1
            found = ESCAPED[char.lower()]
            return complement(found) if char.isupper() else found
        if self.take(_UNICODE):
            return None
        return _single(self.escaped_character(char))

    def escaped_character(self, char: str) -> str:
        octal = self.take(_OCTAL)
        if octal:
            return chr(int(octal[0], 8))
        hexadecimal = self.take(_HEX)
        if hexadecimal and int(hexadecimal[1] or hexadecimal[2], 16) <= 0x10FFFF:
            return chr(int(hexadecimal[1] or hexadecimal[2], 16))
        if char in _CONTROL:
            self.at += 1
            return _CONTROL[char]
        if char and char.isascii() and not char.isalnum():
            self.at += 1
            return char
        raise self.error(f"\\{char} is no escape of Go's (it has neither back-references nor \\Z)")

    def character_class(self) -> _Node:
        self.at += 1
        negated = self.rest() == "^"
        self.at += negated
        members: list[Ranges | None] = []
        while self.rest() != "]" or not members:
            if self.at >= len(self.text):
                raise self.error("missing ]")
            members.append(self.member())
        self.at += 1
        known = [one for one in members if one is not None]
        if len(known) < len(members):
            return Some(ANY)
        characters = merged(itertools.chain(*known))
        return _one_of(complement(characters) if negated else characters)

    def member(self) -> Ranges | None:
        """One character of a class, a range, or a class within; None for one that is not looked up."""
        if self.rest(2) == "[:" and ":]" in self.text[self.at :]:
            match = self.take(_POSIX)
            if match is None or match[2] not in POSIX:
                raise self.error("unknown class [: :]")
            return complement(POSIX[match[2]]) if match[1] else POSIX[match[2]]
        low = self.single()
        if self.rest() != "-" or self.rest(2) in ("-", "-]") or not _is_single(low):
            return low
        self.at += 1
        high = self.single()
        if low is None or high is None or not _is_single(high) or high < low:
            raise self.error("a range that ends before it begins")
        return ((low[0][0], high[0][1]),)

    def single(self) -> Ranges | None:
        char = self.rest()
        self.at += 1
        return self.escaped() if char == "\\" else _single(char)


def _single(char: str) -> Ranges:
    return ((ord(char), ord(char)),)


def _is_single(characters: Ranges | None) -> bool:
    return characters is not None and len(characters) == 1 and characters[0][0] == characters[0][1]


def _one_of(characters: Ranges) -> str | Some:
    return chr(characters[0][0]) if _is_single(characters) else Some(characters)
