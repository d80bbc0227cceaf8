"""The primitives of a schedule that act on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bitfold.diagnostics import ScheduleError
from bitfold.ir.nodes import Function
from bitfold.lang.layouts import Partition
from bitfold.schedule import layout
from bitfold.schedule.buffer import buffer_at
from bitfold.schedule.deepen import deepen
from bitfold.schedule.pack import pack
from bitfold.schedule.reshape import reshape
from bitfold.schedule.reuse import reuse_at
from bitfold.schedule.stream import stream, to
from bitfold.schedule.transpose import transpose
from bitfold.schedule.view import Loop, View


class ArrayPrimitives(View):
    """What a schedule does to arrays."""

    def partition(
        self, array: str, kind: Partition = Partition.COMPLETE, *, dim: int = 0, factor: int = 0
    ) -> None:
        """Spread an array over memories; see `bitfold.schedule.layout`."""
        view, name = self._array(array)
        if not isinstance(kind, Partition):
            raise ScheduleError(
                f"{kind!r} is no kind of partition",
                code="BF-S020",
                span=view.function.span,
                remedy="use Partition.Complete, Partition.Cyclic or Partition.Block",
            )
        view._apply(
            lambda: layout.partition(view.program, view.function, name, kind, dim, factor),
            "partition",
            (name, kind),
            {"dim": dim, **({"factor": factor} if factor else {})},
        )

    def buffer_at(self, array: str, axis: str | Loop) -> str:
        """Keep what a loop writes in a local array; see `bitfold.schedule.buffer`. Returns its name."""
        return self._copied(buffer_at, "buffer_at", array, axis)

    def reuse_at(self, array: str, axis: str | Loop) -> str:
        """Keep what a loop reads again in a local array; see `bitfold.schedule.reuse`. Returns its name."""
        return self._copied(reuse_at, "reuse_at", array, axis)

    def pack(self, array: str, lanes: int) -> None:
        """Put bits into words; see `bitfold.schedule.pack`."""
        view, name = self._array(array)
        view._apply(lambda: pack(view.program, view.function, name, lanes), "pack", (name, lanes))

    def stream(self, array: str, lanes: int = 0, depth: int = 0) -> None:
        """Pass an array through a first-in first-out channel; see `bitfold.schedule.stream`."""
        view, name = self._array(array)
        keywords = {**({"lanes": lanes} if lanes else {}), **({"depth": depth} if depth else {})}
        view._apply(
            lambda: stream(view.program, view.function, name, lanes, depth), "stream", (name,), keywords
        )

    def to(self, array: str, consumer: str, depth: int = 0) -> None:
        """Stream an array to the kernel that reads it; see `bitfold.schedule.stream`."""
        view, name = self._array(array)
        keywords = {"depth": depth} if depth else {}
        view._apply(
            lambda: to(view.program, view.function, name, consumer, depth), "to", (name, consumer), keywords
        )

    def deepen(self, array: str, depth: int) -> None:
        """Let a channel hold that many words; see `bitfold.schedule.deepen`."""
        view, name = self._array(array)
        view._apply(lambda: deepen(view.function, name, depth), "deepen", (name, depth))

    def bind(self, array: str, memory: str) -> None:
        """Say what holds an array on the device: "bram", "lutram" or "uram"."""
        view, name = self._array(array)
        view._apply(lambda: layout.bind(view.program, view.function, name, memory), "bind", (name, memory))

    def reshape(self, array: str, *shape: int | Sequence[int]) -> None:
        """Give an array other dimensions, as numbers or a tuple; see `bitfold.schedule.reshape`."""
        view, name = self._array(array)
        sizes = tuple(n for part in shape for n in (part if isinstance(part, Sequence) else (part,)))
        view._apply(lambda: reshape(view.program, view.function, name, sizes), "reshape", (name, *sizes))

    def transpose(self, array: str, *order: int) -> None:
        """Store an array's dimensions in another order; see `bitfold.schedule.transpose`."""
        view, name = self._array(array)
        view._apply(lambda: transpose(view.program, view.function, name, order), "transpose", (name, *order))

    def _copied(
        self, primitive: Callable[..., tuple[Function, str]], name: str, array: str, axis: str | Loop
    ) -> str:
        """Apply a primitive that makes a local array for a loop; returns what it is called."""
        view, loop = self._loop(axis)
        array = view._array(array)[1]
        made: list[str] = []

        def change() -> Function:
            changed, local = primitive(view.program, view.function, array, loop)
            made.append(local)
            return changed

        view._apply(change, name, (array, loop))
        return made[0]
