"""Why a network is folded as it is: which layer sets the rate, and what the nearest other foldings cost.

For a folding that was chosen by hand. What automatic folding gives as its reasons has the same form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import log
from typing import Any

from bitfold.autofold import Chosen
from bitfold.diagnostics import BitfoldError
from bitfold.ir.nodes import Function, Program
from bitfold.model.cycles import Layer, Model, model
from bitfold.model.resources import Estimate, Resources, estimate
from bitfold.schedule import Schedule
from bitfold.schedules.folding import fold

Refold = Callable[[Schedule, int, int], None]


@dataclass(frozen=True)
class Other:
    """Another folding of a layer: what it would take, and why it is not the one in use.

    `fps` is the rate of the whole network with this layer folded so; `larger`: it does more in a cycle.
    """

    pe: int
    simd: int
    cycles: int
    lut: int | None
    ff: int | None
    bram36: float | None
    dsp: int | None
    fps: float
    larger: bool
    why_not: str


@dataclass(frozen=True)
class Choice:
    """The folding of one matrix layer; `slack` is the fraction of the interval in which it waits."""

    layer: str
    pe: int
    simd: int
    cycles: int
    slack: float
    bottleneck: bool
    reason: str
    others: tuple[Other, ...]


@dataclass(frozen=True)
class Folding:
    """Why the layers of a network are folded as they are; `why` says what bounds the whole design."""

    bottleneck: str
    why: str
    requirement: str | None
    layers: tuple[Choice, ...]

    def as_json(self) -> dict[str, Any]:
        found = asdict(self)
        found["layers"] = [{**c, "others": list(c["others"])} for c in found["layers"]]
        return found


def folding_of(
    unscheduled: Program, closed: Model, resources: Estimate, refold: Refold = fold
) -> Folding | None:
    """The reasons for a scheduled dataflow network's folding; None for a program that is none.

    Each matrix layer of `unscheduled` is folded anew by `refold` and estimated alone, for the foldings that
    do the next less and the next more in a cycle. A layer whose own numbers `refold` does not reproduce was
    folded in another way, and gets no others.
    """
    if not closed.dataflow:
        return None
    matrix = [layer for layer in closed.layers if layer.folds]
    if not matrix:
        return None
    bottleneck = max(closed.layers, key=lambda layer: layer.cycles)
    costs = resources.kernels()
    kernels = {f.name: f for f in unscheduled.functions}
    choices = []
    for layer in matrix:
        others: tuple[Other, ...] = ()
        if layer.name in kernels and layer.name in costs:
            tried = _Tried(unscheduled, kernels[layer.name], layer, closed, costs[layer.name], refold)
            others = tried.others()
        choices.append(_choice(layer, closed, others))
    return Folding(bottleneck.name, _bound(closed), None, tuple(choices))


def folding_found(chosen: Chosen, closed: Model) -> Folding:
    """What automatic folding gives as its reasons. Alternatives that it did not estimate have no cost."""
    choices = []
    for layer in chosen.layers:
        others = []
        for a in layer.alternatives:
            rest = [each.cycles for each in closed.layers if each.name != layer.name]
            fps = closed.clock_mhz * 1e6 / max([a.cycles, *rest])
            lut, ff, bram36, dsp = (
                (a.cost.lut, a.cost.ff, a.cost.bram36, a.cost.dsp) if a.cost else (None, None, None, None)
            )
            larger = a.pe * a.simd > layer.pe * layer.simd
            others.append(Other(a.pe, a.simd, a.cycles, lut, ff, bram36, dsp, fps, larger, a.why_not))
        slowest = layer.cycles == closed.interval_cycles
        choices.append(
            Choice(
                layer.name,
                layer.pe,
                layer.simd,
                layer.cycles,
                1 - layer.cycles / closed.interval_cycles,
                slowest,
                layer.reason,
                tuple(others),
            )
        )
    return Folding(chosen.bound, chosen.why, str(chosen.requirement), tuple(choices))


def _bound(closed: Model) -> str:
    cycles = closed.interval_cycles
    slowest = [layer.name for layer in closed.layers if layer.cycles == cycles]
    names = slowest[0] if len(slowest) == 1 else f"{', '.join(slowest[:-1])} and {slowest[-1]}"
    verb = "takes" if len(slowest) == 1 else "take"
    return (
        f"{names} {verb} {cycles:,} cycles for an image, and no layer takes longer: this sets the rate of "
        f"{closed.fps:,.0f} images/s. Only a larger folding there makes the network faster."
    )


@dataclass(frozen=True)
class _Tried:
    """One layer, folded alone in other ways than in the network that `closed` is the model of."""

    program: Program
    kernel: Function
    layer: Layer
    closed: Model
    cost: Resources
    refold: Refold

    def others(self) -> tuple[Other, ...]:
        layer = self.layer
        assert layer.folds is not None
        same = self.folded(layer.pe, layer.simd)
        if same is None or same[1] != self.cost or same[0].cycles != layer.cycles:
            return ()
        rows, columns = layer.folds[0] * layer.pe, layer.folds[1] * layer.simd
        pairs = [(pe, simd) for pe in _divisors(rows) for simd in _divisors(columns)]
        work = layer.pe * layer.simd
        smaller = max((p * q for p, q in pairs if p * q < work), default=0)
        larger = min((p * q for p, q in pairs if p * q > work), default=0)
        found = []
        for target in (smaller, larger):
            near = [(p, q) for p, q in pairs if p * q == target]
            if near:
                pe, simd = min(near, key=lambda pair: (self._distance(pair), pair))
                found += [o for o in [self.other(pe, simd, target > work)] if o is not None]
        return tuple(found)

    def _distance(self, pair: tuple[int, int]) -> float:
        return abs(log(pair[0] / self.layer.pe)) + abs(log(pair[1] / self.layer.simd))

    def folded(self, pe: int, simd: int) -> tuple[Layer, Resources] | None:
        """The layer and its cost with this folding, None where it cannot be folded so."""
        s = Schedule(Program((self.kernel,), self.program.constants))
        try:
            self.refold(s, pe, simd)
        except BitfoldError:
            return None
        function = s.program.top
        # Under a top of its own the kernel's parameters are streams between kernels, not ports of the chip.
        alone = Program((function, Function("", (), ())), self.program.constants)
        cost = estimate(alone).kernels()[function.name]
        return model(s.program, self.closed.clock_mhz).layers[0], cost

    def other(self, pe: int, simd: int, larger: bool) -> Other | None:
        found = self.folded(pe, simd)
        if found is None:
            return None
        layer, cost = found
        rest = [each.cycles for each in self.closed.layers if each.name != layer.name]
        interval = max([layer.cycles, *rest])
        fps = self.closed.clock_mhz * 1e6 / interval
        why = _why_not(interval, fps, self.closed, cost, self.cost, larger)
        return Other(pe, simd, layer.cycles, cost.lut, cost.ff, cost.bram36, cost.dsp, fps, larger, why)


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _why_not(interval: int, fps: float, closed: Model, cost: Resources, now: Resources, larger: bool) -> str:
    change = _change(cost, now)
    if interval > closed.interval_cycles:
        return f"the network would slow down to {fps:,.0f} images/s; {change}"
    if interval < closed.interval_cycles:
        return f"the network would speed up to {fps:,.0f} images/s; {change}"
    if larger:
        return f"no faster, as another layer sets the rate; {change}"
    if cost.lut <= now.lut and cost.bram18 <= now.bram18 and cost != now:
        return f"just as fast: {change}, so this layer is larger than it needs to be"
    if cost.lut < now.lut or cost.bram18 < now.bram18:
        return f"just as fast, one resource for the other: {change}"
    return f"just as fast, but no cheaper: {change}"


def _change(cost: Resources, now: Resources) -> str:
    brams = cost.bram36 - now.bram36
    text = f"{cost.lut - now.lut:+,} LUT"
    return f"{text}, {brams:+,g} BRAM36" if brams else text


def _choice(layer: Layer, closed: Model, others: tuple[Other, ...]) -> Choice:
    interval = closed.interval_cycles
    slack = 1 - layer.cycles / interval
    slowest = layer.cycles == interval
    if slowest:
        reason = f"It sets the rate: {layer.cycles:,} cycles, and no layer takes longer."
    else:
        reason = f"It takes {layer.cycles:,} of {interval:,} cycles and waits for the rest ({slack:.0%})."
        smaller = [o for o in others if not o.larger]
        if smaller and smaller[0].cycles > interval:
            reason += (
                f" With the next smaller folding it would take {smaller[0].cycles:,}, which is too slow."
            )
        elif smaller:
            reason += " A smaller folding would be fast enough."
    if not others:
        reason += " Other foldings were not tried: it is scheduled in a way of its own."
    return Choice(layer.name, layer.pe, layer.simd, layer.cycles, slack, slowest, reason, others)
