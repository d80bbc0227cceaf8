"""Kernels that must be refused, written with « and » around what the caret must underline."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from tests.strategies import load

from bitfold.diagnostics import BitfoldError
from bitfold.frontend import parse

HEAD = """\
import numpy as np

from bitfold.lang import *

"""
PARAMETERS = "x: uint8[4], y: int16[4, 2], z: bit[8]"


def in_kernel(body: str) -> str:
    """A file whose `kernel` has this body and the arrays x: uint8[4], y: int16[4, 2] and z: bit[8]."""
    return f"{HEAD}def kernel({PARAMETERS}):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"


def check_refused(marked: str, *words: str, error: type[BitfoldError] = BitfoldError, **dims: Any) -> str:
    """Parse `kernel` of a marked source file; its error must point where the marks are.

    The rendered error must say file:line:col, show the line with a caret under all that is marked (under its
    first character where it ends on a later line), contain every one of `words`, and offer a remedy.
    """
    before, _, rest = marked.partition("«")
    target, found, after = rest.partition("»")
    assert found, "nothing is marked"
    namespace = load(before + target + after)
    kernel = namespace["kernel"]
    with pytest.raises(error) as caught:
        parse(kernel, **dims)
    text = str(caught.value)
    head, *shown = text.splitlines()
    line, col = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    place = f"{kernel.__code__.co_filename}:{line}:{col + 1}"
    assert head.startswith(f"{place}: error[{caught.value.code}]: "), text
    source = (before + target + after).splitlines()[line - 1]
    width = len(target) if "\n" not in target else 1
    number = f" {line} | "
    assert shown[0] == number + source, text
    assert shown[1] == " " * (len(number) - 2) + "| " + " " * col + "^" * width, text
    assert shown[-1].startswith("help: "), text
    for word in words:
        assert word in text, f"{word!r} is not in\n{text}"
    return text
