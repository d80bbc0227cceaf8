"""Statements on whole arrays as loops that a schedule can name: `c[:] = a @ b` has c_0, c_1 and c_2."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed
from bitfold.frontend.array_values import Indices, Value, element, spread, without_leading
from bitfold.frontend.arrays import Reader, Reduction
from bitfold.frontend.assignments import as_load, store
from bitfold.frontend.expressions import parse_expr
from bitfold.frontend.scaled import Scaled, fixed_type
from bitfold.frontend.scope import ArrayName, Known, ScalarName, Scope, described
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import declared_type
from bitfold.ir import build, floats
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    Cmp,
    Const,
    Declare,
    Expr,
    Fn,
    For,
    If,
    Local,
    LoopVar,
    Op,
    Real,
    Stmt,
    Store,
)
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.types import MAX_WIDTH, ArrayType, ElementType, FloatType, bit, covering

Statements = tuple[Stmt, ...]


def array_statement(node: ast.stmt, scope: Scope) -> Statements | None:
    """An assignment of a whole array or a part of one; None for any other statement."""
    match node:
        case ast.Assign(targets=[ast.Subscript() as target]):
            writer = Writer.of(target, scope)
            if writer.reader.value(target) is None:
                return None
            return writer.assign(target, node.value)
        case (
            ast.Assign(targets=[ast.Name(id=name) as target])
            | ast.AnnAssign(target=ast.Name(id=name) as target)
        ):
            if node.value is None:
                return None
            writer = Writer.of(target, scope)
            value = writer.reader.value(node.value)
            if value is None or not value.shape or isinstance(node.value, (ast.Name, ast.Subscript)):
                return None
            if value.view:
                raise LanguageError(
                    f"{shown(node.value)!r} is no array of its own but another form of one",
                    code="BF-L057",
                    span=span_of(node.value, scope.file),
                    remedy=f"write {shown(node.value)}.copy(), or use it where it is needed",
                )
            type = declared_type(node.annotation, scope) if isinstance(node, ast.AnnAssign) else None
            return writer.declare(name, value, node.value, type)
        case ast.AugAssign(target=ast.Name() | ast.Subscript() as target):
            writer = Writer.of(target, scope)
            read = as_load(target)
            if (part := writer.reader.value(read)) is None or not part.shape:
                return None
            return writer.assign(target, ast.copy_location(ast.BinOp(read, node.op, node.value), node))
    return None


def scalar_reduction(node: ast.expr, scope: Scope) -> Expr | None:
    """The scalar that `a.sum()` or `a @ b` is, computed before the statement; None for another expression.

    Raises LanguageError where nothing can go before, and for one that is an array.
    """
    writer = Writer(scope, scope.goal or "array", span_of(node, scope.file), [])
    value = writer.reader.value(node)
    if value is None:
        return None
    if value.shape:
        raise LanguageError(
            f"{shown(node)!r} is an array of shape {value.shape}; this expression needs a scalar",
            code="BF-L017",
            span=span_of(node, scope.file),
            remedy="assign it to an array first, and index that",
        )
    if scope.lifted is None:
        raise LanguageError(
            f"{shown(node)!r} takes loops, and stands where only part of a statement is evaluated",
            code="BF-L056",
            span=span_of(node, scope.file),
            remedy="compute it on a line of its own before",
        )
    with scope.lifting(None):
        found = parse_expr(value.at([]), scope)
    assert scope.lifted is not None
    scope.lifted.extend(writer.out)
    return found


def goal_of(node: ast.stmt) -> str:
    """The name of what a statement assigns to, or ""."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    while isinstance(target, (ast.Subscript, ast.Attribute)):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


@dataclass
class Writer:
    """Writes the statements of one array statement. `goal` is what its loops are named after."""

    scope: Scope
    goal: str
    span: Span
    out: list[Stmt]
    loops_made: int = 0
    dry: bool = False

    def __post_init__(self) -> None:
        self.reader = Reader(self.scope, self.evaluate, self.keep, self.once)
        for known in (builtins.max, builtins.min, builtins.abs):
            self.scope.names.maps[-1][f".{known.__name__}"] = Known(known)

    @staticmethod
    def of(target: ast.Name | ast.Subscript, scope: Scope) -> Writer:
        root = target.value if isinstance(target, ast.Subscript) else target
        goal = root.id if isinstance(root, ast.Name) else "array"
        return Writer(scope, goal, span_of(target, scope.file), [])

    # ---- statements

    def assign(self, target: ast.Name | ast.Subscript, node: ast.expr) -> Statements:
        """Store an array or a scalar into all of `target`."""
        place = self.reader.value(as_load(target))
        root = self.reader.named(target.value if isinstance(target, ast.Subscript) else target)
        assert place is not None
        assert root is not None
        value = self.reader.value(node)
        if value is None:
            scalar = self.once(node)
            value = Value((), lambda _: scalar)
        value = without_leading(value, len(place.shape))
        if len(value.shape) > len(place.shape) or any(
            have not in (1, want) for have, want in zip(value.shape[::-1], place.shape[::-1], strict=False)
        ):
            raise LanguageError(
                f"{shown(node)!r} has the shape {value.shape}, and {shown(target)!r} the shape {place.shape}",
                code="BF-L055",
                span=span_of(node, self.scope.file),
                remedy="assign to a part of the same shape",
            )
        if value.reduces and value.shape != place.shape:
            value = self.keep(value, node)
        if self.clash(place, value, root):
            value = self.keep(value, node)

        def body(names: Indices) -> None:
            self.put(place.at(names), value.at(spread(value.shape, names)))

        self.loops(place.shape, body)
        return tuple(self.out)

    def declare(self, name: str, value: Value, node: ast.expr, type: object) -> Statements:
        """`name = value` or `name: type = value`: a new array."""
        meaning = self.scope.names.get(name)
        if meaning is not None:
            raise LanguageError(
                f"{name!r} is already {described(meaning)} here; to Python `{name} = ...` would make it "
                "another one",
                code="BF-L005",
                span=self.span,
                remedy=f"store into it, `{name}[:] = {shown(node)}`, or use another name",
            )
        array = type if isinstance(type, (ArrayType, FixedArrayType)) else None
        if type is not None and (array is None or array.dims != value.shape):
            raise LanguageError(
                f"{name!r} is declared as {type}, but {shown(node)!r} has the shape {value.shape}",
                code="BF-L055",
                span=self.span,
                remedy="declare it with that shape, or leave the type out",
            )
        self.new(self.scope.unique(name), name, value, node, array)
        return tuple(self.out)

    def new(
        self,
        ir_name: str,
        shown_as: str,
        value: Value,
        node: ast.expr,
        type: ArrayType | FixedArrayType | None,
    ) -> None:
        """Compute `value` into the new array `ir_name`, of the exact type of its elements or of `type`."""
        outer, self.out = self.out, []
        made: list[ArrayName] = []

        def body(names: Indices) -> None:
            found = self.parsed(value.at(names))
            if isinstance(type, FixedArrayType):
                made.append(ArrayName(ir_name, type.raw, fixed=type.elem))
            elif type is not None:
                made.append(ArrayName(ir_name, type))
            else:
                elem, point = _held(found)
                made.append(ArrayName(ir_name, ArrayType(elem, value.shape), fixed=point, inferred=True))
            kept = fixed.stored(shown_as, made[0], found, node, self.scope)
            self.out.append(Store(ir_name, tuple(map(self.parsed, names)), kept, span=self.span))

        self.loops(value.shape, body)
        self.out = [*outer, Alloc(ir_name, made[0].type, span=self.span), *self.out]
        self.scope.bind(shown_as, made[0])

    def put(self, target: ast.expr, value: ast.expr) -> None:
        assert isinstance(target, ast.Subscript)
        with self.scope.lifting(None):
            self.out.append(store(target, value, parse_expr(value, self.scope), self.scope, self.span))

    def clash(self, place: Value, value: Value, root: ArrayName) -> bool:
        """Whether elements are stored before others have been computed from what was there."""
        if root.ir_name in value.inner:
            return True
        names = [ast.Name(f".axis{i}", ast.Load(), lineno=1, col_offset=0) for i in range(len(place.shape))]
        self.dry = True
        into, read = place.at(names), value.at(spread(value.shape, names))
        self.dry = False
        for part in ast.walk(read):
            if isinstance(part, ast.Subscript):
                array = self.reader.named(part.value)
                same = array is not None and array.ir_name == root.ir_name
                if same and ast.unparse(part) != ast.unparse(into):
                    return True
        return False

    # ---- what goes before

    def evaluate(self, reduction: Reduction, indices: Indices, node: ast.expr) -> ast.expr:
        """The loops of a reduction, here; the name of the scalar that holds what they find."""
        if self.dry:
            return ast.copy_location(ast.Name(".dry", ast.Load()), node)
        value, kind = reduction.value, reduction.kind
        if kind in ("argmax", "argmin"):
            return self.found_at(reduction, indices, node)
        name = self.scope.unique(f"{self.goal}_{kind}")
        types: list[ElementType] = []
        points: list[int] = []
        outer, self.out = self.out, []

        def body(names: Indices) -> None:
            found = self.raw(value.at([*indices, *names]), points)
            if points and kind == "prod":
                raise LanguageError(
                    f"{shown(node)!r} multiplies fixed point, each time with more bits of fraction",
                    code="BF-L053",
                    span=span_of(node, self.scope.file),
                    remedy="multiply in a loop, into a scalar of a type that says how many bits to keep",
                )
            types.append(_accumulator(kind, found, prod(reduction.sizes)))
            total = build.local(name, types[0], self.span)
            updated = _updated(kind, total, found, self.span)
            self.out.append(Assign(name, types[0], build.stored(updated, types[0]), span=self.span))

        self.loops(reduction.sizes, body)
        loops, self.out = self.out, outer
        first: Expr
        if kind in ("max", "min"):
            zeros = [ast.copy_location(ast.Constant(0), node) for _ in reduction.sizes]
            first = build.stored(self.raw(value.at([*indices, *zeros]), points), types[0])
        elif isinstance(types[0], FloatType):
            first = floats.real(kind == "prod", types[0])
        else:
            first = build.const(kind in ("all", "prod"))
        self.out += [Declare(name, types[0], first, span=self.span), *loops]
        point = None
        if points and kind not in ("any", "all"):
            point = FixedType(types[0].width, points[0], types[0].signed)
        self.scope.bind(f".{name}", ScalarName(name, types[0], fixed=point))
        return ast.copy_location(ast.Name(f".{name}", ast.Load()), node)

    def found_at(self, reduction: Reduction, indices: Indices, node: ast.expr) -> ast.expr:
        """The loops that find where the first of the largest elements is, or of the smallest."""
        value, kind = reduction.value, reduction.kind
        name, held = (self.scope.unique(f"{self.goal}_{k}") for k in (kind, kind.removeprefix("arg")))
        better = Cmp.GT if kind == "argmax" else Cmp.LT
        at = covering(0, prod(reduction.sizes) - 1)
        types: list[ElementType] = []
        outer, self.out = self.out, []

        def body(names: Indices) -> None:
            found = self.raw(value.at([*indices, *names]), [])
            types.append(_strong(found))
            place: Expr = build.const(0)
            for size, index in zip(reduction.sizes, names, strict=True):
                place = build.binary(
                    Op.ADD, build.binary(Op.MUL, place, build.const(size)), self.parsed(index)
                )
            one = self.scope.unique(f"{held}_next")
            self.out.append(Declare(one, types[0], build.stored(found, types[0]), span=self.span))
            new, old = (build.local(n, types[0], self.span) for n in (one, held))
            kept = (
                Assign(held, types[0], new, span=self.span),
                Assign(name, at, place, span=self.span),
            )
            self.out.append(If(build.compare(better, new, old, self.span), kept, span=self.span))

        self.loops(reduction.sizes, body)
        loops, self.out = self.out, outer
        zeros = [ast.copy_location(ast.Constant(0), node) for _ in reduction.sizes]
        first = build.stored(self.raw(value.at([*indices, *zeros]), []), types[0])
        self.out += [
            Declare(held, types[0], first, span=self.span),
            Declare(name, at, build.const(0), span=self.span),
            *loops,
        ]
        self.scope.bind(f".{name}", ScalarName(name, at))
        return ast.copy_location(ast.Name(f".{name}", ast.Load()), node)

    def raw(self, node: ast.expr, points: list[int]) -> Expr:
        """An expression; of fixed point its integer, and its fraction goes to `points`."""
        found = self.parsed(node)
        if isinstance(found, Scaled):
            points.append(found.fraction)
            return found.raw
        return found

    def keep(self, value: Value, node: ast.expr) -> Value:
        if not value.shape:
            scalar = self.once(value.at([]))
            return Value((), lambda _: scalar)
        name = self.scope.unique(f"{self.goal}_tmp")
        self.new(name, f".{name}", value, node, None)
        array = ast.copy_location(ast.Name(f".{name}", ast.Load()), node)
        return Value(value.shape, lambda indices: element(array, indices), view=True)

    def once(self, node: ast.expr) -> ast.expr:
        if not any(isinstance(n, (ast.Subscript, ast.Call)) for n in ast.walk(node)):
            return node
        found = parse_expr(node, self.scope)
        if isinstance(found, (Const, Real, Local, LoopVar)) or (found.real is not None and found.real.weak):
            return node
        name = self.scope.unique(f"{self.goal}_value")
        elem, point = _held(found)
        value = found.raw if isinstance(found, Scaled) else found
        self.out.append(Declare(name, elem, value, span=self.span))
        self.scope.bind(f".{name}", ScalarName(name, elem, fixed=point))
        return ast.copy_location(ast.Name(f".{name}", ast.Load()), node)

    def loops(self, sizes: tuple[int, ...], body: Callable[[Indices], None]) -> None:
        """A nest of loops, with the statements that `body` writes for their variables."""
        outer, self.out = self.out, []
        names: list[ast.expr] = []
        made: list[tuple[str, int]] = []
        self.scope.push()
        for size in sizes:
            name = self.scope.unique(f"{self.goal}_{self.loops_made}")
            self.loops_made += 1
            self.scope.bind(f".{name}", build.loop_var(name, 0, size - 1))
            place = ast.Name(f".{name}", ast.Load(), lineno=self.span.line, col_offset=self.span.col)
            names.append(place)
            made.append((name, size))
        body(names)
        self.scope.pop("loop")
        inner = tuple(self.out)
        for name, size in reversed(made):
            inner = (For(name, build.const(0), build.const(size), 1, inner, span=self.span),)
        self.out = [*outer, *inner]

    def parsed(self, node: ast.expr) -> Expr:
        with self.scope.lifting(None):
            return parse_expr(node, self.scope)


def _held(e: Expr) -> tuple[ElementType, FixedType | None]:
    """The exact type of a value, and the fixed-point type whose integer that is."""
    return (e.raw.type, fixed_type(e)) if isinstance(e, Scaled) else (_strong(e), None)


def _strong(e: Expr) -> ElementType:
    return FloatType(64) if e.real is not None and e.real.weak else e.type


def _accumulator(kind: str, e: Expr, count: int) -> ElementType:
    """The type of what is accumulated: exact for integers."""
    if kind in ("any", "all"):
        return bit
    if e.real is not None or kind in ("max", "min"):
        return _strong(e)
    if kind == "prod":
        if count * max(e.low.bit_length(), e.high.bit_length()) >= MAX_WIDTH:
            raise LanguageError(
                f"the exact product of {count} values of type {e.type} needs more than {MAX_WIDTH} bits",
                code="BF-L045",
                span=e.span,
                remedy="multiply in a loop, into a scalar of a type that wraps: acc = int32(acc * x[i])",
            )
        most = max(1, max(-e.low, e.high) ** count)
        return covering(-most if e.low < 0 else 0, most)
    return covering(min(0, count * e.low), max(0, count * e.high))


def _updated(kind: str, total: Expr, e: Expr, span: Span) -> Expr:
    match kind:
        case "sum":
            return build.binary(Op.ADD, total, e, span)
        case "prod":
            return build.binary(Op.MUL, total, e, span)
        case "any":
            return build.binary(Op.OR, total, build.truth(e), span)
        case "all":
            return build.binary(Op.AND, total, build.truth(e), span)
    return build.apply(Fn.MAX if kind == "max" else Fn.MIN, (total, e), span)
