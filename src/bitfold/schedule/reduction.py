"""Updates that commute: the statements of a reduction, such as `acc += a`, which may run in any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bitfold.ir.nodes import Apply, Assign, Binary, Cast, Expr, Fn, Load, Local, Op, Stmt, Store, walk_expr
from bitfold.lang.types import ElementType, FloatType

# Updates of one class commute. Sums, products and bitwise operators do so even when they wrap.
_CLASSES: dict[Op | Fn, str] = {
    Op.ADD: "sum",
    Op.SUB: "sum",
    Op.MUL: "product",
    Op.AND: "and",
    Op.OR: "or",
    Op.XOR: "xor",
    Fn.MIN: "min",
    Fn.MAX: "max",
}


@dataclass(frozen=True, slots=True)
class Update:
    """`place = place op rest` (or `rest op place`), where neither `rest` nor an index reads `target`."""

    target: str
    op: Op | Fn
    rest: tuple[Expr, ...]
    rounds: bool = False  # floats: the order of updates is part of the result

    @property
    def kind(self) -> tuple[str, str]:
        """Two updates of one kind commute."""
        return self.target, _CLASSES[self.op]


def update(stmt: Stmt, elems: Mapping[str, ElementType]) -> Update | None:
    """`stmt` as an update that commutes with others of its kind, else None; `elems` types array elements.

    Updates of floats do not: each rounds, so the order of a sum is part of its result. See `any_update`.
    """
    found = any_update(stmt, elems)
    return None if found is None or found.rounds else found


def any_update(stmt: Stmt, elems: Mapping[str, ElementType]) -> Update | None:
    """The same with updates of floats, which say that they round."""
    indices: tuple[Expr, ...] = ()
    match stmt:
        case Assign():
            place: Expr = Local(stmt.name, low=0, high=0)
            target, held = stmt.name, stmt.type
        case Store():
            place = Load(stmt.array, stmt.indices, low=0, high=0)
            target, held, indices = stmt.array, elems[stmt.array], stmt.indices
        case _:
            return None
    found = _match(stmt.value, place, held)
    if found is None or any(_touches(e, target) for e in (*found[1], *indices)):
        return None
    return Update(target, *found, rounds=isinstance(held, FloatType))


def _match(value: Expr, place: Expr, held: ElementType) -> tuple[Op | Fn, tuple[Expr, ...]] | None:
    while (
        isinstance(value, Cast) and value.to.width >= held.width and isinstance(value.value, (Binary, Cast))
    ):
        value = value.value  # the store keeps no bit that this cast drops
    match value:
        case Binary(op=op) if op in _CLASSES and value.lhs == place:
            return op, (value.rhs,)
        case Binary(op=op) if op in _CLASSES and op is not Op.SUB and value.rhs == place:
            return op, (value.lhs,)
        case Apply(fn=Fn.MIN | Fn.MAX as fn, args=args) if args.count(place) == 1:
            rest = tuple(a for a in args if a != place)
            return (fn, rest) if all(held.holds(a.type) for a in rest) else None
    return None


def _touches(e: Expr, target: str) -> bool:
    return any(
        (isinstance(part, Load) and part.array == target) or (isinstance(part, Local) and part.name == target)
        for part in walk_expr(e)
    )
