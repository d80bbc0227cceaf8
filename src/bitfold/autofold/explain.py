"""Why a folding was chosen, and why none was."""

from __future__ import annotations

from bitfold.autofold.chain import Chain
from bitfold.autofold.parts import IMPOSSIBLE, METRICS, Part, Way
from bitfold.autofold.requirement import most_cycles
from bitfold.autofold.result import Alternative, LayerChoice, Requirement
from bitfold.devices import Device
from bitfold.diagnostics import ScheduleError
from bitfold.model.costs import Resources
from bitfold.model.cycles import Model
from bitfold.model.resources import Estimate

_CALLED = {
    "lut": "LUTs",
    "ff": "flip-flops",
    "bram18": "block RAMs",
    "uram": "UltraRAMs",
    "dsp": "DSP slices",
}


# ---- what bounds a design


def stopped_by(chain: Chain, device: Device, asked: Requirement, way: Way, most: dict[str, int]) -> str:
    """What keeps a found folding from being faster or cheaper, in one sentence."""
    if not asked.fastest:
        interval, latency = most_cycles(asked, device)
        parts = []
        if asked.fps is not None:
            parts.append(f"{way.cycles:,} of the {interval:,} cycles that {asked.fps:,.12g} images/s allow")
        if asked.latency_us is not None:
            parts.append(
                f"{way.values['latency']:,} of the {latency:,} cycles that {asked.latency_us:,.12g} us allow"
            )
        return f"the requirement: {' and '.join(parts)}; nothing cheaper is that fast"
    return f"as fast as it can be: {_stopper(chain, most, way.cycles - 1, IMPOSSIBLE - 1)}"


def _stopper(chain: Chain, most: dict[str, int], interval: int, latency: int) -> str:
    """What forbids an interval and a latency that are known to be impossible."""
    search = chain.search
    floor, name = search.floor()
    if floor > interval:
        return f"{name} takes {floor:,} cycles however the network is folded"
    fastest = search.least("latency")
    if latency < IMPOSSIBLE - 1 and fastest is not None and fastest.values["latency"] > latency:
        return f"the layers take {fastest.values['latency']:,} cycles one after another even when unfolded"
    allowed = {**most, "latency": latency}
    needed = []
    for metric in most:
        form = [int(m == metric) for m in METRICS]
        alone = search.cheapest(form, interval=interval, limits={"latency": latency})
        if alone is not None and alone.values[metric] > most[metric]:
            needed.append(
                f"{_amount(metric, alone.values[metric])} of {_amount(metric, most[metric])} usable"
            )
    if needed:
        return f"faster takes at least {', '.join(needed)}"
    lifted = [m for m in most if _without(chain, interval, allowed, m)]
    names = " or ".join(_CALLED[m] for m in lifted) or "several resources at a time"
    one = " (more of either would do)" if len(lifted) > 1 else ""
    return f"faster takes more {names} than the {_usable(most)} usable{one}"


def _without(chain: Chain, interval: int, allowed: dict[str, int], metric: str) -> bool:
    rest = {m: most for m, most in allowed.items() if m != metric}
    form = [int(m == metric) for m in METRICS]
    return chain.search.cheapest(form, interval=interval, limits=rest) is not None


def _within(asked: Requirement) -> str:
    return (
        f" within {', '.join(f'{most:,.12g} {name}' for name, most in asked.budget)}" if asked.budget else ""
    )


def _amount(metric: str, value: int) -> str:
    return f"{value / 2:,g} BRAM36" if metric == "bram18" else f"{value:,} {metric.upper()}"


def _usable(most: dict[str, int]) -> str:
    return ", ".join(_amount(m, v) for m, v in most.items() if m in ("lut", "bram18"))


# ---- a requirement that cannot be met


def refusal(
    chain: Chain, device: Device, asked: Requirement, most: dict[str, int], cost: list[int]
) -> ScheduleError:
    """The error for a requirement that no folding meets: the best possible, and what stops it.

    `cost` is the form of METRICS that choices are made by. What is cheapest by it is most likely to keep the
    limits, which the search then need not watch.
    """
    search = chain.search
    interval, _ = most_cycles(asked, device)
    reach = f"gives {asked}" if not asked.fastest else f"fits{_within(asked)}"
    what = f"no folding of {chain.s.name!r} {reach} on the {device.name}"
    clock = device.clock_mhz
    best = search.fastest(cost, most)
    if best is None:
        least = []
        for metric in ("lut", "bram18", "ff", "uram", "dsp"):
            smallest = search.least(metric)
            if smallest is not None and smallest.values[metric] > most[metric]:
                least.append(
                    f"{_amount(metric, smallest.values[metric])} of {_amount(metric, most[metric])} usable"
                )
        together = not least
        for metric in ("lut", "bram18") if together else ():
            unit = [int(m == metric) for m in METRICS]
            rest = {m: v for m, v in most.items() if m != metric}
            alone = search.cheapest(unit, interval=IMPOSSIBLE - 1, limits=rest)
            if alone is not None:
                amount = _amount(metric, alone.values[metric])
                least.append(f"{amount} of {_amount(metric, most[metric])} usable")
        if together and least:
            need = f"within the other limits it takes at least {', or '.join(least)}"
        else:
            need = (
                f"it takes at least {', '.join(least)}" if least else f"none fits in {_usable(most)} usable"
            )
        return ScheduleError(
            f"{what}: {need}",
            span=chain.s.function.span,
            code="BF-S051",
            remedy="allow more, or take a larger device",
        )
    parts = []
    if asked.fps is not None and best.cycles > interval:
        parts.append(f"{clock * 1e6 / best.cycles:,.0f} images/s ({best.cycles:,} cycles)")
        stopper = _stopper(chain, most, best.cycles - 1, IMPOSSIBLE - 1)
    else:
        lowest, _ = search.floor()
        if asked.latency_us is not None and lowest > clock * asked.latency_us:
            cycles = lowest
            parts.append(f"no less than {cycles / clock:,.3g} us, whatever it costs")
        else:
            cycles = _soonest(chain, most, cost, best.latency)
            parts.append(f"about {cycles / clock:,.3g} us ({cycles:,} cycles)")
        if asked.fps is not None:
            parts.append(f"at {asked.fps:,.12g} images/s")
        stopper = _stopper(chain, most, interval, cycles - 1)
    remedy = "ask for less, give it a larger device" + (" or budget" if asked.budget else "")
    return ScheduleError(
        f"{what}; the best possible is {' '.join(parts)}: {stopper}",
        span=chain.s.function.span,
        code="BF-S051",
        remedy=remedy,
    )


def _soonest(chain: Chain, most: dict[str, int], cost: list[int], known: int) -> int:
    """A latency in cycles that is possible within `most`, at most 2 % above the least; `known` is one."""
    least = chain.search.least("latency")
    low = least.latency if least is not None else known
    while known - low > max(1, known // 50):
        middle = (low + known) // 2
        way = chain.search.cheapest(cost, interval=middle, limits={**most, "latency": middle})
        if way is None:
            low = middle
        else:
            known = way.latency
    return known


# ---- layer by layer


def layer_choices(
    chain: Chain, device: Device, asked: Requirement, way: Way, closed: Model, found: Estimate
) -> tuple[LayerChoice, ...]:
    """The choice for each matrix layer with its reason, from the program that was made."""
    interval = closed.interval_cycles if asked.fastest else most_cycles(asked, device)[0]
    cycles = {layer.name: layer.cycles for layer in closed.layers}
    kernels = found.kernels()
    slowest = max(cycles.values())
    made = []
    for layer, stage, (pe, simd) in zip(chain.layers, chain.search.stages, way.folding, strict=True):
        options = {
            (p, k): node
            for k, nodes in zip(stage.simds, stage.nodes, strict=True)
            for p, node in zip(stage.pes, nodes, strict=True)
        }
        fast = {key: node for key, node in options.items() if node.cycles <= interval}
        others = _alternatives(chain, options, fast, (pe, simd))
        made.append(
            LayerChoice(
                name=layer.name,
                kernel=chain.s.at(layer.name).function.kernel,
                pe=pe,
                simd=simd,
                cycles=cycles[layer.name],
                slack=1 - cycles[layer.name] / slowest,
                cost=kernels[layer.name],
                legal=len(options),
                fast_enough=len(fast),
                reason=_reason(fast, options[pe, simd], others, interval),
                alternatives=others,
            )
        )
    return tuple(made)


def _alternatives(
    chain: Chain,
    options: dict[tuple[int, int], Part],
    fast: dict[tuple[int, int], Part],
    chosen: tuple[int, int],
) -> tuple[Alternative, ...]:
    """The next slower folding if that is too slow, and the slowest that would be fast enough."""
    mine = options[chosen]
    found = []
    slower = [k for k, node in options.items() if mine.cycles < node.cycles < IMPOSSIBLE]
    if slower:
        key = min(slower, key=lambda k: (options[k].cycles, abs(k[0] - chosen[0]), k))
        if key not in fast:
            found.append(Alternative(*key, options[key].cycles, None, "too slow"))
    enough = max(fast, key=lambda k: (fast[k].cycles, k == chosen, -fast[k].values[0], k))
    if fast[enough].cycles > mine.cycles:
        chain.search.measure([fast[enough]])
        other = fast[enough]
        cheaper = bool((other.values <= mine.values)[[0, 2]].all())
        why = "cheaper alone, dearer with what is around it" if cheaper else "dearer"
        found.append(Alternative(*enough, other.cycles, _resources(other), why))
    return tuple(found)


def _resources(part: Part) -> Resources:
    lut, ff, bram18, uram, dsp, _ = part.values.tolist()
    return Resources(lut, ff, bram18, uram, dsp)


def _reason(
    fast: dict[tuple[int, int], Part], mine: Part, others: tuple[Alternative, ...], interval: int
) -> str:
    count = f"{len(fast)} foldings" if len(fast) > 1 else "the one folding"
    within = "" if interval >= IMPOSSIBLE - 1 else f" within {interval:,} cycles"
    text = f"cheapest of {count}{within}" if len(fast) > 1 else f"{count}{within}"
    for other in others:
        name = f"{other.pe} x {other.simd}"
        if other.cost is None:
            text += f"; {name} would take {other.cycles:,}"
        elif within:
            lut, halves = other.cost.lut - int(mine.values[0]), other.cost.bram18 - int(mine.values[2])
            text += f"; {name} would do, but takes {lut:+,} LUT, {halves / 2:+g} BRAM36"
            text += " alone, and more around it" if other.why_not.startswith("cheaper") else ""
    return text
