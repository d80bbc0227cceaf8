"""NumPy's functions in kernels: operators and methods for those of whole arrays, remedies for others."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

METHODS: dict[object, str] = {
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
    np.reshape: "reshape",
    np.transpose: "transpose",
    np.copy: "copy",
}
"""NumPy's functions that are methods of their first argument."""

_OPERATORS: dict[object, ast.operator] = {
    np.add: ast.Add(),
    np.subtract: ast.Sub(),
    np.multiply: ast.Mult(),
    np.divide: ast.Div(),
    np.floor_divide: ast.FloorDiv(),
    np.mod: ast.Mod(),
    np.left_shift: ast.LShift(),
    np.right_shift: ast.RShift(),
    np.bitwise_and: ast.BitAnd(),
    np.bitwise_or: ast.BitOr(),
    np.bitwise_xor: ast.BitXor(),
    np.matmul: ast.MatMult(),
    np.dot: ast.MatMult(),
}
_COMPARISONS: dict[object, ast.cmpop] = {
    np.equal: ast.Eq(),
    np.not_equal: ast.NotEq(),
    np.less: ast.Lt(),
    np.less_equal: ast.LtE(),
    np.greater: ast.Gt(),
    np.greater_equal: ast.GtE(),
}


def rewritten(node: ast.Call, function: object) -> ast.expr | None:
    """The operator or method that a call of NumPy's `function` is, or None."""
    try:
        method = METHODS.get(function)
        operator, comparison = _OPERATORS.get(function), _COMPARISONS.get(function)
    except TypeError:  # something that cannot be looked up
        return None
    made: ast.expr | None = None
    if method is not None and node.args:
        attribute = ast.copy_location(ast.Attribute(node.args[0], method, ast.Load()), node)
        made = ast.Call(attribute, node.args[1:], node.keywords)
    elif len(node.args) == 2 and not node.keywords:
        left, right = node.args
        if operator is not None:
            made = ast.BinOp(left, operator, right)
        elif comparison is not None:
            made = ast.Compare(left, [comparison], [right])
    elif function is np.negative and len(node.args) == 1:
        made = ast.UnaryOp(ast.USub(), node.args[0])
    return None if made is None else ast.copy_location(made, node)


_MEAN = "divide the sum: x.sum() // 4 of integers, x.sum() / 4 of floats"
_MAKE = "make it with the language's own: t = zeros(int8[4]), or empty(int8[4]), full(int8[4], 1)"
_CONSTANT = "make it outside the kernel, which then has it as a constant"
_STORE = "store into parts of an array, c[:2] = a and c[2:] = b"
_REMEDIES: dict[str, str] = {
    **dict.fromkeys(("zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like"), _MAKE),
    **dict.fromkeys(("array", "asarray", "eye", "identity", "linspace"), _CONSTANT),
    "arange": "loop over range(n), or make it outside the kernel, which then has it as a constant",
    **dict.fromkeys(("mean", "average"), _MEAN),
    **dict.fromkeys(("std", "var"), "add up the values and their squares, and compute it from these sums"),
    **dict.fromkeys(("cumsum", "cumprod"), "keep the running value in a scalar, and store it in a loop"),
    **dict.fromkeys(("sort", "argsort"), "compare and exchange elements in loops: a sorting network"),
    **dict.fromkeys(("concatenate", "stack", "hstack", "vstack", "append"), _STORE),
    "roll": "store into parts of an array, y[1:] = x[:-1] and y[0] = x[-1]",
    "where": "write `a if c else b` of numbers; np.where(c, a, b) of arrays",
    "clip": "write min(max(x, low), high) of numbers; np.clip(x, low, high) of arrays",
    "astype": "cast it with a type of the language: int32(x)",
    "maximum": "write max(a, b) of numbers",
    "minimum": "write min(a, b) of numbers",
    **dict.fromkeys(("abs", "absolute"), "write abs(x) of a number"),
    "square": "write x * x",
    **dict.fromkeys(
        ("logical_and", "logical_or", "logical_not"), "write `and`, `or` and `not`; of arrays & and |"
    ),
}


def remedy(callee: object, node: ast.expr) -> str | None:
    """What to write for a call of NumPy's function or of an array's method; None for anything else."""
    of_numpy = (getattr(callee, "__module__", None) or "").partition(".")[0] == "numpy"
    if isinstance(callee, np.ufunc) or of_numpy:
        name: Any = getattr(callee, "__name__", "")
        if isinstance(callee, type) and issubclass(callee, np.generic):
            return f"cast it with a type of the language: {name.rstrip('_')}(x)"
        return _REMEDIES.get(name)
    if callee is None and isinstance(node, ast.Attribute):
        return _REMEDIES.get(node.attr)
    return None
