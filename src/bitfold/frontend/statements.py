"""Python statements to IR statements."""

from __future__ import annotations

import ast
import inspect
import itertools
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.array_statements import array_statement, goal_of
from bitfold.frontend.assignments import assign, augmented, declare
from bitfold.frontend.compile_time import bind_known, known_condition, known_items
from bitfold.frontend.expressions import parse_condition, parse_expr
from bitfold.frontend.fixed import stored
from bitfold.frontend.flow import Copies, Jump, Leave, Loop
from bitfold.frontend.kernel_calls import Calls
from bitfold.frontend.loops import Bounds, header
from bitfold.frontend.nested import define, runs
from bitfold.frontend.nonzero import forget, forget_in, learn, where
from bitfold.frontend.results import Returns
from bitfold.frontend.scope import ArrayName, ScalarName, Scope, described
from bitfold.frontend.source import keyword_span, shown, span_of
from bitfold.frontend.streams import StreamCall, stream_call
from bitfold.frontend.struct_statements import rewritten
from bitfold.frontend.unpack import several
from bitfold.frontend.views import view
from bitfold.frontend.words import REFUSED_STATEMENTS
from bitfold.ir import build
from bitfold.ir.nodes import Assign, Const, Declare, For, If, Put, Stmt, While

_LEAVES: dict[type[ast.stmt], Leave] = {
    ast.Break: Leave.BREAK,
    ast.Continue: Leave.CONTINUE,
    ast.Return: Leave.RETURN,
}


@dataclass(slots=True)
class StatementParser:
    """Parses the body of one kernel instance, of `function`."""

    scope: Scope
    calls: Calls
    returns: Returns
    function: FunctionType

    def statements(self, nodes: list[ast.stmt]) -> tuple[Stmt, ...]:
        reached = itertools.takewhile(lambda node: runs(node, self.function), nodes)
        return tuple(s for node in reached for s in self._statement(node))

    def _block(self, nodes: list[ast.stmt], kind: str) -> tuple[Stmt, ...]:
        """A nested statement list with a scope of its own."""
        self.scope.push()
        before = self.scope.nonzero
        body = self.statements(nodes)
        self.scope.nonzero = [fact for fact in before if fact in self.scope.nonzero]
        self.scope.pop(kind)
        return body

    def _statement(self, node: ast.stmt) -> tuple[Stmt, ...]:
        if isinstance(node, ast.For):
            return self._for(node)
        if isinstance(node, ast.While):
            return self._while(node)
        if isinstance(node, ast.If):
            return self._if(node)
        lifted: list[Stmt] = []
        self.calls.whole = getattr(node, "value", None)
        with self.scope.lifting(lifted):
            found = self._simple(node)
        forget((*lifted, *found), self.scope)
        return (*lifted, *found)

    def _simple(self, node: ast.stmt) -> tuple[Stmt, ...]:
        """A statement that holds no others."""
        if (parts := rewritten(node, self.scope)) is not None:
            return tuple(s for part in parts for s in self._simple(part))
        self.scope.goal = goal_of(node)
        if (whole := array_statement(node, self.scope)) is not None:
            return whole
        match node:
            case ast.AnnAssign():
                return declare(node, self.scope)
            case ast.Assign(value=ast.Call() as call, targets=[target]) if self.calls.gives(call, target):
                return self.calls.named_results(call, target)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript() | ast.Name()) if part := view(
                node.value, self.scope, parse_expr, self.scope.lifted
            ):
                return self._alias(name, part, node)
            case ast.Assign():
                made = several(node, self.scope, self._simple)
                return assign(node, self.scope) if made is None else made
            case ast.FunctionDef():
                define(node, self.function, self.scope)
                return ()
            case ast.Return():
                return self.returns.statements(node)
            case ast.AugAssign():
                return augmented(node, self.scope)
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                return ()
            case ast.Break() | ast.Continue():
                return (Jump(_LEAVES[type(node)], span=span_of(node, self.scope.file)),)
            case ast.Expr(value=ast.Call() as call):
                return self._call_statement(call)
            case ast.Expr():
                return self._expression(node.value)
        keyword, remedy = REFUSED_STATEMENTS.get(
            type(node),
            (type(node).__name__.lower(), "a kernel has for, while, if, assignments and calls of kernels"),
        )
        raise LanguageError(
            f"`{keyword}` is not part of the kernel language",
            code="BF-L001",
            span=keyword_span(node, self.scope.file, keyword),
            remedy=remedy,
        )

    def _expression(self, node: ast.expr) -> tuple[Stmt, ...]:
        """An expression on a line of its own: nothing for `...`, otherwise an error."""
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return ()
        parse_expr(node, self.scope)
        raise LanguageError(
            f"the value of {shown(node)!r} is not used",
            code="BF-L027",
            span=span_of(node, self.scope.file),
            remedy="assign it, or delete the line",
        )

    # ---- loops and conditions

    def _for(self, node: ast.For) -> tuple[Stmt, ...]:
        scope = self.scope
        if (items := known_items(node.iter, scope)) is not None:
            return (self._copies(node, items),)
        lifted: list[Stmt] = []
        with scope.lifting(lifted):
            head = header(node, scope, lifted)
        span = replace(span_of(node, scope.file), end_col=span_of(node.iter, scope.file).end_col)
        forget_in(node, scope)
        scope.push()
        first: list[Stmt] = []
        loops = [self._bound(loop, node, span, first) for loop in head.loops]
        alive = scope.alive
        scope.alive = alive and not any(loop.dead for loop in head.loops)
        body = (*first, *self._block(node.body, "loop"))
        scope.alive = alive
        scope.pop("loop")
        nest = head.marks.on(replace(loops[-1], body=body))
        flatten = nest.pipeline > 0 and all(loop.trips for loop in loops[:-1])
        for outer in reversed(loops[:-1]):
            nest = replace(outer, body=(nest,), flatten=flatten)
        return (*lifted, self._leavable(node, nest, len(loops)))

    def _bound(self, loop: Bounds, node: ast.For, span: Span, first: list[Stmt]) -> For:
        """One loop without its body, its variable bound; a scalar of that name is set in `first`."""
        scope = self.scope
        ir_name = scope.unique(loop.name)
        value = loop.value(ir_name)
        taken = scope.names.get(loop.name)
        if isinstance(taken, ScalarName) and taken.type.low <= value.low and value.high <= taken.type.high:
            first.append(Assign(taken.ir_name, taken.type, value, span=span))
        elif isinstance(taken, ScalarName):
            raise LanguageError(
                f"{loop.name!r} is {taken.type}, which does not hold the loop's {value.low}..{value.high}",
                code="BF-L010",
                span=span_of(node.target, scope.file),
                remedy=f"declare {loop.name!r} wider, or use another loop variable",
            )
        elif taken is not None:
            raise LanguageError(
                f"{loop.name!r} is already {described(taken)} here, which the loop would overwrite",
                code="BF-L005",
                span=span_of(node.target, scope.file),
                remedy="use another loop variable",
            )
        scope.bind(loop.name, value)
        return For(ir_name, loop.low, loop.high, loop.step, (), span=span)

    def _leavable(self, node: ast.For | ast.While, nest: For | While, depth: int) -> Stmt:
        """The loop, marked where something may leave it."""
        leaves = any(isinstance(n, (ast.Break, ast.Continue, ast.Return)) for n in ast.walk(node))
        if not leaves and not node.orelse and not isinstance(nest, While):
            return nest
        return Loop(nest, depth, self._block(node.orelse, "else branch"), span=nest.span)

    def _copies(self, node: ast.For, items: list[Any]) -> Stmt:
        """A compile-time loop: its body once for each item."""
        bodies = []
        for item in items:
            self.scope.push()
            bind_known(node.target, item, self.scope)
            bodies.append(self._block(node.body, "loop"))
            self.scope.pop("loop")
        orelse = self._block(node.orelse, "else branch")
        return Copies(tuple(bodies), orelse, span=span_of(node, self.scope.file))

    def _while(self, node: ast.While) -> tuple[Stmt, ...]:
        """A while loop. What its condition takes from a stream it takes anew in each iteration."""
        scope, span = self.scope, span_of(node.test, self.scope.file)
        if known_condition(node.test, scope) is False:
            return self._block(node.orelse, "else branch")
        lifted: list[Stmt] = []
        with scope.lifting(lifted):
            cond = parse_condition(node.test, scope)
        if cond == build.const(0) and not lifted:
            return self._block(node.orelse, "else branch")
        forget_in(node, scope)
        with where(cond, True, scope):
            body = self._block(node.body, "loop")
        if not lifted:
            return (self._leavable(node, While(cond, body, span=span), 1),)
        if node.orelse:
            raise LanguageError(
                "`else` on a while loop whose condition takes values is not part of the kernel language",
                code="BF-L001",
                span=span_of(node.orelse[0], scope.file),
                remedy="take the value on a line of its own, before the loop and at the end of its body",
            )
        leave = If(cond, (), (Jump(Leave.BREAK, span=span),), span=span)
        endless = While(build.const(1, span), (*lifted, leave, *body), span=span)
        return (Loop(endless, span=span),)

    def _if(self, node: ast.If) -> tuple[Stmt, ...]:
        """An if. Where compile-time values decide it, only the branch taken is part of the kernel.

        Where captured values alone do, that branch is no block of its own: what it binds stays.
        """
        if (known := known_condition(node.test, self.scope)) is not None:
            return self.statements(node.body if known else node.orelse)
        lifted: list[Stmt] = []
        with self.scope.lifting(lifted):
            cond = parse_condition(node.test, self.scope)
        if isinstance(cond, Const) and not lifted:
            return self._block(node.body if cond.value else node.orelse, "if branch")
        with where(cond, True, self.scope):
            then = self._block(node.body, "if branch")
        with where(cond, False, self.scope):
            orelse = self._block(node.orelse, "else branch")
        for block, holds in ((then, False), (orelse, True)):
            if block and isinstance(block[-1], Jump):
                learn(cond, holds, self.scope)
        return (*lifted, If(cond, then, orelse, span=span_of(node.test, self.scope.file)))

    # ---- calls, streams and views

    def _call_statement(self, node: ast.Call) -> tuple[Stmt, ...]:
        """A call whose results, if it has any, are dropped."""
        if (stream := stream_call(node, self.scope, parse_expr)) is not None:
            return (self._stream_statement(stream),)
        return self.calls.called(node).statements

    def _alias(self, name: str, part: ArrayName, node: ast.Assign) -> tuple[Stmt, ...]:
        """`row = A[i]`: another name for an array or a part of it."""
        span = span_of(node, self.scope.file)
        whole, _, field = name.partition(".")  # the author's name for an array of structs
        if whole in inspect.signature(self.function).parameters:
            written = (
                ast.unparse(node.value).replace(f".{field}", "", 1) if field else ast.unparse(node.value)
            )
            raise LanguageError(
                f"{whole!r} is a parameter: `{whole} = ...` gives the name to another array, and the "
                "caller's stays as it is",
                code="BF-L005",
                span=span,
                remedy=f"store into it, `{whole}[:] = {written}`, or use another name",
            )
        if not isinstance(self.scope.names.maps[0].get(name), ArrayName):
            self.scope.check_free(name, span)
        self.scope.bind(name, part)
        return ()

    def _stream_statement(self, call: StreamCall) -> Stmt:
        """`c.put(v)`, or `c.get()` whose value is dropped."""
        name = call.stream.ir_name
        if call.method == "put":
            self.scope.converted.append(call.args[0])
            value = stored(name, call.stream, parse_expr(call.args[0], self.scope), call.args[0], self.scope)
            return Put(name, value, call.indices, span=call.span)
        if call.method == "get":
            return Declare(self.scope.unique(f"{name}_value"), call.elem, call.get(), span=call.span)
        raise LanguageError(
            f"the value of '{name}.{call.method}()' is not used",
            code="BF-L027",
            span=call.span,
            remedy="assign it, or delete the line",
        )
