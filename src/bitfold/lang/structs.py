"""Structs: several numbers that are passed, read and stored together, such as a complex number.

    Complex = Struct(re=int16, im=int16)

    def conjugate(x: Complex["N"], y: Complex["N"]):
        N, = x.shape
        for i in range(N):
            y[i] = Complex(re=x[i].re, im=-x[i].im)

NumPy callers pass structured arrays, `np.zeros(8, Complex.dtype)`. Compiled, each field is an array of its
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitfold.lang.array import Array, Composite, typed
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.generics import as_type
from bitfold.lang.types import ArrayType, FloatType, IntType, UInt

Field = IntType | FloatType | FixedType


@dataclass(frozen=True, slots=True)
class StructType(Composite):
    """Named fields, each of a number's type."""

    fields: tuple[tuple[str, Field], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.fields)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the structured arrays that callers pass."""
        return np.dtype([(name, elem.storage) for name, elem in self.fields])

    @property
    def word(self) -> IntType:
        """The integer that holds the bits of all fields, the first one's highest, as streams carry it."""
        return UInt(sum(elem.width for _, elem in self.fields))

    def wrap(self, value: Any) -> Record:
        """A struct as it is now. Raises TypeError for anything that is none of this type."""
        if not isinstance(value, Record) or value._struct != self:
            raise TypeError(f"a {self} is needed here, not {value!r}")
        return Record(self, tuple(value))

    def __call__(self, **values: Any) -> Record:
        """A struct with every field given by name, wrapped to its type. Raises TypeError for other fields."""
        if set(values) != set(self.names):
            raise TypeError(f"{self} has the fields {', '.join(self.names)}, each given by name")
        return Record(self, tuple(elem.wrap(values[name]) for name, elem in self.fields))

    def __getitem__(self, dims: object) -> StructArrayType:
        """An array type, such as `Complex[8, "N"]`. Raises TypeError for another kind of dimension."""
        return StructArrayType(self, tuple(elem[dims] for _, elem in self.fields))

    def over(self, values: np.ndarray) -> StructArray:
        """A structured array as a kernel sees it. Raises TypeError for another dtype."""
        return StructArray(values, self)

    def __str__(self) -> str:
        return f"Struct({', '.join(f'{name}={elem}' for name, elem in self.fields)})"

    __repr__ = __str__


def Struct(**fields: Any) -> StructType:  # noqa: N802 - a type, named as Allo names it
    """The struct type of these fields: integers, floats or fixed point. Raises TypeError for another."""
    found = tuple((name, as_type(elem)) for name, elem in fields.items())
    for name, elem in found:
        if not isinstance(elem, (IntType, FloatType, FixedType)):
            raise TypeError(f"a field is a number, such as {name}=int16, not {elem!r}")
    if not found:
        raise TypeError("a struct has at least one field: Struct(re=int16, im=int16)")
    return StructType(found)


@dataclass(frozen=True, slots=True)
class StructArrayType(Composite):
    """An array of structs: `parts` are the arrays of its fields, in their order."""

    struct: StructType
    parts: tuple[ArrayType | FixedArrayType, ...]

    @property
    def dims(self) -> tuple[int, ...]:
        return self.parts[0].dims

    def new(self) -> StructArray:
        """A new array of structs, every field 0."""
        return StructArray(np.zeros(self.dims, self.struct.dtype), self.struct)

    def __matmul__(self, spec: Any) -> StructArrayType:
        return replace(self, parts=tuple(part @ spec for part in self.parts))

    def __str__(self) -> str:
        first, (_, elem) = self.parts[0], self.struct.fields[0]
        return str(first).replace(str(elem), str(self.struct), 1)

    __repr__ = __str__


class Record:
    """A struct under CPython: its fields can be read. To change one, make a new struct."""

    __slots__ = ("_struct", "_values")

    def __init__(self, struct: StructType, values: tuple[Any, ...]) -> None:
        object.__setattr__(self, "_struct", struct)
        object.__setattr__(self, "_values", values)

    def __getattr__(self, name: str) -> Any:
        names = self._struct.names
        if name not in names:
            raise AttributeError(f"{self._struct} has no field {name!r}")
        return self._values[names.index(name)]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a struct in a variable does not change; make a new one with all its fields")

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        """Whether both have the same type and values."""
        return isinstance(other, Record) and (other._struct, *other) == (self._struct, *self)

    def __hash__(self) -> int:
        return hash((self._struct, self._values))

    def __repr__(self) -> str:
        parts = zip(self._struct.names, self._values, strict=True)
        return f"({', '.join(f'{name}={value}' for name, value in parts)})"


class Element(Record):
    """An element of an array as it was when it was read; assigning to a field changes the array."""

    __slots__ = ("_array", "_key")

    def __init__(self, array: StructArray, key: Any, values: tuple[Any, ...]) -> None:
        super().__init__(array.elem, values)
        object.__setattr__(self, "_array", array)
        object.__setattr__(self, "_key", key)

    def __setattr__(self, name: str, value: Any) -> None:
        self._array.part(name)[self._key] = value


class StructArray:
    """A structured NumPy array as a kernel sees it under CPython; see `bitfold.lang.typed`."""

    _parts: dict[str, Array]

    def __init__(self, values: np.ndarray, elem: StructType) -> None:
        if values.dtype.names != elem.names or any(
            values.dtype[name] != field.storage for name, field in elem.fields
        ):
            raise TypeError(f"an array of {elem} is held as dtype {elem.dtype}, not {values.dtype}")
        self.values, self.elem = values, elem
        self._parts = {name: typed(values[name].view(np.ndarray), field) for name, field in elem.fields}

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def ndim(self) -> int:
        return self.values.ndim

    def __len__(self) -> int:
        return len(self.values)

    def part(self, name: str) -> Array:
        """The array of one field. Raises AttributeError for no field."""
        if name not in self._parts:
            raise AttributeError(f"{self.elem} has no field {name!r}")
        return self._parts[name]

    def __getitem__(self, key: Any) -> Any:
        """An element, or a part of the array, which is a view of it."""
        found = self.values[key]
        if isinstance(found, np.ndarray):
            return StructArray(found, self.elem)
        return Element(self, key, tuple(part[key] for part in self._parts.values()))

    def __setitem__(self, key: Any, value: Record | StructArray) -> None:
        if isinstance(value, StructArray) and value.elem == self.elem:
            self.values[key] = value.values
            return
        if not isinstance(value, Record) or value._struct != self.elem:
            raise TypeError(f"an element of this array is a {self.elem}, not {value!r}")
        for part, field in zip(self._parts.values(), tuple(value), strict=True):
            part[key] = field
