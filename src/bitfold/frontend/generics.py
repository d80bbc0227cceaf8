"""Names in a kernel's annotations that stand for types and sizes: which there are, and what they become.

A name is such a parameter when a quoted annotation uses it and nothing outside has it, when it is a
`TypeVar`, or when the function declares it, `def f[T, N](x: "T[N]")` (Python 3.12). It stands for a type
where it is indexed, and for a size inside an index.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from bitfold.diagnostics import LanguageError, Span, UsageError, choices
from bitfold.frontend.source import span_of
from bitfold.lang.fixed import FixedType
from bitfold.lang.generics import TypeName, as_type
from bitfold.lang.structs import StructType
from bitfold.lang.types import ArrayType, ElementType, FloatType, IntType


@dataclass(frozen=True, slots=True)
class Generic:
    """The parameters of one function: names of types and of sizes, and the TypeVars behind some."""

    types: frozenset[str]
    sizes: frozenset[str]
    variables: Mapping[str, TypeVar]

    def meanings(self) -> dict[str, Any]:
        """What each name is while the annotations are evaluated."""
        return {**{t: TypeName(1, False, t) for t in self.types}, **{n: n for n in self.sizes}}


def generic_names(
    fn: FunctionType, annotations: list[ast.expr], outside: Mapping[str, Any], file: str
) -> Generic:
    """The type and size names in the annotations of `fn`. Raises LanguageError where one is both."""
    variables: dict[str, TypeVar] = {n: v for n, v in outside.items() if isinstance(v, TypeVar)}
    for variable in getattr(fn, "__type_params__", ()):
        if not isinstance(variable, TypeVar):
            raise LanguageError(
                f"the type parameter {variable} of {fn.__name__!r} does not stand for one type or size",
                code="BF-L047",
                span=Span(file, fn.__code__.co_firstlineno),
                remedy=f"declare plain names: def {fn.__name__}[T, N](...)",
            )
        variables[variable.__name__] = variable
    used = [use for a in annotations for use in _uses(a)]
    known = {n for n, _, _ in used if n not in variables and (n in outside or hasattr(builtins, n))}
    declared = {n for n, role, _ in used if role == "type" or n in variables}
    types = {n for n, role, _ in used if role != "size" and n in declared} - known
    sizes = {n for n, role, _ in used if role == "size"} - known
    for name, role, node in used:
        if role == "size" and name in types:
            raise LanguageError(
                f"{name!r} stands for a type in one annotation and for a size in another",
                code="BF-L047",
                span=span_of(node, file),
                remedy='use two names, such as x: "T[N]"',
            )
    return Generic(frozenset(types), frozenset(sizes), variables)


def _uses(node: ast.expr) -> Iterator[tuple[str, str, ast.Name]]:
    """Every name in an annotation as (name, "type" | "size" | "alone", where)."""
    match node:
        case ast.Name():
            yield node.id, "alone", node
        case ast.BinOp(op=ast.MatMult()):
            yield from _uses(node.left)
        case ast.Subscript(value=ast.Name(id="Stream"), slice=key):
            first = key.elts[0] if isinstance(key, ast.Tuple) else key
            if isinstance(first, ast.Name):
                yield first.id, "type", first
        case ast.Subscript(value=owner, slice=key):
            if isinstance(owner, ast.Name):
                yield owner.id, "type", owner
            else:
                yield from _uses(owner)
            for part in key.elts if isinstance(key, ast.Tuple) else [key]:
                if isinstance(part, ast.Name):
                    yield part.id, "size", part


# ---- what customize gives


def check_given(kernel: str, generic: Generic, sizes: set[str], given: Mapping[str, Any], span: Span) -> None:
    """Raise UsageError unless every name in `given` is one of the kernel's and has a fitting value."""
    names = sorted({*generic.types, *sizes})
    for name, value in given.items():
        if name not in names:
            what = "dimension or type" if generic.types else "dimension"
            raise UsageError(
                f"{kernel!r} has no {what} named {name}",
                code="BF-U006",
                span=span,
                remedy=choices(name, names) if names else "its dimensions are all fixed",
            )
        if name in generic.types:
            if fault := type_fault(name, value, generic):
                raise UsageError(
                    f"{kernel!r}: {fault}",
                    code="BF-U006",
                    span=span,
                    remedy=_type_remedy(kernel, name, generic),
                )
        elif isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise UsageError(
                f"dimension {name} of {kernel!r} must be a positive integer, not {value!r}",
                code="BF-U006",
                span=span,
                remedy=f"customize({kernel}, {name}=256)",
            )


def type_fault(name: str, value: Any, generic: Generic) -> str | None:
    """Why `value` cannot be what the type `name` stands for, in words, or None."""
    found = as_type(value)
    if not isinstance(found, (IntType, FloatType, FixedType, StructType)) or isinstance(found, TypeName):
        return f"{name} is the type of elements, such as int16, not {value!r}"
    variable = generic.variables.get(name)
    alternatives = [as_type(t) for t in getattr(variable, "__constraints__", ())]
    if alternatives and found not in alternatives:
        return f"{name} is one of {', '.join(map(str, alternatives))}, not {found}"
    if getattr(variable, "__bound__", None) is not None:
        return f"{name} is declared with a bound, and types of elements have none in common"
    return None


def _type_remedy(kernel: str, name: str, generic: Generic) -> str:
    variable = generic.variables.get(name)
    if getattr(variable, "__bound__", None) is not None:
        return f"list what it may be, {name}: (int8, int16), or declare it as {name} alone"
    alternatives = [as_type(t) for t in getattr(variable, "__constraints__", ())]
    return f"customize({kernel}, {name}={alternatives[0] if alternatives else 'int16'})"


def missing(kernel: str, sizes: list[str], types: list[str], span: Span) -> UsageError:
    """The error of names that neither customize nor a caller resolves."""
    parts = []
    if sizes:
        parts.append(f"the size of {', '.join(sizes)}")
    if types:
        parts.append(f"the type {', '.join(types)}")
    examples = [*(f"{t}=int16" for t in types), *(f"{m}=256" for m in sizes)]
    return UsageError(
        f"{' and '.join(parts)} in {kernel!r} is not known",
        code="BF-U006",
        span=span,
        remedy=f"give it: customize({kernel}, {', '.join(examples)}); to a command, "
        + " ".join(f"--set {e}" for e in examples),
    )


def with_elem(type: ArrayType, resolved: Mapping[str, Any]) -> ElementType | FixedType:
    """The element type of a declared array, where its name is resolved."""
    elem = type.elem
    found: ElementType | FixedType = resolved.get(elem.name, elem) if isinstance(elem, TypeName) else elem
    return found
