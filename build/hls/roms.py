"""Constant arrays as initializers in a C++ header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bitfold.build.hls.ccode import ap
from bitfold.build.hls.reals import real_literal
from bitfold.lang.types import FloatType, IntType
from bitfold.lowering.to_mlir import RomData

_LONGEST = 110


@dataclass(frozen=True)
class RomText:
    """What the weights.h template needs of a constant; `text` is its initializer, `about` a comment."""

    name: str
    type: str
    dims: str
    about: str
    text: str


def rom_texts(roms: Sequence[RomData], names: Mapping[str, str]) -> list[RomText]:
    """The constants of a module, named by `names`."""
    return [
        RomText(
            names[rom.symbol],
            str(ap(rom.type.elem)),
            "".join(f"[{d}]" for d in rom.type.dims),
            _about(rom),
            "\n".join(_rows(_words(rom), rom.type.dims, "")),
        )
        for rom in roms
    ]


def initializer(rom: RomData) -> list[str]:
    """The lines of the initializer of an array that is declared as one, which no macro fills."""
    return _rows(_words(rom, 'ap_uint<{width}>("{digits}", 16)'), rom.type.dims, "")


def _about(rom: RomData) -> str:
    shape = " x ".join(map(str, rom.type.dims))
    packed = f", {rom.type.lanes_of} lanes to a row" if rom.type.lanes_of else ""
    return f"{rom.source} for {rom.function}: {shape} of {rom.type.elem}{packed}"


def _words(rom: RomData, wide: str = 'BITFOLD_HEX({width}, "{digits}")') -> list[str]:
    """Each word as a C++ literal: packed ones in hexadecimal, numbers in decimal, above 64 bits `wide`."""
    values = rom.words.reshape(-1).tolist()
    elem = rom.type.elem
    if isinstance(elem, FloatType):
        return [real_literal(v, FloatType(max(32, elem.width))) for v in values]
    if elem.width > 64:
        mask = (1 << elem.width) - 1
        return [wide.format(width=elem.width, digits=f"{v & mask:x}") for v in values]
    if not elem.signed and elem.width > 8:
        digits, suffix = -(-elem.width // 4), "ULL" if elem.width > 32 else "U"
        return [f"0x{v:0{digits}x}{suffix}" for v in values]
    return [_decimal(v, elem) for v in values]


def _decimal(value: int, elem: IntType) -> str:
    if elem.width <= 31:
        return str(value)
    if value == -(1 << 63):
        return "-9223372036854775807LL - 1"
    return f"{value}{'LL' if elem.signed else 'ULL'}"


def _rows(words: list[str], dims: Sequence[int], indent: str) -> list[str]:
    """The initializer of an array, with lines of at most 110 characters."""
    if len(dims) > 1:
        step = len(words) // dims[0]
        lines = [f"{indent}{{"]
        for i in range(dims[0]):
            inner = _rows(words[i * step : (i + 1) * step], dims[1:], indent + "  ")
            lines += [*inner[:-1], inner[-1] + ","]
        return [*lines, f"{indent}}}"]
    line = f"{indent}{{{', '.join(words)}}}"
    if len(line) < _LONGEST:
        return [line]
    lines, current = [f"{indent}{{"], ""
    for word in words:
        if current and len(indent) + len(current) + len(word) + 4 > _LONGEST:
            lines.append(f"{indent}  {current}")
            current = ""
        current += f"{' ' if current else ''}{word},"
    return [*lines, f"{indent}  {current}", f"{indent}}}"]
