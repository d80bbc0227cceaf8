"""What stands between layers that hand each other streams: other word widths, copies, arrays."""

from collections.abc import Callable

from bitfold.diagnostics import UsageError
from bitfold.lang import ArrayType, IntType, UInt, bit, packed, stream
from bitfold.lang.types import covering


def width_converter(rows: int, bits: int, lanes_in: int, lanes_out: int) -> Callable[..., None]:
    """A kernel that passes on `rows` rows of `bits` bits, words of `lanes_in` bits as words of `lanes_out`.

        convert(x: UInt(lanes_in)[rows, words_in] @ packed(bits) @ stream,
                y: UInt(lanes_out)[rows, words_out] @ packed(bits) @ stream)

    Bit e of a row is bit e % lanes of word e // lanes, and what is left of a row's last word is 0; a word of
    one lane is a plain `bit`. Neither number of lanes need divide the other, nor `bits`. A row takes
    max(words_in, words_out) iterations of its loop, and one more where words grow and the row's last word
    both fills one and begins the next. Each iteration takes at most one word and gives at most one.

    Raises:
        UsageError: a size below 1.
    """
    if min(rows, bits, lanes_in, lanes_out) < 1:
        raise UsageError(
            f"{rows} rows of {bits} bits cannot be passed from {lanes_in} to {lanes_out} lanes",
            code="BF-U015",
            remedy="give sizes of at least 1",
        )
    source, target = (_words(rows, bits, lanes) for lanes in (lanes_in, lanes_out))
    if lanes_in % lanes_out == 0:
        return _cut(source, target)
    if lanes_out % lanes_in == 0:
        return _join(source, target)
    return _narrow(source, target) if lanes_in > lanes_out else _widen(source, target)


def _words(rows: int, bits: int, lanes: int) -> ArrayType:
    if lanes == 1:
        return bit[rows, bits] @ stream
    return UInt(lanes)[rows, -(-bits // lanes)] @ packed(bits) @ stream


def _cut(source: ArrayType, target: ArrayType) -> Callable[..., None]:
    """From words to parts of them."""
    rows, words = target.dims
    word, lanes = source.elem, target.elem.width
    part, parts = target.elem, source.elem.width // target.elem.width

    def convert(x: source, y: target):
        held: word = 0
        for r in range(rows):
            for n in range(words):
                if n % parts == 0:
                    held = x.get()
                y.put(part(held))
                held = held >> lanes

    return convert


def _join(source: ArrayType, target: ArrayType) -> Callable[..., None]:
    """From parts to the words they make; a part enters at the top and moves down."""
    rows, words = source.dims
    word, lanes = target.elem, source.elem.width
    part, parts = source.elem, target.elem.width // source.elem.width
    top = word.width - lanes
    missing = -words % parts * lanes  # bits of a row's last word that no part fills

    def convert(x: source, y: target):
        held: word = 0
        for r in range(rows):
            for n in range(words):
                taken: part = x.get()
                held = (held >> lanes) | (taken << top)
                if n % parts == parts - 1 or n == words - 1:
                    y.put(held >> missing if n == words - 1 else held)

    return convert


def _narrow(source: ArrayType, target: ArrayType) -> Callable[..., None]:
    """From words to narrower ones: an iteration gives a word, after it took one if too few bits were held."""
    rows, words = target.dims
    wide, part = source.elem, target.elem
    given, lanes = wide.width, part.width
    # Where the words taken end before the words given do, the last one is filled up with zeros.
    last_takes = -(-(words - 1) * lanes // given) < source.dims[1]
    store, counter, offset = _held(given, lanes)

    def convert(x: source, y: target):
        held: store = 0
        count: counter = 0
        for r in range(rows):
            for n in range(words):
                if count < lanes and (last_takes or n < words - 1):
                    taken: wide = x.get()
                    held = store(held | (taken << offset(count)))
                    count = counter(count + given)
                y.put(part(held))
                if n < words - 1:
                    held = held >> lanes
                    count = counter(count - lanes)
                else:  # what is left are unused bits
                    held = 0
                    count = 0

    return convert


def _widen(source: ArrayType, target: ArrayType) -> Callable[..., None]:
    """From words to wider ones: an iteration takes a word, and gives one when enough bits are held."""
    rows, words = source.dims
    part, wide = source.elem, target.elem
    given, lanes = part.width, wide.width
    filled, before = (n * given // lanes for n in (words, words - 1))  # words given by then
    steps = words + (before < filled < target.dims[1])
    store, counter, offset = _held(given, lanes)

    def convert(x: source, y: target):
        held: store = 0
        count: counter = 0
        for r in range(rows):
            for n in range(steps):
                if n < words:
                    taken: part = x.get()
                    held = store(held | (taken << offset(count)))
                    count = counter(count + given)
                if count >= lanes or n == steps - 1:
                    y.put(wide(held))
                if n == steps - 1:  # what is left are unused bits
                    held = 0
                    count = 0
                elif count >= lanes:
                    held = held >> lanes
                    count = counter(count - lanes)

    return convert


def _held(given: int, lanes: int) -> tuple[IntType, IntType, IntType]:
    """The types of what a converter holds, of how many bits that is, and of how many it is before a `get`.

    A word of `given` bits is taken only when fewer than `lanes` are held.
    """
    most = given + lanes - 1
    return UInt(most), covering(0, most), covering(0, lanes - 1)


def duplicator(elem: IntType, count: int) -> Callable[..., None]:
    """A kernel `duplicate(x, y, z)` on streams of type `elem[count] @ stream`: y and z are both x."""
    type = elem[count] @ stream

    def duplicate(x: type, y: type, z: type):
        for i in range(count):
            value: elem = x.get()
            y.put(value)
            z.put(value)

    return duplicate


def stream_reader(type: ArrayType) -> Callable[..., None]:
    """A kernel `read(x: type @ stream, y: type)` that stores a stream of 1 or 2 dimensions in an array.

    Raises:
        UsageError: an array type of more dimensions.
    """
    rows, columns = _shape(type)
    source = type.elem[type.shape] @ packed(type.lanes_of) @ stream

    if len(type.dims) == 1:

        def read(x: source, y: type):
            for i in range(columns):
                y[i] = x.get()

    else:

        def read(x: source, y: type):
            for r in range(rows):
                for i in range(columns):
                    y[r, i] = x.get()

    return read


def stream_writer(type: ArrayType) -> Callable[..., None]:
    """A kernel `write(x: type, y: type @ stream)` that gives out an array of 1 or 2 dimensions as a stream.

    Raises:
        UsageError: an array type of more dimensions.
    """
    rows, columns = _shape(type)
    target = type.elem[type.shape] @ packed(type.lanes_of) @ stream

    if len(type.dims) == 1:

        def write(x: type, y: target):
            for i in range(columns):
                y.put(x[i])

    else:

        def write(x: type, y: target):
            for r in range(rows):
                for i in range(columns):
                    y.put(x[r, i])

    return write


def _shape(type: ArrayType) -> tuple[int, int]:
    """Rows and columns; a type of one dimension is one row."""
    if len(type.dims) > 2:
        raise UsageError(
            f"{type} has {len(type.dims)} dimensions",
            code="BF-U015",
            remedy="give a type of one or two: pixels, channels",
        )
    return (*(1,) * (2 - len(type.dims)), *type.dims)
