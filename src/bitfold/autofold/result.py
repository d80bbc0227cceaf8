"""What automatic folding is asked for and what it found: plain data, for tables, JSON and reports."""

from __future__ import annotations

from dataclasses import dataclass

from bitfold.devices import Device
from bitfold.model.costs import Resources


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a folding must reach. With neither a rate nor a latency, or with `fastest`, the least interval.

    Attributes:
        fps: images per second at least, at the device's clock.
        latency_us: microseconds at most from an image's first cycle to its last, by the cycle model.
        fastest: the least interval that fits, and of that the least cost.
        budget: (resource, most of it) for resources named "lut", "ff", "bram36", "uram" and "dsp", of the
            program without the shell around it.
    """

    fps: float | None = None
    latency_us: float | None = None
    fastest: bool = False
    budget: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        parts = []
        if self.fps is not None:
            parts.append(f"at least {self.fps:,.12g} images/s")
        if self.latency_us is not None:
            parts.append(f"at most {self.latency_us:,.12g} us")
        if self.fastest:
            parts.append("as fast as it fits")
        parts += [f"at most {most:,.12g} {name}" for name, most in self.budget]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another folding of a layer and why it was not chosen; resources are those of the kernel alone."""

    pe: int
    simd: int
    cycles: int
    cost: Resources | None
    why_not: str


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """The folding of one matrix layer.

    Attributes:
        name: the kernel's name in the program, `kernel` what its author called it.
        cycles: for one image; `slack` is the fraction of the interval in which it has nothing to do.
        cost: of this kernel, counted in the whole program.
        legal: how many foldings divide the layer, `fast_enough` how many of these meet the interval.
        reason: why this one, in one sentence.
        alternatives: the nearest others: the cheapest that is slower, and one of the fast ones.
    """

    name: str
    kernel: str
    pe: int
    simd: int
    cycles: int
    slack: float
    cost: Resources
    legal: int
    fast_enough: int
    reason: str
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """A folding of a whole network, with the numbers of the program that it makes.

    Attributes:
        network: the name of the top kernel.
        layers: the matrix layers in order.
        cost: of the whole program without the shell; `fractions` of the device's counts, by resource.
        objective: what was made least: fraction of the device's LUTs plus fraction of its block RAMs.
        interval_cycles, latency_cycles, fps, latency_us: the cycle model's.
        bound: what sets the interval: a kernel's name.
        why: what bounds the whole design, in one sentence: the requirement, a layer or a resource.
        others: how many elements kernels that are no matrix layers take in a cycle, where that is not one.
        depths: words that channels hold beyond what the folding gives them, without which layers would wait
            for each other and miss the interval; found by simulation.
        evaluated: how many scheduled kernels and links were estimated.
        search_s: processor seconds of the search alone.
        seconds: until the network was folded: with its whole schedule, the simulation and the reasons.
    """

    network: str
    device: Device
    requirement: Requirement
    layers: tuple[LayerChoice, ...]
    cost: Resources
    fractions: dict[str, float]
    objective: float
    interval_cycles: int
    latency_cycles: int
    fps: float
    latency_us: float
    bound: str
    why: str
    others: tuple[tuple[str, int], ...] = ()
    depths: tuple[tuple[str, int], ...] = ()
    evaluated: int = 0
    search_s: float = 0.0
    seconds: float = 0.0

    @property
    def folding(self) -> dict[str, tuple[int, int]]:
        """(PE, SIMD) of each layer, as schedules/folding.py takes them; (1, elements) of other kernels."""
        layers = {layer.name: (layer.pe, layer.simd) for layer in self.layers}
        return layers | {name: (1, count) for name, count in self.others}
