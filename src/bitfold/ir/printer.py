"""Loop IR back to Python that runs under CPython and parses to the same IR again."""

from __future__ import annotations

import math
import textwrap

from bitfold.ir.floats import is_numpy_truth
from bitfold.ir.nodes import (
    Alloc,
    Apply,
    Assign,
    Binary,
    Bitcast,
    CallKernel,
    Cast,
    Compare,
    Const,
    Declare,
    Expr,
    Fn,
    For,
    Function,
    Get,
    If,
    Load,
    Local,
    Logic,
    LoopVar,
    Op,
    Probe,
    Program,
    Put,
    Real,
    Rom,
    Select,
    Stmt,
    Store,
    While,
    walk,
)
from bitfold.lang.array import encode_constant

# How tightly each form binds, as in Python's grammar.
_SELECT, _OR, _AND, _NOT, _COMPARE, _BITOR, _XOR, _BITAND, _SHIFT, _SUM, _PRODUCT, _UNARY, _ATOM = range(13)
_LEVEL = {
    Op.OR: _BITOR,
    Op.XOR: _XOR,
    Op.AND: _BITAND,
    Op.SHL: _SHIFT,
    Op.SHR: _SHIFT,
    Op.ADD: _SUM,
    Op.SUB: _SUM,
    Op.MUL: _PRODUCT,
    Op.DIV: _PRODUCT,
    Op.FLOORDIV: _PRODUCT,
    Op.MOD: _PRODUCT,
}
_UNARY_FORMS = {Fn.NEG: ("-", _UNARY), Fn.INVERT: ("~", _UNARY), Fn.NOT: ("not ", _NOT)}


def expr_text(expr: Expr) -> str:
    """`expr` as Python source."""
    return _expr(expr, _SELECT)


def _expr(expr: Expr, level: int) -> str:
    text, own = _form(expr)
    return f"({text})" if own < level else text


def _form(e: Expr) -> tuple[str, int]:
    match e:
        case Const():
            return str(e.value), _ATOM if e.value >= 0 else _UNARY
        case Real():
            return _real(e)
        case LoopVar() | Local():
            return e.name, _ATOM
        case Probe():
            return f"{_stream(e.stream, e.indices)}.{'full' if e.full else 'empty'}()", _ATOM
        case Get():
            return f"{_stream(e.stream, e.indices)}.get()", _ATOM
        case Load():
            return f"{e.array}[{', '.join(map(_integer_text, e.indices))}]", _ATOM
        case Binary():
            own = _LEVEL[e.op]
            return f"{_operand(e.lhs, own)} {e.op.value} {_operand(e.rhs, own + 1)}", own
        case Compare():
            return f"{_operand(e.lhs, _BITOR)} {e.op.value} {_operand(e.rhs, _BITOR)}", _COMPARE
        case Logic():
            own = _AND if e.is_and else _OR
            word = "and" if e.is_and else "or"
            return f"{_expr(e.lhs, own)} {word} {_expr(e.rhs, own + 1)}", own
        case Select():
            return f"{_expr(e.then, _OR)} if {_expr(e.cond, _OR)} else {_expr(e.other, _SELECT)}", _SELECT
        case Cast():
            return f"{e.to}({expr_text(e.value)})", _ATOM
        case Bitcast():
            return f"bitcast({expr_text(e.value)}, {e.to})", _ATOM
        case Apply(fn=fn) if fn in _UNARY_FORMS:
            sign, own = _UNARY_FORMS[fn]
            value = e.args[0]
            if fn is Fn.INVERT and _is_bool(value):
                return f"{sign}{_integer_text(value)}", own
            return f"{sign}{_expr(value, own) if fn is Fn.NOT else _operand(value, own)}", own
        case Apply():
            args = e.args
            if e.fn is Fn.XNOR and args[2] == Const(1, low=1, high=1):
                args = args[:2]
            return f"{e.fn.value}({', '.join(_number(a) for a in args)})", _ATOM
    raise AssertionError(e)


def _real(e: Real) -> tuple[str, int]:
    """A constant with its type: a literal for a Python float, a cast for a float of the language."""
    if not math.isfinite(e.value):
        return f'{e.of}("{e.value}")', _ATOM
    text = _digits(e)
    if e.of.weak:
        return text, _UNARY if text.startswith("-") else _ATOM
    return f"{e.of}({text})", _ATOM


def _digits(e: Real) -> str:
    """The fewest digits that give the constant; all digits of an integer."""
    if e.value.is_integer() and abs(e.value) < 1e6:
        return repr(e.value)
    short = repr(float(str(e.of.storage.type(e.value))))
    exact = e.of.wrap(float(short)) == e.value
    return short if exact else repr(e.value)


def _side(e: Expr, level: int) -> str:
    """One side of an operator: a constant takes the type of the other side, so that it needs no cast."""
    if isinstance(e, Real) and math.isfinite(e.value):
        text = _digits(e)
        return f"({text})" if text.startswith("-") and level > _UNARY else text
    return _expr(e, level)


def _operand(e: Expr, level: int) -> str:
    """As `_side`; a truth value of NumPy's becomes 0 or 1, which computes and compares with any integer."""
    return f"int({expr_text(e)})" if is_numpy_truth(e) else _side(e, level)


def _number(e: Expr) -> str:
    return f"int({expr_text(e)})" if is_numpy_truth(e) else expr_text(e)


def _stream(name: str, indices: tuple[Expr, ...]) -> str:
    """A stream, or the one of an array of streams that `indices` say."""
    return f"{name}[{', '.join(map(_integer_text, indices))}]" if indices else name


def _is_bool(e: Expr) -> bool:
    """Whether CPython may give True or False for `e` as it is printed."""
    match e:
        case Compare() | Logic() | Apply(fn=Fn.NOT):
            return True
        case Select():
            return _is_bool(e.then) or _is_bool(e.other)
        case Binary(op=Op.AND | Op.OR | Op.XOR):
            return _is_bool(e.lhs) and _is_bool(e.rhs)
        case Apply(fn=Fn.MIN | Fn.MAX):
            return any(map(_is_bool, e.args))
    return False


def _integer_text(e: Expr) -> str:
    """`e` for a place where True is not just 1: NumPy reads it as a mask, and ~True is deprecated."""
    return f"int({expr_text(e)})" if _is_bool(e) else expr_text(e)


def function_text(function: Function) -> str:
    """One kernel as Python source."""
    params = [f"{p.name}: {p.type}" for p in function.params if p.state is None]
    head = f"def {function.name}({', '.join(params)}):"
    if len(head) > 100:
        head = f"def {function.name}(\n" + "".join(f"    {p},\n" for p in params) + "):"
    body = [f"    # {p.name} holds {p.fixed}" for p in function.params if p.fixed]
    body += [line for s in function.body for line in _stmt(s, 1)] or ["    pass"]
    mark = ["@dataflow"] if function.dataflow else []
    return "\n".join([*mark, head, *body]) + "\n"


def _stmt(stmt: Stmt, depth: int) -> list[str]:
    pad = "    " * depth
    match stmt:
        case For():
            head, body = _loop(stmt)
            return [pad + head, *_block(body, depth)]
        case While():
            return [f"{pad}while {expr_text(stmt.cond)}:", *_block(stmt.body, depth)]
        case If():
            lines = [f"{pad}if {expr_text(stmt.cond)}:", *_block(stmt.then, depth)]
            if stmt.orelse:
                lines += [f"{pad}else:", *_block(stmt.orelse, depth)]
            return lines
        case Declare():
            return [f"{pad}{stmt.name}: {stmt.type} = {_number(stmt.value)}"]
        case Assign():
            place: Expr = Local(stmt.name, low=0, high=0)
            return [pad + _assignment(stmt.name, place, stmt.value, _number(stmt.value))]
        case Store():
            place = Load(stmt.array, stmt.indices, low=0, high=0)
            return [pad + _assignment(expr_text(place), place, stmt.value, _stored(stmt.value))]
        case Alloc(state=str()):  # only on the way to HLS C++
            initial = f", {stmt.state}" if stmt.state else ""
            return [f"{pad}{stmt.name} = stateful({stmt.type}{initial})"]
        case Alloc():
            return [f"{pad}{stmt.name} = {_maker(stmt)}"]
        case Rom():
            return [f"{pad}{stmt.name} = rom({stmt.source}, {stmt.type})"]
        case Put():
            return [f"{pad}{_stream(stmt.stream, stmt.indices)}.put({_stored(stmt.value)})"]
        case CallKernel():
            return [f"{pad}{stmt.callee}({', '.join(stmt.args)})"]
    raise AssertionError(stmt)


def _maker(alloc: Alloc) -> str:
    fill = alloc.fill
    if fill is None:
        return f"empty({alloc.type})"
    if fill == 0 or (isinstance(fill, Real) and fill.digits == "0x0.0p+0"):
        return f"zeros({alloc.type})"
    return f"full({alloc.type}, {_stored(fill) if isinstance(fill, Real) else fill})"


def _stored(value: Expr) -> str:
    """A value that an array or a stream takes, and converts to its elements' type."""
    return _side(value, _SELECT)


def _assignment(target: str, place: Expr, value: Expr, text: str) -> str:
    if isinstance(value, Binary) and value.lhs == place:
        return f"{target} {value.op.value}= {_operand(value.rhs, _SELECT)}"
    return f"{target} = {text}"


def _block(body: tuple[Stmt, ...], depth: int) -> list[str]:
    return [line for s in body for line in _stmt(s, depth + 1)] or ["    " * (depth + 1) + "pass"]


def _loop(loop: For) -> tuple[str, tuple[Stmt, ...]]:
    """The header of a loop and its body; flattened loops share one header."""
    flat = [loop]
    while flat[-1].flatten:
        inner = flat[-1].body[0]
        assert isinstance(inner, For), "a flattened loop holds exactly one loop"
        flat.append(inner)
    last = flat[-1]
    if len(flat) > 1:
        source = f"grid({', '.join(expr_text(f.high) for f in flat)})"
    elif last.step != 1:
        source = f"range({expr_text(last.low)}, {expr_text(last.high)}, {last.step})"
    elif isinstance(last.low, Const) and last.low.value == 0:
        source = f"range({expr_text(last.high)})"
    else:
        source = f"range({expr_text(last.low)}, {expr_text(last.high)})"
    if last.parallel:
        source = f"parallel({source})"
    elif last.unroll:
        source = f"unroll({source})" if last.unroll < 0 else f"unroll({source}, factor={last.unroll})"
    if last.pipeline:
        rewind = ", rewind=True" if last.rewind else ""
        source = f"pipeline({source}, ii={last.pipeline}{rewind})"
    return f"for {', '.join(f.var for f in flat)} in {source}:", last.body


def program_text(program: Program) -> str:
    """Every kernel of the program as one Python module body; constants are free names in it."""
    head = ["from bitfold.lang import *\n"]
    if states := _state_text(program):
        head.append(states)
    return "\n\n".join([*head, *(function_text(f) for f in program.functions)])


def _state_text(program: Program) -> str:
    """What makes the program's states."""
    made = ((p, f", {p.state}" if p.state else "") for p in program.states)
    return "".join(f"{p.name} = stateful({p.type}{initial})\n" for p, initial in made)


def module_text(program: Program) -> str:
    """The program as a Python file of its own: the kernels, then the constants they read."""
    types = {s.source: s.type.logical for f in program.functions for s in walk(f.body) if isinstance(s, Rom)}
    types |= {p.state: p.type.logical for p in program.states if p.state}
    states = _state_text(program)
    parts = [program_text(program).replace(f"{states}\n\n", "", 1) if states else program_text(program)]
    if types:
        parts.append("# The constants: integers in base 64, compressed.")
    for name, type in types.items():
        lines = textwrap.wrap(encode_constant(program.constants[name], type.elem), 100)
        parts.append("\n".join([f'{name} = constant({type}, """', *lines, '""")']))
    if states:
        parts.append(states.rstrip("\n"))
    return "\n\n".join(parts) + "\n"
