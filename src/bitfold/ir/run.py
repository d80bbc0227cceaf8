"""Run a program as the plain Python it prints as: the oracle that every back end must match."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import combinations
from typing import Any

import numpy as np

from bitfold.diagnostics import UsageError
from bitfold.ir.arguments import completed, with_members
from bitfold.ir.checks import add_checks
from bitfold.ir.dataflow import network_text, start
from bitfold.ir.deadlock import finish
from bitfold.ir.effects import parameter_effects
from bitfold.ir.network import is_network
from bitfold.ir.nodes import Param, Program
from bitfold.ir.printer import program_text
from bitfold.lang.array import Array, StreamEnd, typed
from bitfold.lang.packing import pack_words, unpack_words
from bitfold.lang.types import ArrayType, FloatType


def as_python(program: Program, states: Mapping[str, Array] | None = None) -> Callable[..., None]:
    """The top kernel of `program` as a Python function, made from the program's printed form.

    Kernels that talk by streams take turns. The states are `states`, by default new ones that the function
    keeps. Errors and `inspect` see the printed source under the name `<bitfold top digest>`.
    """
    text = program_text(program)
    name = f"<bitfold {program.top.name} {sha256(text.encode()).hexdigest()[:12]}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": "bitfold_program", **program.constants}
    if is_network(program):
        tree, sites = network_text(program, text)
        exec(compile(tree, name, "exec"), namespace)
        kept = [namespace[p.name] if states is None else states[p.name] for p in program.states]
        return lambda *args: finish(start(program, namespace, sites, (*args, *kept)))
    exec(compile(text, name, "exec"), namespace)
    namespace.update(states or {})
    found: Callable[..., None] = namespace[program.top.name]
    return found


def check_arguments(program: Program, args: Sequence[np.ndarray], batch: bool = False) -> list[np.ndarray]:
    """The arguments as arrays, checked against the logical types of the top kernel's parameters.

    With `batch`, each has one more dimension in front, of one common size.

    Raises:
        UsageError: a wrong number of arrays, a wrong dtype or shape, an input with values outside its
            element type, or an output that is read-only or shares memory with another argument.
    """
    params = program.arguments
    args = with_members(program, args)
    effects = parameter_effects(program, program.top)[: len(params)]
    for param, given, (read, written) in zip(params, args, effects, strict=True):
        _check_array(param, given, batch)
        if written and not given.flags.writeable:
            raise UsageError(
                f"{param.name!r} is written, but the array is read-only",
                code="BF-U010",
                remedy="pass a copy of it",
            )
        if not written or (read and param.fixed):
            _check_values(param, given)
    for (i, (_, written)), (j, (_, other)) in combinations(enumerate(effects), 2):
        if (written or other) and np.shares_memory(args[i], args[j]):
            raise UsageError(
                f"{params[i].name!r} and {params[j].name!r} share memory, and one of them is written",
                code="BF-U010",
                remedy="pass different arrays",
            )
    sizes = {a.shape[0] for a in args} if batch else set()
    if len(sizes) > 1:
        raise UsageError(
            f"the arrays have different batch sizes: {sorted(sizes)}",
            code="BF-U008",
            remedy="pass the same number of images",
        )
    return list(args)


def as_batch(program: Program, args: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The arguments of one call, or of many at once, as checked arrays with the batch dimension in front.

    They are a batch when every array has one more dimension than its parameter. Views: what is written to
    them arrives in the arguments. Raises UsageError as `check_arguments` does.
    """
    args = with_members(program, args)
    batch = bool(args) and all(
        isinstance(a, np.ndarray) and a.ndim == len(p.type.shape) + 1
        for a, p in zip(args, program.arguments, strict=False)
    )
    arrays = check_arguments(program, args, batch)
    return arrays if batch else [a[None] for a in arrays]


def _check_array(param: Param, given: np.ndarray, batch: bool) -> None:
    type, dtype = param.type.logical, param.dtype
    elem = param.fixed or type.elem
    if not isinstance(given, np.ndarray):
        raise UsageError(
            f"{param.name!r} must be a NumPy array, not {given.__class__.__name__}",
            code="BF-U008",
            remedy=f"np.asarray(x, dtype={_dtype_text(dtype)})",
        )
    if given.ndim != len(type.shape) + batch or given.shape[batch:] != type.shape:
        wanted = f"(N, {', '.join(map(str, type.shape))})" if batch else f"{type.shape}"
        raise UsageError(
            f"{param.name!r} has shape {given.shape}; {elem}{list(type.shape)} needs {wanted}",
            code="BF-U008",
            remedy="reshape or slice it",
        )
    if given.dtype != dtype and not (type.elem.width == 1 and given.dtype == np.bool_):
        raise UsageError(
            f"{param.name!r} has dtype {given.dtype}; {elem}{list(type.shape)} needs {dtype}",
            code="BF-U008",
            remedy=f"{param.name}.astype({_dtype_text(dtype)})",
        )


def _dtype_text(dtype: np.dtype[np.generic]) -> str:
    return "object" if dtype.hasobject else f"np.{dtype}"


def _check_values(param: Param, given: np.ndarray) -> None:
    """Refuse values outside the element type, where the dtype can hold such."""
    elem = param.type.logical.elem
    if param.fixed is not None:
        if fault := param.fixed.fault(given):
            raise UsageError(
                f"{param.name!r} {fault}", code="BF-U009", remedy=f"quantize({param.name}, {param.fixed})"
            )
        return
    if isinstance(elem, FloatType):
        return
    if given.dtype.hasobject:
        if any(isinstance(v, bool) or not isinstance(v, (int, np.integer)) for v in given.flat):
            raise UsageError(
                f"{param.name!r} holds values that are no integers", code="BF-U009", remedy="pass Python ints"
            )
    elif elem.width == given.dtype.itemsize * 8 or given.dtype == np.bool_:
        return
    if given.size and not (elem.low <= given.min() and given.max() <= elem.high):
        raise UsageError(
            f"{param.name!r} holds values {given.min()}..{given.max()}; {elem} has {elem.low}..{elem.high}",
            code="BF-U009",
            remedy="correct the values, or declare the parameter wider",
        )


def to_storage(values: np.ndarray, type: ArrayType) -> np.ndarray:
    """Logical values in the layout of `type`: packed when it is packed. Leading dimensions are kept."""
    if type.lanes_of:
        return pack_words(values, type)
    return np.ascontiguousarray(values).astype(type.elem.storage, copy=False)


def from_storage(stored: np.ndarray, type: ArrayType) -> np.ndarray:
    """The inverse of `to_storage`."""
    return unpack_words(stored, type) if type.lanes_of else stored


def initial_states(program: Program) -> dict[str, np.ndarray]:
    """The states before the first call, in the layout of their types."""
    return {p.name: to_storage(program.initial(p.state or "", p.type), p.type).copy() for p in program.states}


def run_python(program: Program, *args: Any, check: str | Iterable[str] = ()) -> Any:
    """Call the program once under CPython on logical arrays; what it writes is written into them in place.

    Takes numbers and gives results as the top kernel does.

    The program keeps its states from run to run; `reset` forgets them. `check` is "overflow", "bounds" or
    both: see `bitfold.ir.checks`.

    Raises:
        UsageError: as `check_arguments` does.
        StreamError: the kernels talk by streams and do not come to a proper end. Nothing is written.
        CheckError: a check found something. Nothing is written, the states are as they were.
    """
    complete, results = completed(program, args)
    checked = add_checks(program, check)
    arrays, params = check_arguments(program, complete), program.arguments
    stored = [to_storage(p.encoded(a), p.type).copy() for a, p in zip(arrays, params, strict=True)]
    live = program.live or initial_states(program)
    states = {p.name: typed(live[p.name].copy(), p.type.elem) for p in program.states}
    records = checked.new_records(1)
    try:
        memory = zip([*stored, *(r[0] for r in records)], checked.program.arguments, strict=True)
        views = ((typed(m, p.type.elem), p.type) for m, p in memory)
        with np.errstate(all="ignore"):  # floats follow IEEE 754 without a word
            as_python(checked.program, states)(*(StreamEnd(v) if t.streamed else v for v, t in views))
    finally:  # a network may not come to its end because of what a check found
        checked.raise_first(records)
    effects = parameter_effects(program, program.top)[: len(params)]
    for given, after, param, (_, written) in zip(arrays, stored, params, effects, strict=True):
        if written:
            given[...] = param.decoded(from_storage(after, param.type))
    program.live.update((name, state.view(np.ndarray)) for name, state in states.items())
    return results()


def reset(program: Program) -> None:
    """Let the next `run_python` of `program` start from the initial states."""
    program.live.clear()
