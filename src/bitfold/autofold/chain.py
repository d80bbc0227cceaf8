"""A network as the chain that `search` goes through, and its kernels and links measured one at a time.

Each kernel is scheduled alone, with the steps that `schedules/folding.py` applies in a network, and given to
the resource and the cycle model; so is what joins two kernels. What is measured so is a part of the numbers
of the whole program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise

from bitfold.autofold import bounds
from bitfold.autofold.parts import IMPOSSIBLE, Part, Stage, Values, Way, vector
from bitfold.autofold.search import Search
from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir.nodes import Alloc, CallKernel, Function, Param, Program, Rom, walk
from bitfold.lang.types import ArrayType
from bitfold.model.costs import NOTHING, Resources
from bitfold.model.cycles import Layer, model
from bitfold.model.resources import estimate
from bitfold.schedule import Schedule
from bitfold.schedule.channel import End, Link, relink
from bitfold.schedule.dependence import trusted
from bitfold.schedules.folding import Work, apply_work, channels_of, input_depth, is_matrix, work_of

_CLOCK = 1.0  # cycles do not depend on it
MOST_LANES = 4096
"""Bits of the widest word that the language has."""

MOST_AT_ONCE = 2
"""Iterations that depend on each other, such as of label selection, that follow one another in a cycle."""


@dataclass(frozen=True)
class Measured:
    """A kernel scheduled by a `Work`: what it costs, its cycle model, and its streams' types."""

    cost: Resources
    layer: Layer
    source: ArrayType
    target: ArrayType
    params: tuple[ArrayType, ...]


@dataclass(frozen=True)
class MatrixLayer:
    """A matrix layer as it can be folded: rows by columns of weights, for each of `pixels`."""

    name: str
    rows: int
    columns: int
    pixels: int

    def cycles(self, pe: int, simd: int) -> int:
        """FINN (FPGA 2017), section 4.3."""
        return self.pixels * (self.rows // pe) * (self.columns // simd)


class Chain:
    """The parts of a network that is not scheduled yet.

    Raises:
        ScheduleError: it has steps already, has no matrix layer, or is no chain of kernels.
    """

    def __init__(self, s: Schedule) -> None:
        if s.trace:
            raise ScheduleError(
                f"{s.name!r} is scheduled already: {s.trace[0]} came first",
                span=s.function.span,
                code="BF-S050",
                remedy="fold a fresh customize(network)",
            )
        self.s = Schedule(s.program)  # stays as it is when `s` is folded
        self.kernels = s.kernels
        self._check()
        self.layers = tuple(self._layer(k) for k in self.kernels if is_matrix(s.at(k)))
        if not self.layers:
            raise ScheduleError(
                f"{s.name!r} has no matrix layer to fold",
                span=s.function.span,
                code="BF-S050",
                remedy="a matrix layer has loops m over rows and k over columns, and arrays x, w and y",
            )
        self._kernels: dict[tuple[str, Work], Measured] = {}
        self._parts: dict[tuple[object, ...], Part] = {}

    def _check(self) -> None:
        """Each kernel must hand its last parameter to the next one's first."""
        calls = [c for c in walk(self.s.function.body) if isinstance(c, CallKernel)]
        for first, second in pairwise(calls):
            if not set(first.args) & set(second.args[:1]):
                raise ScheduleError(
                    f"{first.callee!r} does not hand its result to {second.callee!r}, called next",
                    span=second.span,
                    notes=[Note("it is called here", first.span)],
                    code="BF-S050",
                    remedy="automatic folding takes a chain of kernels; fold other networks by hand",
                )

    def _layer(self, kernel: str) -> MatrixLayer:
        layer = self.s.at(kernel)
        pixels = 1
        for loop in layer.get_loops():
            if loop.name not in ("m", "k"):
                pixels *= layer.trips(loop)
        return MatrixLayer(kernel, layer.trips("m"), layer.trips("k"), pixels)

    # ---- the chain

    @cached_property
    def search(self) -> Search:
        """What to search; made once, so that later queries know what was measured for earlier ones."""
        stages = []
        groups = self._between()
        pes: tuple[int, ...] = (1,)  # before the first layer there is nothing to choose
        before: MatrixLayer | None = None
        for group, layer in zip(groups, self.layers, strict=False):
            simds = tuple(d for d in _divisors(layer.columns) if self._fits(layer, "x", d))
            rows = []
            for pe in pes:
                rows.append(tuple(self._segment(before, pe, group, layer, simd) for simd in simds))
            pes = tuple(d for d in _divisors(layer.rows) if self._fits(layer, "y", d))
            nodes = tuple(tuple(self._node(layer, pe, simd) for pe in pes) for simd in simds)
            stages.append(Stage(layer.name, simds, pes, nodes, tuple(rows)))
            before = layer
        after = [
            tuple(self._segment(before, pe, groups[-1], None, lanes) for lanes in self.tails) for pe in pes
        ]
        return Search(stages, after)

    @cached_property
    def tails(self) -> tuple[int, ...]:
        """How many elements the plain kernels after the last layer may take in a cycle."""
        group = self._between()[-1]
        plain = [k for k in group if not channels_of(self.s.at(k))]
        even = all(self.s.trips(self.s.at(k).get_loops()[-1]) % MOST_AT_ONCE == 0 for k in plain)
        return (1, MOST_AT_ONCE) if plain and even else (1,)

    def folding(self, way: Way) -> dict[str, tuple[int, int]]:
        """The folding of a way, as `fold_layers` takes it."""
        found = dict(zip((layer.name for layer in self.layers), way.folding, strict=True))
        lanes = self.tails[way.tail]
        if lanes > 1:
            found |= {k: (1, lanes) for k in self._between()[-1] if not channels_of(self.s.at(k))}
        return found

    def _between(self) -> list[list[str]]:
        """The kernels before each matrix layer, and those after the last."""
        groups: list[list[str]] = [[]]
        names = {layer.name for layer in self.layers}
        for kernel in self.kernels:
            if kernel in names:
                groups.append([])
            else:
                groups[-1].append(kernel)
        return groups

    def _fits(self, layer: MatrixLayer, array: str, lanes: int) -> bool:
        type = self.s.at(layer.name).type(array)
        return lanes * type.elem.width <= MOST_LANES

    def _node(self, layer: MatrixLayer, pe: int, simd: int) -> Part:
        return self._kernel(layer.name, Work("fold", simd, pe))

    def _segment(
        self, before: MatrixLayer | None, pe: int, group: list[str], after: MatrixLayer | None, simd: int
    ) -> tuple[Part, ...]:
        """What leads from one matrix layer to the next: links, and the kernels between."""
        works = self._works(group, after, simd)
        ends: list[tuple[str, Work]] = list(zip(group, works, strict=True))
        if before is not None:
            ends.insert(0, (before.name, Work("fold", 1, pe)))
        if after is not None:
            ends.append((after.name, Work("fold", simd, 1)))
        parts = [self._kernel(k, w) for k, w in zip(group, works, strict=True)]
        if before is None:
            parts.append(self._ports(*ends[0], first=True))
        parts += [self._link(*x, *y) for x, y in pairwise(ends)]
        if after is None:
            parts.append(self._ports(*ends[-1], first=False))
        return tuple(parts)

    def _works(self, group: list[str], after: MatrixLayer | None, simd: int) -> list[Work]:
        """What the kernels of a group do in a cycle before a layer of that SIMD, or of that many lanes."""
        if after is None:
            found = work_of(self.s, {k: (1, simd) for k in group if not channels_of(self.s.at(k))}, group)
        else:
            found = work_of(self.s, {after.name: (1, simd)}, [*group, after.name])
        return [found[k] for k in group]

    # ---- parts

    def _part(self, key: tuple[object, ...], make: Callable[[], Part]) -> Part:
        if key not in self._parts:
            self._parts[key] = make()
        return self._parts[key]

    def _kernel(self, kernel: str, work: Work) -> Part:
        def make() -> Part:
            cost, cycles = bounds.kernel(self.s.at(kernel), work)
            latency = cycles if work.kind == "fold" else 0
            name = f"{kernel} at PE {work.pe}, SIMD {work.lanes}" if work.kind == "fold" else kernel
            measure = partial(self._measure_kernel, kernel, work)
            return Part(name, kernel, vector(cost, latency), cycles, measure)

        return self._part(("kernel", kernel, work), make)

    def _measure_kernel(self, kernel: str, work: Work) -> tuple[Values, int]:
        try:
            found = self.measured(kernel, work)
        except ScheduleError:
            return vector(NOTHING, 0), IMPOSSIBLE
        latency = 0 if found.layer.passes_on else found.layer.cycles
        return vector(found.cost, latency), found.layer.cycles

    def _link(self, first: str, w1: Work, second: str, w2: Work) -> Part:
        lanes = (first, w1.pe if w1.kind == "fold" else w1.lanes, second, w2.lanes)

        def make() -> Part:
            cost = bounds.link(self.s.at(first), w1, self.s.at(second), w2)
            name = f"the stream from {first} to {second}"
            measure = partial(self._measure_link, first, w1, second, w2)
            return Part(name, name, vector(cost, 0), 1, measure)

        return self._part(("link", *lanes), make)

    def _measure_link(self, first: str, w1: Work, second: str, w2: Work) -> tuple[Values, int]:
        """A program of two empty kernels, joined as the two would be."""
        try:
            source, target = self.measured(first, w1).target, self.measured(second, w2).source
        except ScheduleError:
            return vector(NOTHING, 0), IMPOSSIBLE
        ends = (CallKernel("first", ("h",)), CallKernel("second", ("h_in",)))
        streams = (Alloc("h", source), Alloc("h_in", target))
        owner = Function("top", (), (*streams, *ends))
        stubs = [
            Function("first", (Param("y", source),), ()),
            Function("second", (Param("x", target),), ()),
        ]
        link = Link(owner, End(ends[0], 0), End(ends[1], 0), ())
        joined = relink(Program((*stubs, owner), {}), link, input_depth(self.s.at(second), w2))
        items = [i.cost for i in estimate(joined).items if i.kernel not in ("first", "second")]
        layers = [x for x in model(joined, _CLOCK).layers if x.name not in ("first", "second")]
        latency = sum(x.cycles for x in layers if not x.passes_on)
        return vector(sum(items, NOTHING), latency), max((x.cycles for x in layers), default=1)

    def _ports(self, kernel: str, work: Work, *, first: bool) -> Part:
        """The ports of the top kernel that this kernel reads, or all the others."""

        def measure() -> tuple[Values, int]:
            made = self.measured(kernel, work)
            calls = [c for c in walk(self.s.function.body) if isinstance(c, CallKernel)]
            (call,) = [c for c in calls if c.callee == kernel]
            top = {p.name: p for p in self.s.function.params}
            passed = [t for a, t in zip(call.args, made.params, strict=True) if a in top]
            types = [made.source] if first else [_streamed(t) for t in passed]
            renamed = tuple(Param(f"port{i}", t) for i, t in enumerate(types))
            return vector(estimate(Program((Function("top", renamed, ()),), {})).total, 0), 1

        key = ("ports", first, kernel, work)
        return self._part(key, lambda: Part("the ports", "", vector(NOTHING, 0), 1, measure))

    # ---- measuring

    def measured(self, kernel: str, work: Work) -> Measured:
        """A kernel scheduled alone. Raises ScheduleError when that is not legal."""
        key = (kernel, work)
        if key not in self._kernels:
            self._kernels[key] = self._measured(kernel, work)
        return self._kernels[key]

    def _measured(self, kernel: str, work: Work) -> Measured:
        alone = Schedule(self._alone(kernel))
        with trusted():
            apply_work(alone, work)
            if work.kind == "plain":
                for param in alone.function.params:
                    if not alone.type(param.name).streamed:
                        alone.stream(param.name)
        made = alone.program
        body = tuple(Alloc(p.name, p.type) for p in made.top.params)
        call = CallKernel(kernel, tuple(p.name for p in made.top.params))
        called = Program((*made.functions, Function("top", (), (*body, call))), made.constants)
        (layer,) = model(called, _CLOCK).layers
        cost = estimate(Program((*made.functions, Function("top", (), ())), made.constants)).total
        params = {p.name: p.type for p in made.top.params}
        types = tuple(params.values())
        return Measured(cost, layer, params.get("x", types[0]), params.get("y", types[-1]), types)

    def _alone(self, kernel: str) -> Program:
        """The program of this kernel and those it calls."""
        whole = self.s.program
        kept: list[Function] = []

        def visit(function: Function) -> None:
            for s in walk(function.body):
                if isinstance(s, CallKernel):
                    visit(whole.function(s.callee))
            if function not in kept:
                kept.append(function)

        visit(whole.function(kernel))
        sources = {s.source for f in kept for s in walk(f.body) if isinstance(s, Rom)}
        return Program(tuple(kept), {name: whole.constants[name] for name in sources})


def _streamed(type: ArrayType) -> ArrayType:
    return replace(type, streamed=True, layout=(), memory="")


def _divisors(n: int) -> tuple[int, ...]:
    return tuple(d for d in range(1, n + 1) if n % d == 0)
