"""What operators on floats cost: approximate, from the tables of `bitfold.model.costs`."""

from __future__ import annotations

from bitfold.ir.nodes import Apply, Binary, Bitcast, Cast, Compare, Expr, Fn, Op
from bitfold.model import costs
from bitfold.model.costs import Resources

_KINDS = {Op.ADD: "add", Op.SUB: "add", Op.MUL: "mul", Op.DIV: "div"}
_WORDS = {"add": "adder", "mul": "product", "div": "division"}
_ROUNDING = (Fn.FLOOR, Fn.CEIL, Fn.RINT)
_CHEAP = (Fn.EXP, Fn.LOG, Fn.LOG2, Fn.LOG10, Fn.TANH, Fn.SINH, Fn.COSH)


def float_cost(e: Expr) -> tuple[str, Resources] | None:
    """(in words, cost of one copy) of the operator at the root of `e`; None where it has no floats."""
    match e:
        case Binary() if e.real is not None:
            kind = _KINDS[e.op]
            return f"{_WORDS[kind]} of {e.real}", costs.float_operator(kind, e.real.width)
        case Compare() if e.lhs.real is not None:
            width = e.lhs.real.width
            return f"comparison of floats of {width} bits", costs.float_operator("cmp", width)
        case Cast() if e.real is not None:
            return _converted(e)
        case Bitcast():
            return "a float's bits", costs.NOTHING
        case Apply():
            return _applied(e)
    return None


def _converted(e: Cast) -> tuple[str, Resources] | None:
    assert e.real is not None
    source = e.value.real
    if source is None:
        return f"{e.value.type} to {e.real}", costs.float_operator("from int", e.real.width)
    if source.width == e.real.width:
        return "the same float", costs.NOTHING
    return f"{source} to {e.real}", costs.float_operator("convert", max(source.width, e.real.width))


def _applied(e: Apply) -> tuple[str, Resources] | None:
    if e.fn is Fn.TRUNC:
        real = e.args[0].real
        assert real is not None
        return f"{real} to an integer", costs.float_operator("to int", real.width)
    if e.real is None:
        return None
    width = e.real.width
    match e.fn:
        case Fn.NEG | Fn.ABS:
            return "a float's sign", costs.NOTHING
        case Fn.MIN | Fn.MAX:
            one = costs.float_operator("cmp", width) + Resources(costs.mux(2, width))
            return f"{e.fn.value} of floats of {width} bits", one * (len(e.args) - 1)
        case Fn.SQRT:
            return f"sqrt of {e.real}", costs.float_operator("sqrt", width)
        case fn if fn in _ROUNDING:
            both = costs.float_operator("to int", width) + costs.float_operator("from int", width)
            return f"{fn.value} of {e.real}", both
    kind = "exp" if e.fn in _CHEAP else "sin"
    return f"{e.fn.value} of {e.real}", costs.float_operator(kind, width)
