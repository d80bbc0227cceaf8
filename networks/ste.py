"""The trainable form of a binarized network, in PyTorch: the straight-through estimator.

Weights and activations are +1 and -1; behind each weight stands a latent float in -1..1. The gradient passes
both sign functions unchanged where their argument lies in -1..1 (Hubara et al., 2016).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bitfold.diagnostics import BuildError
from bitfold.networks.thresholds import BatchNorm, fold
from bitfold.networks.weights_io import Weights

EPSILON = 1e-5
"""Added to the variance by batch norm."""

Layer = dict[str, Any]
"""Tensors by name: w; of hidden layers also gamma, beta, mean, var."""


def pytorch() -> Any:
    """PyTorch, on one thread and deterministic.

    Raises:
        BuildError: it is not installed.
    """
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        message = "training needs PyTorch, which is not installed"
        raise BuildError(message, code="BF-B015", remedy="pip install 'bitfold[train]'") from None
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    return torch


class Latent:
    """Latent weights, batch norm parameters and running statistics of a network, by layer."""

    def __init__(self, torch: Any, layers: list[Layer]) -> None:
        self.torch = torch
        self.layers = layers

    def parameters(self) -> list[Any]:
        """The tensors that an optimizer changes."""
        return [t for layer in self.layers for t in layer.values() if t.requires_grad]

    def clip(self) -> None:
        """Keep latent weights in -1..1, where their gradient passes."""
        with self.torch.no_grad():
            for layer in self.layers:
                layer["w"].clamp_(-1, 1)

    def snapshot(self) -> list[Layer]:
        """A copy of everything trained, without gradients."""
        return [{name: t.detach().clone() for name, t in layer.items()} for layer in self.layers]

    def restore(self, saved: Sequence[Layer]) -> None:
        """Go back to a snapshot of a model of the same widths."""
        with self.torch.no_grad():
            for layer, old in zip(self.layers, saved, strict=True):
                for name, t in layer.items():
                    t.copy_(old[name])


class Model(Latent):
    """A fully connected network."""

    def __init__(self, torch: Any, dims: Sequence[int], generator: Any) -> None:
        super().__init__(torch, [])
        for fan_in, out in pairwise(dims):
            bound = math.sqrt(6 / (fan_in + out))
            w = (torch.rand(out, fan_in, generator=generator) * 2 - 1) * bound
            self.layers.append({"w": w.requires_grad_()})
        for layer, out in zip(self.layers[:-1], dims[1:], strict=False):
            layer["gamma"] = torch.ones(out).requires_grad_()
            layer["beta"] = torch.zeros(out).requires_grad_()
            layer["mean"] = torch.zeros(out)
            layer["var"] = torch.ones(out)

    def scores(self, x: Any, *, training: bool) -> Any:
        """Last-layer scores (N, classes), whole numbers, of inputs `x` (N, in) of +1 and -1."""
        for layer in self.layers[:-1]:
            total = x @ self._sign(layer["w"]).t()
            normed = self.torch.nn.functional.batch_norm(
                total,
                layer["mean"],
                layer["var"],
                weight=layer["gamma"],
                bias=layer["beta"],
                training=training,
                eps=EPSILON,
            )
            x = self._sign(normed)
        return x @ self._sign(self.layers[-1]["w"]).t()

    def _sign(self, value: Any) -> Any:
        """+1 where value >= 0, else -1; the gradient passes where value lies in -1..1."""
        passed = self.torch.nn.functional.hardtanh(value)
        sign = (value >= 0).to(value.dtype).mul_(2).sub_(1)
        return passed + (sign - passed).detach()


def folded(layers: Sequence[Layer]) -> Weights:
    """The integers of a model's snapshot."""
    values = [{name: t.numpy() for name, t in layer.items()} for layer in layers]
    norms = [BatchNorm(v["gamma"], v["beta"], v["mean"], v["var"], EPSILON) for v in values[:-1]]
    return fold([v["w"] for v in values], norms)
