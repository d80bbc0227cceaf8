"""Structs under CPython: elements are read as they are and written field by field or whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bitfold.lang import Fixed, Struct, complete, empty, float32, int8, typed, uint8, zeros
from bitfold.lang.structs import Record

Point = Struct(x=int8, y=Fixed(8, 2), on=bool)


def test_a_type_names_its_fields():
    assert str(Point) == "Struct(x=int8, y=Fixed(8, 2), on=bit)"
    assert Point.names == ("x", "y", "on")
    assert Point.dtype == np.dtype([("x", np.int8), ("y", np.float64), ("on", np.uint8)])
    assert str(Point[3, "N"]) == 'Struct(x=int8, y=Fixed(8, 2), on=bit)[3, "N"]'
    assert str((Point[3] @ complete(1)).parts[0]) == "int8[3] @ complete(dim=1)"
    assert Struct(a=float32) == Struct(a=float32)


@pytest.mark.parametrize(
    ("fields", "message"), [({}, "at least one field"), ({"a": 3}, "a=int16"), ({"a": int8[2]}, "a number")]
)
def test_a_field_is_a_number(fields: dict[str, Any], message: str):
    with pytest.raises(TypeError, match=message):
        Struct(**fields)


def test_a_new_struct_wraps_its_fields():
    p = Point(x=200, y=0.9, on=3)
    assert (p.x, p.y, p.on) == (-56, 0.75, 1)
    assert repr(Struct(a=uint8)(a=257)) == "(a=1)"
    with pytest.raises(TypeError, match="each given by name"):
        Point(x=1, y=2)
    with pytest.raises(AttributeError, match="has no field 'z'"):
        _ = p.z
    with pytest.raises(AttributeError, match="make a new one"):
        p.x = 3  # type: ignore[misc]


def test_elements_are_read_as_they_are_and_written_in_place():
    memory = np.zeros(3, Point.dtype)
    array = typed(memory, Point)
    array[0] = Point(x=1, y=0.5, on=1)
    before = array[0]
    array[0].x = 130
    array[0].y += 0.3
    assert (before.x, array[0].x, array[0].y) == (1, -126, 0.75)
    array[1] = array[0]
    array[0].on = 0
    assert memory.tolist() == [(-126, 0.75, 0), (-126, 0.75, 1), (0, 0.0, 0)]
    assert (array.shape, array.ndim, len(array)) == ((3,), 1, 3)
    with pytest.raises(TypeError, match="an element of this array"):
        array[0] = Struct(x=int8)(x=1)
    with pytest.raises(TypeError, match="an element of this array"):
        array[0] = 3
    with pytest.raises(AttributeError, match="no field 'z'"):
        array[0].z = 3


def test_new_arrays_and_other_memory():
    assert zeros(Point[2])[1].y == 0
    assert empty(Point[2, 3]).shape == (2, 3)
    assert isinstance(zeros(Struct(wide=Fixed(90, 3))[1])[0], Record)
    records = np.zeros(2, Point.dtype).view(np.recarray)
    typed(records, Point)[1].x = 5
    assert records[1].x == 5
    with pytest.raises(TypeError, match="is held as dtype"):
        typed(np.zeros(2, [("x", np.int16)]), Point)
    with pytest.raises(TypeError, match="is held as dtype"):
        typed(np.zeros(2, np.int8), Point)
