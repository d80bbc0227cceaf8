"""How a program is called: numbers and results, which are arrays inside, and plain values for its callers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from bitfold.diagnostics import UsageError
from bitfold.ir.nodes import Param, Program
from bitfold.lang.types import FloatType

Values = Callable[[], Any]


def completed(program: Program, args: Sequence[Any]) -> tuple[list[Any], Values]:
    """An array for each argument and each result, and what the call returns in the end.

    A number becomes an array of one element, and each result gets an array unless one is given for it after
    the arguments. With one more dimension in front of the arrays, numbers may be arrays, and results are.

    Raises:
        UsageError: something that is no number, or outside its type, is given for one.
    """
    params = program.arguments
    taken = [p for p in params if not p.result]
    whole = list({p.member.argument if p.member else p.name: p for p in taken}.values())
    results = [p for p in params if p.result]
    given = list(args)
    wanted = whole if len(given) in (len(whole), len(whole) + len(results)) else taken
    if len(given) not in (len(wanted), len(wanted) + len(results)):
        if not results and not any(p.scalar for p in params):
            return given, lambda: None  # reported where arrays are checked
        raise UsageError(
            f"{program.top.name} takes {len(whole)} arguments, not {len(given)}",
            code="BF-U008",
            remedy=f"pass ({', '.join(p.member.argument if p.member else p.name for p in whole)})",
        )
    count = _count(wanted, given[: len(wanted)])
    lead = () if count is None else (count,)
    arrays = [_number(p, a, count) if p.scalar else a for p, a in zip(wanted, given, strict=False)]
    made = given[len(wanted) :] or [np.zeros((*lead, *p.type.logical.dims), p.dtype) for p in results]

    def values() -> Any:
        plain = [_plain(p, a, count) for p, a in zip(results, made, strict=True)]
        return plain[0] if len(plain) == 1 else tuple(plain) or None

    return [*arrays, *made], values


def _count(params: Sequence[Param], given: Sequence[Any]) -> int | None:
    """How many calls the arguments are for, when they are a batch."""
    pairs = list(zip(params, given, strict=True))
    whole = [(p, a) for p, a in pairs if not p.scalar]
    if whole:
        batch = all(isinstance(a, np.ndarray) and a.ndim == len(p.type.shape) + 1 for p, a in whole)
        return int(whole[0][1].shape[0]) if batch else None
    numbers = [a for _, a in pairs if isinstance(a, np.ndarray) and a.ndim]
    sizes = [a.shape[0] for a in numbers if a.shape != (1,)]
    return int(sizes[0]) if sizes else None


def _number(param: Param, given: Any, count: int | None) -> Any:
    """A number, or an array of `count` of them, as the array of one element that it is inside."""
    elem = param.type.logical.elem
    if isinstance(given, np.ndarray) and given.ndim:
        return given.reshape(count, 1) if count is not None and given.shape == (count,) else given
    if isinstance(given, np.ndarray):
        given = given[()]
    fits = isinstance(given, (bool, int, np.integer, np.bool_))
    if isinstance(elem, FloatType) or param.fixed is not None:
        fits = fits or isinstance(given, (float, np.floating, Fraction))
    elif fits and not elem.low <= int(given) <= elem.high:
        raise UsageError(
            f"{param.name!r} is {given}; {elem} has {elem.low}..{elem.high}",
            code="BF-U009",
            remedy="pass another number, or declare the parameter wider",
        )
    if not fits:
        raise UsageError(
            f"{param.name!r} is a number ({elem}), not {type(given).__name__}",
            code="BF-U008",
            remedy=f"pass {'a float' if isinstance(elem, FloatType) else 'an int'}",
        )
    made = np.empty((1,) if count is None else (count, 1), param.dtype)
    made[...] = int(given) if isinstance(given, (np.integer, np.bool_)) else given
    return made


def _plain(param: Param, array: np.ndarray, count: int | None) -> Any:
    """A result as its caller sees it."""
    if not param.scalar:
        return array
    if count is not None:
        return array[:, 0]
    value = array.reshape(-1)[0]
    return value if isinstance(param.type.elem, FloatType) or param.fixed else int(value)
