"""Choose the folding of a network that meets a requirement at least cost, apply it, and say why.

The cost is the fraction of the device's LUTs plus the fraction of its block RAMs. The choice is exact within
the resource and cycle models: see `search`. What is reported are the numbers of the program that the folding
makes, which must be those that the search added up.
"""

from __future__ import annotations

import time

from bitfold.autofold.chain import Chain
from bitfold.autofold.explain import layer_choices, refusal, stopped_by
from bitfold.autofold.parts import Way
from bitfold.autofold.requirement import limits, most_cycles
from bitfold.autofold.result import Chosen, Requirement
from bitfold.devices import Device
from bitfold.diagnostics import BuildError
from bitfold.model.cycles import Model, model
from bitfold.model.fifos import deepened
from bitfold.model.resources import Estimate, estimate
from bitfold.schedule import Schedule
from bitfold.schedules.folding import fold_layers

SIMULATED_CYCLES = 1 << 18
"""The longest interval for which channels are simulated."""


def weights(device: Device) -> list[int]:
    """The cost as a linear form of search.METRICS, in units of 1 / (LUTs * halves of block RAMs)."""
    halves = 2 * device.bram36
    return [max(1, halves), 0, device.lut if halves else 0, 0, 0, 0]


def find(chain: Chain, device: Device, asked: Requirement, most: dict[str, int] | None = None) -> Way:
    """The cheapest way that meets the requirement, within `most` of each resource.

    Raises:
        ScheduleError: there is none; it says what is the best possible, and what stops it.
    """
    most = limits(asked, device) if most is None else most
    if asked.fastest:
        found = chain.search.fastest(weights(device), most)
    else:
        interval, latency = most_cycles(asked, device)
        allowed = {**most, "latency": latency}
        found = chain.search.cheapest(weights(device), interval=interval, limits=allowed)
    if found is None:
        raise refusal(chain, device, asked, most, weights(device))
    return found


def choose(s: Schedule, device: Device, asked: Requirement) -> Chosen:
    """Fold a network as `asked` and return what was chosen and why.

    `s` must have no steps yet, and its kernels must be a chain; see schedules/folding.py for what a matrix
    layer is. Afterwards it is scheduled as `fold_layers` does it, with the deeper channels that the
    simulation asks for. What these take is taken from what the search may use, if it would be too much.

    Raises:
        ScheduleError: no folding meets the requirement, or `s` is no such network.
    """
    began = time.perf_counter()
    chain = Chain(s)
    names = {layer.name for layer in chain.layers}
    allowed = limits(asked, device)
    most = dict(allowed)
    searched = 0.0
    while True:
        start = time.process_time()
        way = find(chain, device, asked, most)
        searched += time.process_time() - start
        folding = chain.folding(way)
        made = Schedule(s.program)
        fold_layers(made, folding)
        closed, found = model(made.program, device.clock_mhz), estimate(made.program)
        _verify(way, closed, found)
        depths = _depths(made, closed)
        over = _over(made, allowed) if depths else {}
        if not over:
            break
        most = {m: v - over.get(m, 0) for m, v in most.items()}
    why = stopped_by(chain, device, asked, way, most)
    s.adopt(made)
    found = estimate(s.program) if depths else found
    used = found.utilization(device)
    return Chosen(
        network=s.name,
        device=device,
        requirement=asked,
        layers=layer_choices(chain, device, asked, way, closed, found),
        cost=found.total,
        fractions=used,
        objective=used["lut"] + (used["bram36"] if device.bram36 else 0.0),
        interval_cycles=closed.interval_cycles,
        latency_cycles=closed.latency_cycles,
        fps=closed.fps,
        latency_us=closed.latency_us,
        bound=max(closed.layers, key=lambda layer: layer.cycles).name,
        why=why,
        others=tuple((k, lanes) for k, (_, lanes) in folding.items() if k not in names),
        depths=tuple(depths.items()),
        evaluated=chain.search.evaluated,
        search_s=searched,
        seconds=time.perf_counter() - began,
    )


def _depths(made: Schedule, closed: Model) -> dict[str, int]:
    """The channels that must be deeper, applied to `made`; none where simulating would take a while."""
    if closed.interval_cycles > SIMULATED_CYCLES:
        return {}
    found = deepened(made.program)
    for channel, depth in found.items():
        made.deepen(channel, depth)
    return found


def _over(made: Schedule, allowed: dict[str, int]) -> dict[str, int]:
    """By how much a program exceeds what is allowed."""
    total = estimate(made.program).total
    used = {"lut": total.lut, "ff": total.ff, "bram18": total.bram18, "uram": total.uram, "dsp": total.dsp}
    return {m: used[m] - most for m, most in allowed.items() if used[m] > most}


def _verify(way: Way, closed: Model, found: Estimate) -> None:
    """Compare what the search added up with the program that was made."""
    total, values = found.total, way.values
    made = {
        "LUT": (total.lut, values["lut"]),
        "FF": (total.ff, values["ff"]),
        "BRAM18": (total.bram18, values["bram18"]),
        "URAM": (total.uram, values["uram"]),
        "DSP": (total.dsp, values["dsp"]),
        "cycles of interval": (closed.interval_cycles, way.cycles),
        "cycles of latency": (closed.latency_cycles, way.latency),
    }
    for name, (is_, assumed) in made.items():
        if is_ != assumed:
            raise BuildError(
                f"the folding makes {is_:,} {name} where its parts add up to {assumed:,}",
                code="BF-B030",
                remedy="fold this network by hand, and report it: automatic folding does not know it well",
            )
