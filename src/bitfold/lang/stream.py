"""Channels between kernels: `Stream[T, depth]`, and what one is when a kernel runs under CPython."""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import numpy as np

from bitfold.diagnostics import DeadlockError, Span
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.generics import as_type
from bitfold.lang.types import ArrayType, FloatType, IntType

DEFAULT_DEPTH = 2


@dataclass(frozen=True, slots=True)
class StreamType(ArrayType):
    """A first-in first-out channel of `elem` that holds at most `depth` elements, or an array of such.

    `shape` is that of the array; () is one channel. `put(v)` waits while the channel is full and wraps `v`
    to `elem`; `get()` waits while it is empty. One kernel puts and one kernel gets. Where `struct` is a
    struct type, an element is one of it, of whose fields `elem` has the bits side by side.
    """

    shape: tuple[int | str, ...] = ()
    streamed: bool = True
    depth: int = DEFAULT_DEPTH
    struct: Any = field(default=None, compare=False, repr=False)

    @property
    def plain(self) -> StreamType:
        """The stream of words that one of structs is."""
        return replace(self, struct=None)

    @property
    def logical(self) -> ArrayType:
        return self

    def fault(self) -> str | None:
        for size in self.dims:
            if size < 1:
                return f"a dimension of {self} is {size}; it must be at least 1"
        if self.depth < 1:
            return f"the depth of {self} is {self.depth}; a stream holds at least 1 element"
        return None

    def __getitem__(self, dims: object) -> StreamType:
        """An array of streams, such as `Stream[int8, 4][3]`. Raises TypeError for no integer sizes."""
        shape = dims if isinstance(dims, tuple) else (dims,)
        if self.shape or not shape or not all(isinstance(d, int) and type(d) is not bool for d in shape):
            raise TypeError("an array of streams has integer dimensions, given once: Stream[int8, 4][3]")
        return replace(self, shape=shape)

    def __matmul__(self, spec: object) -> ArrayType:
        raise TypeError("a stream has no layout: it is a channel already")

    def __str__(self) -> str:
        dims = f"[{', '.join(map(str, self.shape))}]" if self.shape else ""
        return f"Stream[{self.struct or self.elem}, {self.depth}]{dims}"

    __repr__ = __str__


class Stream:
    """`Stream[T]` and `Stream[T, depth]` are types; see `StreamType`. The depth is 2 when it is not given.

    A top kernel declares one as `c = empty(Stream[int8, 4])`. The front end also takes `c: Stream[int8, 4]`,
    as Allo has it, but plain Python then has no `c`.
    """

    def __class_getitem__(cls, key: object) -> Any:
        elem, *rest = key if isinstance(key, tuple) else (key,)
        elem = as_type(elem)
        if isinstance(elem, FixedType):
            return FixedArrayType(elem, cls.__class_getitem__((elem.raw, *rest)))
        struct = elem if isinstance(getattr(elem, "word", None), IntType) else None
        elem = elem.word if struct is not None else elem
        if not isinstance(elem, (IntType, FloatType)):
            raise TypeError(f"a stream carries integers or floats, such as Stream[int8, 4], not {elem!r}")
        depth = rest[0] if rest else DEFAULT_DEPTH
        if len(rest) > 1 or isinstance(depth, bool) or not isinstance(depth, (int, np.integer)):
            raise TypeError("the depth of a stream is one integer: Stream[int8, 4]")
        return StreamType(elem, depth=int(depth), struct=struct)


class Channel:
    """A stream under CPython, where one kernel runs after the other: its depth does not limit it."""

    def __init__(self, type: StreamType, elem: FixedType | None = None) -> None:
        self.type = type
        self._elem = elem or type.struct or type.elem
        self._elements: deque[Any] = deque()

    def put(self, value: Any) -> None:
        """Append `value`, wrapped or rounded."""
        self._elements.append(self._elem.wrap(value))

    def get(self) -> Any:
        """Take the first element. Raises DeadlockError when there is none."""
        if not self._elements:
            raise _nothing_to_get(self.type, sys._getframe(1))
        return self._elements.popleft()

    def empty(self) -> int:
        """1 when there is nothing to get, else 0."""
        return int(not self._elements)

    def full(self) -> int:
        """1 when the stream holds as much as its depth, else 0."""
        return int(len(self._elements) >= self.type.depth)


def _nothing_to_get(type: StreamType, caller: FrameType) -> DeadlockError:
    """The error of a get that finds nothing; the code of the caller says what the stream is called there."""
    places = list(caller.f_code.co_positions())
    line, _, start, end = places[caller.f_lasti // 2]
    span = Span(caller.f_code.co_filename, line or caller.f_lineno, start or 0, end)
    text = span.source()[span.col : end] if start is not None and end is not None else ""
    return DeadlockError(
        f"`{text or 'get()'}` in {caller.f_code.co_name!r} finds the stream ({type}) empty: plain "
        "Python runs one kernel after the other, and no kernel before this one has put the element",
        code="BF-N004",
        span=span,
        remedy="call the producer first; where kernels must take turns, run customize(top).build()",
    )


def channels(type: StreamType, elem: FixedType | None = None) -> Channel | np.ndarray:
    """What `empty(Stream[...])` makes: a channel, or an array of channels. `elem` is set for fixed point."""
    if not type.shape:
        return Channel(type, elem)
    made = np.empty(type.dims, object)
    for place in np.ndindex(type.dims):
        made[place] = Channel(type, elem)
    return made
