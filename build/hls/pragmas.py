"""HLS directives from the schedule's attributes, without the leading `#pragma HLS`."""

from __future__ import annotations

from collections.abc import Sequence

from bitfold.build.hls import module as mlir
from bitfold.diagnostics import BuildError
from bitfold.lang.layouts import Partition, PartitionSpec
from bitfold.lowering.mlir import ir


def array_pragmas(name: str, layout: Sequence[PartitionSpec]) -> list[str]:
    """ARRAY_PARTITION for each partitioned dimension of an array."""
    found = []
    for spec in layout:
        if spec.kind is Partition.COMPLETE:
            found.append(f"ARRAY_PARTITION variable={name} complete dim={spec.dim}")
        elif spec.factor > 1:
            how = f"{spec.kind.value} factor={spec.factor} dim={spec.dim}"
            found.append(f"ARRAY_PARTITION variable={name} {how}")
    return found


def memory_pragmas(name: str, kind: str, memory: str) -> list[str]:
    """BIND_STORAGE of an array, where the schedule says what holds it; `kind` is "ram" or "rom".

    A constant has one port (as FINN's weight memories); what is written while it is read has two.
    """
    if not memory:
        return []
    type = "rom_1p" if kind == "rom" else "ram_2p"
    return [f"BIND_STORAGE variable={name} type={type} impl={memory}"]


def is_in_registers(dims: Sequence[int], layout: Sequence[PartitionSpec]) -> bool:
    """Whether every element has a register or port of its own."""
    split = {p.dim for p in layout if p.kind is Partition.COMPLETE or p.factor >= dims[p.dim - 1]}
    return all(d in split or size == 1 for d, size in enumerate(dims, 1))


def loop_pragmas(nest: Sequence[ir.Operation]) -> list[str]:
    """PIPELINE and UNROLL of a loop, or of a nest that runs as one; LOOP_TRIPCOUNT where bounds vary."""
    found = []
    for loop in nest:
        if counts := mlir.trips(loop.attributes):
            known = (f"{k}={counts[k]}" for k in ("min", "max", "avg") if k in counts)
            found.append(" ".join(["LOOP_TRIPCOUNT", *known]))
    intervals = [mlir.number(loop.attributes, "bf.pipeline") for loop in nest]
    if interval := max(intervals):
        rewind = " rewind" if any("bf.rewind" in loop.attributes for loop in nest) else ""
        found.append(f"PIPELINE II={interval}{rewind}")
    unrolls = [mlir.number(loop.attributes, "bf.unroll") for loop in nest]
    if len(nest) > 1 and any(unrolls):
        raise BuildError(
            "a loop of a nest that runs as one pipeline cannot be unrolled",
            code="BF-B011",
            remedy="split the loop and unroll the inner part, below the pipelined loop",
        )
    if unrolls[0]:
        found.append("UNROLL" if unrolls[0] < 0 else f"UNROLL factor={unrolls[0]}")
    return found
