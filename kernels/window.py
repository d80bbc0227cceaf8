"""The sliding-window unit: from a feature map to the rows of the matrix that a convolution multiplies."""

from collections.abc import Callable

from bitfold.diagnostics import UsageError
from bitfold.lang import IntType, empty, grid


def sliding_window(
    elem: IntType,
    height: int,
    width: int,
    kernel: int,
    stride: int = 1,
    pad: int = 0,
    pad_value: int = 0,
) -> Callable[..., None]:
    """A kernel `window(x: elem[P, C], y: elem[Q, N])` that lays out every window of an image as a row of y.

    P = height * width pixels in row-major order; Q = OH * OW windows likewise, where
    OH = (height + 2 * pad - kernel) // stride + 1; N = kernel * kernel * C:

        y[oy * OW + ox, (ky * kernel + kx) * C + c] = image[oy * stride + ky - pad, ox * stride + kx - pad, c]

    and `pad_value` outside the image (for a bit, 0 means -1). A matrix layer over the rows of y then is the
    convolution. This is FINN's sliding-window unit (FPGA 2017), with the channels innermost as there.

    A buffer holds kernel + 1 rows of the image, so that a row comes in while the windows of the rows before
    go out. Each element of x is read once and each of y written once, in row-major order. An iteration of r,
    oc, ky and kx takes in at most one pixel and gives out at most one.

    Raises:
        UsageError: a size below 1, a `pad` outside 0..kernel - 1, a kernel larger than the padded image, or a
            `pad_value` that `elem` does not have.
    """
    _check(elem, (height, width), kernel, stride, pad, pad_value)
    rows, columns = ((size + 2 * pad - kernel) // stride + 1 for size in (height, width))
    H, W, K, S = height, width, kernel, stride
    slots = K + 1
    first = K - pad  # the round in which the topmost windows go out: their last row came in before it
    last = first + (rows - 1) * S
    rounds = max(H, last + 1)
    steps = max(columns, -(-W // (K * K)))  # a row can take longer to come in than to go out

    def window(x: elem[H * W, "C"], y: elem[rows * columns, "N"]):
        _, C = x.shape
        lines = empty(elem[slots, W, C])  # row r of the image is in slot r % slots
        for r, oc, ky, kx in grid(rounds, steps, K, K):
            for c in range(C):
                if r < H and (oc * K + ky) * K + kx < W:
                    lines[r % slots, (oc * K + ky) * K + kx, c] = x[r * W + (oc * K + ky) * K + kx, c]
                if first <= r <= last and (r - first) % S == 0 and oc < columns:
                    y[(r - first) // S * columns + oc, (ky * K + kx) * C + c] = (
                        lines[(r + ky + 1) % slots, oc * S + kx - pad, c]  # row r - K + ky
                        if pad == 0 or (K <= r + ky < K + H and pad <= oc * S + kx < pad + W)
                        else pad_value
                    )

    return window


def _check(elem: IntType, image: tuple[int, int], kernel: int, stride: int, pad: int, pad_value: int) -> None:
    if min(*image, kernel, stride) < 1:
        raise UsageError(
            f"no window of {kernel} pixels and stride {stride} slides over {image[0]} x {image[1]} pixels",
            code="BF-U015",
            remedy="give sizes of at least 1",
        )
    if not 0 <= pad < kernel:
        raise UsageError(
            f"{pad} padded pixels around an image make windows of {kernel} without a pixel of the image",
            code="BF-U015",
            remedy=f"pad by 0..{kernel - 1}",
        )
    if min(image) + 2 * pad < kernel:
        raise UsageError(
            f"a window of {kernel} pixels does not fit into {image[0]} x {image[1]} pixels padded by {pad}",
            code="BF-U015",
            remedy="use a smaller kernel, or pad more",
        )
    if not elem.low <= pad_value <= elem.high:
        raise UsageError(
            f"pad_value {pad_value} is outside {elem}, which holds {elem.low}..{elem.high}",
            code="BF-U015",
            remedy="pad with a value of the image's type",
        )
