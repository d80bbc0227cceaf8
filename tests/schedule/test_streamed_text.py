"""What typical layers look like between streams: programs and C++ that a user reads."""

# No postponed annotations: those of a kernel inside a function use the function's variables.

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bitfold import Schedule, customize
from bitfold.kernels.dense import binary_dense, matrix_threshold
from bitfold.kernels.pool import or_pool
from bitfold.kernels.window import sliding_window
from bitfold.lang import bit, empty
from bitfold.schedules.folding import fold, lane_by_lane

Golden = Callable[[str, str], None]


def constants(M: int, K: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(M * K).reshape(M, K).astype(np.uint8) % 3 % 2, np.arange(M, dtype=np.int16) + K // 2 - 1


def dense_network() -> Schedule:
    """Two layers, the second of which takes words of four bits where the first gives two."""
    w0, t0 = constants(8, 12)
    w1, t1 = constants(6, 8)

    def network(x: bit[12], y: bit[6]):
        h = empty(bit[8])
        binary_dense(x, w0, t0, h)
        binary_dense(h, w1, t1, y)

    s = customize(network)
    fold(s.at("binary_dense_0"), pe=2, simd=3)
    fold(s.at("binary_dense_1"), pe=3, simd=4)
    return s


def test_two_dense_layers(golden: Golden) -> None:
    golden("schedule/two_dense.py.txt", str(dense_network()))


def test_a_convolution(golden: Golden) -> None:
    w, t = constants(4, 24)
    window = sliding_window(bit, 4, 4, 2)

    def convolution(x: bit[16, 6], y: bit[9, 4]):
        h = empty(bit[9, 24])
        window(x, h)
        matrix_threshold(h, w, t, y)

    s = customize(convolution)
    lane_by_lane(s.at("window"), 3)
    fold(s.at("matrix_threshold"), pe=2, simd=6)
    golden("schedule/convolution.py.txt", str(s))


def test_a_pool(golden: Golden) -> None:
    s = customize(or_pool(4, 4), C=6)
    lane_by_lane(s, 6)
    golden("schedule/pool.py.txt", str(s))


def test_a_network_in_cpp(golden: Golden, tmp_path: Path) -> None:
    s = dense_network()
    s.at("binary_dense_1").bind("w", "lutram")
    s.dataflow()
    golden("hls/streamed_network.cpp", s.build(target="hls", project=tmp_path / "network").code)
