"""The sliding-window unit against NumPy, over images of every shape."""

# No postponed annotations: those of a kernel inside a function use the function's variables.

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.kernels.references import random, signs, windows
from tests.kernels.rungs import Logged, check

from bitfold import customize
from bitfold.diagnostics import UsageError
from bitfold.ir.nodes import For, walk
from bitfold.kernels.dense import matrix_threshold
from bitfold.kernels.window import sliding_window
from bitfold.lang import Int, IntType, bit, empty, int8, int16, uint8


@dataclass(frozen=True)
class Case:
    elem: IntType
    height: int
    width: int
    channels: int
    kernel: int
    stride: int = 1
    pad: int = 0
    value: int = 0

    def make(self):
        return sliding_window(
            self.elem, self.height, self.width, self.kernel, self.stride, self.pad, self.value
        )

    def arrays(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """An image [pixels, channels], and its windows."""
        image = random(np.random.default_rng(seed), self.elem, self.height, self.width, self.channels)
        rows = windows(image, self.kernel, self.stride, self.pad, self.value)
        return image.reshape(-1, self.channels), rows


@st.composite
def cases(draw: st.DrawFn) -> Case:
    elem = draw(st.sampled_from([bit, uint8, int8, Int(5)]))
    kernel = draw(st.integers(1, 4))
    pad = draw(st.integers(0, kernel - 1))
    least = max(1, kernel - 2 * pad)
    height, width = draw(st.integers(least, 9)), draw(st.integers(least, 9))
    value = draw(st.sampled_from([0, elem.low, elem.high]))
    return Case(elem, height, width, draw(st.integers(1, 3)), kernel, draw(st.integers(1, 4)), pad, value)


@settings(max_examples=15)
@given(cases(), st.integers(0, 99))
@example(Case(bit, 5, 7, 2, 3), 0)
@example(Case(bit, 5, 5, 1, 3, pad=1, value=0), 1)
@example(Case(bit, 4, 6, 3, 3, pad=1, value=1), 2)
@example(Case(bit, 7, 4, 65, 1), 3)
@example(Case(uint8, 9, 8, 1, 2, stride=2), 4)
@example(Case(int8, 8, 9, 2, 3, stride=3, pad=2, value=-128), 5)
@example(Case(bit, 9, 9, 2, 1, stride=4), 6)  # a row takes longer to come in than to go out
@example(Case(bit, 6, 3, 2, 3, stride=2), 7)  # the last row belongs to no window
def test_every_window_is_a_row(case: Case, seed: int) -> None:
    x, y = case.arrays(seed)
    check(case.make(), [x], y, C=case.channels, N=y.shape[1])


@settings(max_examples=15)
@given(cases())
@example(Case(bit, 6, 6, 2, 3))
@example(Case(bit, 9, 9, 1, 1, stride=4))
def test_pixels_come_and_go_once_and_in_order(case: Case) -> None:
    x, y = (Logged(a) for a in case.arrays(0))
    case.make()(x, y)
    assert x.read == x.in_order
    assert y.written == y.in_order


def test_its_nest_does_a_pixel_in_each_iteration() -> None:
    """As many iterations as pixels go out, and those of three rows until the first windows are in."""
    schedule = customize(sliding_window(bit, 32, 32, 3), C=64, N=9 * 64)
    loops = [s for s in walk(schedule.function.body) if isinstance(s, For)]
    assert [(loop.var, loop.trips) for loop in loops] == [
        ("r", 33),
        ("oc", 30),
        ("ky", 3),
        ("kx", 3),
        ("c", 64),
    ]


@pytest.mark.parametrize("pad", [0, 1])
def test_with_a_matrix_layer_it_is_a_convolution(pad: int) -> None:
    H, W, C, M = 6, 5, 3, 4
    rng = np.random.default_rng(pad)
    image, weights = random(rng, bit, H, W, C), random(rng, bit, M, 3, 3, C)
    rows, columns = H + 2 * pad - 2, W + 2 * pad - 2
    padded = np.full((H + 2 * pad, W + 2 * pad, C), -1)
    padded[pad : pad + H, pad : pad + W] = signs(image)
    dot = np.zeros((rows, columns, M), np.int64)
    for ky, kx in np.ndindex(3, 3):
        dot += padded[ky : ky + rows, kx : kx + columns] @ signs(weights[:, ky, kx]).T
    t = rng.integers(9, 18, M, np.int16)
    expected = (dot + 9 * C) // 2 >= t

    window = sliding_window(bit, H, W, 3, pad=pad)

    def convolution(x: bit[H * W, C], w: bit[M, 9 * C], t: int16[M], y: bit[rows * columns, M]):
        lowered = empty(bit[rows * columns, 9 * C])
        window(x, lowered)
        matrix_threshold(lowered, w, t, y)

    check(
        convolution,
        [image.reshape(-1, C), weights.reshape(M, -1), t],
        expected.reshape(-1, M).astype(np.uint8),
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"height": 0}, "no window of 3 pixels and stride 1 slides over 0 x 8 pixels"),
        ({"stride": 0}, "no window of 3 pixels and stride 0"),
        ({"height": 2}, "a window of 3 pixels does not fit into 2 x 8 pixels padded by 0"),
        ({"pad": 3}, "3 padded pixels around an image"),
        ({"pad": -1}, "-1 padded pixels around an image"),
        ({"pad": 1, "pad_value": -1}, "pad_value -1 is outside bit, which holds 0..1"),
    ],
)
def test_geometry_that_makes_no_windows_is_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        sliding_window(bit, **{"height": 8, "width": 8, "kernel": 3, **wrong})
    assert message in caught.value.message
    assert caught.value.remedy
