"""Names, types, indices, loops and arithmetic that cannot be meant are refused where they stand."""

from __future__ import annotations

import pytest
from tests.frontend.refusals import check_refused, in_kernel

NAMES = {
    "unknown": ("x[0] = «u»", "'u' is not defined", "import or define it", "declare"),
    "loop variable after its loop": (
        "for i in range(4):\n    x[i] = 0\nx[0] = «i»",
        "'i' is used outside the loop",
        "before that loop",
    ),
    "declared in an if branch": (
        "if x[0] > 1:\n    t: uint8 = 1\nx[0] = «t»",
        "'t' is used outside the if branch",
        "before that if branch",
    ),
    "declared in an else branch": (
        "if x[0] > 1:\n    pass\nelse:\n    t: uint8 = 1\nx[0] = «t»",
        "the else branch",
    ),
    "before its assignment": ("x[0] = «t»\nt: uint8 = 1", "'t' is used before it is assigned"),
    "a global of the same name as a local": (
        "x[0] = «np»\nnp: uint8 = 1",
        "'np' is used before it is assigned",
    ),
    "a module": ("x[0] = «np»", "'np' is a module"),
    "a function": ("x[0] = «xnor»", "'xnor' is a function"),
    "a type": ("x[0] = «uint8»", "'uint8' is a type"),
    "an array as a scalar": ("x[0] = «x» + 1", "'x' is an array (uint8[4])", "x[i]"),
    "an array as a condition": ("if «x»:\n    pass", "'x' is an array"),
    "a tuple as a scalar": ("s = x.shape\nx[0] = «s»", "'s' is a tuple"),
}
ASSIGNMENTS = {
    "another type": ("t: uint8 = 0\n«t: int8 = 0»", "'t' is already declared as uint8"),
    "shadowing": ("t: uint8 = 0\nif x[0]:\n    «t: uint8 = 1»", "'t' is already a scalar", "another name"),
    "to a loop variable": ("for i in range(4):\n    «i = 3»", "'i' is already a loop variable"),
    "update of a loop variable": (
        "for i in range(4):\n    «i» += 1",
        "'i' is a loop variable",
        "declare a scalar",
    ),
    "to a parameter": ("«x = 3»", "'x' is already an array"),
    "update of what is outside": ("«MAX» += 1", "'MAX' is used before"),
    "another array to a parameter": ("h = empty(uint8[4])\n«x = h»", "'x' is a parameter", "x[:] = h"),
    "declaration over a parameter": ("«x: uint8 = 3»", "'x' is already an array"),
    "array over a scalar": ("t: uint8 = 0\n«t = zeros(bit[4])»", "'t' is already a scalar"),
    "to a call": ("«popcount(x[0])»[0] = 1", "cannot be indexed"),
    "to an attribute": ("«x.y» = 1", "'x.y' cannot be assigned to"),
    "to a list": ("«[a, b]» = 1, 2", "cannot be assigned to"),
    "a chain of tuples": ("«a = b, c = 1, 2»", "to several places"),
    "a tuple of fewer values": ("t: uint8 = 0\n«t, x[1] = 1, 2, 3»", "2 names but 3 values"),
    "wrong number of names": ("«a, b = x.shape»", "2 names but 1 values"),
    "declaration without a value": ("«t: uint8»", "without a value", "`t: uint8 = 0`"),
    "declaration of an element": ("«x[0]»: uint8 = 3", "only a plain name"),
    "not a type": ("t: «int» = 3", "'int' is not a type", "uint8..uint512"),
    "a value as type": ("t: «3» = 3", "'3' is not a type"),
    "a dimension name in a local type": ("t = zeros(«bit['N']»)", "not all known"),
    "an empty local array": ("t = zeros(«bit[0]»)", "at least 1"),
    "a fraction as dimension": ("t = zeros(«bit[2.5]»)", "is not a type"),
    "zeros of a scalar type": ("t = zeros(«uint8»)", "not an array type", "uint8[16]"),
    "zeros of a shape": ("t = zeros(«x.shape»)", "is not a type"),
    "zeros without a type": ("t = «zeros()»", "zeros takes an array type"),
    "full of a run-time value": ("t = full(bit[4], «x[0]»)", "compile-time integer", "in a loop"),
    "np.zeros": ("t = «np.zeros(4)»", "'np.zeros' cannot be called", "t = zeros(int8[4])"),
    "two arrays at once": (
        "t, u = «zeros(bit[4])», zeros(bit[4])",
        "cannot be called",
        "statement of its own",
    ),
    "an int declared as an array": ("«t: bit[4] = 0»", "no array", "`t = zeros(bit[4])`"),
    "an array declared without a value": ("«t: bit[4]»", "no array", "`t = empty(bit[4])`"),
    "an array of another type": ("«t: bit[4] = zeros(bit[5])»", "declared as bit[4]"),
    "a shape declared as an array": ("«t: bit[4] = x.shape»", "no array"),
    "an alias in place of a scalar": ("t: uint8 = 0\n«t = x»", "'t' is already a scalar"),
    "too wide a constant": ("t: uint8 = «300»", "300 is outside uint8", "0..255", "declare 't' wider"),
    "too wide a constant later": ("t: uint8 = 0\nt = «-1»", "-1 is outside uint8", "uint8(...)"),
    "wider than the first value": (
        "t = x[0]\nfor i in range(4):\n    «t += x[i]»",
        "'t' got the type uint8 from its first value",
        "`t: int32 = ...`, or what holds all it gets",
    ),
    "width of no type": ("t: «UInt(5000)» = 0", "1 to 4096 bits"),
    "width 0": ("x[0] = «Int(0)»(x[1])", "1 to 4096 bits"),
    "a layout of another dimension": ("t = zeros(«bit[4] @ cyclic(2, 2)»)", "dimension that"),
    "no layout": ("t = zeros(«bit[4] @ 3»)", "no layout"),
    "rom of a parameter": ("«t = rom(x, uint8[4])»", "rom takes a NumPy array captured"),
}
INDICES = {
    "too few": ("x[0] = «y[1]»", "'y' (int16[4, 2]) takes 2 indices, not 1", "y[i, j]"),
    "too many": ("x[0] = «x[1, 1]»", "takes 1 indices, not 2", "x[i]"),
    "too large": ("x[0] = x[«4»]", "index 4 is outside 'x', whose size there is 4", "0..3"),
    "too far from the end": ("x[0] = x[«-5»]", "index -5"),
    "too large a loop": ("for i in range(4, 9):\n    x[«i»] = 0", "index 4..8", "0..3"),
    "always too large": ("for i in range(4):\n    x[«i + 4»] = 0", "index 4..7"),
    "a slice": ("x[0] = x[«1:3»]", "an array slice", "loop over the elements"),
    "an empty slice": ("x[«2:1»] = 0", "'x[2:1]' is empty"),
    "a slice for an element": ("x[0] = y[1, «0:2»]", "an array slice", "needs one of its elements"),
    "a float": ("x[«1.0»] = 0", "an index of 'x' is an integer", "int(1.0)"),
    "a string": ("x[«'a'»] = 0", "'a' is a str"),
    "one too many": ("x[0] = «x[1]»[1]", "cannot be indexed", "a[i, j]"),
    "of a scalar": ("t: uint8 = 3\nx[0] = «t[1]»", "'t' is a scalar", "get_bit(t, i)"),
    "of a scalar stored": ("t: uint8 = 3\n«t[1]» = 1", "'t' is a scalar", "set_bit(t, i, v)"),
    "of a loop variable": ("for i in range(4):\n    x[0] = «i[1]»", "'i' is a scalar"),
    "of a function": ("x[0] = «xnor[1]»", "'xnor' is a function, not an array"),
    "of a shape": ("x[0] = «x.shape[3]»", "index out of range"),
}
LOOPS = {
    "over an array": ("for v in «x»:\n    pass", "cannot iterate over 'x'", "range(n)"),
    "over enumerate": ("for i, v in «enumerate(x)»:\n    pass", "cannot iterate"),
    "zero step": ("for i in range(0, 3, «0»):\n    pass", "constant other than 0"),
    "run-time step": ("for i in range(0, 3, «x[0]»):\n    pass", "constant other than 0", "start + i * step"),
    "no bound": ("for i in «range()»:\n    pass", "1 to 3 integers"),
    "float bound": ("for i in range(«1.5»):\n    pass", "a bound of a loop is an integer", "int(1.5)"),
    "same variable nested": (
        "for i in range(4):\n    for «i» in range(2):\n        pass",
        "'i' is already a loop variable",
        "another loop variable",
    ),
    "variable is a parameter": ("for «x» in range(4):\n    pass", "'x' is already an array"),
    "two variables of a range": (
        "for «i, j» in range(4):\n    pass",
        "loop variables '(i, j)'",
        "grid(m, n)",
    ),
    "a tuple of one from a range": ("for «i,» in range(4):\n    pass", "loop variables"),
    "a plain variable of a grid": ("for «i» in grid(4):\n    pass", "loop variables 'i'"),
    "an element as variable": ("for «x[0]» in range(4):\n    pass", "a plain name"),
    "an empty grid": ("for i in «grid()»:\n    pass", "takes its extents"),
    "a grid that can change": (
        "for i, j in grid(4, «x[0]»):\n    x[0] = 1",
        "can change while the grid runs",
        "two loops",
    ),
    "parallel of two": ("for i in «parallel(range(4), 2)»:\n    pass", "parallel takes a loop"),
    "a rewind that is no flag": (
        "for i in pipeline(range(4), rewind=«3»):\n    pass",
        "rewind is True or False",
    ),
    "unroll of nothing": ("for i in «unroll()»:\n    pass", "unroll takes a loop"),
    "a run-time unroll": ("for i in «unroll(range(4), x[0])»:\n    pass", "one positive constant"),
    "a pipeline of 0": ("for i in «pipeline(range(4), ii=0)»:\n    pass", "one positive constant"),
    "a pipeline by a wrong keyword": ("for i in «pipeline(range(4), factor=2)»:\n    pass", "ii=1"),
}
ARITHMETIC = {
    "division by zero": ("x[0] = x[1] // «0»", "division by zero"),
    "remainder by zero": ("x[0] = x[1] % («3 - 3»)", "division by zero"),
    "a divisor that can be 0": ("x[0] = x[1] // «x[2]»", "the divisor can be 0", "uint8", "max(d, 1)"),
    "an update by zero": ("x[0] //= «0»", "division by zero"),
    "a negative shift": ("x[0] = x[1] << «-1»", "can be negative"),
    "a shift that can be negative": ("x[0] = x[1] >> «y[0, 0]»", "can be negative", "int16", "unsigned"),
    "a huge shift": ("x[0] = x[1] << «5000»", "more than 4096 bits"),
    "a wide shift amount": ("x[0] = x[1] << «uint16(y[0, 0])»", "more than 4096 bits", "UInt(4)(n)"),
    "a huge power": ("x[0] = «2 ** 100000000»", "more than 4096 bits"),
    "a huge constant shift": ("x[0] = 1 << «10 ** 30»", "more than 4096 bits"),
    "a product that is too wide": (
        "x[0] = «Int(4000)(x[0]) * Int(4000)(x[1])»",
        "more than 4096 bits",
        "int32(x)",
    ),
    "a sign that makes it too wide": ("x[0] = «-UInt(4096)(x[1])»", "more than 4096 bits"),
    "a choice that is too wide": (
        "x[0] = «UInt(4096)(x[1]) if x[0] else -1»",
        "more than 4096 bits",
    ),
    "popcount of a signed value": ("x[0] = popcount(«y[0, 0]»)", "popcount takes unsigned", "UInt(16)(x)"),
    "xnor of a signed value": ("x[0] = xnor(x[0], «y[0, 0]»)", "xnor takes unsigned"),
    "xnor of run-time lanes": ("x[0] = xnor(x[0], x[1], «x[2]»)", "constant from 1 to 4096"),
    "xnor of no lanes": ("x[0] = xnor(x[0], x[1], lanes=«0»)", "constant from 1 to 4096"),
    "a negative bit": ("x[0] = get_bit(x[0], «-1»)", "bit position"),
    "a bit that can be negative": ("x[0] = set_bit(x[0], «y[0, 0]», 1)", "bit position", "int16"),
    "a slice of varying length": (
        "x[0] = «get_slice(x[0], x[1] % 8, 0)»",
        "how many bits are between x[1] % 8 and 0 is not a constant",
        "i + 7, i",
    ),
    "a slice of nothing": ("x[0] = «get_slice(x[0], 0, 3)»", "from bit 0 down to bit 3", "higher position"),
    "a slice below bit 0": ("x[0] = get_slice(x[0], 3, «-1»)", "bit position", "UInt(4)(i)"),
    "a slice without an end": ("x[0] = «set_slice(x[0], 3, 1)»", "set_slice(word, high, low, value)"),
    "reversal of varying width": ("x[0] = reverse(x[0], «x[1]»)", "reverse's number of bits", "constant"),
    "concat of a bare value": ("x[0] = concat((x[0], 4), «x[1]»)", "number of bits", "((a, 4), (b, 3))"),
    "concat of a varying width": ("x[0] = concat(«(x[0], x[1])»)", "a constant from 1 to 4096"),
    "concat of nothing": ("x[0] = «concat()»", "each with its number of bits"),
    "bitcast to a wider type": ("x[0] = «bitcast(y[0, 0], Int(20))»", "has 16 (int16)", "Int(20)(x)"),
    "bitcast to a narrower type": (
        "x[0] = «bitcast(y[0, 0], uint8)»",
        "has 16 (int16)",
        "get_slice(x, 7, 0)",
    ),
    "bitcast of a float to a narrower type": (
        "x[0] = «bitcast(float32(y[0, 0]), uint16)»",
        "has 32 (float32) and uint16 has 16",
        "uint32",
    ),
    "bitcast of an integer to a wider float": (
        "x[0] = int(«bitcast(y[0, 0], float32)»)",
        "has 16",
        "float32(x)",
    ),
    "bitcast to no type": ("x[0] = bitcast(y[0, 0], «3»)", "not a type", "bitcast(x, int8)"),
    "too few arguments": ("x[0] = «xnor(x[0])»", "xnor(a, b, lanes)"),
    "an unknown keyword": ("x[0] = «popcount(x[0], bits=3)»", "popcount(value)"),
    "one of two": ("x[0] = «max(x[0])»", "max(a, b, ...)"),
    "a cast of two": ("x[0] = «uint8(1, 2)»", "takes one value", "uint8(x)"),
    "int of nothing": ("x[0] = «int()»", "takes one value"),
    "a constant expression that fails": ("t = zeros(bit[«3 // 0»])", "cannot be evaluated"),
    "too deep an expression": ("x[0] = «" + "~" * 101 + "x[1]»", "more than 100 operators deep"),
    "too long a sum": (
        "x[0] = «x[0]" + " + x[0]" * 20 + " + \\\n" + "x[0] + " * 100 + "1»",
        "more than 100 operators deep",
        "several assignments",
    ),
    "too many conditions": (
        "if (\n        «x[0]\n" + "        and x[0]\n" * 1000 + "        »):\n    pass",
        "more than 100 operators deep",
    ),
}


@pytest.mark.parametrize(
    ("group", "name"),
    [
        (group, name)
        for group in ("NAMES", "ASSIGNMENTS", "INDICES", "LOOPS", "ARITHMETIC")
        for name in globals()[group]
    ],
)
def test_it_is_refused(group: str, name: str):
    body, *words = globals()[group][name]
    check_refused(in_kernel(body), *words)
