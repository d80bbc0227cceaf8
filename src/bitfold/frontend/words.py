"""The words of the language: its intrinsics, and what to say of Python that is not part of it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Any

from bitfold.ir import floats
from bitfold.ir.nodes import Fn
from bitfold.lang import array, intrinsics, mathematics


def _parameters(function: Any) -> tuple[str, ...]:
    return tuple(function.__code__.co_varnames[: function.__code__.co_argcount])


# function -> (its operation, its parameters; none when it takes any number)
INTRINSICS: dict[Callable[..., Any], tuple[Fn, tuple[str, ...]]] = {
    intrinsics.xnor: (Fn.XNOR, _parameters(intrinsics.xnor)),
    intrinsics.popcount: (Fn.POPCOUNT, _parameters(intrinsics.popcount)),
    intrinsics.get_bit: (Fn.GET_BIT, _parameters(intrinsics.get_bit)),
    intrinsics.set_bit: (Fn.SET_BIT, _parameters(intrinsics.set_bit)),
    intrinsics.reverse: (Fn.REVERSE, _parameters(intrinsics.reverse)),
    builtins.min: (Fn.MIN, ()),
    builtins.max: (Fn.MAX, ()),
    builtins.abs: (Fn.ABS, ("x",)),
    mathematics.fabs: (Fn.ABS, ("x",)),
    mathematics.trunc: (Fn.TRUNC, ("x",)),
    **{function: (fn, _parameters(function)) for fn, function in floats.MATH.items()},
}

# operator -> (what is wrong with it, what to write instead)
OPERATOR_REMEDIES: dict[type[ast.operator], tuple[str, str]] = {
    ast.Pow: ("`**` is known only between constants", "write the product out, use << or bitfold.lang's pow"),
    ast.MatMult: (
        "`@` takes two arrays, and a kernel has no other use for it",
        "write a @ b of matrices or vectors",
    ),
}

# expression -> (its name, what to write instead)
REFUSED_EXPRESSIONS: dict[type[ast.expr], tuple[str, str]] = {
    ast.ListComp: ("a list comprehension", "write a for loop that stores into an array"),
    ast.SetComp: ("a set comprehension", "write a for loop that stores into an array"),
    ast.DictComp: ("a dict comprehension", "write a for loop that stores into an array"),
    ast.GeneratorExp: ("a generator", "write a for loop that accumulates into a scalar"),
    ast.List: ("a list", "use an array: `a = zeros(int32[4])`, then store its elements"),
    ast.Tuple: ("a tuple", "give each value a name or an array element of its own"),
    ast.Set: ("a set", "use an array of bits indexed by integers"),
    ast.Dict: ("a dict", "use an array indexed by integers"),
    ast.Lambda: ("a lambda", "define a kernel with def at module level and call it"),
    ast.JoinedStr: ("an f-string", "a kernel has no strings"),
    ast.NamedExpr: ("an assignment inside an expression", "assign on a line of its own"),
    ast.Starred: ("a starred expression", "name each element"),
    ast.Slice: ("a slice", "loop over the elements"),
    ast.Await: ("`await`", "a kernel runs by itself"),
    ast.Yield: ("`yield`", "write results into an array argument"),
    ast.YieldFrom: ("`yield from`", "write results into an array argument"),
}

# statement -> (its keyword, what to write instead); the newest Python's may be missing in this one
REFUSED_STATEMENTS: dict[type[ast.stmt], tuple[str, str]] = {
    ast.Try: ("try", "a kernel raises nothing"),
    ast.TryStar: ("try", "a kernel raises nothing"),
    ast.Raise: ("raise", "a kernel raises nothing"),
    ast.With: ("with", "a kernel has no contexts"),
    ast.AsyncWith: ("async with", "a kernel has no contexts"),
    ast.AsyncFor: ("async for", "use an ordinary for loop"),
    ast.Assert: ("assert", "check values outside the kernel"),
    ast.AsyncFunctionDef: ("async def", "define an ordinary function outside this one and call it"),
    ast.ClassDef: ("class", "define it outside the kernel"),
    ast.Import: ("import", "import at the top of the file"),
    ast.ImportFrom: ("from", "import at the top of the file"),
    ast.Global: ("global", "pass an array argument"),
    ast.Nonlocal: ("nonlocal", "pass an array argument"),
    ast.Delete: ("del", "names end with their block"),
    ast.Match: ("match", "use if, elif and else"),
}


def call_remedy(callee: object) -> str:
    """What to write instead of a call that has no place in an expression."""
    if callee is builtins.sum:
        return "write x.sum() of an array, or add in a loop: `acc += x[i]`"
    if callee is builtins.len:
        return "len takes an array or a tuple from outside the kernel"
    name = getattr(callee, "__name__", "")
    if any(callee is made for made in (array.empty, array.zeros, array.full)):
        return "make one array in a statement of its own: `x = zeros(int8[4])`"
    if getattr(callee, "__module__", "") in ("math", "numpy", "builtins") and hasattr(mathematics, name):
        return f"use the language's own: from bitfold.lang import {name}"
    bits = (intrinsics.get_slice, intrinsics.set_slice, intrinsics.concat, intrinsics.bitcast)
    known = ", ".join(sorted(f.__name__ for f in (*INTRINSICS, *bits)))
    return f"known in expressions: {known}, and casts such as uint8(x)"
