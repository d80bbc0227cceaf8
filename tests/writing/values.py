"""Random values of every type, with those at the ends of its range more often than not."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from bitfold.lang import FixedType, FloatType
from bitfold.lang.types import ElementType


def random_values(elem: ElementType, count: int, rng: random.Random) -> list[Any]:
    if isinstance(elem, FloatType):
        return [elem.wrap(random_float(elem, rng)) for _ in range(count)]
    corners = [elem.low, elem.high, 0, elem.wrap(1), elem.wrap(-1)]
    return [
        rng.choice(corners) if rng.random() < 0.3 else rng.randint(elem.low, elem.high) for _ in range(count)
    ]


def random_float(elem: FloatType, rng: random.Random) -> float:
    """A float of any size; zeros of both signs, infinities, nan, and the ends of the range are common."""
    limits = np.finfo(elem.storage)
    ends = [limits.max, limits.smallest_normal, limits.smallest_subnormal, limits.eps]
    corners = [0.0, -0.0, 1.0, math.inf, math.nan, *map(float, ends)]
    form = rng.random()
    if form < 0.25:
        return rng.choice([1, -1]) * rng.choice(corners)
    if form < 0.6:
        return rng.choice([rng.randint(-300, 300) / 4, rng.gauss(0, 1)])
    return rng.choice([1, -1]) * rng.random() * 2.0 ** rng.randint(*_EXPONENTS[elem.width])


_EXPONENTS = {16: (-26, 16), 32: (-150, 128), 64: (-1074, 1023)}


def random_array(elem: ElementType | FixedType, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """An array of `elem.storage` dtype with random values that `elem` holds."""
    if isinstance(elem, FixedType):
        return elem.decode(random_array(elem.raw, shape, seed))
    values = np.empty(int(np.prod(shape)), elem.storage)
    values[:] = random_values(elem, values.size, random.Random(seed))
    return values.reshape(shape)
