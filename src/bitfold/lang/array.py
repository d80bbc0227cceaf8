"""Arrays as a kernel sees them when it runs under CPython.

`Array` is an `ndarray` whose integers read as Python ints (so that arithmetic is exact, as in the language),
whose floats read as NumPy's scalars, and whose element stores wrap or round to the declared type.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any, overload

import numpy as np

from bitfold.lang.arithmetic import OPERATORS, elementwise, product, reduced
from bitfold.lang.fixed import Exact, FixedArrayType, FixedType
from bitfold.lang.packing import pack_words
from bitfold.lang.stream import StreamType, channels
from bitfold.lang.types import ArrayType, ElementType, FloatType, IntType


class Array(np.ndarray):
    """A typed view of NumPy memory: reads are exact Python ints or NumPy floats, stores go to `elem`."""

    elem: ElementType

    def __array_finalize__(self, obj: Any) -> None:
        elem = getattr(obj, "elem", None)
        if elem is not None:
            self.elem = elem

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if not isinstance(found, np.ndarray):
            return found if isinstance(found, np.floating) else int(found)
        plain = _plain(key)
        return found if plain is key else self[plain]

    def __setitem__(self, key: Any, value: Any) -> None:
        value = self._wrapped(value) if isinstance(value, np.ndarray) else self.elem.wrap(value)
        super().__setitem__(_plain(key), value)

    def _wrapped(self, values: np.ndarray) -> np.ndarray:
        """Elements as a store into this array makes them."""
        whole = self.dtype != object and self.elem.width == 8 * self.dtype.itemsize
        if values.dtype == self.dtype and (whole or getattr(values, "elem", None) == self.elem):
            return values
        made = np.empty(values.shape, self.dtype)
        for place in np.ndindex(values.shape):
            made[place] = self.elem.wrap(np.ndarray.__getitem__(values, place))
        return made

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        """An operator on whole arrays: exact, element by element."""
        compute = OPERATORS.get(ufunc)
        out = keywords.pop("out", (None,))[0]
        if method != "__call__" or keywords or (compute is None and ufunc is not np.matmul):
            plain = [np.asarray(i) if isinstance(i, Array) else i for i in inputs]
            if out is not None:
                keywords["out"] = (np.asarray(out) if isinstance(out, Array) else out,)
            return getattr(ufunc, method)(*plain, **keywords)
        found = product(*inputs) if compute is None else elementwise(compute, *inputs)
        if out is not None:
            out[...] = found
            return out
        return found.view(Computed) if found.shape else found[()]

    def sum(self, axis: int | None = None) -> Any:  # type: ignore[override]
        """The exact sum of all elements, or along one axis."""
        return _reduced("sum", self, axis)

    def prod(self, axis: int | None = None) -> Any:  # type: ignore[override]
        """The exact product of all elements, or along one axis."""
        return _reduced("prod", self, axis)

    def argmax(self, axis: int | None = None) -> Any:  # type: ignore[override]
        """Where the first of the largest elements is, in row-major order or along one axis."""
        return _reduced("argmax", self, axis)

    def argmin(self, axis: int | None = None) -> Any:  # type: ignore[override]
        """Where the first of the smallest elements is, in row-major order or along one axis."""
        return _reduced("argmin", self, axis)

    def clip(self, low: Any, high: Any) -> Any:  # type: ignore[override]
        """Each element, or `low` where it is less, or `high` where it is greater."""
        return computed(lambda x, a, b: min(max(x, a), b), self, low, high)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        """NumPy's functions that kernels have, on whole arrays: exact, element by element."""
        if function is np.where and len(args) == 3:
            return computed(lambda c, a, b: a if c else b, *args)
        if function is np.dot:
            return args[0] @ args[1]
        if (name := _METHODS.get(function)) is not None and isinstance(args[0], Array):
            return getattr(args[0], name)(*args[1:], **keywords)
        return super().__array_function__(function, types, args, keywords)

    def max(self, axis: int | None = None) -> Any:  # type: ignore[override]
        """The largest of all elements, or along one axis."""
        return _reduced("max", self, axis)

    def min(self, axis: int | None = None) -> Any:  # type: ignore[override]
        """The smallest of all elements, or along one axis."""
        return _reduced("min", self, axis)

    def any(self, axis: int | None = None) -> Any:  # type: ignore[override]
        """Whether an element is not 0, as 0 or 1."""
        return _reduced("any", self, axis)

    def all(self, axis: int | None = None) -> Any:  # type: ignore[override]
        """Whether no element is 0, as 0 or 1."""
        return _reduced("all", self, axis)


class Computed(Array):
    """What an expression of typed arrays gives: elements of no type of their own, which wrap nowhere."""

    def __getitem__(self, key: Any) -> Any:
        return np.ndarray.__getitem__(self, _plain(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        np.ndarray.__setitem__(self, _plain(key), value)


_METHODS = {
    np.sum: "sum",
    np.prod: "prod",
    np.max: "max",
    np.amax: "max",
    np.min: "min",
    np.amin: "min",
    np.any: "any",
    np.all: "all",
    np.argmax: "argmax",
    np.argmin: "argmin",
    np.clip: "clip",
}


def computed(compute: Callable[..., Any], *operands: Any) -> Any:
    """`compute` on every element of arrays, as an operator of typed arrays."""
    found = elementwise(compute, *operands)
    return found.view(Computed) if found.shape else found[()]


def _reduced(kind: str, array: Array, axis: int | None) -> Any:
    found = reduced(kind, array, axis)
    return found.view(Computed) if isinstance(found, np.ndarray) else found


class Composite:
    """A type whose arrays are of another kind than `Array`, such as a struct; it makes them itself."""

    __slots__ = ()

    def over(self, values: np.ndarray) -> Any:
        """A typed view of `values`."""
        raise NotImplementedError

    def new(self) -> Any:
        """A new array, all zeros."""
        raise NotImplementedError


class FixedArray(Array):
    """A typed view of fixed point, held as float64 or, where that is too narrow, as Python fractions."""

    elem: FixedType  # type: ignore[assignment]

    def __getitem__(self, key: Any) -> Any:
        found = np.ndarray.__getitem__(self, _plain(key))
        return found if isinstance(found, np.ndarray) else Exact(found)

    def __str__(self) -> str:
        return str(self.view(np.ndarray))

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


def _plain(key: Any) -> Any:
    """An index with truth values as the integers they are in a kernel; to NumPy they would be masks."""
    if isinstance(key, tuple):
        return tuple(int(k) if type(k) in _TRUTHS else k for k in key) if _TRUTHS & {*map(type, key)} else key
    return int(key) if type(key) in _TRUTHS else key


_TRUTHS = {bool, np.bool_}


@overload
def typed(values: np.ndarray, elem: ElementType | FixedType) -> Array: ...


@overload
def typed(values: np.ndarray, elem: Composite) -> Any: ...


def typed(values: np.ndarray, elem: ElementType | FixedType | Composite) -> Any:
    """A view of `values` (same memory) that a kernel can be called with; its dtype must be `elem.storage`."""
    if isinstance(elem, Composite):
        return elem.over(values)
    if values.dtype != elem.storage:
        raise TypeError(f"an array of {elem} is held as dtype {elem.storage}, not {values.dtype}")
    view = values.view(FixedArray if isinstance(elem, FixedType) else Array)
    view.elem = elem  # type: ignore[assignment]
    return view


def quantize(values: Any, elem: FixedType) -> Array:
    """A new array of `elem` from numbers: each without what is below the last bit, and wrapped."""
    given = np.asarray(values)
    made = np.empty(given.size, elem.storage)
    made[:] = [elem.wrap(v) for v in given.flat]
    return typed(made.reshape(given.shape), elem)


class StreamEnd:
    """An array as a stream: `get` takes its elements in row-major order, `put` fills them in that order.

    One that is `filled` at the start is an input of the whole program. Of another one, a channel between two
    kernels, what has been put can be taken.
    """

    def __init__(self, array: Array, *, filled: bool = True) -> None:
        self._flat = array.reshape(-1)
        self._taken = 0
        self._given = 0
        self._filled = filled

    def get(self) -> Any:
        """The next element. Raises IndexError when there is none."""
        if not self._filled and self._taken >= self._given:
            raise IndexError(f"get() number {self._taken + 1} of a stream that was given {self._given}")
        value = self._flat[self._taken]
        self._taken += 1
        return value

    def put(self, value: Any) -> None:
        """Give the next element. Raises IndexError when all have been given."""
        self._flat[self._given] = value
        self._given += 1


def full(type: ArrayType | FixedArrayType | Composite, value: Any) -> Any:
    """A new array of `type`, every element `value` (wrapped or rounded)."""
    if isinstance(type, Composite):
        made = type.new()
        made[...] = value
        return made
    wrapped = type.elem.wrap(value)
    return typed(np.full(type.dims, wrapped, type.elem.storage), type.elem)


def zeros(type: ArrayType | FixedArrayType | Composite) -> Any:
    """A new array of `type`, every element 0."""
    if isinstance(type, Composite):
        return type.new()
    return full(type, 0)


def empty(type: ArrayType | FixedArrayType | Composite) -> Any:
    """A new array of `type` with no promised contents; a kernel must write an element before reading it.

    Of a stream type, a channel with nothing in it, or an array of such; of a streamed array type, a channel
    (`StreamEnd`) between the kernel that puts and the one that gets.
    """
    if isinstance(type, Composite):
        return type.new()
    if isinstance(type, StreamType):
        return channels(type)
    if isinstance(type, FixedArrayType) and isinstance(type.raw, StreamType):
        return channels(type.raw, type.elem)
    made = full(type, 0)
    return StreamEnd(made, filled=False) if type.streamed else made


def rom(values: np.ndarray, type: ArrayType | FixedArrayType) -> Array:
    """A constant array of `type`. A packed type takes the 0/1 values and packs them."""
    values = np.asarray(values)
    if isinstance(type, FixedArrayType):
        return typed(values.astype(type.elem.storage), type.elem)
    if type.lanes_of:
        return typed(pack_words(values, type), type.elem)
    return typed(values.astype(type.elem.storage), type.elem)


def encode_constant(values: np.ndarray, elem: ElementType) -> str:
    """A constant array of `elem` as text, the inverse of `constant`: its bytes, compressed, in base 64."""
    if isinstance(elem, IntType) and elem.storage.hasobject:
        octets = _octets(elem)
        raw = b"".join(int(v).to_bytes(octets, "little", signed=elem.signed) for v in values.flat)
    else:
        raw = np.ascontiguousarray(values, elem.storage.newbyteorder("<")).tobytes()
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def constant(type: ArrayType, text: str) -> np.ndarray:
    """The constant array of `type` that `encode_constant` wrote as `text`; white space in it is ignored."""
    elem = type.elem
    raw = zlib.decompress(base64.b64decode("".join(text.split())))
    if isinstance(elem, FloatType) or not elem.storage.hasobject:
        return np.frombuffer(raw, elem.storage.newbyteorder("<")).reshape(type.dims).astype(elem.storage)
    octets = _octets(elem)
    words = np.empty(len(raw) // octets, object)
    for i in range(words.size):
        words[i] = int.from_bytes(raw[i * octets : (i + 1) * octets], "little", signed=elem.signed)
    return words.reshape(type.dims)


def _octets(elem: IntType) -> int:
    return (elem.width + 7) // 8
