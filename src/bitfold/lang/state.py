"""Arrays that a kernel keeps from one call to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from bitfold.lang.array import Array, rom
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType, ElementType, FloatType, IntType


class State(Array):
    """What `stateful` makes: an array outside the kernels that write it.

    `type` is its type, None in a view of a part of it; `initial` holds its logical values before the first
    call.
    """

    type: ArrayType | None = None
    initial: np.ndarray

    def reset(self) -> None:
        """Give every element its initial value again."""
        assert self.type is not None, "a part of a state has no initial values of its own"
        np.ndarray.__setitem__(self, ..., rom(self.initial, self.type))


def stateful(type: ArrayType | ElementType, initial: Any = 0) -> State:
    """An array that lives between the calls of the kernels that name it, such as a filter's delay line.

        taps = stateful(int16[8])

        def fir(x: int16[1], y: int32[1]):
            for i in range(7):
                taps[7 - i] = taps[6 - i]
            ...

    `initial` is a number for every element, or an array of the shape. A type without a shape is an array of
    one element. Called as Python functions, the kernels that name the object share it, and it remembers;
    a built module has a copy of its own, which starts from the initial values.

    Raises:
        TypeError: no type whose dimensions are known.
        ValueError: initial values of another shape, or outside the element type.
    """
    if isinstance(type, (IntType, FloatType)):
        type = type[1]
    if not isinstance(type, ArrayType) or isinstance(type, StreamType) or type.streamed:
        raise TypeError(f"a state is an array, such as stateful(int16[8]), not {type!r}")
    if fault := type.fault():
        raise TypeError(fault)
    logical = type.logical
    values = np.asarray(initial)
    if values.shape not in ((), logical.dims):
        raise ValueError(f"the initial values have shape {values.shape}, but {logical} needs {logical.dims}")
    stored = np.empty(logical.dims, logical.elem.storage)
    stored[...] = np.array([_element(v, logical.elem) for v in values.flat], stored.dtype).reshape(
        values.shape
    )
    stored.flags.writeable = False
    made = rom(stored, type).view(State)
    made.type, made.initial = type, stored
    return made


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
    return isinstance(value, State) and value.type is not None
