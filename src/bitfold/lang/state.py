"""Arrays that a kernel keeps from one call to the next."""

from __future__ import annotations

import builtins
from typing import Any, overload

import numpy as np

from bitfold.lang.array import Array, FixedArray, rom, typed
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.stream import StreamType
from bitfold.lang.structs import Record, StructArray, StructArrayType, StructType
from bitfold.lang.types import ArrayType, ElementType, FloatType, IntType


class State(Array):
    """What `stateful` makes: an array outside the kernels that write it.

    `type` is its type, None in a view of a part of it; `initial` holds its logical values before the first
    call. Where `fixed` is a type of fixed point, these are the integers that hold it.
    """

    type: ArrayType | None = None
    fixed: FixedType | None = None
    initial: np.ndarray

    def reset(self) -> None:
        """Give every element its initial value again."""
        assert self.type is not None, "a part of a state has no initial values of its own"
        held = rom(self.initial, self.type) if self.fixed is None else self.fixed.decode(self.initial)
        np.ndarray.__setitem__(self, ..., held)


class FixedState(FixedArray, State):
    """A state of fixed point."""


class StructState(StructArray):
    """A state of structs: a state for each field."""

    def __init__(self, type: StructArrayType, initial: np.ndarray) -> None:
        super().__init__(np.zeros(type.dims, type.struct.dtype), type.struct)
        for name, part in zip(type.struct.names, type.parts, strict=True):
            made = stateful(part, initial[name])
            held = self._parts[name].view(builtins.type(made))
            held.type, held.fixed, held.initial = made.type, made.fixed, made.initial
            self._parts[name] = held
        self.reset()

    def reset(self) -> None:
        """Give every element its initial value again."""
        for part in self._parts.values():
            assert isinstance(part, State)
            part.reset()


@overload
def stateful(type: StructArrayType | StructType, initial: Any = 0) -> StructState: ...


@overload
def stateful(type: ArrayType | ElementType | FixedArrayType | FixedType, initial: Any = 0) -> State: ...


def stateful(type: Any, initial: Any = 0) -> State | StructState:
    """An array that lives between the calls of the kernels that name it, such as a filter's delay line.

        taps = stateful(int16[8])

        def fir(x: int16[1], y: int32[1]):
            for i in range(7):
                taps[7 - i] = taps[6 - i]
            ...

    `initial` is a number or a struct for every element, or an array of the shape; 0 is a struct of zeros. A
    type without a shape is an array of one element. Called as Python functions, the kernels that name the
    object share it, and it remembers; a built module has a copy of its own, which starts from the initial
    values.

    Raises:
        TypeError: no type whose dimensions are known.
        ValueError: initial values of another shape, or outside the element type.
    """
    if isinstance(type, (IntType, FloatType, FixedType, StructType)):
        type = type[1]
    if isinstance(type, StructArrayType):
        return _struct_state(type, initial)
    if isinstance(type, FixedArrayType) and not isinstance(type.raw, StreamType):
        return _fixed_state(type.elem, type.raw, initial)
    if not isinstance(type, ArrayType) or isinstance(type, StreamType) or type.streamed:
        raise TypeError(f"a state is an array, such as stateful(int16[8]), not {type!r}")
    if fault := type.fault():
        raise TypeError(fault)
    logical = type.logical
    values = _of_shape(initial, logical)
    stored = np.empty(logical.dims, logical.elem.storage)
    stored[...] = np.array([_element(v, logical.elem) for v in values.flat], stored.dtype).reshape(
        values.shape
    )
    stored.flags.writeable = False
    made = rom(stored, type).view(State)
    made.type, made.initial = type, stored
    return made


def _of_shape(initial: Any, logical: ArrayType | FixedArrayType) -> np.ndarray:
    values = np.asarray(initial)
    if values.shape not in ((), logical.dims):
        raise ValueError(f"the initial values have shape {values.shape}, but {logical} needs {logical.dims}")
    return values


def _fixed_state(elem: FixedType, raw: ArrayType, initial: Any) -> State:
    """A state of fixed point. Raises as `stateful` does."""
    if fault := raw.fault():
        raise TypeError(fault)
    values = np.broadcast_to(_of_shape(initial, raw.logical), raw.dims)
    if (held := elem.fault(values)) is not None:
        raise ValueError(f"the state {held}")
    stored = elem.encode(values)
    stored.flags.writeable = False
    made = typed(elem.decode(stored), elem).view(FixedState)
    made.type, made.fixed, made.initial = raw, elem, stored
    return made


def _struct_state(type: StructArrayType, initial: Any) -> StructState:
    """A state of structs. Raises as `stateful` does."""
    struct = type.struct
    if not all(isinstance(d, int) for d in type.dims):
        raise TypeError(f"a state has known dimensions, such as stateful({struct}[8]), not {type}")
    if isinstance(initial, StructArray):
        initial = initial.values
    values = np.zeros(type.dims, np.dtype([(name, object) for name in struct.names]))
    if isinstance(initial, Record) and initial._struct == struct:
        values[...] = tuple(initial)
    elif isinstance(initial, np.ndarray) and initial.dtype.names == struct.names:
        values[...] = np.broadcast_to(_of_shape(initial, type.parts[0]), type.dims)
    elif not (builtins.type(initial) is int and initial == 0):
        fields = ", ".join(f"{name}=..." for name in struct.names)
        raise ValueError(
            f"the initial value is a {struct}, T({fields}), or an array of them, not {initial!r}"
        )
    return StructState(type, values)


def _element(value: Any, elem: ElementType) -> Any:
    """An initial value. Raises ValueError when `elem` does not hold it."""
    if isinstance(elem, FloatType):
        if isinstance(value, (int, float, np.number)):
            return elem.wrap(value)
    elif isinstance(value, (int, np.integer, np.bool_)) and elem.low <= int(value) <= elem.high:
        return int(value)
    raise ValueError(f"the initial value {value!r} is outside {elem}")


def is_state(value: object) -> bool:
    """Whether `value` is what `stateful` made, not a view of a part of it."""
    return isinstance(value, StructState) or (isinstance(value, State) and value.type is not None)
