"""C++ identifiers for Python names."""

from __future__ import annotations

import re
from collections.abc import Callable

_KEYWORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl
const
const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export
extern false
float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq
private
protected public register reinterpret_cast return short signed sizeof static static_assert static_cast
struct switch
template this thread_local throw true try typedef typeid typename typeof union unsigned using virtual void
volatile
wchar_t while xor xor_eq
"""
# What the headers define at global scope or as macros, and our own namespace.
_DEFINED = """
assert bf DOMAIN EOF errno HUGE_VAL hls INFINITY main NAN NULL OVERFLOW PLOSS SING std stderr stdin stdout
TLOSS
ap_int ap_int_base ap_uint BITFOLD_H BITFOLD_HEX BITFOLD_LIKE_SYNTHESIS BITFOLD_ROM BITFOLD_ROM_END
"""
_RESERVED = frozenset((_KEYWORDS + _DEFINED).split())


def identifier(name: str) -> str:
    """`name` as a C++ identifier: other than a keyword or reserved, in ASCII. Not made unique."""
    text = "".join(c if c.isascii() else f"u{ord(c):x}" for c in name)
    text = re.sub(r"\W", "_", text)
    text = re.sub(r"__+", "_", text).lstrip("_") or "v"
    if text[0].isdigit():
        text = f"v{text}"
    return f"{text}_" if text in _RESERVED else text


class Names:
    """The names in force at a place in a function: a stack of blocks, none of which hides another."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._blocks: list[set[str]] = [set(taken)]
        self._labels: set[str] = set()

    def push(self) -> None:
        self._blocks.append(set())

    def pop(self) -> None:
        self._blocks.pop()

    def declare(self, name: str) -> str:
        """A free identifier for `name` in the innermost block: itself, or with `_1`, `_2` ... appended."""
        fresh = _first_free(identifier(name), lambda n: any(n in b for b in self._blocks))
        self._blocks[-1].add(fresh)
        return fresh

    def label(self, name: str) -> str:
        """A label not used elsewhere in the function."""
        fresh = _first_free(identifier(name), self._labels.__contains__)
        self._labels.add(fresh)
        return fresh


def _first_free(name: str, taken: Callable[[str], bool]) -> str:
    fresh, count = name, 0
    while taken(fresh):
        count += 1
        fresh = f"{name}_{count}"
    return fresh
