"""Accesses outside an array that no condition guards are refused, whatever the data; all others are not."""

from __future__ import annotations

import pytest
from tests.strategies import load

from bitfold import customize
from bitfold.diagnostics import LanguageError

REFUSED = {
    "for i in range(9):\n        y[i] = x[0]": "an index of 'y' is 8 when i = 8, outside of the 8 elements",
    "for i in range(8):\n        y[i] = x[i - 1]": "an index of 'x' is -1 when i = 0",
    "for i in range(6):\n        for j in range(4):\n            y[i] = x[i + j]": "is 8 when i = 5, j = 3",
    "for i in range(2):\n        for j in range(5):\n            y[i * 4 + j] = 1": "is 8 when i = 1, j = 4",
    "for i in range(7, -2, -1):\n        y[i] = 1": "an index of 'y' is -1",
    "for i in range(0, 9, 4):\n        y[7 - i] = 1": "is -1 when i = 8",
    "for i in range(9):\n        if x[i] > 0:\n            y[0] = 1": "an index of 'x' is 8",
    "for i in range(9):\n        y[0] = 1 if x[i] > 0 else 2": "an index of 'x' is 8",
    "for i in range(9):\n        y[0] = x[i] > 0 and x[0] > 0": "an index of 'x' is 8",
    "for i in range(9):\n        while x[i] > 0:\n            x[i] -= 1": "an index of 'x' is 8",
}
ACCEPTED = [
    "for i in range(9):\n        if i < 8:\n            y[i] = x[i]",
    "for i in range(9):\n        y[0] = x[i] if i < 8 else 0",
    "for i in range(9):\n        y[0] = i < 8 and x[i] > 0",
    "for i in range(9):\n        if i == 8:\n            break\n        y[i] = 1",
    "for i in range(9):\n        if i == 8:\n            continue\n        y[i] = 1",
    "for i in range(8):\n        for j in range(i, 8):\n            y[j - i] = x[j]",
    "for i in range(5, 2):\n        y[i + 9] = 1",
    "for i in range(9):\n        y[i % 8] = x[i // 2]",
    "for i in range(8):\n        y[2 * i - i] = x[7 - i]",
]


def kernel(body: str) -> object:
    return load(f"from bitfold.lang import *\n\ndef f(x: int8[8], y: int8[8]):\n    {body}\n")["f"]


@pytest.mark.parametrize("body", REFUSED)
def test_an_index_that_leaves_its_array_for_certain_is_refused(body: str) -> None:
    with pytest.raises(LanguageError) as caught:
        customize(kernel(body))
    assert caught.value.code == "BF-L019"
    assert REFUSED[body] in caught.value.message
    assert caught.value.span is not None


@pytest.mark.parametrize("body", ACCEPTED)
def test_an_index_under_a_condition_is_the_authors_affair(body: str) -> None:
    customize(kernel(body))
