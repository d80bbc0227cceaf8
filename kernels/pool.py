"""Max pooling of bits, which is a Boolean OR."""

from collections.abc import Callable

from bitfold.diagnostics import UsageError
from bitfold.lang import bit, empty


def or_pool(height: int, width: int, size: int = 2) -> Callable[..., None]:
    """A kernel `pool(x: bit[P, C], y: bit[Q, C])`: the OR of each block of size * size pixels, per channel.

    P = height * width pixels in row-major order; Q = OH * OW blocks likewise, where OH = height // size. Rows
    and columns that fill no block are read and dropped. The largest of -1 and +1 is the OR of their bits:
    FINN (FPGA 2017) on max pooling.

    An iteration of r and i takes in one pixel; one goes out when a block's last pixel has come in. Each
    element of x is read once and each of y written once, in row-major order. `across` holds the OR of a
    block's pixels in this row, so the buffer of a row of blocks is used only once per `size` pixels.

    Raises:
        UsageError: a size below 1, or blocks larger than the image.
    """
    if size < 1 or min(height, width) < size:
        raise UsageError(
            f"no block of {size} x {size} pixels is in {height} x {width} pixels",
            code="BF-U015",
            remedy="pool by a size of at least 1 and at most the image's",
        )
    rows, columns = height // size, width // size

    def pool(x: bit[height * width, "C"], y: bit[rows * columns, "C"]):
        _, C = x.shape
        across = empty(bit[C])
        above = empty(bit[columns, C])
        for r in range(height):
            for i in range(width):
                for c in range(C):
                    across[c] = x[r * width + i, c] | (across[c] if i % size > 0 else 0)
                    if i % size == size - 1:
                        above[i // size, c] = across[c] | (above[i // size, c] if r % size > 0 else 0)
                        if r % size == size - 1:
                            y[r // size * columns + i // size, c] = above[i // size, c]

    return pool
