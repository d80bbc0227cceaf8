"""The words of packed arrays, and their elements: see `ArrayType`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bitfold.lang.types import ArrayType, UInt, bit


def pack_words(values: np.ndarray, type: ArrayType) -> np.ndarray:
    """Logical values as the words of a packed `type`. Leading dimensions are kept."""
    width = type.part.width
    if type.part == bit:
        return pack_bits(values, type.lanes)
    stored = np.asarray(values).astype(np.uint64) & np.uint64((1 << width) - 1)
    bits = unpack_bits(stored[..., None], width, width)
    return pack_bits(bits.reshape(*bits.shape[:-2], -1), type.elem.width)


def unpack_words(words: np.ndarray, type: ArrayType) -> np.ndarray:
    """The inverse of `pack_words`, in the dtype of the elements."""
    width = type.part.width
    bits = unpack_bits(words, type.elem.width, type.lanes_of * width)
    if type.part == bit:
        return bits
    found = pack_bits(bits.reshape(*bits.shape[:-1], type.lanes_of, width), width)[..., 0]
    if type.part.signed:
        spare = 64 - width
        found = (found.astype(np.int64) << spare) >> spare
    return found.astype(type.part.storage)


def pack_bits(values: np.ndarray, lanes: int) -> np.ndarray:
    """Pack the innermost dimension of a 0/1 array, `lanes` to a word, bit e % lanes of word e // lanes.

    Returns words of the smallest unsigned dtype of at least `lanes` bits (Python ints above 64).
    """
    values = np.asarray(values)
    count = -(-values.shape[-1] // lanes)
    if lanes in (8, 16, 32, 64):  # whole bytes without gaps: pack straight into the words
        octets = np.packbits(values, axis=-1, bitorder="little")
        dense = np.zeros((*values.shape[:-1], count * (lanes // 8)), np.uint8)
        dense[..., : octets.shape[-1]] = octets
        return dense.view(np.dtype(f"<u{lanes // 8}")).astype(UInt(lanes).storage, copy=False)
    padded = np.zeros((*values.shape[:-1], count * lanes), np.uint8)
    padded[..., : values.shape[-1]] = values
    grouped = padded.reshape(*values.shape[:-1], count, lanes)
    storage = UInt(lanes).storage
    octets = np.packbits(grouped, axis=-1, bitorder="little")
    if not storage.hasobject:
        wide = np.zeros((*octets.shape[:-1], storage.itemsize), np.uint8)
        wide[..., : octets.shape[-1]] = octets
        return wide.view(storage.newbyteorder("<"))[..., 0].astype(storage, copy=False)
    flat = octets.reshape(-1, octets.shape[-1])
    words = np.empty(flat.shape[0], object)
    for i, row in enumerate(flat):
        words[i] = int.from_bytes(row.tobytes(), "little")
    return words.reshape(octets.shape[:-1])


def unpack_bits(words: np.ndarray, lanes: int, length: int) -> np.ndarray:
    """The inverse of `pack_bits`: a uint8 array of 0/1 whose innermost dimension has `length` elements."""
    octets = (lanes + 7) // 8
    if lanes in (8, 16, 32, 64):
        raw = np.ascontiguousarray(words, np.dtype(f"<u{octets}")).view(np.uint8)
    else:
        flat: Iterable[int] = (int(w) for w in np.asarray(words).reshape(-1))
        raw = np.frombuffer(b"".join(w.to_bytes(octets, "little") for w in flat), np.uint8)
    bits = np.unpackbits(raw.reshape(*np.shape(words), octets), axis=-1, bitorder="little")[..., :lanes]
    return bits.reshape(*np.shape(words)[:-1], np.shape(words)[-1] * lanes)[..., :length].copy()
