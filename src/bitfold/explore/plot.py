"""A front as a plot: one self-contained SVG of the first two objectives, both on logarithmic axes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import floor, log10

from bitfold.explore.points import Job, Point

WIDTH, HEIGHT = 720, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 20, 40, 60
_LABELS = {
    "fps": "images per second",
    "latency": "latency in us",
    "lut": "LUTs",
    "bram": "BRAM36",
    "ff": "flip-flops",
    "uram": "UltraRAMs",
    "dsp": "DSP slices",
}


def plot(job: Job, points: Sequence[Point]) -> str:
    """The plot; each point says what it is when the pointer rests on it."""
    x, y = job.objectives[:2]
    xs, ys = [_value(p, x) for p in points], [_value(p, y) for p in points]
    across, along = _Axis(xs, _LEFT, WIDTH - _RIGHT), _Axis(ys, HEIGHT - _BOTTOM, _TOP)
    title = f"{job.network.upper()} on the {job.device.name}: {len(points)} designs that no other beats"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{WIDTH / 2:g}" y="22" text-anchor="middle" font-size="14">{escape(title)}</text>',
    ]
    for value, place in across.ticks():
        parts.append(_line(place, _TOP, place, HEIGHT - _BOTTOM))
        parts.append(_text(place, HEIGHT - _BOTTOM + 18, _number(value), "middle"))
    for value, place in along.ticks():
        parts.append(_line(_LEFT, place, WIDTH - _RIGHT, place))
        parts.append(_text(_LEFT - 6, place + 4, _number(value), "end"))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 16, _LABELS[x], "middle"))
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    turned = f'transform="rotate(-90 18 {middle:g})"'
    parts.append(f'<text x="18" y="{middle:g}" text-anchor="middle" {turned}>{_LABELS[y]}</text>')
    for point, a, b in zip(points, xs, ys, strict=True):
        parts.append(
            f'<circle cx="{across.place(a):.1f}" cy="{along.place(b):.1f}" r="3" fill="#1f5fa8">'
            f"<title>{escape(_said(point))}</title></circle>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _value(point: Point, objective: str) -> float:
    by_name = {"fps": point.fps, "latency": point.latency_us}
    return by_name[objective] if objective in by_name else point.goal(objective)


def _said(point: Point) -> str:
    folding = ", ".join(f"{name} {pe} x {simd}" for name, pe, simd in point.folding)
    takes = f"{point.lut:,} LUT, {point.bram36:g} BRAM36"
    return f"{point.fps:,.0f} FPS, {point.latency_us:,.2f} us, {takes}: {folding}"


class _Axis:
    """Values on a logarithmic axis; 0 stands at its start."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        positive = [v for v in values if v > 0] or [1.0]
        self.low = floor(log10(min(positive)) * 5) / 5 - (0.2 if min(values, default=1) <= 0 else 0)
        self.high = max(log10(max(positive)), self.low + 0.2)
        self.start, self.end = start, end

    def place(self, value: float) -> float:
        part = (log10(value) - self.low) / (self.high - self.low) if value > 0 else 0.0
        return self.start + part * (self.end - self.start)

    def ticks(self) -> list[tuple[float, float]]:
        """1, 2 and 5 times the powers of ten in range, fewer where the range is long."""
        steps = (1.0, 2.0, 5.0) if self.high - self.low < 3 else (1.0,)
        powers = range(floor(self.low), floor(self.high) + 1)
        values = [step * 10.0**power for power in powers for step in steps]
        return [(v, self.place(v)) for v in values if self.low <= log10(v) <= self.high]


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _number(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
