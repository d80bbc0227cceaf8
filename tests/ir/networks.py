"""Process networks that the tests of every rung run."""

from __future__ import annotations

from bitfold.lang import Int, Stream, empty, full, int8, int16, stream, uint8


def twice(x: int8[6], c: Stream[int8, 4]):
    for i in range(6):
        c.put(x[i] * 2)


def pairs(c: Stream[int8, 4], y: int16[3]):
    for i in range(3):
        y[i] = c.get() - c.get()


def chain(x: int8[6], y: int16[3]):
    """Producer and consumer; elements wrap on their way."""
    c: Stream[int8, 4] = empty(Stream[int8, 4])
    twice(x, c)
    pairs(c, y)


def positive(x: int8[6], c: Stream[int8]):
    for i in range(6):
        if x[i] > 0:
            c.put(x[i])
    c.put(-1)


def until_negative(c: Stream[int8], y: int16[6]):
    going: uint8 = 1
    for i in range(7):
        if going:
            v: int8 = c.get()
            if v < 0:
                going = 0
            else:
                y[i] = v


def filtered(x: int8[6], y: int16[6]):
    """Counts that depend on data."""
    c = empty(Stream[int8])
    positive(x, c)
    until_negative(c, y)


def spread(x: int8[6], c: Stream[Int(5), 2][3]):
    for i in range(6):
        c[i % 3].put(x[i])


def middle(c: Stream[Int(5)][3], a: Stream[int8], b: Stream[int16]):
    for i in range(2):
        for j in range(3):
            v: Int(5) = c[j].get()
            if j == 1:
                a.put(v)
            else:
                b.put(v * 100)


def merge(a: Stream[int8], b: Stream[int16], y: int16[6]):
    for i in range(6):
        if i % 3 == 1:
            y[i] = a.get()
        else:
            y[i] = b.get()


def fanned(x: int8[6], y: int16[6]):
    """An array of streams, then a fork and a join."""
    c = empty(Stream[Int(5), 2][3])
    a = empty(Stream[int8, 1])
    b = empty(Stream[int16, 2])
    spread(x, c)
    middle(c, a, b)
    merge(a, b, y)


def widen(x: Int(130)[4], c: Stream[Int(130), 1]):
    for i in range(4):
        c.put(x[i] * 3)


def narrow(c: Stream[Int(130)], y: Int(130)[4], n: uint8[1]):
    for i in range(4):
        v: Int(130) = c.get()
        y[i] = v - 1
        if v < 0:
            n[0] += 1


def wide(x: Int(130)[4], y: Int(130)[4], n: uint8[1]):
    """Elements wider than any machine word."""
    c = empty(Stream[Int(130), 1])
    widen(x, c)
    narrow(c, y, n)


def total(x: int8[6], back: Stream[int16], out: Stream[int16]):
    out.put(0)
    for i in range(6):
        so_far: int16 = back.get()
        out.put(so_far + x[i])


def record(back: Stream[int16], out: Stream[int16], y: int16[6]):
    first: int16 = out.get()
    back.put(first)
    for i in range(6):
        v: int16 = out.get()
        y[i] = v
        if i < 5:
            back.put(v)


def feedback(x: int8[6], y: int16[6]):
    """A cycle: what comes out goes in again."""
    back = empty(Stream[int16, 1])
    out = empty(Stream[int16, 1])
    total(x, back, out)
    record(back, out, y)


def fork(x: int8[6], a: Stream[int8], b: Stream[int8]):
    for i in range(6):
        a.put(x[i])
    for i in range(6):
        b.put(x[i])


def join(a: Stream[int8], b: Stream[int8], y: int16[6]):
    for i in range(6):
        y[i] = a.get() * 3 - b.get()


def shallow(x: int8[6], y: int16[6]):
    a = empty(Stream[int8, 2])
    b = empty(Stream[int8, 2])
    fork(x, a, b)
    join(a, b, y)


def deep(x: int8[6], y: int16[6]):
    """A fork and join with the depth that a report of `shallow` names."""
    a = empty(Stream[int8, 5])
    b = empty(Stream[int8, 2])
    fork(x, a, b)
    join(a, b, y)


def negate(t: int16[6], y: int16[6], c: Stream[int8]):
    for i in range(6):
        y[i] = c.get() - t[i]


def keep(x: int8[6], t: int16[6], c: Stream[int8]):
    for i in range(6):
        t[5 - i] = x[i]
        c.put(x[i])


def with_array(x: int8[6], y: int16[6]):
    """A local array beside the stream: its reader starts when its writer is over."""
    t = empty(int16[6])
    c = empty(Stream[int8, 6])
    keep(x, t, c)
    negate(t, y, c)


def some(x: int8[6], t: int16[6], c: Stream[int8]):
    for i in range(6):
        if x[i] > 0:
            t[5 - i] += x[i]
        c.put(x[i])


def with_filled_array(x: int8[6], y: int16[6]):
    """The same with an array that must hold its first values again in each call."""
    t = full(int16[6], -3)
    c = empty(Stream[int8, 6])
    some(x, t, c)
    negate(t, y, c)


def put_all(x: int8[6] @ stream, c: Stream[int8]):
    for i in range(6):
        c.put(x.get())


def get_all(c: Stream[int8], y: int16[6] @ stream):
    for i in range(6):
        y.put(c.get() + 1)


def step(c: Stream[int8], d: Stream[int8]):
    v: int8 = c.get()
    d.put(v ^ 3)


def steps(c: Stream[int8], d: Stream[int8]):
    for i in range(6):
        step(c, d)


def streamed(x: int8[6] @ stream, y: int16[6] @ stream):
    """Streamed parameters of the top, and a kernel that leaves its streams to another."""
    c = empty(Stream[int8])
    d = empty(Stream[int8])
    put_all(x, c)
    steps(c, d)
    get_all(d, y)


def fork_some(x: int8[6], a: Stream[int8], b: Stream[int8]):
    for i in range(6):
        if x[i] > 0:
            a.put(x[i])
        else:
            a.put(-x[i] - 1)
            b.put(1)
    for i in range(6):
        if x[i] > 0:
            b.put(2)


def crossed(x: int8[6], y: int16[6]):
    """A fork and join whose turns depend on data."""
    a = empty(Stream[int8, 5])
    b = empty(Stream[int8, 1])
    fork_some(x, a, b)
    join(a, b, y)


FEED_FORWARD = (chain, filtered, fanned, wide, deep, with_array, streamed, crossed)
