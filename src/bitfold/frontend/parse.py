"""A Python function, and the kernels it calls, to a `Program`."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

import numpy as np

from bitfold.diagnostics import LanguageError, Note, Span, UsageError
from bitfold.frontend.binding import bind
from bitfold.frontend.called import Called, Filled
from bitfold.frontend.certain import check_indices
from bitfold.frontend.constants import ConstantTable
from bitfold.frontend.flow import Flow
from bitfold.frontend.kernel_calls import Argument, Calls
from bitfold.frontend.nested import captured_parameters
from bitfold.frontend.networks import check_streams
from bitfold.frontend.parameters import Bound, MismatchError, Source, resolve, struct_types
from bitfold.frontend.results import Result, Returns
from bitfold.frontend.scope import ArrayName, Scope
from bitfold.frontend.signatures import concrete, declared_parameters
from bitfold.frontend.source import captured, definition, nodes_of, own_names, span_of
from bitfold.frontend.statements import StatementParser
from bitfold.frontend.streams import singled
from bitfold.frontend.views import overlapping
from bitfold.ir import build
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Function,
    Local,
    Param,
    Program,
    Rom,
    Stmt,
    Store,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import RESERVED, bindings, fresh, map_body
from bitfold.lang.intrinsics import DATAFLOW
from bitfold.lang.state import State
from bitfold.lang.structs import StructType


def parse(fn: Any, /, **dims: Any) -> Program:
    """The program whose top is `fn`, with the names of dimensions and types in its annotations resolved.

    Every call gets an instance of the called kernel of its own, named after the kernel, with `_0`, `_1` ...
    in the order of the calls when there are several. A constant array passed to a call becomes a ROM of
    the instance in place of the parameter.

    Raises:
        LanguageError: the function says something the kernel language does not have.
        UsageError: `fn` is no function, or `dims` leaves a name open or has an unknown one.
    """
    if not isinstance(fn, FunctionType):
        name, kind = getattr(fn, "__name__", ""), type(fn).__name__
        inside = isinstance(getattr(fn, "__wrapped__", None), FunctionType)
        raise UsageError(
            f"a kernel is a Python function, not {f'{name!r}, ' if name else ''}an object of type {kind}",
            code="BF-U007",
            remedy="pass the function that is decorated, without its decorator"
            if inside
            else "pass the function itself, without calling it",
        )
    parser = _ProgramParser()
    parser.instance(fn, {}, dims, ())
    program = _named(_called(parser.functions), parser.constants)
    check_streams(program)
    return program


@dataclass
class _ProgramParser:
    """Collects instances under provisional names: kernel.0, kernel.1 ..."""

    functions: list[Function] = field(default_factory=list)
    constants: ConstantTable = field(default_factory=ConstantTable)
    states: dict[str, list[tuple[str, State]]] = field(default_factory=dict)
    sources: dict[str, list[Source]] = field(default_factory=dict)

    def instance(
        self,
        fn: FunctionType,
        bound: Mapping[str, Bound],
        dims: Mapping[str, Any],
        callers: tuple[FunctionType, ...],
        passed: Mapping[str, StructType] | None = None,
    ) -> Function:
        """Parse `fn` with its parameters bound to types or constants, and append the instance.

        `passed` are the parameters that get structs, or arrays of them.
        """
        node = definition(fn)
        file = fn.__code__.co_filename
        span = _name_span(node, file)
        structs = struct_types(node.name, declared_parameters(fn, node, file), dims, passed or {}, span)
        dims = {name: value for name, value in dims.items() if name not in structs}
        declared = declared_parameters(fn, node, file, structs)
        declared.parameters.extend(captured_parameters(fn, bound, span))
        resolved = resolve(node.name, declared, bound, dims, span)
        stored = (n.id for n in nodes_of(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        outside = {n: v for n, v in captured(fn).items() if n not in declared.generic.sizes}
        outside |= {n: resolved[n] for n in declared.generic.types} | structs
        sizes = {n: v for n, v in resolved.items() if isinstance(v, int)}
        scope = Scope(file, outside, self.constants, own_names(fn), Counter(stored), sizes)
        scope.singled = singled(node)
        params = bind(node.name, declared, bound, resolved, scope)
        results = [Result(r, *concrete(r, resolved)) for r in declared.results]
        returns = Returns.of(node, results, scope, frozenset(p.name for p, _ in params))
        stack = (*callers, fn)
        calls = Calls(scope, lambda callee, args, where: self._call(callee, args, where, stack, scope))
        parser = StatementParser(scope, calls, returns, fn)
        statements, always = Flow(scope.unique).lowered(parser.statements(node.body))
        statements, made = returns.finished(statements, always, span)
        entry = _entered(scope.entry, statements)
        number = sum(f.kernel == node.name for f in self.functions)
        body = (*scope.roms, *entry, *statements)
        concurrent = getattr(fn, DATAFLOW, False) is True
        name = f"{node.name}.{number}"
        all_params = (*(p for p, _ in params), *made, *self._state_params(name, scope, top=not callers))
        self.sources[name] = [source for _, source in params]
        result = Function(name, all_params, body, concurrent, node.name, span, scope.points)
        check_indices(result)
        self.functions.append(result)
        return result

    def _state_params(self, function: str, scope: Scope, top: bool) -> tuple[Param, ...]:
        """The states of an instance as its last parameters, in the order of their names."""
        params = []
        known = sorted(scope.states, key=lambda s: s[0].ir_name)
        for meaning, value, span in known:
            initial = None
            if top:
                source, logical = f"{meaning.ir_name}_initial", meaning.type.logical
                initial = (
                    self.constants.enter(source, value.initial, logical, span)
                    if _is_set(value.initial)
                    else ""
                )
            params.append(Param(meaning.ir_name, meaning.type, span, initial, meaning.fixed))
        self.states[function] = [(meaning.ir_name, value) for meaning, value, _ in known]
        return tuple(params)

    def _call(
        self,
        callee: FunctionType,
        args: list[Argument],
        span: Span,
        callers: tuple[FunctionType, ...],
        scope: Scope,
    ) -> Called:
        name = callee.__name__
        if callee in callers:
            chain = " -> ".join(f.__name__ for f in (*callers[callers.index(callee) :], callee))
            raise LanguageError(
                f"{name!r} calls itself: {chain}",
                code="BF-L031",
                span=span,
                remedy="hardware has no call stack; write a loop",
            )
        bound: dict[str, Bound] = {a.parameter: a.value for a in args}
        try:
            structs = {_whole(a.parameter): a.struct for a in args if a.struct is not None}
            instance = self.instance(callee, bound, {}, callers, structs)
        except MismatchError as mismatch:
            raise LanguageError(
                mismatch.message,
                code="BF-L029",
                span=next(a.span for a in args if _whole(a.parameter) == _whole(mismatch.parameter)),
                remedy=mismatch.remedy,
                notes=[Note(f"parameter {mismatch.parameter!r} is declared here", mismatch.where)],
            ) from None
        except LanguageError as error:
            error.notes = (*error.notes, Note(f"{name!r} is called here", span))
            raise
        self._check_parts(instance, args)
        before, passed = self._passed(instance, args, scope, span)
        results = []
        for param in instance.params:
            if param.result:
                field = f"_{param.member.field}" if param.member else ""
                made = scope.unique(f"{name}_result{field}")
                before.append(Alloc(made, param.type, span=span))
                passed.append((made, span))
                results.append(
                    Filled(ArrayName(made, param.type, fixed=param.fixed), param.scalar, param.member)
                )
        kept = self.states[instance.name]
        passed += [(scope.state(state, value, span).ir_name, span) for state, value in kept]
        self._check_aliases(instance, passed)
        call = CallKernel(instance.name, tuple(array for array, _ in passed), span=span)
        return Called(tuple(before), call, tuple(results), self._is_pure(instance))

    def _passed(
        self, instance: Function, args: list[Argument], scope: Scope, span: Span
    ) -> tuple[list[Stmt], list[tuple[str, Span]]]:
        """What the call passes for the parameters of `instance`, and what puts numbers into arrays before."""
        before: list[Stmt] = []
        passed: list[tuple[str, Span]] = []
        spans = {id(a.value): a.span for a in args}
        for param, source in zip(instance.params, self.sources[instance.name], strict=False):
            at = spans.get(id(source), span)
            if isinstance(source, ArrayName):
                passed.append((source.ir_name, at))
            elif isinstance(source, str):
                passed.append((source, at))
            elif source is not None:
                name = scope.unique(f"{instance.kernel}_{param.name}")
                before.append(Alloc(name, param.type, span=span))
                value = build.stored(source, param.type.elem)
                before.append(Store(name, (build.const(0),), value, span=span))
                passed.append((name, at))
        return before, passed

    def _check_parts(self, instance: Function, args: list[Argument]) -> None:
        """Refuse parts of one array that may overlap when the kernel writes one of them."""
        effects = parameter_effects(Program(tuple(self.functions), {}), instance)
        for source, (_, written) in zip(self.sources[instance.name], effects, strict=False):
            if not isinstance(source, ArrayName) or not written:
                continue
            same = [a for a in args if isinstance(a.value, ArrayName) and a.value.ir_name == source.ir_name]
            parts = [a.value for a in same if isinstance(a.value, ArrayName)]
            if any(p.view is not None for p in parts) and overlapping(parts):
                raise LanguageError(
                    f"{instance.kernel!r} writes one of several parts of {source.ir_name!r} that may overlap",
                    code="BF-L030",
                    span=same[-1].span,
                    remedy="pass parts that certainly have nothing in common, or different arrays",
                )

    def _is_pure(self, instance: Function) -> bool:
        """Whether all that a call does is to compute its results."""
        effects = parameter_effects(Program(tuple(self.functions), {}), instance)
        return not any(
            (written and not p.result) or p.type.streamed
            for p, (_, written) in zip(instance.params, effects, strict=True)
        )

    def _check_aliases(self, instance: Function, passed: list[tuple[str, Span]]) -> None:
        """Refuse an array that is passed for two parameters of which one is written."""
        effects = parameter_effects(Program(tuple(self.functions), {}), instance)
        own = {array for array, _ in passed[len(passed) - len(self.states[instance.name]) :]}
        seen: dict[str, tuple[bool, Span]] = {}
        for (array, where), (_, written) in zip(passed, effects, strict=True):
            before, first = seen.get(array, (False, where))
            if array in seen and (before or written):
                state = array in own
                raise LanguageError(
                    f"{instance.kernel!r} is passed the state {array!r}, which it uses itself, and writes it"
                    if state
                    else f"the array {array!r} is passed twice and {instance.kernel!r} writes it",
                    code="BF-L030",
                    span=first if state else where,
                    remedy="let it take the state as an argument alone, or not at all"
                    if state
                    else "pass two different arrays",
                )
            seen[array] = written, where


def _whole(parameter: str) -> str:
    """The parameter as its author wrote it, of that for a field of a struct."""
    return parameter.partition(".")[0]


def _called(functions: list[Function]) -> list[Function]:
    """The top, which is the last one, and what it calls; a call after a `return` is no part of that."""
    known = {f.name: f for f in functions}
    found: set[str] = set()
    todo = [functions[-1].name]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [s.callee for s in walk(known[name].body) if isinstance(s, CallKernel)]
    return [f for f in functions if f.name in found]


def _entered(entry: list[Stmt], body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The locals that hold scalar parameters, where the kernel uses them."""
    parts = (e for s in walk(body) for root in own_exprs(s) for e in walk_expr(root))
    used = {e.name for e in parts if isinstance(e, Local)} | {
        s.name for s in walk(body) if isinstance(s, Assign)
    }
    return tuple(s for s in entry if not isinstance(s, Declare) or s.name in used)


def _name_span(node: ast.FunctionDef, file: str) -> Span:
    """Where the head of a definition stands, up to the kernel's name."""
    span = span_of(node, file)
    return replace(span, end_col=span.col + len("def ") + len(node.name))


def _named(functions: list[Function], constants: ConstantTable) -> Program:
    """The program under its final names, which are unique in it and mean nothing else in its printed form."""
    taken = set(RESERVED).union(*(bindings(f) for f in functions))
    arrays = {c: fresh(c if c not in taken else f"{c}_rom", taken) for c in _used(functions, constants)}
    instances = Counter(f.kernel for f in functions)
    names = {}
    for function in (functions[-1], *functions[:-1]):
        provisional = function.name.replace(".", "_")
        plain = function is functions[-1] or instances[function.kernel] == 1
        wanted = function.kernel if plain and function.kernel not in taken else provisional
        names[function.name] = fresh(wanted, taken)

    def statement(s: Stmt) -> tuple[Stmt, ...] | None:
        match s:
            case CallKernel():
                return (replace(s, callee=names[s.callee]),)
            case Rom():
                return (replace(s, source=arrays[s.source]),)
        return None

    def param(p: Param) -> Param:
        return replace(p, state=arrays[p.state]) if p.state else p

    renamed = tuple(
        replace(f, name=names[f.name], params=tuple(map(param, f.params)), body=map_body(f.body, statement))
        for f in functions
    )
    return Program(renamed, {arrays[c]: values for c, values in constants.arrays.items() if c in arrays})


def _used(functions: list[Function], constants: ConstantTable) -> list[str]:
    sources = {s.source for f in functions for s in walk(f.body) if isinstance(s, Rom)}
    sources |= {p.state for f in functions for p in f.params if p.state}
    return [c for c in constants.arrays if c in sources]


def _is_set(values: np.ndarray) -> bool:
    """Whether any of them is not 0; -0.0 is not 0."""
    return bool(any(values.tobytes())) if values.dtype.kind == "f" else bool(values.any())
