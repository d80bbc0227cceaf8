"""Values on their way into expressions.

A value used once is written inside its user, so the C++ reads as the Python did. It waits here until then.
Before a statement changes what a waiting value has read, or could reorder a stream access, the value gets a
name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bitfold.build.hls.ccode import Code, name
from bitfold.lowering.mlir import ir


@dataclass(slots=True)
class _Waiting:
    code: Code
    reads: frozenset[ir.Value]
    uses: int
    effect: bool
    hint: str


class Values:
    """The C++ code of the MLIR values in force.

    `bind` writes the declaration of a temporary, for some code and a hint for its name, and returns its name.
    """

    def __init__(self, bind: Callable[[Code, str], str]) -> None:
        self._bind = bind
        self._codes: dict[ir.Value, _Waiting] = {}
        # Those that a statement may have to name first: they read memory, or have an effect.
        self._volatile: dict[ir.Value, _Waiting] = {}

    def define(
        self,
        value: ir.Value,
        code: Code,
        reads: Iterable[ir.Value] = (),
        *,
        effect: bool = False,
        hint: str = "value",
    ) -> None:
        """Let `value` stand for `code`, which reads the memories `reads`; an effect keeps it in its place."""
        uses = sum(1 for _ in value.uses)
        if uses == 0 and not effect:
            return
        waiting = _Waiting(code, frozenset(reads), uses, effect, hint)
        self._codes[value] = waiting
        if waiting.reads or effect:
            self._volatile[value] = waiting
        if uses != 1 and not _is_cheap(code):
            self._settle(value)

    def constant(self, value: ir.Value, code: Code) -> None:
        """Let `value` stand for code that may be written anywhere and any number of times."""
        self._codes[value] = _Waiting(code, frozenset(), -1, False, "")

    def take(self, value: ir.Value) -> tuple[Code, frozenset[ir.Value]]:
        """The code of `value` for one of its uses, and the memories it reads."""
        waiting = self._codes[value]
        waiting.uses -= 1
        if waiting.uses == 0:
            del self._codes[value]
            self._volatile.pop(value, None)
        return waiting.code, waiting.reads

    def settle_before(self, written: Iterable[ir.Value]) -> None:
        """Name every waiting value that has an effect or reads one of `written`."""
        changed = frozenset(written)
        for value, waiting in list(self._volatile.items()):
            if waiting.effect or waiting.reads & changed:
                self._settle(value)

    def settle_used(self, used: frozenset[ir.Value]) -> None:
        """Name every value among `used` that would otherwise be computed again at each use."""
        for value, waiting in list(self._codes.items()):
            if value in used and not _is_cheap(waiting.code):
                self._settle(value)

    def _settle(self, value: ir.Value) -> None:
        waiting = self._codes[value]
        self._volatile.pop(value, None)
        bound = self._bind(waiting.code, waiting.hint)
        if waiting.uses == 0:
            del self._codes[value]
            return
        plain = replace(name(bound, waiting.code.type), low=waiting.code.low, high=waiting.code.high)
        self._codes[value] = replace(waiting, code=plain, reads=frozenset(), effect=False)


def _is_cheap(code: Code) -> bool:
    """Whether to write the code again at each use: a number, a name, or arithmetic on loop variables."""
    counts = code.type.native and code.type.width > 1 and not set(code.text) & set("([")
    return counts or code.text.isidentifier()
