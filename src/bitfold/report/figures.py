"""The geometry of a report's figures, worked out from its content; templates/ draws them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from bitfold.report.published import DESIGNS, OPERATIONS, PORT_BYTES

Point = tuple[float, float]


@dataclass(frozen=True)
class Dot:
    """A design in the roofline plot; `align` is where its label stands, as SVG's text-anchor."""

    x: float
    y: float
    label: str
    own: bool
    align: str
    about: str

    @property
    def label_x(self) -> float:
        return self.x + (9 if self.align == "start" else -9)


@dataclass(frozen=True)
class Roof:
    """A roofline plot on log-log axes of `width` by `height` units, `left` and `base` where its axes are."""

    width: int
    height: int
    left: float
    right: float
    top: float
    base: float
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    line: str
    memory_at: Point | None
    compute_at: Point
    dots: tuple[Dot, ...]


def roof(found: dict[str, Any], width: int, height: int) -> Roof | None:
    """The plot of a report's content, with the paper's designs; None for a design without operations."""
    line = found["roofline"]
    if not line["operations_per_byte"]:
        return None
    peak, bandwidth = line["peak_ops_per_s"], line["memory_bytes_per_s"]
    designs = [
        (d.title, OPERATIONS[d.network] / PORT_BYTES[d.network], OPERATIONS[d.network] * d.fps, False)
        for d in DESIGNS
    ]
    own = (found["title"].split()[0], line["operations_per_byte"], line["ops_per_s"], True)
    every = [*designs, own]
    xs = [x for _, x, _, _ in every] + ([peak / bandwidth] if bandwidth else [])
    low_x, high_x = floor(log10(min(xs)) - 0.3), ceil(log10(max(xs)) + 0.15)
    ys = [y for _, _, y, _ in every]
    low_y, high_y = floor(log10(min(ys)) - 0.2), ceil(log10(max([*ys, peak])))
    left, right, top, base = 58.0, width - 14.0, 14.0, height - 44.0

    def at(x: float, y: float) -> Point:
        across = (log10(x) - low_x) / (high_x - low_x)
        up = (log10(y) - low_y) / (high_y - low_y)
        return round(left + across * (right - left), 1), round(base - up * (base - top), 1)

    corners: list[Point] = []
    memory_at = None
    if bandwidth:
        start = max(10.0**low_x, 10.0**low_y / bandwidth)
        corners.append(at(start, start * bandwidth))
        ridge = peak / bandwidth
        corners.append(at(ridge, peak))
        middle = (start * ridge) ** 0.5
        memory_at = at(middle, middle * bandwidth)
    else:
        corners.append(at(10.0**low_x, peak))
    corners.append(at(10.0**high_x, peak))
    dots = []
    for label, x, y, mine in every:
        px, py = at(x, y)
        align = "start" if not mine and px < right - 62 else "end"
        about = f"{label}: {tera(y)} at {x:,.0f} operations per byte"
        dots.append(Dot(px, py, label, mine, align, about))
    return Roof(
        width,
        height,
        left,
        right,
        top,
        base,
        tuple((at(10.0**e, 10.0**low_y)[0], decade(e)) for e in range(low_x, high_x + 1)),
        tuple((at(10.0**low_x, 10.0**e)[1], decade(e - 12)) for e in range(low_y, high_y + 1)),
        "M" + " L".join(f"{x:g},{y:g}" for x, y in corners),
        memory_at,
        at(10.0**high_x, peak),
        tuple(dots),
    )


def decade(exponent: int) -> str:
    """10^exponent, as an axis shows it."""
    return f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:.{-exponent}f}"


def tera(operations: float) -> str:
    """Operations per second in the unit that suits them."""
    for unit, size in (("TOPS", 1e12), ("GOPS", 1e9), ("MOPS", 1e6)):
        if operations >= size:
            return f"{operations / size:,.3g} {unit}"
    return f"{operations:,.3g} OPS"


@dataclass(frozen=True)
class Timeline:
    """Words in a stream over time: SVG paths in a box of `length` cycles by `depth` words."""

    name: str
    width: int
    depth: int
    high_water: int
    block: bool
    length: int
    band: str
    least: str


def timelines(simulated: dict[str, Any]) -> tuple[Timeline, ...]:
    """What each stream holds over the simulated time. Word 0 is at the bottom of the box."""
    found = []
    for fifo in simulated["fifos"]:
        envelope = fifo["envelope"]
        length = max(simulated["completed"][-1] + 1, envelope[-1][0] + 1)
        depth = max(fifo["depth"], fifo["high_water"], 1)
        found.append(
            Timeline(
                fifo["name"],
                fifo["width"],
                fifo["depth"],
                fifo["high_water"],
                fifo["block"],
                length,
                _steps([(t, depth - most) for t, _, most in envelope], length, depth),
                _steps([(t, depth - least) for t, least, _ in envelope], length, depth),
            )
        )
    return tuple(found)


def _steps(points: Sequence[tuple[int, int]], end: int, floor: int) -> str:
    """An area under a step function, as an SVG path; steps that change nothing are left out."""
    parts = [f"M{points[0][0]},{floor}V{points[0][1]}"]
    height = points[0][1]
    for t, y in points[1:]:
        if y != height:
            parts.append(f"H{t}V{y}")
            height = y
    return "".join(parts) + f"H{end}V{floor}Z"


@dataclass(frozen=True)
class Box:
    """A kernel in a diagram of a network that is no chain."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Wire:
    """A stream between two boxes: an SVG path, where its label stands, and where its tip is."""

    path: str
    label: str
    x: float
    y: float
    align: str
    end_x: float
    end_y: float


@dataclass(frozen=True)
class Graph:
    """A network that is no chain: kernels in ranks from top to bottom."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


BOX = (150, 40)
_PITCH = (190, 96)
_MARGIN = 150


def chain(found: dict[str, Any]) -> list[tuple[list[dict[str, Any]], dict[str, Any]]] | None:
    """The layers in order, each with the streams that lead to it; None when the network is no chain."""
    names = [layer["name"] for layer in found["layers"]]
    into: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for stream in found["streams"]:
        writers, readers = stream["from"], stream["to"]
        if len(writers) > 1 or len(readers) > 1:
            return None
        for reader in readers:
            before = names[names.index(reader) - 1] if names.index(reader) else None
            if (writers[0] if writers else None) != before:
                return None
            into[reader].append(stream)
        if writers and not readers and writers[0] != names[-1]:
            return None
    if len(names) != len(into):
        return None
    return [(into[layer["name"]], layer) for layer in found["layers"]]


def graph(found: dict[str, Any]) -> Graph:
    """The layers in ranks: one below all that it gets from, where they are called before it."""
    names = list(dict.fromkeys(layer["name"] for layer in found["layers"]))
    wires = [(s, w, r) for s in found["streams"] for w in s["from"] for r in s["to"] if w != r]
    rank = dict.fromkeys(names, 0)
    for name in names:
        earlier = [w for _, w, r in wires if r == name and names.index(w) < names.index(name)]
        rank[name] = max((rank[w] + 1 for w in earlier), default=0)
    rows = [[n for n in names if rank[n] == k] for k in range(max(rank.values()) + 1)]
    widest = max(len(row) for row in rows)
    places = dict(_places(rows, widest))
    drawn = []
    for n, (stream, writer, reader) in enumerate(wires):
        (x0, y0), (x1, y1) = places[writer], places[reader]
        down = rank[reader] == rank[writer] + 1
        start, end = (x0 + BOX[0] / 2, y0 + BOX[1]), (x1 + BOX[0] / 2, y1)
        bend = 0 if down else (BOX[0] / 2 + 45 + 12 * (n % 3)) * (1 if n % 2 else -1)
        middle = (start[1] + end[1]) / 2
        path = (
            f"M{start[0]:g},{start[1]:g}C{start[0] + bend:g},{start[1] + 30:g} "
            f"{end[0] + bend:g},{end[1] - 30:g} {end[0]:g},{end[1]:g}"
        )
        drawn.append(
            Wire(path, _label(stream), (start[0] + end[0]) / 2 + bend * 0.75, middle, _side(bend), *end)
        )
    width, height = widest * _PITCH[0] + 2 * _MARGIN, len(rows) * _PITCH[1]
    return Graph(width, height, tuple(Box(n, *places[n]) for n in names), tuple(drawn))


def _side(bend: float) -> str:
    """The side of its place on which a label stands, as SVG's text-anchor: away from the boxes."""
    return "start" if bend > 0 else "end" if bend < 0 else "middle"


def _places(rows: list[list[str]], widest: int) -> Iterator[tuple[str, Point]]:
    for k, row in enumerate(rows):
        offset = (widest - len(row)) * _PITCH[0] / 2 + _MARGIN + (_PITCH[0] - BOX[0]) / 2
        for n, name in enumerate(row):
            yield name, (offset + n * _PITCH[0], k * _PITCH[1] + 16)


def _label(stream: dict[str, Any]) -> str:
    if stream["depth"] is None:
        return f"{stream['name']} {stream['width']} bit, {stream['words']:,} words"
    return f"{stream['name']} {stream['width']} bit, depth {stream['depth']:,}"
