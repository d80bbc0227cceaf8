"""No kernel, however odd, gets anything but a program or an error with a place and a remedy."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import KernelCase, kernels, load

from bitfold.diagnostics import BitfoldError, LanguageError, UsageError
from bitfold.frontend import parse
from bitfold.ir.run import as_python
from bitfold.ir.verify import verify

_BETWEEN = re.compile(r" {2,}|\n")

ODD_EXPRESSIONS = _BETWEEN.split("""\
None  ...  1.5  'a'  b'a'  1j  -1  0  True  10 ** 40  1 << 4096  0xFF << 4090  undefined  np  np.pi
np.zeros  uint8  Int  Int(0)  uint8[4]  uint8[0]  range  print  a0  a0[0]  a0[0][0]  a0[0, 0, 0]
a0[-9]  a0[1:2]  a0[...]  a0[a0]  a0['k']  a0.shape  a0.shape[7]  a0.T  a0.sum()  a0()  (a0, a0)
[a0]  {a0: 1}  {1}  a0 @ a0  a0 ** 2  a0 / 2  lambda: 0  (q := 3)  f'{a0}'  [i for i in a0]
(i for i in a0)  a0[0] is None  a0[0] in a0  a0[0] if a0[0] else None  not a0  a0 and a0  a0[0] < a0
1 < 2 < a0[0] < 3  ~a0[0]  -a0[0]  xnor()  xnor(1, 2, 3, 4)  xnor(1, 2, lanes=0)  popcount(-1)
get_bit(1, -1)  set_bit(1, 5000, 1)  min()  min(1)  max(*a0)  abs(1, 2)  int()  int('3')  bool(1, 2)
len()  len(a0)  len(3)  uint8()  uint8(1, 2)  uint8(None)  Int(5000)(1)  UInt(a0[0])(1)
UInt(2 ** 70)(1)  packed(3)  zeros(uint8[4])  empty()  full(uint8[4])  full(uint8[4], 9)
rom(a0, uint8[4])  rom()  kernel  1 // 0  1 % 0  a0[0] // a0[0]  a0[0] << a0[0]  a0[0] << 99999
a0[0] >> -1  a0.get()  cyclic(1)  grid(2)  grid(a0[0], 2)  range(1, 2, 0)  unroll(range(3))
pipeline(range(3), ii=0)  unroll(3)""")

ODD_STATEMENTS = _BETWEEN.split("""\
return  return 1  break  continue  pass  ...  'text'  1  a0[0]  del a0  global g  assert 1
import os  from os import path  raise  class C: pass  def f(): pass  async def f(): pass  x = y = 1
while 1: pass  with a0: pass  yield  lambda: 0  q: uint8  q: uint8 = 1  q: uint8 = 999  q: int = 1
q: 3 = 1  q: uint8[4] = 0  q: uint8[4]  q: uint8[4] = zeros(uint8[4])  q: uint8[4] = a0.shape
q = a0  q = a0.shape  q = None  q = 5  q, p = 1, 2  q, = a0.shape  (q, p), r = 1, 2, 3
*q, p = a0.shape  [q] = a0.shape  a0 = 3  a0 += 1  a0.x = 1  a0[0].y = 1  a0[0][0] = 1
a0[0], q = 1, 2  q += 1  undefined += 1  np += 1  a0[0] @= 2  for q in a0: pass  for q in 3: pass
for q in range(3): q = 1  for q in range(3): q += 1  for a0 in range(3): pass
for a0[0] in range(3): pass  for q, p in range(3): pass  for q in grid(2, 2): pass
for q, p in grid(2): pass  for q, q in grid(2, 2): pass  for q in range(a0[0]): a0[0] = q
for q in range(10 ** 30): pass  for q in range(-5): pass  if a0: pass  if 0: undefined  if q: pass
kernel(a0)  kernel()  print(a0)  undefined()  a0()  a0.fill(0)  np.copyto(a0, a0)  helper()
helper(*a0)  helper(**a0)  helper(a0, a0, a0)  helper(nothing=a0)  a0.put(1)  a0.get()  uint8(3)""")
ODD_STATEMENTS += [
    "try: pass\nexcept: pass",
    "match a0:\n    case _: pass",
    "for q in range(2):\n    for q in range(2): pass",
    "for q in range(3): pass\nelse: pass",
]


class Spoil(ast.NodeTransformer):
    """Puts `odd` in place of the expression or statement that comes `position`-th."""

    def __init__(self, kind: type[ast.AST], position: int, odd: list[ast.stmt] | ast.expr) -> None:
        self.kind, self.left, self.odd = kind, position, odd

    def visit(self, node: ast.AST) -> Any:
        writes = isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del))
        if isinstance(node, self.kind) and not isinstance(node, ast.FunctionDef) and not writes:
            if self.left == 0:
                self.left = -1
                return self.odd
            self.left -= 1
        return self.generic_visit(node)


@st.composite
def spoiled(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[str, dict[str, int]]:
    """A generated kernel in which up to three places say something odd."""
    case: KernelCase = draw(kernels(max_depth=2))
    source = case.source
    for _ in range(draw(st.integers(1, 3))):
        tree = ast.parse(source)
        kind: type[ast.AST] = draw(st.sampled_from([ast.expr, ast.stmt]))
        if kind is ast.expr:
            odd: Any = ast.parse(draw(st.sampled_from(ODD_EXPRESSIONS)), mode="eval").body
        else:
            odd = ast.parse(draw(st.sampled_from(ODD_STATEMENTS))).body
        functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
        target = draw(st.sampled_from(functions))
        body = Spoil(kind, draw(st.integers(0, 40)), odd).visit(ast.Module(target.body, []))
        target.body = body.body
        source = ast.unparse(ast.fix_missing_locations(tree))
    return source, case.dims


@given(spoiled())
def test_an_odd_kernel_gives_a_program_or_an_error(made: tuple[str, dict[str, int]]):
    source, dims = made
    try:
        kernel = load(source)["kernel"]
    except SyntaxError:
        return
    try:
        program = parse(kernel, **dims)
    except (LanguageError, UsageError) as refused:
        check_shown(refused, kernel.__code__.co_filename)
        return
    verify(program)
    assert parse(as_python(program)) == program


def check_shown(error: BitfoldError, file: str) -> None:
    """The error has a place in the file, with carets under it, and a remedy."""
    text = str(error)
    assert error.span is not None, text
    assert error.span.file == file, text
    assert error.remedy, text
    assert "^" in text
