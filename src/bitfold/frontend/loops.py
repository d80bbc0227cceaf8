"""The headers of for loops: `range`, `grid`, and the directives around them."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, replace
from typing import Any

from bitfold.diagnostics import LanguageError
from bitfold.frontend.expressions import parse_expr
from bitfold.frontend.floats import operand, require_integer
from bitfold.frontend.scope import Scope
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_int, static_or_none
from bitfold.ir import build
from bitfold.ir.nodes import Const, Declare, Expr, For, Get, Load, Local, Op, Stmt, walk_expr
from bitfold.lang import intrinsics


@dataclass(frozen=True, slots=True)
class Bounds:
    """One loop: its variable and `range(low, high, step)`.

    For a range that counts down it is the loop over its iterations, and its variable is
    `first - down * iteration`.
    """

    name: str
    low: Expr
    high: Expr
    step: int
    first: Expr | None = None
    down: int = 0

    def value(self, ir_name: str) -> Expr:
        """What the loop's variable stands for in its body."""
        var = build.loop_var(ir_name, self.low.low, self.high.high - 1)
        if self.first is None:
            return var
        return build.binary(Op.SUB, self.first, build.binary(Op.MUL, var, build.const(self.down)))

    @property
    def dead(self) -> bool:
        """Whether it never runs."""
        return self.low.low >= self.high.high


@dataclass(slots=True)
class Marks:
    """The directives around an iterable; see `For`."""

    pipeline: int = 0
    unroll: int = 0
    parallel: bool = False
    rewind: bool = False

    def on(self, loop: For) -> For:
        """`loop` with these directives."""
        return replace(
            loop, pipeline=self.pipeline, unroll=self.unroll, parallel=self.parallel, rewind=self.rewind
        )


@dataclass(frozen=True, slots=True)
class Header:
    """A nest of loops, outermost first, with the directives of the innermost."""

    loops: tuple[Bounds, ...]
    marks: Marks


def header(node: ast.For, scope: Scope, before: list[Stmt]) -> Header:
    """What the first line of a for loop says; `before` gets what must be evaluated once, before the loop."""
    names = []
    for target in node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]:
        if not isinstance(target, ast.Name):
            raise LanguageError(
                "a loop variable is a plain name",
                code="BF-L006",
                span=span_of(target, scope.file),
                remedy="for i in range(n), or for i, j in grid(m, n)",
            )
        names.append(target.id)
    iterable, marks = _directives(node.iter, scope)
    callee = _callee(iterable, scope)
    if not isinstance(iterable, ast.Call) or not (callee is builtins.range or callee is intrinsics.grid):
        raise LanguageError(
            f"a kernel cannot iterate over {shown(node.iter)!r}",
            code="BF-L024",
            span=span_of(node.iter, scope.file),
            remedy="loop over range(n), range(start, stop, step) or grid(m, n)"
            + ("" if callee is None and not isinstance(iterable, ast.Name) else ", and index: range(len(x))"),
        )
    is_grid = callee is intrinsics.grid
    bounds = _grid(iterable, scope) if is_grid else [_range(iterable, scope, before)]
    if len(bounds) != len(names) or isinstance(node.target, ast.Tuple) is not is_grid:
        raise LanguageError(
            f"{shown(iterable)} does not give the loop variables {shown(node.target)!r}",
            code="BF-L024",
            span=span_of(node.target, scope.file),
            remedy="for i in range(n), or for i, j in grid(m, n) with a variable for each extent",
        )
    loops = tuple(Bounds(name, *each) for name, each in zip(names, bounds, strict=True))
    return Header(loops, marks)


def _callee(node: ast.expr, scope: Scope) -> Any:
    return static_or_none(node.func, scope) if isinstance(node, ast.Call) else None


def _directives(node: ast.expr, scope: Scope) -> tuple[ast.expr, Marks]:
    """The iterable inside `pipeline(...)`, `unroll(...)` and `parallel(...)`, and what they say."""
    marks = Marks()
    while isinstance(node, ast.Call):
        callee = _callee(node, scope)
        if callee is intrinsics.parallel:
            _parallel(node, scope)
            marks.parallel, marks.unroll = True, -1
        elif callee is intrinsics.pipeline:
            node, marks.rewind = _flag(node, "rewind", scope)
            marks.pipeline = _amount(node, "ii", scope) or 1
        elif callee is intrinsics.unroll:
            marks.unroll = _amount(node, "factor", scope) or -1
        else:
            break
        node = node.args[0]
    return node, marks


def _flag(node: ast.Call, keyword: str, scope: Scope) -> tuple[ast.Call, bool]:
    """The call without `keyword`, and the constant True or False that it is given."""
    found = [k for k in node.keywords if k.arg == keyword]
    if not found:
        return node, False
    value = static_or_none(found[0].value, scope)
    if value not in (0, 1):
        raise LanguageError(
            f"{keyword} is True or False",
            code="BF-L026",
            span=span_of(found[0].value, scope.file),
            remedy=f"pipeline(range(n), ii=1, {keyword}=True)",
        )
    rest = ast.Call(node.func, node.args, [k for k in node.keywords if k is not found[0]])
    return ast.copy_location(rest, node), bool(value)


def _parallel(node: ast.Call, scope: Scope) -> None:
    if len(node.args) != 1 or node.keywords:
        raise LanguageError(
            "parallel takes a loop",
            code="BF-L026",
            span=span_of(node, scope.file),
            remedy="for i in parallel(range(n))",
        )


def _amount(node: ast.Call, keyword: str, scope: Scope) -> int:
    """The positive constant of a directive, 0 when it is left out."""
    extra = [*node.args[1:], *(k.value for k in node.keywords if k.arg == keyword)]
    value = static_int(extra[0], scope) if extra else None
    well_formed = node.args and len(node.args) + len(node.keywords) == 1 + len(extra)
    if not well_formed or len(extra) > 1 or (extra and (value is None or value < 1)):
        raise LanguageError(
            f"{shown(node.func)} takes a loop and one positive constant",
            code="BF-L026",
            span=span_of(node, scope.file),
            remedy="pipeline(range(n), ii=1) or unroll(range(n), factor=4)",
        )
    return value or 0


Range = tuple[Expr, Expr, int, Expr | None, int]


def _range(node: ast.Call, scope: Scope, before: list[Stmt]) -> Range:
    if node.keywords or not 1 <= len(node.args) <= 3 or any(isinstance(a, ast.Starred) for a in node.args):
        raise LanguageError(
            "range takes 1 to 3 integers",
            code="BF-L025",
            span=span_of(node, scope.file),
            remedy="range(n), range(start, stop) or range(start, stop, step)",
        )
    args = [_bound(a, scope) for a in node.args]
    if len(args) == 1:
        return build.const(0), args[0], 1, None, 0
    step = args[2] if len(args) == 3 else build.const(1)
    if not isinstance(step, Const) or step.value == 0:
        raise LanguageError(
            "a range's step must be a constant other than 0",
            code="BF-L025",
            span=span_of(node.args[2], scope.file),
            remedy="count by 1 and compute the index, such as `start + i * step`",
        )
    if step.value < 0:
        return _downwards(args[0], args[1], -step.value, scope, before)
    return args[0], args[1], step.value, None, 0


def _bound(node: ast.expr, scope: Scope) -> Expr:
    bound = operand(node, parse_expr(node, scope), scope)
    require_integer(bound, "a bound of a loop", scope, node)
    return bound


def _downwards(start: Expr, stop: Expr, step: int, scope: Scope, before: list[Stmt]) -> Range:
    """`range(start, stop, -step)` as a loop over its iterations, which count up."""
    if any(isinstance(e, (Load, Local, Get)) for e in walk_expr(start)):  # the body may change it
        name = scope.unique("start")
        before.append(Declare(name, start.type, start, span=start.span))
        start = build.local(name, start.type, start.span)
    length = build.binary(Op.SUB, start, stop, start.span)
    trips = build.binary(Op.ADD, length, build.const(step - 1))
    return build.const(0), build.binary(Op.FLOORDIV, trips, build.const(step)), 1, start, step


def _grid(node: ast.Call, scope: Scope) -> list[Range]:
    """The extents of a grid. Python computes them once, so they must not change while the grid runs."""
    if not node.args or node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
        raise LanguageError(
            "grid takes its extents",
            code="BF-L025",
            span=span_of(node, scope.file),
            remedy="for i, j in grid(m, n)",
        )
    extents = [_bound(a, scope) for a in node.args]
    for extent, argument in zip(extents[1:], node.args[1:], strict=True):
        if any(isinstance(e, (Load, Local, Get)) for e in walk_expr(extent)):
            raise LanguageError(
                f"the extent {shown(argument)!r} of a grid can change while the grid runs",
                code="BF-L025",
                span=span_of(argument, scope.file),
                remedy="nest two loops over range",
            )
    return [(build.const(0), e, 1, None, 0) for e in extents]
