"""Random arguments for a program, the same for the same seed."""

from __future__ import annotations

import numpy as np

from bitfold.ir.nodes import Program
from bitfold.lang.types import ArrayType, FloatType


def samples(program: Program, count: int, seed: int = 0) -> list[np.ndarray]:
    """A logical array with `count` calls in front for each argument of the top kernel.

    Integers are spread evenly over all values that their type has, outputs too: a kernel need not write all
    of an array. Floats are of either sign and of sizes from 2**-8 to 2**8.
    """
    generator = np.random.default_rng(seed)
    return [p.decoded(_sample(p.type.logical, count, generator)) for p in program.arguments]


def _sample(type: ArrayType, count: int, generator: np.random.Generator) -> np.ndarray:
    shape = (count, *type.dims)
    elem = type.elem
    if isinstance(elem, FloatType):
        size = np.exp2(generator.uniform(-8, 8, shape))
        return (generator.choice((-1.0, 1.0), shape) * size).astype(elem.storage)
    if elem.width <= 64:
        dtype = np.int64 if elem.signed else np.uint64
        return generator.integers(elem.low, elem.high, shape, dtype, endpoint=True).astype(elem.storage)
    made = np.empty(int(np.prod(shape)), object)
    for i in range(made.size):
        made[i] = elem.wrap(int.from_bytes(generator.bytes(-(-elem.width // 8)), "little"))
    return made.reshape(shape)
