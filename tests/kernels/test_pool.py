"""Max pooling of bits against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.kernels.references import pooled
from tests.kernels.rungs import Logged, check

from bitfold.diagnostics import UsageError
from bitfold.kernels.pool import or_pool


def sparse(height: int, width: int, channels: int, seed: int) -> np.ndarray:
    """Mostly 0, so that blocks differ."""
    return np.random.default_rng(seed).binomial(1, 0.2, (height, width, channels)).astype(np.uint8)


@settings(max_examples=15)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
@example(4, 4, 65, 2, 0)
@example(5, 7, 1, 2, 1)  # a row and a column are dropped
@example(8, 5, 2, 3, 2)
@example(3, 4, 2, 1, 3)
def test_a_block_is_the_or_of_its_pixels(
    height: int, width: int, channels: int, size: int, seed: int
) -> None:
    assume(min(height, width) >= size)
    image = sparse(height, width, channels, seed)
    check(or_pool(height, width, size), [image.reshape(-1, channels)], pooled(image, size), C=channels)


@pytest.mark.parametrize(("height", "width", "size"), [(4, 6, 2), (5, 7, 2), (7, 3, 3), (2, 3, 1)])
def test_pixels_come_and_go_once_and_in_order(height: int, width: int, size: int) -> None:
    image = sparse(height, width, 2, 0)
    x, y = Logged(image.reshape(-1, 2)), Logged(np.zeros_like(pooled(image, size)))
    or_pool(height, width, size)(x, y)
    assert x.read == x.in_order
    assert y.written == y.in_order


@pytest.mark.parametrize("arguments", [(4, 4, 0), (1, 4, 2), (4, 2, 3)])
def test_blocks_that_do_not_fit_are_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="no block of") as caught:
        or_pool(*arguments)
    assert caught.value.remedy
