"""The trainable form of CNV, in PyTorch: as `ste.py`, with convolutions in bfloat16.

Pixels come in as (pixel - 128) / 128, which bfloat16 holds exactly. Sums of signs it rounds to 8 significant
bits; what is trained tolerates that, thresholds should not be shifted by it: in the end `with_exact_norms`
computes batch norm's statistics anew, in whole numbers. Batch norm has no scale here: a sign follows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from bitfold.networks import topology
from bitfold.networks.ste import EPSILON, Latent, Layer
from bitfold.networks.thresholds import BatchNorm, fold
from bitfold.networks.weights_io import Weights

_MOMENTUM = 0.1
_CHUNK = 250
"""Images at a time in exact statistics: about 60 MB of sums."""


class CnvModel(Latent):
    """CNV, of the widths given; the last layer has a trained `scale` of the scores."""

    def __init__(self, torch: Any, dims: Sequence[int], scale: float, generator: Any) -> None:
        super().__init__(torch, [])
        self._signs = _signs(torch)
        for k, (channels, out) in enumerate(pairwise(dims)):
            window = (topology.KERNEL,) * 2 if k < topology.CONVOLUTIONS else ()
            bound = math.sqrt(6 / (math.prod(window) * (channels + out)))
            w = (torch.rand(out, channels, *window, generator=generator) * 2 - 1) * bound
            if window:
                w = w.contiguous(memory_format=torch.channels_last)
            self.layers.append({"w": w.requires_grad_()})
        for layer, out in zip(self.layers[:-1], dims[1:], strict=False):
            layer["beta"] = torch.zeros(out).requires_grad_()
            layer["mean"] = torch.zeros(out)
            layer["var"] = torch.ones(out)
        self.layers[-1]["scale"] = torch.tensor(scale).requires_grad_()

    def parameters(self) -> list[Any]:
        """The tensors that an optimizer changes: the scale, all weights, all biases of batch norm."""
        by_name = [[layer[name] for layer in self.layers if name in layer] for name in ("scale", "w", "beta")]
        return [t for tensors in by_name for t in tensors]

    def scores(self, x: Any, *, training: bool, dtype: Any = None) -> Any:
        """Last-layer scores (N, classes), whole numbers, float32, of images `x`.

        Args:
            x: (N, 3, 32, 32), (pixel - 128) / 128.
            dtype: in which to multiply and sum; bfloat16 without.
        """
        dtype = dtype or self.torch.bfloat16
        sign, sign_of_weight = self._signs
        x = x.to(dtype)
        for k, layer in enumerate(self.layers[:-1]):
            total = _sums(self.torch, k, x, sign_of_weight(layer["w"], dtype))
            normed = self.torch.nn.functional.batch_norm(
                total,
                layer["mean"],
                layer["var"],
                weight=None,
                bias=layer["beta"],
                training=training,
                momentum=_MOMENTUM,
                eps=EPSILON,
            )
            x = sign(normed)
        last = sign_of_weight(self.layers[-1]["w"], dtype)
        return self.torch.nn.functional.linear(x.flatten(1), last).float()

    def logits(self, x: Any, *, training: bool) -> Any:
        """The scores times the trained scale."""
        return self.scores(x, training=training) * self.layers[-1]["scale"]


def _sums(torch: Any, k: int, x: Any, w: Any) -> Any:
    """What layer `k` sums, behind its pooling and in front of its batch norm."""
    if k >= topology.CONVOLUTIONS:
        return torch.nn.functional.linear(x.flatten(1), w)
    total = torch.nn.functional.conv2d(x, w)
    return torch.nn.functional.max_pool2d(total, 2) if k in topology.POOLED else total


@cache
def _signs(torch: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The sign of an activation, sign(y), and of a latent weight, sign(w, dtype): +1 and -1.

    Both take one pass over the data, which is why they are written out as functions of their own. The
    gradient passes an activation's where -1 < y < 1, a weight's always: latent weights are clipped.
    """

    class Sign(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, y: Any) -> Any:
            ctx.save_for_backward(y)
            return torch.copysign(torch.ones((), dtype=y.dtype), y)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            (y,) = ctx.saved_tensors
            return torch.ops.aten.hardtanh_backward(gradient, y, -1.0, 1.0)

    class SignOfWeight(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, w: Any, dtype: Any) -> Any:
            positive_zero = w + 0.0  # copysign takes -0.0 for negative, folding for >= 0
            return torch.copysign(torch.ones(()), positive_zero).to(dtype)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient.float(), None

    return Sign.apply, SignOfWeight.apply


def with_exact_norms(torch: Any, layers: Sequence[Layer], images: Any) -> list[Layer]:
    """A snapshot with batch norm's mean and variance over all `images`, float64, in place of running ones.

    Args:
        layers: a model's snapshot.
        images: int8 (N, 3, 32, 32), pixel - 128.

    Layer by layer: all images pass a layer before the statistics of the next are taken, so that these are
    the statistics of what the folded network sees. Sums are exact: whole numbers, or 128ths, in float32.
    """
    found = [dict(layer) for layer in layers]
    parts = [part.float() / topology.INPUT_ZERO for part in images.split(_CHUNK)]
    with torch.no_grad():
        for k, layer in enumerate(found[:-1]):
            w = (layer["w"] >= 0).float() * 2 - 1
            layer["mean"], layer["var"] = _statistics(torch, k, parts, w)
            tau = layer["mean"] - layer["beta"].double() * (layer["var"] + EPSILON).sqrt()
            for i, part in enumerate(parts):
                total = _sums(torch, k, _as_signs(part), w)
                parts[i] = total >= tau.view(1, -1, *(1,) * (total.ndim - 2))
    return found


def _statistics(torch: Any, k: int, parts: Sequence[Any], w: Any) -> tuple[Any, Any]:
    """Mean and variance by channel of all that layer `k` sums, float64."""
    count, total, squares = 0, torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for part in parts:
        sums = _sums(torch, k, _as_signs(part), w).double()
        over = [axis for axis in range(sums.ndim) if axis != 1]
        count += sums.numel() // sums.shape[1]
        total = total + sums.sum(over)
        squares = squares + sums.square().sum(over)
    mean = total / count
    return mean, squares / count - mean.square()


def _as_signs(x: Any) -> Any:
    """Bits, kept as bool, as +1.0 and -1.0; pixels as they are."""
    return x if x.is_floating_point() else x.float() * 2 - 1


def folded(layers: Sequence[Layer]) -> Weights:
    """The integers of a model's snapshot."""
    values = [{name: t.numpy() for name, t in layer.items()} for layer in layers]
    norms = [BatchNorm(np.ones_like(v["beta"]), v["beta"], v["mean"], v["var"], EPSILON) for v in values[:-1]]
    return fold([v["w"] for v in values], norms, topology.CNV)
