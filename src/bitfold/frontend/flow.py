"""`break`, `continue`, `return` and the `else` of loops, in terms of conditions and one-bit flags.

    for i in range(8):                    broke: bit = 0
        if x[i] == key:                   for i in range(8):
            y[0] = i                          if not broke:
            break              ->                 if x[i] == key:
        n += 1                                        y[0] = i
                                                      broke = 1
                                                  else:
                                                      n += 1

A `for` keeps its number of iterations, so it can be scheduled as any other; a `while` ends. A flag that
nobody would read is left out.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bitfold.diagnostics import LanguageError, Span
from bitfold.ir import build
from bitfold.ir.nodes import (
    NOWHERE,
    Apply,
    Assign,
    Compare,
    Const,
    Declare,
    Expr,
    Fn,
    For,
    Get,
    If,
    Local,
    Stmt,
    While,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.lang.types import bit

Body = tuple[Stmt, ...]
Flags = frozenset[str]


class Leave(enum.Enum):
    """What a jump leaves: the loop, this iteration of it, or the kernel."""

    BREAK = "break"
    CONTINUE = "continue"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Jump(Stmt):
    """`break`, `continue` or `return`, until the whole kernel is parsed."""

    leave: Leave


@dataclass(frozen=True, slots=True)
class Loop(Stmt):
    """A loop that something may leave, or with an `else`: the `depth` loops of `nest` count as one."""

    nest: For | While
    depth: int = 1
    orelse: Body = ()


@dataclass(frozen=True, slots=True)
class Copies(Stmt):
    """A compile-time loop: the statements of each iteration, one after the other."""

    bodies: tuple[Body, ...]
    orelse: Body = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """Statements without jumps: the flags that may be set at their end, and whether one always is."""

    body: Body
    flags: Flags = frozenset()
    always: bool = False


@dataclass(slots=True)
class _Frame:
    """The flags of the innermost loop around a statement."""

    broke: str = ""
    skipped: str = ""


@dataclass(slots=True)
class Flow:
    """Takes the jumps out of the body of one kernel; `unique` makes names."""

    unique: Callable[[str], str]
    returned: str = ""
    made: set[str] = field(default_factory=set)

    def lowered(self, body: Body) -> tuple[Body, bool]:
        """The body without jumps, and whether every way through it ends in a `return`."""
        part = self._block(body, None)
        found = part.body
        if self.returned:
            found = (_declare(self.returned, found), *found)
        read = {
            e.name
            for s in walk(found)
            for root in own_exprs(s)
            for e in walk_expr(root)
            if isinstance(e, Local)
        }
        return _without(found, frozenset(self.made - read)), part.always

    def _flag(self, name: str) -> str:
        made = self.unique(name)
        self.made.add(made)
        return made

    # ---- statements

    def _block(self, body: Body, frame: _Frame | None) -> _Part:
        done: list[Stmt] = []
        for at, stmt in enumerate(body):
            rest = body[at + 1 :]
            if isinstance(stmt, If) and rest:
                then, orelse = _ends(stmt.then), _ends(stmt.orelse)
                if then or orelse:  # what follows belongs to the branch that goes on
                    stmt = replace(
                        stmt,
                        then=stmt.then if then else (*stmt.then, *rest),
                        orelse=stmt.orelse if orelse or not then else (*stmt.orelse, *rest),
                    )
                    rest = ()
            part = self._statement(stmt, frame)
            done += part.body
            if part.always or (part.flags and not rest):
                return replace(part, body=tuple(done))
            if part.flags:
                after = self._block(rest, frame)
                guarded = _unless(part.flags, after.body)
                return _Part((*done, *guarded), part.flags | after.flags, after.always)
            if not rest:
                break
        return _Part(tuple(done))

    def _statement(self, stmt: Stmt, frame: _Frame | None) -> _Part:
        match stmt:
            case Jump():
                flag = self._target(stmt.leave, frame)
                return _Part((Assign(flag, bit, build.const(1), span=stmt.span),), frozenset({flag}), True)
            case If():
                then, orelse = self._block(stmt.then, frame), self._block(stmt.orelse, frame)
                made = replace(stmt, then=then.body, orelse=orelse.body)
                return _Part((made,), then.flags | orelse.flags, then.always and orelse.always)
            case For():  # nothing leaves it
                return _Part((replace(stmt, body=self._block(stmt.body, frame).body),))
            case Loop():
                return self._loop(stmt, frame)
            case Copies():
                return self._copies(stmt, frame)
        return _Part((stmt,))

    def _target(self, leave: Leave, frame: _Frame | None) -> str:
        if leave is Leave.RETURN:
            self.returned = self.returned or self._flag("returned")
            return self.returned
        assert frame is not None, "Python allows break and continue in loops only"
        if leave is Leave.BREAK:
            frame.broke = frame.broke or self._flag("broke")
            return frame.broke
        frame.skipped = frame.skipped or self._flag("skipped")
        return frame.skipped

    # ---- loops

    def _iteration(self, body: Body, frame: _Frame) -> _Part:
        """One iteration; its flags are those that end the whole loop."""
        frame.skipped = ""
        part = self._block(body, frame)
        start = (_declare(frame.skipped, part.body),) if frame.skipped else ()
        never = part.always and frame.skipped not in part.flags
        return _Part((*start, *part.body), part.flags - {frame.skipped}, never)

    def _loop(self, loop: Loop, around: _Frame | None) -> _Part:
        frame = _Frame()
        nest: list[For | While] = [loop.nest]
        while len(nest) < loop.depth:
            inner = nest[-1].body[0]
            assert isinstance(inner, For)
            nest.append(inner)
        part = self._iteration(nest[-1].body, frame)
        made = self._guarded(nest[-1], part)
        for outer in reversed(nest[:-1]):
            made = replace(outer, body=(made,))
        start = (_declare(frame.broke, (loop,)),) if frame.broke else ()
        endless = isinstance(made, While) and _is_true(loop.nest) and not frame.broke
        leaving = part.flags - {frame.broke}
        return self._followed(_Part((*start, made), leaving, endless), frame, loop.orelse, around)

    @staticmethod
    def _guarded(loop: For | While, part: _Part) -> For | While:
        """The loop with the lowered body: after a flag is set nothing of it runs."""
        if isinstance(loop, For):
            return replace(loop, body=_unless(part.flags, part.body))
        if _is_true(loop) and not part.flags:
            raise LanguageError(
                "this loop never ends: its condition is always true, and nothing leaves it",
                code="BF-L060",
                span=loop.span,
                remedy="write the condition after `while`, or leave the loop with break or return",
            )
        cond = loop.cond
        if part.flags:
            cond = build.logic(True, _none_of(part.flags), cond, loop.span)
        return replace(loop, cond=cond, body=part.body)

    def _copies(self, stmt: Copies, around: _Frame | None) -> _Part:
        frame = _Frame()
        part = self._copy(stmt.bodies, frame)
        start = (_declare(frame.broke, (stmt,)),) if frame.broke else ()
        leaving = part.flags - {frame.broke}
        always = part.always and frame.broke not in part.flags
        return self._followed(_Part((*start, *part.body), leaving, always), frame, stmt.orelse, around)

    def _copy(self, bodies: tuple[Body, ...], frame: _Frame) -> _Part:
        if not bodies:
            return _Part(())
        part = self._iteration(bodies[0], frame)
        if part.always or len(bodies) == 1:
            return part
        rest = self._copy(bodies[1:], frame)
        guarded = _unless(part.flags, rest.body)
        return _Part((*part.body, *guarded), part.flags | rest.flags, rest.always)

    def _followed(self, part: _Part, frame: _Frame, orelse: Body, around: _Frame | None) -> _Part:
        """A loop and its `else`, which runs unless something left the loop."""
        if not orelse or part.always:
            return part
        after = self._block(orelse, around)
        flags = part.flags | ({frame.broke} if frame.broke else frozenset())
        always = after.always and not frame.broke
        return _Part((*part.body, *_unless(flags, after.body)), part.flags | after.flags, always)


def _ends(body: Body) -> bool:
    """Whether every way through `body` ends in a jump out of it."""
    for stmt in body:
        match stmt:
            case Jump():
                return True
            case If() if _ends(stmt.then) and _ends(stmt.orelse):
                return True
    return False


def _is_true(loop: For | While) -> bool:
    return isinstance(loop, While) and isinstance(loop.cond, Const) and loop.cond.value != 0


def _declare(flag: str, body: Body) -> Stmt:
    return Declare(flag, bit, build.const(0), span=_span(body))


def _span(body: Body) -> Span:
    return next((s.span for s in body if s.span is not NOWHERE), NOWHERE)


def _none_of(flags: Flags) -> Expr:
    found: Expr = build.const(0)
    for flag in sorted(flags):
        found = build.logic(False, found, build.local(flag, bit))
    return build.apply(Fn.NOT, (found,))


def _unless(flags: Flags, body: Body) -> Body:
    """`body`, to run when none of the flags is set."""
    if not flags or not body:
        return body
    return (If(_none_of(flags), body, span=_span(body)),)


# ---- flags that nobody reads


def _without(body: Body, unread: Flags) -> Body:
    """`body` without the flags `unread`, and without the conditions that only set them."""
    found: list[Stmt] = []
    for stmt in body:
        match stmt:
            case Declare() | Assign() if stmt.name in unread:
                continue
            case For() | While():
                stmt = replace(stmt, body=_without(stmt.body, unread))
            case If():
                kept = _branches(stmt, unread)
                if kept is None:
                    continue
                stmt = kept
        found.append(stmt)
    return tuple(found)


def _branches(stmt: If, unread: Flags) -> If | None:
    then, orelse = _without(stmt.then, unread), _without(stmt.orelse, unread)
    if then or len(then) == len(stmt.then):
        return replace(stmt, then=then, orelse=orelse)
    if orelse:
        return replace(stmt, cond=_negated(stmt.cond), then=orelse, orelse=())
    asks = any(isinstance(e, Get) for e in walk_expr(stmt.cond))
    return replace(stmt, then=(), orelse=()) if asks else None


def _negated(cond: Expr) -> Expr:
    match cond:
        case Compare() if cond.lhs.real is None and cond.rhs.real is None:
            return build.compare(cond.op.opposite, cond.lhs, cond.rhs, cond.span)
        case Apply(fn=Fn.NOT, args=(inner,)):
            return inner
    return build.apply(Fn.NOT, (cond,), cond.span)
