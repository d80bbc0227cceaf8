"""Functions of floats, as they behave under CPython.

Each takes a NumPy float and gives one of the same type: the function is computed in float64, by the C library
that Python's `math` uses, and rounded once. So float32's are those of float64, rounded. A Python float or int
gives a Python float. Where `math` would raise, the result is that of IEEE 754: an infinity or nan.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bitfold.lang.types import PYTHON_FLOAT, FloatType, whole


def type_of(*values: Any) -> FloatType:
    """The type of an operation on `values`: the widest of NumPy's floats among them, else Python's float."""
    widths = [v.dtype.itemsize * 8 for v in values if isinstance(v, np.floating)]
    return FloatType(max(widths)) if widths else PYTHON_FLOAT


def _unary(name: str, compute: Callable[[float], float], says: str) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        return type_of(x).wrap(compute(PYTHON_FLOAT.wrap(x)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = says
    return function


def _total(compute: Callable[[float], float], where: Callable[[float], float]) -> Callable[[float], float]:
    """`compute`, and `where` in place of the exceptions of `math`."""

    def total(x: float) -> float:
        try:
            return compute(x)
        except (ValueError, OverflowError):
            return where(x)

    return total


def _nan(x: float) -> float:
    return math.nan


def _log_fault(x: float) -> float:
    return -math.inf if x == 0 else math.nan


def _grows(x: float) -> float:
    return math.inf


def _odd_growth(x: float) -> float:
    return math.copysign(math.inf, x)


def _integral(compute: Callable[[float], int]) -> Callable[[float], float]:
    """A rounding to an integer as a float, with the sign of its argument also where that is 0."""
    return lambda x: math.copysign(float(compute(x)), x) if math.isfinite(x) else x


sqrt = _unary("sqrt", _total(math.sqrt, _nan), "The square root, correctly rounded; nan below 0.")
exp = _unary("exp", _total(math.exp, _grows), "e to the power of x.")
log = _unary("log", _total(math.log, _log_fault), "The natural logarithm; -inf of 0, nan below.")
log2 = _unary("log2", _total(math.log2, _log_fault), "The logarithm to base 2; -inf of 0, nan below.")
log10 = _unary("log10", _total(math.log10, _log_fault), "The logarithm to base 10; -inf of 0, nan below.")
sin = _unary("sin", _total(math.sin, _nan), "The sine of an angle in radians.")
cos = _unary("cos", _total(math.cos, _nan), "The cosine of an angle in radians.")
tan = _unary("tan", _total(math.tan, _nan), "The tangent of an angle in radians.")
asin = _unary("asin", _total(math.asin, _nan), "The angle in radians whose sine is x; nan outside -1..1.")
acos = _unary("acos", _total(math.acos, _nan), "The angle in radians whose cosine is x; nan outside -1..1.")
atan = _unary("atan", math.atan, "The angle in radians whose tangent is x.")
sinh = _unary("sinh", _total(math.sinh, _odd_growth), "The hyperbolic sine.")
cosh = _unary("cosh", _total(math.cosh, _grows), "The hyperbolic cosine.")
tanh = _unary("tanh", math.tanh, "The hyperbolic tangent.")
floor = _unary("floor", _integral(math.floor), "The largest integer that is not above x, as a float.")
ceil = _unary("ceil", _integral(math.ceil), "The smallest integer that is not below x, as a float.")
rint = _unary("rint", _integral(builtins.round), "The nearest integer as a float; of two, the even one.")
fabs = _unary("fabs", math.fabs, "The absolute value.")


def pow(x: Any, y: Any) -> Any:
    """x to the power of y, both first converted to the type of the result, as NumPy's operators do."""
    kind = type_of(x, y)
    a, b = (PYTHON_FLOAT.wrap(kind.wrap(v)) for v in (x, y))
    try:
        value = math.pow(a, b)
    except (ValueError, OverflowError):
        value = _pow_fault(a, b)
    return kind.wrap(value)


def _pow_fault(a: float, b: float) -> float:
    """What C's pow gives where `math.pow` raises: 0 to a negative power, a root of less than 0, overflow."""
    odd = b == math.floor(b) and b % 2 == 1
    if a == 0:
        return math.copysign(math.inf, a) if odd else math.inf
    if a < 0 and b != math.floor(b):
        return math.nan
    return -math.inf if a < 0 and odd else math.inf


def trunc(x: Any) -> int:
    """`x` cut towards 0, as an exact integer; 0 for inf and nan, of which Python's `int` raises."""
    return whole(x)
