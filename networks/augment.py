"""What training does to images so that no two epochs see the same ones, in PyTorch."""

from __future__ import annotations

import math
from typing import Any


def shifted(torch: Any, x: Any, reach: int, generator: Any) -> Any:
    """Each square image of `x` (N, side * side) moved by its own -reach..reach rows and columns.

    0 comes in at the edge.
    """
    if not reach:
        return x
    side = math.isqrt(x.shape[1])
    wide = side + 2 * reach
    padded = torch.nn.functional.pad(x.view(-1, side, side), (reach,) * 4).view(len(x), wide * wide)
    grid = (torch.arange(side)[:, None] * wide + torch.arange(side)).view(1, -1)
    move = torch.randint(0, 2 * reach + 1, (2, len(x), 1), generator=generator)
    return padded.gather(1, grid + move[0] * wide + move[1])


def shifted_and_flipped(torch: Any, x: Any, reach: int, generator: Any) -> Any:
    """Each image of `x` (N, channels, side, side) moved like `shifted`, and half of them mirrored.

    The image's own reflection comes in at the edge; reach < side. The result is float32, channels last in
    memory.
    """
    side = x.shape[-1]
    padded = torch.nn.functional.pad(x.float(), (reach,) * 4, mode="reflect")
    move = torch.randint(0, 2 * reach + 1, (2, len(x), 1), generator=generator)
    flip = torch.rand(len(x), generator=generator) < 0.5
    steps = torch.arange(side)
    rows = move[0] + steps
    columns = torch.where(flip[:, None], move[1] + side - 1 - steps, move[1] + steps)
    image = torch.arange(len(x))[:, None, None]
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
