"""How a program is called: numbers, structs and results, which are arrays inside, plain for callers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from bitfold.diagnostics import UsageError
from bitfold.ir.nodes import Member, Param, Program
from bitfold.lang.structs import Record, StructArray
from bitfold.lang.types import FloatType

Values = Callable[[], Any]
Group = list[Param]
"""What its author sees as one argument or result: a parameter, or those of all fields of a struct."""


def groups(params: Sequence[Param]) -> list[Group]:
    """The parameters of each argument and result, in order."""
    found: dict[tuple[bool, str], Group] = {}
    for p in params:
        found.setdefault((p.result, p.member.argument if p.member else p.name), []).append(p)
    return list(found.values())


def title(group: Group) -> str:
    """What its author calls the argument."""
    first = group[0]
    return first.member.argument if first.member else first.name


def completed(program: Program, args: Sequence[Any]) -> tuple[list[Any], Values]:
    """An array for each argument and each result, and what the call returns in the end.

    A number or a struct becomes an array of one element, and each result gets an array unless one is given
    for it after the arguments. With one more dimension in front of the arrays, numbers may be arrays, and
    results are.

    Raises:
        UsageError: something that is no number, or outside its type, is given for one.
    """
    params = program.arguments
    taken, filled = [p for p in params if not p.result], [p for p in params if p.result]
    wanted, results, given = groups(taken), groups(filled), list(args)
    by_field = len(given) not in (len(wanted), len(wanted) + len(results))
    if by_field:  # the fields of structs one by one
        wanted, results = [[p] for p in taken], [[p] for p in filled]
    if len(given) not in (len(wanted), len(wanted) + len(results)):
        if not results and not any(p.scalar for p in params):
            return given, lambda: None  # reported where arrays are checked
        names = [title(g) for g in groups(taken)]
        raise UsageError(
            f"{program.top.name} takes {len(names)} arguments, not {len(given)}",
            code="BF-U008",
            remedy=f"pass ({', '.join(names)})",
        )
    count = _count([g[0] for g in wanted], given[: len(wanted)])
    arrays = [_array(g, a, count) for g, a in zip(wanted, given, strict=False)]
    made = given[len(wanted) :] or [_new(g, not by_field, count) for g in results]

    def values() -> Any:
        plain = [_plain(g, a, count) for g, a in zip(results, made, strict=True)]
        if by_field:
            plain = [_together(g, dict(zip(map(id, filled), plain, strict=True))) for g in groups(filled)]
        return plain[0] if len(plain) == 1 else tuple(plain) or None

    return [*arrays, *made], values


def with_members(program: Program, args: Sequence[Any]) -> list[Any]:
    """An array for each parameter: of an array of structs, which a caller passes whole, that of each field.

    Raises UsageError for a wrong number of arrays, and for an array of other structs.
    """
    params = program.arguments
    wanted = groups(params)
    whole = any(_is_structured(a) for a in args)
    if len(args) != len(wanted) and (whole or len(args) != len(params)):
        names = [title(g) for g in wanted]
        raise UsageError(
            f"{program.top.name} takes {len(wanted)} arrays, not {len(args)}",
            code="BF-U008",
            remedy=f"pass ({', '.join(names)})",
        )
    if len(args) == len(params) and not whole:
        return list(args)
    given = zip(wanted, args, strict=True)
    return [_field(p, a) if p.member else a for group, a in given for p in group]


def _is_structured(given: Any) -> bool:
    return isinstance(given, StructArray) or (isinstance(given, np.ndarray) and given.dtype.names is not None)


def _field(param: Param, given: Any) -> np.ndarray:
    """The array of one field of an array of structs."""
    assert param.member is not None
    values = given.values if isinstance(given, StructArray) else given
    if not _is_structured(given) or values.dtype.names != param.member.struct.names:
        raise UsageError(
            f"{param.member.argument!r} must be an array of {param.member.struct}, not of "
            f"{getattr(values, 'dtype', type(values).__name__)}",
            code="BF-U008",
            remedy=f"np.zeros({list(param.type.logical.shape)}, {param.member.struct.dtype.descr})",
        )
    found: np.ndarray = values[param.member.field].view(np.ndarray)
    return found


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


def _array(group: Group, given: Any, count: int | None) -> Any:
    """The array that an argument is inside: one for each number and each struct."""
    first = group[0]
    if not first.scalar:
        return given
    if len(group) == 1 and not (first.member and _is_struct(given)):
        return _number(first, given, count)
    assert first.member is not None
    return _structs(first.member, given, count)


def _is_struct(given: Any) -> bool:
    return isinstance(given, (Record, np.void)) or _is_structured(given)


def _structs(member: Member, given: Any, count: int | None) -> np.ndarray:
    """A struct, or an array of `count` of them, as the array of one element that it is inside."""
    if isinstance(given, np.ndarray) and given.dtype.names == member.struct.names:
        shape = (1,) if count is None else (count, 1)
        return given.reshape(shape) if given.size == (count or 1) else given
    names = given._struct.names if isinstance(given, Record) else getattr(given, "dtype", np.dtype(int)).names
    if not isinstance(given, (Record, np.void)) or names != member.struct.names:
        fields = ", ".join(f"{name}=..." for name in member.struct.names)
        raise UsageError(
            f"{member.argument!r} is a {member.struct}, not {type(given).__name__}",
            code="BF-U008",
            remedy=f"make one of its type, T({fields})",
        )
    made = np.empty((1,) if count is None else (count, 1), member.struct.dtype)
    values = given.item() if isinstance(given, np.void) else tuple(given)
    for name, value in zip(names, values, strict=True):
        made[name] = value
    return made


def _new(group: Group, whole: bool, count: int | None) -> np.ndarray:
    """An array for a result, of structs where that is a `whole` one of several fields."""
    first = group[0]
    dtype = first.member.struct.dtype if first.member and whole else first.dtype
    return np.zeros((*(() if count is None else (count,)), *first.type.logical.dims), dtype)


def _plain(group: Group, array: np.ndarray, count: int | None) -> Any:
    """A result as its caller sees it."""
    first = group[0]
    if not first.scalar:
        return array
    if count is not None:
        return array[:, 0]
    value = array.reshape(-1)[0]
    if array.dtype.names is not None:
        assert first.member is not None
        return Record(first.member.struct, tuple(_as_number(p, v) for p, v in zip(group, value, strict=True)))
    return _as_number(first, value)


def _as_number(param: Param, value: Any) -> Any:
    return value if isinstance(param.type.elem, FloatType) or param.fixed else int(value)


def _together(group: Group, values: dict[int, Any]) -> Any:
    """A result whose fields were made one by one."""
    first = group[0]
    parts = tuple(values[id(p)] for p in group)
    if first.member is None:
        return parts[0]
    if not isinstance(parts[0], np.ndarray):
        return Record(first.member.struct, parts)
    made = np.empty(parts[0].shape, first.member.struct.dtype)
    for p, part in zip(group, parts, strict=True):
        assert p.member is not None
        made[p.member.field] = part
    return made
