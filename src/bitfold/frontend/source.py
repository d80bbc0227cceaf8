"""The syntax tree of a function, with line and column numbers of the file it stands in."""

from __future__ import annotations

import ast
import copy
import linecache
import warnings
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from bitfold.diagnostics import LanguageError, Span

MAX_DEPTH = 100
"""How deep an expression may nest, so that every later stage can walk it recursively."""


def definition(fn: FunctionType) -> ast.FunctionDef:
    """The `def` of `fn`.

    Raises LanguageError for a lambda, and when the source cannot be read or is no longer that of `fn`.
    """
    code = fn.__code__
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename, fn.__globals__))
    if not text:
        raise LanguageError(
            f"the source of {code.co_name!r} cannot be read (it was defined in {code.co_filename})",
            code="BF-L036",
            remedy="define the kernel in a .py file or a notebook cell",
        )
    stale = LanguageError(
        f"{code.co_filename} has changed since {code.co_name!r} was imported from it",
        code="BF-L036",
        remedy="import it again, in a new process or with importlib.reload",
    )
    try:
        tree = _tree(text)
    except (SyntaxError, ValueError):
        raise stale from None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                if not _same_code(node, code, text):
                    raise stale
                _check_depth(node, code.co_filename)
                return node
    line = linecache.getline(code.co_filename, code.co_firstlineno)
    if not ("lambda" in line or "async" in line):
        raise stale
    raise LanguageError(
        f"{fn.__name__!r} is not an ordinary function definition",
        code="BF-L036",
        span=Span(code.co_filename, code.co_firstlineno, len(line) - len(line.lstrip()), len(line.rstrip())),
        remedy="write the kernel with def, not as a lambda or an async function",
    )


@lru_cache(maxsize=64)
def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python gave them when it compiled the file
        return ast.parse(text)


@lru_cache(maxsize=64)
def _compiled(text: str, file: str) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in `_tree`
        code: CodeType = compile(text, file, "exec", dont_inherit=True)
    return code


def _same_code(node: ast.FunctionDef, code: CodeType, text: str) -> bool:
    """Whether the file still says what `code` was compiled from."""
    if any(isinstance(n, ast.Assert) for n in nodes_of(node)):
        return True  # refused later; test runners rewrite assertions, so the code could differ
    try:
        module = _compiled(text, code.co_filename)
    except (SyntaxError, ValueError, RecursionError):
        return False
    same = (
        c for c in _nested(module) if c.co_name == code.co_name and c.co_firstlineno == code.co_firstlineno
    )
    return any(_essence(c) == _essence(code) for c in same)


def nodes_of(definition: ast.FunctionDef) -> list[ast.AST]:
    """All nodes of a definition."""
    return _looked_through(definition)[0]


def _looked_through(definition: ast.FunctionDef) -> tuple[list[ast.AST], ast.AST | None]:
    """All nodes of a definition and an expression in it that nests too deep, found once."""
    known: tuple[list[ast.AST], ast.AST | None] | None = getattr(definition, _NODES, None)
    if known is not None:
        return known
    nodes: list[ast.AST] = []
    deep: ast.AST | None = None
    todo: list[tuple[ast.AST, ast.AST, int]] = [(definition, definition, 0)]
    while todo:
        node, whole, depth = todo.pop()
        nodes.append(node)
        if isinstance(node, ast.expr):
            whole = whole if depth else node
            depth += len(node.values) if isinstance(node, ast.BoolOp) else 1
            if depth > MAX_DEPTH:
                deep = whole
        for name in node._fields:
            child = getattr(node, name, None)
            if isinstance(child, ast.AST):
                todo.append((child, whole, depth))
            elif isinstance(child, list):
                todo += [(each, whole, depth) for each in child if isinstance(each, ast.AST)]
    found = nodes, deep
    setattr(definition, _NODES, found)
    return found


_NODES = "_bitfold_nodes"


def _nested(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _nested(constant)


def _essence(code: CodeType) -> tuple[object, ...]:
    constants = tuple((type(c), c) for c in code.co_consts if not isinstance(c, CodeType))
    return code.co_varnames, code.co_freevars, code.co_names, constants, code.co_code


def _check_depth(function: ast.FunctionDef, file: str) -> None:
    """Refuse an expression that nests more than MAX_DEPTH operators deep."""
    deep = _looked_through(function)[1]
    if deep is not None:
        raise LanguageError(
            f"this expression nests more than {MAX_DEPTH} operators deep",
            code="BF-L037",
            span=span_of(deep, file),
            remedy="compute it in several assignments, or in a loop",
        )


def span_of(node: ast.AST, file: str) -> Span:
    """Where `node` stands; its end column only when it ends on the same line."""
    line: int = getattr(node, "lineno", 0)
    start: int = getattr(node, "col_offset", 0)
    end: int | None = getattr(node, "end_col_offset", None)
    if getattr(node, "end_lineno", None) != line:
        end = None
    if not _is_ascii(file):  # `ast` counts bytes of UTF-8
        octets = linecache.getline(file, line).encode()
        start = len(octets[:start].decode(errors="ignore"))
        end = None if end is None else len(octets[:end].decode(errors="ignore"))
    return Span(file, line, start, end)


def _is_ascii(file: str) -> bool:
    lines = linecache.getlines(file)
    known = _ASCII.get(file)
    if known is None or known[0] is not lines:
        known = _ASCII[file] = lines, all(map(str.isascii, lines))
    return known[1]


_ASCII: dict[str, tuple[list[str], bool]] = {}


def keyword_span(node: ast.AST, file: str, keyword: str) -> Span:
    """Where the first word of a statement stands."""
    span = span_of(node, file)
    return Span(file, span.line, span.col, span.col + len(keyword))


def shown(node: ast.AST) -> str:
    """`node` as source text for a message, shortened.

    An element of a whole-array expression, at indices that no author wrote, is shown as the array.
    """
    if isinstance(node, ast.Name) and node.id.isidentifier():
        return node.id
    if any(isinstance(n, ast.Name) and not n.id.isidentifier() for n in ast.walk(node)):
        node = _AsWritten().visit(copy.deepcopy(node))
    try:
        text = ast.unparse(node)
    except ValueError:  # an integer of thousands of digits
        return "this expression"
    return text if len(text) <= 60 else f"{text[:57]}..."


def of_whole_arrays(node: ast.AST) -> bool:
    """Whether `node` is an element of an expression that its author wrote for whole arrays."""
    return any(isinstance(n, ast.Name) and n.id.startswith(".") for n in ast.walk(node))


class _AsWritten(ast.NodeTransformer):
    """Leaves out the names that whole-array expressions are written with."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        text = node.id.removeprefix(".").partition("#")[0]
        return ast.copy_location(ast.Name(text, node.ctx), node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if any(isinstance(n, ast.Name) and n.id.startswith(".") for p in parts for n in ast.walk(p)):
            found: ast.expr = self.visit(node.value)
            return found
        self.generic_visit(node)
        return node


def captured(fn: FunctionType) -> dict[str, Any]:
    """The names `fn` sees from outside: module globals, then enclosing functions' variables."""
    names: dict[str, Any] = dict(fn.__globals__)
    for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:
            continue
    return names


def own_names(fn: FunctionType) -> frozenset[str]:
    """The names that `fn` binds itself: to Python they are local in the whole function."""
    return frozenset((*fn.__code__.co_varnames, *fn.__code__.co_cellvars))
